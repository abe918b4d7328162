"""A detector as exporters write them: convolutions, boxes, NonMaxSuppression, the best of what is
left. The number of detections depends on the picture."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper

SIZE, CELLS, CLASSES, MOST = 32, 64, 3, 20


class Writer:
    """Collects the nodes and weights of a model."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.rng = np.random.default_rng(7)

    def node(self, op: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def conv(self, x: str, channels: tuple[int, int], output: str, stride: int) -> str:
        shape = (channels[1], channels[0], 3, 3)
        scale = np.sqrt(2 / (9 * channels[0]))
        weights = self.constant(output + "_w", self.rng.normal(0, scale, shape).astype(np.float32))
        strides, pads = [stride, stride], [1, 1, 1, 1]
        return self.node("Conv", [x, weights], output, strides=strides, pads=pads)


def detector() -> onnx.ModelProto:
    w = Writer()
    x = w.node("Relu", [w.conv("image", (3, 12), "stem", 2)], "r1")
    x = w.node("Relu", [w.conv(x, (12, 16), "body", 2)], "r2")
    # One box for each of the 8 x 8 cells: an anchor and a small offset.
    rows = w.constant("rows", np.array([0, 4, -1]))
    boxes = w.node("Reshape", [w.conv(x, (16, 4), "offsets", 1), rows], "flat_boxes")
    boxes = w.node("Transpose", [boxes], "box_rows", perm=[0, 2, 1])
    y, z = np.meshgrid(np.arange(8), np.arange(8), indexing="ij")
    corners = np.stack([y - 1, z - 1, y + 1, z + 1], -1).reshape(1, CELLS, 4) / 8
    boxes = w.node("Tanh", [boxes], "bounded")
    boxes = w.node("Mul", [boxes, w.constant("scale", np.float32(0.1))], "scaled")
    boxes = w.node("Add", [boxes, w.constant("anchors", corners.astype(np.float32))], "boxes")
    classes = w.constant("class_rows", np.array([0, CLASSES, -1]))
    scores = w.node("Reshape", [w.conv(x, (16, CLASSES), "logits", 1), classes], "flat_scores")
    scores = w.node("Sigmoid", [scores], "scores")
    limit = w.constant("limit", np.array([MOST]))
    iou = w.constant("iou", np.array([0.3], np.float32))
    threshold = w.constant("threshold", np.array([0.55], np.float32))
    found = w.node("NonMaxSuppression", [boxes, scores, limit, iou, threshold], "found")
    # Scores and boxes of what was found, best first, at most ten.
    picked = w.node("GatherND", [scores, found], "picked_scores")
    columns = w.constant("columns", np.array([0, 2]))
    places = w.node("Gather", [found, columns], "places", axis=1)
    found_boxes = w.node("GatherND", [boxes, places], "picked_boxes")
    count = w.node("Shape", [picked], "count")
    ten = w.constant("ten", np.array([10]))
    best = w.node("Min", [count, ten], "best")
    w.nodes.append(
        helper.make_node("TopK", [picked, best], ["top_scores", "order"], name="top", axis=0)
    )
    w.node("Gather", [found_boxes, "order"], "top_boxes")
    labels = w.node("Gather", [found, w.constant("one", np.array(1))], "labels", axis=1)
    w.node("Gather", [labels, "order"], "top_labels")
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])
    kinds = {
        "top_scores": TensorProto.FLOAT,
        "top_boxes": TensorProto.FLOAT,
        "top_labels": TensorProto.INT64,
        "found": TensorProto.INT64,
    }
    outputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
    graph = helper.make_graph(w.nodes, "detector", [image], outputs, w.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("tune", [False, True])
def test_detector_agrees_with_onnxruntime(tmp_path: pathlib.Path, tune: bool) -> None:
    hone = pytest.importorskip("hone")
    path = tmp_path / "detector.onnx"
    onnx.save(detector(), path)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    engine = hone.load(hone.build(path, tune=tune))
    rng = np.random.default_rng(1)
    counts = set()
    for batch, contrast in [(1, 1.0), (2, 3.0), (1, 0.0), (3, 6.0), (1, 1.0), (2, 0.01)]:
        image = (rng.normal(0, 1, (batch, 3, SIZE, SIZE)) * contrast).astype(np.float32)
        wanted = dict(zip(names, session.run(None, {"image": image}), strict=True))
        actual = engine(image)
        for name in names:
            assert actual[name].shape == wanted[name].shape, name
            if wanted[name].dtype == np.float32:
                np.testing.assert_allclose(actual[name], wanted[name], rtol=1e-4, atol=1e-5)
            else:
                np.testing.assert_array_equal(actual[name], wanted[name])
        counts.add(wanted["found"].shape[0])
    assert len(counts) >= 3  # pictures with different numbers of detections, none among them
    assert 0 in counts
    # A few integers of shape arithmetic are no work.
    slow = {step["op"] for step in engine.steps() if step["tactic"] == "reference"}
    assert slow <= {"Shape", "Min"}
