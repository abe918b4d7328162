"""TF-TRT's converter interface, done by Hone: old scripts need this one changed import.

    from hone.tensorflow import trt_convert as trt

    converter = trt.TrtGraphConverterV2(input_saved_model_dir="resnet50",
    precision_mode=trt.TrtPrecisionMode.FP32) converter.convert()
    converter.build(input_fn)          # optional: the shapes to tune for
    converter.summary()
    converter.save("resnet50_hone")
    y = tf.saved_model.load("resnet50_hone").signatures["serving_default"](x)

What differs from TF-TRT: it runs on the CPU; engines are built and tuned by convert() and take
every input shape; build() tunes them again for the shapes that it is given. Arguments that only
concern GPUs are accepted and checked, but change nothing; each says so below.
"""

from __future__ import annotations

import collections
import logging
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hone import _hone
from hone._errors import UnsupportedError
from hone._progress import default_progress
from hone.tensorflow import load_plugin
from hone.tensorflow._files import publish
from hone.tensorflow._hints import type_hints
from hone.tensorflow._summary import MIN_LINE_LENGTH, print_summary

__all__ = [
    "DEFAULT_TRT_CONVERSION_PARAMS",
    "DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES",
    "PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE",
    "PROFILE_STRATEGY_OPTIMAL",
    "PROFILE_STRATEGY_RANGE",
    "PROFILE_STRATEGY_RANGE_OPTIMAL",
    "TrtConversionParams",
    "TrtGraphConverterV2",
    "TrtPrecisionMode",
    "UnsupportedPrecisionError",
    "supported_profile_strategies",
]

PROFILE_STRATEGY_RANGE = "Range"
PROFILE_STRATEGY_OPTIMAL = "Optimal"
PROFILE_STRATEGY_RANGE_OPTIMAL = "Range+Optimal"
PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE = "ImplicitBatchModeCompatible"

DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES = 1 << 30

_SERVE = tf.saved_model.SERVING
_DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY

_log = logging.getLogger("hone.tensorflow")


def supported_profile_strategies() -> list[str]:
    """The names of the profile strategies."""
    return [
        PROFILE_STRATEGY_RANGE,
        PROFILE_STRATEGY_OPTIMAL,
        PROFILE_STRATEGY_RANGE_OPTIMAL,
        PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE,
    ]


class TrtPrecisionMode:
    """Names of precisions."""

    FP32 = "FP32"
    FP16 = "FP16"
    INT8 = "INT8"

    @staticmethod
    def supported_precision_modes() -> list[str]:
        """All names that are understood, in upper and lower case."""
        names = [TrtPrecisionMode.FP32, TrtPrecisionMode.FP16, TrtPrecisionMode.INT8]
        return names + [name.lower() for name in names]


class UnsupportedPrecisionError(UnsupportedError, ValueError):
    """A precision that TF-TRT has and this version of Hone has not."""


class TrtConversionParams(
    collections.namedtuple(
        "TrtConversionParams",
        [
            "max_workspace_size_bytes",
            "precision_mode",
            "minimum_segment_size",
            "maximum_cached_engines",
            "use_calibration",
            "allow_build_at_runtime",
        ],
    )
):
    """Parameters of a conversion.

    precision_mode            one of TrtPrecisionMode; this version builds FP32 only
    minimum_segment_size      nodes that a part of the graph must have to become an engine; -1 =
                              convert nothing
    max_workspace_size_bytes, maximum_cached_engines, use_calibration, allow_build_at_runtime
                              accepted, but without effect: engines on the CPU use what memory they
                              need, one engine takes all shapes, FP32 needs no calibration, nothing
                              is built at run time
    """

    __slots__ = ()

    def __new__(
        cls,
        max_workspace_size_bytes: int = DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
        precision_mode: str = TrtPrecisionMode.FP32,
        minimum_segment_size: int = 3,
        maximum_cached_engines: int = 1,
        use_calibration: bool = True,
        allow_build_at_runtime: bool = True,
    ) -> TrtConversionParams:
        return super().__new__(
            cls,
            max_workspace_size_bytes,
            precision_mode,
            minimum_segment_size,
            maximum_cached_engines,
            use_calibration,
            allow_build_at_runtime,
        )


DEFAULT_TRT_CONVERSION_PARAMS = TrtConversionParams()

InputFn = Callable[[], Iterable[Any]]


