"""The TensorFlow plug-in alone: registration, loading, kernels, errors, with a stub for libhone.so.

Needs a build tree (HONE_BUILD_DIR, else build/) and a Python with TensorFlow.
"""

import concurrent.futures
import ctypes
import os
import pathlib
import shutil
import subprocess
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import engine_op_support as support
from engine_op_support import SavedModelWriter, plan

FILES = support.built_files()
pytestmark = pytest.mark.skipif(FILES is None, reason="libhone_tf.so and its stub are not built")


@pytest.fixture(scope="session")
def plugin(tmp_path_factory):
    """The plug-in in a folder like an installed one, beside the stub."""
    return support.install(tmp_path_factory.mktemp("plugin"), *FILES)


@pytest.fixture(scope="session")
def ops(plugin):
    return tf.load_op_library(str(plugin))


@pytest.fixture(scope="session")
def stub(plugin, ops):
    """The stub's counters, in the copy that the plug-in loaded."""
    library = plugin.parents[1] / "hone" / "lib" / support.needed_hone(plugin)
    stub = ctypes.CDLL(str(library))
    stub.stub_last_input.restype = ctypes.c_void_p
    return stub


def run(ops, inputs, plan_bytes, out_types=(tf.float32,), **attributes):
    return ops.hone_engine_op(inputs=inputs, OutT=list(out_types), plan=plan_bytes, **attributes)


# --- loading and registration ---------------------------------------------------------------------


def test_exports_one_symbol_and_links_no_tensorflow(plugin):
    def symbols(*flags):
        return subprocess.run(
            ["nm", "-D", *flags, plugin], capture_output=True, text=True, check=True
        ).stdout.splitlines()

    assert [line.split()[-1] for line in symbols("--defined-only")] == ["TF_InitKernel"]
    assert not [line for line in symbols("--undefined-only") if "TF_" in line]


AUTO_LOAD = """
import sys, ctypes, tensorflow as tf
from tensorflow.python.framework import op_def_registry
assert op_def_registry.get("HoneEngineOp") is not None and op_def_registry.get("HoneInitEngine")
second = tf.load_op_library(sys.argv[1])       # the same file under another path
loaded = tf.saved_model.load(sys.argv[2])
print(loaded.signatures["serving_default"](tf.constant([[1., 2., 3.]]))["y"].numpy().tolist())
ctypes.CDLL(sys.argv[1]).TF_InitKernel()       # again: nothing happens
print(loaded.signatures["serving_default"](tf.constant([[4., 5., 6.]]))["y"].numpy().tolist())
"""


def simple_model(folder, key="simple", factor=2, **attributes):
    writer = SavedModelWriter()
    x = writer.placeholder("serving_default_x")
    y = writer.engine("HoneEngineOp_000", x, key, **attributes)
    writer.init(key, "HoneEngineOp_000.plan", plan(factor=factor), **attributes)
    writer.signature("serving_default", x, y)
    return writer.save(folder)


def test_import_tensorflow_loads_the_plugin_and_a_second_copy_is_harmless(plugin, tmp_path):
    """As a user meets it: nothing but `import tensorflow`, then a converted model."""
    copy = support.install(tmp_path / "copy", *FILES)
    model = simple_model(tmp_path / "model")
    out, err = support.run_python(
        AUTO_LOAD, copy, model, HONE_LOG="debug", PYTHONPATH=str(plugin.parents[1])
    )
    assert out.splitlines() == ["[[2.0, 4.0, 6.0]]", "[[8.0, 10.0, 12.0]]"]
    lines = [line for line in err.splitlines() if line.startswith("Hone:")]
    assert len(lines) == 2 and "is registered" in lines[0] and "by a copy" in lines[1], err


def test_without_tensorflow_it_is_silent_until_asked(plugin):
    code = "import sys, ctypes; h = ctypes.CDLL(sys.argv[1]); print('ok', flush=True)"
    out, err = support.run_python(code, plugin)
    assert (out, err) == ("ok\n", "")
    _, err = support.run_python(code + "; h.TF_InitKernel()", plugin)
    assert err.count("\n") == 1 and "no TensorFlow in this process" in err


def test_loaded_before_tensorflow_it_registers_when_asked(plugin):
    code = (
        "import sys, ctypes; h = ctypes.CDLL(sys.argv[1]); import tensorflow;"
        "from tensorflow.python.framework import op_def_registry as r;"
        "print(r.get('HoneEngineOp') is None); h.TF_InitKernel();"
        "print(r.get('HoneEngineOp') is not None)"
    )
    out, err = support.run_python(code, plugin)
    assert out.split() == ["True", "True"] and "Hone:" not in err


