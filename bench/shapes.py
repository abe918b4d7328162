#!/usr/bin/env python3
"""Free shapes: one plan with several profiles, run at many shapes.

    python bench/shapes.py [--only bert,fcn] [--rounds 8]

Networks with free batch and sequence length (bert: BERT-base from ONNX) or free batch, height and width (fcn: a small
fully convolutional network). For each of them:
    right      at 20 shapes, inside the profiles and not, against ONNX Runtime: at most 1e-4 of the output's range
    as fast    at each profile's opt shape as a plan built for that shape alone, in turns: minima within 5 %
    binding    a new shape takes so many milliseconds
    memory     after 1,000 changes of shape as after 100
Exit code 1 if one of the first three or the last is not so. Numbers: bench/results/*-shapes.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime as ort

import hone
from machine import ROOT, cpu_slug, cpus, describe

TOLERANCE, SLOWER, GROWTH = 1e-4, 1.05, 1.02
SHAPES, CHANGES = 20, 1000


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bert:
    """BERT-base, 12 layers; [N, seq] tokens and mask."""

    name = "bert"
    profiles = [((1, 1), (1, 128), (8, 384)), ((1, 1), (1, 384), (8, 384))]
    small = (1, 16)  # for the changes of shape

    def save(self, path: pathlib.Path) -> None:
        from networks import text

        random = np.random.default_rng(5)
        weights = text.random_weights(text.BERT, seed=6)
        hidden = text.BERT.hidden
        weights["word"] = random.standard_normal((text.BERT_VOCABULARY, hidden), np.float32)
        weights["position"] = random.standard_normal((512, hidden), np.float32)
        weights.update(text.random_norm("norm", hidden, random))
        samples = self.inputs((1, 8), 0)
        text.bert_onnx(text.BERT, weights, False, samples, free=True).save(path)

    def inputs(self, shape: tuple, seed: int) -> dict:
        random = np.random.default_rng(seed)
        lengths = random.integers(1, shape[1] + 1, shape[0])
        mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)
        return {"input_ids": random.integers(0, 1000, shape) * mask, "attention_mask": mask}

    def random_shape(self, random) -> tuple:
        return int(random.integers(1, 9)), int(random.integers(1, 385))

    def changing_shape(self, i: int) -> tuple:
        return 1 + i % 3, 8 + i * 7 % 41


class Fcn:
    """Convolutions with strides, a depthwise one, a residual, a transposed one; [N, 3, H, W] images."""

    name = "fcn"
    profiles = [
        ((1, 3, 16, 16), (1, 3, 256, 256), (4, 3, 512, 512)),
        ((1, 3, 16, 16), (1, 3, 192, 320), (4, 3, 512, 512)),
    ]

    def save(self, path: pathlib.Path) -> None:
        from networks.onnx_builder import Builder

        random = np.random.default_rng(7)
        builder = Builder()

        def conv(x, inputs, outputs, size, **attributes):
            groups = attributes.get("group", 1)
            shape = (outputs, inputs // groups, size, size)
            scale = (2 / (inputs // groups * size * size)) ** 0.5
            kernel = (random.standard_normal(shape) * scale).astype(np.float32)
            pads = [size // 2] * 4
            bias = builder.constant(random.standard_normal(outputs) * 0.1)
            return builder.op("Conv", x, builder.constant(kernel), bias, pads=pads, **attributes)

        x = builder.input("x", np.zeros((1, 3, 8, 8), np.float32), ["N", 3, "H", "W"])
        x = builder.op("Relu", conv(x, 3, 32, 3, strides=[2, 2]))
        x = builder.op("Relu", conv(x, 32, 64, 3, strides=[2, 2]))
        for _ in range(3):
            y = builder.op("Relu", conv(x, 64, 64, 3))
            x = builder.op("Add", conv(y, 64, 64, 3), x)
        y = builder.op("Relu", conv(x, 64, 64, 3, group=64))
        x = builder.op("Relu", builder.op("Add", conv(y, 64, 64, 1), x))
        scales = builder.constant([1, 1, 2, 2])
        x = builder.op("Resize", x, "", scales, mode="nearest")
        x = builder.op("Sigmoid", conv(builder.op("Relu", conv(x, 64, 32, 3)), 32, 4, 1))
        builder.output(x, "output_0")
        builder.save(path)

    def inputs(self, shape: tuple, seed: int) -> dict:
        return {"x": np.random.default_rng(seed).standard_normal(shape, np.float32)}

    def random_shape(self, random) -> tuple:
        return int(random.integers(1, 4)), 3, *(int(x) for x in random.integers(9, 300, 2))

    def changing_shape(self, i: int) -> tuple:
        return 1 + i % 3, 3, 9 + i * 5 % 37, 9 + i * 11 % 41


NETWORKS = {network.name: network for network in (Bert(), Fcn())}


def profile_of(network, ranges) -> dict:
    return {name: ranges for name in network.inputs(ranges[1], 0)}


def result(engine, inputs: dict) -> np.ndarray:
    (output,) = engine(inputs).values()
    return output


def check_shapes(network, engine, path: pathlib.Path) -> float:
    """The largest difference from ONNX Runtime, as a share of the output's range."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(11)
    worst = 0.0
    for k in range(SHAPES):
        shape = network.random_shape(random)
        inputs = network.inputs(shape, k)
        (expected,) = session.run(None, inputs)
        got = result(engine, inputs)
        worst = max(worst, np.abs(got - expected).max() / (expected.max() - expected.min()))
        say(f"{network.name}: {k + 1} of {SHAPES} shapes, {shape}: {worst:.1e}")
    return float(worst)


