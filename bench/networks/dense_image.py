"""Networks that answer per pixel or per box: U-Nets and an SSD detector."""

from __future__ import annotations

import pathlib

import keras
import numpy as np
import tensorflow as tf

from networks.making import Made, save_keras, saved_model_to_onnx
from networks.signal import images, settle_batch_norm

UNET_SIZE, UNET_WIDTH, UNET_DEPTH = 256, 16, 4
SSD_SIZE, SSD_CLASSES = 320, 90
SSD_OUTPUTS = ("boxes", "classes", "count", "scores")
SCORE_SPREAD = 0.75  # a few to a hundred boxes per image
# Of what goes into the suppression: twice the largest difference of FP32 engines in a raw score, measured with ONNX
# Runtime and OpenVINO (0.0002 of a probability of 0.33).
DECISION_NOISE = 2e-3
# Aspect ratios of the boxes around a pixel of the first map, and of the others.
RATIOS = ((1.0, 2.0, 0.5), (1.0, 2.0, 0.5, 3.0, 1 / 3, 1.4))


def conv_block(x, channels: int):
    layers = keras.layers
    for _ in range(2):
        x = layers.Conv2D(
            channels, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def grow(x, channels: int, resize: str):
    """Twice the size: by a transposed convolution, or by interpolation and a convolution."""
    layers = keras.layers
    if not resize:
        return layers.Conv2DTranspose(
            channels, 2, strides=2, padding="same", kernel_initializer="he_normal"
        )(x)
    x = layers.UpSampling2D(interpolation=resize)(x)
    return layers.Conv2D(channels, 3, padding="same", kernel_initializer="he_normal")(x)


def unet(folder: pathlib.Path, resizes: tuple[str, ...] = ("",) * UNET_DEPTH) -> Made:
    """`resizes`: the interpolation of each step up; "" is a transposed convolution."""
    layers = keras.layers
    image = keras.Input((UNET_SIZE, UNET_SIZE, 3), name="x")
    x, skips = image, []
    for k in range(UNET_DEPTH):
        x = conv_block(x, UNET_WIDTH << k)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = conv_block(x, UNET_WIDTH << UNET_DEPTH)
    for k in reversed(range(UNET_DEPTH)):
        x = grow(x, UNET_WIDTH << k, resizes[k])
        x = conv_block(layers.Concatenate()([x, skips[k]]), UNET_WIDTH << k)
    model = keras.Model(image, layers.Conv2D(2, 1, activation="sigmoid", name="mask")(x))
    settle_batch_norm(model, images(4, UNET_SIZE, seed=1))
    save_keras(model, folder)
    saved_model_to_onnx(folder)
    return Made({"x": images(8, UNET_SIZE, seed=3)})


def separable(x, channels: int, stride: int):
    layers = keras.layers
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
    x = layers.ReLU(6)(layers.BatchNormalization()(x))
    if channels:
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.ReLU(6)(layers.BatchNormalization()(x))
    return x


def feature_maps(base) -> list:
    """20 x 20 down to 1 x 1 or 2 x 2."""
    layers = keras.layers
    maps = [base.get_layer("block_13_expand_relu").output, base.get_layer("out_relu").output]
    for narrow, channels in ((256, 512), (128, 256), (128, 256), (64, 128)):
        x = layers.Conv2D(narrow, 1, use_bias=False)(maps[-1])
        x = layers.ReLU(6)(layers.BatchNormalization()(x))
        maps.append(separable(x, channels, stride=2))
    return maps


def anchors_of(size: int, scale: float, ratios: tuple[float, ...]) -> np.ndarray:
    """[size * size * ratios, 4]: centre y, x, height, width as shares of the image."""
    centres = (np.arange(size) + 0.5) / size
    y, x = np.meshgrid(centres, centres, indexing="ij")
    boxes = [
        np.stack([y, x, np.full_like(y, scale / r**0.5), np.full_like(x, scale * r**0.5)], -1)
        for r in ratios
    ]
    return np.stack(boxes, 2).reshape(-1, 4)


def ssd_heads():
    """Keras model image -> raw boxes [N, anchors, 4] and scores [N, anchors, classes]; the anchors."""
    layers = keras.layers
    image = keras.Input((SSD_SIZE, SSD_SIZE, 3), name="x")
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_tensor=image)
    anchors, boxes, scores = [], [], []
    maps = feature_maps(base)
    for k, x in enumerate(maps):
        ratios = RATIOS[min(k, 1)]
        scale = 0.2 + 0.75 * k / (len(maps) - 1)
        anchors.append(anchors_of(x.shape[1], scale, ratios))
        y = separable(x, 0, stride=1)
        start = keras.initializers.RandomNormal(0, 0.02)
        box = layers.Conv2D(len(ratios) * 4, 1, kernel_initializer=start, name=f"box_{k}")(y)
        low = keras.initializers.Constant(-3.5)  # few candidates, as a trained detector has
        count = len(ratios) * SSD_CLASSES
        score = layers.Conv2D(count, 1, bias_initializer=low, name=f"class_{k}")(y)
        boxes.append(layers.Reshape((-1, 4))(box))
        scores.append(layers.Reshape((-1, SSD_CLASSES))(score))
    outputs = [layers.Concatenate(axis=1)(boxes), layers.Concatenate(axis=1)(scores)]
    return keras.Model(image, outputs), np.concatenate(anchors).astype(np.float32)


