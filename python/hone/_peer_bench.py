"""Another runtime that takes turns with Hone, for `hone bench --vs`: what _peer.py does when the request names "threads".

The runtime is set up as somebody would who knows the shapes and wants speed in FP32: shapes fixed, all optimizations, that
many threads, variables of a SavedModel as they are. After a first inference and half a second of warm-up comes the line
{"version", "outputs": {NAME: FILE}}; then, for each line with a number of seconds, {"min_ms", "p50_ms", "runs"} of as many
inferences as fit, at least one. Ends with its input.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np

WARM_SECONDS = 0.5


class OnnxRuntime:
    def load(self, request: dict, feeds: dict[str, np.ndarray]) -> None:
        import onnxruntime as ort

        self.version, self.feeds, self.names = ort.__version__, feeds, request["outputs"]

        def session(options: ort.SessionOptions) -> ort.InferenceSession:
            options.log_severity_level = 3
            providers = ["CPUExecutionProvider"]
            return ort.InferenceSession(request["model"], options, providers=providers)

        looked = ort.SessionOptions()
        looked.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options = ort.SessionOptions()
        options.intra_op_num_threads = request["threads"]
        options.inter_op_num_threads = 1
        for port in session(looked).get_inputs():
            for symbol, size in zip(port.shape, feeds[port.name].shape, strict=True):
                if isinstance(symbol, str):
                    options.add_free_dimension_override_by_name(symbol, size)
        self.session = session(options)

    def infer(self):
        return self.session.run(self.names, self.feeds)

    def arrays(self, result) -> Iterable[np.ndarray]:
        return result


class OpenVino:
    """Reads ONNX files, SavedModels and GraphDefs."""

    def load(self, request: dict, feeds: dict[str, np.ndarray]) -> None:
        import openvino as ov
        from openvino import properties
        from openvino.properties import hint

        self.version = ov.__version__.split("-")[0]
        core = ov.Core()
        model = core.read_model(request["model"])
        ports = {name: self.port(model.inputs, name) for name in feeds}
        model.reshape({ports[name]: list(x.shape) for name, x in feeds.items()})
        config = {
            hint.performance_mode: hint.PerformanceMode.LATENCY,
            hint.inference_precision: ov.Type.f32,  # else bfloat16 where the CPU has it
            properties.inference_num_threads: request["threads"],
        }
        compiled = core.compile_model(model, "CPU", config)
        self.feeds = {self.port(compiled.inputs, name).index: x for name, x in feeds.items()}
        self.outputs = [self.port(compiled.outputs, name) for name in request["outputs"]]
        self.request = compiled.create_infer_request()

    def port(self, ports: list, name: str):
        """That of the model's input or output `name`: of a SavedModel the names have more around them."""
        for port in ports:
            plain = {n.split(":")[0] for n in port.get_names()}
            plain |= {n.removeprefix("serving_default_") for n in plain}
            if name in port.get_names() | plain:
                return port
        if len(ports) == 1:
            return ports[0]
        raise ValueError(f"OpenVINO does not find '{name}' in the model")

    def infer(self):
        return self.request.infer(self.feeds, share_inputs=True, share_outputs=True)

    def arrays(self, result) -> Iterable[np.ndarray]:
        return [np.array(result[port]) for port in self.outputs]


class TensorFlow:
    """The signature of a SavedModel as loaded; of a GraphDef the function from inputs to outputs."""

    def load(self, request: dict, feeds: dict[str, np.ndarray]) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
        import tensorflow as tf

        self.version, self.names = tf.__version__, request["outputs"]
        tf.config.threading.set_intra_op_parallelism_threads(request["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(1)
        if request["signature"]:
            self.model = tf.saved_model.load(request["model"])
            function = self.model.signatures[request["signature"]]
            self.feeds = {name: tf.constant(x) for name, x in feeds.items()}
            self.call = lambda: list(map(function(**self.feeds).get, self.names))
            return
        with open(request["graph_def"], "rb") as file:
            definition = tf.compat.v1.GraphDef.FromString(file.read())
        whole = tf.compat.v1.wrap_function(
            lambda: tf.compat.v1.import_graph_def(definition, name=""), []
        )
        tensors = [np.load(file) for file in request["feeds"].values()]
        graph = whole.graph
        pruned = whole.prune(
            [graph.get_tensor_by_name(name) for name in request["feeds"]],
            [graph.get_tensor_by_name(name) for name in request["frozen_outputs"]],
        )
        self.feeds = [tf.constant(x) for x in tensors]
        self.call = lambda: pruned(*self.feeds)

    def infer(self):
        return [y.numpy() for y in self.call()]

    def arrays(self, result) -> Iterable[np.ndarray]:
        return result


RUNTIMES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "tensorflow": TensorFlow}


def run_for(runtime, seconds: float) -> list[float]:
    """Milliseconds of each inference."""
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        runtime.infer()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def serve(request: dict, save: Callable, answers) -> None:
    runtime = RUNTIMES[request["runtime"]]()
    runtime.load(request, {name: np.load(file) for name, file in request["inputs"].items()})
    outputs = save(request["outputs"], list(runtime.arrays(runtime.infer())))
    run_for(runtime, WARM_SECONDS)
    print(json.dumps({"version": runtime.version, "outputs": outputs}), file=answers, flush=True)
    for line in sys.stdin:
        times = run_for(runtime, float(line))
        answer = {
            "min_ms": min(times),
            "p50_ms": statistics.median(times),
            "runs": len(times),
        }
        print(json.dumps(answer), file=answers, flush=True)
