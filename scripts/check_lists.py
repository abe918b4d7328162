#!/usr/bin/env python3
"""Checks that the lists of operators, passes and tactics name everything their folders define.

Something written and then forgotten in its list would compile, pass its own tests and never be used.
"""

from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# (list, folder, start of the line that defines an entry; group 1 is the name)
LISTS = [
    ("src/ops/op_list.cc", "src/ops", r"std::vector<OpDef> (\w+_ops)\("),
    ("src/passes/pipeline.cc", "src/passes", r"Result<bool> (\w+)\(Graph& *\w*\) *\{"),
    (
        "src/tactics/tactic_list.cc",
        "src/tactics",
        r"(?:std::unique_ptr<Tactic>|std::vector<std::unique_ptr<Tactic>>) (make_\w+)\(",
    ),
]
ANONYMOUS = re.compile(r"^namespace \{$.*?^\}  // namespace$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"//[^\n]*")


def definitions(folder: pathlib.Path, pattern: str, skip: pathlib.Path) -> dict[str, str]:
    """Name -> file of everything `pattern` finds outside anonymous namespaces and tests."""
    found = {}
    for path in sorted(folder.rglob("*.cc")):
        if path == skip or path.name.endswith("_test.cc"):
            continue
        text = ANONYMOUS.sub("", path.read_text())
        for name in re.findall("^" + pattern, text, re.MULTILINE):
            found[name] = str(path.relative_to(ROOT))
    return found


def main() -> int:
    errors, count = [], 0
    for name, folder, pattern in LISTS:
        path = ROOT / name
        if not path.exists():
            errors.append(f"{name}: missing")
            continue
        found = definitions(ROOT / folder, pattern, path)
        if not found:
            errors.append(
                f"{folder}: nothing found that {name} could list; is the pattern of this check old?"
            )
        listed = set(re.findall(r"\b\w+\b", COMMENT.sub("", path.read_text())))
        errors += [
            f"{file}: {entry} is not in {name}"
            for entry, file in found.items()
            if entry not in listed
        ]
        count += len(found)
    for line in errors:
        print(line)
    print(f"{count} list entries, {len(errors)} problems")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
