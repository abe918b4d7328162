"""The table of import_cases.py: sliding windows, normalization, images, blocks."""

import itertools

import numpy as np
from import_cases import (
    BATCH,
    F16,
    F64,
    HALF,
    I32,
    U8,
    Const,
    case,
    const,
    ints,
    numbers,
)


def around(values):
    """[a, b] -> [1, a, b, 1]"""
    return [1, *values, 1]


for kernel, stride, dilation, padding in [
    ((3, 3), 1, 1, "SAME"),
    ((3, 3), 2, 1, "SAME"),
    ((3, 3), 2, 1, "VALID"),
    ((2, 5), 1, 1, "SAME"),
    ((1, 1), 1, 1, "VALID"),
    ((4, 4), 3, 1, "SAME"),
    ((3, 3), 1, 2, "SAME"),
    ((3, 2), 1, 3, "VALID"),
    ((3, 3), 2, 1, "EXPLICIT"),
    ((2, 2), 3, 1, "SAME"),
    ((1, 1), 2, 1, "SAME"),
]:
    more = {"explicit_paddings": [0, 0, 1, 0, 2, 3, 0, 0]} if padding == "EXPLICIT" else {}
    shared = dict(
        strides=around([stride] * 2),
        dilations=around([dilation] * 2),
        padding=padding,
        **more,
    )
    for size in ((9, 8), (7, 11)):
        case("Conv2D", input=numbers(2, *size, 4), filter=const(numbers(*kernel, 4, 6)), **shared)
    case(
        "Conv2D",
        input=numbers(BATCH, 8, 8, 3),
        filter=const(numbers(*kernel, 3, 8)),
        batch=True,
        **shared,
    )
    case("Conv2D", input=numbers(2, 8, 9, 4), filter=const(numbers(*kernel, 2, 6)), **shared)
    if dilation == 1:
        for multiplier in (1, 2):
            case(
                "DepthwiseConv2dNative",
                input=numbers(BATCH, 9, 9, 5),
                batch=True,
                filter=const(numbers(*kernel, 5, multiplier)),
                **shared,
            )
    if padding != "EXPLICIT" and dilation == 1:
        cube = (2, *kernel)
        case(
            "Conv3D",
            input=numbers(2, 5, 9, 8, 3),
            filter=const(numbers(*cube, 3, 4)),
            strides=[1, stride, stride, stride, 1],
            padding=padding,
        )
case(
    "Conv2D",
    input=numbers(2, 9, 8, 4),
    filter=numbers(3, 3, 4, 6),
    strides=[1, 1, 2, 1],
    padding="SAME",
)
case(
    "Conv2D",
    input=numbers(2, 9, 8, 4, dtype=F64),
    filter=const(numbers(3, 3, 4, 6), F64),
    strides=[1, 1, 1, 1],
    padding="SAME",
)
case(
    "Conv3D",
    input=numbers(BATCH, 5, 5, 5, 3),
    filter=const(numbers(3, 3, 3, 3, 4)),
    batch=True,
    strides=[1] * 5,
    padding="SAME",
    dilations=[1, 1, 1, 1, 1],
)

for window, stride, padding in [
    ((2, 2), 2, "VALID"),
    ((3, 3), 2, "SAME"),
    ((3, 2), 1, "SAME"),
    ((3, 3), 1, "VALID"),
    ((2, 2), 3, "SAME"),
    ((9, 8), 1, "VALID"),
]:
    shared = dict(ksize=around(window), strides=around([stride] * 2), padding=padding)
    for name, key in (("MaxPool", "input"), ("AvgPool", "value")):
        case(name, **{key: numbers(2, 9, 8, 5)}, **shared)
        case(name, **{key: numbers(BATCH, 9, 8, 3)}, batch=True, **shared)
        case(name, **{key: numbers(1, 9, 8, 3, dtype=F64)}, **shared)
    for name in ("MaxPool3D", "AvgPool3D"):
        case(
            name,
            input=numbers(2, 3, 9, 8, 5),
            padding=padding,
            ksize=[1, 2, *window, 1],
            strides=[1, 1, stride, stride, 1],
        )
case(
    "MaxPool",
    input=numbers(1, 6, 6, 2),
    ksize=[1, 3, 3, 1],
    strides=[1, 2, 2, 1],
    padding="EXPLICIT",
    explicit_paddings=[0, 0, 1, 0, 0, 1, 0, 0],
)
case(
    "MaxPool",
    input=-np.ones((1, 3, 3, 1), np.float32),
    ksize=[1, 2, 2, 1],
    strides=[1, 1, 1, 1],
    padding="SAME",
)
case(
    "MaxPool",
    input=numbers(1, 4, 4, 2, low=-9, high=9, dtype=I32),
    ksize=[1, 2, 2, 1],
    strides=[1, 2, 2, 1],
    padding="SAME",
)

for kernel, stride, padding, sizes in [
    ((3, 3), 2, "SAME", (8, 10)),
    ((3, 3), 2, "SAME", (7, 9)),
    ((2, 2), 2, "VALID", (8, 10)),
    ((4, 4), 2, "SAME", (8, 10)),
    ((3, 3), 1, "SAME", (4, 5)),
    ((3, 3), 1, "VALID", (6, 7)),
    ((2, 2), 3, "VALID", (11, 14)),
    ((1, 1), 2, "SAME", (8, 10)),
    ((3, 5), 2, "VALID", (9, 14)),
]:
    case(
        "Conv2DBackpropInput",
        input_sizes=ints(BATCH, *sizes, 6),
        filter=const(numbers(*kernel, 6, 4)),
        out_backprop=numbers(BATCH, 4, 5, 4),
        strides=[1, stride, stride, 1],
        padding=padding,
    )
