#!/usr/bin/env python3
"""Which networks does Hone take whole, and how exact is it? All of bench/networks, from TensorFlow and from ONNX.

    python bench/coverage.py [--only resnet50,bert] [--sources tf,onnx] [--samples 2] [--tune]

For every network and source one row:
    engines      made of it, and how many nodes are left to TensorFlow (tf: as `hone tf summary` says)
    layers       nodes after the import -> nodes after the passes
    reference    share of the run's time spent in the reference evaluator: plain loops, for want of a tactic
    error        largest difference from the exact result, over the range of the output; of Hone and of the worst peer
    limit        max(1e-4, twice the worst peer's error)
"Exact" is the imported network in FP64 (hone run --reference). Peers must come near it, too: else the import is wrong.
Failures do not stop the script: the row says why. Exit code 1 if there was one. The numbers go to
bench/results/<date>-<cpu>-coverage.json, where the calls of a day gather: the table shows them all.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

from machine import ROOT, cpu_slug, cpus, describe
from peer_runners import onnx_inputs

FILES = {"tf": "saved_model", "onnx": "model.onnx"}
PEERS = {"tf": ("tf",), "onnx": ("onnxruntime", "openvino")}
TOLERANCE = 1e-4
# Peers further away than this from the exact result compute something else. Outputs of FP16 networks are rounded.
SAME_FUNCTION = {"float32": 2e-3, "float16": 0.2}
SIMILARITY_TOLERANCE = 1e-3  # printed with four digits by those who trained MiniLM
HERE = pathlib.Path(__file__).resolve().parent
HONE = pathlib.Path(sys.executable).with_name("hone")


class Failure(Exception):
    """What a step could not do, in one line."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(step: str, command: list, **options) -> str:
    """stdout of a command. Failure: its last error, for Python's are at the end and the command's are one."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if done.returncode == 0:
        return done.stdout
    raise Failure(f"{step}: {reason(done.stderr) or f'exit code {done.returncode}'}")


def reason(text: str) -> str:
    """What went wrong, in one line: of a list of operators that cannot be imported, their kinds."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for k, line in enumerate(lines):
        if re.search(r"\d+ operators? cannot be imported:$", line):
            causes = [x for x in lines[k + 1 :] if "'" in x and "is not known" not in x]
            kinds = [re.match(r"(?:node '[^']*' \()?(\w+)", x) for x in causes]
            return "cannot import " + ", ".join(sorted({m[1] for m in kinds if m}))
    errors = [x for x in lines if re.match(r"(\w+\.)*\w*(Error|Exception)\b.*:", x)]
    return (errors[-1:] or lines[:1] or [""])[0][:300]


# ------------------------------------------------------------------------------------------------ one network with Hone
def serve(options: argparse.Namespace) -> None:
    """In a process of its own: builds options.model, runs it on the inputs, writes outputs and facts."""
    import hone
    from hone import _hone

    with np.load(options.inputs) as file:
        inputs = {name: file[name] for name in file.files}
    facts = {}
    if options.source == "tf":
        report = _hone.summarize_saved_model(options.model, {})
        facts["engines"] = len(report.engines)
        facts["left"] = report.total_nodes - report.converted_nodes
        facts["unconverted"] = [
            {"op": u.op, "reason": u.reason, "nodes": len(u.nodes)} for u in report.unconverted
        ]
        say_facts(options, facts)
    shapes = {name: (x.shape,) * 3 for name, x in inputs.items()}
    plan = hone.build(options.model, profiles=shapes, tune=options.tune, threads=options.threads)
    engine = hone.load(plan, threads=options.threads)
    facts.setdefault("engines", 1)
    facts.setdefault("left", 0)
    outputs = engine(inputs)
    np.savez(options.output, **outputs)
    steps = engine.profile(inputs)
    total = sum(step["milliseconds"] for step in steps)
    plain = [step for step in steps if step["tactic"] == "reference"]
    facts["milliseconds"] = total
    facts["reference"] = sum(step["milliseconds"] for step in plain) / total if total else 0.0
    facts["reference_ops"] = sorted({step["op"] for step in plain})
    facts["steps"] = len(steps)
    say_facts(options, facts)


def say_facts(options: argparse.Namespace, facts: dict) -> None:
    pathlib.Path(options.facts).write_text(json.dumps(facts))


