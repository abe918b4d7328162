#!/usr/bin/env python3
"""Measures Hone and its peers side by side on the networks of models.py.

    python bench/peers.py [--models resnet50,bert] [--batches 1,8] [--threads 1,2] [--runners tf,hone] [--rounds 8]

Each (network, batch, threads, runner) is a process of its own; the processes take turns in short slices while the
others sleep on a pipe, so drift and noise hit all alike. Compare minima, inside one row group, never across calls.
Prints a Markdown table; the numbers go to bench/results/<date>-<cpu>-<what>.json. Exit code 1 if a runner failed or
its outputs differ from the first runner's by more than TOLERANCE of their range and by more than twice what the other
engines differ on the same network.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from machine import ROOT, cpu_slug, cpus, describe
from networks import BENCH
from peer_runners import RUNNERS

TOLERANCE = 1e-4  # largest difference from the reference, as a share of the range of its outputs
WARM_SECONDS = 0.5
STOLEN_WARNING = 0.15  # CPUs' worth of time that others took


# -------------------------------------------------------------------------------------------- worker
def serve(options: argparse.Namespace) -> int:
    """The worker: answers one JSON line per request line. stdout is the pipe; chatter goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    folder = pathlib.Path(options.folder)
    meta = json.loads((folder / "meta.json").read_text())
    runner = RUNNERS[options.serve]()
    begin = time.perf_counter()
    runner.load(folder, meta, options.batch, options.threads)
    loaded = time.perf_counter() - begin
    with np.load(folder / "inputs.npz") as samples:
        x = runner.prepare({name: samples[name][: options.batch] for name in meta["inputs"]})
    np.savez(options.output, *runner.arrays(runner.infer(x)))
    end = time.perf_counter() + WARM_SECONDS
    while time.perf_counter() < end:
        runner.infer(x)
    print(json.dumps({"load_s": loaded}), file=answers, flush=True)
    for line in sys.stdin:
        times, cpu, begin = [], time.process_time(), time.perf_counter()
        while not times or time.perf_counter() - begin < json.loads(line)["seconds"]:
            start = time.perf_counter()
            runner.infer(x)
            times.append((time.perf_counter() - start) * 1e3)
        wall = time.perf_counter() - begin
        answer = {"times": times, "cpu": time.process_time() - cpu, "wall": wall}
        print(json.dumps(answer), file=answers, flush=True)
    return 0


class Worker:
    """A runner's process, seen from outside."""

    def __init__(self, name: str, folder: pathlib.Path, batch: int, threads: int, scratch: str):
        self.name = name
        self.output = pathlib.Path(scratch, name + ".npz")
        self.log = pathlib.Path(scratch, name + ".log")
        self.times: list[float] = []
        self.cpu = self.wall = self.foreign = 0.0
        command = [sys.executable, __file__, "--serve", name, "--folder", str(folder)]
        command += ["--batch", str(batch), "--threads", str(threads), "--output", str(self.output)]
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TF_CPP_MIN_LOG_LEVEL="2")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            env=environment,
        )
        try:
            self.load_s = self.answer()["load_s"]
        except RuntimeError:
            self.close()
            raise

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.log.read_text()[-2000:].strip())
        return json.loads(line)

    def slice(self, seconds: float) -> None:
        before = busy_seconds()
        print(json.dumps({"seconds": seconds}), file=self.process.stdin, flush=True)
        answer = self.answer()
        self.times += answer["times"]
        self.cpu += answer["cpu"]
        self.wall += answer["wall"]
        self.foreign += max(0.0, busy_seconds() - before - answer["cpu"])

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def record(self) -> dict:
        return {
            "runner": self.name,
            "min_ms": min(self.times),
            "p50_ms": statistics.median(self.times),
            "calls": len(self.times),
            "load_s": self.load_s,
            "cpus_used": self.cpu / self.wall,
            "cpus_taken_by_others": self.foreign / self.wall,
        }


def busy_seconds() -> float:
    """CPU time of all processes and of the host, so far."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


# -------------------------------------------------------------------------------------------- orchestrator
def convert(folder: pathlib.Path) -> None:
    """SavedModel -> converted SavedModel, always anew: it must be this build's."""
    target = folder / "hone_saved_model"
    shutil.rmtree(target, ignore_errors=True)
    hone = pathlib.Path(sys.executable).with_name("hone")
    done = subprocess.run([hone, "tf", "convert", folder / "saved_model", target], stdout=2)
    if done.returncode:
        say(f"{folder.name}: hone tf convert FAILED")  # the runner will, too: there is no model


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


