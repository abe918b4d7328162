"""The command `hone`, end to end: what it prints, its exit codes, and that failures leave nothing behind.

The command tested is $HONE_COMMAND, else the one beside the running Python, else the one in PATH.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

BESIDE = pathlib.Path(sys.executable).parent / "hone"
HONE = os.environ.get("HONE_COMMAND") or (str(BESIDE) if BESIDE.exists() else shutil.which("hone"))
pytestmark = pytest.mark.skipif(not HONE, reason="the command hone is not installed")

GOOD, FAILED, USAGE, BAD_FILE, UNSUPPORTED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def hone(*words, cwd=None, env=None):
    return subprocess.run(
        [HONE, *map(str, words)],
        cwd=cwd,
        env=dict(os.environ, **(env or {})),
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


def good(*words, **options):
    done = hone(*words, **options)
    assert done.returncode == GOOD, done.stdout + done.stderr
    return done.stdout


def fails(code, *words, says="", **options):
    """The command ends with `code`, says why on stderr, and puts nothing on stdout."""
    done = hone(*words, **options)
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert says in done.stderr
    assert done.stdout == ""
    return done.stderr


def save_onnx(path, nodes, inputs, outputs, weights):
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        outputs,
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)


WEIGHTS = np.random.default_rng(1).standard_normal((3, 5)).astype(np.float32)
BIAS = np.linspace(-1, 1, 5, dtype=np.float32)


def expected(x):
    return np.maximum(x.mean(axis=(1, 2)) @ WEIGHTS + BIAS, 0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """model.onnx, model.plan, machine.timing and image.npy, under the names of the help's examples."""
    path = tmp_path_factory.mktemp("cli")
    save_onnx(
        path / "model.onnx",
        [
            helper.make_node("ReduceMean", ["x"], ["m"], "mean", axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["m", "w"], ["p"], "dense"),
            helper.make_node("Add", ["p", "b"], ["q"], "bias"),
            helper.make_node("Relu", ["q"], ["y"], "relu"),
        ],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 224, 224, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        {"w": WEIGHTS, "b": BIAS},
    )
    image = np.random.default_rng(2).random((2, 224, 224, 3), dtype=np.float32)
    np.save(path / "image.npy", image)
    words = ("build", "model.onnx", "-o", "model.plan", "--timing-cache", "machine.timing")
    good(*words, cwd=path)
    return path


@pytest.fixture
def empty(tmp_path):
    """A folder that must be empty after the test."""
    path = tmp_path / "empty"
    path.mkdir()
    yield path
    assert list(path.iterdir()) == []


# --- help and names


def commands():
    text = good("--help")
    return re.findall(r"^  (tf \w+|\w+)  +", text.split("commands:")[1].split("examples:")[0], re.M)


def test_help_and_version():
    assert re.fullmatch(r"hone \d+\.\d+\.\d+\n", good("--version"))
    names = commands()
    assert {"build", "run", "bench", "inspect", "compare", "ops", "doctor", "cache"} <= set(names)
    assert {"tf convert", "tf summary"} <= set(names)
    assert good("help", "build") == good("build", "--help")


def examples(command):
    if command in ("calibrate", "tf rescue"):
        return []
    text = good(*command.split(), "--help").split("examples:")[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines, f"hone {command} --help has no examples"
    return lines


def run_example(line, folder):
    words = shlex.split(line)
    env = {}
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        env[name] = value
    assert words.pop(0) == "hone"
    if words[0] == "bench" and "--duration" not in words:
        words += ["--duration", "10ms"]
    words = [re.sub(r"^\d+s$", "10ms", word) for word in words]
    done = hone(*words, cwd=folder, env=env)
    assert done.returncode == GOOD, f"{line}\n{done.stdout}{done.stderr}"


def test_examples_of_the_help_run(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")  # one of them clears the timing cache
    count = 0
    for command in commands():
        for line in examples(command):
            if "saved_model_dir" not in line:
                run_example(line, tmp_path / "copy")
                count += 1
    assert count >= 12


@pytest.mark.slow
def test_examples_with_a_saved_model_run(folder, tmp_path):
    tf = pytest.importorskip("tensorflow")

    class Small(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 224, 224, 3], tf.float32, name="x")])
        def __call__(self, x):
            # Classes far apart: `compare` measures errors against the range of the output, and of
            # a nearly constant one the rounding of FP32 alone is more than its tolerance.
            y = tf.nn.max_pool2d(tf.nn.relu(x), 32, 32, "VALID")
            scores = tf.matmul(tf.reduce_mean(y, [1, 2]), tf.constant(WEIGHTS))
            return {"y": tf.nn.softmax(scores + tf.constant(BIAS))}

    module = Small()
    shutil.copytree(folder, tmp_path / "copy")
    tf.saved_model.save(module, str(tmp_path / "copy/saved_model_dir"), module.__call__)
    for command in commands():
        for line in examples(command):
            if "saved_model_dir" in line:
                run_example(line, tmp_path / "copy")
            if " converted_dir" in line:
                assert (tmp_path / "copy/converted_dir/saved_model.pb").exists()
                shutil.rmtree(tmp_path / "copy/converted_dir")


