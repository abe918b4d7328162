"""Image classifiers: every family of keras.applications, and a vision transformer in text.py's blocks."""

from __future__ import annotations

import dataclasses
import pathlib

import keras
import numpy as np

from networks.making import Made, half_onnx, save_keras, saved_model_to_onnx
from networks.signal import (
    images,
    pixels,
    settle_batch_norm,
    settle_head,
    settle_inputs,
    settle_other_norms,
)
from onnx_export import Exporter

MIN_CLASSES = 0.15  # share of the samples whose top answers must differ
CLASSES = 1000


@dataclasses.dataclass(frozen=True)
class Family:
    """One network of a family. Some are smaller than usual: FP64 runs of the reference are slow."""

    builder: str  # in keras.applications
    size: int = 224
    scaled_inside: bool = False  # takes 0..255
    own_export: bool = False  # ONNX as PyTorch users have it, NCHW; else by tf2onnx
    samples: int = 8
    policy: str = "float32"
    options: dict = dataclasses.field(default_factory=dict)


FAMILIES = {
    "resnet50": Family("ResNet50", own_export=True, samples=64),
    "mobilenetv2": Family("MobileNetV2", own_export=True, samples=64),
    "inceptionv3": Family("InceptionV3", 299),
    "efficientnetb0": Family("EfficientNetB0", scaled_inside=True),
    "vgg16": Family("VGG16", 96),
    "resnet50v2": Family("ResNet50V2", 128),
    "inceptionresnetv2": Family("InceptionResNetV2", 139),
    "xception": Family("Xception", 139),
    "densenet121": Family("DenseNet121", 128),
    "mobilenet": Family("MobileNet"),
    "mobilenetv3": Family("MobileNetV3Large", scaled_inside=True),
    "efficientnetv2b0": Family("EfficientNetV2B0", 128, scaled_inside=True),
    "nasnetmobile": Family("NASNetMobile", 128),
    "convnexttiny": Family("ConvNeXtTiny", 128, scaled_inside=True),
    "resnet50_fp16": Family("ResNet50", own_export=True, policy="mixed_float16"),
    "mobilenetv2_fp16": Family("MobileNetV2", own_export=True, policy="mixed_float16"),
}


def build(family: Family):
    x = keras.Input((family.size, family.size, 3), name="x")
    builder = getattr(keras.applications, family.builder)
    return builder(weights=None, input_tensor=x, classes=CLASSES, **family.options)


def settled(family: Family):
    """The network in FP32 with weights that carry a signal."""
    draw = pixels if family.scaled_inside else images
    model = build(family)
    settle_inputs(model)
    settle_other_norms(model)
    settle_batch_norm(model, draw(16, family.size, seed=1))
    settle_head(model, draw(32, family.size, seed=2))
    return model


def check_answers(model, x: np.ndarray) -> int:
    """Number of classes among the top answers. ValueError if an error could hide behind equal answers."""
    answers = np.asarray(model.predict(x, batch_size=8, verbose=0), np.float32)
    classes = len(set(answers.argmax(-1)))
    if classes < MIN_CLASSES * len(x) or not np.isfinite(answers).all():
        raise ValueError(f"{model.name}: only {classes} classes among {len(x)} answers")
    return classes


def make(name: str, folder: pathlib.Path) -> Made:
    family = FAMILIES[name]
    model = settled(family)
    draw = pixels if family.scaled_inside else images
    x = draw(family.samples, family.size, seed=3)
    classes = check_answers(model, x)
    if family.own_export:
        Exporter(model).export(folder / "model.onnx", "probabilities")
    if family.policy != "float32":
        half_onnx(folder / "model.onnx", folder / "model.onnx")
        weights = model.get_weights()
        keras.config.set_dtype_policy(family.policy)
        try:
            model = build(family)
        finally:
            keras.config.set_dtype_policy("float32")
        model.set_weights(weights)
    save_keras(model, folder)
    if not family.own_export:
        saved_model_to_onnx(folder)
    checks = {"classes_seen": classes, "parameters": model.count_params()}
    return Made({"x": x}, channels_first=family.own_export, checks=checks)


def maker(name: str):
    return lambda folder: make(name, folder)


NETWORKS = {name: maker(name) for name in FAMILIES}