def settle_scores(model, samples: np.ndarray) -> None:
    for k in range(6):
        layer = model.get_layer(f"class_{k}")
        scores = np.asarray(keras.Model(model.inputs, layer.output)(samples))
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * SCORE_SPREAD / scores.std(), bias])


def suppressed(raw, scores, anchors: np.ndarray):
    """Decodes boxes; non-maximum suppression per class."""
    boxes = tf.constant(anchors)
    centre = raw[..., :2] * 0.1 * boxes[:, 2:] + boxes[:, :2]
    size = tf.exp(raw[..., 2:] * 0.2) * boxes[:, 2:]
    boxes = tf.concat([centre - size * 0.5, centre + size * 0.5], -1)
    return tf.image.combined_non_max_suppression(
        boxes[:, :, None, :], tf.sigmoid(scores), 100, 100, 0.5, 0.3, clip_boxes=True
    )


def detector(heads, anchors: np.ndarray):
    """image -> boxes: the heads, the decoding, and the suppression."""

    @tf.function(input_signature=[tf.TensorSpec([None, SSD_SIZE, SSD_SIZE, 3], tf.float32, "x")])
    def detect(x):
        raw, scores = heads(x, training=False)
        found = suppressed(raw, scores, anchors)
        return {
            "boxes": found.nmsed_boxes,
            "classes": found.nmsed_classes,
            "count": found.valid_detections,
            "scores": found.nmsed_scores,
        }

    return detect


def clear_images(heads, anchors: np.ndarray, count: int) -> np.ndarray:
    """Images whose boxes are the same for all engines. Random weights give scores that are nearly equal, and overlaps
    near the limit, much more often than trained ones: rounding alone then changes which box comes first or goes, and
    a comparison shows nothing. Left out are images where noise on raw boxes and scores changes the decisions."""
    candidates = images(20 * count, SSD_SIZE, seed=3)
    raw, scores = (np.asarray(y) for y in heads.predict(candidates, batch_size=8, verbose=0))
    random = np.random.default_rng(4)
    expected = suppressed(raw, scores, anchors)
    kept = np.asarray(expected.valid_detections)
    clear = (kept >= 3) & (kept < 100)
    for _ in range(4):
        noisy = (
            y + random.uniform(-1, 1, y.shape).astype(np.float32) * DECISION_NOISE
            for y in (raw, scores)
        )
        found = suppressed(*noisy, anchors)
        clear &= np.asarray(found.valid_detections) == kept
        same = np.asarray(found.nmsed_classes) == np.asarray(expected.nmsed_classes)
        moved = np.abs(np.asarray(found.nmsed_boxes) - np.asarray(expected.nmsed_boxes))
        clear &= same.all(1) & (moved.max((1, 2)) < 0.01)
    if clear.sum() < count:
        raise ValueError(f"ssd: only {clear.sum()} of {len(candidates)} images are clear")
    return candidates[clear][:count]


def ssd(folder: pathlib.Path) -> Made:
    """SSDLite on MobileNetV2."""
    heads, anchors = ssd_heads()
    samples = images(8, SSD_SIZE, seed=1)
    settle_batch_norm(heads, samples)
    settle_scores(heads, samples)
    detect = detector(heads, anchors)
    x = clear_images(heads, anchors, 8)
    counts = np.asarray(detect(tf.constant(x))["count"])
    archive = keras.export.ExportArchive()
    archive.track(heads)
    archive.add_endpoint("serve", detect)
    archive.write_out(str(folder / "saved_model"), verbose=False)
    saved_model_to_onnx(folder, SSD_OUTPUTS)
    return Made({"x": x}, outputs=SSD_OUTPUTS, checks={"boxes_kept": counts.tolist()})


NETWORKS = {
    "unet": unet,
    "unet_resize": lambda folder: unet(folder, ("bilinear", "bilinear", "nearest", "")),
    "ssd": ssd,
}
