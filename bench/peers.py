#!/usr/bin/env python3
"""Measures Hone and its peers side by side on the networks of models.py.

    python bench/peers.py [--models bench|all|resnet50,bert] [--batches 1,8] [--threads 1,2] [--runners tf,hone]
                          [--rounds 9] [--slice 0.5] [--resume]
    python bench/peers.py --scaling [--models resnet50,bert]     1 and 2 threads of Hone in turns
    python bench/peers.py --cold [--models ...]                  import + load + first inference, and memory

A cell is a (network, batch, threads). Its runners are processes that take turns in short slices while the others sleep
on a pipe, so drift and noise hit all alike; the machine's FMA peak is measured in the same turns. After each cell the
numbers are in bench/results/<date>-<cpu>-<what>.json; --resume goes on with the newest such file. report.py makes
docs/performance.md of it.
Ratio of a cell: the median over the rounds of (best peer's minimum / Hone's minimum in that round).
Exit code 1 if a runner failed or its outputs differ from the first runner's by more than TOLERANCE of their range and
by more than twice what the other engines differ on the same network.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import cold
import work
from machine import ROOT, cpus
from networks import BENCH
from peer_runners import RUN_VARIABLE, RUNNERS, Skipped
from ratios import LEAST_ROUNDS, is_peer, load_goals, measured, share_of_peak, verdict
from result_file import ResultFile
from workers import Peak, Worker, say, take_turns

TOLERANCE = 1e-4  # largest difference from the reference, as a share of the range of its outputs
STOLEN_WARNING = 0.15  # CPUs' worth of time that others took
KEY = ("model", "batch", "threads")


def largest_difference(expected: pathlib.Path, actual: pathlib.Path) -> float:
    """Over all outputs, as a share of the output's range; infinite where shapes or NaNs differ."""
    worst = 0.0
    with np.load(expected) as wanted, np.load(actual) as found:
        for name in wanted.files:
            a, b = wanted[name].astype(np.float64), found[name].astype(np.float64)
            if a.shape != b.shape or not np.isfinite(b).all():
                return float("inf")
            worst = max(worst, float(np.abs(a - b).max() / (np.ptp(a) or 1)))
    return worst


def start(name: str, cell: dict, folder: pathlib.Path, threads: int, scratch: str):
    """The worker, or the record that says why there is none."""
    say(f"{cell['model']}, batch {cell['batch']}, {threads} threads: starting {name}")
    try:
        return Worker(name, folder, cell["batch"], threads, scratch)
    except Skipped as why:
        return {"runner": name, "skipped": str(why)}
    except RuntimeError as error:
        say(f"{name} FAILED:\n{error}")
        return {"runner": name, "error": str(error)[-500:]}


def measure(options: argparse.Namespace, cell: dict, folder: pathlib.Path) -> dict:
    """The cell with its runners' records and the peak."""
    peak = Peak(cell["threads"])
    with tempfile.TemporaryDirectory() as scratch:
        started = [start(name, cell, folder, cell["threads"], scratch) for name in options.runners]
        workers = [one for one in started if isinstance(one, Worker)]
        try:
            take_turns([*workers, peak], options.rounds, options.slice)
        finally:
            for worker in workers:
                worker.close()
        records = []
        for one in started:
            if isinstance(one, Worker):
                difference = largest_difference(workers[0].output, one.output)
                one = {**one.record(), "difference": difference}
            records.append(one)
    gflop = work.gflop(folder / "model.onnx", cell["batch"])
    return {**cell, "gflop": gflop, "peak_gflops": peak.rounds, "runners": records}


def measure_scaling(options: argparse.Namespace, model: str, folder: pathlib.Path) -> dict:
    """Hone and the FMA peak with 1 and 2 threads, all in turns."""
    cell = {"model": model, "batch": 1}
    with tempfile.TemporaryDirectory() as scratch:
        started = [start("hone", cell, folder, threads, scratch) for threads in (1, 2)]
        workers = [one for one in started if isinstance(one, Worker)]
        peaks = [Peak(1), Peak(2)]
        try:
            if len(workers) == 2:
                take_turns([*workers, *peaks], options.rounds, options.slice)
        finally:
            for worker in workers:
                worker.close()
    if len(workers) < 2:
        return {**cell, "error": next(s["error"] for s in started if isinstance(s, dict))}
    times = [worker.record()["round_min_ms"] for worker in workers]
    return {**cell, "round_min_ms": times, "peak_gflops": [peak.rounds for peak in peaks]}


