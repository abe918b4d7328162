"""Compares models frozen by Hone (tool hone_freeze) with TensorFlow's own run of the originals.

    python check_freeze.py PATH/TO/hone_freeze MODEL_DIR ...

The frozen graph must load into TensorFlow and give bit-equal outputs. TensorFlow's own rewriting is
off in both runs: what it can fold differs between variables and constants, and so do last bits. Needs
TensorFlow.
"""

import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf


def plain_config():
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    return config


def random_input(rng, spec):
    shape = [2 if d is None else d for d in spec.shape]
    if spec.dtype == tf.string:
        return rng.choice(np.array([b"a", b"b", b"c"], dtype=object), shape)
    if spec.dtype.is_integer:
        return rng.integers(0, 5, shape).astype(spec.dtype.as_numpy_dtype)
    return rng.standard_normal(shape).astype(spec.dtype.as_numpy_dtype)


def freeze(tool, model, out):
    done = subprocess.run([tool, model, out], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{model}: {done.stderr}")
    ports = {"input": {}, "output": {}, "effect": {}}
    for line in done.stdout.splitlines():
        kind, key, *tensor = line.split(" ")
        ports[kind][key] = tensor[0] if tensor else None
    return ports


def check(tool, model, folder, seed=0):
    out = os.path.join(folder, os.path.basename(model) + ".pb")
    ports = freeze(tool, model, out)
    graph_def = tf.compat.v1.GraphDef()
    with open(out, "rb") as file:
        graph_def.ParseFromString(file.read())
    loaded = tf.saved_model.load(model)
    signature = loaded.signatures["serving_default"]
    specs = signature.structured_input_signature[1]
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    worst = 0.0
    rng = np.random.default_rng(seed)
    for sign in (1, -1):  # both branches of conditionals
        arrays = {key: random_input(rng, spec) for key, spec in specs.items()}
        arrays = {k: a * sign if a.dtype.kind == "f" else a for k, a in arrays.items()}
        expected = signature(**{key: tf.constant(a) for key, a in arrays.items()})
        resources = [n.op for n in graph_def.node if n.op in ("VarHandleOp", "HashTableV2")]
        if resources:
            return f"loads ({len(resources)} resources stay, not run)"
        with tf.compat.v1.Session(graph=graph, config=plain_config()) as session:
            feed = {ports["input"][key]: a for key, a in arrays.items()}
            actual = session.run(ports["output"], feed)
        for key, value in expected.items():
            a, b = actual[key], value.numpy()
            assert a.shape == b.shape and a.dtype == b.dtype, (model, key, a.shape, b.shape)
            worst = max(worst, float(np.abs(a.astype("f8") - b.astype("f8")).max(initial=0)))
    assert worst == 0.0, f"{model}: outputs differ by {worst}"
    return f"equal, {len(graph_def.node)} nodes, {len(graph_def.library.function)} functions"


def main():
    tool, models = sys.argv[1], sys.argv[2:]
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            print(f"{os.path.basename(model)}: {check(tool, model, folder)}", flush=True)


if __name__ == "__main__":
    main()
