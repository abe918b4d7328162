"""Every operator of the TensorFlow importer against TensorFlow: a grid of single calls.

One SavedModel holds all of it, with one signature per operator; a test builds the engine of one
signature and compares all of its outputs. The cases are in import_cases*.py.
"""

import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
hone = pytest.importorskip("hone")

import import_cases_detection  # noqa: F401  adds to CASES
import import_cases_tensors  # noqa: F401  adds to CASES
import import_cases_windows  # noqa: F401  adds to CASES
from import_cases import BATCH, CASES, Const

OPS = sorted({case.op for case in CASES})


def arrays(value):
    """The arrays of an argument that are inputs of the model."""
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if isinstance(part, (np.ndarray, np.generic))]


class Operator:
    """The cases of one operator as one function: inputs "i<case>_<k>", outputs "o<case>_<k>"."""

    def __init__(self, op):
        self.op = op
        self.cases = [case for case in CASES if case.op == op]
        self.inputs, specs = {}, {}
        for i, case in enumerate(self.cases):
            given = [x for value in case.arguments.values() for x in arrays(value)]
            for k, array in enumerate(given):
                name = f"i{i}_{k}"
                shape = list(array.shape)
                if case.batch and shape[:1] == [BATCH]:
                    shape[0] = None
                self.inputs[name] = array
                specs[name] = tf.TensorSpec(shape, array.dtype, name=name)
        self.function = tf.function(lambda **inputs: self.outputs(inputs)).get_concrete_function(
            **specs
        )

    def outputs(self, inputs):
        outputs = {}
        for i, case in enumerate(self.cases):
            place = iter(range(len(inputs)))

            def tensor(value, i=i, place=place):
                if isinstance(value, Const):
                    return tf.constant(value.value)
                if isinstance(value, (np.ndarray, np.generic)):
                    return inputs[f"i{i}_{next(place)}"]
                return [tensor(x) for x in value] if isinstance(value, list) else value

            arguments = {key: tensor(value) for key, value in case.arguments.items()}
            results = getattr(tf.raw_ops, self.op)(**arguments)
            if isinstance(results, tf.Tensor):
                results = [results]
            for k, result in enumerate(results):
                if case.outputs is None or k in case.outputs:
                    outputs[f"o{i}_{k}"] = result
        return outputs

    def expected(self):
        tensors = {key: tf.constant(value) for key, value in self.inputs.items()}
        return {key: value.numpy() for key, value in self.function(**tensors).items()}


@pytest.fixture(scope="session")
def operators(tmp_path_factory):
    # TensorFlow's own rewriting must not get between the operators and their results.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    operators = {op: Operator(op) for op in OPS}
    folder = str(tmp_path_factory.mktemp("ops"))
    tf.saved_model.save(tf.Module(), folder, {op: o.function for op, o in operators.items()})
    return folder, operators


def differences(case, key, actual, expected):
    """What is wrong with an output, as lines of text."""
    what = f"{key} of {case.name}"
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return [f"{what}: {actual.dtype}{actual.shape}, not {expected.dtype}{expected.shape}"]
    if not np.issubdtype(expected.dtype, np.floating):
        same = actual == expected
    else:
        with np.errstate(all="ignore"):
            a, e = actual.astype(np.float64), expected.astype(np.float64)
            # TensorFlow's vector code takes 0 for results near the smallest numbers.
            scale = np.maximum(np.abs(e), 1e-20)
            if np.isfinite(e).all() and e.size:
                # Sums cancel: their error is relative to what was added up. Where there are
                # special values, the elements have nothing to do with each other.
                scale = np.maximum(scale, np.abs(e).max())
            same = (
                (a == e) | (np.isnan(a) & np.isnan(e)) | (np.abs(a - e) <= case.tolerance * scale)
            )
    if same.all():
        return []
    worst = tuple(np.argwhere(~same)[0])
    return [
        f"{what}{list(worst)}: {actual[worst]}, not {expected[worst]}"
        f" ({np.count_nonzero(~same)} of {same.size} elements)"
    ]


@pytest.mark.parametrize("op", OPS)
def test_operator(operators, op):
    folder, table = operators
    operator = table[op]
    engine = hone.load(hone.build(folder, signature=op, tune=False))
    actual = engine(operator.inputs)
    expected = operator.expected()
    assert set(actual) == set(expected)
    wrong = []
    for key in sorted(expected):
        case = operator.cases[int(key[1:].split("_")[0])]
        wrong += differences(case, key, np.asarray(actual[key]), expected[key])
    assert not wrong, "\n" + "\n".join(wrong)


def test_table_is_complete():
    command = [sys.executable, "-m", "hone", "ops", "--from", "tensorflow", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    importable = {row["op"] for row in json.loads(result.stdout)}
    assert importable == set(OPS)
