"""Model file -> plan."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hone import _hone
from hone._progress import Progress, default_progress

Shape = Sequence[int]
# Shapes of one input: smallest, the one to tune for, largest; or one shape for all three.
ShapeRange = "tuple[Shape, Shape, Shape] | Shape"
# A range per input name.
Profile = Mapping[str, Any]

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Plan:
    """A network optimized for a machine: the content of a `.plan` file, in memory."""

    def __init__(self, plan: _hone.Plan) -> None:
        self._plan = plan

    @property
    def bytes(self) -> bytes:
        """The content of the plan file (a copy, made by each access)."""
        return self._plan.to_bytes()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the plan to a file. It is written aside and then renamed: a failure leaves no
        half-written file.

        Raises hone.Error (code "io") if that fails.
        """
        self._plan.save(os.fspath(path))

    def __bytes__(self) -> bytes:
        return self.bytes

    def __len__(self) -> int:
        """Size in bytes."""
        return self._plan.size

    def __repr__(self) -> str:
        return f"<hone.Plan of {len(self)} bytes>"


def build(
    path: str | os.PathLike[str],
    precision: str = "fp32",
    profiles: Profile | Sequence[Profile] | None = None,
    *,
    threads: int = 0,
    memory: int | str = 0,
    timing_cache: str | os.PathLike[str] | None = None,
    tune: bool = True,
    retune: bool = False,
    tune_seconds: float = 0,
    target: str = "native",
    portable: bool = False,
    dump_graphs: str | os.PathLike[str] | None = None,
    strict_fp32: bool = False,
    signature: str = "",
    progress: Progress | None = None,
) -> Plan:
    """Imports the model at `path`, optimizes it, and picks the fastest kernels by timing them on
    this machine.

    path          ONNX file, SavedModel directory or frozen GraphDef; recognised by content
    precision     "fp32" (also "tf32"); others are not supported by this version
    profiles      shapes to expect, per input: {"x": (smallest, to tune for, largest)}, or {"x":
                  shape} if there is one only; a list of such dicts for several. Without: dimension
                  0 is tuned at 1, other unknown dimensions at 128; every shape runs, whatever the
                  plan was tuned for
    threads       threads that will work on one run; 0 = all CPUs this process may use
    memory        bound for weights and intermediate tensors, bytes or text such as "1GiB"; 0 = none
    timing_cache  file of kernel timings, made if absent: the next build with it is faster
    tune          False: no timing, the first kernel that fits; quick, but slower at run time
    retune        time again what the cache already has
    tune_seconds  bound for the time spent on timing; 0 = none
    target        instruction sets the plan is for: "native", "avx2", "avx512" ...
    portable      keep the plain weights, so that other machines can run the plan, too
    dump_graphs   directory for the graph after each stage, as text
    strict_fp32   no Winograd or other rearrangement that changes FP32 rounding more than plain
                  sums do
    signature     of a SavedModel; empty = "serving_default", or the only one
    progress      called with (stage, fraction in 0..1, message); returning False cancels the
                  build, an exception stops it and is passed on. None: a bar on stderr, if that is
                  a terminal. Ctrl-C stops the build within a second and leaves nothing behind.

    Raises ModelError (bad file), UnsupportedError (with all operators that cannot be imported),
    DeviceError (the target cannot be tuned here), or Error with code "invalid_argument", "io",
    "out_of_resources", "cancelled".
    """
    options: dict[str, Any] = {
        "precision": precision,
        "profiles": [_profile(entry) for entry in _profile_list(profiles)],
        "threads": threads,
        "memory": parse_bytes(memory),
        "timing_cache": os.fspath(timing_cache) if timing_cache else "",
        "tune": tune,
        "retune": retune,
        "tune_seconds": float(tune_seconds),
        "target": target,
        "portable": portable,
        "dump_graphs": os.fspath(dump_graphs) if dump_graphs else "",
        "strict_fp32": strict_fp32,
    }
    bar = None
    if progress is None:
        progress = bar = default_progress()
    try:
        return Plan(_hone.build(os.fspath(path), signature, options, progress))
    finally:
        if bar:
            bar.close()


def parse_bytes(text: int | str) -> int:
    """Bytes of "1GiB", "512 MB" (a power of 1024, too), "4096" or a number. Raises ValueError."""
    if isinstance(text, int):
        return text
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([KMGT]?)(?:iB|B)?\s*", text, re.IGNORECASE)
    if not match:
        raise ValueError(f'"{text}" is not a size: give bytes, or a text such as "512MiB"')
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _profile_list(profiles: Profile | Sequence[Profile] | None) -> Sequence[Profile]:
    if profiles is None:
        return []
    return [profiles] if isinstance(profiles, Mapping) else profiles


def _profile(profile: Profile) -> dict[str, list[list[int]]]:
    result = {}
    for name, shapes in profile.items():
        shapes = list(shapes)
        if all(hasattr(size, "__index__") for size in shapes):  # one shape
            shapes = [shapes] * 3
        if len(shapes) != 3:
            raise ValueError(
                f"profile of '{name}': give (smallest, to tune for, largest) or one shape"
            )
        result[name] = [[int(size) for size in shape] for shape in shapes]
    return result
