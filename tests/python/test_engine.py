"""hone.load and Engine: arrays in, arrays out."""

import concurrent.futures
import io
import threading
import time

import numpy as np
import pytest
import small_models as models

import hone

# Softmax of two layers of sums of at most 32 products: a few ulp of 1.
TOLERANCE = 1e-6


def random_x(batch=4, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, 16), dtype=np.float32)


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_array_in_array_out(engine, mlp, batch):
    x = random_x(batch)
    y = engine(x)
    assert isinstance(y, np.ndarray) and y.dtype == np.float32 and y.shape == (batch, 8)
    assert y.flags.c_contiguous and y.flags.writeable and y.ctypes.data % 64 == 0
    np.testing.assert_allclose(y, mlp(x), rtol=0, atol=TOLERANCE)


def test_agrees_with_onnxruntime(engine, mlp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(mlp_path), providers=["CPUExecutionProvider"])
    x = random_x(5)
    np.testing.assert_allclose(engine(x), session.run(None, {"x": x})[0], rtol=0, atol=TOLERANCE)


def test_results_are_new_arrays(engine):
    x = random_x()
    first = engine(x)
    kept = first.copy()
    second = engine(x + 1)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)


def test_dict_in_dict_out(engine, mlp):
    x = random_x()
    y = engine({"x": x})
    assert list(y) == ["y"]
    np.testing.assert_array_equal(y["y"], engine(x))


def test_several_inputs_and_outputs(pair):
    a = np.array([[1, 2, 3]], np.float32)
    b = np.array([[4, 5, 6]], np.float32)
    for result in (pair({"b": b, "a": a}), pair(a, b)):
        assert list(result) == ["sum", "product"]
        np.testing.assert_array_equal(result["sum"], a + b)
        np.testing.assert_array_equal(result["product"], a * b)


def test_infos(engine, pair):
    (x,), (y,) = engine.inputs, engine.outputs
    assert (x.name, x.dtype, x.shape) == ("x", np.float32, (None, 16))
    assert (y.name, y.dtype, y.shape) == ("y", np.float32, (None, 8))
    assert [info.name for info in pair.inputs] == ["a", "b"]
    assert "x: float32[?, 16]" in repr(engine)
    assert engine.weight_bytes > 0


# --- what arrays may be given ---------------------------------------------------------------------


def test_contiguous_input_is_not_copied():
    from hone._arrays import to_input

    x = random_x()
    assert to_input(x, np.dtype(np.float32), "x") is x
    x.flags.writeable = False
    assert to_input(x, np.dtype(np.float32), "x") is x


def test_read_only_input(engine):
    x = random_x()
    expected = engine(x)
    x.flags.writeable = False
    np.testing.assert_array_equal(engine(x), expected)


def test_strided_input_is_copied(engine):
    x = random_x(8)
    for view in (x[::2], np.asfortranarray(x), x[:, ::-1], np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(engine(view), engine(np.ascontiguousarray(view)))


def test_exact_casts(engine):
    x = np.round(random_x() * 8) / 8  # few bits
    expected = engine(x)
    for dtype in (np.float64, np.float16, ">f4"):
        np.testing.assert_array_equal(engine(x.astype(dtype)), expected)
    whole = np.round(x)
    for dtype in (np.int8, np.int32, np.int64):
        np.testing.assert_array_equal(engine(whole.astype(dtype)), engine(whole))


def test_nan_and_infinity_are_exact(pair):
    a = np.array([[np.nan, np.inf, -np.inf]])
    result = pair(a, np.zeros((1, 3), np.float32))["sum"]
    np.testing.assert_array_equal(result, a.astype(np.float32))


@pytest.mark.parametrize("bad", [0.1, 1e300, 2**24 + 1])
def test_inexact_cast_names_the_fix(engine, bad):
    x = np.full((1, 16), bad)
    with pytest.raises(hone.ShapeError, match=r"x\.astype\(np\.float32\)") as caught:
        engine(x)
    assert caught.value.fix and "input 'x'" in str(caught.value)


@pytest.mark.parametrize("bad", [[[0.0] * 16], "text", None, 1.0])
def test_no_arrays(engine, bad):
    with pytest.raises(hone.ShapeError, match="numpy.asarray"):
        engine(bad)


@pytest.mark.parametrize("dtype", [np.complex64, np.bool_, object, "U4"])
def test_dtypes_that_are_no_numbers(engine, dtype):
    with pytest.raises(hone.ShapeError, match="instead of float32"):
        engine(np.zeros((1, 16), dtype))


def test_dlpack(engine):
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **arguments):
            return self.array.__dlpack__(**arguments)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    x = random_x()
    y = engine(Foreign(x))
    np.testing.assert_array_equal(y, engine(x))
    np.testing.assert_array_equal(np.from_dlpack(y), y)  # and out