# --- exit codes


def test_wrong_use(folder, empty):
    fails(USAGE, says="hone COMMAND")
    fails(USAGE, "paint", says="there is no command 'paint'")
    fails(USAGE, "build", folder / "model.onnx", says="--output")
    fails(USAGE, "build", folder / "model.onnx", "-o", empty / "p", "--speed", "9", says="--help")
    fails(USAGE, "build", folder / "model.onnx", "-o", empty / "p", "--precision", "fp7")
    fails(USAGE, "build", folder / "model.onnx", "-o", empty / "p", "--opt-shapes", "x=1")
    words = ("build", folder / "model.onnx", "-o", empty / "p", "--opt-shapes", "nobody:1x3")
    fails(USAGE, *words, says="nobody")
    fails(USAGE, "build", folder / "model.onnx", "-o", empty / "p", "--target", "z80")
    fails(USAGE, "bench", folder / "model.plan", "--duration", "long")
    fails(USAGE, "run", folder / "model.plan", "--input", "z=image.npy", says="use one of: x")
    fails(USAGE, "inspect", folder / "model.plan", "--fusions")
    fails(USAGE, "cache", "paint", folder / "machine.timing")


def test_bad_files(folder, tmp_path, empty):
    fails(BAD_FILE, "run", tmp_path / "absent.plan", says="absent.plan")
    fails(BAD_FILE, "build", tmp_path / "absent.onnx", "-o", empty / "p", says="absent.onnx")
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(bytes(range(1, 200)))
    fails(BAD_FILE, "build", noise, "-o", empty / "p", says="noise.onnx")
    fails(BAD_FILE, "build", folder / "model.plan", "-o", empty / "p", says="a model is needed")
    fails(BAD_FILE, "build", folder / "model.onnx", "-o", empty / "absent/p", says="directory")
    plan = (folder / "model.plan").read_bytes()
    (tmp_path / "cut.plan").write_bytes(plan[: len(plan) // 2])
    fails(BAD_FILE, "run", tmp_path / "cut.plan", says="cut.plan")
    damaged = bytearray(plan)
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged.plan").write_bytes(damaged)
    fails(BAD_FILE, "inspect", tmp_path / "damaged.plan", says="damaged.plan")
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'}")
    words = ("run", folder / "model.plan", "--input", f"x={tmp_path}/x.npy")
    fails(BAD_FILE, *words, says="x.npy: byte ")
    fails(BAD_FILE, "cache", "clear", folder / "model.onnx")
    assert (folder / "model.onnx").exists()


def test_unsupported(folder, tmp_path, empty):
    for precision in ("fp16", "bf16", "int8", "best"):
        words = ("build", folder / "model.onnx", "-o", empty / "p", "--precision", precision)
        fails(UNSUPPORTED, *words, says="FP32")
    fails(UNSUPPORTED, "build", f"--onnx={folder}/model.onnx", f"--saveEngine={empty}/p", "--int8")
    fails(UNSUPPORTED, "calibrate", folder / "model.onnx")
    fails(UNSUPPORTED, "tf", "rescue", "a", "b")
    fails(UNSUPPORTED, "ops", "--from", "caffe")
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("DreamUp", ["x"], ["d"], "dream", domain="org.nowhere"),
        helper.make_node("Ponder", ["d"], ["y"], "ponder", domain="org.nowhere"),
    ]
    path = tmp_path / "strange.onnx"
    ports = ([value("x", TensorProto.FLOAT, [1])], [value("y", TensorProto.FLOAT, [1])])
    save_onnx(path, nodes, *ports, {})
    text = fails(UNSUPPORTED, "build", path, "-o", empty / "p")
    assert "DreamUp" in text and "Ponder" in text  # all at once


def test_failed_runs(folder, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 224, 224, 3)))
    words = ("run", folder / "model.plan", "--input", f"x={tmp_path}/x.npy")
    fails(FAILED, *words, says="f64 instead of f32")
    np.save(tmp_path / "x.npy", np.zeros((2, 3), np.float32))
    fails(FAILED, "run", folder / "model.plan", "--input", f"x={tmp_path}/x.npy", says="'x'")
    fails(FAILED, "bench", folder / "model.plan", "--shapes", "x:1x1x1x3")


