#!/usr/bin/env python3
"""How long Hone takes to build a tuned plan, without and with a timing cache, and how large the plan is.

    python bench/build_time.py [--models bench|resnet50,bert] [--folder build/models] [--resume]

Each network is built twice through the command, for batch 1 and all CPUs: the first build fills an empty timing cache,
the second finds everything in it; both plans must be the same bytes. The plan's size is compared with the ONNX file's,
which is weights but for a few kB. Numbers: bench/results/<date>-<cpu>-build.json. Exit code 1 if the plans differ.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from machine import ROOT, cpus
from networks import BENCH
from peer_runners import onnx_shapes
from ratios import load_goals
from result_file import ResultFile
from workers import HONE, say


def build(
    model: pathlib.Path, shapes: str, scratch: pathlib.Path, name: str
) -> tuple[float, bytes]:
    """Seconds and the plan."""
    plan = scratch / name
    command = [HONE, "build", model, "-o", plan, "--timing-cache", scratch / "cache"]
    command += [word for kind in ("min", "opt", "max") for word in (f"--{kind}-shapes", shapes)]
    begin = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    return seconds, plan.read_bytes()


def measure(name: str, folder: pathlib.Path) -> dict:
    meta = json.loads((folder / "meta.json").read_text())
    shapes = ",".join(
        f"{port}:{'x'.join(map(str, shape))}" for port, shape in onnx_shapes(meta, 1).items()
    )
    model = folder / "model.onnx"
    with tempfile.TemporaryDirectory() as scratch:
        first, plan = build(model, shapes, pathlib.Path(scratch), "first.plan")
        second, again = build(model, shapes, pathlib.Path(scratch), "second.plan")
    return {
        "model": name,
        "threads": cpus(),
        "first_s": first,
        "cached_s": second,
        "same_bytes": plan == again,
        "plan_bytes": len(plan),
        "onnx_bytes": model.stat().st_size,
    }


def table(cells: list[dict], goals: dict) -> str:
    lines = [
        "| network | build s | with the cache s | same bytes | plan MB | plan / ONNX file | |",
        "|---|---|---|---|---|---|---|",
    ]
    goal = goals["build"]
    for c in cells:
        size = c["plan_bytes"] / c["onnx_bytes"]
        met = c["same_bytes"] and size <= goal["plan_over_weights"]
        if c["model"] in goal["models"]:
            met = (
                met and c["first_s"] <= goal["seconds"] and c["cached_s"] <= goal["cached_seconds"]
            )
        same = "yes" if c["same_bytes"] else "**no**"
        times = f"{c['first_s']:.1f} | {c['cached_s']:.1f}"
        sizes = f"{c['plan_bytes'] / 1e6:.1f} | {size:.2f}"
        said = "met" if met else "**missed**"
        lines.append(f"| {c['model']} | {times} | {same} | {sizes} | {said} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="bench", help="bench, or names with commas")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--resume", action="store_true", help="go on with the newest result file")
    options = parser.parse_args()
    names = list(BENCH) if options.models == "bench" else options.models.split(",")
    results = ResultFile("build", ("model", "threads"), {}, options.resume)
    cells = []
    for name in names:
        if options.resume and results.has({"model": name, "threads": cpus()}):
            continue
        say(f"building {name} twice")
        cells.append(measure(name, options.folder / name))
        results.put(cells[-1])
    print(table(cells, load_goals()))
    return 0 if all(c["same_bytes"] for c in cells) else 1


if __name__ == "__main__":
    sys.exit(main())
