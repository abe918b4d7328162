"""Foreign arrays -> NumPy arrays of the dtype an engine wants, without copies where possible."""

from __future__ import annotations

from typing import Any

import numpy as np

from hone._errors import ShapeError, raise_error

_NUMPY_NAMES = {
    "f32": "float32", "f64": "float64", "f16": "float16",
    "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
    "bool": "bool",
}  # fmt: skip


def numpy_dtype(name: str) -> np.dtype:
    """NumPy's dtype for Hone's "f32", "i64" ... ("bf16" needs the package ml_dtypes)."""
    if name == "bf16":
        try:
            import ml_dtypes
        except ImportError:
            raise_error(
                ShapeError,
                "unsupported",
                "",
                "NumPy has no bf16 of its own",
                fix="pip install ml_dtypes",
            )
        return np.dtype(ml_dtypes.bfloat16)
    if name not in _NUMPY_NAMES:
        raise_error(ShapeError, "unsupported", "", f"there is no NumPy array of {name} for Hone")
    return np.dtype(_NUMPY_NAMES[name])


def to_input(value: Any, dtype: np.dtype, name: str) -> np.ndarray:
    """`value` as a C-contiguous array of `dtype`: itself, a view, a copy, or a cast that loses
    nothing.

    Raises ShapeError if it is no array or cannot be cast exactly.
    """
    array = value if isinstance(value, np.ndarray) else _foreign(value, name)
    if array.dtype != dtype:
        array = _exact_cast(array, dtype, name)
    return array if array.flags.c_contiguous else array.copy(order="C")


def _foreign(value: Any, name: str) -> np.ndarray:
    if isinstance(value, np.generic):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError):
            pass  # a dtype or device that NumPy cannot take: perhaps it can be copied
    if hasattr(value, "__array__"):
        return np.asarray(value)
    raise_error(
        ShapeError,
        "shape",
        f"input '{name}'",
        f"a {type(value).__name__} is not an array",
        fix="pass a NumPy array: numpy.asarray(x, numpy.float32)",
    )


def _exact_cast(array: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    # Numbers only, and no float -> integer: that is a mistake more often than a wish.
    if (
        array.dtype.kind in "fiu"
        and dtype.kind in "fiu"
        and np.can_cast(array.dtype, dtype, "same_kind")
    ):
        if np.can_cast(array.dtype, dtype, "safe"):
            return array.astype(dtype)
        with np.errstate(all="ignore"):
            cast = array.astype(dtype)
            back = cast.astype(array.dtype)
        # NaN is the only value unequal to itself; its payload may change.
        if bool(np.all((back == array) | ((array != array) & (back != back)))):
            return cast
        why = f"{array.dtype} values that {dtype} cannot hold exactly"
    else:
        why = f"dtype {array.dtype} instead of {dtype}"
    short = dtype.name if dtype.name != "bfloat16" else "bfloat16 of ml_dtypes"
    fix = f"convert it: x.astype({'np.' if dtype.name != 'bfloat16' else ''}{short})"
    raise_error(ShapeError, "shape", f"input '{name}'", why, fix=fix)