case(
    "Conv2DBackpropInput",
    input_sizes=ints(2, 7, 9, 3),
    filter=const(numbers(3, 3, 3, 4)),
    out_backprop=numbers(2, 4, 5, 4),
    strides=[1, 2, 2, 1],
    padding="EXPLICIT",
    explicit_paddings=[0, 0, 1, 1, 1, 1, 0, 0],
)
case(
    "Conv3DBackpropInputV2",
    input_sizes=ints(2, 6, 8, 10, 3),
    filter=const(numbers(3, 3, 2, 3, 4)),
    out_backprop=numbers(2, 3, 4, 5, 4),
    strides=[1, 2, 2, 2, 1],
    padding="SAME",
)
case(  # kernels below the stride and far above it
    "Conv2DBackpropInput",
    input_sizes=ints(BATCH, 10, 9, 20),
    filter=const(numbers(1, 7, 20, 6)),
    out_backprop=numbers(BATCH, 4, 9, 6),
    batch=True,
    strides=[1, 3, 1, 1],
    padding="SAME",
)
case(
    "Conv3DBackpropInputV2",
    input_sizes=ints(1, 5, 5, 4, 3),
    filter=const(numbers(2, 3, 1, 3, 4)),
    out_backprop=numbers(1, 4, 2, 4, 4),
    strides=[1, 1, 2, 1, 1],
    padding="VALID",
)

for format_ in ("NHWC", "NCHW"):
    shape = (2, 4, 3, 5) if format_ == "NHWC" else (2, 5, 4, 3)
    case("BiasAdd", value=numbers(*shape), bias=const(numbers(5)), data_format=format_)
for shape in ((4, 5), (2, 3, 5), (2, 2, 2, 2, 5)):
    case("BiasAdd", value=numbers(*shape), bias=const(numbers(5)))
case("BiasAdd", value=numbers(BATCH, 5), bias=numbers(5), batch=True)
case("BiasAdd", value=numbers(3, 5, dtype=I32), bias=numbers(5, dtype=I32))
for name in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    shared = dict(
        scale=const(numbers(5)),
        offset=const(numbers(5, low=0)),
        is_training=False,
        mean=const(numbers(5, low=-1)),
        variance=const(numbers(5, low=0.1)),
        outputs=(0,),
    )
    case(name, x=numbers(BATCH, 4, 3, 5), batch=True, epsilon=1e-3, **shared)
    case(name, x=numbers(2, 4, 3, 5), **shared)
    case(name, x=numbers(0, 4, 3, 5), **shared)
    if name != "FusedBatchNorm":
        case(name, x=numbers(2, 4, 3, 5, dtype=F16), tolerance=HALF, **shared)
case("FusedBatchNormV3", x=numbers(2, 2, 4, 3, 5), data_format="NDHWC", **shared)

# With the statistics of the batch. Keras 2 computes LayerNormalization by the last one.
for format_, shape in (("NHWC", (BATCH, 4, 3, 5)), ("NCHW", (2, 5, 4, 3)), ("NCHW", (1, 5, 7, 1))):
    empty = const(np.zeros(0, np.float32))
    case(
        "FusedBatchNormV3",
        x=numbers(*shape),
        scale=const(numbers(5)),
        offset=const(numbers(5, low=0)),
        mean=empty,
        variance=empty,
        epsilon=1e-3,
        data_format=format_,
        outputs=(0,),
        batch=format_ == "NHWC",
    )

for method, (size, target) in itertools.product(
    ({}, {"align_corners": True}, {"half_pixel_centers": True}),
    (
        ((4, 5), (8, 10)),
        ((4, 5), (7, 3)),
        ((8, 6), (4, 3)),
        ((3, 3), (1, 1)),
        ((1, 1), (3, 4)),
        ((5, 5), (5, 5)),
        ((6, 4), (6, 9)),
    ),
):
    for name in ("ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor"):
        case(name, images=numbers(BATCH, *size, 3), size=ints(*target), batch=True, **method)
case("ResizeBilinear", images=numbers(1, 4, 4, 2, low=0, high=255, dtype=U8), size=ints(7, 7))
case("ResizeBicubic", images=numbers(1, 4, 4, 2, low=0, high=255, dtype=U8), size=ints(7, 7))
case("ResizeNearestNeighbor", images=numbers(1, 4, 4, 2, dtype=I32), size=ints(7, 7))

for block in (2, 3):
    case(
        "DepthToSpace", input=numbers(BATCH, 3, 4, 2 * block * block), block_size=block, batch=True
    )
    case(
        "SpaceToDepth", input=numbers(BATCH, 3 * block, 4 * block, 2), block_size=block, batch=True
    )
case(
    "SpaceToBatchND",
    input=numbers(BATCH, 5, 6, 2),
    block_shape=ints(2, 3),
    paddings=Const(np.array([[1, 0], [2, 1]], np.int32)),
    batch=True,
)
case(
    "SpaceToBatchND",
    input=numbers(2, 6, 3),
    block_shape=ints(3),
    paddings=Const(np.array([[0, 0]], np.int32)),
)
case(
    "BatchToSpaceND",
    input=numbers(12, 3, 3, 2),
    block_shape=ints(2, 3),
    crops=Const(np.array([[1, 0], [2, 1]], np.int32)),
)
case(
    "BatchToSpaceND",
    input=numbers(6, 4, 3),
    block_shape=ints(3),
    crops=Const(np.array([[0, 1]], np.int32)),
)
