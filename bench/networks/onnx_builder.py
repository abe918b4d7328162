"""Builds ONNX graphs node by node: for the forms that PyTorch's exporter gives its users."""

from __future__ import annotations

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from networks.making import OPSET

IR_VERSION = 9


class Builder:
    """Values are named after their operators, unless a name is given."""

    def __init__(self):
        self.nodes: list = []
        self.weights: list = []
        self.inputs: list = []
        self.outputs: list = []
        self.count = 0

    def input(self, name: str, sample: np.ndarray) -> str:
        """Declares an input: what `sample` is, with any batch size."""
        dtype = helper.np_dtype_to_tensor_dtype(sample.dtype)
        shape = ["N", *sample.shape[1:]]
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def constant(self, value, dtype=np.float32, name: str = "") -> str:
        self.count += 1
        name = name or f"constant_{self.count}"
        array = np.array(value, dtype, order="C")
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(values, np.int64)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes):
        """Adds a node and gives the name of its result, or a list of several."""
        self.count += 1
        name = f"{kind}_{self.count}"
        results = [name] if outputs == 1 else [f"{name}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, results, name=name, **attributes))
        return name if outputs == 1 else results

    def output(self, value: str, name: str) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))

    def save(self, path: pathlib.Path) -> None:
        graph = helper.make_graph(
            self.nodes, path.parent.name, self.inputs, self.outputs, self.weights
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

    # What several networks are made of.
    def linear(self, x: str, kernel, bias) -> str:
        """torch.nn.Linear on more than two dimensions."""
        return self.op("Add", self.op("MatMul", x, self.constant(kernel)), self.constant(bias))

    def gemm(self, x: str, layer, activation: str = "") -> str:
        """A Keras Dense layer on a matrix."""
        kernel, bias = layer.get_weights()
        x = self.op("Gemm", x, self.constant(kernel.T), self.constant(bias), transB=1)
        return self.op(activation, x) if activation else x

    def layer_norm(self, x: str, gamma, beta, epsilon: float) -> str:
        return self.op(
            "LayerNormalization",
            x,
            self.constant(gamma),
            self.constant(beta),
            axis=-1,
            epsilon=epsilon,
        )

    def gelu(self, x: str) -> str:
        """x / 2 * (1 + erf(x / sqrt 2)), in the steps PyTorch writes."""
        scaled = self.op("Div", x, self.constant(2**0.5))
        one_more = self.op("Add", self.op("Erf", scaled), self.constant(1.0))
        return self.op("Mul", self.op("Mul", x, one_more), self.constant(0.5))
