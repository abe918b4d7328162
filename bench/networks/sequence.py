"""Recurrent networks: two layers and a classifier on the last step. ONNX has its own operators for them."""

from __future__ import annotations

import pathlib

import keras
import numpy as np

from networks.making import Made, save_keras
from networks.onnx_builder import Builder

STEPS, FEATURES, UNITS, CLASSES = 50, 256, 512, 64


def model_of(layer):
    layers = keras.layers
    x = keras.Input((STEPS, FEATURES), name="x")
    y = layer(UNITS, return_sequences=True, name="first")(x)
    y = layer(UNITS, name="second")(y)
    return keras.Model(x, layers.Dense(CLASSES, "softmax", name="head")(y))


def settle(model, samples: np.ndarray) -> None:
    """Biases no longer zero, and logits with a spread."""
    random = np.random.default_rng(8)
    for name in ("first", "second"):
        kernel, recurrent, bias = model.get_layer(name).get_weights()
        noise = 0.2 * random.standard_normal(bias.shape, np.float32)
        model.get_layer(name).set_weights([2 * kernel, recurrent, bias + noise])
    head = model.get_layer("head")
    features = np.asarray(keras.Model(model.inputs, head.input)(samples))
    kernel, bias = head.get_weights()
    logits = features @ kernel
    scale = 3 / np.std(logits - logits.mean(0))
    head.set_weights([kernel * scale, -logits.mean(0) * scale])


def reordered(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The gates, UNITS columns each, in another order."""
    return np.concatenate([array[..., k * UNITS : (k + 1) * UNITS] for k in order], -1)


def onnx_of(model, kind: str, order: tuple[int, ...], samples: np.ndarray) -> Builder:
    """`order`: where ONNX's gates are among those of Keras."""
    builder = Builder()
    op = builder.op
    x = op("Transpose", builder.input("x", samples), perm=[1, 0, 2])
    options = {"linear_before_reset": 1} if kind == "GRU" else {}
    for name in ("first", "second"):
        kernel, recurrent, bias = model.get_layer(name).get_weights()
        if bias.ndim == 1:  # LSTM: one bias; ONNX has one for the input and one for the state
            bias = np.stack([bias, np.zeros_like(bias)])
        both = np.concatenate([reordered(row, order) for row in bias])
        weights = [reordered(m, order).T[None] for m in (kernel, recurrent)] + [both[None]]
        results = op(
            kind,
            x,
            *map(builder.constant, weights),
            outputs=3 if kind == "LSTM" else 2,
            hidden_size=UNITS,
            **options,
        )
        x = op("Squeeze", results[0], builder.integers(1))
    last = op("Squeeze", results[1], builder.integers(0))
    logits = builder.gemm(last, model.get_layer("head"))
    builder.output(op("Softmax", logits, axis=-1), "output_0")
    return builder


def make(layer, kind: str, order: tuple[int, ...], folder: pathlib.Path) -> Made:
    random = np.random.default_rng(9)
    model = model_of(layer)
    settle(model, random.standard_normal((64, STEPS, FEATURES), np.float32))
    x = random.standard_normal((8, STEPS, FEATURES), np.float32)
    save_keras(model, folder)
    onnx_of(model, kind, order, x).save(folder / "model.onnx")
    return Made({"x": x})


# Keras: i f c o and z r h; ONNX: i o f c and z r h.
NETWORKS = {
    "lstm": lambda folder: make(keras.layers.LSTM, "LSTM", (0, 3, 1, 2), folder),
    "gru": lambda folder: make(keras.layers.GRU, "GRU", (0, 1, 2), folder),
}
