#!/usr/bin/env python3
"""Measures the CPU kernels alone, one thread: GFLOP/s or GB/s and their share of what the machine can do.

    ninja -C build/release kernel_benchmarks && python bench/kernel_table.py [--build build/release] [--cpu 0] [--filter gemm]

Runs conv_bench, recurrent_bench, kernel_bench and, where it was built (libdnnl-dev is installed), dnnl_bench: oneDNN on
the same layers. Of a kernel's configurations the fastest counts, which is what tuning finds. The table goes to stdout,
the numbers to bench/results/<date>-<cpu>-kernels.json.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from machine import ROOT
from ratios import load_goals
from result_file import ResultFile
from workers import say

PROGRAMS = ("conv_bench", "recurrent_bench", "kernel_bench", "dnnl_bench")
COUNTERS = {"min_us": "min_us", "GFLOP/s": "gflops", "GB/s": "gbytes_s", "share": "share"}


def run(program: pathlib.Path, cpu: int, seconds: float, filter_: str) -> list[dict]:
    """The benchmarks of a program, as Google Benchmark writes them."""
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch, "out.json")
        command = ["taskset", "-c", str(cpu), program, f"--benchmark_min_time={seconds}"]
        command += [f"--benchmark_out={out}", "--benchmark_out_format=json"]
        command += [f"--benchmark_filter={filter_}"]
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        say(f"{program.name} ...")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        text = out.read_text()
    return json.loads(text)["benchmarks"] if text else []


def split_name(name: str) -> dict:
    """ "gemm/avx2/bert_out_128x768x768/4x3/tiles": kernel, instruction set, shape, configuration."""
    parts = name.split("/")
    if parts[0] == "dnnl":
        return {"kernel": parts[1], "isa": "onednn", "shape": parts[2], "config": ""}
    kernel, isa, rest = parts[0], parts[1], parts[2:]
    if kernel == "recurrent":
        return {"kernel": rest[0], "isa": isa, "shape": "_".join(rest[1:]), "config": ""}
    return {"kernel": kernel, "isa": isa, "shape": rest[0], "config": "/".join(rest[1:])}


def fastest(benchmarks: list[dict]) -> list[dict]:
    """One cell per kernel, instruction set and shape."""
    best: dict[tuple, dict] = {}
    for b in benchmarks:
        cell = split_name(b["name"])
        key = (cell["kernel"], cell["isa"], cell["shape"])
        cell.update({name: b[k] for k, name in COUNTERS.items() if k in b})
        cell["large"] = bool(b["large"])
        if key not in best or cell["min_us"] < best[key]["min_us"]:
            best[key] = cell
    return list(best.values())


def reason_for(name: str, reasons: dict[str, str]) -> str:
    """That of the longest beginning of the name: a kernel, a kernel with a set, one shape."""
    beginnings = [start for start in reasons if name.startswith(start)]
    return reasons[max(beginnings, key=len)] if beginnings else ""


def rows(cells: list[dict], goals: dict) -> list[dict]:
    """The table: Hone's cells, each with oneDNN's time and, where it is needed and known, the reason for its share."""
    onednn = {(c["kernel"], c["shape"]): c["min_us"] for c in cells if c["isa"] == "onednn"}
    found = []
    for cell in cells:
        if cell["isa"] == "onednn":
            continue
        direct = "conv" if cell["kernel"] == "winograd" else cell["kernel"]
        other = onednn.get((direct, cell["shape"]))
        reasons = goals["kernel_reasons"]
        low = cell["large"] and cell["share"] < goals["kernel_share"]
        reason = reason_for(f"{cell['kernel']}/{cell['isa']}/{cell['shape']}", reasons)
        ratio = other / cell["min_us"] if other else None
        found.append({**cell, "over_onednn": ratio, "low": low, "reason": reason if low else ""})
    return found


def table(cells: list[dict], goals: dict) -> str:
    lines = [
        "| kernel | set | shape | µs | GFLOP/s | GB/s | share of peak | oneDNN / Hone | below 60 %: why |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows(cells, goals):
        rate = f"{r['gflops']:.1f}" if "gflops" in r else ""
        moved = f"{r['gbytes_s']:.1f}" if "gbytes_s" in r else ""
        ratio = f"{r['over_onednn']:.2f}" if r["over_onednn"] else ""
        why = (r["reason"] or "no reason given yet") if r["low"] else ""
        start = f"| {r['kernel']} | {r['isa']} | {r['shape']} | {r['min_us']:.1f} |"
        lines.append(f"{start} {rate} | {moved} | {r['share']:.0%} | {ratio} | {why} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--cpu", type=int, default=0, help="the CPU to run on")
    parser.add_argument("--seconds", type=float, default=0.3, help="per benchmark")
    parser.add_argument("--filter", default=".", help="of the benchmarks' names")
    parser.add_argument("--no-file", action="store_true", help="print the table only")
    options = parser.parse_args()
    benchmarks = []
    for name in PROGRAMS:
        program = options.build / name
        if program.exists():
            benchmarks += run(program, options.cpu, options.seconds, options.filter)
        elif name != "dnnl_bench":
            say(f"{program} is not there: ninja -C {options.build} kernel_benchmarks")
            return 1
    cells = fastest(benchmarks)
    if not options.no_file:
        settings = {"seconds": options.seconds, "cpu": options.cpu}
        results = ResultFile("kernels", ("kernel", "isa", "shape"), settings, resume=False)
        results.put_all(cells)
        say(f"numbers in {results.path.relative_to(ROOT)}")
    print(table(cells, load_goals()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
