"""ONNX operators against ONNX Runtime: a grid of small models, one operator each."""

from __future__ import annotations

import dataclasses
import pathlib
import zlib
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper


@dataclasses.dataclass
class Const:
    """An input of the node that is an initializer of the model."""

    value: np.ndarray


@dataclasses.dataclass
class Case:
    op: str
    opsets: tuple[int, ...]
    inputs: list[Any]  # arrays (graph inputs), Const, or None (absent)
    attributes: dict[str, Any]
    outputs: int = 1
    tolerance: float = 2e-5  # a few dozen roundings of FP32, relative to the largest element

    @property
    def name(self) -> str:
        text = ",".join(f"{k}={v}" for k, v in self.attributes.items() if not hasattr(v, "dims"))
        shapes = "_".join("-" if x is None else self.shape_text(x) for x in self.inputs)
        return f"{self.op}({shapes};{text})"

    @staticmethod
    def shape_text(x: Any) -> str:
        array = x.value if isinstance(x, Const) else x
        return ("c" if isinstance(x, Const) else "") + "x".join(map(str, array.shape))


def floats(*shape: int, low: float = -3.0, high: float = 3.0, dtype: Any = np.float32) -> Any:
    # The same numbers in each run, different ones for different shapes.
    rng = np.random.default_rng(zlib.crc32(repr((shape, low, high)).encode()))
    return rng.uniform(low, high, shape).astype(dtype)


def integers(*shape: int, low: int = -5, high: int = 6, dtype: Any = np.int64) -> Any:
    rng = np.random.default_rng(zlib.crc32(repr((shape, low, high)).encode()))
    return rng.integers(low, high, shape).astype(dtype)


def ints(*values: int) -> Const:
    return Const(np.array(values, np.int64))


CASES: list[Case] = []
BOTH = (13, 21)


def case(op: str, opsets: Any, inputs: list[Any], outputs: int = 1, **attributes: Any) -> None:
    opsets = opsets if isinstance(opsets, tuple) else (opsets,)
    CASES.append(Case(op, opsets, inputs, attributes, outputs))


def add_pointwise() -> None:
    x = floats(2, 3, 4)
    for op in "Abs Neg Exp Floor Ceil Round Sign Erf Sin Cos Tan Atan Sinh Cosh Tanh Asinh".split():
        case(op, BOTH, [x])
    for op in "Relu Sigmoid Softplus Softsign Elu Selu LeakyRelu HardSigmoid Celu".split():
        case(op, BOTH, [x])
    for op in "Log Sqrt Reciprocal".split():
        case(op, BOTH, [floats(2, 5, low=0.1, high=4)])
    for op in "Asin Acos Atanh".split():
        case(op, BOTH, [floats(2, 5, low=-0.9, high=0.9)])
    case("Acosh", BOTH, [floats(2, 5, low=1.1, high=4)])
    case("Mish", 18, [x])
    case("HardSwish", 14, [x])
    case("Gelu", 20, [x])
    case("Gelu", 20, [x], approximate="tanh")
    case("Elu", 13, [x], alpha=0.3)
    case("Celu", 13, [x], alpha=0.3)
    case("Selu", 13, [x], alpha=0.5, gamma=2.0)
    case("LeakyRelu", 13, [x], alpha=0.3)
    case("HardSigmoid", 13, [x], alpha=0.3, beta=0.1)
    case("ThresholdedRelu", 13, [x], alpha=0.5)
    case("Shrink", 13, [x], lambd=1.0, bias=0.25)
    case("PRelu", BOTH, [x, Const(floats(3, 1))])
    case("Clip", (7, 10), [x], min=-1.0, max=0.5)
    case("Clip", BOTH, [x, Const(np.float32(-1)), Const(np.float32(2))])
    case("Clip", BOTH, [x, None, Const(np.float32(2))])
    case("Clip", BOTH, [x])
    special = np.array([np.nan, np.inf, -np.inf, 0, -1.5], np.float32)
    case("IsNaN", BOTH, [special])
    for flags in ({}, {"detect_negative": 0}, {"detect_positive": 0}):
        case("IsInf", BOTH, [special], **flags)
    case("Neg", BOTH, [integers(3, 4)])
    case("Not", BOTH, [integers(3, 4) > 0])


