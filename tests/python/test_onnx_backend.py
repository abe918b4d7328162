"""hone.onnx: the interface of onnx.backend.base."""

import numpy as np
import onnx
import pytest
import small_models as models

import hone.onnx


def test_run_model(mlp, mlp_path):
    model = onnx.load(mlp_path)
    x = np.random.default_rng(0).standard_normal((3, 16), dtype=np.float32)
    prepared = hone.onnx.prepare(model, "CPU")
    for given in ([x], x, {"x": x}):
        result = prepared.run(given)
        np.testing.assert_allclose(result.y, mlp(x), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(hone.onnx.run_model(model, [x])[0], result[0])


def test_outputs_are_in_order(tmp_path):
    model = onnx.load(models.save_two_inputs(tmp_path / "pair.onnx"))
    a = np.full((1, 3), 3, np.float32)
    b = np.full((1, 3), 4, np.float32)
    total, product = hone.onnx.run_model(model, [a, b])
    assert (total == 7).all() and (product == 12).all()


def test_run_node():
    x = np.array([[-1, 2]], np.float32)
    (y,) = hone.onnx.run_node(onnx.helper.make_node("Relu", ["x"], ["y"]), [x])
    np.testing.assert_array_equal(y, [[0, 2]])


def test_devices(mlp_path):
    assert hone.onnx.supports_device("CPU") and not hone.onnx.supports_device("CUDA")
    with pytest.raises(ValueError, match="CPU only"):
        hone.onnx.prepare(onnx.load(mlp_path), "CUDA:0")