# --- what the commands do


def check_outputs(path, image):
    np.testing.assert_allclose(np.load(path / "y.npy"), expected(image), rtol=1e-4, atol=1e-5)


def test_run_reads_and_writes_npy(folder, tmp_path):
    image = np.load(folder / "image.npy")
    words = ("run", folder / "model.plan", "--output-dir", tmp_path / "out", "--input")
    assert "y: f32[2,5]" in good(*words, f"x={folder}/image.npy")
    check_outputs(tmp_path / "out", image)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(image[::-1]))
    good(*words, tmp_path / "fortran.npy")  # the only input needs no name
    check_outputs(tmp_path / "out", image[::-1])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["y.npy"]


def test_run_of_a_model_and_json(folder):
    words = ("--input", f"x={folder}/image.npy", "--json")
    result = json.loads(good("run", folder / "model.onnx", *words))
    (y,) = result["outputs"]
    assert (y["name"], y["dtype"], y["shape"], y["truncated"]) == ("y", "f32", [2, 5], False)
    want = expected(np.load(folder / "image.npy"))
    np.testing.assert_allclose(np.reshape(y["values"], (2, 5)), want, rtol=1e-4, atol=1e-5)


def test_run_of_the_reference_in_fp64(folder, tmp_path):
    image = np.load(folder / "image.npy")
    words = ("run", folder / "model.onnx", "--reference")
    text = good(*words, "--output-dir", tmp_path / "out", "--input", f"x={folder}/image.npy")
    assert "y: f64[2,5]" in text
    y = np.load(tmp_path / "out" / "y.npy")
    assert y.dtype == np.float64
    # Far below what FP32 gives: 1e-7.
    np.testing.assert_allclose(y, expected(image.astype(np.float64)), rtol=1e-11, atol=1e-11)
    fails(USAGE, *words, says="input 'x' is missing")
    fails(BAD_FILE, "run", folder / "model.plan", "--reference", says="a model is needed")


def test_random_inputs_depend_on_the_seed_only(folder):
    words = ("run", folder / "model.plan", "--json", "--shapes", "x:3x224x224x3")
    assert good(*words) == good(*words)
    assert json.loads(good(*words))["outputs"][0]["shape"] == [3, 5]
    assert good(*words) != good(*words, "--seed", "1")