def test_an_incomplete_tensorflow_leaves_it_inert_with_the_reason(plugin, tmp_path):
    source = tmp_path / "fake.c"
    source.write_text("void* TF_NewKernelBuilder(void) { return 0; }")
    fake = tmp_path / "libtensorflow_framework.so.2"
    subprocess.run(
        ["cc", "-shared", "-fPIC", f"-Wl,-soname,{fake.name}", "-o", fake, source], check=True
    )
    code = (
        "import sys, ctypes; ctypes.CDLL(sys.argv[1]); h = ctypes.CDLL(sys.argv[2]);"
        "h.TF_InitKernel(); print('alive')"
    )
    out, err = support.run_python(code, fake, plugin)
    assert out == "alive\n"
    assert "this TensorFlow has no TF_NewStatus; Hone needs TensorFlow 2.12 or later" in err


# --- running --------------------------------------------------------------------------------------


def test_scales_and_gives_unknown_static_shapes(ops):
    @tf.function
    def f(x):
        y = run(ops, [x], plan(), output_shapes=[tf.TensorShape([None, 3])])[0]
        assert y.shape.rank is None
        return y

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(f(x), 2 * x)


@pytest.mark.parametrize("name", list(support.HN))
def test_every_data_type_passes_unchanged(ops, name):
    dtype = tf.as_dtype(name)
    x = tf.cast(tf.constant([[1, 0, 3]]), dtype)
    y = run(ops, [x], plan(factor=1, inputs=[name], outputs=[name]), [dtype])[0]
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.numpy(), x.numpy())


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 1, 1, 1, 1, 1, 1, 3)])
def test_scalars_empty_tensors_and_high_ranks(ops, shape):
    x = np.ones(shape, np.float32)
    y = run(ops, [tf.constant(x)], plan())[0]
    assert y.shape == shape
    np.testing.assert_array_equal(y, 2 * x)


def test_no_inputs_and_many_outputs(ops):
    y = run(ops, [], plan(inputs=[], outputs=["float32", "int32"]), [tf.float32, tf.int32])
    assert [t.numpy().tolist() for t in y] == [0, 0]
    x = tf.constant([1.0, 2.0])
    i = tf.constant([[7, 8]])
    y = run(
        ops,
        [x, i],
        plan(inputs=["float32", "int32"], outputs=["float32", "int32", "int32"]),
        [tf.float32, tf.int32, tf.int32],
    )
    assert [t.numpy().tolist() for t in y] == [[2.0, 4.0], [[7, 8]], [[7, 8]]]


def test_inputs_are_not_copied(ops, stub):
    x = tf.random.normal([64, 64])
    run(ops, [x], plan())
    assert stub.stub_last_input() == np.frombuffer(memoryview(x).cast("B"), np.uint8).ctypes.data


def test_64_threads_run_one_node_at_once(ops, stub):
    """Each call sleeps 50 ms in the engine: one after another would take 12.8 s."""
    calls, content = 256, plan("slow", 3)
    x = [tf.constant([float(i)]) for i in range(calls)]
    run(ops, x[:1], content)
    before = stub.stub_loads(), stub.stub_contexts()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        y = list(pool.map(lambda t: run(ops, [t], content)[0].numpy()[0], x))
    seconds = time.monotonic() - start
    assert y == [3.0 * i for i in range(calls)]
    assert stub.stub_aliased() == 0
    assert stub.stub_loads() == before[0]  # one engine
    assert stub.stub_contexts() - before[1] < 64  # used again
    assert seconds < 0.5 * calls * 0.05, seconds


def test_one_inline_plan_is_loaded_once_and_freed_with_its_last_kernel(ops, stub):
    content = plan(factor=7.5)
    loads, engines, contexts = stub.stub_loads(), stub.stub_engines(), stub.stub_contexts()
    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant([1.0, 2.0])
        y = [
            run(ops, [tf.compat.v1.placeholder_with_default(x, [2])], content, name=f"n{i}")[0]
            for i in range(5)
        ]
    with tf.compat.v1.Session(graph=graph) as session:
        for value in session.run(y):
            np.testing.assert_array_equal(value, [7.5, 15])
        assert stub.stub_loads() == loads + 1
    del session
    assert (stub.stub_engines(), stub.stub_contexts()) == (engines, contexts)


# --- thread count ---------------------------------------------------------------------------------


