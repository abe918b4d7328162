#!/usr/bin/env python3
"""Makes the networks of bench/networks: the same weights as a TensorFlow SavedModel and as ONNX.

    python bench/models.py [--out DIR] [--models resnet50,bert | bench | all]

DIR/<name>/ then holds
    saved_model/   batch dimension free, signature serving_default, images NHWC
    model.onnx     the same function, batch dimension "N"; images NCHW where meta.json says so
    inputs.npz     samples by input name, as the SavedModel takes them
    meta.json      inputs with the shapes of both files, outputs, batch sizes, versions

Weights are random except MiniLM's, but every layer carries a signal: an error in any layer shows in the output. Moving
statistics of batch normalization are the true statistics of the layer's input on structured random images, gamma and
beta differ from 1 and 0, and heads are centred and scaled so that the answers of the samples differ.
Nothing is downloaded but MiniLM's weights. A network that is there already is kept (--force makes it again).
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

from networks import BENCH
from networks.making import Made
from networks.registry import NETWORKS

# Of what is made; a network of another version is made again.
VERSION = 2
VERSIONS = {"ssd": 3}


def version_of(name: str) -> int:
    return VERSIONS.get(name, VERSION)


def input_entry(sample: np.ndarray, channels_first: bool) -> dict:
    shape = list(sample.shape[1:])
    onnx_shape = [shape[-1], *shape[:-1]] if channels_first else shape
    return {"dtype": str(sample.dtype), "shape": shape, "onnx_shape": onnx_shape}


def write_meta(name: str, made: Made, folder: pathlib.Path) -> None:
    meta = {
        "name": name,
        "version": version_of(name),
        "inputs": {k: input_entry(x, made.channels_first) for k, x in made.samples.items()},
        "outputs": list(made.outputs),
        "batches": list(made.batches),
        **made.checks,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")


def make(name: str, folder: pathlib.Path) -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(2026)
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    made = NETWORKS[name](new)
    np.savez(new / "inputs.npz", **made.samples)
    write_meta(name, made, new)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    print(f"{name}: made in {folder}", file=sys.stderr)


def is_current(folder: pathlib.Path) -> bool:
    try:
        version = json.loads((folder / "meta.json").read_text())["version"]
        return version == version_of(folder.name)
    except (OSError, ValueError, KeyError):
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the benchmark networks.")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--models", default="bench", help="comma-separated names, bench or all")
    parser.add_argument("--force", action="store_true", help="make networks again that are there")
    parser.add_argument("--list", action="store_true", help="print the names only")
    options = parser.parse_args()
    groups = {"bench": list(BENCH), "all": list(NETWORKS)}
    for name in groups.get(options.models) or options.models.split(","):
        if name not in NETWORKS:
            parser.error(f"unknown network '{name}'; there are {', '.join(NETWORKS)}")
        if options.list:
            print(name)
            continue
        if not options.force and is_current(options.out / name):
            print(f"{name}: is there already", file=sys.stderr)
            continue
        make(name, options.out / name)


if __name__ == "__main__":
    main()