# --------------------------------------------------------------------------------------------------- one row
class Case:
    """A network from one source."""

    def __init__(self, options, folder: pathlib.Path, source: str, scratch: pathlib.Path):
        self.options, self.folder, self.source, self.scratch = options, folder, source, scratch
        self.meta = json.loads((folder / "meta.json").read_text())
        self.model = folder / FILES[source]
        with np.load(folder / "inputs.npz") as file:
            inputs = {name: file[name][: options.samples] for name in self.meta["inputs"]}
        self.inputs = onnx_inputs(self.meta, inputs) if source == "onnx" else inputs
        self.record: dict = {"network": self.meta["name"], "source": source}

    def attempt(self, step) -> object:
        """The step's result; None after a failure, which goes into the record."""
        try:
            return step()
        except Failure as failure:
            failures = self.record.setdefault("failures", [])
            if not any(why.split(": ", 1)[1] == str(failure).split(": ", 1)[1] for why in failures):
                failures.append(str(failure))
                say(f"  FAILED: {failure}")
            return None

    def layers(self) -> None:
        text = run("import", [HONE, "inspect", self.model, "--fusions", "--json"])
        found = json.loads(text)
        self.record["layers"] = [found["nodes"], found["nodes_after"]]

    def hone(self) -> list[np.ndarray]:
        inputs, output, facts = (self.scratch / f"hone.{k}" for k in ("in.npz", "npz", "json"))
        np.savez(inputs, **self.inputs)
        facts.unlink(missing_ok=True)
        command = [sys.executable, __file__, "--serve", "--source", self.source]
        command += ["--model", self.model, "--inputs", inputs, "--output", output]
        command += ["--facts", facts, "--threads", self.options.threads]
        try:
            run("hone", command + ["--tune"] * self.options.tune)
        finally:
            if facts.exists():
                self.record.update(json.loads(facts.read_text()))
        return in_order(output, self.meta["outputs"])

    def peer(self, name: str) -> list[np.ndarray]:
        output = self.scratch / f"{name}.npz"
        command = [sys.executable, HERE / "peer_worker.py", "serve", name, self.folder]
        command += [self.options.samples, self.options.threads, output]
        run(name, command, stdin=subprocess.DEVNULL)
        return in_order(output, [])

    def exact(self) -> list[np.ndarray]:
        """The reference in FP64."""
        kept = self.folder / f"exact_{self.source}_{self.options.samples}.npz"
        if not (self.options.reuse and kept.exists()):
            command = [HONE, "run", self.model, "--reference", "--output-dir", self.scratch / "out"]
            for name, x in self.inputs.items():
                path = self.scratch / f"input_{name}.npy"
                np.save(path, x)
                command += ["--input", f"{name}={path}"]
            names = json.loads(run("reference", [*command, "--json"]))["outputs"]
            files = [re.sub(r"[^A-Za-z0-9.-]", "_", entry["name"]) for entry in names]
            arrays = [np.load(self.scratch / "out" / f"{file}.npy") for file in files]
            np.savez(kept, **{e["name"]: y for e, y in zip(names, arrays, strict=True)})
        return in_order(kept, self.meta["outputs"])

    def measure(self) -> dict:
        say(f"{self.meta['name']} from {self.source}")
        self.attempt(self.layers)
        results = {"hone": self.attempt(self.hone)}
        exact = self.attempt(self.exact)
        for name in PEERS[self.source]:
            results[name] = self.attempt(lambda name=name: self.peer(name))
        if exact is not None:
            errors = {k: largest_error(y, exact) for k, y in results.items() if y is not None}
            self.record["errors"] = errors
            half = any(y.dtype == np.float16 for y in results["hone"] or [])
            half = half or self.meta["name"].endswith("fp16")
            self.record["same_function"] = SAME_FUNCTION["float16" if half else "float32"]
        if results["hone"] and "similarities" in self.meta:
            self.record["similarity_error"] = self.similarity_error(results["hone"][0])
        return self.record

    def similarity_error(self, vectors: np.ndarray) -> float:
        """Largest difference from the published cosines of the sentences that are there."""
        pairs = [p for p in self.meta["similarities"] if max(p[:2]) < len(vectors)]
        return max((abs(float(vectors[i] @ vectors[j]) - s) for i, j, s in pairs), default=0.0)


def in_order(path: pathlib.Path, names: list[str]) -> list[np.ndarray]:
    """Arrays of a file in the order of `names` if these are its names, else in its own."""
    with np.load(path) as file:
        order = names if sorted(names) == sorted(file.files) else file.files
        return [file[name] for name in order]


def largest_error(actual: list[np.ndarray], exact: list[np.ndarray]) -> float:
    """Over all outputs, as a share of the range; infinite where shapes or non-numbers differ."""
    if len(actual) != len(exact):
        return float("inf")
    worst = 0.0
    for a, e in zip(actual, exact, strict=True):
        a, e = a.astype(np.float64), e.astype(np.float64)
        if a.shape != e.shape or not np.array_equal(np.isnan(a), np.isnan(e)):
            return float("inf")
        difference = np.abs(np.nan_to_num(a - e))
        worst = max(worst, float(difference.max(initial=0) / (np.ptp(e) or 1)))
    return worst