def test_threads_from_attribute_environment_session_in_this_order(ops, stub, monkeypatch):
    def threads(factor, **attributes):
        graph = tf.Graph()
        with graph.as_default():
            x = tf.compat.v1.placeholder_with_default(tf.constant([1.0]), [1])
            y = run(ops, [x], plan(factor=factor), **attributes)[0]
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=5)
        with tf.compat.v1.Session(graph=graph, config=config) as session:
            session.run(y)
        return stub.stub_threads()

    assert threads(101) == 5
    monkeypatch.setenv("HONE_TF_THREADS", "3")
    assert threads(102) == 3
    assert threads(103, threads=2) == 2
    monkeypatch.setenv("HONE_TF_THREADS", "nonsense")
    assert threads(104) == 5


def test_threads_are_all_where_nothing_says_otherwise(ops, stub):
    run(ops, [tf.constant([1.0])], plan(factor=105))
    assert stub.stub_threads() == tf.config.threading.get_intra_op_parallelism_threads()


# --- errors ---------------------------------------------------------------------------------------

E = tf.errors


@pytest.mark.parametrize(
    "mode, error, text",
    [
        ("shape", E.InvalidArgumentError, r"x is \[3, 4\] but the plan needs \[3, 5\]; give that"),
        ("unsupported", E.UnimplementedError, "no such thing"),
        ("oom", E.ResourceExhaustedError, "no memory"),
        ("internal", E.InternalError, "broken"),
        ("throw", E.ResourceExhaustedError, "out of memory"),
        ("throw_other", E.InternalError, "unexpected exception"),
        ("missing", E.InternalError, "left output 0 without a value"),
        ("twice", E.InternalError, "output 0 of the engine: the engine allocated it twice"),
        ("index", E.InternalError, "output 99 of the engine: the node has only 1 outputs"),
        ("bytes", E.InternalError, "9 bytes do not fit the shape \\[2\\] of float32"),
        ("negative", E.InternalError, "8 bytes do not fit the shape \\[-1\\] of float32"),
        ("dtype", E.InternalError, "the engine gives int64, the node's OutT says float32"),
        ("no_context", E.ResourceExhaustedError, "no memory for the arena"),
    ],
)
def test_engine_errors_arrive_with_code_node_and_text(ops, stub, mode, error, text):
    content = plan(mode)

    @tf.function
    def f(x):
        return run(ops, [x], content, segment="dense_1/MatMul .. 3 nodes", name="engine_7")[0]

    for _ in range(2):  # the node stays usable
        with pytest.raises(error, match=text) as caught:
            f(tf.constant([1.0, 2.0]))
        if "throw" not in mode:
            assert "engine_7 (dense_1/MatMul .. 3 nodes): " in str(caught.value)


@pytest.mark.parametrize(
    "content, error, text",
    [
        (b"garbage", E.DataLossError, "not a plan"),
        (b"", E.InvalidArgumentError, "attribute plan is empty"),
        (
            b"key:nobody",
            E.FailedPreconditionError,
            "the plan 'nobody' is not loaded: load the SavedModel with tf.saved_model.load",
        ),
        (
            plan(inputs=["float32", "float32"]),
            E.InvalidArgumentError,
            "the plan has 2 inputs, the node's InT lists 1",
        ),
        (
            plan(inputs=["int32"]),
            E.InvalidArgumentError,
            "input 0 of the plan is int32, the node's InT says float32",
        ),
        (
            plan(outputs=["int64"]),
            E.InvalidArgumentError,
            "output 0 of the plan is int64, the node's OutT says float32",
        ),
    ],
)
def test_plans_that_do_not_fit_the_node(ops, content, error, text):
    with pytest.raises(error, match=text):
        run(ops, [tf.constant([1.0])], content)


def test_strings_are_refused(ops):
    with pytest.raises(E.UnimplementedError, match="tensors of string cannot enter"):
        run(ops, [tf.constant("a")], plan())


# --- SavedModels ----------------------------------------------------------------------------------


