#!/usr/bin/env python3
"""Makes the benchmark networks: the same weights as a TensorFlow SavedModel and as ONNX.

    python bench/models.py --out DIR [--models resnet50,mobilenetv2,mlp]

DIR/<name>/ then holds
    saved_model/   Keras export, NHWC, batch dimension free, signature serving_default
    model.onnx     the same function, NCHW, batch dimension "N"
    inputs.npz     64 samples, as the SavedModel takes them
    meta.json      input name, shapes of both files, versions

Nothing is downloaded: weights are random, but every layer carries a signal. Moving statistics of batch
normalization are the true statistics of the layer's input on structured random images, gamma and beta differ from
1 and 0, and the head is centred and scaled so that the classes of the 64 samples differ: an error in any layer
shows in the output. A model that is there already is kept (--force makes it again).
"""

from __future__ import annotations

import argparse
import functools
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

from onnx_export import Exporter

VERSION = 1  # of what this file makes; a model of another version is made again
SAMPLES = 64
MIN_CLASSES = 10  # that must occur among the top answers of the samples
LOGIT_SPREAD = 3.0  # standard deviation of a sample's logits
OUTPUT = "probabilities"


def images(count: int, size: int, seed: int) -> np.ndarray:
    """[count, size, size, 3] in -1..1: blocks of several sizes plus noise, mixed differently in each image."""
    random = np.random.default_rng(seed)
    result = 0.2 * random.standard_normal((count, size, size, 3), np.float32)
    for cells in (2, 4, 10, 28, 75):
        small = random.standard_normal((count, cells, cells, 3), np.float32)
        index = np.arange(size) * cells // size
        strength = random.uniform(0, 0.6, (count, 1, 1, 1)).astype(np.float32)
        result += strength * small[:, index][:, :, index]
    result += random.uniform(-0.4, 0.4, (count, 1, 1, 3)).astype(np.float32)
    return np.clip(result, -1, 1)


def vectors(count: int, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size), np.float32)


def settle_batch_norm(model, samples: np.ndarray) -> None:
    """Moving statistics = the statistics of each layer's input; gamma and beta no longer trivial."""
    random = np.random.default_rng(7)
    layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.0
        layer.gamma.assign(random.uniform(0.8, 1.2, layer.gamma.shape))
        layer.beta.assign(0.2 * random.standard_normal(layer.beta.shape))
    model([samples], training=True)
    for layer in layers:
        layer.momentum = 0.99


def settle_head(model, samples: np.ndarray) -> None:
    """Centres the logits of each class over the samples and gives each sample's logits a spread."""
    head = model.layers[-1]
    features = np.asarray(keras.Model(model.inputs, head.input)([samples], training=False))
    kernel, _ = head.get_weights()
    logits = features @ kernel
    scale = LOGIT_SPREAD / np.std(logits - logits.mean(0))
    head.set_weights([kernel * scale, -logits.mean(0) * scale])


def resnet50():
    x = keras.Input((224, 224, 3), name="x")
    return keras.applications.ResNet50(weights=None, input_tensor=x, classes=1000)


def mobilenetv2():
    x = keras.Input((224, 224, 3), name="x")
    return keras.applications.MobileNetV2(weights=None, input_tensor=x, classes=1000)


def mlp():
    x = y = keras.Input((1024,), name="x")
    for k in range(4):
        y = keras.layers.Dense(2048, "relu", kernel_initializer="he_normal", name=f"dense_{k}")(y)
    return keras.Model(x, keras.layers.Dense(1000, "softmax", name="predictions")(y), name="mlp")


MODELS = {"resnet50": resnet50, "mobilenetv2": mobilenetv2, "mlp": mlp}


def make(name: str, folder: pathlib.Path) -> None:
    keras.utils.set_random_seed(2026)
    model = MODELS[name]()
    shape = list(model.inputs[0].shape[1:])
    samples = functools.partial(images if len(shape) == 3 else vectors, size=shape[0])
    settle_batch_norm(model, samples(16, seed=1))
    settle_head(model, samples(32, seed=2))
    x = samples(SAMPLES, seed=3)
    answers = np.asarray(model.predict(x, batch_size=8, verbose=0))
    classes = len(set(answers.argmax(-1)))
    if classes < MIN_CLASSES or not np.isfinite(answers).all():
        sys.exit(f"{name}: only {classes} classes among {SAMPLES} answers, need {MIN_CLASSES}")
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    model.export(str(new / "saved_model"), format="tf_saved_model", verbose=False)
    Exporter(model).export(new / "model.onnx", OUTPUT)
    np.savez(new / "inputs.npz", x=x)
    meta = {
        "name": name,
        "version": VERSION,
        "input": "x",
        "shape": shape,
        "onnx_shape": [shape[-1], *shape[:-1]],
        "classes_seen": classes,
        "parameters": model.count_params(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    (new / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    print(f"{name}: made in {folder}, {classes} classes among {SAMPLES} answers", file=sys.stderr)


def is_current(folder: pathlib.Path) -> bool:
    try:
        return json.loads((folder / "meta.json").read_text())["version"] == VERSION
    except (OSError, ValueError, KeyError):
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the benchmark networks.")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--models", default=",".join(MODELS), help="comma-separated")
    parser.add_argument("--force", action="store_true", help="make models again that are there")
    options = parser.parse_args()
    for name in options.models.split(","):
        if name not in MODELS:
            parser.error(f"unknown model '{name}'; there are {', '.join(MODELS)}")
        if not options.force and is_current(options.out / name):
            print(f"{name}: is there already", file=sys.stderr)
            continue
        make(name, options.out / name)


if __name__ == "__main__":
    main()
