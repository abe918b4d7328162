"""Writes a Keras model of the usual image layers as the ONNX file an ONNX user would have.

Channels first, opset 17, batch dimension "N", batch normalization as nodes of its own, padding inside the
convolutions. The weights are the model's own, so both files compute the same function up to rounding.
An unknown layer is an error that names it; nothing is skipped.
"""

from __future__ import annotations

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding: the odd element goes to the end."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Exporter:
    """Turns one Keras functional model into ONNX nodes. Values are named after their layers."""

    def __init__(self, model):
        self.model = model
        self.nodes: list = []
        self.weights: list = []
        self.names: dict[int, str] = {}  # id(KerasTensor) -> ONNX value
        # id(KerasTensor) -> zero padding not written yet: [top, left, bottom, right]
        self.pads: dict[int, list[int]] = {}
        self.non_negative: set[str] = set()  # values where a padded zero cannot win a maximum

    def export(self, path: pathlib.Path, output: str) -> None:
        inputs = []
        for tensor in self.model.inputs:
            self.names[id(tensor)] = tensor.name
            shape = ["N", tensor.shape[-1], *tensor.shape[1:-1]]
            inputs.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, shape))
        for layer in self.model.layers:
            self.layer(layer)
        (result,) = self.model.outputs
        if self.nodes[-1].output[0] != self.names[id(result)] or len(result.shape) != 2:
            raise NotImplementedError("the output must be [N, classes], made by the last layer")
        self.nodes[-1].output[0] = output
        shape = ["N", result.shape[-1]]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self.nodes, self.model.name, inputs, outputs, self.weights)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        proto.ir_version = IR_VERSION
        onnx.checker.check_model(proto, full_check=True)
        onnx.save(proto, str(path))

    def layer(self, layer) -> None:
        kind = type(layer).__name__
        if kind == "InputLayer":
            return
        write = getattr(self, "write_" + kind, None)
        if write is None:
            raise NotImplementedError(f"layer '{layer.name}': no ONNX form for {kind}")
        if len(layer._inbound_nodes) != 1:
            raise NotImplementedError(f"layer '{layer.name}' is used more than once")
        inputs = layer._inbound_nodes[0].input_tensors
        result = write(layer, *[self.value(layer, kind, t) for t in inputs])
        self.names[id(layer.output)] = result

    def value(self, layer, kind: str, tensor) -> str:
        """The ONNX value that `layer` reads for `tensor`, with a Pad node where the layer cannot pad."""
        value = self.names[id(tensor)]
        pads = self.pads.get(id(tensor))
        convolution = kind in ("Conv2D", "DepthwiseConv2D")
        pool = kind == "MaxPooling2D" and value in self.non_negative
        if pads is None or convolution or pool:
            return value
        top, left, bottom, right = pads
        name = layer.name + "/pads"
        array = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
        self.weights.append(numpy_helper.from_array(array, name))
        return self.node("Pad", layer.name + "/Pad", [value, name])

    def node(self, op: str, name: str, inputs: list[str], **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str, value) -> str:
        array = np.ascontiguousarray(value, np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def activation(self, function, value: str) -> str:
        name = function if isinstance(function, str) else function.__name__
        if name == "linear":
            return value
        if name == "softmax":
            return self.node("Softmax", value + "/Softmax", [value], axis=-1)
        if name not in ACTIVATIONS:
            raise NotImplementedError(f"no ONNX form for the activation '{name}' of '{value}'")
        result = self.node(ACTIVATIONS[name], f"{value}/{ACTIVATIONS[name]}", [value])
        if name in ("relu", "sigmoid"):
            self.non_negative.add(result)
        return result

    def window(self, layer, value: str, kernel) -> list[int]:
        """Padding of a window: what a ZeroPadding2D before it left, or SAME."""
        tensor = layer._inbound_nodes[0].input_tensors[0]
        pending = None if value.endswith("/Pad") else self.pads.get(id(tensor))
        if layer.padding == "valid":
            return pending or [0, 0, 0, 0]
        if pending:
            raise NotImplementedError(f"layer '{layer.name}': SAME padding of a padded value")
        height, width = tensor.shape[1:3]
        top, bottom = same_pads(height, kernel[0], layer.strides[0])
        left, right = same_pads(width, kernel[1], layer.strides[1])
        return [top, left, bottom, right]

    def convolution(self, layer, value: str, kernel, bias, group: int) -> str:
        inputs = [value, self.weight(layer.name + "/kernel", kernel)]
        if bias is not None:
            inputs.append(self.weight(layer.name + "/bias", bias))
        size = list(kernel.shape[2:])
        result = self.node(
            "Conv",
            layer.name,
            inputs,
            kernel_shape=size,
            strides=list(layer.strides),
            pads=self.window(layer, value, size),
            dilations=list(layer.dilation_rate),
            group=group,
        )
        return self.activation(layer.activation, result)

    def write_Conv2D(self, layer, value: str) -> str:
        kernel = np.asarray(layer.kernel).transpose(3, 2, 0, 1)
        bias = np.asarray(layer.bias) if layer.use_bias else None
        return self.convolution(layer, value, kernel, bias, layer.groups)

    def write_DepthwiseConv2D(self, layer, value: str) -> str:
        kernel = np.asarray(layer.kernel)  # [height, width, channels, multiplier]
        channels = kernel.shape[2]
        kernel = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
        bias = np.asarray(layer.bias) if layer.use_bias else None
        return self.convolution(layer, value, kernel, bias, channels)

    def write_BatchNormalization(self, layer, value: str) -> str:
        channels = layer.moving_mean.shape[0]
        parts = {
            "gamma": layer.gamma if layer.scale else np.ones(channels),
            "beta": layer.beta if layer.center else np.zeros(channels),
            "mean": layer.moving_mean,
            "variance": layer.moving_variance,
        }
        inputs = [value]
        inputs += [self.weight(f"{layer.name}/{k}", np.asarray(v)) for k, v in parts.items()]
        return self.node("BatchNormalization", layer.name, inputs, epsilon=float(layer.epsilon))

    def write_Activation(self, layer, value: str) -> str:
        return self.activation(layer.activation, value)

    def write_ReLU(self, layer, value: str) -> str:
        if layer.negative_slope or layer.threshold:
            raise NotImplementedError(f"layer '{layer.name}': ReLU with slope or threshold")
        if layer.max_value is None:
            return self.activation("relu", value)
        low = self.weight(layer.name + "/min", np.zeros(()))
        high = self.weight(layer.name + "/max", np.array(layer.max_value))
        self.non_negative.add(layer.name)
        return self.node("Clip", layer.name, [value, low, high])

    def write_ZeroPadding2D(self, layer, value: str) -> str:
        (top, bottom), (left, right) = layer.padding
        self.pads[id(layer.output)] = [top, left, bottom, right]  # written by who reads it
        return value

    def write_MaxPooling2D(self, layer, value: str) -> str:
        size = list(layer.pool_size)
        return self.node(
            "MaxPool",
            layer.name,
            [value],
            kernel_shape=size,
            strides=list(layer.strides),
            pads=self.window(layer, value, size),
        )

    def write_GlobalAveragePooling2D(self, layer, value: str) -> str:
        pooled = self.node("GlobalAveragePool", layer.name, [value])
        if layer.keepdims:
            return pooled
        return self.node("Flatten", layer.name + "/Flatten", [pooled], axis=1)

    def write_Add(self, layer, *values: str) -> str:
        if len(values) != 2:
            raise NotImplementedError(f"layer '{layer.name}': Add of {len(values)} values")
        return self.node("Add", layer.name, list(values))

    def write_Dense(self, layer, value: str) -> str:
        inputs = [value, self.weight(layer.name + "/kernel", np.asarray(layer.kernel).T)]
        if layer.use_bias:
            inputs.append(self.weight(layer.name + "/bias", np.asarray(layer.bias)))
        return self.activation(layer.activation, self.node("Gemm", layer.name, inputs, transB=1))
