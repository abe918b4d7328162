"""Hone inside TensorFlow.

    import hone.tensorflow                      # registers Hone's operators
    model = tf.saved_model.load("converted")    # made by `hone tf convert` or trt_convert
    y = model.signatures["serving_default"](x)

An installed Hone is found by TensorFlow itself: `import tensorflow` alone registers the operators,
too.
Scripts written for TF-TRT need one changed import:

    from hone.tensorflow import trt_convert as trt
"""

from __future__ import annotations

import os
import pathlib

__all__ = ["load_plugin", "plugin_path"]

_ENGINE_OP = "HoneEngineOp"


def plugin_path() -> pathlib.Path:
    """The plug-in, for programs that load it themselves (TF_LoadLibrary).

    Raises FileNotFoundError if it is not installed.
    """
    package = pathlib.Path(__file__).resolve().parents[1]
    candidates = [package.parent / "tensorflow-plugins" / "libhone_tf.so"]
    if named := os.environ.get("HONE_TF_PLUGIN"):
        candidates.insert(0, pathlib.Path(named))
    for path in candidates:
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"Hone's TensorFlow plug-in is not at {candidates[-1]}; install Hone again"
    )


def load_plugin() -> None:
    """Makes Hone's operators known to TensorFlow; does nothing if they are.

    Raises FileNotFoundError, or tf.errors.NotFoundError if the plug-in cannot be loaded.
    """
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    if op_def_registry.get(_ENGINE_OP) is not None:
        return
    tf.load_library(str(plugin_path()))
    if op_def_registry.get(_ENGINE_OP) is None:
        raise RuntimeError(
            f"Hone's plug-in did not register {_ENGINE_OP} in TensorFlow {tf.__version__}; Hone needs 2.12 or later"
        )


load_plugin()
