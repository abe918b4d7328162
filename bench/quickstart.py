#!/usr/bin/env python3
"""Runs a SavedModel and its converted form side by side inside TensorFlow: agreement and speed.

    python bench/quickstart.py --model DIR/resnet50 --converted DIR/resnet50_hone [--json FILE]

Three ways to run the same network, in one process, with the same number of threads, in turns:
    TensorFlow           the SavedModel's signature as loaded
    TensorFlow, frozen   variables turned into constants and the batch fixed, so that Grappler can fold
    Hone                 the converted SavedModel's signature
Minima are compared: on a shared machine they move least. Exit code 1 if the outputs differ by more than
TOLERANCE or if Hone has taken no part of the graph. Answers can only differ where two classes are as close as that.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

from machine import cpus, describe

TOLERANCE = 1e-4  # largest difference, as a share of the range of the original's outputs
MIN_ROUNDS = 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, required=True, help="folder from models.py")
    parser.add_argument("--converted", type=pathlib.Path, required=True)
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=cpus())
    parser.add_argument("--seconds", type=float, default=20, help="measuring time per batch size")
    parser.add_argument("--json", type=pathlib.Path, help="write the numbers here, too")
    return parser.parse_args()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def load_tensorflow(threads: int):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ["HONE_TF_THREADS"] = str(threads)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import hone.tensorflow  # noqa: F401  registers the engine operator

    return tf


def signature(tf, path: pathlib.Path):
    """(function of one tensor -> tensor, the signature)."""
    loaded = tf.saved_model.load(str(path))
    function = loaded.signatures["serving_default"]
    (name,) = function.structured_input_signature[1]
    (output,) = function.structured_outputs

    def call(x, keep_alive=loaded):  # a signature alone does not hold its variables
        return function(**{name: x})[output]

    return call, function


def frozen(tf, function, shape):
    """The signature with constants for variables and the batch fixed."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    (name,) = function.structured_input_signature[1]
    spec = tf.TensorSpec(shape, tf.float32)
    concrete = tf.function(lambda x: function(**{name: x})).get_concrete_function(spec)
    constant = convert_variables_to_constants_v2(concrete)

    def call(x):
        result = constant(x)
        while isinstance(result, (list, tuple, dict)):
            (result,) = result.values() if isinstance(result, dict) else result
        return result

    return call


def count_nodes(function) -> tuple[int, int]:
    """(engine nodes, all other nodes) of a signature, functions it calls included."""
    graph = function.graph.as_graph_def()
    nodes = list(graph.node)
    for body in graph.library.function:
        nodes += body.node_def
    engines = sum(node.op.lower().startswith("hone") for node in nodes)
    return engines, len(nodes) - engines


def agreement(tf, original, converted, samples) -> dict:
    import numpy as np

    def run(call):
        parts = [samples[i : i + 8] for i in range(0, len(samples), 8)]
        return np.concatenate([np.asarray(call(tf.constant(part))) for part in parts])

    expected, actual = run(original), run(converted)
    if expected.shape != actual.shape or not np.isfinite(actual).all():
        sys.exit(
            f"Hone's output has shape {actual.shape} or is not finite; expected {expected.shape}"
        )
    difference = float(np.abs(expected.astype(np.float64) - actual).max())
    return {
        "samples": len(samples),
        "max_abs": difference,
        "relative_to_range": difference / float(expected.max() - expected.min()),
        "tolerance": TOLERANCE,
        "same_top1": int((expected.argmax(-1) == actual.argmax(-1)).sum()),
        "classes_seen": len(set(expected.argmax(-1))),
    }


def measure(calls: dict, x, seconds: float) -> dict:
    """Calls in turns, each round starting with another one, so that drift hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for name in names * 3:
        calls[name](x).numpy()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[names[0]]) < MIN_ROUNDS:
        for name in names:
            begin = time.perf_counter()
            calls[name](x).numpy()
            times[name].append((time.perf_counter() - begin) * 1e3)
        names = names[1:] + names[:1]
    return {
        name: {"min_ms": min(t), "p50_ms": statistics.median(t), "calls": len(t)}
        for name, t in times.items()
    }


def table(report: dict) -> str:
    lines = [
        f"{report['model']} on {report['machine']['cpu']}, {report['threads']} threads, FP32",
        "",
        f"{'batch':>5}  {'':<18} {'min ms':>9} {'p50 ms':>9}   Hone is faster by (minima)",
    ]
    for row in report["speed"]:
        for name, cell in row["calls"].items():
            ratio = f"{row['speedup'][name]:.2f}x" if name in row["speedup"] else ""
            times = f"{cell['min_ms']:9.2f} {cell['p50_ms']:9.2f}"
            lines.append(f"{row['batch']:>5}  {name:<18} {times}   {ratio}".rstrip())
    a = report["agreement"]
    lines += [
        "",
        f"graph:      {report['engine_nodes']} engine nodes, {report['other_nodes']} nodes left to TensorFlow",
        f"difference: {a['max_abs']:.2e} at most, {a['relative_to_range']:.2e} of the output's range "
        f"(allowed: {TOLERANCE:.0e})",
        f"answers:    {a['same_top1']} of {a['samples']} the same, {a['classes_seen']} classes among them",
    ]
    return "\n".join(lines)


def main() -> int:
    options = arguments()
    meta = json.loads((options.model / "meta.json").read_text())
    say("loading TensorFlow and both models")
    tf = load_tensorflow(options.threads)
    import numpy as np

    samples = np.load(options.model / "inputs.npz")["x"]
    original, function = signature(tf, options.model / "saved_model")
    converted, converted_function = signature(tf, options.converted)
    engines, others = count_nodes(converted_function)
    report = {
        "model": meta["name"],
        "threads": options.threads,
        "machine": describe(),
        "engine_nodes": engines,
        "other_nodes": others,
        "agreement": agreement(tf, original, converted, samples),
        "speed": [],
    }
    for batch in map(int, options.batches.split(",")):
        say(f"measuring batch {batch}")
        x = tf.constant(samples[:batch])
        calls = {
            "TensorFlow": original,
            "TensorFlow, frozen": frozen(tf, function, x.shape),
            "Hone": converted,
        }
        cells = measure(calls, x, options.seconds)
        hone = cells["Hone"]["min_ms"]
        speedup = {name: cell["min_ms"] / hone for name, cell in cells.items() if name != "Hone"}
        report["speed"].append({"batch": batch, "calls": cells, "speedup": speedup})
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))
    result = report["agreement"]
    if not engines:
        say("FAILED: the converted model has no engine node; `hone tf summary` says why")
    elif result["relative_to_range"] > TOLERANCE:
        say("FAILED: outputs differ by more than allowed; `hone compare --bisect` names the layer")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
