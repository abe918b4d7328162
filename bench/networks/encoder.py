"""Transformer encoders: one set of weights as Keras layers and as the ONNX nodes PyTorch's exporter writes.

Weights are NumPy arrays by name: "<layer>.<part>.w" [inputs, outputs] and ".b" for q, k, v, o, up, down; "<layer>.ln1.g"
and ".b", ln2 for the norms.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np

from networks.onnx_builder import Builder

# Parts of a layer: (name, inputs, outputs), as multiples of "hidden" or "inner".
PARTS = (
    ("q", "hidden", "hidden"),
    ("k", "hidden", "hidden"),
    ("v", "hidden", "hidden"),
    ("o", "hidden", "hidden"),
    ("up", "hidden", "inner"),
    ("down", "inner", "hidden"),
)


@dataclasses.dataclass(frozen=True)
class Encoder:
    layers: int
    heads: int
    hidden: int
    inner: int
    epsilon: float = 1e-12
    norm_first: bool = False  # as vision transformers have it; else after the addition (BERT)

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads


def random_weights(encoder: Encoder, seed: int) -> dict[str, np.ndarray]:
    """Weights of a trained encoder's size: 1 / sqrt(inputs), so that attention is neither flat nor one-hot."""
    random = np.random.default_rng(seed)
    weights = {}
    for layer in range(encoder.layers):
        for part, rows, columns in PARTS:
            shape = (getattr(encoder, rows), getattr(encoder, columns))
            kernel = random.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5)
            weights[f"{layer}.{part}.w"] = kernel * np.float32(1.5 if part in "qk" else 1.0)
            weights[f"{layer}.{part}.b"] = 0.1 * random.standard_normal(shape[1], np.float32)
        for part in ("ln1", "ln2"):
            weights.update(random_norm(f"{layer}.{part}", encoder.hidden, random))
    return weights


def random_norm(name: str, size: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    gamma = random.uniform(0.8, 1.2, size).astype(np.float32)
    return {name + ".g": gamma, name + ".b": 0.1 * random.standard_normal(size, np.float32)}


def exact_gelu(x):
    return keras.activations.gelu(x, approximate=False)


def keras_encoder(encoder: Encoder, x, mask=None):
    """The layers on `x` [N, positions, hidden]. Weights are set by set_keras_weights."""
    layers = keras.layers
    for k in range(encoder.layers):
        attention = layers.MultiHeadAttention(encoder.heads, encoder.head_size, name=f"att_{k}")
        norms = [
            layers.LayerNormalization(epsilon=encoder.epsilon, name=f"ln{i}_{k}") for i in (1, 2)
        ]
        up = layers.Dense(encoder.inner, activation=exact_gelu, name=f"up_{k}")
        down = layers.Dense(encoder.hidden, name=f"down_{k}")
        if encoder.norm_first:
            y = norms[0](x)
            x = layers.Add()([x, attention(y, y, attention_mask=mask)])
            x = layers.Add()([x, down(up(norms[1](x)))])
        else:
            x = norms[0](layers.Add()([x, attention(x, x, attention_mask=mask)]))
            x = norms[1](layers.Add()([x, down(up(x))]))
    return x


def set_keras_weights(encoder: Encoder, model, weights: dict[str, np.ndarray]) -> None:
    heads, size, hidden = encoder.heads, encoder.head_size, encoder.hidden
    for k in range(encoder.layers):
        attention = []
        for part in "qkv":
            attention.append(weights[f"{k}.{part}.w"].reshape(hidden, heads, size))
            attention.append(weights[f"{k}.{part}.b"].reshape(heads, size))
        attention += [weights[f"{k}.o.w"].reshape(heads, size, hidden), weights[f"{k}.o.b"]]
        model.get_layer(f"att_{k}").set_weights(attention)
        for part in ("up", "down"):
            pair = [weights[f"{k}.{part}.w"], weights[f"{k}.{part}.b"]]
            model.get_layer(f"{part}_{k}").set_weights(pair)
        for part in ("ln1", "ln2"):
            pair = [weights[f"{k}.{part}.g"], weights[f"{k}.{part}.b"]]
            model.get_layer(f"{part}_{k}").set_weights(pair)


def onnx_attention(
    encoder: Encoder, weights: dict, k: int, builder: Builder, x: str, mask: str | None
) -> str:
    """Scaled dot-product attention of layer `k`; `mask` is added to the scores."""
    op = builder.op

    def heads(part: str, order: list[int]) -> str:
        y = builder.linear(x, weights[f"{k}.{part}.w"], weights[f"{k}.{part}.b"])
        shape = builder.integers(0, 0, encoder.heads, encoder.head_size)
        return op("Transpose", op("Reshape", y, shape), perm=order)

    query, value = heads("q", [0, 2, 1, 3]), heads("v", [0, 2, 1, 3])
    key = heads("k", [0, 2, 3, 1])
    scores = op("Div", op("MatMul", query, key), builder.constant(encoder.head_size**0.5))
    if mask:
        scores = op("Add", scores, mask)
    mixed = op("MatMul", op("Softmax", scores, axis=-1), value)
    mixed = op("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = op("Reshape", mixed, builder.integers(0, 0, encoder.hidden))
    return builder.linear(mixed, weights[f"{k}.o.w"], weights[f"{k}.o.b"])


def onnx_encoder(
    encoder: Encoder, weights: dict, builder: Builder, x: str, mask: str | None = None
) -> str:
    for k in range(encoder.layers):
        norms = iter_norms(encoder, weights, k, builder)
        y = next(norms)(x) if encoder.norm_first else x
        x = builder.op("Add", onnx_attention(encoder, weights, k, builder, y, mask), x)
        x = x if encoder.norm_first else next(norms)(x)
        y = next(norms)(x) if encoder.norm_first else x
        y = builder.gelu(builder.linear(y, weights[f"{k}.up.w"], weights[f"{k}.up.b"]))
        y = builder.linear(y, weights[f"{k}.down.w"], weights[f"{k}.down.b"])
        x = builder.op("Add", y, x)
        x = x if encoder.norm_first else next(norms)(x)
    return x


def iter_norms(encoder: Encoder, weights: dict, k: int, builder: Builder) -> Iterator:
    """The two norms of layer `k` in the order of their use, as functions."""
    for part in ("ln1", "ln2"):
        gamma, beta = weights[f"{k}.{part}.g"], weights[f"{k}.{part}.b"]
        yield lambda x, g=gamma, b=beta: builder.layer_norm(x, g, b, encoder.epsilon)
