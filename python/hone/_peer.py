"""Runs a model in another runtime, for `hone compare --against` and `hone bench --vs`: python -m hone._peer REQUEST.json

The request names the runtime, the model, .npy files with the inputs, the outputs and the tensors inside the network that are wanted:

    {"runtime": "onnxruntime" | "tensorflow", "model": PATH, "signature": NAME, "inputs": {NAME: FILE}, "outputs": [NAME],
     "graph_def": PATH, "feeds": {TENSOR: FILE}, "frozen_outputs": [TENSOR], "taps": [TENSOR], "folder": PATH}

graph_def, feeds, frozen_outputs: for TensorFlow, the frozen graph in which taps are looked up. Writes folder/answer.json
{"version", "outputs": {NAME: FILE}, "taps": {TENSOR: FILE}}; a tap that the runtime does not have is left out.
Exit code 1 with a message on stderr if the runtime is missing or refuses the model.
With "threads": N in the request it stays and takes turns with others, see _peer_bench.py.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
from collections.abc import Callable

import numpy as np

from hone import _peer_bench

MAX_INLINE_BYTES = 1 << 30  # a model with taps beyond this is written with its weights beside it


def run_onnxruntime(request: dict, save: Callable) -> dict:
    import onnx
    import onnxruntime as ort

    feeds = {name: np.load(file) for name, file in request["inputs"].items()}

    def session(path: str, optimize: bool) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        if not optimize:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    outputs = session(request["model"], True).run(request["outputs"], feeds)
    answer = {"version": ort.__version__, "outputs": save(request["outputs"], outputs), "taps": {}}
    if request["taps"]:
        model = onnx.load(request["model"])
        made = {name for node in model.graph.node for name in node.output}
        taps = [name for name in request["taps"] if name in made]
        shown = {output.name for output in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in taps if n not in shown)
        path = os.path.join(request["folder"], "tapped.onnx")
        onnx.save(model, path, save_as_external_data=model.ByteSize() > MAX_INLINE_BYTES)
        answer["taps"] = save(taps, session(path, False).run(taps, feeds)) if taps else {}
    return answer


def run_tensorflow(request: dict, save: Callable) -> dict:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        definition = tf.compat.v1.GraphDef.FromString(
            pathlib.Path(request["graph_def"]).read_bytes()
        )
        tf.import_graph_def(definition, name="")
    made = {tensor.name for node in graph.get_operations() for tensor in node.outputs}
    taps = [name for name in request["taps"] if name in made]
    feeds = {name: np.load(file) for name, file in request["feeds"].items()}
    frozen = request["frozen_outputs"]
    with tf.compat.v1.Session(graph=graph) as session:
        values = session.run(taps + frozen, feeds)
    outputs = values[len(taps) :]
    if request["signature"]:  # the model itself, not what Hone's reader made of it
        function = tf.saved_model.load(request["model"]).signatures[request["signature"]]
        inputs = {name: tf.constant(np.load(file)) for name, file in request["inputs"].items()}
        results = function(**inputs)
        outputs = [results[name].numpy() for name in request["outputs"]]
    return {
        "version": tf.__version__,
        "outputs": save(request["outputs"], outputs),
        "taps": save(taps, values[: len(taps)]),
    }


RUNTIMES = {"onnxruntime": run_onnxruntime, "tensorflow": run_tensorflow}


def main(path: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # chatter of the runtime must not get between our answers
    request = json.loads(pathlib.Path(path).read_text())
    folder = pathlib.Path(request["folder"])
    written = 0

    def save(names: list[str], arrays: list) -> dict[str, str]:
        nonlocal written
        files = {}
        for name, array in zip(names, arrays, strict=True):
            file = folder / f"peer_{written}.npy"
            np.save(file, np.asarray(array))
            files[name] = str(file)
            written += 1
        return files

    try:
        if "threads" in request:
            _peer_bench.serve(request, save, answers)
            return
        answer = RUNTIMES[request["runtime"]](request, save)
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        sys.exit(f"{type(error).__name__}: {first}")
    (folder / "answer.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
