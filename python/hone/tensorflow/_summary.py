"""The table that summary() prints, in TF-TRT's layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from hone import _hone

# (heading, share of the line in percent)
_COLUMNS = (
    ("HoneEngineOp Name", 20),
    ("Device", 9),
    ("# Nodes", 5),
    ("# Inputs", 9),
    ("# Outputs", 9),
    ("Input DTypes", 12),
    ("Output Dtypes", 12),
    ("Input Shapes", 12),
    ("Output Shapes", 12),
)

MIN_LINE_LENGTH = 160


def print_summary(
    report: _hone.Report, line_length: int, detailed: bool, print_fn: Callable[..., None]
) -> None:
    """Prints one row per engine, its operators if `detailed`, and the totals."""
    ends = list(accumulate(line_length * percent // 100 for _, percent in _COLUMNS))
    print_fn(_row([heading for heading, _ in _COLUMNS], ends))
    print_fn("=" * line_length)
    for engine in sorted(report.engines, key=lambda engine: engine.name):
        if len(report.engines) != 1:
            print_fn(f"\n{'-' * 40}\n")
        print_fn(_row(_fields(engine), ends))
        if detailed:
            print_fn("")
            for op, count in sorted(engine.op_counts):
                print_fn(f"\t- {op}: {count}x")
    converted, total = report.converted_nodes, report.total_nodes
    share = 100 * converted / total if total else 0.0
    print_fn(f"\n{'=' * line_length}")
    print_fn(f"[*] Total number of Hone engines: {len(report.engines)}")
    print_fn(f"[*] % of OPs Converted: {share:.2f}% [{converted}/{total}]\n")


def _fields(engine: _hone.EngineReport) -> list[str]:
    def lines(texts: Sequence[str]) -> str:
        return "[" + ", ".join(texts) + "]"

    return [
        engine.name,
        "CPU:0",
        str(engine.nodes),
        str(len(engine.input_names)),
        str(len(engine.output_names)),
        lines([f"'{dtype}'" for dtype in engine.input_dtypes]),
        lines([f"'{dtype}'" for dtype in engine.output_dtypes]),
        lines(engine.input_shapes),
        lines(engine.output_shapes),
    ]


def _row(fields: Sequence[str], ends: Sequence[int]) -> str:
    """Fields that end at the given columns; what is too long is cut, with "..." to say so."""
    line = ""
    for i, (field, end) in enumerate(zip(fields, ends, strict=True)):
        line = f"{line} {field}" if i else field
        line = line.ljust(end)
        if len(line) > end:
            line = line[: end - 4] + " ..."
    return line
