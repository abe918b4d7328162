"""Exceptions: classes, parts, texts."""

import pickle

import numpy as np
import pytest
import small_models as models

import hone


def test_classes():
    for name in ("ModelError", "UnsupportedError", "PlanError", "ShapeError", "DeviceError"):
        assert issubclass(getattr(hone, name), hone.Error)
    assert issubclass(hone.Error, Exception)


def test_missing_file(tmp_path):
    path = tmp_path / "nothing.onnx"
    for call in (hone.build, hone.load):
        with pytest.raises(hone.Error, match="nothing.onnx") as caught:
            call(path)
        assert caught.value.code == "io"


def test_damaged_model(tmp_path, mlp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(mlp_path.read_bytes()[:-100])
    with pytest.raises(hone.ModelError, match="cut.onnx") as caught:
        hone.build(path)
    error = caught.value
    assert error.code == "model" and error.message and str(error).startswith(error.where)


def test_unknown_operator(tmp_path):
    node = models.helper.make_node("DeformConv", ["x", "w", "o"], ["y"], name="bend")
    ends = [models.value(name, [1, 1, 4, 4]) for name in ("x", "w", "y")]
    ends[1:2] = [models.value("w", [1, 1, 1, 1]), models.value("o", [1, 2, 4, 4])]
    graph = models.helper.make_graph([node], "test", ends[:3], ends[3:])
    model = models.helper.make_model(graph, opset_imports=[models.helper.make_opsetid("", 19)])
    path = tmp_path / "bend.onnx"
    models.onnx.save(model, path)
    with pytest.raises(hone.UnsupportedError, match="DeformConv") as caught:
        hone.build(path)
    assert caught.value.code == "unsupported" and "bend" in str(caught.value)


@pytest.mark.parametrize("precision", ["fp16", "bf16", "int8"])
def test_precisions_of_later_versions(mlp_path, precision):
    with pytest.raises(hone.UnsupportedError) as caught:
        hone.build(mlp_path, precision)
    assert "fp32" in caught.value.fix


def test_wrong_options(mlp_path):
    for options in ({"precision": "fp7"}, {"threads": -1}, {"profiles": {"z": (1, 16)}}):
        with pytest.raises(hone.Error) as caught:
            hone.build(mlp_path, **options)
        assert caught.value.code in ("invalid_argument", "shape"), options


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_damaged_plan(mlp_plan, damage):
    content = bytearray(mlp_plan.bytes)
    if damage == "flip":
        content[len(content) // 2] ^= 0x10
    content = {"cut": content[:-1000], "flip": content, "empty": b"", "text": b"not a plan" * 100}[
        damage
    ]
    with pytest.raises(hone.PlanError) as caught:
        hone.load(content)
    assert caught.value.code == "plan"


def test_load_of_other_things():
    for thing in (3, None, [b"plan"]):
        with pytest.raises(TypeError):
            hone.load(thing)


@pytest.mark.parametrize("shape", [(1, 15), (16,), (1, 16, 1), ()])
def test_wrong_shape(engine, shape):
    with pytest.raises(hone.ShapeError) as caught:
        engine(np.zeros(shape, np.float32))
    assert "x" in str(caught.value)
    assert engine(np.zeros((1, 16), np.float32)).shape == (1, 8)  # still good


def test_wrong_names(engine, pair):
    x = np.zeros((1, 16), np.float32)
    with pytest.raises(hone.ShapeError, match="no input 'z'"):
        engine({"z": x})
    a = np.zeros((1, 3), np.float32)
    with pytest.raises(hone.ShapeError, match="input 'b'"):
        pair({"a": a})
    with pytest.raises(hone.ShapeError, match="1 inputs given, the plan has 2"):
        pair(a)
    with pytest.raises(hone.ShapeError):
        pair({"a": a, "b": np.zeros((2, 3), np.float32)})


def test_text_has_all_parts():
    from hone._errors import make_error, raise_error

    with pytest.raises(hone.ShapeError) as caught:
        raise_error(
            hone.ShapeError, "shape", "input 'x'", "too long", cause="of reasons", fix="cut"
        )
    assert str(caught.value) == "input 'x': too long (because of reasons). Fix: cut"
    error = make_error("out_of_resources", "text", "message", "where", "cause", "fix")
    assert type(error) is hone.Error
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.message, copy.where, copy.cause, copy.fix) == (
        "out_of_resources", "message", "where", "cause", "fix",
    )  # fmt: skip
