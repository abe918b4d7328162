"""Hone as a backend of ONNX: the interface onnx.backend.base.Backend, which ONNX's own test runner
drives.

import hone.onnx
y, = hone.onnx.run_model(onnx_model, [x])
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend as BackendBase
from onnx.backend.base import BackendRep as BackendRepBase
from onnx.backend.base import Device, DeviceType, namedtupledict

from hone._build import build
from hone._engine import Engine, load

_NODE_OPSET = 21  # the ONNX package may know opsets that Hone does not


class BackendRep(BackendRepBase):
    """A prepared model."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, inputs: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
        """Runs it on a list of arrays, an array, or a dict; gives a named tuple of the outputs, in
        order."""
        if isinstance(inputs, np.ndarray):
            inputs = [inputs]
        results = self.engine(inputs) if isinstance(inputs, dict) else self.engine(*inputs)
        names = [info.name for info in self.engine.outputs]
        arrays = [results[name] for name in names] if isinstance(results, dict) else [results]
        return namedtupledict("Outputs", names)(*arrays)


class Backend(BackendBase):
    """Hone on the CPU."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **options: Any) -> BackendRep:
        """Builds the model, untuned unless tune=True; options are those of hone.build and threads.

        Raises what hone.build raises; ValueError for a device other than "CPU".
        """
        if not cls.supports_device(device):
            raise ValueError(f"device {device}: Hone's backend runs on CPU only")
        options.setdefault("tune", False)
        with tempfile.TemporaryDirectory(prefix="hone_") as folder:
            path = os.path.join(folder, "model.onnx")
            onnx.save(model, path)
            return BackendRep(load(build(path, **options), options.get("threads", 0)))

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **options: Any
    ) -> tuple[np.ndarray, ...]:
        """Builds and runs once."""
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Sequence[np.ndarray],
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None,
        **options: Any,
    ) -> tuple[np.ndarray, ...]:
        """Runs a single node as a model of its own, of opset `opset_version`."""
        opset = options.pop("opset_version", _NODE_OPSET)
        graph_inputs = [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(np.asarray(x).dtype), np.shape(x)
            )
            for name, x in zip(node.input, inputs, strict=True)
        ]
        graph_outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output]
        if outputs_info:
            graph_outputs = [
                onnx.helper.make_tensor_value_info(
                    name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
                )
                for name, (dtype, shape) in zip(node.output, outputs_info, strict=True)
            ]
        model = onnx.helper.make_model(
            onnx.helper.make_graph([node], "node", graph_inputs, graph_outputs),
            opset_imports=[onnx.helper.make_opsetid("", opset)],
        )
        return cls.run_model(model, list(inputs), device, **options)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return Device(device).type == DeviceType.CPU


prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
is_compatible = Backend.is_compatible
