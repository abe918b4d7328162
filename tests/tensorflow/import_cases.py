"""What test_import_ops.py runs: for every operator of the importer, calls with inputs and
attributes. The arguments of tf.raw_ops are arrays (inputs of the model), Const (constants in it),
lists of these, or attributes."""

import dataclasses
import itertools
import zlib
from typing import Any

import numpy as np

BATCH = 3  # a dimension 0 of this size is unknown in the model, if Case.batch


@dataclasses.dataclass
class Const:
    value: np.ndarray


@dataclasses.dataclass
class Case:
    op: str
    arguments: dict[str, Any]
    batch: bool = False
    outputs: tuple[int, ...] | None = None  # of those TensorFlow gives; None: all
    # Of the largest element, and of each: a few dozen roundings of FP32.
    tolerance: float = 1e-5

    @property
    def name(self):
        def text(x):
            if isinstance(x, Const):
                return "c" + text(x.value)
            if isinstance(x, list) and x and isinstance(x[0], (np.ndarray, Const)):
                return "+".join(map(text, x))
            return f"{x.dtype}{list(x.shape)}" if isinstance(x, np.ndarray) else str(x)

        return f"{self.op}({', '.join(f'{k}={text(v)}' for k, v in self.arguments.items())})"


CASES: list[Case] = []


def case(op, batch=False, outputs=None, tolerance=1e-5, **arguments):
    CASES.append(Case(op, arguments, batch, outputs, tolerance))


def numbers(*shape, low=-3.0, high=3.0, dtype=np.float32):
    # The same numbers in each run, different ones for different shapes.
    rng = np.random.default_rng(zlib.crc32(repr((shape, low, high)).encode()))
    if np.issubdtype(dtype, np.floating):
        return rng.uniform(low, high, shape).astype(dtype)
    return rng.integers(int(low), int(high) + 1, shape).astype(dtype)


def booleans(*shape):
    return numbers(*shape, low=0, high=1, dtype=np.int32) == 1


def ints(*values):
    return Const(np.array(values, np.int32))


def int_(value):
    return Const(np.int32(value))


def const(value, dtype=np.float32):
    return Const(np.asarray(value, dtype))


F16, F32, F64, I8, I32, I64, U8 = (
    np.float16,
    np.float32,
    np.float64,
    np.int8,
    np.int32,
    np.int64,
    np.uint8,
)
HALF = 4e-3  # a few roundings of FP16
SPECIAL = np.array(
    [
        0.0,
        -0.0,
        np.nan,
        np.inf,
        -np.inf,
        1e-30,
        -1e-30,
        1e30,
        -1e30,
        0.5,
        1.5,
        2.5,
        -0.5,
        -1.5,
        -2.5,
        1.0,
        -1.0,
        88.0,
        -88.0,
        20.0,
        -20.0,
    ],
    np.float32,
)
PAIRS = np.array(
    list(itertools.product([0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -2.5, 3.0], repeat=2)),
    np.float32,
)


def unary(op, key="x", special=SPECIAL, low=-3.0, high=3.0, dtypes=(F16, F64), **attributes):
    def one(x, **more):
        case(op, **{key: x}, **attributes, **more)

    one(special)
    one(numbers(BATCH, 5, low=low, high=high), batch=True)
    one(numbers(2, 1, 3, 2, 5, low=low, high=high))
    one(np.float32(1.25))
    for dtype in dtypes:
        one(
            numbers(4, 3, low=low, high=high, dtype=dtype), tolerance=HALF if dtype == F16 else 1e-5
        )


def finite(special=SPECIAL, low=-np.inf, high=np.inf):
    return special[np.isnan(special) | ((special >= low) & (special <= high))]


# Sin, Cos and Tan of large arguments and of infinity are as good as the library.
SMALL = finite(low=-100, high=100)

for name in ("Abs", "Neg", "Square"):
    unary(name, dtypes=(F16, F64, I32, I64))
