"""The peers, one small class each. To add one: write the class and put it in RUNNERS.

A runner has
    load(folder, meta, batch, threads)   leaves it ready for this batch size, the way a user who knows it would
    prepare(inputs)                      samples by input name -> what infer() takes; not timed
    infer(x)                             one call, complete when it returns; what it returns is not copied
    arrays(result)                       result of infer() -> NumPy arrays in the order of meta["outputs"]; not timed
Imports stay inside load(): each runner lives in a process of its own with only its own framework.
"""

from __future__ import annotations

import os
import pathlib

import numpy as np

Inputs = dict[str, np.ndarray]


class Runner:
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


class HoneInTensorFlow(TensorFlow):
    """The SavedModel that `hone tf convert` made of it."""

    saved_model = "hone_saved_model"

    def register(self) -> None:
        import hone.tensorflow  # noqa: F401  registers the engine operator


class Hone(OnnxRunner):
    """The ONNX file, built and tuned for this batch size and number of threads."""

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import hone

        self.meta = meta
        shapes = {name: (shape,) * 3 for name, shape in onnx_shapes(meta, batch).items()}
        plan = hone.build(str(folder / "model.onnx"), profiles=shapes, threads=threads)
        self.engine = hone.load(plan, threads=threads)

    def infer(self, x):
        return list(self.engine(x).values())


class OnnxRuntime(OnnxRunner):
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
    "hone-in-tf": HoneInTensorFlow,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "hone": Hone,
}
