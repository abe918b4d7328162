"""Plan -> results."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from hone import _hone
from hone._arrays import numpy_dtype, to_input
from hone._build import Plan
from hone._errors import ShapeError, raise_error


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of an engine.

    name   as in the model
    dtype  NumPy dtype
    shape  sizes; None where any size runs
    """

    name: str
    dtype: np.dtype
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name}: {self.dtype}[{sizes}]"


class Engine:
    """A loaded plan. Any number of threads may call it at the same time; hone.load makes it.

    Each call at a time has its own memory for intermediate tensors, which is kept for later calls.
    """

    def __init__(self, engine: _hone.Engine) -> None:
        self._engine = engine
        self._inputs = tuple(map(_tensor_info, engine.inputs))
        self._outputs = tuple(map(_tensor_info, engine.outputs))
        self._input_names = [info.name for info in self._inputs]
        self._any_bf16 = any(_is_bf16(info.dtype) for info in self._inputs + self._outputs)
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs, in the model's order."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The outputs, in the model's order."""
        return self._outputs

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights, shared by all calls."""
        return self._engine.weight_bytes

    def __call__(self, *inputs: Any) -> np.ndarray | dict[str, np.ndarray]:
        """Runs the network.

        engine(x)              arrays in the order of `inputs`: gives an array, or a dict if there
                               are several outputs
        engine({"x": x, ...})  by name: gives a dict

        Arrays are NumPy's or anything with DLPack. They are read in place if they are C-contiguous
        and have the dtype of the input; otherwise they are copied or cast, if that changes no
        value. They must not change during the call. Results are new arrays. The GIL is released
        while the network runs.

        Raises ShapeError if names, dtypes or shapes do not fit, Error for lack of memory.
        """
        outputs = self._engine.run(self._ordered(inputs))
        if self._any_bf16:
            outputs = [
                y.view(info.dtype) if _is_bf16(info.dtype) else y
                for y, info in zip(outputs, self._outputs, strict=True)
            ]
        by_name = len(inputs) == 1 and isinstance(inputs[0], Mapping)
        if len(outputs) == 1 and not by_name:
            return outputs[0]
        return {info.name: y for info, y in zip(self._outputs, outputs, strict=True)}

    def submit(self, *inputs: Any) -> Future[np.ndarray | dict[str, np.ndarray]]:
        """Starts a call in another thread; the Future has what the call gives or raises.

        As many calls run at a time as the process has CPUs. The arrays must not change until the
        Future is done.
        """
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(len(os.sched_getaffinity(0)), "hone")
            return self._executor.submit(self, *inputs)

    def summary(self) -> str:
        """A table of the steps for people: kernels, shapes, memory."""
        return self._engine.summary()

    def steps(self) -> list[dict[str, Any]]:
        """What the plan does, step by step: name, op, tactic, config, precision, output_shapes,
        weight_bytes, workspace_bytes, tuned_milliseconds (None: not timed), sources (nodes of the
        model), rejected (pairs of a tactic and the reason it was not chosen), notes."""
        return self._engine.steps()

    def profile(self, *inputs: Any) -> list[dict[str, Any]]:
        """Runs once with a clock around each step: name, op, tactic, milliseconds, gflop (0 where
        not defined), bytes (of the operands and weights), busy_milliseconds (of each thread).

        Takes the same arguments as a call; the results are dropped.
        """
        return self._engine.profile(self._ordered(inputs))

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(str, infos)) for infos in (self._inputs, self._outputs))
        return f"<hone.Engine {inputs} -> {outputs}>"

    def _ordered(self, inputs: tuple) -> list[np.ndarray]:
        """The arguments of a call as arrays for the core, in the engine's order."""
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            inputs = self._by_name(inputs[0])
        elif len(inputs) != len(self._inputs):
            names = ", ".join(self._input_names)
            raise_error(
                ShapeError,
                "shape",
                "",
                f"{len(inputs)} inputs given, the plan has {len(self._inputs)}",
                fix=f"pass {names} in this order, or a dict by these names",
            )
        arrays = []
        for value, info in zip(inputs, self._inputs, strict=True):
            array = to_input(value, info.dtype, info.name)
            arrays.append(array.view(np.uint16) if _is_bf16(info.dtype) else array)
        return arrays

    def _by_name(self, given: Mapping[str, Any]) -> tuple:
        for names, known, what in (
            (given, self._input_names, "the plan has no input"),
            (self._input_names, given, "no array given for input"),
        ):
            for name in names:
                if name not in known:
                    wanted = ", ".join(self._input_names)
                    raise_error(ShapeError, "shape", "", f"{what} '{name}'", fix=f"give {wanted}")
        return tuple(given[name] for name in self._input_names)


def load(
    plan: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Plan,
    threads: int = 0,
    copy_weights: bool = False,
) -> Engine:
    """Loads and verifies a plan.

    plan          path of a plan file; its content; a binary file object; or what hone.build
                  returned
    threads       threads that work on one call; 0 = all CPUs this process may use
    copy_weights  read the file instead of mapping it: for files that others may change

    Raises PlanError (damaged, another version), DeviceError (made for another machine and not
    portable), or Error with code "io" or "out_of_resources".
    """
    if isinstance(plan, Plan):
        return Engine(_hone.Engine.load_plan(plan._plan, threads))
    if hasattr(plan, "read"):
        plan = plan.read()
    if isinstance(plan, (bytes, bytearray, memoryview)):
        return Engine(_hone.Engine.load_bytes(bytes(plan), threads))
    return Engine(_hone.Engine.load(os.fspath(plan), threads, copy_weights))


def _tensor_info(info: _hone.TensorInfo) -> TensorInfo:
    shape = tuple(None if size < 0 else size for size in info.shape)
    return TensorInfo(info.name, numpy_dtype(info.dtype), shape)


def _is_bf16(dtype: np.dtype) -> bool:
    return dtype.name == "bfloat16"
