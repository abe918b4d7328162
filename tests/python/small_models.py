"""Small ONNX models for the tests."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def save(path, nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


class Mlp:
    """x[N,16] -> Gemm 32, Relu, Gemm 8, Softmax -> y[N,8], and the same in NumPy."""

    def __init__(self, seed=1, hidden=32):
        random = np.random.default_rng(seed)
        self.weights = [
            random.standard_normal(shape, dtype=np.float32) / np.float32(4)
            for shape in ((16, hidden), (hidden,), (hidden, 8), (8,))
        ]

    def save(self, path):
        nodes = [
            helper.make_node("Gemm", ["x", "w0", "b0"], ["h0"], name="dense0"),
            helper.make_node("Relu", ["h0"], ["h1"], name="relu"),
            helper.make_node("Gemm", ["h1", "w1", "b1"], ["h2"], name="dense1"),
            helper.make_node("Softmax", ["h2"], ["y"], name="softmax", axis=-1),
        ]
        names = ("w0", "b0", "w1", "b1")
        weights = [tensor(name, array) for name, array in zip(names, self.weights, strict=True)]
        return save(path, nodes, [value("x", ["N", 16])], [value("y", ["N", 8])], weights)

    def __call__(self, x):
        w0, b0, w1, b1 = (array.astype(np.float64) for array in self.weights)
        h = np.maximum(x.astype(np.float64) @ w0 + b0, 0) @ w1 + b1
        e = np.exp(h - h.max(-1, keepdims=True))
        return (e / e.sum(-1, keepdims=True)).astype(np.float32)


def save_two_inputs(path):
    """sum = a + b, product = a * b; float32 [N,3]."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Mul", ["a", "b"], ["product"]),
    ]
    ends = [value(name, ["N", 3]) for name in ("a", "b", "sum", "product")]
    return save(path, nodes, ends[:2], ends[2:])


def save_deep(path, layers=60, width=256):
    """A chain long enough that tuning it takes a while."""
    random = np.random.default_rng(3)
    nodes, weights = [], []
    for i in range(layers):
        size = (
            width + 16 * i,
            width + 16 * (i + 1),
        )  # all different, so that no timing is used twice
        weights.append(tensor(f"w{i}", random.standard_normal(size, dtype=np.float32)))
        nodes.append(helper.make_node("MatMul", [f"h{i}", f"w{i}"], [f"h{i + 1}"]))
    last = width + 16 * layers
    return save(path, nodes, [value("h0", [64, width])], [value(f"h{layers}", [64, last])], weights)
