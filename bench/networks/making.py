"""What the makers of networks share: the files they write, and what they say about them."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

OPSET = 18


@dataclasses.dataclass
class Made:
    """A network in its folder: saved_model/ and model.onnx are there.

    samples         inputs by name, as the SavedModel takes them; the ONNX file's have the same names
    outputs         names in the SavedModel; the ONNX file's outputs are the same tensors in this order
    channels_first  the ONNX file takes images as NCHW
    batches         batch sizes that are usual
    checks          further facts for meta.json
    """

    samples: dict[str, np.ndarray]
    outputs: tuple[str, ...] = ("output_0",)
    channels_first: bool = False
    batches: tuple[int, ...] = (1, 8)
    checks: dict = dataclasses.field(default_factory=dict)


def save_keras(model, folder: pathlib.Path) -> None:
    model.export(str(folder / "saved_model"), format="tf_saved_model", verbose=False)


def saved_model_to_onnx(folder: pathlib.Path, outputs: tuple[str, ...] = ("output_0",)) -> None:
    """model.onnx, from the SavedModel beside it, the way its users do: tf2onnx. Images stay NHWC."""
    import tf2onnx

    loaded = tf.saved_model.load(str(folder / "saved_model"))
    function = loaded.signatures["serving_default"]
    specs = function.structured_input_signature[1]
    names = list(specs)
    signature = [tf.TensorSpec(specs[k].shape, specs[k].dtype, name=k) for k in names]

    def call(*tensors):
        results = function(**dict(zip(names, tensors, strict=True)))
        return [results[name] for name in outputs]

    traced = tf.function(call, input_signature=signature).get_concrete_function()
    frozen = convert_variables_to_constants_v2(traced)
    renamed = {tensor.name: name for tensor, name in zip(frozen.inputs, names, strict=True)}
    renamed |= {tensor.name: name for tensor, name in zip(frozen.outputs, outputs, strict=True)}
    model, _ = tf2onnx.convert.from_graph_def(
        without_xla(frozen.graph.as_graph_def()),
        input_names=[tensor.name for tensor in frozen.inputs],
        output_names=[tensor.name for tensor in frozen.outputs],
        tensors_to_rename=renamed,
        opset=OPSET,
    )
    name_batch(model)
    replace_erfc(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))


def without_xla(graph: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """Lets functions be inlined that were marked for XLA: Keras's grouped convolutions, unknown to tf2onnx."""
    for part in [*graph.library.function, *graph.node]:
        for mark in ("_XlaMustCompile", "_noinline"):
            part.attr.pop(mark, None)
    return graph


def name_batch(model: onnx.ModelProto) -> None:
    for value in [*model.graph.input, *model.graph.output]:
        sizes = value.type.tensor_type.shape.dim
        if sizes and not sizes[0].HasField("dim_value"):
            sizes[0].dim_param = "N"


def replace_erfc(model: onnx.ModelProto) -> None:
    """Erfc(x) = 1 - Erf(x): tf2onnx 1.17 leaves the node of Keras's exact GELU in, which ONNX lacks."""
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Erfc":
            erf = node.output[0] + "/erf"
            nodes.append(helper.make_node("Erf", node.input, [erf]))
            node = helper.make_node("Sub", ["erfc/one", erf], node.output)
        nodes.append(node)
    if len(nodes) == len(model.graph.node):
        return
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), "erfc/one"))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def half_onnx(source: pathlib.Path, target: pathlib.Path) -> None:
    """The ONNX file with FP16 weights and arithmetic and FP32 inputs and outputs: ONNX Runtime's tool."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load(str(source)), keep_io_types=True)
    onnx.save(model, str(target))