class TrtGraphConverterV2:
    """Converts a signature of a SavedModel: parts that Hone supports become engines, TensorFlow
    runs the rest.

    input_saved_model_dir            the SavedModel
    input_saved_model_tags           its tags; default ["serve"]
    input_saved_model_signature_key  the signature to convert and save; default "serving_default"
    use_dynamic_shape                accepted; engines take every shape in any case
    dynamic_shape_profile_strategy   which shapes build() tunes for: "Range" (the default) the
                                     largest of each dimension, "Optimal" each shape that was seen,
                                     "Range+Optimal" both, "ImplicitBatchModeCompatible" like
                                     "Optimal"
    the others, conversion_params    see TrtConversionParams; conversion_params overrides them

    Raises ValueError for values outside of their range, UnsupportedPrecisionError (a ValueError,
    too) for precisions other than FP32.
    """

    def __init__(
        self,
        input_saved_model_dir: str | os.PathLike[str] | None = None,
        input_saved_model_tags: Sequence[str] | None = None,
        input_saved_model_signature_key: str | None = None,
        use_dynamic_shape: bool | None = None,
        dynamic_shape_profile_strategy: str | None = None,
        max_workspace_size_bytes: int = DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
        precision_mode: str = TrtPrecisionMode.FP32,
        minimum_segment_size: int = 3,
        maximum_cached_engines: int = 1,
        use_calibration: bool = True,
        allow_build_at_runtime: bool = True,
        conversion_params: TrtConversionParams | None = None,
    ) -> None:
        if conversion_params is None:
            conversion_params = TrtConversionParams(
                max_workspace_size_bytes=max_workspace_size_bytes,
                precision_mode=precision_mode,
                minimum_segment_size=minimum_segment_size,
                maximum_cached_engines=maximum_cached_engines,
                use_calibration=use_calibration,
                allow_build_at_runtime=allow_build_at_runtime,
            )
        _check_params(conversion_params)
        if input_saved_model_dir is None:
            raise ValueError("input_saved_model_dir is needed: the SavedModel to convert")
        load_plugin()
        self._conversion_params = conversion_params
        self._input_dir = os.fspath(input_saved_model_dir)
        self._tags = list(input_saved_model_tags or [_SERVE])
        self._signature_key = input_saved_model_signature_key or _DEFAULT_SIGNATURE
        self._use_dynamic_shape = bool(use_dynamic_shape)
        self._strategy = _strategy(dynamic_shape_profile_strategy)
        self._converted_func: Any = None
        self._report: _hone.Report | None = None
        self._build_called_once = False
        self._work = tempfile.TemporaryDirectory(prefix="hone_convert_")
        self._saved: pathlib.Path | None = None  # the converted SavedModel, below _work

    def convert(self, calibration_input_fn: InputFn | None = None) -> Any:
        """Converts the model; gives the converted signature as a ConcreteFunction with the names,
        dtypes and structured outputs of the original. Once per converter.

        calibration_input_fn: for INT8 only, so an error in this version.

        Raises ValueError, RuntimeError on a second call, and what hone.build raises.
        """
        if self._converted_func is not None:
            raise RuntimeError(
                "convert() is already called; make another converter to convert again"
            )
        if calibration_input_fn is not None:
            raise ValueError(
                "Should not specify calibration_input_fn because INT8 calibration is not needed"
            )
        self._convert([])
        return self._converted_func

    def build(self, input_fn: InputFn) -> None:
        """Tunes the engines for the shapes of the inputs that input_fn() yields, and runs each
        input once.

        input_fn: a generator function; each item is one array, a list or tuple of arrays in the
        order of the signature's sorted argument names, or a dict by argument name.

        A function that convert() returned before keeps its engines, which give equal results;
        save() and summary() refer to the new ones.

        Raises RuntimeError before convert() or without input_fn, NotImplementedError on a second
        call.
        """
        if self._build_called_once:
            raise NotImplementedError(
                "build() is already called. It is not supported to call build() more than once."
            )
        if not input_fn:
            raise RuntimeError(
                "input_fn is None. Method build() needs input_fn to be specified in order to build engines"
            )
        if self._converted_func is None:
            raise RuntimeError("Need to call convert() before build()")
        shapes: list[dict[str, list[int]]] = []
        one_per_shape = []
        for arguments in self._samples(input_fn()):
            shape = {name: tensor.shape.as_list() for name, tensor in arguments.items()}
            if shape not in shapes:
                shapes.append(shape)
                one_per_shape.append(arguments)
        if not shapes:
            raise RuntimeError("input_fn gave no input; build() needs at least one")
        self._convert(_tuned_shapes(self._strategy, shapes))
        for arguments in one_per_shape:
            self._converted_func(**arguments)
        self._build_called_once = True

    def save(
        self,
        output_saved_model_dir: str | os.PathLike[str],
        save_gpu_specific_engines: bool = True,
        options: Any = None,
    ) -> None:
        """Writes the converted signature as a SavedModel: aside first, so that nobody sees half of
        it.

        save_gpu_specific_engines: accepted; the plans that are saved run on every CPU, and fastest
        on this one.
        options: tf.saved_model.SaveOptions; accepted without effect.

        Raises RuntimeError before convert(), OSError if the directory cannot be written.
        """
        if self._saved is None:
            raise RuntimeError("Need to call convert() before save()")
        publish(self._saved, pathlib.Path(output_saved_model_dir))

    def summary(
        self,
        line_length: int = 160,
        detailed: bool = True,
        print_fn: Callable[..., None] | None = None,
    ) -> None:
        """Prints a table of the engines and the share of the graph they cover.

        line_length: of the table, 160 or more characters
        detailed: also the operators inside each engine
        print_fn: called with each line instead of print

        Raises RuntimeError before convert(), ValueError for too short lines.
        """
        if self._report is None:
            name = self.__class__.__name__
            raise RuntimeError(
                f"Impossible to call `{name}.summary()` before calling {name}.convert()."
            )
        if line_length < MIN_LINE_LENGTH:
            raise ValueError(
                f"Invalid `line_length` value has been received: {line_length}. Minimum: {MIN_LINE_LENGTH}."
            )
        print_summary(self._report, line_length, detailed, print_fn or print)

    def _convert(self, shapes: list[dict[str, list[int]]]) -> None:
        """Converts, tuned for `shapes` (none: the builder's defaults), and loads the result."""
        options = {
            "signature": self._signature_key,
            "tags": self._tags,
            "minimum_segment_size": self._conversion_params.minimum_segment_size,
            "input_shapes": shapes,
            "type_hints": type_hints(
                _hone.frozen_graph_def(self._input_dir, self._signature_key, self._tags)
            ),
            **_environment_options(),
        }
        if options["minimum_segment_size"] == -1:
            options["minimum_segment_size"] = np.iinfo(np.int32).max
        bar = default_progress()
        try:
            conversion = _hone.convert_saved_model(self._input_dir, options, {}, bar)
        finally:
            if bar:
                bar.close()
        saved = pathlib.Path(self._work.name) / ("tuned" if shapes else "converted")
        conversion.save(os.fspath(saved))
        self._report = conversion.report
        self._converted_func = _load_signature(saved, self._tags, self._signature_key)
        self._saved = saved
        if os.environ.get("TF_TRT_SHOW_DETAILED_REPORT", "0") not in ("", "0"):
            print(conversion.report.text(), file=sys.stderr)

    def _samples(self, items: Iterable[Any]) -> Iterator[dict[str, Any]]:
        """What input_fn yields, as tensors by argument name."""
        specs = dict(sorted(self._converted_func.structured_input_signature[1].items()))
        for item in items:
            if isinstance(item, Mapping):
                given = dict(item)
            else:
                values = item if isinstance(item, (list, tuple)) else [item]
                if len(values) != len(specs):
                    raise ValueError(
                        f"input_fn gave {len(values)} arrays, the signature has {len(specs)} inputs: {list(specs)}"
                    )
                given = dict(zip(specs, values, strict=True))
            if set(given) != set(specs):
                raise ValueError(
                    f"input_fn gave {sorted(given)}, the signature's inputs are {list(specs)}"
                )
            yield {
                name: tf.convert_to_tensor(given[name], spec.dtype) for name, spec in specs.items()
            }


