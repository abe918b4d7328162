#!/usr/bin/env python3
"""Checks that every module includes only what its hone_module line in CMakeLists.txt allows.

A file of a module may include its own headers, those of the modules it depends on (directly or not), and the public
ones (hone/...). Tests beside the source (x_test.cc, x_test_util.h) may also use what TEST_DEPS names.
"""

from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULE = re.compile(
    r"^\s*hone_module\(\s*(\w+)\s+(\S+?)(?:\s+DEPS\s+([\w\s]+?))?(?:\s+TEST_DEPS\s+([\w\s]+?))?\s*\)",
    re.MULTILINE,
)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SOURCES = {".cc", ".h", ".inc", ".cu", ".cuh"}


def read_modules(text: str) -> tuple[dict[str, str], dict[str, set[str]], dict[str, set[str]]]:
    """(module -> folder, module -> all modules it may use, itself included; the same for its tests)."""
    folders: dict[str, str] = {}
    allowed: dict[str, set[str]] = {}
    found = MODULE.findall(text)
    for name, folder, deps, _ in found:
        folders[name] = folder
        allowed[name] = {name}
        for dep in deps.split():
            if dep not in allowed:
                sys.exit(
                    f"CMakeLists.txt: module {name} depends on {dep}, which no line above it makes"
                )
            allowed[name] |= allowed[dep]
    in_tests = {
        name: allowed[name].union(*(allowed[dep] for dep in test_deps.split()))
        for name, _, _, test_deps in found
    }
    return folders, allowed, in_tests


def owner(path: str, folders: dict[str, str]) -> str | None:
    """The module with the longest folder that holds `path` (relative to the root)."""
    found = [name for name, folder in folders.items() if path.startswith(folder + "/")]
    return max(found, key=lambda name: len(folders[name]), default=None)


def check_file(path: pathlib.Path, module: str, folders: dict, allowed: dict) -> list[str]:
    errors = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match or match[1].startswith("hone/"):
            continue
        target = match[1]
        if (path.parent / target).exists():
            target = str((path.parent / target).resolve().relative_to(ROOT))
        else:
            target = "src/" + target
        used = owner(target, folders)
        where = f"{path.relative_to(ROOT)}:{number}"
        if used is None:
            errors.append(
                f'{where}: "{match[1]}" belongs to no module; libraries are included with <>'
            )
        elif used not in allowed[module]:
            errors.append(f'{where}: module {module} may not include "{match[1]}" of module {used}')
    return errors


def main() -> int:
    folders, allowed, in_tests = read_modules((ROOT / "CMakeLists.txt").read_text())
    if not folders:
        sys.exit("CMakeLists.txt: no hone_module line found")
    errors, count = [], 0
    for folder in sorted(set(folders.values())):
        for path in sorted((ROOT / folder).rglob("*")):
            module = owner(str(path.relative_to(ROOT)), folders)
            if path.suffix not in SOURCES or folders[module] != folder:
                continue
            count += 1
            is_test = "_test." in path.name or path.stem.endswith("_test_util")
            errors += check_file(path, module, folders, in_tests if is_test else allowed)
    for line in errors:
        print(line)
    print(f"{count} files in {len(folders)} modules, {len(errors)} forbidden includes")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
