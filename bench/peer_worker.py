#!/usr/bin/env python3
"""A runner's process: started by peers.py and cold.py, not by people.

    peer_worker.py make | make-cold | serve | cold RUNNER FOLDER BATCH THREADS [OUTPUT.npz]

make        the files that the runner needs (runner.make)
serve       loads, saves its outputs, then measures: answers one JSON line per request line
cold        imports, loads, infers once; prints how long each took and the memory used
Exit code 3: this runner cannot run the network; the last line of stderr says why.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pathlib
import sys
import time

import numpy as np

from peer_runners import RUNNERS, Skipped

WARM_SECONDS = 0.5
SKIPPED = 3


def peak_bytes() -> int:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return 0


class Job:
    """What the command line asks for."""

    def __init__(self, options: argparse.Namespace):
        self.folder = pathlib.Path(options.folder)
        self.batch, self.threads, self.output = options.batch, options.threads, options.output
        self.meta = json.loads((self.folder / "meta.json").read_text())
        self.runner = RUNNERS[options.runner]()
        self.place = (self.folder, self.meta, self.batch, self.threads)

    def inputs(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "inputs.npz") as samples:
            return self.runner.prepare(
                {name: repeated(samples[name], self.batch) for name in self.meta["inputs"]}
            )


def repeated(samples: np.ndarray, batch: int) -> np.ndarray:
    """The first samples, from the beginning again where there are fewer."""
    return np.ascontiguousarray(samples[np.arange(batch) % len(samples)])


def timed_calls(runner, x, seconds: float) -> list[float]:
    """Milliseconds of each call, as many as fit, at least one."""
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        runner.infer(x)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def serve(job: Job, answers) -> None:
    begin = time.perf_counter()
    job.runner.load(*job.place)
    loaded = time.perf_counter() - begin
    x = job.inputs()
    np.savez(job.output, *job.runner.arrays(job.runner.infer(x)))
    timed_calls(job.runner, x, WARM_SECONDS)
    print(json.dumps({"load_s": loaded}), file=answers, flush=True)
    for line in sys.stdin:
        cpu, begin = time.process_time(), time.perf_counter()
        times = timed_calls(job.runner, x, json.loads(line)["seconds"])
        wall = time.perf_counter() - begin
        answer = {"times": times, "cpu": time.process_time() - cpu, "wall": wall}
        print(json.dumps(answer), file=answers, flush=True)


def cold(job: Job, answers) -> None:
    base = peak_bytes()
    times = [time.perf_counter()]
    for module in job.runner.modules:
        importlib.import_module(module)
    times.append(time.perf_counter())
    job.runner.load_cold(*job.place)
    times.append(time.perf_counter())
    x = job.inputs()
    start = time.perf_counter()
    job.runner.infer(x)
    first = time.perf_counter() - start
    answer = {"import_s": times[1] - times[0], "load_s": times[2] - times[1], "first_s": first}
    answer.update(peak_bytes=peak_bytes(), base_bytes=base)
    print(json.dumps(answer), file=answers, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["make", "make-cold", "serve", "cold"])
    parser.add_argument("runner", choices=RUNNERS)
    parser.add_argument("folder")
    parser.add_argument("batch", type=int)
    parser.add_argument("threads", type=int)
    parser.add_argument("output", nargs="?")
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # stdout is for answers; chatter goes to stderr
    job = Job(options)
    try:
        if options.task == "serve":
            serve(job, answers)
        elif options.task == "cold":
            cold(job, answers)
        elif options.task == "make":
            job.runner.make(*job.place)
        else:
            job.runner.make_cold(*job.place)
    except Skipped as why:
        print(why, file=sys.stderr)
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
