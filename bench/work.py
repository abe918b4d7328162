"""The arithmetic of a network: GFLOP of its ONNX file at a batch size, multiply-add = 2.

Counted on the file and not on anybody's plan, so that all runners are measured with the same yardstick: convolutions as
direct ones, matrix products, recurrent cells. Everything else is small beside them.
"""

from __future__ import annotations

import math
import pathlib
import tempfile


def fixed_model(path: pathlib.Path, batch: int, scratch: str):
    """The file with shapes for this batch size: ONNX Runtime folds what computes shapes, which onnx alone does not."""
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(pathlib.Path(scratch, "fixed.onnx"))
    options.add_free_dimension_override_by_name("N", batch)
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    model = onnx.load(options.optimized_model_filepath)
    for value in [*model.graph.input, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == "N":
                dim.dim_value = batch
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def known_shapes(graph) -> dict[str, list[int]]:
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in [*graph.input, *graph.output, *graph.value_info]:
        shapes[value.name] = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    return shapes


def flop_of(node, shapes: dict[str, list[int]]) -> float:
    import onnx

    size = math.prod
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    ins = [shapes.get(name, []) for name in node.input]
    out = shapes.get(node.output[0], [])
    kind = node.op_type.removeprefix("Fused")
    if kind == "Conv":
        return 2 * size(out) * size(ins[1][1:])
    if kind == "ConvTranspose":
        return 2 * size(ins[0]) * size(ins[1][1:])
    if kind == "MatMul":
        return 2 * size(out) * ins[0][-1] if ins[0] else 0
    if kind == "Gemm":
        return 2 * size(out) * ins[0][0 if attributes.get("transA") else -1]
    if kind in ("LSTM", "GRU", "RNN"):
        return 2 * size(ins[0][:2]) * (size(ins[1]) + size(ins[2]))
    return 0


def gflop(path: pathlib.Path, batch: int) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        graph = fixed_model(path, batch, scratch).graph
    shapes = known_shapes(graph)
    return sum(flop_of(node, shapes) for node in graph.node) * 1e-9
