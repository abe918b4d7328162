"""The table of import_cases.py: reductions, shapes, selection."""

import itertools

import numpy as np
from import_cases import (
    BATCH,
    CASES,
    F16,
    F32,
    F64,
    HALF,
    I32,
    I64,
    SPECIAL,
    U8,
    Const,
    booleans,
    case,
    const,
    int_,
    ints,
    numbers,
)

# --- reductions -----------------------------------------------------------------------------------

AXES = [
    ((0,), (3, 4, 5)),
    ((-1,), (3, 4, 5)),
    ((0, 2), (3, 4, 5)),
    ((0, 1, 2), (3, 4, 5)),
    ((), (3, 4)),
    ((1, -1), (2, 3, 2, 3)),
    ((1,), (2, 0, 3)),
]
for name, keep, (axes, shape) in itertools.product(
    ("Sum", "Mean", "Max", "Min", "Prod", "EuclideanNorm"), (False, True), AXES
):
    case(name, input=numbers(*shape), axis=ints(*axes), keep_dims=keep)
for name in ("Sum", "Mean", "Max", "Min", "Prod", "EuclideanNorm"):
    case(name, input=numbers(BATCH, 4, 5), axis=ints(1, 2), batch=True)
    case(name, input=numbers(BATCH, 4, 5), axis=ints(0), batch=True)
    case(name, input=numbers(3, 4), axis=int_(1))
    case(name, input=numbers(3, 4), axis=Const(np.array([1], np.int64)))
    case(name, input=numbers(3, 4, dtype=F64), axis=ints(1))
    if name != "EuclideanNorm":
        case(name, input=numbers(3, 4, low=-9, high=9, dtype=I32), axis=ints(1))
        case(name, input=numbers(3, 4, low=-9, high=9, dtype=I64), axis=ints(0))
        case(name, input=numbers(3, 4, dtype=F16), axis=ints(1), tolerance=HALF)
case("Sum", input=np.array([[np.inf, 1], [np.inf, -np.inf], [np.nan, 1]], F32), axis=ints(1))
for name in ("All", "Any"):
    for axes in ((), (0,), (-1,), (0, 1)):
        case(name, input=booleans(3, 4), axis=ints(*axes), keep_dims=len(axes) == 1)
    case(name, input=booleans(BATCH, 4), axis=ints(1), batch=True)
for name, axis, output in itertools.product(("ArgMax", "ArgMin"), (0, 1, -1), ("int32", "int64")):
    case(name, input=numbers(3, 4, 5), dimension=int_(axis), output_type=output)
    case(name, input=np.array([[1, 3, 3], [2, 2, 0]], F32), dimension=int_(1), output_type=output)
    case(
        name, input=numbers(BATCH, 7, dtype=I32), dimension=int_(1), output_type=output, batch=True
    )
case("L2Loss", t=numbers(3, 4))
case("L2Loss", t=numbers(BATCH, 4), batch=True)

# --- shapes ---------------------------------------------------------------------------------------

for shape, target in [
    ((2, 6), (3, 4)),
    ((2, 6), (-1,)),
    ((2, 6), (4, -1)),
    ((12,), (2, 1, 6)),
    ((1,), ()),
    ((0, 4), (0, 2, 2)),
    ((2, 0), (0, 5)),
]:
    case("Reshape", tensor=numbers(*shape), shape=ints(*target))
case("Reshape", tensor=numbers(BATCH, 2, 6), shape=ints(-1, 12), batch=True)
case("Reshape", tensor=numbers(BATCH, 2, 6), shape=ints(-1, 3), batch=True)
case("Reshape", tensor=numbers(2, 3, dtype=I64), shape=Const(np.array([6], np.int64)))
for axes in ((), (0,), (-1,), (0, 2)):
    case("Squeeze", input=numbers(1, 3, 1), axis=list(axes))
case("Squeeze", input=numbers(BATCH, 1, 4), axis=[1], batch=True)
for axis in (0, 1, 2, -1, -3):
    case("ExpandDims", input=numbers(2, 3), axis=int_(axis))
case("ExpandDims", input=numbers(BATCH, 3), axis=int_(0), batch=True)
case("ExpandDims", input=numbers(), axis=int_(0))
for out_type in ("int32", "int64"):
    for name, key in (("Shape", "input"), ("Size", "input")):
        case(name, **{key: numbers(2, 3, 4)}, out_type=out_type)
        case(name, **{key: numbers(BATCH, 4)}, out_type=out_type, batch=True)
    case("ShapeN", input=[numbers(2, 3), numbers(4, 1)], out_type=out_type)
    case("ShapeN", input=[numbers(BATCH, 3), numbers(BATCH)], out_type=out_type, batch=True)
for shape in ((), (2, 3), (1, 2, 3, 4)):
    case("Rank", input=numbers(*shape))