unary("Sign", dtypes=(F16, F64, I32))
for name in (
    "Exp",
    "Expm1",
    "Log",
    "Log1p",
    "Sqrt",
    "Rsqrt",
    "Reciprocal",
    "Inv",
    "Erf",
    "Erfc",
    "Floor",
    "Ceil",
    "Rint",
    "Sigmoid",
    "Tanh",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Asin",
    "Acos",
    "Atan",
    "IsNan",
    "IsInf",
    "IsFinite",
):
    positive = name in ("Log", "Log1p", "Sqrt", "Rsqrt", "Acosh")
    unit = name in ("Asin", "Acos", "Atanh")
    unary(
        name,
        dtypes=(F64,)
        if name in ("Rint", "Acosh", "Asinh", "Atanh", "Sinh", "Cosh", "Asin", "Acos", "Atan")
        else (F16, F64),
        low=1.1 if positive else -0.9 if unit else -3,
        high=0.9 if unit else 3,
    )
for name in ("Sin", "Cos", "Tan"):
    unary(name, special=SMALL, dtypes=(F64,))
unary("Round")
unary("Lgamma", special=SMALL, dtypes=(F64,))
for name in ("Elu", "Relu", "Relu6", "Selu", "Softplus", "Softsign"):
    unary(name, key="features", dtypes=(F16, F64, I32) if name.startswith("Relu") else (F16, F64))
for alpha in (0.2, 0.0, 1.5, -0.5):
    unary("LeakyRelu", key="features", alpha=alpha, dtypes=(F64,))
for shape in ((2, 3), (BATCH,), ()):
    case("LogicalNot", x=booleans(*shape))

# --- two operands -----------------------------------------------------------------------------

BROADCASTS = [
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1, 4), (3, 1)),
    ((), (2, 3)),
    ((2, 3, 1), ()),
    ((1,), (4, 1)),
    ((0, 3), (3,)),
]


def binary(op, dtypes=(F16, F64, I32, I64), low=-3, high=3, special=PAIRS, constants=True):
    if special is not None:
        case(op, x=special[:, 0].copy(), y=special[:, 1].copy())
    for a, b in BROADCASTS:
        case(op, x=numbers(*a, low=low, high=high), y=numbers(*b, low=low + 1e-3, high=high))
    case(
        op,
        batch=True,
        x=numbers(BATCH, 4, low=low, high=high),
        y=numbers(BATCH, 4, low=low + 1e-3, high=high),
    )
    if constants:
        case(op, batch=True, x=numbers(BATCH, 4, low=low, high=high), y=const([1, 2, 3, 0.5]))
        case(op, batch=True, x=const(2.0), y=numbers(BATCH, 4, low=low, high=high))
    for dtype in dtypes:
        x, y = (
            numbers(3, 4, low=low, high=high, dtype=dtype),
            numbers(4, low=low, high=high, dtype=dtype),
        )
        if not np.issubdtype(dtype, np.floating) and ("Div" in op or "Mod" in op):
            y[y == 0] = -2
        case(op, x=x, y=y, tolerance=HALF if dtype == F16 else 1e-5)


for name in ("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference"):
    binary(
        name,
        dtypes=(F16, F64, I32, I64, U8)
        if name in ("Add", "AddV2", "Mul")
        else (F16, F64, I32, I64),
    )
for name in ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"):
    binary(name)
for name in ("Equal", "NotEqual"):
    case(name, x=booleans(2, 3), y=booleans(3))
binary("Div")
binary("RealDiv", dtypes=(F16, F64))
binary("FloorDiv", dtypes=(F64, I32, I64))
# What is left of infinity or of a division by 0 differs between builds of TensorFlow.
MODS = PAIRS[np.isfinite(PAIRS).all(axis=1) & (PAIRS[:, 1] != 0)]
binary("FloorMod", dtypes=(F64, I32, I64), special=MODS)
binary("Mod", dtypes=(F64, I32, I64), special=MODS)
binary("TruncateMod", dtypes=(F64, I32, I64), special=MODS)
for dtype in (I32, I64, I8):
    x, y = numbers(3, 4, low=-9, high=9, dtype=dtype), numbers(4, low=1, high=4, dtype=dtype)
    case("TruncateDiv", x=x, y=y)
    case("TruncateDiv", x=x, y=-y)