def measure(options, model: str, folder: pathlib.Path, batch: int, threads: int) -> list[dict]:
    records, workers = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.runners:
            say(f"{model}, batch {batch}, {threads} threads: starting {name}")
            try:
                workers.append(Worker(name, folder, batch, threads, scratch))
            except RuntimeError as error:
                say(f"{name} FAILED:\n{error}")
                records.append({"runner": name, "error": str(error)[-500:]})
        try:
            for k in range(options.rounds * bool(workers)):
                first = k % len(workers)
                for worker in workers[first:] + workers[:first]:
                    worker.slice(options.slice)
        finally:
            for worker in workers:
                worker.close()
        for worker in workers:
            difference = largest_difference(workers[0].output, worker.output)
            records.append({**worker.record(), "difference": difference})
    for record in records:
        record.update(model=model, batch=batch, threads=threads)
    return sorted(records, key=lambda r: options.runners.index(r["runner"]))


def table(records: list[dict]) -> str:
    lines = [
        "| network | batch | threads | runner | min ms | p50 ms | of hone's min | difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = list(dict.fromkeys((r["model"], r["batch"], r["threads"]) for r in records))
    for key in keys:
        rows = [r for r in records if (r["model"], r["batch"], r["threads"]) == key]
        hone = next((r["min_ms"] for r in rows if r["runner"] == "hone" and "min_ms" in r), None)
        for r in rows:
            start = f"| {r['model']} | {r['batch']} | {r['threads']} | {r['runner']} |"
            if "error" in r:
                lines.append(f"{start} failed | | | |")
                continue
            ratio = f"{r['min_ms'] / hone:.2f}" if hone else ""
            cells = f"{r['min_ms']:.3f} | {r['p50_ms']:.3f} | {ratio} | {r['difference']:.1e}"
            lines.append(f"{start} {cells} |")
    return "\n".join(lines)


def allowed(records: list[dict], model: str) -> float:
    """Share of the range that outputs may differ: FP32 engines differ among themselves, too."""
    peers = [r for r in records if r["model"] == model and not r["runner"].startswith("hone")]
    return max([TOLERANCE] + [2 * r["difference"] for r in peers if "error" not in r])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return text.split(",")

    def numbers(text: str) -> list[int]:
        return [int(x) for x in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=words, default=list(BENCH))
    parser.add_argument("--runners", type=words, default=list(RUNNERS), help=", ".join(RUNNERS))
    parser.add_argument("--batches", type=numbers, help="default: what is usual for the network")
    parser.add_argument("--threads", type=numbers, default=[cpus()])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--slice", type=float, default=0.5, help="seconds per runner and round")
    parser.add_argument(
        "--folder", type=pathlib.Path, default=ROOT / "build/models", help="of the networks"
    )
    parser.add_argument("--what", default="peers", help="last part of the result file's name")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        (options.threads,) = options.threads  # a worker gets one number
    for name in options.runners:
        if name not in RUNNERS:
            parser.error(f"unknown runner '{name}'; there are {', '.join(RUNNERS)}")
    return options


def main() -> int:
    options = arguments()
    if options.serve:
        return serve(options)
    make = [sys.executable, pathlib.Path(__file__).with_name("models.py"), "--out", options.folder]
    subprocess.run([*make, "--models", ",".join(options.models)], check=True)
    records = []
    for model in options.models:
        folder = options.folder / model
        usual = json.loads((folder / "meta.json").read_text())["batches"]
        if "hone-in-tf" in options.runners:
            convert(folder)
        for threads in options.threads:
            for batch in options.batches or usual:
                records += measure(options, model, folder, batch, threads)
    report = {
        "what": options.what,
        "machine": describe(),
        "tolerance": TOLERANCE,
        "records": records,
    }
    day = report["machine"]["date"][:10]
    path = ROOT / "bench/results" / f"{day}-{cpu_slug()}-{options.what}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(table(records))
    say(f"numbers in {path.relative_to(ROOT)}")
    if any(r.get("cpus_taken_by_others", 0) > STOLEN_WARNING for r in records):
        say("warning: other programs used the CPU meanwhile; measure again on a quiet machine")
    bad = [r for r in records if "error" in r or r["difference"] > allowed(records, r["model"])]
    for r in bad:
        why = "failed" if "error" in r else f"differs by {r['difference']:.1e} of the range"
        say(f"FAILED: {r['model']}, batch {r['batch']}, {r['runner']} {why}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
