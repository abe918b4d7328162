"""A fully convolutional network with free height and width: one plan, several sizes."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(7)


def make_model() -> onnx.ModelProto:
    """Down by 4 and up again, with a skip, then resized to the size of the input."""
    initializers = []

    def weights(name: str, *shape: int) -> str:
        values = RNG.uniform(-0.3, 0.3, shape).astype(np.float32)
        initializers.append(numpy_helper.from_array(values, name))
        return name

    def constant(name: str, values: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(values, name))
        return name

    node = helper.make_node
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        node(
            "Conv",
            ["x", weights("w1", 8, 3, 3, 3), weights("b1", 8)],
            ["c1"],
            strides=[2, 2],
            **pads,
        ),
        node("Relu", ["c1"], ["a"]),
        node(
            "Conv", ["a", weights("w2", 12, 8, 3, 3)], ["c2"], strides=[2, 2], auto_pad="SAME_UPPER"
        ),
        node("MaxPool", ["c2"], ["b"], kernel_shape=[3, 3], **pads),
        node("Conv", ["b", weights("w3", 12, 1, 5, 5)], ["d"], group=12, pads=[2, 2, 2, 2]),
        node(
            "ConvTranspose",
            ["d", weights("w4", 12, 8, 2, 2), weights("b4", 8)],
            ["u"],
            strides=[2, 2],
        ),
        node("Relu", ["u"], ["up"]),
        node("Concat", ["a", "up"], ["both"], axis=1),
        node("Conv", ["both", weights("w5", 5, 16, 1, 1)], ["logits"]),
        node("Shape", ["x"], ["shape"]),
        node(
            "Slice",
            ["shape", constant("two", np.array([2])), constant("four", np.array([4]))],
            ["hw"],
        ),
        node("Shape", ["logits"], ["small"]),
        node("Slice", ["small", constant("zero", np.array([0])), "two"], ["nc"]),
        node("Concat", ["nc", "hw"], ["size"], axis=0),
        node("Resize", ["logits", "", "", "size"], ["y"], mode="linear"),
        node(
            "Resize",
            ["b", "", constant("scales", np.array([1, 1, 2, 2], np.float32))],
            ["z"],
            mode="nearest",
        ),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("y", "z")]
    graph = helper.make_graph(nodes, "fcn", [x], outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_one_plan_for_several_sizes(tmp_path: pathlib.Path) -> None:
    hone = pytest.importorskip("hone")
    model = make_model()
    path = tmp_path / "fcn.onnx"
    onnx.save(model, path)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    engine = hone.load(hone.build(path, tune=False))
    for n, h, w in [(1, 32, 48), (2, 20, 36), (1, 4, 8), (1, 63, 40), (3, 96, 15)]:
        x = RNG.uniform(-1, 1, (n, 3, h, w)).astype(np.float32)
        wanted = dict(zip(("y", "z"), session.run(None, {"x": x}), strict=True))
        found = engine({"x": x})
        for name, array in wanted.items():
            assert found[name].shape == array.shape, (name, h, w)
            # A few hundred terms of magnitude 1 in each of five layers.
            np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-4)
