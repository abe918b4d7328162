"""hone.build: options, progress, cancelling."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import small_models as models

import hone
from hone._build import parse_bytes
from hone._progress import ProgressBar


def test_tuned_plan_gives_the_same_results(mlp, mlp_path, tmp_path):
    cache = tmp_path / "mlp.timing"
    plan = hone.build(mlp_path, profiles={"x": ((1, 16), (4, 16), (64, 16))}, timing_cache=cache)
    x = np.random.default_rng(0).standard_normal((4, 16), dtype=np.float32)
    engine = hone.load(plan)
    np.testing.assert_allclose(engine(x), mlp(x), rtol=0, atol=1e-6)
    assert cache.stat().st_size > 0
    assert any(step["tuned_milliseconds"] is not None for step in engine.steps())


def test_same_build_same_bytes(mlp_path):
    assert hone.build(mlp_path, tune=False).bytes == hone.build(mlp_path, tune=False).bytes


def test_options(mlp, mlp_path, tmp_path):
    dump = tmp_path / "graphs"
    plan = hone.build(
        mlp_path, "tf32", [{"x": (2, 16)}], threads=1, memory="1GiB", tune=False, portable=True,
        strict_fp32=True, dump_graphs=dump,
    )  # fmt: skip
    assert list(dump.iterdir())
    x = np.ones((2, 16), np.float32)
    np.testing.assert_allclose(hone.load(plan, threads=1)(x), mlp(x), rtol=0, atol=1e-6)


def test_sizes():
    assert parse_bytes(4096) == 4096
    assert parse_bytes("1GiB") == 1 << 30
    assert parse_bytes("1.5 mb") == 3 << 19
    assert parse_bytes("2K") == 2048
    for bad in ("", "GiB", "1 XB", "-1"):
        with pytest.raises(ValueError, match="not a size"):
            parse_bytes(bad)


@pytest.mark.parametrize("profiles", [{"x": [(1, 16), (2, 16)]}, {"x": [(1, 16)] * 4}])
def test_wrong_profiles(mlp_path, profiles):
    with pytest.raises(ValueError, match="profile of 'x'"):
        hone.build(mlp_path, profiles=profiles)


def test_wrong_types(mlp_path):
    with pytest.raises(TypeError, match="'threads'"):
        hone.build(mlp_path, threads="two")
    with pytest.raises(TypeError):
        hone.build(3.5)


# --- progress -------------------------------------------------------------------------------------


def test_progress(mlp_path):
    calls = []
    hone.build(mlp_path, progress=lambda *call: calls.append(call))  # None goes on
    assert calls
    for stage, fraction, message in calls:
        assert isinstance(stage, str) and isinstance(message, str) and 0 <= fraction <= 1
    fractions = [fraction for _, fraction, _ in calls]
    assert fractions == sorted(fractions)


def test_progress_cancels(tmp_path):
    path = models.save_deep(tmp_path / "deep.onnx")
    began = []

    def stop(stage, fraction, message):
        if stage != "tune":
            return True
        began.append(time.monotonic())
        return False

    with pytest.raises(hone.Error) as caught:
        hone.build(path, progress=stop)
    assert caught.value.code == "cancelled"
    assert time.monotonic() - began[0] < 1


def test_exception_in_progress_is_passed_on(mlp_path):
    def fail(*_):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        hone.build(mlp_path, progress=fail)


@pytest.fixture
def ctrl_c():
    """Python ignores SIGINT in a background job: the shell said so."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)


def test_ctrl_c(tmp_path, ctrl_c):
    path = models.save_deep(tmp_path / "deep.onnx", layers=120, width=512)
    began = []

    def interrupt():
        time.sleep(0.2)
        began.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = None

    def start(stage, *_):
        nonlocal thread
        if stage == "tune" and thread is None:
            thread = threading.Thread(target=interrupt)
            thread.start()

    with pytest.raises(KeyboardInterrupt):
        hone.build(path, progress=start)
        time.sleep(5)  # the build was quicker: the signal comes here
    assert time.monotonic() - began[0] < 1.5  # within a second, and what this machine is late
    thread.join()


def test_progress_bar_draws_one_line_and_wipes_it():
    class Terminal:
        text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    terminal = Terminal()
    bar = ProgressBar(terminal)
    assert bar("tune", 0.5, "conv1") is True
    assert bar("tune", 2.0, "") is True
    assert (
        "\n" not in terminal.text and "50% tune conv1" in terminal.text and "100%" in terminal.text
    )
    bar.close()
    assert terminal.text.endswith("\r")


def test_no_bar_without_a_terminal(mlp_path):
    code = "import sys, hone; hone.build(sys.argv[1], tune=False)"
    done = subprocess.run([sys.executable, "-c", code, mlp_path], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- the package ----------------------------------------------------------------------------------


def test_import_is_light():
    """The command starts through the package: it must not wait for NumPy."""
    code = "import sys, hone.__main__; print(*[m for m in ('numpy', 'hone._hone') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_names():
    for name in set(hone.__all__) - {"tensorflow", "onnx"}:
        assert getattr(hone, name) is not None
    assert hone.__version__[0].isdigit()
    with pytest.raises(AttributeError):
        hone.nothing  # noqa: B018


def test_fork_after_a_call_leaves_the_parent_alone(mlp_plan):
    """Some frameworks fork: the child may end without touching our threads."""
    code = textwrap.dedent("""
        import os, sys, numpy as np, hone
        engine = hone.load(sys.stdin.buffer.read())
        x = np.ones((64, 16), np.float32)
        engine(x)
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        engine(x)
    """)
    done = subprocess.run([sys.executable, "-c", code], input=mlp_plan.bytes, timeout=60)
    assert done.returncode == 0