def _check_params(params: TrtConversionParams) -> None:
    modes = TrtPrecisionMode.supported_precision_modes()
    if params.precision_mode not in modes:
        raise ValueError(
            f"precision mode '{params.precision_mode}' is not supported. It should be one of {modes}"
        )
    if params.minimum_segment_size <= 0 and params.minimum_segment_size != -1:
        raise ValueError(
            "minimum segment size should be positive or -1 (to disable main graph conversion)."
        )
    if params.precision_mode.upper() != TrtPrecisionMode.FP32:
        message = f"precision mode {params.precision_mode} is not supported: this version builds FP32 engines only"
        fix = "use precision_mode=TrtPrecisionMode.FP32"
        raise UnsupportedPrecisionError(
            f"{message}. Fix: {fix}", code="unsupported", message=message, fix=fix
        )


def _strategy(name: str | None) -> str:
    if name is None:
        return PROFILE_STRATEGY_RANGE
    for strategy in supported_profile_strategies():
        if name.lower() == strategy.lower():
            if strategy == PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE:
                _log.warning("profile strategy %s is deprecated", strategy)
            return strategy
    raise ValueError(
        f"profile_strategy '{name}' is not supported. It should be one of {supported_profile_strategies()}"
    )


def _tuned_shapes(strategy: str, seen: list[dict[str, list[int]]]) -> list[dict[str, list[int]]]:
    """The shapes to tune for, given those that were seen."""
    if strategy in (PROFILE_STRATEGY_OPTIMAL, PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE):
        return seen
    largest = {}
    for name, first in seen[0].items():
        shapes = [sample[name] for sample in seen]
        if any(len(shape) != len(first) for shape in shapes):
            raise ValueError(f"input_fn gave arrays of different ranks for input '{name}'")
        largest[name] = [max(sizes) for sizes in zip(*shapes, strict=True)]
    if strategy == PROFILE_STRATEGY_RANGE:
        return [largest]
    return seen if largest in seen else [*seen, largest]


def _environment_options() -> dict[str, Any]:
    """Conversion options from the variables that TF-TRT reads."""
    options: dict[str, Any] = {}
    if denied := os.environ.get("TF_TRT_OP_DENYLIST"):
        options["op_denylist"] = [op.strip() for op in denied.split(",") if op.strip()]
    if most := os.environ.get("TF_TRT_MAX_ALLOWED_ENGINES"):
        options["maximum_engines"] = int(most)
    return options


def _load_signature(directory: pathlib.Path, tags: list[str], key: str) -> Any:
    loaded = tf.saved_model.load(os.fspath(directory), tags=tags)
    function = loaded.signatures[key]
    function._hone_loaded = loaded  # a signature does not keep its model alive
    return function
