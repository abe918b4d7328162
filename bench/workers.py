"""The processes of the runners, seen from outside."""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys

from peer_runners import Skipped
from peer_worker import SKIPPED

SCRIPT = pathlib.Path(__file__).with_name("peer_worker.py")
HONE = pathlib.Path(sys.executable).with_name("hone")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def environment(threads: int) -> dict[str, str]:
    return dict(os.environ, OMP_NUM_THREADS=str(threads), TF_CPP_MIN_LOG_LEVEL="2")


def run_task(task: str, name: str, folder: pathlib.Path, batch: int, threads: int) -> str:
    """stdout of a worker that ends by itself. Skipped; RuntimeError with what it said."""
    command = [sys.executable, SCRIPT, task, name, folder, batch, threads]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment(threads)
    )
    said = done.stderr.strip()
    if done.returncode == SKIPPED:
        raise Skipped(said.splitlines()[-1])
    if done.returncode:
        raise RuntimeError(said[-2000:] or f"exit code {done.returncode}")
    return done.stdout


def busy_seconds() -> float:
    """CPU time of all processes and of the host, so far."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


class Worker:
    """A runner that is loaded and waits for its slices of time."""

    def __init__(self, name: str, folder: pathlib.Path, batch: int, threads: int, scratch: str):
        self.name, self.threads = name, threads
        self.output = pathlib.Path(scratch, f"{name}_{threads}.npz")
        self.log = pathlib.Path(scratch, f"{name}_{threads}.log")
        self.rounds: list[list[float]] = []  # times in ms
        self.cpu = self.wall = self.foreign = 0.0
        run_task("make", name, folder, batch, threads)
        command = [sys.executable, SCRIPT, "serve", name, folder, batch, threads, self.output]
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            env=environment(threads),
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
        self.rounds.append(answer["times"])
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
        times = [t for one in self.rounds for t in one]
        return {
            "runner": self.name,
            "min_ms": min(times),
            "p50_ms": statistics.median(times),
            "round_min_ms": [min(one) for one in self.rounds],
            "calls": len(times),
            "load_s": self.load_s,
            "cpus_used": self.cpu / self.wall,
            "cpus_taken_by_others": self.foreign / self.wall,
        }


class Peak:
    """The FMA peak of so many threads, measured in turns with the workers: what `hone doctor --peak` prints."""

    def __init__(self, threads: int):
        self.threads = threads
        self.rounds: list[float] = []  # GFLOP/s

    def slice(self, seconds: float) -> None:
        command = [HONE, "doctor", "--peak", str(self.threads)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"hone doctor --peak: {done.stderr.strip()}")
        self.rounds.append(float(done.stdout))


def take_turns(members: list, rounds: int, seconds: float) -> None:
    """Each round begins with another one."""
    for k in range(rounds):
        first = k % len(members)
        for member in members[first:] + members[:first]:
            member.slice(seconds)