def test_array_protocol(engine):
    class Foreign:
        def __array__(self, dtype=None, copy=None):
            return random_x()

    np.testing.assert_array_equal(engine(Foreign()), engine(random_x()))


def test_empty_batch(engine):
    assert engine(np.zeros((0, 16), np.float32)).shape == (0, 8)


# --- loading --------------------------------------------------------------------------------------


def test_load_from_everything(mlp_plan, engine, tmp_path):
    path = tmp_path / "mlp.plan"
    mlp_plan.save(path)
    assert path.read_bytes() == mlp_plan.bytes == bytes(mlp_plan)
    assert len(mlp_plan) == path.stat().st_size
    x = random_x()
    expected = engine(x)
    content = path.read_bytes()
    for plan in (path, str(path), content, bytearray(content), memoryview(content), mlp_plan):
        np.testing.assert_array_equal(hone.load(plan)(x), expected)
    with open(path, "rb") as file:
        np.testing.assert_array_equal(hone.load(file)(x), expected)
    np.testing.assert_array_equal(hone.load(io.BytesIO(content), threads=1)(x), expected)
    copied = hone.load(path, copy_weights=True)
    path.write_bytes(b"\0" * len(content))  # others may change the file
    np.testing.assert_array_equal(copied(x), expected)


# --- inspection -----------------------------------------------------------------------------------


def test_steps_and_summary(engine):
    steps = engine.steps()
    assert steps
    for step in steps:
        assert step["op"] and step["tactic"] and step["tuned_milliseconds"] is None
    sources = {source for step in steps for source in step["sources"]}
    assert {"dense0", "dense1", "softmax"} <= sources
    summary = engine.summary()
    assert all(step["tactic"] in summary for step in steps)


def test_profile(engine):
    x = random_x()
    rows = engine.profile(x)
    assert rows == sorted(rows, key=rows.index) and len(rows) <= len(engine.steps())
    assert all(row["milliseconds"] >= 0 and row["tactic"] for row in rows)
    assert engine.profile({"x": x})


# --- threads --------------------------------------------------------------------------------------


def test_many_threads(engine, mlp):
    inputs = [random_x(1 + i % 5, seed=i) for i in range(64)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for x, y in zip(inputs, pool.map(engine, inputs), strict=True):
            np.testing.assert_allclose(y, mlp(x), rtol=0, atol=TOLERANCE)


def test_submit(engine, mlp):
    inputs = [random_x(3, seed=i) for i in range(20)]
    futures = [engine.submit(x) for x in inputs]
    for x, future in zip(inputs, futures, strict=True):
        np.testing.assert_allclose(future.result(60), mlp(x), rtol=0, atol=TOLERANCE)
    with pytest.raises(hone.ShapeError):
        engine.submit("text").result(60)


def test_other_threads_run_during_a_call(tmp_path):
    """The GIL is released: a Python thread counts while one call runs."""
    path = models.save_deep(tmp_path / "deep.onnx", layers=12, width=1024)
    engine = hone.load(hone.build(path, tune=False), threads=1)
    x = np.ones((64, 1024), np.float32)
    engine(x)
    began = threading.Event()
    ticks = []

    def count():
        began.set()
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    done = threading.Event()
    thread = threading.Thread(target=count)
    thread.start()
    began.wait()
    start = time.perf_counter()
    engine(x)
    end = time.perf_counter()
    done.set()
    thread.join()
    assert [tick for tick in ticks if start < tick < end], f"no tick within {end - start:.4f} s"


def test_engine_outlives_its_file(mlp_plan, tmp_path):
    path = tmp_path / "gone.plan"
    mlp_plan.save(path)
    engine = hone.load(path)
    path.unlink()
    assert engine(random_x()).shape == (4, 8)


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    from hone._arrays import numpy_dtype, to_input

    assert numpy_dtype("bf16") == ml_dtypes.bfloat16
    x = np.ones((2, 3), ml_dtypes.bfloat16)
    assert to_input(x, numpy_dtype("bf16"), "x") is x
