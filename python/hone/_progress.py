"""The progress bar that a build draws when stderr is a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

Progress = Callable[[str, float, str], "bool | None"]

_BAR_WIDTH = 24


class ProgressBar:
    """A progress callback that draws one line, over and over."""

    def __init__(self, stream=None) -> None:
        self._stream = stream or sys.stderr
        self._drawn = ""

    def __call__(self, stage: str, fraction: float, message: str) -> bool:
        fraction = min(max(fraction, 0.0), 1.0)
        filled = round(fraction * _BAR_WIDTH)
        bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
        line = f"[{bar}] {100 * fraction:3.0f}% {stage} {message}".rstrip()
        width = shutil.get_terminal_size().columns - 1
        self._draw(line[:width])
        return True

    def close(self) -> None:
        """Wipes the line."""
        self._draw("")

    def _draw(self, line: str) -> None:
        if line != self._drawn:
            self._stream.write("\r" + line.ljust(len(self._drawn)) + ("" if line else "\r"))
            self._stream.flush()
            self._drawn = line


def default_progress() -> ProgressBar | None:
    """A bar, if somebody watches."""
    try:
        return ProgressBar() if sys.stderr.isatty() else None
    except (AttributeError, ValueError):  # no stderr, or a closed one
        return None