def add_binary() -> None:
    a, b = floats(2, 3, 4), floats(3, 1, low=0.5)
    for op in "Add Sub Mul Div".split():
        case(op, (7, *BOTH), [a, b])
        case(op, BOTH, [integers(2, 4), Const(integers(4, low=1))])
    for op in "Less Greater LessOrEqual GreaterOrEqual Equal".split():
        case(op, BOTH, [integers(3, 4), integers(1, 4, low=-2, high=3)])
    for op in "And Or Xor".split():
        case(op, BOTH, [integers(3, 4) > 0, integers(3, 4, low=-6) > 0])
    for op in "Sum Max Min Mean".split():
        case(op, BOTH, [a, b, floats(4)])
        case(op, BOTH, [a])
    case("Pow", BOTH, [floats(3, 4, low=0.1), floats(4)])
    case("Pow", BOTH, [a, ints(2)])
    case("Pow", BOTH, [integers(3, 4), Const(np.float32(2))])
    case("Mod", BOTH, [integers(3, 4), Const(integers(4, low=1))])
    case("Mod", BOTH, [integers(3, 4), Const(integers(4, low=1))], fmod=1)
    case("Mod", BOTH, [a, b], fmod=1)
    case("Where", BOTH, [integers(3, 4) > 0, floats(3, 4), Const(floats(4))])


def add_linear() -> None:
    a, b = floats(3, 4), floats(4, 5)
    case("MatMul", BOTH, [a, Const(b)])
    case("MatMul", BOTH, [floats(2, 3, 4), floats(2, 4, 5)])
    case("MatMul", BOTH, [floats(4), Const(b)])
    case("Gemm", (7, *BOTH), [a, Const(b), Const(floats(5))])
    case("Gemm", BOTH, [a, Const(b)])
    x, y = floats(2, 3, 4, 5), floats(2, 6, 4, 5)
    for equation, operands in (
        ("ij,jk->ik", [a, Const(b)]),
        ("ij,jk", [a, Const(b)]),
        ("abc,cde->abde", [floats(2, 3, 4), Const(floats(4, 2, 5))]),
        ("cde,abc->abde", [Const(floats(4, 2, 5)), floats(2, 3, 4)]),
        ("abcd,cde->abe", [x, Const(floats(4, 5, 3))]),
        ("aecd,abcd->acbe", [y, x]),
        ("acbe,aecd->abcd", [floats(2, 4, 3, 6), y]),
        ("bhwc,hkc->bhwk", [x, Const(floats(3, 7, 5))]),
        ("...ij,...jk->...ik", [floats(2, 1, 3, 4), floats(5, 4, 2)]),
        ("...ij->...ji", [x]),
        ("... i j -> ... j", [x]),
        ("ij->", [a]),
        ("ba", [a]),
        ("i,i->", [floats(4), floats(4)]),
        ("i,j->ij", [floats(4), floats(3)]),
        ("ab,ac->abc", [floats(2, 3), floats(2, 4)]),
        ("ij,j->i", [a, floats(4)]),
        ("j,ij->i", [floats(4), a]),
        ("ijx,jky->ik", [floats(2, 4, 3), floats(4, 5, 2)]),
        ("ij,jk,kl->il", [a, floats(4, 5), floats(5, 2)]),
        ("bi,bj,ij->b", [floats(2, 3), floats(2, 4), floats(3, 4)]),
    ):
        case("Einsum", 13, operands, equation=equation)
    case(
        "Gemm",
        BOTH,
        [a.T.copy(), Const(b.T.copy()), Const(floats(3, 1))],
        alpha=0.5,
        beta=2.0,
        transA=1,
        transB=1,
    )


