"""What TensorFlow's shape inference knows about the tensors of a frozen graph.

The C++ converter infers types for the operators it knows. A segment behind another operator can
only become an engine if somebody says what that operator produces: here TensorFlow does.
"""

from __future__ import annotations

import logging

# TensorFlow's dtype names -> Hone's.
_DTYPES = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
    "bool": "bool",
}  # fmt: skip

_log = logging.getLogger("hone.tensorflow")

TypeHints = dict[str, tuple[str, list[int]]]


def type_hints(graph_def: bytes) -> TypeHints:
    """Tensor "node:0" -> (Hone's dtype, sizes with -1 where unknown), without tensors of unknown
    rank.

    Empty if TensorFlow cannot import the graph: then fewer segments can be converted, no more.
    """
    import tensorflow as tf

    try:
        proto = tf.compat.v1.GraphDef.FromString(graph_def)
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(proto, name="")
    except (
        ValueError,
        TypeError,
        tf.errors.OpError,
    ) as error:  # also google.protobuf's DecodeError, a ValueError
        _log.warning("TensorFlow cannot infer shapes for the converter: %s", error)
        return {}
    hints: TypeHints = {}
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            dtype = _DTYPES.get(tensor.dtype.base_dtype.name)
            if dtype and tensor.shape.rank is not None:
                hints[tensor.name] = (
                    dtype,
                    [-1 if d is None else d for d in tensor.shape.as_list()],
                )
    return hints
