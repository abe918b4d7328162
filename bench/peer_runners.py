"""The peers, one small class each. To add one: write the class and put it in RUNNERS.

A runner has
    modules                              what it imports, for the time of a cold start
    make(folder, meta, batch, threads)   files it needs besides the network's; in a process of its own, before load()
    load(folder, meta, batch, threads)   leaves it ready for this batch size, the way a user who knows it would
    make_cold(...), load_cold(...)       the same for cold starts: what can be done before is done before
    prepare(inputs)                      samples by input name -> what infer() takes; not timed
    infer(x)                             one call, complete when it returns; what it returns is not copied
    arrays(result)                       result of infer() -> NumPy arrays in the order of meta["outputs"]; not timed
Imports stay inside load(): each runner lives in a process of its own with only its own framework.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np

Inputs = dict[str, np.ndarray]
RUN_VARIABLE = "HONE_BENCH_RUN"  # differs between the runs of peers.py


class Skipped(Exception):
    """The runner cannot run this network: why, in one line."""


class Runner:
    modules: tuple[str, ...] = ()

    def make(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        pass

    def make_cold(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        self.make(folder, meta, batch, threads)

    def load_cold(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        self.load(folder, meta, batch, threads)

    def prepare(self, inputs: Inputs):
        return inputs

    def arrays(self, result) -> list[np.ndarray]:
        return [np.asarray(y) for y in result]


def onnx_shapes(meta: dict, batch: int) -> dict[str, tuple[int, ...]]:
    return {name: (batch, *entry["onnx_shape"]) for name, entry in meta["inputs"].items()}


def onnx_inputs(meta: dict, inputs: Inputs) -> Inputs:
    """The samples as the ONNX file takes them."""
    result = {}
    for name, x in inputs.items():
        entry = meta["inputs"][name]
        moved = x if entry["onnx_shape"] == entry["shape"] else np.moveaxis(x, -1, 1)
        result[name] = np.ascontiguousarray(moved)
    return result


class OnnxRunner(Runner):
    """Takes the ONNX file."""

    meta: dict

    def prepare(self, inputs: Inputs):
        return onnx_inputs(self.meta, inputs)


class TensorFlow(Runner):
    """The SavedModel's signature as loaded: variables stay variables."""

    saved_model = "saved_model"
    modules = ("tensorflow",)

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["HONE_TF_THREADS"] = str(threads)
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.tf = tf
        self.register()
        self.model = tf.saved_model.load(str(folder / self.saved_model))
        function = self.model.signatures["serving_default"]
        outputs = meta["outputs"]

        def call(inputs):
            results = function(**inputs)
            return [results[name] for name in outputs]

        self.call = call
        self.specialize(meta, batch)

    def register(self) -> None:
        pass

    def specialize(self, meta: dict, batch: int) -> None:
        pass

    def prepare(self, inputs: Inputs):
        return {name: self.tf.constant(x) for name, x in inputs.items()}

    def infer(self, x):
        return [y.numpy() for y in self.call(x)]


class TensorFlowFrozen(TensorFlow):
    """Variables turned into constants and the batch fixed, so that Grappler can fold batch normalization."""

    def specialize(self, meta: dict, batch: int) -> None:
        from tensorflow.python.framework.convert_to_constants import (
            convert_variables_to_constants_v2,
        )

        specs = {
            name: self.tf.TensorSpec([batch, *entry["shape"]], entry["dtype"], name)
            for name, entry in meta["inputs"].items()
        }
        call = self.call
        traced = self.tf.function(lambda **inputs: call(inputs)).get_concrete_function(**specs)
        constant = convert_variables_to_constants_v2(traced)
        self.call = lambda inputs: constant(**inputs)