def test_bench(folder, tmp_path):
    words = ("bench", folder / "model.plan", "--duration", "50ms", "--warm-up", "0ms", "--profile")
    text = good(*words, "--trace", tmp_path / "trace.json", "--json", tmp_path / "result.json")
    assert "inferences/s" in text and "p99" in text and "tactic" in text
    trace = json.loads((tmp_path / "trace.json").read_text())
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert events and all(event["dur"] >= 0 for event in events)
    rows = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M"}
    assert rows[0] == "steps" and rows[1] == "thread 0"
    assert {event["tid"] for event in events} <= set(rows)
    result = json.loads((tmp_path / "result.json").read_text())
    latency = result["latency_ms"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p99"]
    assert "% of peak" in text and "% busy" in text and result["peak_gflops"] > 0
    for step in result["steps"]:
        assert step["bytes"] > 0 and 0 <= step["share_of_peak"] <= 1.2
        assert 0 < step["busy_share"] <= 1 and len(step["busy_milliseconds"]) == result["threads"]
    assert any(step["gflop"] > 0 for step in result["steps"])
    result = json.loads(good(*words, "--batch", 2, "--streams", 2, "--json", "-"))
    assert result["inputs"][0]["shape"] == [2, 224, 224, 3] and result["streams"] == 2
    text = good("bench", f"--loadEngine={folder}/model.plan", "--warmUp=1", "--duration=0.01")
    assert "latency" in text


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_bench_beside_another_runtime(folder, tmp_path, runtime):
    pytest.importorskip(runtime)
    words = ("bench", folder / "model.onnx", "--no-tune", "--duration", "90ms", "--threads", 1)
    text = good(*words, "--vs", runtime, "--batch", 2, "--json", tmp_path / "result.json")
    assert f"\n{runtime} " in text and "best peer / hone" in text
    versus = json.loads((tmp_path / "result.json").read_text())["vs"]
    mine, peer = versus["runtimes"]
    assert mine["runtime"] == "hone" and peer["runtime"] == runtime and peer["version"]
    assert len(mine["round_min_ms"]) == len(peer["round_min_ms"]) == 9
    assert peer["difference"] <= 1e-5
    ratios = [b / a for a, b in zip(mine["round_min_ms"], peer["round_min_ms"], strict=True)]
    assert versus["ratio"] == pytest.approx(float(np.median(ratios)))
    low, high = versus["quartiles"]
    assert low <= versus["ratio"] <= high and versus["threads"] == 1


def test_bench_beside_tensorflow(tmp_path):
    tf = pytest.importorskip("tensorflow")
    kernel = np.random.default_rng(7).standard_normal((16, 4)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
    def f(x):
        return {"y": tf.nn.relu(tf.matmul(x, kernel))}

    module = tf.Module()
    module.f = f
    tf.saved_model.save(module, str(tmp_path / "saved"), f)
    words = ("bench", tmp_path / "saved", "--no-tune", "--duration", "90ms", "--json", "-")
    runtimes = json.loads(good(*words, "--vs", "tensorflow,openvino"))["vs"]["runtimes"]
    assert [r["runtime"] for r in runtimes] == ["hone", "tensorflow", "openvino"]
    assert all(r["difference"] <= 1e-5 for r in runtimes)


def test_bench_beside_a_runtime_that_is_not_there(folder, tmp_path):
    words = ("bench", folder / "model.onnx", "--no-tune", "--duration", "10ms", "--vs")
    fails(USAGE, *words, "tensorflow", says="format onnx")
    fails(USAGE, *words, "onnxruntime,pytorch", says="openvino")
    fails(BAD_FILE, "bench", folder / "model.plan", "--vs", "onnxruntime", says="a model is needed")
    broken = {"HONE_PYTHON": str(tmp_path / "python")}
    fails(UNSUPPORTED, *words, "openvino", env=broken, says="HONE_PYTHON")
    (tmp_path / "openvino.py").write_text("raise ImportError('no such package')")
    hidden = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    fails(UNSUPPORTED, *words, "openvino", env=hidden, says="openvino did not run the model")


def test_inspect(folder):
    plan = json.loads(good("inspect", folder / "model.plan", "--json"))
    sources = {name for layer in plan["layers"] for name in layer["sources"]}
    assert {"mean", "dense", "bias", "relu"} <= sources
    assert plan["arena_bytes"] >= 0 and plan["weight_bytes"] > 0
    assert all(layer["tactic"] for layer in plan["layers"])
    assert "tactic" in good("inspect", folder / "model.plan")
    model = json.loads(good("inspect", folder / "model.onnx", "--fusions", "--json"))
    assert model["nodes_after"] <= model["nodes"] and model["ops_after"]
    assert "passes that changed" in good("inspect", folder / "model.onnx", "--fusions")


def layered_model(path, wrong=None):
    """Convolutions with batch normalization, channels first; `wrong`: the layer with one bad weight."""
    random = np.random.default_rng(5)
    nodes, weights, x = [], {}, "x"
    for i in range(4):
        kernel = random.standard_normal((8, 8, 3, 3)).astype(np.float32) / 8
        if i == wrong:
            kernel[0, 0, 0, 0] += 3
        weights[f"k{i}"] = kernel
        for j, name in enumerate(("gamma", "beta", "mean", "variance")):
            weights[f"{name}{i}"] = random.uniform(0.5 * (j % 3 == 0), 1, 8).astype(np.float32)
        nodes.append(
            helper.make_node("Conv", [x, f"k{i}"], [f"c{i}"], f"conv{i}", pads=[1, 1, 1, 1])
        )
        names = [f"{n}{i}" for n in ("gamma", "beta", "mean", "variance")]
        nodes.append(
            helper.make_node("BatchNormalization", [f"c{i}", *names], [f"n{i}"], f"norm{i}")
        )
        x = "y" if i == 3 else f"r{i}"
        nodes.append(helper.make_node("Relu", [f"n{i}"], [x], f"relu{i}"))
    value = helper.make_tensor_value_info
    ports = [[value(name, TensorProto.FLOAT, ["N", 8, 14, 14])] for name in ("x", "y")]
    save_onnx(path, nodes, *ports, weights)


@pytest.mark.parametrize("against", ["reference", "onnxruntime"])
def test_bisect_names_the_layer_that_is_wrong(tmp_path, against):
    if against == "onnxruntime":
        pytest.importorskip("onnxruntime")
    layered_model(tmp_path / "good.onnx")
    layered_model(tmp_path / "bad.onnx", wrong=2)
    good("build", tmp_path / "good.onnx", "-o", tmp_path / "good.plan", "--no-tune")
    good("build", tmp_path / "bad.onnx", "-o", tmp_path / "bad.plan", "--no-tune")
    words = ("compare", tmp_path / "good.onnx", "--against", against, "--bisect", "--json")
    done = json.loads(good(*words, "--plan", tmp_path / "good.plan"))
    assert done["good"] and done["first_bad_layer"] is None and len(done["layers"]) == 4
    done = hone(*words, "--plan", tmp_path / "bad.plan")
    assert done.returncode == FAILED, done.stderr
    report = json.loads(done.stdout)
    assert "conv2" in report["first_bad_layer"]
    assert [layer["good"] for layer in report["layers"]] == [True, True, False, False]
    text = hone(*words[:-1], "--plan", tmp_path / "bad.plan").stdout
    assert "first bad layer: conv2" in text


def test_bisect_against_tensorflow(tmp_path):
    tf = pytest.importorskip("tensorflow")
    kernels = np.random.default_rng(6).standard_normal((3, 16, 16)).astype(np.float32)

    def save(name, kernels):
        @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
        def f(x):
            for i, kernel in enumerate(kernels):
                x = tf.nn.relu(tf.matmul(x, tf.constant(kernel), name=f"dense{i}"))
            return {"y": x}

        module = tf.Module()
        module.f = f
        tf.saved_model.save(module, str(tmp_path / name), f)

    save("good", kernels)
    kernels[1] *= 2
    save("bad", kernels)
    good("build", tmp_path / "bad", "-o", tmp_path / "bad.plan", "--no-tune")
    words = ("compare", tmp_path / "good", "--against", "tensorflow", "--bisect", "--json")
    assert json.loads(good(*words))["good"]
    report = json.loads(hone(*words, "--plan", tmp_path / "bad.plan").stdout)
    assert "dense1" in report["first_bad_layer"]


def test_compare_against_a_runtime_that_is_not_there(folder, tmp_path):
    words = ("compare", folder / "model.onnx", "--against")
    fails(USAGE, *words, "tensorflow", says="format onnx")
    fails(USAGE, *words, "pytorch", says="onnxruntime")
    broken = {"HONE_PYTHON": str(tmp_path / "python")}
    fails(UNSUPPORTED, *words, "onnxruntime", env=broken, says="HONE_PYTHON")


def test_compare(folder, tmp_path):
    result = json.loads(good("compare", folder / "model.onnx", "--seeds", 1, "--json"))
    assert result["good"] and result["outputs"][0]["max_relative"] <= 1e-4
    # A plan of another model of the same shape must be found out.
    save_onnx(
        tmp_path / "other.onnx",
        [
            helper.make_node("ReduceMean", ["x"], ["m"], "mean", axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["m", "w"], ["y"], "dense"),
        ],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 224, 224, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        {"w": 2 * WEIGHTS},
    )
    words = ("compare", tmp_path / "other.onnx", "--plan", folder / "model.plan", "--seeds", 1)
    done = hone(*words)
    assert done.returncode == FAILED and "TOO LARGE" in done.stdout, done.stderr


def test_profiles_and_trtexec_spellings(folder, tmp_path):
    plan = tmp_path / "m.plan"
    words = ("--minShapes=x:1x224x224x3", "--optShapes=x:2x224x224x3", "--maxShapes=x:4x224x224x3")
    good("build", f"--onnx={folder}/model.onnx", f"--saveEngine={plan}", "--noTF32", *words)
    (profile,) = json.loads(good("inspect", plan, "--json"))["profiles"]
    assert [profile["x"][key][0] for key in ("min", "opt", "max")] == [1, 2, 4]


def test_ops():
    names = {row["op"] for row in json.loads(good("ops", "--json"))}
    assert {"Conv", "MatMul", "Softmax"} <= names
    assert "Conv" in {row["op"] for row in json.loads(good("ops", "--from", "onnx", "--json"))}
    rows = json.loads(good("ops", "--from", "tensorflow", "--json"))
    assert "Conv2D" in {row["op"] for row in rows}
    assert good("ops", "--from", "tensorflow", "--markdown").startswith("| operator")


def test_peak_for_scripts():
    assert float(good("doctor", "--peak", 1)) > 0
    fails(USAGE, "doctor", "--peak", -1, says="--peak")


def test_doctor():
    text = good("doctor", env={"HONE_MAX_ISA": "baseline"})
    assert "HONE_MAX_ISA=baseline" in text and "libhone" in text and "TensorFlow" in text


def test_timing_cache(folder, tmp_path):
    cache = tmp_path / "t.timing"
    shutil.copy(folder / "machine.timing", cache)
    assert "good" in good("cache", "verify", cache)
    assert "tactic" in good("cache", "list", cache)
    # Same model, same cache: same plan.
    good("build", "model.onnx", "-o", tmp_path / "again.plan", "--timing-cache", cache, cwd=folder)
    assert (tmp_path / "again.plan").read_bytes() == (folder / "model.plan").read_bytes()
    good("cache", "clear", cache)
    assert not cache.exists()
    fails(BAD_FILE, "cache", "verify", cache)


def test_dumped_graphs_can_be_read_again(folder, tmp_path):
    words = ("build", folder / "model.onnx", "-o", tmp_path / "p", "--no-tune", "--dump-graphs")
    good(*words, tmp_path / "graphs")
    names = sorted(path.name for path in (tmp_path / "graphs").iterdir())
    assert names[0] == "00_imported.txt"
    text = good("inspect", tmp_path / "graphs" / names[0])
    assert "(hone)" in text and "MatMul" in text


# --- cancelling


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory):
    """Takes many seconds to tune: convolutions of different shapes."""
    path = tmp_path_factory.mktemp("slow") / "slow.onnx"
    channels = [3, 64, 96, 128, 160, 192, 224, 256]
    random = np.random.default_rng(3)
    nodes, weights = [], {}
    for i, (before, after) in enumerate(zip(channels, channels[1:], strict=False)):
        weights[f"w{i}"] = random.standard_normal((after, before, 3, 3)).astype(np.float32)
        names = [f"v{i}", f"w{i}"], [f"v{i + 1}"]
        nodes.append(helper.make_node("Conv", *names, f"conv{i}", pads=[1, 1, 1, 1]))
    last = f"v{len(nodes)}"
    inputs = [helper.make_tensor_value_info("v0", TensorProto.FLOAT, [1, 3, 112, 112])]
    outputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, 256, 112, 112])]
    save_onnx(path, nodes, inputs, outputs, weights)
    return path


def obey_ctrl_c():
    """Shells start background jobs with SIGINT ignored, and children inherit that; so would the command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_reader_that_goes_away_is_no_failure_to_speak_of():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([HONE, "ops"], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode in (141, -signal.SIGPIPE)


def interrupt_while_tuning(words, stop_signal):
    process = subprocess.Popen(
        [HONE, *map(str, words)],
        env=dict(os.environ, HONE_LOG="info"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=obey_ctrl_c,
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "tune" in line:
            break
    assert process.poll() is None, "".join(lines)
    time.sleep(0.2)
    begin = time.monotonic()
    process.send_signal(stop_signal)
    process.wait()
    watchdog.cancel()
    return process.returncode, time.monotonic() - begin


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_a_build_and_leaves_nothing(slow_model, empty, stop_signal):
    words = ("build", slow_model, "-o", empty / "p.plan")
    code, seconds = interrupt_while_tuning(words, stop_signal)
    assert code == INTERRUPTED
    assert seconds < 2  # promised: one second; the rest is for a machine busy with other tests
