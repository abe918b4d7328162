"""Models whose data has no fixed number of channels: only the weights know it, and packing needs it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

hone = pytest.importorskip("hone")
ort = pytest.importorskip("onnxruntime")

# operator, declared shape of the data, of the result, shapes of the weights, attributes, given shape
CASES = [
    ("MatMul", ["K"], ["M"], [(4, 5)], {}, (4,)),
    ("MatMul", ["N", "K"], ["N", "M"], [(4, 5)], {}, (3, 4)),
    ("MatMul", ["N", "T", "K"], ["N", "T", "M"], [(4, 5)], {}, (2, 3, 4)),
    ("Gemm", ["N", "K"], ["N", "M"], [(5, 4), (5,)], {"transB": 1}, (3, 4)),
    ("Conv", list("NCHW"), list("NOAB"), [(5, 4, 3, 3)], {}, (1, 4, 6, 6)),
    ("Conv", list("NCHW"), list("NOAB"), [(4, 1, 3, 3)], {"group": 4}, (1, 4, 6, 6)),
    ("ConvTranspose", list("NCHW"), list("NOAB"), [(4, 5, 3, 3)], {}, (1, 4, 6, 6)),
    ("LSTM", list("TNC"), list("TDNH"), [(1, 24, 4), (1, 24, 6)], {"hidden_size": 6}, (3, 2, 4)),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}{len(c[1])}_{i}" for i, c in enumerate(CASES)])
def test_number_of_channels_is_the_weights(case, tmp_path):
    op, declared, result, shapes, attributes, given = case
    random = np.random.default_rng(5)
    weights = {f"w{i}": random.standard_normal(s, np.float32) for i, s in enumerate(shapes)}
    node = helper.make_node(op, ["x", *weights], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "channels",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, declared)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
        [numpy_helper.from_array(w, name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    x = random.standard_normal(given, np.float32)
    wanted = ort.InferenceSession(path).run(None, {"x": x})[0]
    engine = hone.load(hone.build(path, tune=False))
    np.testing.assert_allclose(engine({"x": x})["y"], wanted, rtol=1e-5, atol=1e-5)