binary("Pow", dtypes=(F16, F64), low=0.1)
case("Pow", x=numbers(3, 4, dtype=I32), y=numbers(4, low=0, high=4, dtype=I32))
for name in ("DivNoNan", "MulNoNan", "Xdivy"):
    binary(name, dtypes=(F16, F64))
binary("Xlogy", dtypes=(F64,), low=0.2)
binary("Xlog1py", dtypes=(F64,), low=0.2)
for name in ("LogicalAnd", "LogicalOr"):
    case(name, x=booleans(2, 3), y=booleans(3))
    case(name, x=booleans(BATCH, 3), y=booleans(BATCH, 1), batch=True)
    case(name, x=booleans(4), y=Const(np.array(True)))
case("ApproximateEqual", x=numbers(20), y=numbers(20) + np.float32(1e-5) * numbers(20, high=2))
CASES.append(
    Case(
        "ApproximateEqual",
        {"x": numbers(20), "y": numbers(20) + numbers(20, high=2), "tolerance": 0.5},
    )
)
for count in (1, 2, 4):
    case("AddN", inputs=[numbers(BATCH, 4, low=-k - 1) for k in range(count)], batch=True)
case("AddN", inputs=[numbers(2, 2, dtype=I32), numbers(2, 2, low=0, dtype=I32)])
for low, high in ((-1, 1), (1, -1)):
    case("ClipByValue", t=SPECIAL, clip_value_min=const(low), clip_value_max=const(high))
    case(
        "ClipByValue",
        t=numbers(BATCH, 4),
        clip_value_min=const(low),
        clip_value_max=const(high),
        batch=True,
    )
case(
    "ClipByValue",
    t=numbers(3, 4, low=-9, high=9, dtype=I32),
    clip_value_min=int_(-2),
    clip_value_max=int_(4),
)
case(
    "ClipByValue",
    t=numbers(3, 4),
    clip_value_min=numbers(3, 4, low=-2, high=0),
    clip_value_max=numbers(3, 4, low=0, high=2),
)

for name, shapes in (
    (
        "Select",
        [((2, 3), (2, 3)), ((2,), (2, 3)), ((), (2, 3)), ((4,), (4,)), ((2,), (2, 3, 2, 1))],
    ),
    ("SelectV2", [((2, 3), (2, 3)), ((3,), (2, 3)), ((), (2,)), ((2, 1), (1, 3))]),
):
    t, e = ("x", "y") if name == "Select" else ("t", "e")
    for condition, shape in shapes:
        for dtype in (F32, I64):
            case(
                name,
                condition=booleans(*condition),
                **{t: numbers(*shape, dtype=dtype), e: numbers(*shape, low=5, high=9, dtype=dtype)},
            )
for lower, upper in ((-1, 0), (0, -1), (1, 2), (0, 0), (-1, -1), (2, 3)):
    for x in (numbers(BATCH, 4), numbers(BATCH, 4, 5), numbers(2, 3, 4, dtype=I32)):
        case("MatrixBandPart", input=x, num_lower=int_(lower), num_upper=int_(upper), batch=True)
    case("MatrixBandPart", input=booleans(BATCH, 5), num_lower=int_(lower), num_upper=int_(upper))
case("SelectV2", condition=booleans(BATCH, 1), t=numbers(BATCH, 4), e=const(7), batch=True)
case("SelectV2", condition=booleans(4), t=SPECIAL[:4].copy(), e=const([1, 2, 3, 4]))
case(
    "Select", condition=booleans(BATCH), x=numbers(BATCH, 4), y=numbers(BATCH, 4, low=0), batch=True
)

# --- products -----------------------------------------------------------------------------------

