"""The command `hone`: the program of the package, in the place of the Python process."""

import os
import sys


def main() -> None:
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "hone")
    os.environ.setdefault("HONE_PYTHON", sys.executable)  # for `hone compare --against`
    try:
        os.execv(program, ["hone", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"hone: cannot start {program}: {error.strerror}")


if __name__ == "__main__":
    main()
