"""Hone optimizes trained networks for the machine they run on, and runs them.

    import hone
    plan = hone.build("resnet50.onnx")     # import, fuse, tune: seconds to minutes, once
    plan.save("resnet50.plan")
    engine = hone.load("resnet50.plan")    # milliseconds
    y = engine(x)                          # NumPy in, NumPy out

Inside TensorFlow: `import hone.tensorflow`. As a backend of ONNX: `import hone.onnx`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hone import onnx, tensorflow
    from hone._build import Plan, build
    from hone._engine import Engine, TensorInfo, load
    from hone._errors import (
        DeviceError,
        Error,
        ModelError,
        PlanError,
        ShapeError,
        UnsupportedError,
    )
    from hone._hone import __version__

# Where the names are. Loaded when first used: the command `hone` starts without waiting for NumPy.
_HOMES = {
    "_build": ("Plan", "build"),
    "_engine": ("Engine", "TensorInfo", "load"),
    "_errors": (
        "DeviceError",
        "Error",
        "ModelError",
        "PlanError",
        "ShapeError",
        "UnsupportedError",
    ),
    "_hone": ("__version__",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DeviceError",
    "Engine",
    "Error",
    "ModelError",
    "Plan",
    "PlanError",
    "ShapeError",
    "TensorInfo",
    "UnsupportedError",
    "__version__",
    "build",
    "load",
    "onnx",
    "tensorflow",
]


def __getattr__(name: str) -> Any:
    if name in ("onnx", "tensorflow"):
        return importlib.import_module(f"hone.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hone' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"hone.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
