"""GoogLeNet (Inception v1) as in its paper, with local response normalization."""

from __future__ import annotations

import pathlib

import keras
import numpy as np
import tensorflow as tf

from networks.making import Made, save_keras
from networks.signal import images, settle_head
from onnx_export import Exporter

SIZE, CLASSES = 224, 1000
# Channels of the branches 1x1, 3x3 (reduce, result), 5x5 (reduce, result), pool.
MODULES = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    "pool",
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    "pool",
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)


class LocalResponse(keras.layers.Layer):
    """5 channels at a time."""

    radius, bias, alpha, beta = 2, 1.0, 2e-5, 0.75

    def call(self, x):
        return tf.nn.local_response_normalization(
            x, self.radius, bias=self.bias, alpha=self.alpha, beta=self.beta
        )


class WithLocalResponse(Exporter):
    def write_LocalResponse(self, layer, value: str) -> str:
        size = 2 * layer.radius + 1
        alpha = layer.alpha * size  # ONNX divides by the size
        return self.node(
            "LRN", layer.name, [value], size=size, bias=layer.bias, alpha=alpha, beta=layer.beta
        )

    def write_Concatenate(self, layer, *values: str) -> str:
        return self.node("Concat", layer.name, list(values), axis=1)


def conv(x, channels: int, size: int, stride: int = 1):
    bias = keras.initializers.RandomNormal(stddev=0.1)
    return keras.layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        bias_initializer=bias,
    )(x)


def pool(x, stride: int):
    return keras.layers.MaxPooling2D(3, strides=stride, padding="same")(x)


def module(x, one: int, reduce3: int, three: int, reduce5: int, five: int, pooled: int):
    branches = [
        conv(x, one, 1),
        conv(conv(x, reduce3, 1), three, 3),
        conv(conv(x, reduce5, 1), five, 5),
        conv(pool(x, 1), pooled, 1),
    ]
    return keras.layers.Concatenate()(branches)


def googlenet(folder: pathlib.Path) -> Made:
    image = keras.Input((SIZE, SIZE, 3), name="x")
    x = LocalResponse()(pool(conv(image, 64, 7, 2), 2))
    x = pool(LocalResponse()(conv(conv(x, 64, 1), 192, 3)), 2)
    for widths in MODULES:
        x = pool(x, 2) if widths == "pool" else module(x, *widths)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(CLASSES, activation="softmax", name="probabilities")(x)
    model = keras.Model(image, x)
    settle_head(model, images(32, SIZE, seed=2))
    samples = images(16, SIZE, seed=3)
    answers = np.asarray(model.predict(samples, verbose=0))
    classes = len(set(answers.argmax(-1)))
    save_keras(model, folder)
    WithLocalResponse(model).export(folder / "model.onnx", "answers")
    return Made({"x": samples}, channels_first=True, checks={"classes_seen": classes})


NETWORKS = {"googlenet": googlenet}