def compare_speed(network, engine, alone, shape: tuple, rounds: int) -> dict:
    """Minima of both engines in turns."""
    inputs = network.inputs(shape, 1)
    best = {"profiles": np.inf, "alone": np.inf}
    for _ in range(rounds):
        for name, one in (("profiles", engine), ("alone", alone)):
            begin = time.perf_counter()
            while time.perf_counter() - begin < 0.4:
                start = time.perf_counter()
                one(inputs)
                best[name] = min(best[name], time.perf_counter() - start)
    return {"shape": shape, **{f"{name}_ms": value * 1e3 for name, value in best.items()}}


def resident_bytes() -> int:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    return 0


def change_shapes(network, engine) -> dict:
    """Memory after many changes of shape; how much longer the first call of a shape takes than the second."""
    early, extra = 0, []
    for i in range(CHANGES):
        inputs = network.inputs(network.changing_shape(i), i)
        start = time.perf_counter()
        engine(inputs)
        middle = time.perf_counter()
        engine(inputs)
        extra.append(2 * middle - start - time.perf_counter())
        if i == CHANGES // 10:
            early = resident_bytes()
    return {
        "bind_ms": max(0.0, float(np.median(extra))) * 1e3,
        "early_bytes": early,
        "late_bytes": resident_bytes(),
    }


def measure(network, folder: pathlib.Path, rounds: int) -> dict:
    path = folder / network.name / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        network.save(path)
    plan = hone.build(path, profiles=[profile_of(network, r) for r in network.profiles])
    engine = hone.load(plan)
    record = {"network": network.name, "plan_bytes": len(plan)}
    record["error"] = check_shapes(network, engine, path)
    record["speed"] = []
    for ranges in network.profiles:
        only = profile_of(network, (ranges[1],) * 3)
        alone = hone.load(hone.build(path, profiles=only))
        record["speed"].append(compare_speed(network, engine, alone, ranges[1], rounds))
    record.update(change_shapes(network, engine))
    return record


def problems(record: dict) -> list[str]:
    found = []
    if not record["error"] <= TOLERANCE:
        found.append(f"differs by {record['error']:.1e} of the range")
    for speed in record["speed"]:
        ratio = speed["profiles_ms"] / speed["alone_ms"]
        if ratio > SLOWER:
            found.append(f"{ratio:.2f} times as slow at {speed['shape']} as a plan for it alone")
    if record["late_bytes"] > GROWTH * record["early_bytes"]:
        found.append(f"grew to {record['late_bytes'] >> 20} MiB")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(NETWORKS), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/shapes")
    options = parser.parse_args()
    records = [
        measure(NETWORKS[k], options.folder, options.rounds) for k in options.only.split(",")
    ]
    print("| network | opt shape | profiles ms | alone ms | ratio | error | bind ms | RSS MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for record, speed in itertools.chain.from_iterable(
        ((record, speed) for speed in record["speed"]) for record in records
    ):
        a, b = speed["profiles_ms"], speed["alone_ms"]
        sizes = "x".join(map(str, speed["shape"]))
        memory = f"{record['early_bytes'] >> 20} to {record['late_bytes'] >> 20}"
        start = f"| {record['network']} | {sizes} | {a:.2f} | {b:.2f} | {a / b:.3f} "
        print(f"{start}| {record['error']:.1e} | {record['bind_ms']:.2f} | {memory} |")
    machine = describe()
    path = ROOT / "bench/results" / f"{machine['date'][:10]}-{cpu_slug()}-shapes.json"
    report = {"what": "shapes", "machine": machine, "threads": cpus(), "records": records}
    path.write_text(json.dumps(report, indent=1) + "\n")
    bad = [f"{r['network']}: {text}" for r in records for text in problems(r)]
    for text in bad:
        say("FAILED: " + text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