def add_windows() -> None:
    x = floats(2, 4, 7, 8)
    w = Const(floats(6, 4, 3, 3))
    case("Conv", BOTH, [x, w])
    case("Conv", BOTH, [x, w, Const(floats(6))], strides=[2, 1], pads=[1, 0, 1, 2])
    case("Conv", BOTH, [x, w], dilations=[2, 2], pads=[2, 2, 2, 2], kernel_shape=[3, 3])
    case("Conv", BOTH, [x, Const(floats(4, 1, 3, 3))], group=4)
    case("Conv", BOTH, [x, Const(floats(6, 2, 2, 3))], group=2)
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        case("Conv", BOTH, [x, w], auto_pad=auto_pad, strides=[2, 2])
        case("MaxPool", BOTH, [x], auto_pad=auto_pad, kernel_shape=[2, 3], strides=[2, 2])
    case("Conv", BOTH, [floats(2, 3, 9), Const(floats(5, 3, 3))], pads=[1, 1])
    case("Conv", BOTH, [floats(1, 2, 4, 5, 6), Const(floats(3, 2, 2, 2, 2))])
    for op in ("MaxPool", "AveragePool"):
        case(op, BOTH, [x], kernel_shape=[3, 2])
        case(op, BOTH, [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        case(op, BOTH, [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
        case(op, BOTH, [floats(2, 3, 9)], kernel_shape=[3])
    case("MaxPool", BOTH, [x], kernel_shape=[2, 2], dilations=[2, 3])
    case("AveragePool", BOTH, [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    case("MaxPool", BOTH, [floats(1, 3, 5, 6, 7)], kernel_shape=[3, 2, 3], strides=[1, 2, 2])
    case("AveragePool", BOTH, [floats(1, 3, 5, 6, 7)], kernel_shape=[2, 3, 2], pads=[1] * 6)
    case("GlobalAveragePool", BOTH, [x])
    case("GlobalMaxPool", BOTH, [x])


def add_transposed() -> None:
    x = floats(2, 4, 5, 6)
    w = Const(floats(4, 3, 3, 3))
    op = "ConvTranspose"
    case(op, (7, *BOTH), [x, w])
    case(op, BOTH, [x, Const(floats(4, 3, 2, 2)), Const(floats(3))], strides=[2, 2])
    case(op, BOTH, [x, w], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    case(op, BOTH, [x, w], strides=[2, 3], pads=[1, 0, 2, 1], dilations=[2, 1])
    case(op, BOTH, [x, Const(floats(4, 2, 3, 3)), Const(floats(4))], group=2, strides=[2, 1])
    case(op, BOTH, [x, Const(floats(4, 1, 4, 4))], group=4, strides=[2, 2], pads=[1, 1, 1, 1])
    for auto_pad in ("NOTSET", "SAME_UPPER", "SAME_LOWER"):
        case(op, BOTH, [x, w], auto_pad=auto_pad, strides=[2, 2], output_shape=[10, 11])
        case(op, BOTH, [x, w], auto_pad=auto_pad, strides=[2, 2], output_shape=[9, 13])
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        case(op, BOTH, [x, w], auto_pad=auto_pad, strides=[2, 2])
    case(op, BOTH, [floats(2, 3, 9), Const(floats(3, 5, 4))], strides=[2], pads=[1, 1])
    case(op, BOTH, [floats(1, 2, 3, 4, 5), Const(floats(2, 3, 2, 3, 2))], strides=[2, 1, 2])


def add_resize() -> None:
    x = floats(2, 3, 4, 5)
    up, down = [1, 1, 2, 3], [1, 1, 0.5, 0.6]
    mixed = [1, 1, 1.5, 0.7]
    roi = Const(np.zeros(0, np.float32))  # opset 11 has no absent inputs here
    for mode in ("nearest", "linear"):
        for scales in (up, down):
            case("Upsample", 9, [x, Const(np.array(scales, np.float32))], mode=mode)
            case("Resize", 10, [x, Const(np.array(scales, np.float32))], mode=mode)
    case("Upsample", 7, [x], mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
            shared = dict(mode=mode, coordinate_transformation_mode=coordinates)
            for scales in (up, down, mixed):
                case(
                    "Resize", (11, 13, 19), [x, roi, Const(np.array(scales, np.float32))], **shared
                )
            case("Resize", (13, 19), [x, None, None, ints(2, 3, 7, 3)], **shared)
        case(
            "Resize",
            19,
            [x, None, None, ints(9, 7)],
            mode=mode,
            axes=[2, 3],
            coordinate_transformation_mode="half_pixel_symmetric",
        )
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        scales = Const(np.array([1, 1, 2, 0.5], np.float32))
        case("Resize", (11, 13), [floats(1, 2, 6, 8), roi, scales], nearest_mode=rounding)
    case("Resize", 13, [x, None, Const(np.array(up, np.float32))], mode="cubic", exclude_outside=1)
    case("Resize", 13, [x, None, Const(np.array(up, np.float32))], mode="cubic", cubic_coeff_a=-0.5)
    volume = floats(1, 2, 3, 4, 5)
    for mode in ("nearest", "linear"):
        case(
            "Resize", 13, [volume, None, Const(np.array([1, 1, 2, 2, 1.5], np.float32))], mode=mode
        )
        case(
            "Resize", 13, [floats(1, 2, 6), None, Const(np.array([1, 1, 2], np.float32))], mode=mode
        )


def add_norms() -> None:
    x = floats(2, 4, 5, 3)
    c = [Const(floats(4, low=0.5)), Const(floats(4, low=-1)), Const(floats(4, low=-2))]
    variance = Const(floats(4, low=0.2))
    case("BatchNormalization", (7, 9, 13, 15), [x, *c, variance], epsilon=1e-3)
    case("BatchNormalization", 15, [floats(3, 4), *c, variance])
    case("BatchNormalization", 15, [x, c[0].value, *c[1:], variance])
    case("InstanceNormalization", BOTH, [x, c[0], c[1]])
    case("LayerNormalization", 17, [x, Const(floats(3)), Const(floats(3, low=0))])
    case("LayerNormalization", 17, [x, Const(floats(5, 3))], axis=-2, epsilon=1e-2)
    case("LayerNormalization", 17, [x.astype(np.float16), Const(floats(3, dtype=np.float16))])
    case("RMSNormalization", 23, [x, Const(floats(3))])
    case("GroupNormalization", 21, [x, c[0], c[1]], num_groups=2)
    case("LpNormalization", BOTH, [x], axis=1, p=1)
    case("LpNormalization", BOTH, [x])
    for op in ("Softmax", "LogSoftmax"):
        case(op, (7, 11, 13), [floats(2, 3, 4)])
        case(op, (7, 11, 13), [floats(2, 3, 4)], axis=2)
        case(op, (11, 13), [floats(2, 3, 4, 2)], axis=-2)
        case(op, (7, 13), [floats(2, 3, 4)], axis=0)


def add_reductions() -> None:
    x = floats(2, 3, 4, low=0.5)
    for op in "Sum Mean Max Min Prod SumSquare L1 L2 LogSum LogSumExp".split():
        last = 11 if op == "Sum" else 13
        case(f"Reduce{op}", (7, last), [x], axes=[1, 2], keepdims=0)
        case(f"Reduce{op}", (11,), [x], axes=[-1])
        case(f"Reduce{op}", (18,), [x, ints(0, -1)], keepdims=0)
        case(f"Reduce{op}", (18,), [x])
    case("ReduceSum", 13, [x], noop_with_empty_axes=1)
    case("ReduceSum", BOTH, [integers(2, 3, 4), ints(1)])
    for op in ("ArgMax", "ArgMin"):
        case(op, (7, *BOTH), [x], axis=1)
        case(op, (11, *BOTH), [x], axis=-1, keepdims=0)
        case(op, BOTH, [integers(3, 6, low=0, high=2, dtype=np.int32)], axis=1, select_last_index=1)


def add_shapes() -> None:
    x = floats(2, 3, 1, 4)
    for axis in (0, 1, 2, 4):
        case("Flatten", (7, *BOTH), [x], axis=axis)
    case("Flatten", BOTH, [x], axis=-2)
    case("Reshape", BOTH, [x, ints(0, -1)])
    case("Reshape", BOTH, [x, ints(-1, 6)])
    case("Transpose", BOTH, [x], perm=[2, 0, 3, 1])
    case("Transpose", BOTH, [x])
    case("Squeeze", (7, 11), [x], axes=[2])
    case("Squeeze", BOTH, [x, ints(-2)])
    case("Unsqueeze", (7, 11), [x], axes=[0, 3])
    case("Unsqueeze", BOTH, [x, ints(-1, 1)])
    case("Expand", BOTH, [x, ints(2, 3, 5, 4)])
    case("Shape", BOTH, [x])
    case("Shape", (15, 21), [x], start=1, end=-1)
    case("Size", BOTH, [x])
    case("Identity", BOTH, [x])
    case("Dropout", (7, 10), [x], ratio=0.3)
    case("Dropout", BOTH, [x, Const(np.float32(0.3))])


def add_movement() -> None:
    x = floats(2, 6, 4)
    case("Concat", BOTH, [x, floats(2, 1, 4), Const(floats(2, 2, 4))], axis=1)
    case("Concat", BOTH, [x, x + 1], axis=-1)
    case("Split", (7, 11), [x], outputs=3, axis=1)
    case("Split", (7, 11), [x], outputs=2, axis=1, split=[2, 4])
    case("Split", BOTH, [x, ints(1, 5)], outputs=2, axis=1)
    case("Split", 18, [floats(2, 7, 4)], outputs=4, axis=1, num_outputs=4)
    case("Slice", (7, 9), [x], starts=[1, -3], ends=[5, 1000], axes=[1, 2])
    case("Slice", BOTH, [x, ints(0, 1), ints(2, 4)])
    case("Slice", BOTH, [x, ints(-1), ints(-100), ints(1), ints(-2)])
    case("Slice", BOTH, [x, ints(0, 1), ints(2, 6), None, ints(1, 2)])
    case("Gather", BOTH, [x, Const(integers(2, 3, low=-6, high=6))], axis=1)
    case("Gather", BOTH, [x, Const(np.array(1))])
    case("Pad", (7, 10), [x], pads=[0, 1, 2, 0, 0, 1], value=0.5)
    case("Pad", BOTH, [x, ints(0, 1, 2, 1, 0, 1), Const(np.float32(0.5))])
    case("Pad", BOTH, [x, ints(0, 1, 2, 0, 0, 1)], mode="edge")
    case("Pad", BOTH, [x, ints(0, 1, 2, 0, 3, 1)], mode="reflect")
    case("Pad", BOTH, [x, ints(0, -1, 2, 0, 0, -1)])
    case("Pad", 18, [x, ints(1, 2), None, ints(-1)])
    case("Tile", BOTH, [x, ints(1, 2, 3)])
    case("DepthToSpace", BOTH, [floats(2, 8, 2, 3)], blocksize=2)
    case("DepthToSpace", BOTH, [floats(2, 8, 2, 3)], blocksize=2, mode="CRD")
    case("SpaceToDepth", BOTH, [floats(2, 2, 4, 6)], blocksize=2)


def add_constants() -> None:
    x = floats(2, 5)
    for to in (
        TensorProto.INT32,
        TensorProto.INT64,
        TensorProto.UINT8,
        TensorProto.BOOL,
        TensorProto.FLOAT16,
        TensorProto.DOUBLE,
    ):
        case("Cast", (9, *BOTH), [np.abs(x)], to=to)
    case("Cast", BOTH, [integers(2, 5)], to=TensorProto.FLOAT)
    case("CastLike", (15, 21), [x, Const(np.array([1], np.int32))])
    case("Constant", BOTH, [], value=numpy_helper.from_array(x))
    case("Constant", BOTH, [], value_float=1.5)
    case("Constant", BOTH, [], value_ints=[1, 2, 3])
    case(
        "ConstantOfShape",
        BOTH,
        [ints(2, 3)],
        value=numpy_helper.from_array(np.array([7], np.int32)),
    )
    case("ConstantOfShape", BOTH, [ints(2, 3)])
    case("Range", BOTH, [Const(np.int64(2)), Const(np.int64(11)), Const(np.int64(3))])
    case("Range", BOTH, [Const(np.float32(1)), Const(np.float32(-1)), Const(np.float32(-0.3))])


def recurrent_inputs(op: str, sizes: tuple[int, ...], directions: int, present: str) -> list[Any]:
    """x, w, r and those of b, (s)equence_lens, (h), (c), (p) that are `present`."""
    steps, batch, features, hidden = sizes
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    weights = {"low": -0.6, "high": 0.6}
    inputs: list[Any] = [
        floats(steps, batch, features),
        Const(floats(directions, gates * hidden, features, **weights)),
        Const(floats(directions, gates * hidden, hidden, **weights)),
    ]
    optional = {
        "b": Const(floats(directions, 2 * gates * hidden, **weights)),
        "s": np.arange(batch, dtype=np.int32) % (steps + 1),
        "h": floats(directions, batch, hidden, low=-1, high=1),
        "c": floats(directions, batch, hidden, low=-1.5, high=1.5),
        "p": Const(floats(directions, 3 * hidden, **weights)),
    }
    inputs += [optional[key] if key in present else None for key in optional]
    while inputs[-1] is None:
        inputs.pop()
    return inputs


def add_recurrent() -> None:
    def add(op: str, sizes: tuple[int, ...], present: str = "b", **attributes: Any) -> None:
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        inputs = recurrent_inputs(op, sizes, directions, present)
        attributes["hidden_size"] = sizes[3]
        case(op, (7, 14, 22), inputs, 3 if op == "LSTM" else 2, **attributes)

    for op in ("LSTM", "GRU", "RNN"):
        for direction in ("forward", "reverse", "bidirectional"):
            add(op, (5, 1, 7, 12), direction=direction)
            add(op, (6, 7, 3, 9), "bshcp" if op == "LSTM" else "bsh", direction=direction)
        add(op, (4, 3, 5, 8), "")
        add(op, (4, 3, 5, 8), "h")
        add(op, (1, 1, 40, 33))
        add(op, (5, 2, 4, 6), clip=0.3)
    for flag in (0, 1):
        add("LSTM", (5, 3, 4, 10), "bcp", input_forget=flag, direction="bidirectional")
        for direction in ("forward", "reverse"):
            add("GRU", (5, 3, 4, 10), "bsh", linear_before_reset=flag, direction=direction)
        add("GRU", (4, 1, 4, 10), linear_before_reset=flag, clip=0.4)
        add("GRU", (4, 2, 4, 10), "", linear_before_reset=flag, direction="bidirectional")
    add("RNN", (3, 2, 4, 6), activations=["ThresholdedRelu"], activation_alpha=[0.5])
    for name in ("Relu", "LeakyRelu", "HardSigmoid", "Elu", "Softsign"):
        add("RNN", (3, 2, 4, 6), activations=[name])
        add("LSTM", (3, 2, 4, 6), activations=["Sigmoid", name, "Tanh"])
    add("GRU", (3, 2, 4, 6), activations=["HardSigmoid", "Softplus"])
    two = ["Affine", "LeakyRelu"]
    alphas = {"activation_alpha": [0.5, 0.2], "activation_beta": [0.1]}
    add("RNN", (3, 2, 4, 6), activations=two, direction="bidirectional", **alphas)
    mixed = ["HardSigmoid", "ScaledTanh", "Softsign"]
    parameters = {"activation_alpha": [0.3, 1.2], "activation_beta": [0.4, 0.7]}
    add("LSTM", (3, 2, 4, 6), "bp", activations=mixed, **parameters)


def add_selection() -> None:
    x = floats(3, 7, 5)
    tied = integers(4, 9, low=0, high=4).astype(np.float32)
    case("TopK", 9, [x], outputs=2, axis=1, k=3)
    case("TopK", 10, [x, ints(3)], outputs=2)
    for axis, largest in ((0, 1), (1, 0), (-1, 1), (-1, 0)):
        case("TopK", (11, *BOTH), [x, ints(3)], outputs=2, axis=axis, largest=largest)
        case("TopK", BOTH, [tied, ints(4)], outputs=2, axis=axis if axis < 1 else 1)
    case("TopK", BOTH, [floats(700), ints(1)], outputs=2)
    case("TopK", BOTH, [floats(700), ints(700)], outputs=2)
    case("TopK", BOTH, [x, np.array([4])], outputs=2)  # k is an input
    case("TopK", BOTH, [integers(3, 8), ints(2)], outputs=2)
    case("TopK", BOTH, [integers(3, 8, dtype=np.int32), ints(0)], outputs=2)
    case("GatherND", BOTH, [x, Const(integers(4, 2, low=-3, high=3))])
    case("GatherND", BOTH, [x, integers(2, 6, 3, low=-3, high=3)])
    case("GatherND", BOTH, [x, Const(integers(3, 4, 1, low=-7, high=7))], batch_dims=1)
    case("GatherElements", BOTH, [x, Const(integers(3, 4, 5, low=-7, high=7))], axis=1)
    case("GatherElements", BOTH, [x, Const(integers(2, 7, 5, low=-3, high=3))])
    indices = Const(np.array([[0, 1], [2, -1], [1, 3]]))
    case("ScatterND", BOTH, [x, indices, floats(3, 5)])
    case("ScatterND", BOTH, [integers(3, 4), indices, integers(3, low=10, high=20)])
    for reduction in ("add", "mul", "min", "max"):
        twice = Const(np.array([[0], [2], [0]]))
        since = 16 if reduction in ("add", "mul") else 18
        case("ScatterND", (since, 21), [x, twice, floats(3, 7, 5)], reduction=reduction)
        case(
            "ScatterElements",
            (since, 21),
            [x, Const(integers(3, 4, 5, low=-7, high=7)), floats(3, 4, 5)],
            axis=1,
            reduction=reduction,
        )
    places = Const(np.array([[0, 2, 4], [6, -2, 1]]))
    case("Scatter", (9, 10), [floats(2, 7), places, floats(2, 3)], axis=1)
    case("ScatterElements", BOTH, [floats(2, 7), places, floats(2, 3)], axis=1)
    for flags in ({}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}):
        case("CumSum", BOTH, [x, Const(np.array(1))], **flags)
        case("CumSum", BOTH, [integers(3, 4), Const(np.array(-2, np.int32))], **flags)
    on_off = Const(np.array([-1, 2], np.float32))
    case("OneHot", BOTH, [integers(3, 4, low=-5, high=7), Const(np.array(5)), on_off])
    case("OneHot", BOTH, [integers(3, 4), Const(np.array([5])), Const(np.array([0, 1]))], axis=1)
    for upper in (0, 1):
        case("Trilu", BOTH, [x], upper=upper)
        case("Trilu", BOTH, [floats(4, 3), Const(np.array(-1))], upper=upper)
        case("Trilu", BOTH, [integers(3, 5), Const(np.array(2))], upper=upper)
    case("EyeLike", BOTH, [floats(3, 4)])
    case("EyeLike", BOTH, [floats(3, 4)], k=-1, dtype=TensorProto.INT32)
    case("ReverseSequence", BOTH, [floats(5, 3, 2), Const(np.array([1, 5, 3]))])
    lengths = Const(np.array([4, 1, 2]))
    case("ReverseSequence", BOTH, [floats(3, 4, 2), lengths], batch_axis=0, time_axis=1)


def add_found_sizes() -> None:
    for x in (floats(4, 5), integers(3, 4, low=-1, high=2), integers(2, 3, 4) > 0, floats(3) * 0):
        case("NonZero", BOTH, [np.where(np.abs(x) > 1, x, 0).astype(x.dtype)])
    flags = np.array([True, False, True])
    case("Compress", BOTH, [floats(3, 4), flags], axis=0)
    case("Compress", BOTH, [floats(2, 5, 3), Const(flags)], axis=-2)
    case("Compress", BOTH, [floats(3, 4), Const(flags)])
    case("Unique", BOTH, [integers(20)], outputs=4)
    case("Unique", BOTH, [integers(4, 5).astype(np.float32)], outputs=4, sorted=0)
    case("Unique", BOTH, [integers(20, dtype=np.int32)], outputs=1, axis=0)
    boxes = np.sort(floats(2, 60, 4, low=0, high=1).reshape(2, 60, 2, 2), axis=2)
    flipped = boxes[:, :, ::-1].reshape(2, 60, 4).copy()
    boxes = boxes.reshape(2, 60, 4)
    centers = floats(2, 60, 4, low=0.05, high=0.6)
    scores = floats(2, 3, 60, low=0, high=1)
    tied = np.round(scores * 8) / 8
    limits = [ints(5), Const(np.float32(0.3)), Const(np.float32(0.25))]
    for given in (boxes, flipped):
        case("NonMaxSuppression", BOTH, [given, scores, *limits])
    case("NonMaxSuppression", (10, *BOTH), [centers, scores, *limits], center_point_box=1)
    case("NonMaxSuppression", BOTH, [boxes, tied, ints(60), Const(np.float32([0.5]))])
    case("NonMaxSuppression", BOTH, [boxes, scores, ints(100), None, Const(np.float32(0.5))])
    case("NonMaxSuppression", BOTH, [boxes, scores])
    case("NonMaxSuppression", BOTH, [boxes, scores, ints(3), None, Const(np.float32(2))])
    # Shapes, bounds and limits that are inputs.
    case("Reshape", BOTH, [floats(4, 6), np.array([3, 8])])
    case("Slice", BOTH, [floats(4, 6), np.array([1, -4]), np.array([3, 6])])
    case("Expand", BOTH, [Const(floats(1, 4)), np.array([3, 4])])
    case("Tile", BOTH, [floats(2, 3), np.array([2, 1])])
    case("ConstantOfShape", BOTH, [np.array([2, 3])])


for add in (
    add_pointwise,
    add_binary,
    add_linear,
    add_windows,
    add_transposed,
    add_resize,
    add_norms,
    add_reductions,
    add_shapes,
    add_movement,
    add_constants,
    add_recurrent,
    add_selection,
    add_found_sizes,
):
    add()


# The length of their further inputs is the rank of the result, which must be known.
RANK_MAKERS = ("Reshape", "Slice", "Expand", "Tile")


def make_model(c: Case, opset: int) -> tuple[onnx.ModelProto, list[np.ndarray]]:
    """The model and the values of its inputs. The first dimension of inputs is dynamic."""
    names, graph_inputs, initializers, feeds = [], [], [], []
    for i, x in enumerate(c.inputs):
        names.append("" if x is None else f"x{i}")
        if isinstance(x, Const):
            initializers.append(numpy_helper.from_array(x.value, names[-1]))
        elif x is not None:
            # The same symbol for inputs of one size; what may be broadcast must be known.
            shape = [f"N{x.shape[0]}" if x.shape[0] != 1 else 1, *x.shape[1:]]
            if c.op in RANK_MAKERS and i > 0 or c.op == "ConstantOfShape":
                shape = list(x.shape)
            elem_type = helper.np_dtype_to_tensor_dtype(x.dtype)
            graph_inputs.append(helper.make_tensor_value_info(names[-1], elem_type, shape))
            feeds.append(x)
    outputs = [f"y{i}" for i in range(c.outputs)]
    node = helper.make_node(c.op, names, outputs, name="node", **c.attributes)
    infos = [onnx.ValueInfoProto(name=name) for name in outputs]
    graph = helper.make_graph([node], "test", graph_inputs, infos, initializers)
    imports = [helper.make_opsetid("", opset)]
    # A version that holds all opsets of the grid and that older runtimes read.
    return helper.make_model(graph, opset_imports=imports, ir_version=10), feeds


def reference(model: onnx.ModelProto, feeds: list[np.ndarray]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    try:
        inferred = onnx.shape_inference.infer_shapes(model)  # the types of the outputs
        session = ort.InferenceSession(
            inferred.SerializeToString(), options, ["CPUExecutionProvider"]
        )
    except Exception as error:  # an opset or operator that this version does not have
        pytest.skip(f"ONNX Runtime: {error}")
    return session.run(None, {i.name: x for i, x in zip(session.get_inputs(), feeds, strict=True)})


def check(c: Case, wanted: np.ndarray, found: np.ndarray) -> None:
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    if not np.issubdtype(wanted.dtype, np.floating):
        np.testing.assert_array_equal(found, wanted)
        return
    tolerance = max(c.tolerance, 4 * float(np.finfo(wanted.dtype).eps))
    finite = wanted[np.isfinite(wanted)]
    scale = float(np.max(np.abs(finite), initial=1e-3))
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize(
    ("c", "opset"),
    [pytest.param(c, opset, id=f"{opset}-{c.name}") for c in CASES for opset in c.opsets],
)
def test_operator(c: Case, opset: int, tmp_path: pathlib.Path) -> None:
    hone = pytest.importorskip("hone")
    model, feeds = make_model(c, opset)
    wanted = reference(model, feeds)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    engine = hone.load(hone.build(path, tune=False))
    found = engine({i.name: x for i, x in zip(engine.inputs, feeds, strict=True)})
    found = found if isinstance(found, dict) else {"y0": found}
    for i, array in enumerate(wanted):
        check(c, array, found[f"y{i}"])


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("layout", [0, 1])
def test_recurrent_sizes_are_free(op: str, layout: int, tmp_path: pathlib.Path) -> None:
    """Steps and batch are parameters of the model; ONNX Runtime has layout 0 only."""
    hone = pytest.importorskip("hone")
    attributes = {"hidden_size": 11, "direction": "bidirectional"}
    count = 3 if op == "LSTM" else 2
    c = Case(op, (14,), recurrent_inputs(op, (5, 3, 6, 11), 2, "bsh"), attributes, count)
    model, _ = make_model(c, 14)
    dims = {"x0": ["T", "N", 6], "x4": ["N"], "x5": [2, "N", 11]}
    turns = {"x0": (1, 0, 2), "x4": (0,), "x5": (1, 0, 2)}
    for value in model.graph.input:
        shape = dims[value.name]
        if layout:
            shape = [shape[i] for i in turns[value.name]]
        elem_type = value.type.tensor_type.elem_type
        value.CopyFrom(helper.make_tensor_value_info(value.name, elem_type, shape))
    if layout:
        model.graph.node[0].attribute.append(helper.make_attribute("layout", 1))
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    engine = hone.load(hone.build(path, tune=False))
    for steps, batch in ((5, 3), (1, 1), (9, 2), (2, 12)):
        sized = Case(op, (14,), recurrent_inputs(op, (steps, batch, 6, 11), 2, "bsh"), attributes)
        sized.outputs = count
        fixed, feeds = make_model(sized, 14)
        for i in (1, 2, 3):  # the weights of the model
            fixed.graph.initializer[i - 1].CopyFrom(model.graph.initializer[i - 1])
        wanted = reference(fixed, feeds)
        named = {f"x{i}": x for i, x in zip((0, 4, 5), feeds, strict=True)}
        if layout:
            named = {name: x.transpose(turns[name]).copy() for name, x in named.items()}
        found = engine(named)
        for i, array in enumerate(wanted):
            axes = (1, 0, 2) if i else (2, 0, 1, 3)
            check(sized, array.transpose(axes) if layout else array, found[f"y{i}"])


@pytest.mark.parametrize("length", [-1, 5])
def test_sequence_lens_is_checked(length: int, tmp_path: pathlib.Path) -> None:
    hone = pytest.importorskip("hone")
    c = Case("GRU", (14,), recurrent_inputs("GRU", (4, 3, 5, 6), 1, "bs"), {"hidden_size": 6}, 2)
    model, feeds = make_model(c, 14)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    engine = hone.load(hone.build(path, tune=False))
    feeds[1][1] = length
    with pytest.raises(hone.ShapeError, match=f"sequence_lens has {length} for 4 steps"):
        engine({"x0": feeds[0], "x4": feeds[1]})


def test_external_data(tmp_path: pathlib.Path) -> None:
    hone = pytest.importorskip("hone")
    c = Case("MatMul", (17,), [floats(3, 400), Const(floats(400, 50))], {})
    model, feeds = make_model(c, 17)
    wanted = reference(model, feeds)
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin")
    assert (tmp_path / "weights.bin").stat().st_size >= 400 * 50 * 4
    found = hone.load(hone.build(path, tune=False))(feeds[0])
    check(c, wanted[0], found)


def test_unsupported_operators_are_listed_together(tmp_path: pathlib.Path) -> None:
    hone = pytest.importorskip("hone")
    nodes = [
        helper.make_node("Det", ["x"], ["a"], name="first"),
        helper.make_node("Hardmax", ["x"], ["b"], name="second"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])
    outputs = [onnx.ValueInfoProto(name="a"), onnx.ValueInfoProto(name="b")]
    graph = helper.make_graph(nodes, "test", [x], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(hone.UnsupportedError, match=r"(?s)2 operators.*first.*second"):
        hone.build(tmp_path / "model.onnx")