class TfLite(Runner):
    """TensorFlow Lite with XNNPACK, which its interpreter uses by default. The file is made of the SavedModel for a
    fixed batch: with a free one most of the network would run outside XNNPACK."""

    modules = ("tensorflow",)

    def path(self, folder: pathlib.Path, batch: int) -> pathlib.Path:
        return folder / f"batch{batch}.tflite"

    def make(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        """Once; where the network has operators that TensorFlow Lite lacks a file that says so is kept."""
        path = self.path(folder, batch)
        refused = path.with_suffix(".refused")
        if not path.exists() and not refused.exists():
            self.convert(folder, meta, batch, path, refused)
        if refused.exists():
            raise Skipped(refused.read_text())

    def convert(self, folder, meta, batch, path, refused) -> None:
        import tensorflow as tf

        model = tf.saved_model.load(str(folder / "saved_model"))
        function = model.signatures["serving_default"]
        specs = {
            name: tf.TensorSpec([batch, *entry["shape"]], entry["dtype"], name)
            for name, entry in meta["inputs"].items()
        }
        traced = tf.function(lambda **inputs: function(**inputs))
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [traced.get_concrete_function(**specs)], model
        )
        try:
            path.write_bytes(converter.convert())
        except Exception as error:
            missing = set(re.findall(r"'tf\.(\w+)' op (?:is neither|requires)", str(error)))
            if not missing:
                raise
            names = ", ".join(sorted(missing))
            refused.write_text(f"needs TensorFlow's own operators (Flex): {names}")

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import tensorflow as tf

        path = str(self.path(folder, batch))
        self.interpreter = tf.lite.Interpreter(path, num_threads=threads)
        self.interpreter.allocate_tensors()
        # Tensors by number: get_signature_runner() makes each call slower than a small network.
        (signature,) = self.interpreter._get_full_signature_list().values()
        self.inputs = signature["inputs"]
        self.outputs = [signature["outputs"][name] for name in meta["outputs"]]

    def infer(self, x):
        for name, value in x.items():
            self.interpreter.set_tensor(self.inputs[name], value)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(index) for index in self.outputs]


class HoneInTensorFlow(TensorFlow):
    """The SavedModel that `hone tf convert` made of it."""

    saved_model = "hone_saved_model"
    modules = ("tensorflow", "hone.tensorflow")

    def make(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        """Anew in each run of peers.py, which names itself: it must be this build's."""
        target, run = folder / self.saved_model, os.environ.get(RUN_VARIABLE, "")
        stamp = target / "made_in_run"
        if run and stamp.exists() and stamp.read_text() == run:
            return
        shutil.rmtree(target, ignore_errors=True)
        hone = pathlib.Path(sys.executable).with_name("hone")
        command = [hone, "tf", "convert", folder / "saved_model", target]
        done = subprocess.run(command, stdout=2)
        if done.returncode:
            raise RuntimeError("hone tf convert failed")
        stamp.write_text(run)

    def register(self) -> None:
        import hone.tensorflow  # noqa: F401  registers the engine operator


class Hone(OnnxRunner):
    """The ONNX file, built and tuned for this batch size and number of threads."""

    modules = ("hone",)

    def build(self, folder: pathlib.Path, meta: dict, batch: int, threads: int):
        import hone

        shapes = {name: (shape,) * 3 for name, shape in onnx_shapes(meta, batch).items()}
        return hone.build(str(folder / "model.onnx"), profiles=shapes, threads=threads)

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import hone

        self.meta = meta
        self.engine = hone.load(self.build(folder, meta, batch, threads), threads=threads)

    def make_cold(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        self.build(folder, meta, batch, threads).save(self.plan(folder, batch, threads))

    def load_cold(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import hone

        self.meta = meta
        self.engine = hone.load(str(self.plan(folder, batch, threads)), threads=threads)

    def plan(self, folder: pathlib.Path, batch: int, threads: int) -> pathlib.Path:
        return folder / f"batch{batch}_threads{threads}.plan"

    def infer(self, x):
        return list(self.engine(x).values())


class OnnxRuntime(OnnxRunner):
    modules = ("onnxruntime",)

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import onnxruntime as ort

        self.meta = meta
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name("N", batch)
        providers = ["CPUExecutionProvider"]
        self.session = ort.InferenceSession(str(folder / "model.onnx"), options, providers)

    def infer(self, x):
        return self.session.run(None, x)


class OpenVino(OnnxRunner):
    """Its FP32: by default it would use bfloat16 where the CPU has it."""

    modules = ("openvino",)

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import openvino as ov
        from openvino import properties
        from openvino.properties import hint

        self.meta = meta
        core = ov.Core()
        model = core.read_model(str(folder / "model.onnx"))
        model.reshape({name: list(shape) for name, shape in onnx_shapes(meta, batch).items()})
        config = {
            hint.performance_mode: hint.PerformanceMode.LATENCY,
            hint.inference_precision: ov.Type.f32,
            properties.inference_num_threads: threads,
        }
        self.request = core.compile_model(model, "CPU", config).create_infer_request()

    def infer(self, x):
        return self.request.infer(x, share_inputs=True, share_outputs=True)

    def arrays(self, result) -> list[np.ndarray]:
        return [np.array(result[k]) for k in range(len(result))]


# In the order of the table; the first that is measured is the reference for the outputs.
RUNNERS = {
    "tf": TensorFlow,
    "tf-frozen": TensorFlowFrozen,
    "tflite": TfLite,
    "hone-in-tf": HoneInTensorFlow,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "hone": Hone,
}
