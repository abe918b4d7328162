"""hone.tensorflow.trt_convert: converted models inside TensorFlow, against the originals."""

import importlib.util
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("hone")

import hone.tensorflow
from hone.tensorflow import trt_convert as trt

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELATIVE = 1e-5  # TF-TRT's own tests allow this much for FP32


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


class Mlp(tf.Module):
    """x[N,16] -> 32 -> relu -> 8 -> softmax; output key "y"."""

    def __init__(self):
        super().__init__()
        self.w0, self.b0 = tf.Variable(random(16, 32)), tf.Variable(random(32))
        self.w1, self.b1 = tf.Variable(random(32, 8)), tf.Variable(random(8))

    @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
    def __call__(self, x):
        h = tf.nn.relu(x @ self.w0 + self.b0)
        return {"y": tf.nn.softmax(h @ self.w1 + self.b1)}


class Sandwich(tf.Module):
    """Two parts for Hone with an operator in between that it does not know."""

    def __init__(self):
        super().__init__()
        self.w0, self.w1 = tf.Variable(random(16, 16) / 4), tf.Variable(random(16, 8) / 4)

    @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
    def __call__(self, x):
        h = tf.nn.relu(tf.nn.relu(x @ self.w0 + 1.0) * 2.0) + 1.0
        h = tf.math.digamma(h)
        return {"y": tf.nn.sigmoid(tf.nn.relu(h @ self.w1 - 0.5) * 3.0)}


