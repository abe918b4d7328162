"""docs/performance.md is what bench/report.py makes of the committed numbers, and says what works."""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest

import report

ROOT = pathlib.Path(report.__file__).resolve().parent.parent


def test_the_page_is_what_the_committed_numbers_make():
    made = report.pages()
    stale = [str(path) for path, text in made.items() if (ROOT / path).read_text() != text]
    assert not stale, "run bench/report.py"
    charts = {p.relative_to(ROOT) for p in (ROOT / report.CHARTS).glob("*.svg")}
    assert charts <= set(made), "charts of numbers that are gone: run bench/report.py"


def commands():
    blocks = re.findall(r"^```\n(.*?)^```", report.INTRODUCTION, re.M | re.S)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("line", [c for c in commands() if "bench/" in c])
def test_the_commands_of_the_page_exist(line):
    command = line.split("&&")[-1].split()
    script, options = command[1], [word for word in command if word.startswith("--")]
    done = subprocess.run(
        [sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=True
    )
    assert all(option in done.stdout for option in options)


def numbers():
    runners = [
        {"runner": "tf", "min_ms": 3.0, "round_min_ms": [3.0, 3.1], "difference": 0.0},
        {"runner": "tflite", "skipped": "needs Flex"},
        {"runner": "hone", "min_ms": 1.0, "round_min_ms": [1.0, 2.0], "difference": 1e-6},
    ]
    place = {"model": "resnet50", "batch": 1, "threads": 1, "commit": "abc"}
    peers = {**place, "gflop": 0.05, "peak_gflops": [100.0, 90.0], "runners": runners}
    scaling = {
        **place,
        "round_min_ms": [[4.0, 4.0], [2.0, 2.5]],
        "peak_gflops": [[50, 50], [100, 99]],
    }
    times = {"import_s": 0.1, "load_s": 0.2, "first_s": 0.3, "base_bytes": 1e7}
    starts = [
        {"runner": "hone", "first_result_s": 0.6, "peak_bytes": 6e7, **times},
        {"runner": "tf", "first_result_s": 0.7, "peak_bytes": 5e7, **times},
    ]
    kernel = {"kernel": "gemm", "isa": "avx2", "shape": "a", "config": "", "min_us": 3.0}
    kernel.update(gflops=50.0, share=0.5, large=True)
    built = {"model": "resnet50", "threads": 2, "first_s": 61.0, "cached_s": 2.0}
    built.update(same_bytes=True, plan_bytes=105, onnx_bytes=100)
    return {
        "build": [built],
        "peers": [peers],
        "scaling": [scaling],
        "cold": [{**place, "runners": starts}],
        "kernels": [kernel],
    }


def test_every_section_says_what_was_measured(tmp_path):
    machine = {"date": "2026-01-02T00:00:00", "cpu": "Some CPU", "cpus": 2, "commit": "abc"}
    machine["versions"] = {"python": "3.11"}
    for kind, cells in numbers().items():
        data = {
            "what": kind,
            "machine": machine,
            "settings": {"rounds": 2, "slice_s": 0.5},
            "cells": cells,
        }
        (tmp_path / f"2026-01-02-some-cpu-{kind}.json").write_text(json.dumps(data))
        old = {**data, "cells": [], "machine": machine}
        (tmp_path / f"2025-01-02-some-cpu-{kind}.json").write_text(json.dumps(old))
    files = report.pages(tmp_path)
    text = files[report.PAGE]
    assert "2 CPUs of an Some CPU" in text.replace("  ", " ")
    assert "| resnet50 b1 t1 | tf | 2.27 |" in text and "met" in text
    assert "| 50% |" in text and "resnet50, tflite: needs Flex" in text
    assert "| resnet50 | 1.80 | 1.99 | 0.90 |" in text
    assert "2 rounds of 0.5 s for each runner (**fewer than 9**)" in text
    assert "**not below**" in text and "below all" in text
    assert "no reason given yet" in text
    assert "| resnet50 | 61.0 | 2.0 | yes | 0.0 | 1.05 | **missed** |" in text
    chart = files[report.CHARTS / "some-cpu-ratios-1.svg"]
    assert xml.etree.ElementTree.fromstring(chart).tag.endswith("svg")
    assert chart.startswith("<svg") and "resnet50, batch 1" in chart and chart.count("<rect") == 2