# ------------------------------------------------------------------------------------------------------- verdict
def judge(records: list[dict]) -> None:
    """Sets "limit" and "good" of each row; "verdict" is what speaks against it."""
    for record in records:
        network = [r for r in records if r["network"] == record["network"]]
        peers = [e for r in network for k, e in r.get("errors", {}).items() if k != "hone"]
        near = [e for e in peers if e <= record.get("same_function", 0)]
        record["limit"] = max([TOLERANCE] + [2 * e for e in near])
        failures = record["verdict"] = list(record.get("failures", []))
        errors = record.get("errors", {})
        own = [e for k, e in errors.items() if k != "hone"]
        if own and min(own) > record["same_function"]:
            failures.append(f"no peer is near the exact result: {min(own):.1e}")
        if errors.get("hone", 0) > record["limit"]:
            failures.append(f"error {errors['hone']:.1e}, allowed are {record['limit']:.1e}")
        if record.get("similarity_error", 0) > SIMILARITY_TOLERANCE:
            failures.append(f"sentence similarities differ by {record['similarity_error']:.1e}")
        if record.get("left"):
            failures.append(f"{record['left']} nodes left to TensorFlow")
        if record.get("engines", 1) != 1:
            failures.append(f"{record['engines']} engines")
        if record.get("reference"):
            slow = ", ".join(record["reference_ops"])
            failures.append(f"{record['reference']:.1%} of the time in the reference: {slow}")
        record["good"] = not failures and "hone" in errors


def table(records: list[dict]) -> str:
    lines = [
        "| network | from | engines | nodes left | layers | reference | error | worst peer | limit | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in records:
        errors = dict(r.get("errors", {}))
        own = errors.pop("hone", None)
        layers = " → ".join(map(str, r["layers"])) if "layers" in r else ""
        share = f"{100 * r['reference']:.1f} %" if "reference" in r else ""
        peers = f"{max(errors.values()):.1e}" if errors else ""
        cells = [r["network"], r["source"], str(r.get("engines", "")), str(r.get("left", ""))]
        cells += [layers, share, "" if own is None else f"{own:.1e}", peers, f"{r['limit']:.1e}"]
        cells.append("good" if r["good"] else "; ".join(r["verdict"]).replace("|", "/") or "?")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def gathered(path: pathlib.Path, records: list[dict]) -> list[dict]:
    """The records of earlier calls that this one did not make again, then these."""
    made = {(r["network"], r["source"]) for r in records}
    earlier = json.loads(path.read_text())["records"] if path.exists() else []
    return [r for r in earlier if (r["network"], r["source"]) not in made] + records


def write_report(options, path: pathlib.Path, machine: dict, records: list[dict]) -> None:
    path.parent.mkdir(exist_ok=True)
    report = {
        "what": options.what,
        "machine": machine,
        "tolerance": TOLERANCE,
        "samples": options.samples,
        "tuned": options.tune,
        "records": records,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="all", help="names of networks, bench or all")
    parser.add_argument("--sources", type=words, default=list(FILES))
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--threads", type=int, default=cpus())
    parser.add_argument("--tune", action="store_true", help="tune, which takes minutes each")
    parser.add_argument("--reuse", action="store_true", help="exact results of earlier calls")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--what", default="coverage", help="last part of the result file's name")
    for name in ("--source", "--model", "--inputs", "--output", "--facts"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def names_of(options: argparse.Namespace) -> list[str]:
    command = [sys.executable, HERE / "models.py", "--list", "--models", options.only]
    return run("names", command).split()


def measure(options: argparse.Namespace, name: str, machine: dict) -> list[dict]:
    """Makes the network if need be; its rows."""
    folder, records = options.folder / name, []
    make = [sys.executable, HERE / "models.py", "--out", options.folder, "--models", name]
    try:
        run("making", make)
    except Failure as failure:
        say(f"{name}: {failure}")
        records = [
            {"network": name, "source": s, "failures": [str(failure)]} for s in options.sources
        ]
    else:
        for source in options.sources:
            with tempfile.TemporaryDirectory() as scratch:
                records.append(Case(options, folder, source, pathlib.Path(scratch)).measure())
    for record in records:
        record["commit"] = machine["commit"]
    return records


def main() -> int:
    options = arguments()
    if options.serve:
        serve(options)
        return 0
    machine = describe()
    path = ROOT / "bench/results" / f"{machine['date'][:10]}-{cpu_slug()}-{options.what}.json"
    records = []
    for name in names_of(options):
        records = gathered(path, measure(options, name, machine))
        judge(records)
        write_report(options, path, machine, records)
    print(table(records))
    say(f"numbers in {path.relative_to(ROOT)}")
    return 0 if all(r["good"] for r in records) else 1


if __name__ == "__main__":
    sys.exit(main())