for name, key in (
    ("Identity", "input"),
    ("Snapshot", "input"),
    ("StopGradient", "input"),
    ("PreventGradient", "input"),
):
    case(name, **{key: SPECIAL})
    case(name, **{key: numbers(BATCH, 2, dtype=I32)}, batch=True)
case("IdentityN", input=[numbers(2), numbers(3, dtype=I32)])
case("EnsureShape", input=numbers(BATCH, 4), shape=[None, 4], batch=True)
case("EnsureShape", input=numbers(2, 4), shape=[2, 4])
for name in ("ZerosLike", "OnesLike"):
    for x in (
        numbers(2, 3),
        numbers(2, dtype=I64),
        booleans(3),
        numbers(2, dtype=F16),
        numbers(2, dtype=U8),
        numbers(2, dtype=F64),
    ):
        case(name, x=x)
    case(name, x=numbers(BATCH, 3), batch=True)
for to, x in itertools.product(
    ("float32", "float64", "int32", "int64", "bool", "float16", "uint8"),
    (F32, F64, I32, I64, U8, F16),
):
    case("Cast", x=numbers(2, 5, low=0, high=9, dtype=x), DstT=to)
case("Cast", x=booleans(5), DstT="float32")
case("Cast", x=numbers(9, low=-9, high=9), DstT="int32")
case("Cast", x=SPECIAL, DstT="bool")
case("Fill", dims=ints(2, 3), value=np.float32(5))
case("Fill", dims=ints(), value=np.int32(5))
case("Fill", dims=Const(np.array([4], np.int64)), value=np.array(True))
for shape, target in [((3,), (2, 3)), ((2, 1), (2, 4)), ((), (3,)), ((1, 3, 1), (2, 3, 4))]:
    case("BroadcastTo", input=numbers(*shape), shape=ints(*target))
for dtype, (start, limit, delta) in itertools.product(
    (F32, F64, I32, I64), ((0, 5, 1), (3, 18, 3), (3, 1, -1), (5, 5, 1))
):
    case("Range", start=const(start, dtype), limit=const(limit, dtype), delta=const(delta, dtype))
case("Range", start=const(0), limit=const(1), delta=const(0.1))

# --- selection ------------------------------------------------------------------------------------


def strided(x, begin, end, strides=None, batch=False, **masks):
    case(
        "StridedSlice",
        input=x,
        begin=ints(*begin),
        end=ints(*end),
        batch=batch,
        strides=ints(*(strides or [1] * len(begin))),
        **masks,
    )


CUBE = numbers(4, 5, 6)
strided(CUBE, (1, 2), (3, 5))
strided(CUBE, (1, 2, 3), (3, -1, 100))
strided(CUBE, (-2, -3), (4, -1))
strided(CUBE, (3, 4), (0, 1), (-1, -2))
strided(CUBE, (0, 0), (0, 0), (-1, 2), begin_mask=3, end_mask=3)
strided(CUBE, (1,), (2,), shrink_axis_mask=1)
strided(CUBE, (-1, 2), (0, 3), shrink_axis_mask=3)
strided(CUBE, (1, 1), (0, 4), begin_mask=1, end_mask=1, shrink_axis_mask=1)
strided(CUBE, (0, 1), (0, 3), ellipsis_mask=1)
strided(CUBE, (1, 0, 2), (2, 0, 4), ellipsis_mask=2)
strided(CUBE, (0, 0, 1), (0, 0, 3), new_axis_mask=1, ellipsis_mask=2)
strided(CUBE, (0, 1, 0), (0, 3, 0), new_axis_mask=5)
strided(CUBE, (0, 1, 0, 2), (0, 2, 0, 3), new_axis_mask=1, shrink_axis_mask=10, ellipsis_mask=4)
strided(CUBE, (0, 0), (0, 0), new_axis_mask=1, shrink_axis_mask=1, end_mask=2)
strided(CUBE, (2, 0), (2, 5))
strided(CUBE, (-100,), (100,), (3,))
strided(CUBE, (), (), ())
strided(numbers(BATCH, 6), (0, 1), (0, 4), begin_mask=1, end_mask=1, batch=True)
strided(
    numbers(BATCH, 6), (0, -1), (0, 0), begin_mask=1, end_mask=1, shrink_axis_mask=2, batch=True
)
strided(numbers(BATCH, 6), (0,), (1,), shrink_axis_mask=1, batch=True)
strided(numbers(BATCH, 6), (-1,), (0,), end_mask=1, batch=True)
strided(numbers(7, dtype=I32), (1,), (6,), (2,))
for begin, size in (((0, 1, 2), (2, 3, 4)), ((1, 0, 5), (-1, 5, 1)), ((4, 0, 0), (0, -1, -1))):
    case("Slice", input=CUBE, begin=ints(*begin), size=ints(*size))
case("Slice", input=numbers(BATCH, 6), begin=ints(0, 1), size=ints(-1, 3), batch=True)
for axes in ((0,), (-1,), (0, 2), ()):
    case("ReverseV2", tensor=CUBE, axis=ints(*axes))
