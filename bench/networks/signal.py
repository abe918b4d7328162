"""Inputs with structure, and random weights that carry a signal through every layer."""

from __future__ import annotations

import keras
import numpy as np

LOGIT_SPREAD = 3.0  # standard deviation of a sample's logits


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


def pixels(count: int, size: int, seed: int) -> np.ndarray:
    """The same in 0..255, for networks that begin with their own scaling."""
    return (images(count, size, seed) + 1) * np.float32(127.5)


def vectors(count: int, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size), np.float32)


def flat(model) -> list:
    """All layers, those inside of layers, too."""
    return list(model._flatten_layers())


def settle_inputs(model) -> None:
    """Statistics of the images as plain arrays: tf2onnx makes inputs of the graph of captured tensors."""
    for layer in flat(model):
        if isinstance(layer, keras.layers.Normalization):
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)


def settle_batch_norm(model, samples: np.ndarray) -> None:
    """Moving statistics = the statistics of each layer's input; gamma and beta no longer trivial."""
    random = np.random.default_rng(7)
    layers = [x for x in flat(model) if isinstance(x, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.0
        if layer.gamma is not None:
            layer.gamma.assign(random.uniform(0.8, 1.2, layer.gamma.shape))
        if layer.beta is not None:
            layer.beta.assign(0.2 * random.standard_normal(layer.beta.shape))
    if layers:
        model([samples], training=True)
    for layer in layers:
        layer.momentum = 0.99


def settle_other_norms(model) -> None:
    """Layer normalization no longer trivial; residual branches scaled to count (new ones have 1e-6)."""
    random = np.random.default_rng(8)
    for layer in flat(model):
        if isinstance(layer, keras.layers.LayerNormalization):
            layer.gamma.assign(random.uniform(0.8, 1.2, layer.gamma.shape))
            layer.beta.assign(0.2 * random.standard_normal(layer.beta.shape))
        elif type(layer).__name__ == "LayerScale":
            layer.gamma.assign(random.uniform(0.2, 0.4, layer.gamma.shape))


def settle_head(model, samples: np.ndarray) -> None:
    """Centres the logits of each class over the samples and gives each sample's logits a spread.

    The head is the last layer with weights: dense, or a convolution of a single pixel.
    """
    head = next(x for x in reversed(model.layers) if x.weights)
    features = keras.Model(model.inputs, head.input)([samples], training=False)
    kernel, bias = head.get_weights()
    logits = np.asarray(features, np.float32).reshape(len(samples), -1)
    logits = logits @ kernel.reshape(-1, len(bias))
    scale = LOGIT_SPREAD / np.std(logits - logits.mean(0))
    head.set_weights([kernel * scale, -logits.mean(0) * scale])
