"""The peers, one small class each. To add one: write the class and put it in RUNNERS.

A runner has
    load(folder, meta, batch, threads)   leaves it ready for this batch size, the way a user who knows it would
    prepare(x)                           the samples of inputs.npz -> what infer() takes; not timed
    infer(x)                             one call, complete when it returns; what it returns is not copied
    array(result)                        result of infer() -> NumPy array [batch, classes]; not timed
Imports stay inside load(): each runner lives in a process of its own with only its own framework.
"""

from __future__ import annotations

import os
import pathlib

import numpy as np


class Runner:
    def prepare(self, x: np.ndarray):
        return x

    def array(self, result) -> np.ndarray:
        return np.asarray(result)


class ChannelsFirst(Runner):
    """Takes the ONNX file."""

    def prepare(self, x: np.ndarray):
        return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim == 4 else x


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
        self.function = self.model.signatures["serving_default"]
        (self.output,) = self.function.structured_outputs
        self.call = lambda x: self.function(x=x)[self.output]
        self.specialize([batch, *meta["shape"]])

    def register(self) -> None:
        pass

    def specialize(self, shape: list[int]) -> None:
        pass

    def prepare(self, x: np.ndarray):
        return self.tf.constant(x)

    def infer(self, x):
        return self.call(x).numpy()


class TensorFlowFrozen(TensorFlow):
    """Variables turned into constants and the batch fixed, so that Grappler can fold batch normalization."""

    def specialize(self, shape: list[int]) -> None:
        from tensorflow.python.framework.convert_to_constants import (
            convert_variables_to_constants_v2,
        )

        spec = self.tf.TensorSpec(shape, self.tf.float32)
        traced = self.tf.function(self.call).get_concrete_function(spec)
        constant = convert_variables_to_constants_v2(traced)

        def call(x):
            result = constant(x)
            while isinstance(result, (list, tuple)):
                (result,) = result
            return result

        self.call = call


class HoneInTensorFlow(TensorFlow):
    """The SavedModel that `hone tf convert` made of it."""

    saved_model = "hone_saved_model"

    def register(self) -> None:
        import hone.tensorflow  # noqa: F401  registers the engine operator


class Hone(ChannelsFirst):
    """The ONNX file, built and tuned for this batch size and number of threads."""

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import hone

        shape = (batch, *meta["onnx_shape"])
        path = str(folder / "model.onnx")
        plan = hone.build(path, profiles={meta["input"]: (shape, shape, shape)}, threads=threads)
        self.engine = hone.load(plan, threads=threads)

    def infer(self, x):
        return self.engine(x)


class OnnxRuntime(ChannelsFirst):
    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name("N", batch)
        providers = ["CPUExecutionProvider"]
        self.session = ort.InferenceSession(str(folder / "model.onnx"), options, providers)
        self.name = meta["input"]

    def infer(self, x):
        return self.session.run(None, {self.name: x})[0]


class OpenVino(ChannelsFirst):
    """Its FP32: by default it would use bfloat16 where the CPU has it."""

    def load(self, folder: pathlib.Path, meta: dict, batch: int, threads: int) -> None:
        import openvino as ov
        from openvino import properties
        from openvino.properties import hint

        core = ov.Core()
        model = core.read_model(str(folder / "model.onnx"))
        model.reshape([batch, *meta["onnx_shape"]])
        config = {
            hint.performance_mode: hint.PerformanceMode.LATENCY,
            hint.inference_precision: ov.Type.f32,
            properties.inference_num_threads: threads,
        }
        self.request = core.compile_model(model, "CPU", config).create_infer_request()

    def infer(self, x):
        return self.request.infer([x], share_inputs=True, share_outputs=True)[0]

    def array(self, result) -> np.ndarray:
        return np.array(result)


# In the order of the table; the first that is measured is the reference for the outputs.
RUNNERS = {
    "tf": TensorFlow,
    "tf-frozen": TensorFlowFrozen,
    "hone-in-tf": HoneInTensorFlow,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "hone": Hone,
}
