"""How long until the first result, and how much memory: each time a fresh process.

Of a peer that is its import, its load of the network's file with all optimizations, and the first inference; of Hone the
same with a plan that was built before (peers cannot save what they made of the network, or their users do not).
The fastest of some processes counts, whose files are in the page cache; the runners take turns. Memory is the largest
resident set (VmHWM) of the process; of it `base_bytes` are Python, NumPy and the inputs.
"""

from __future__ import annotations

import json
import pathlib
import statistics

from peer_runners import Skipped
from workers import run_task, say

PROCESSES = 5


def first_result_s(sample: dict) -> float:
    return sample["import_s"] + sample["load_s"] + sample["first_s"]


def record_of(name: str, samples: list[dict]) -> dict:
    best = min(samples, key=first_result_s)
    times = {k: best[k] for k in ("import_s", "load_s", "first_s")}
    memory = {k: statistics.median(s[k] for s in samples) for k in ("peak_bytes", "base_bytes")}
    return {"runner": name, "first_result_s": first_result_s(best), **times, **memory}


def measure(cell: dict, runners: list[str], folder: pathlib.Path) -> dict:
    place = (folder, cell["batch"], cell["threads"])
    samples: dict[str, list[dict]] = {name: [] for name in runners}
    failed: dict[str, dict] = {}
    for turn in range(-1, PROCESSES):
        for name in runners:
            if name in failed:
                continue
            say(f"{cell['model']}, {cell['threads']} threads: {name}, process {turn + 1}")
            try:
                if turn < 0:
                    run_task("make-cold", name, *place)
                else:
                    samples[name].append(json.loads(run_task("cold", name, *place)))
            except Skipped as why:
                failed[name] = {"runner": name, "skipped": str(why)}
            except RuntimeError as error:
                say(f"{name} FAILED:\n{error}")
                failed[name] = {"runner": name, "error": str(error)[-500:]}
    records = [failed.get(name) or record_of(name, samples[name]) for name in runners]
    return {**cell, "runners": records}


def table(cells: list[dict]) -> str:
    lines = [
        "| network | threads | runner | first result s | import s | load s | inference s | memory MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        for r in cell["runners"]:
            start = f"| {cell['model']} | {cell['threads']} | {r['runner']} |"
            if "first_result_s" not in r:
                lines.append(f"{start} {r.get('skipped') or 'failed'} | | | | |")
                continue
            times = " | ".join(f"{r[k]:.3f}" for k in ("import_s", "load_s", "first_s"))
            memory = f"{r['peak_bytes'] / 1e6:.0f}"
            lines.append(f"{start} {r['first_result_s']:.3f} | {times} | {memory} |")
    return "\n".join(lines)