case("ReverseV2", tensor=numbers(BATCH, 4), axis=ints(1), batch=True)
for axis in (0, 1, -1):
    parts = [numbers(2, 3, 4), numbers(2, 3, 4, low=0), const(numbers(2, 3, 4, low=1))]
    case("ConcatV2", values=parts, axis=int_(axis))
    case("Concat", values=parts, concat_dim=int_(axis % 3))
    case("Pack", values=parts, axis=axis)
    case("Unpack", value=numbers(2, 3, 2), num=(2, 3, 2)[axis], axis=axis)
    case("Split", value=numbers(4, 6, 2), num_split=2, axis=int_(axis))
    for sizes in ((1, 1), (1, -1), (-1, 2), (0, 2)):
        case(
            "SplitV", value=numbers(2, 2, 2), size_splits=ints(*sizes), num_split=2, axis=int_(axis)
        )
case("ConcatV2", values=[numbers(BATCH, 3), numbers(BATCH, 5)], axis=int_(1), batch=True)
case("ConcatV2", values=[numbers(2, dtype=I32), numbers(3, dtype=I32)], axis=int_(0))
case("Pack", values=[numbers(BATCH), numbers(BATCH, low=0)], axis=1, batch=True)
case("Pack", values=[numbers(dtype=I32), numbers(low=0, dtype=I32)], axis=0)
case("Unpack", value=numbers(BATCH, 4), num=4, axis=1, batch=True)
case("Split", value=numbers(BATCH, 4), num_split=4, axis=int_(1), batch=True)
case(
    "SplitV", value=numbers(BATCH, 4), size_splits=ints(3, 1), num_split=2, axis=int_(1), batch=True
)
for perm in ((0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)):
    case("Transpose", x=CUBE, perm=ints(*perm))
case("Transpose", x=numbers(BATCH, 2, 3), perm=ints(0, 2, 1), batch=True)
case("Transpose", x=numbers(BATCH, 2, 3), perm=ints(1, 2, 0), batch=True)
case("Transpose", x=booleans(2, 3), perm=ints(1, 0))
PADDINGS = Const(np.array([[1, 0], [0, 2], [2, 1]], np.int32))
case("Pad", input=numbers(2, 3, 4), paddings=PADDINGS)
case("Pad", input=numbers(2, 3, 4, dtype=I32), paddings=PADDINGS)
case(
    "Pad", input=numbers(BATCH, 3), paddings=Const(np.array([[0, 0], [1, 2]], np.int64)), batch=True
)
case("PadV2", input=numbers(2, 3, 4), paddings=PADDINGS, constant_values=const(-1.5))
case("PadV2", input=numbers(2, 3, 4), paddings=PADDINGS, constant_values=np.float32(2))
for mode in ("REFLECT", "SYMMETRIC"):
    case("MirrorPad", input=numbers(2, 3, 4), paddings=PADDINGS, mode=mode)
    case(
        "MirrorPad",
        input=numbers(BATCH, 4),
        mode=mode,
        batch=True,
        paddings=Const(np.array([[0, 0], [2, 1]], np.int32)),
    )
    CASES[-2].arguments["input"] = numbers(3, 4, 5)
for repeats in ((1, 1), (2, 3), (3, 1), (0, 1)):
    case("Tile", input=numbers(2, 3), multiples=ints(*repeats))
case("Tile", input=numbers(BATCH, 3), multiples=ints(1, 2), batch=True)
for indices in (np.array([0, 3, 1], np.int32), np.array([[2], [0]], np.int64), np.int32(2)):
    case("Gather", params=CUBE, indices=indices)
    for axis in (0, 1, -1):
        case("GatherV2", params=CUBE, indices=indices, axis=int_(axis))
        case("GatherV2", params=const(CUBE), indices=indices, axis=int_(axis))
for axis, batch_dims in ((1, 1), (2, 1), (-1, 1), (2, 2), (1, -1)):
    case(
        "GatherV2",
        params=CUBE,
        axis=int_(axis),
        batch_dims=batch_dims,
        indices=numbers(*((4, 5, 2)[: 3 if batch_dims == 2 else 2]), low=0, high=4, dtype=I32),
    )
case(
    "GatherV2",
    params=const(numbers(10, 4)),
    indices=numbers(BATCH, 2, low=0, high=9, dtype=I32),
    axis=int_(0),
    batch=True,
)
for axis in (-1, 0, 1):
    case(
        "OneHot",
        indices=np.array([0, 2, -1, 5], np.int64),
        depth=int_(3),
        on_value=const(2),
        off_value=const(-1),
        axis=axis,
    )
case(
    "OneHot",
    indices=numbers(BATCH, 2, low=0, high=4, dtype=I32),
    depth=int_(5),
    on_value=const(1),
    off_value=const(0),
    batch=True,
)
case(
    "OneHot",
    indices=numbers(4, low=0, high=4, dtype=U8),
    depth=int_(5),
    on_value=const(True, bool),
    off_value=const(False, bool),
)