def test_saved_model_with_its_plan_in_assets(ops, stub, tmp_path):
    """Two signatures on one plan, loaded twice and from a moved folder: one engine."""
    writer = SavedModelWriter()
    for name in ("serving_default", "other"):
        x = writer.placeholder(name + "_x")
        writer.signature(name, x, writer.engine("engine_" + name, x, "two-signatures"))
    writer.init("two-signatures", "engine.plan", plan(factor=4))
    folder = writer.save(tmp_path / "model")
    loads = stub.stub_loads()
    x = tf.constant([[1.0, 2.0, 3.0]])
    for moved in (False, False, True):
        if moved:
            folder = folder.rename(tmp_path / "moved")
        loaded = tf.saved_model.load(str(folder))
        for name in ("serving_default", "other"):
            y = loaded.signatures[name](x)["y"]
            assert y.shape == (1, 3)
            np.testing.assert_array_equal(y, 4 * x)
    assert loaded.signatures["other"].structured_outputs["y"].shape.as_list() == [None, 3]
    assert stub.stub_loads() == loads + 1


def test_saved_model_as_a_keras_layer(ops, tmp_path):
    keras = pytest.importorskip("keras")
    folder = simple_model(tmp_path / "model", "keras", 5)
    layer = keras.layers.TFSMLayer(str(folder), call_endpoint="serving_default")
    np.testing.assert_array_equal(layer(tf.ones([2, 3]))["y"], 5 * np.ones([2, 3]))


def test_saved_model_saved_again_through_tensorflow_keeps_plan_and_init_op(ops, plugin, tmp_path):
    """How the Python converter keeps object endpoints; the first folder is not needed then."""
    folder = simple_model(tmp_path / "a", "saved-again", 3)
    module = tf.Module()
    module.converted = tf.saved_model.load(str(folder))  # carries the asset and the initializer

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def serve(x):
        return module.converted.signatures["serving_default"](x)

    module.serve = serve
    tf.saved_model.save(module, str(tmp_path / "b"), signatures={"serving_default": serve})
    shutil.rmtree(folder)
    # A fresh process, so that the plan can only come from the second folder.
    code = (
        "import sys, tensorflow as tf; tf.load_op_library(sys.argv[1]);"
        "m = tf.saved_model.load(sys.argv[2]); x = tf.ones([1, 3]);"
        "print(m.serve(x)['y'].numpy(), m.signatures['serving_default'](x)['y'].numpy())"
    )
    out, _ = support.run_python(code, plugin, tmp_path / "b")
    assert out.split("\n")[0] == "[[3. 3. 3.]] [[3. 3. 3.]]"


def test_saved_model_threads_attribute_loads_one_engine(ops, stub, tmp_path):
    folder = simple_model(tmp_path / "model", "threads", 6, threads=3)
    loads = stub.stub_loads()
    tf.saved_model.load(str(folder)).signatures["serving_default"](tf.ones([1, 3]))
    assert (stub.stub_loads(), stub.stub_threads()) == (loads + 1, 3)


def test_same_key_with_another_plan_is_an_error(ops, tmp_path):
    tf.saved_model.load(str(simple_model(tmp_path / "a", "clash", 1)))
    with pytest.raises(E.InvalidArgumentError, match="the key 'clash' belongs to another plan"):
        tf.saved_model.load(str(simple_model(tmp_path / "b", "clash", 2)))


def test_missing_and_damaged_plan_files(ops, tmp_path):
    folder = simple_model(tmp_path / "a", "missing")
    (folder / "assets" / "HoneEngineOp_000.plan").unlink()
    with pytest.raises(E.NotFoundError, match="without its assets folder"):
        tf.saved_model.load(str(folder))
    folder = simple_model(tmp_path / "b", "missing")  # the failed load left nothing behind
    (folder / "assets" / "HoneEngineOp_000.plan").write_bytes(b"")
    with pytest.raises(E.DataLossError, match="hone_init_0: not a plan"):
        tf.saved_model.load(str(folder))
    folder = simple_model(tmp_path / "c", "missing")
    tf.saved_model.load(str(folder))


def test_a_c_program_runs_the_model(plugin, tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    home = pathlib.Path(tf.__file__).parent
    client = tmp_path / "client"
    subprocess.run(
        [
            compiler,
            "-Wall",
            "-Werror",
            f"-I{home}/include",
            support.REPOSITORY / "examples" / "tensorflow_c_client.c",
            f"-L{home}",
            "-l:libtensorflow_cc.so.2",
            "-l:libtensorflow_framework.so.2",
            f"-Wl,-rpath,{home}",
            "-o",
            client,
        ],
        check=True,
    )
    model = simple_model(tmp_path / "model")
    command = [client, plugin, model, "serving_default_x:0", "HoneEngineOp_000/shape:0", "2", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["shape 2 3", "values 0 2 4 6 8 10"]
    done = subprocess.run(
        [*command[:4], "HoneEngineOp_000/shape:0", "2", "4"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1 and "running the model" in done.stderr