def table(cells: list[dict], goals: dict) -> str:
    lines = [
        "| network | batch | threads | runner | min ms | p50 ms | of hone's min | % of peak | difference |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        hone = measured(cell).get("hone", {}).get("min_ms")
        for r in cell["runners"]:
            start = f"| {cell['model']} | {cell['batch']} | {cell['threads']} | {r['runner']} |"
            if "min_ms" not in r:
                why = r.get("skipped") or "failed"
                lines.append(f"{start} {why} | | | | |")
                continue
            ratio = f"{r['min_ms'] / hone:.2f}" if hone else ""
            share = share_of_peak(cell, r["runner"])
            share = f"{share:.0%}" if share else ""
            cells_text = f"{r['min_ms']:.3f} | {r['p50_ms']:.3f} | {ratio} | {share}"
            lines.append(f"{start} {cells_text} | {r['difference']:.1e} |")
    return "\n".join(lines) + "\n\n" + ratio_table(cells, goals)


def ratio_table(cells: list[dict], goals: dict) -> str:
    lines = ["| cell | best peer / hone | quartiles | goal | |", "|---|---|---|---|---|"]
    for one in (verdict(goals, cell) for cell in cells):
        if one["ratio"]:
            low, middle, high = one["ratio"]
            said = "met" if one["met"] else "missed"
            span = f"{low:.2f} to {high:.2f}"
            lines.append(f"| {one['name']} | {middle:.2f} | {span} | {one['goal']} | {said} |")
    return "\n".join(lines)


def allowed(cells: list[dict], model: str) -> float:
    """Share of the range that outputs may differ: FP32 engines differ among themselves, too."""
    records = [r for c in cells if c["model"] == model for r in measured(c).values()]
    return max([TOLERANCE] + [2 * r["difference"] for r in records if is_peer(r["runner"])])


def problems(cells: list[dict]) -> list[str]:
    found = []
    for cell in cells:
        limit = allowed(cells, cell["model"])
        for r in cell["runners"]:
            start = f"{cell['model']}, batch {cell['batch']}, {r['runner']}"
            if "error" in r:
                found.append(f"{start} failed")
            elif r.get("difference", 0) > limit:
                found.append(f"{start} differs by {r['difference']:.1e} of the range")
    return found


def arguments() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return text.split(",")

    def numbers(text: str) -> list[int]:
        return [int(x) for x in text.split(",")]

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="bench", help="bench, all, or names with commas")
    parser.add_argument("--runners", type=words, default=list(RUNNERS), help=", ".join(RUNNERS))
    parser.add_argument("--batches", type=numbers, help="default: what is usual for the network")
    parser.add_argument("--threads", type=numbers, default=sorted({1, cpus()}))
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    parser.add_argument("--slice", type=float, default=0.5, help="seconds per runner and round")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--what", help="last part of the result file's name")
    parser.add_argument("--resume", action="store_true", help="go on with the newest result file")
    parser.add_argument("--cold", action="store_true", help="time of a first result, and memory")
    parser.add_argument("--scaling", action="store_true", help="what a second thread gains")
    options = parser.parse_args()
    for name in options.runners:
        if name not in RUNNERS:
            parser.error(f"unknown runner '{name}'; there are {', '.join(RUNNERS)}")
    kind = "cold" if options.cold else "scaling" if options.scaling else "peers"
    options.what = options.what or kind
    return options


def make_networks(options: argparse.Namespace) -> list[str]:
    script = pathlib.Path(__file__).with_name("models.py")
    make = [sys.executable, script, "--out", options.folder, "--models", options.models]
    subprocess.run(make, check=True)
    if options.models == "bench":
        return list(BENCH)
    listed = subprocess.run([*make, "--list"], check=True, capture_output=True, text=True)
    return listed.stdout.split()


def cells_to_measure(options: argparse.Namespace, models: list[str]) -> list[dict]:
    cells = []
    for model in models:
        usual = json.loads((options.folder / model / "meta.json").read_text())["batches"]
        if options.scaling:
            cells.append({"model": model, "batch": 1})
            continue
        batches = options.batches or ([1] if options.cold else usual)
        for threads in options.threads:
            cells += [{"model": model, "batch": b, "threads": threads} for b in batches]
    return cells


def main() -> int:
    options = arguments()
    os.environ[RUN_VARIABLE] = f"{os.getpid()} {time.time()}"
    models = make_networks(options)
    settings = {"rounds": options.rounds, "slice_s": options.slice, "tolerance": TOLERANCE}
    key = KEY[:2] if options.scaling else KEY
    results = ResultFile(options.what, key, settings, options.resume)
    done = []
    for cell in cells_to_measure(options, models):
        folder = options.folder / cell["model"]
        if options.resume and results.has(cell):
            say(f"{cell}: is in {results.path.name} already")
            continue
        if options.cold:
            done.append(cold.measure(cell, options.runners, folder))
        elif options.scaling:
            done.append(measure_scaling(options, cell["model"], folder))
        else:
            done.append(measure(options, cell, folder))
        results.put(done[-1])
    say(f"numbers in {results.path.relative_to(ROOT)}; bench/report.py makes the page of them")
    if options.scaling:
        return any("error" in cell for cell in done)
    if options.cold:
        print(cold.table(done))
        return any("error" in r for cell in done for r in cell["runners"])
    print(table(done, load_goals()))
    if any(r["cpus_taken_by_others"] > STOLEN_WARNING for c in done for r in measured(c).values()):
        say("warning: other programs used the CPU meanwhile; measure again on a quiet machine")
    bad = problems(done)
    for text in bad:
        say("FAILED: " + text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
