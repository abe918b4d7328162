"""Networks on vectors and categories: an MLP, Wide & Deep, DLRM."""

from __future__ import annotations

import pathlib

import keras
import numpy as np

from networks.making import Made, save_keras
from networks.onnx_builder import Builder
from networks.signal import settle_head, vectors
from onnx_export import Exporter

DENSE = 13  # numbers per sample, as in the Criteo data
DLRM_ROWS = (
    [200000, 200000, 150000, 120000, 100000, 80000, 60000, 40000, 30000, 20000]
    + [2000] * 10
    + [500] * 6
)
DLRM_WIDTH = 64
WIDE_ROWS = [5000, 2000, 1000, 300, 100, 50, 20, 10]
WIDE_WIDTH = 32
CLICK_SPREAD = 2.0


class Lookup(keras.layers.Layer):
    """Column j of the ids -> a row of table j: [N, tables, width]."""

    def __init__(self, rows: list[int], width: int, **options):
        super().__init__(**options)
        self.rows, self.width = rows, width

    def build(self, shape):
        start = keras.initializers.RandomUniform(-0.5, 0.5)
        self.tables = [
            self.add_weight(shape=(count, self.width), name=f"table_{j}", initializer=start)
            for j, count in enumerate(self.rows)
        ]

    def call(self, ids):
        ops = keras.ops
        return ops.stack([ops.take(t, ids[:, j], axis=0) for j, t in enumerate(self.tables)], 1)


def lower_triangle(size: int) -> np.ndarray:
    """Positions below the diagonal of a flat [size, size] matrix."""
    return np.array([i * size + j for i in range(size) for j in range(i)], np.int64)


class Interaction(keras.layers.Layer):
    """All dot products between the dense vector and the looked-up ones, behind the dense vector."""

    def call(self, dense, rows):
        ops = keras.ops
        vectors_ = ops.concatenate([dense[:, None, :], rows], axis=1)
        count = vectors_.shape[1]
        products = ops.matmul(vectors_, ops.transpose(vectors_, (0, 2, 1)))
        flat = ops.reshape(products, (-1, count * count))
        return ops.concatenate([dense, ops.take(flat, lower_triangle(count), axis=1)], axis=1)


def dense_stack(x, sizes: list[int], name: str):
    for k, size in enumerate(sizes):
        layer = keras.layers.Dense(size, "relu", kernel_initializer="he_normal", name=f"{name}_{k}")
        x = layer(x)
    return x


def samples_of(rows: list[int], count: int, seed: int) -> dict[str, np.ndarray]:
    """Categories with a long tail and counts on a logarithmic scale."""
    random = np.random.default_rng(seed)
    sizes = np.array(rows)
    ids = np.minimum((sizes * random.random((count, len(rows))) ** 2).astype(np.int64), sizes - 1)
    dense = np.log1p(random.exponential(3, (count, DENSE))).astype(np.float32)
    return {"dense_features": dense, "sparse_ids": ids}


def settle_click(model, samples: dict[str, np.ndarray]) -> None:
    """Logits of the last layer with mean 0 and a spread."""
    head = model.layers[-1]
    inputs = [samples[x.name] for x in model.inputs]
    features = np.asarray(keras.Model(model.inputs, head.input)(inputs))
    kernel, _ = head.get_weights()
    logits = features @ kernel
    scale = CLICK_SPREAD / logits.std()
    head.set_weights([kernel * scale, -logits.mean(0) * scale])


def onnx_lookup(builder: Builder, ids: str, tables: list[np.ndarray]) -> list[str]:
    """One [N, width] value per table."""
    result = []
    for j, table in enumerate(tables):
        column = builder.op("Gather", ids, builder.constant(j, np.int64), axis=1)
        result.append(builder.op("Gather", builder.constant(table, name=f"table_{j}"), column))
    return result


def mlp(folder: pathlib.Path) -> Made:
    x = keras.Input((1024,), name="x")
    y = dense_stack(x, [2048] * 4, "dense")
    model = keras.Model(x, keras.layers.Dense(1000, "softmax", name="head")(y), name="mlp")
    settle_head(model, vectors(32, 1024, seed=2))
    save_keras(model, folder)
    Exporter(model).export(folder / "model.onnx", "probabilities")
    return Made({"x": vectors(64, 1024, seed=3)})


