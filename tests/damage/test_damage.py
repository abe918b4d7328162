"""One wrong byte anywhere in a model file: an error or a plan, never a crash, a hang or a flood of memory."""

import json
import os
import pathlib
import resource
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import pytest

pytest.importorskip("hone")
WORKER = pathlib.Path(__file__).with_name("damage_worker.py")
MAX_BYTES = (
    4 << 30
)  # address space of the worker: the interpreter and its libraries reserve most of it
FEW, MANY = 400, 25_000  # cases per kind of file


def save_onnx(path):
    onnx = pytest.importorskip("onnx")
    helper, array = onnx.helper, onnx.numpy_helper.from_array
    random = np.random.default_rng(3)
    floats = lambda *shape: random.standard_normal(shape).astype(np.float32)  # noqa: E731
    weights = {
        "w": floats(4, 3, 3, 3),
        "depth": floats(4, 1, 3, 3),
        "scale": floats(4),
        "fc": floats(4, 5),
        "shape": np.array([0, -1, 4], np.int64),
        "axes": np.array([2], np.int64),
        "starts": np.array([0], np.int64),
        "ends": np.array([9], np.int64),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Pad", ["x", "pads"], ["padded"]),
        node("Conv", ["padded", "w"], ["c"], strides=[2, 2], kernel_shape=[3, 3]),
        node("BatchNormalization", ["c", "scale", "scale", "scale", "var"], ["bn"]),
        node("Relu", ["bn"], ["r"]),
        node("Conv", ["r", "depth"], ["d"], group=4, auto_pad="SAME_UPPER"),
        node("Sigmoid", ["d"], ["s"]),
        node("Mul", ["d", "s"], ["silu"]),
        node("Concat", ["silu", "r"], ["cat"], axis=1),
        node("Split", ["cat"], ["left", "right"], axis=1, num_outputs=2),
        node("Add", ["left", "right"], ["sum"]),
        node("MaxPool", ["sum"], ["pool"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("Transpose", ["pool"], ["t"], perm=[0, 2, 3, 1]),
        node("Reshape", ["t", "shape"], ["flat"]),
        node("MatMul", ["flat", "fc"], ["m"]),
        node("Slice", ["m", "starts", "ends", "starts2"], ["cut"]),
        node("ReduceMean", ["cut", "starts2"], ["mean"], keepdims=0),
        node("Softmax", ["mean"], ["y"], axis=-1),
    ]
    weights["var"] = np.abs(weights["scale"]) + 1
    weights["starts2"] = np.array([1], np.int64)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "damage",
        [value("x", onnx.TensorProto.FLOAT, ["N", 3, 12, 10])],
        [value("y", onnx.TensorProto.FLOAT, ["N", 5])],
        [array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def save_saved_model(path):
    tf = pytest.importorskip("tensorflow")
    random = np.random.default_rng(4)

    class Network(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(random.standard_normal((3, 3, 3, 4)).astype(np.float32))
            self.dense = tf.Variable(random.standard_normal((4, 5)).astype(np.float32))
            self.bias = tf.Variable(random.standard_normal(5).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec([None, 12, 10, 3], tf.float32, name="x")])
        def __call__(self, x):
            y = tf.nn.relu(tf.nn.conv2d(x, self.kernel, 2, "SAME"))
            y = tf.nn.max_pool2d(y, 2, 2, "VALID")
            y = tf.reshape(y, [tf.shape(y)[0], -1, 4])[:, 1:]
            y = tf.nn.bias_add(tf.einsum("nkc,cd->nkd", y, self.dense), self.bias)
            return {"y": tf.nn.softmax(tf.reduce_mean(tf.concat([y, y * 2], 1), 1))}

    module = Network()
    tf.saved_model.save(module, str(path), module.__call__)


MODELS = {"model.onnx": save_onnx, "saved_model": save_saved_model}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("damage")
    for name, save in MODELS.items():
        save(path / name)
    return path


def run(model, count, seed):
    done = subprocess.run(
        [sys.executable, str(WORKER), str(model), str(count), str(seed)],
        capture_output=True,
        text=True,
        env=dict(os.environ, HONE_LOG="error"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES)),
    )
    last = "\n".join(done.stderr.splitlines()[-12:])
    assert done.returncode == 0, f"seed {seed}, after {done.stdout.splitlines()[-1:]}:\n{last}"
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["done"] == count
    print(model.name, report)
    return report


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_one_wrong_byte(folder, name, count):
    report = run(folder / name, count, seed=count)
    # Both happen, else nothing was tested: names and weights may be anything, structure may not.
    assert report["accepted"] > 0 and sum(report["codes"].values()) > 0
    assert "internal" not in report["codes"]
