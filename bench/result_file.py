"""bench/results/<date>-<cpu>-<what>.json: written whole after each cell, so that a run that ends early loses nothing."""

from __future__ import annotations

import json
import pathlib

from machine import ROOT, commit, cpu_slug, describe

RESULTS = ROOT / "bench/results"


def dump(data: dict) -> str:
    """JSON with one line per cell: a diff shows which were measured anew."""
    cells = data.get("cells", [])
    head = json.dumps({**data, "cells": []}, indent=1)
    lines = ",\n  ".join(json.dumps(cell) for cell in cells)
    return head.replace('"cells": []', f'"cells": [\n  {lines}\n ]') + "\n"


def of_kind(what: str, folder: pathlib.Path | None = None, cpu: str = "*") -> list[pathlib.Path]:
    """The files of a kind in `folder`, else in bench/results; oldest first."""
    return sorted((folder or RESULTS).glob(f"[0-9]*-{cpu}-{what}.json"))


class ResultFile:
    """`key`: the names of a cell's parts that tell it from others."""

    def __init__(self, what: str, key: tuple[str, ...], settings: dict, resume: bool):
        machine = describe()
        self.key = key
        self.path = RESULTS / f"{machine['date'][:10]}-{cpu_slug()}-{what}.json"
        self.data = {"what": what, "machine": machine, "settings": settings, "cells": []}
        for path in of_kind(what, cpu=cpu_slug()) if resume else []:
            data = json.loads(path.read_text())
            if "cells" in data:  # else of an earlier form
                self.path, self.data = path, {**data, "settings": settings}

    def has(self, cell: dict) -> bool:
        return any(self.same(cell, other) for other in self.data["cells"])

    def same(self, a: dict, b: dict) -> bool:
        return all(a[name] == b[name] for name in self.key)

    def put(self, cell: dict) -> None:
        """Replaces the cell of the same key. Each says at which commit it was measured."""
        self.put_all([cell])

    def put_all(self, new: list[dict]) -> None:
        here, cells = commit(), self.data["cells"]
        for cell in new:
            place = next((k for k, old in enumerate(cells) if self.same(old, cell)), len(cells))
            cells[place : place + 1] = [{**cell, "commit": here}]
        self.path.parent.mkdir(exist_ok=True)
        written = self.path.with_suffix(".new")
        written.write_text(dump(self.data))
        written.replace(self.path)