def dlrm(folder: pathlib.Path) -> Made:
    """26 tables with 264 MB in all; bottom 512-256-64, dot products, top 512-512-256-1."""
    count = len(DLRM_ROWS)
    dense = keras.Input((DENSE,), name="dense_features")
    ids = keras.Input((count,), dtype="int64", name="sparse_ids")
    bottom = dense_stack(dense, [512, 256, DLRM_WIDTH], "bottom")
    x = Interaction()(bottom, Lookup(DLRM_ROWS, DLRM_WIDTH, name="lookup")(ids))
    x = keras.layers.Dense(1, "sigmoid", name="click")(dense_stack(x, [512, 512, 256], "top"))
    model = keras.Model([dense, ids], x)
    settle_click(model, samples_of(DLRM_ROWS, 512, seed=1))
    samples = samples_of(DLRM_ROWS, 2048, seed=2)
    save_keras(model, folder)

    builder = Builder()
    op = builder.op
    value, sparse = (builder.input(name, samples[name]) for name in samples)
    for k in range(3):
        value = builder.gemm(value, model.get_layer(f"bottom_{k}"), "Relu")
    rows = onnx_lookup(builder, sparse, model.get_layer("lookup").get_weights())
    axis = builder.integers(1)
    parts = op("Concat", *[op("Unsqueeze", row, axis) for row in [value, *rows]], axis=1)
    products = op("MatMul", parts, op("Transpose", parts, perm=[0, 2, 1]))
    flat = op("Reshape", products, builder.integers(0, (count + 1) ** 2))
    chosen = op("Gather", flat, builder.constant(lower_triangle(count + 1), np.int64), axis=1)
    value = op("Concat", value, chosen, axis=1)
    for k in range(3):
        value = builder.gemm(value, model.get_layer(f"top_{k}"), "Relu")
    builder.output(builder.gemm(value, model.get_layer("click"), "Sigmoid"), "output_0")
    builder.save(folder / "model.onnx")
    return Made(samples, batches=(1, 64, 2048))


def wide_deep(folder: pathlib.Path) -> Made:
    """A linear model over one-hot categories and numbers, plus an MLP over embeddings."""
    count, layers = len(WIDE_ROWS), keras.layers
    dense = keras.Input((DENSE,), name="dense_features")
    ids = keras.Input((count,), dtype="int64", name="sparse_ids")
    rows = layers.Flatten()(Lookup(WIDE_ROWS, WIDE_WIDTH, name="deep")(ids))
    deep = dense_stack(layers.Concatenate()([dense, rows]), [256, 128, 64], "hidden")
    weights = layers.Flatten()(Lookup(WIDE_ROWS, 1, name="wide")(ids))
    joined = layers.Concatenate()([deep, dense, weights])
    model = keras.Model([dense, ids], layers.Dense(1, "sigmoid", name="click")(joined))
    settle_click(model, samples_of(WIDE_ROWS, 512, seed=1))
    samples = samples_of(WIDE_ROWS, 256, seed=2)
    save_keras(model, folder)

    builder = Builder()
    op = builder.op
    numbers, sparse = (builder.input(name, samples[name]) for name in samples)
    embedded = onnx_lookup(builder, sparse, model.get_layer("deep").get_weights())
    value = op("Concat", numbers, *embedded, axis=1)
    for k in range(3):
        value = builder.gemm(value, model.get_layer(f"hidden_{k}"), "Relu")
    linear = []
    for j, table in enumerate(model.get_layer("wide").get_weights()):
        column = op("Gather", sparse, builder.constant(j, np.int64), axis=1)
        linear.append(op("Gather", builder.constant(table, name=f"wide_{j}"), column))
    value = op("Concat", value, numbers, *linear, axis=1)
    builder.output(builder.gemm(value, model.get_layer("click"), "Sigmoid"), "output_0")
    builder.save(folder / "model.onnx")
    return Made(samples, batches=(1, 64, 256))


NETWORKS = {"mlp": mlp, "dlrm": dlrm, "wide_deep": wide_deep}
