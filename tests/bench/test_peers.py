"""bench/peers.py on a network of one layer: runners take turns, outputs are compared, failures are told apart."""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

import cold
import peers
import work
from workers import HONE

pytestmark = pytest.mark.skipif(not HONE.exists(), reason="the command hone is not beside Python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "one_layer"
    path.mkdir()
    kernel = np.random.default_rng(1).standard_normal((4, 3, 3, 3)).astype(np.float32)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "k"], ["y"], pads=[1, 1, 1, 1])],
        "one_layer",
        [value("x", onnx.TensorProto.FLOAT, ["N", 3, 8, 8])],
        [value("y", onnx.TensorProto.FLOAT, ["N", 4, 8, 8])],
        [onnx.numpy_helper.from_array(kernel, "k")],
    )
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.save(model, path / "model.onnx")
    x = np.random.default_rng(2).standard_normal((2, 8, 8, 3)).astype(np.float32)
    np.savez(path / "inputs.npz", x=x)
    entry = {"dtype": "float32", "shape": [8, 8, 3], "onnx_shape": [3, 8, 8]}
    meta = {"name": "one_layer", "inputs": {"x": entry}, "outputs": ["y"], "batches": [1]}
    (path / "meta.json").write_text(json.dumps(meta))
    return path


CELL = {"model": "one_layer", "batch": 2, "threads": 1}


def options(runners):
    return argparse.Namespace(runners=runners, rounds=3, slice=0.01)


def test_work_of_a_network(folder):
    assert work.gflop(folder / "model.onnx", 2) == pytest.approx(2e-9 * 2 * 8 * 8 * 4 * 27)


def test_a_cell_has_rounds_peak_and_differences(folder):
    cell = peers.measure(options(["onnxruntime", "hone", "tf"]), CELL, folder)
    ort, hone, tf = cell["runners"]
    assert len(ort["round_min_ms"]) == len(hone["round_min_ms"]) == len(cell["peak_gflops"]) == 3
    assert ort["difference"] == 0 and 0 <= hone["difference"] < 1e-5
    assert min(hone["round_min_ms"]) == hone["min_ms"] and min(cell["peak_gflops"]) > 0
    assert "error" in tf  # there is no SavedModel
    assert peers.problems([cell]) == ["one_layer, batch 2, tf failed"]
    text = peers.table([cell], peers.load_goals())
    assert "one_layer b2 t1" in text and "| tf | failed |" in text


def test_cold_starts(folder):
    cell = cold.measure(CELL, ["onnxruntime", "hone"], folder)
    for record in cell["runners"]:
        assert 0 < record["first_result_s"] < 60
        assert record["base_bytes"] < record["peak_bytes"]
    assert cold.table([cell]).count("one_layer") == 2
    assert (folder / "batch2_threads1.plan").exists()


def test_help_and_wrong_use():
    script = pathlib.Path(peers.__file__)
    done = subprocess.run(
        [sys.executable, script, "--runners", "caffe"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "unknown runner 'caffe'" in done.stderr