class TwoEnds(tf.Module):
    """Two inputs, two outputs."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable(random(4, 3))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32, name="b"),
            tf.TensorSpec([None, 4], tf.float32, name="a"),
        ]
    )
    def __call__(self, b, a):
        h = tf.nn.relu(a - b * 2.0)
        return {"first": h @ self.w, "second": tf.nn.tanh(h + 1.0)}


def save(module, path):
    tf.saved_model.save(module, str(path), signatures=module.__call__)
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("saved_models")


@pytest.fixture(scope="session")
def mlp(folder):
    return save(Mlp(), folder / "mlp")


@pytest.fixture(scope="session")
def sandwich(folder):
    return save(Sandwich(), folder / "sandwich")


@pytest.fixture(scope="session")
def two_ends(folder):
    return save(TwoEnds(), folder / "two_ends")


@pytest.fixture(scope="session")
def converted_mlp(mlp, folder):
    """(the converter, after convert, the directory it was saved to)."""
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=str(mlp))
    converter.convert()
    converter.save(str(folder / "mlp_hone"))
    return converter, folder / "mlp_hone"


def signature(path):
    loaded = tf.saved_model.load(str(path))
    return loaded, loaded.signatures["serving_default"]


def engines(function):
    return [node for node in function.graph.as_graph_def().node if node.op == "HoneEngineOp"]


def assert_same(original, converted, **inputs):
    inputs = {name: tf.constant(x) for name, x in inputs.items()}
    expected, actual = original(**inputs), converted(**inputs)
    assert list(expected) == list(actual)
    for key in expected:
        assert expected[key].dtype == actual[key].dtype
        e, a = expected[key].numpy(), actual[key].numpy()
        np.testing.assert_allclose(a, e, rtol=RELATIVE, atol=RELATIVE * max(1, np.abs(e).max()))


# --- conversion -----------------------------------------------------------------------------------


def test_one_engine(mlp, converted_mlp):
    _, path = converted_mlp
    _keep, original = signature(mlp)
    _keep2, converted = signature(path)
    assert len(engines(converted)) == 1
    for batch in (1, 3, 8):
        assert_same(original, converted, x=random(batch, 16, seed=batch))


def test_function_has_the_signature_of_the_original(mlp, two_ends):
    for path in (mlp, two_ends):
        _keep, original = signature(path)
        converted = trt.TrtGraphConverterV2(input_saved_model_dir=str(path)).convert()
        (_, expected), (_, actual) = (
            original.structured_input_signature,
            converted.structured_input_signature,
        )
        assert sorted(expected) == sorted(actual)
        for name in expected:
            assert expected[name].dtype == actual[name].dtype
            assert expected[name].shape.as_list() == actual[name].shape.as_list()
        assert sorted(original.structured_outputs) == sorted(converted.structured_outputs)
        for name, tensor in original.structured_outputs.items():
            assert tensor.dtype == converted.structured_outputs[name].dtype
            assert tensor.shape.as_list() == converted.structured_outputs[name].shape.as_list()
        shapes = {name: [2, *spec.shape.as_list()[1:]] for name, spec in expected.items()}
        assert_same(original, converted, **{name: random(*shape) for name, shape in shapes.items()})


def test_unknown_operator_splits_the_graph(sandwich, tmp_path):
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=str(sandwich), minimum_segment_size=2)
    converter.convert()
    converter.save(tmp_path / "out")
    _keep, original = signature(sandwich)
    _keep2, converted = signature(tmp_path / "out")
    assert len(engines(converted)) == 2
    assert [node.op for node in converted.graph.as_graph_def().node].count("Digamma") == 1
    for batch in (1, 5):
        assert_same(original, converted, x=random(batch, 16))


def test_minimum_segment_size(sandwich):
    for size, count in ((-1, 0), (100, 0)):
        converter = trt.TrtGraphConverterV2(
            input_saved_model_dir=str(sandwich), minimum_segment_size=size
        )
        function = converter.convert()
        assert len(engines(function)) == count
        _keep, original = signature(sandwich)
        assert_same(original, function, x=random(2, 16))


def test_denied_operators(mlp, monkeypatch):
    monkeypatch.setenv("TF_TRT_OP_DENYLIST", "Relu, Softmax")
    function = trt.TrtGraphConverterV2(
        input_saved_model_dir=str(mlp), minimum_segment_size=1
    ).convert()
    assert {"Relu", "Softmax"} <= {node.op for node in function.graph.as_graph_def().node}
    _keep, original = signature(mlp)
    assert_same(original, function, x=random(2, 16))


@pytest.mark.parametrize("strategy", trt.supported_profile_strategies())
def test_build(mlp, strategy, tmp_path):
    converter = trt.TrtGraphConverterV2(
        input_saved_model_dir=str(mlp), use_dynamic_shape=True,
        dynamic_shape_profile_strategy=strategy.lower(),
    )  # fmt: skip
    before = converter.convert()
    converter.build(lambda: iter([random(2, 16), random(5, 16), random(2, 16)]))
    converter.save(tmp_path / "out")
    _keep, original = signature(mlp)
    _keep2, after = signature(tmp_path / "out")
    for function in (before, after):
        for batch in (1, 5):
            assert_same(original, function, x=random(batch, 16))
    with pytest.raises(NotImplementedError):
        converter.build(lambda: iter([random(2, 16)]))


def test_forms_of_samples(two_ends):
    a, b = random(3, 4, seed=1), random(3, 4, seed=2)
    for item in ((a, b), [a, b], {"a": a, "b": b}, [tf.constant(a), tf.constant(b)]):
        converter = trt.TrtGraphConverterV2(
            input_saved_model_dir=str(two_ends), minimum_segment_size=1
        )
        converter.convert()
        converter.build(lambda item=item: [item])
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=str(two_ends), minimum_segment_size=1)
    converter.convert()
    for bad in ([a], {"a": a}, {"a": a, "c": b}):
        with pytest.raises(ValueError, match="input_fn gave"):
            converter.build(lambda bad=bad: [bad])


def test_tuned_shapes():
    seen = [{"x": [8, 128]}, {"x": [4, 384]}]
    largest = {"x": [8, 384]}
    assert trt._tuned_shapes("Range", seen) == [largest]
    assert trt._tuned_shapes("Optimal", seen) == seen
    assert trt._tuned_shapes("Range+Optimal", seen) == [*seen, largest]
    assert trt._tuned_shapes("Range+Optimal", [largest]) == [largest]


# --- saved models ---------------------------------------------------------------------------------


def test_save_into_an_existing_directory(converted_mlp, mlp, tmp_path):
    converter, _ = converted_mlp
    (tmp_path / "mine.txt").write_text("kept")
    for _ in range(2):
        converter.save(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "assets",
        "mine.txt",
        "saved_model.pb",
    ]
    _keep, converted = signature(tmp_path)
    _keep2, original = signature(mlp)
    assert_same(original, converted, x=random(2, 16))


def test_saved_model_can_be_moved(converted_mlp, mlp, tmp_path):
    converter, _ = converted_mlp
    converter.save(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").rename(tmp_path / "c")
    _keep, converted = signature(tmp_path / "c")
    _keep2, original = signature(mlp)
    assert_same(original, converted, x=random(2, 16))


def test_conversion_of_a_converted_model_changes_nothing(converted_mlp, mlp):
    _, path = converted_mlp
    try:
        function = trt.TrtGraphConverterV2(input_saved_model_dir=str(path)).convert()
    except hone.UnsupportedError as error:
        assert "HoneInitEngine" in str(error) or "converted" in str(error)  # said clearly
        return
    _keep, original = signature(mlp)
    assert_same(original, function, x=random(2, 16))


def test_keras_layer_around_it(converted_mlp, mlp):
    keras = pytest.importorskip("keras")
    _, path = converted_mlp
    layer = keras.layers.TFSMLayer(str(path), call_endpoint="serving_default")
    _keep, original = signature(mlp)
    x = tf.constant(random(2, 16))
    np.testing.assert_allclose(layer(x)["y"], original(x=x)["y"], rtol=RELATIVE, atol=RELATIVE)


# --- in other processes ---------------------------------------------------------------------------

RUN_IT = """
import sys
import numpy as np
{imports}
loaded = tf.saved_model.load(sys.argv[1])
x = tf.constant(np.ones((2, 16), np.float32))
print(loaded.signatures["serving_default"](x=x)["y"].numpy().tolist())
"""


def run_elsewhere(imports, path):
    code = RUN_IT.format(imports=imports)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return np.array(eval(done.stdout.splitlines()[-1]))


def installed():
    """Whether TensorFlow finds the plug-in by itself: in a site-packages folder."""
    return "site-packages" in str(hone.tensorflow.plugin_path())


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import tensorflow as tf",
        "import tensorflow as tf, hone.tensorflow",
        "import hone.tensorflow, tensorflow as tf",
        "import hone; hone.load; import tensorflow as tf, hone.tensorflow",
    ],
)
def test_other_process(converted_mlp, mlp, imports):
    if "hone" not in imports and not installed():
        pytest.skip("the plug-in is not in a site-packages folder")
    _, path = converted_mlp
    _keep, original = signature(mlp)
    expected = original(x=tf.ones((2, 16)))["y"].numpy()
    np.testing.assert_allclose(run_elsewhere(imports, path), expected, rtol=RELATIVE, atol=RELATIVE)


@pytest.mark.slow
def test_c_client(converted_mlp, mlp, tmp_path):
    """The example program: C, no Python."""
    _, path = converted_mlp
    package = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent
    program = tmp_path / "client"
    subprocess.run(
        [
            os.environ.get("CC", "cc"), f"-I{package}/include", ROOT / "examples/tensorflow_c_client.c",
            f"-L{package}", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2",
            f"-Wl,-rpath,{package}", "-o", program,
        ],
        check=True,
    )  # fmt: skip
    names = saved_tensor_names(path)
    done = subprocess.run(
        [program, hone.tensorflow.plugin_path(), path, names["x"], names["y"], "2", "16"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shape, values = (line.split()[1:] for line in done.stdout.splitlines()[-2:])
    assert shape == ["2", "8"]
    _keep2, original = signature(mlp)
    expected = original(x=tf.reshape(tf.range(32, dtype=tf.float32), (2, 16)))["y"].numpy()
    np.testing.assert_allclose(np.array(values, float), expected.ravel()[:8], rtol=1e-4, atol=1e-5)


def saved_tensor_names(path):
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString(
        (pathlib.Path(path) / "saved_model.pb").read_bytes()
    )
    entry = proto.meta_graphs[0].signature_def["serving_default"]
    return {
        key: info.name for tensors in (entry.inputs, entry.outputs) for key, info in tensors.items()
    }


def test_plugin_is_loaded_once():
    hone.tensorflow.load_plugin()
    tf.load_library(str(hone.tensorflow.plugin_path()))  # as TensorFlow does at its import
    assert hone.tensorflow.plugin_path().name == "libhone_tf.so"


# --- the table ------------------------------------------------------------------------------------


def summary(converter, **options):
    lines = []
    converter.summary(print_fn=lines.append, **options)
    return "\n".join(lines)


def test_summary_of_one_engine(converted_mlp):
    converter, _ = converted_mlp
    text = summary(converter)
    lines = text.splitlines()
    assert lines[0].startswith("HoneEngineOp Name")
    assert len(lines[0]) == 32 + 14 + 8 + 14 + 14 + 4 * 19  # shares of 160, rounded down
    for heading in ("Device", "# Nodes", "# Inputs", "# Outputs", "Input DTypes", "Output Shapes"):
        assert heading in lines[0]
    assert lines[1] == "=" * 160
    assert (
        lines[2].startswith("HoneEngineOp_")
        and "['float32']" in lines[2]
        and "[-1, 16]" in lines[2]
    )
    assert "\t- MatMul: 2x" in lines and "\t- Softmax: 1x" in lines
    assert "[*] Total number of Hone engines: 1" in lines
    assert "[*] % of OPs Converted: " in text and "-" * 40 not in text
    assert "MatMul" not in summary(converter, detailed=False)
    assert "=" * 200 in summary(converter, line_length=200)


def test_summary_of_two_engines(sandwich):
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=str(sandwich), minimum_segment_size=2)
    converter.convert()
    text = summary(converter)
    assert text.count("-" * 40) == 2 and "engines: 2" in text


# --- errors ---------------------------------------------------------------------------------------


def test_order_of_calls(mlp, tmp_path):
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=str(mlp))
    with pytest.raises(RuntimeError, match="convert"):
        converter.summary()
    with pytest.raises(RuntimeError, match="convert"):
        converter.save(tmp_path / "out")
    with pytest.raises(RuntimeError, match="convert"):
        converter.build(lambda: [random(1, 16)])
    with pytest.raises(ValueError, match="calibration"):
        converter.convert(calibration_input_fn=lambda: [])
    converter.convert()
    with pytest.raises(RuntimeError):
        converter.convert()
    with pytest.raises(RuntimeError, match="input_fn"):
        converter.build(None)
    with pytest.raises(ValueError, match="Minimum: 160"):
        converter.summary(line_length=159)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", ["FP16", "INT8", "fp16"])
def test_precisions_of_later_versions(mlp, mode):
    for options in (
        {"precision_mode": mode},
        {"conversion_params": trt.TrtConversionParams(precision_mode=mode)},
    ):
        with pytest.raises(ValueError, match="FP32") as caught:
            trt.TrtGraphConverterV2(input_saved_model_dir=str(mlp), **options)
        assert isinstance(caught.value, hone.UnsupportedError) and caught.value.fix


def test_wrong_arguments(mlp):
    for options, text in (
        ({"precision_mode": "FP7"}, "precision mode 'FP7' is not supported"),
        ({"minimum_segment_size": 0}, "minimum segment size should be positive or -1"),
        ({"dynamic_shape_profile_strategy": "Best"}, "profile_strategy 'Best' is not supported"),
    ):
        with pytest.raises(ValueError, match=text):
            trt.TrtGraphConverterV2(input_saved_model_dir=str(mlp), **options)
    with pytest.raises(ValueError, match="input_saved_model_dir"):
        trt.TrtGraphConverterV2()


def test_missing_model_and_signature(mlp, tmp_path):
    with pytest.raises(hone.Error):
        trt.TrtGraphConverterV2(input_saved_model_dir=str(tmp_path / "nothing")).convert()
    with pytest.raises(hone.Error, match="other"):
        trt.TrtGraphConverterV2(
            input_saved_model_dir=str(mlp), input_saved_model_signature_key="other"
        ).convert()


def test_parameters():
    params = trt.DEFAULT_TRT_CONVERSION_PARAMS
    assert params == trt.TrtConversionParams() == (1 << 30, "FP32", 3, 1, True, True)
    assert params._replace(minimum_segment_size=7).minimum_segment_size == 7
    assert trt.supported_profile_strategies() == [
        "Range", "Optimal", "Range+Optimal", "ImplicitBatchModeCompatible",
    ]  # fmt: skip


# --- Keras ----------------------------------------------------------------------------------------


def test_small_keras_network(tmp_path):
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            keras.layers.Conv2D(8, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.export(str(tmp_path / "keras"), verbose=False)
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=str(tmp_path / "keras"))
    function = converter.convert()
    assert len(engines(function)) == 1
    converter.build(lambda: [random(2, 24, 24, 3)])
    converter.save(tmp_path / "hone")
    _keep, original = signature(tmp_path / "keras")
    _keep2, converted = signature(tmp_path / "hone")
    (name,) = original.structured_input_signature[1]
    for batch in (1, 2, 5):
        assert_same(original, converted, **{name: random(batch, 24, 24, 3)})