for ta, tb in itertools.product((False, True), repeat=2):
    a, b = (5, 4) if ta else (4, 5), (6, 5) if tb else (5, 6)
    for dtype in (F32, F64, I32):
        case(
            "MatMul",
            a=numbers(*a, dtype=dtype),
            b=numbers(*b, dtype=dtype),
            transpose_a=ta,
            transpose_b=tb,
        )
    case("MatMul", a=numbers(*a), b=const(numbers(*b)), transpose_a=ta, transpose_b=tb)
    for name in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        more = {"Tout": "float32"} if name.endswith("3") else {}
        case(name, x=numbers(2, 3, *a), y=numbers(2, 3, *b), adj_x=ta, adj_y=tb, **more)
        if name != "BatchMatMul":
            case(name, x=numbers(2, 1, *a), y=numbers(3, *b), adj_x=ta, adj_y=tb, **more)
            case(
                name,
                x=numbers(BATCH, *a),
                y=const(numbers(*b)),
                adj_x=ta,
                adj_y=tb,
                batch=True,
                **more,
            )
case("MatMul", a=numbers(BATCH, 7), b=const(numbers(7, 9)), batch=True)
# Keras's MultiHeadAttention and EinsumDense, then corners. A dimension 0 of BATCH is unknown.
for equation, *operands in (
    ("abc,cde->abde", numbers(BATCH, 5, 4), const(numbers(4, 2, 6))),
    ("aecd,abcd->acbe", numbers(BATCH, 7, 2, 6), numbers(BATCH, 5, 2, 6)),
    ("acbe,aecd->abcd", numbers(BATCH, 2, 5, 7), numbers(BATCH, 7, 2, 6)),
    ("abcd,cde->abe", numbers(BATCH, 5, 2, 6), const(numbers(2, 6, 4))),
    ("BTNH,BSNH->BNTS", numbers(BATCH, 5, 2, 6), numbers(BATCH, 7, 2, 6)),
    ("BNTS,BSNH->BTNH", numbers(BATCH, 2, 5, 7), numbers(BATCH, 7, 2, 6)),
    ("bhwc,hkc->bhwk", numbers(BATCH, 3, 4, 5), const(numbers(3, 7, 5))),
    ("...x,xy->...y", numbers(BATCH, 2, 4), const(numbers(4, 5))),
    ("...ij,...jk->...ik", numbers(BATCH, 1, 3, 4), numbers(5, 4, 2)),
    ("...ij->...ji", numbers(BATCH, 3, 4)),
    ("bij->bj", numbers(BATCH, 3, 4)),
    ("ij->", numbers(BATCH, 4)),
    ("ijk->ikj", numbers(BATCH, 4, 5, dtype=I32)),
    ("i,i->", numbers(BATCH), numbers(BATCH)),
    ("i,j->ji", numbers(BATCH), numbers(4)),
    ("ab,ac->abc", numbers(BATCH, 3), numbers(BATCH, 4)),
    ("ij,j->i", numbers(BATCH, 4), const(numbers(4))),
    ("j,ij->i", const(numbers(4)), numbers(BATCH, 4)),
    ("ijx,jky->ik", numbers(BATCH, 4, 3), numbers(4, 5, 2)),
):
    case("Einsum", inputs=operands, equation=equation, batch=True)
case("MatMul", a=numbers(0, 7), b=const(numbers(7, 9)))
for radius, values in ((5, {}), (2, {"bias": 2.0, "alpha": 0.5, "beta": 0.75}), (0, {})):
    case("LRN", input=numbers(2, 3, 4, 7), depth_radius=radius, **values)
for name in ("Softmax", "LogSoftmax"):
    for x in (
        numbers(4),
        numbers(3, 5),
        numbers(2, 2, 6),
        numbers(3, 5) * 30,
        numbers(3, 4, dtype=F64),
    ):
        case(name, logits=x)
    case(name, logits=numbers(BATCH, 10), batch=True)
    case(name, logits=numbers(3, 5, dtype=F16), tolerance=HALF)
    case(name, logits=np.array([[np.inf, 1, 2], [-np.inf, 1, 2], [np.nan, 1, 2]], np.float32))
