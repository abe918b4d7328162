"""What bench/ makes of measured numbers."""

import json
import math

import pytest

import kernel_table
import ratios
import result_file


def cell(model="resnet50", batch=1, threads=1, **rounds):
    runners = [
        {"runner": name.replace("_", "-"), "min_ms": min(times), "round_min_ms": times}
        for name, times in rounds.items()
    ]
    return {"model": model, "batch": batch, "threads": threads, "runners": runners}


GOALS = {
    "not_below": 0.97,
    "ratio": {"resnet50": {"1": 1.2}},
    "reasons": {"resnet50 b1 t1": "the first layer"},
}


def test_ratio_is_the_median_over_rounds_of_the_best_peer_in_that_round():
    # Each round has another best peer; hone-in-tf is no peer.
    one = cell(
        tf=[4.0, 2.0, 9.0], openvino=[2.0, 3.0, 3.0], hone_in_tf=[1, 1, 1], hone=[1.0, 2.0, 1.0]
    )
    assert ratios.ratio_over(one, ["tf", "openvino"]) == (1.5, 2.0, 2.5)
    assert ratios.best_peer(one) in ("tf", "openvino")
    verdict = ratios.verdict(GOALS, one)
    assert verdict["ratio"][1] == 2.0 and verdict["met"] and verdict["goal"] == 1.2


def test_cells_without_a_goal_of_their_own_must_not_be_below():
    good = cell(model="lstm", batch=8, tf=[0.97], hone=[1.0])
    bad = cell(model="lstm", batch=8, tf=[0.969], hone=[1.0])
    assert ratios.verdict(GOALS, good)["met"] and not ratios.verdict(GOALS, bad)["met"]
    missed = ratios.verdict(GOALS, cell(tf=[1.19], hone=[1.0]))
    assert not missed["met"] and missed["reason"] == "the first layer"


def test_runners_that_failed_do_not_count():
    one = cell(tf=[2.0], hone=[1.0])
    one["runners"] += [{"runner": "openvino", "error": "x"}, {"runner": "tflite", "skipped": "y"}]
    assert ratios.ratio_over(one, ["tf", "openvino", "tflite"])[1] == 2.0
    assert ratios.ratio_over(cell(tf=[2.0]), ["tf"]) is None
    assert not ratios.verdict(GOALS, cell(tf=[2.0]))["met"]


def test_mean_and_share():
    assert ratios.geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    one = {**cell(hone=[2.0]), "gflop": 0.1, "peak_gflops": [90.0, 100.0]}
    assert ratios.share_of_peak(one, "hone") == pytest.approx(0.5)
    assert ratios.share_of_peak(one, "tf") is None


def test_the_goals_name_networks_that_are_measured():
    from networks import BENCH

    goals = ratios.load_goals()
    assert set(goals["ratio"]) == set(BENCH)
    names = {f"{m} b{b} t{t}" for m in BENCH for b in (1, 8, 64, 2048) for t in (1, 2)}
    assert set(goals["reasons"]) <= names


def test_results_are_there_after_each_cell_and_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(result_file, "RESULTS", tmp_path)
    key = ("model", "batch", "threads")
    first = result_file.ResultFile("peers", key, {"rounds": 9}, resume=False)
    first.put(cell(hone=[1.0]))
    first.put(cell(threads=2, hone=[1.0]))
    (path,) = tmp_path.iterdir()
    assert len(json.loads(path.read_text())["cells"]) == 2
    again = result_file.ResultFile("peers", key, {"rounds": 9}, resume=True)
    assert again.path == path and again.has(cell()) and not again.has(cell(batch=8))
    again.put(cell(hone=[0.5]))
    cells = json.loads(path.read_text())["cells"]
    assert len(cells) == 2 and cells[0]["runners"][0]["min_ms"] == 0.5 and "commit" in cells[0]


def test_of_a_kernels_configurations_the_fastest_counts():
    def benchmark(name, us, **counters):
        return {"name": name, "min_us": us, "share": 0.5, "large": 1.0, **counters}

    cells = kernel_table.fastest(
        [
            benchmark("gemm/avx2/square_8x8x8/4x3/tiles", 3.0, **{"GFLOP/s": 1.0}),
            benchmark("gemm/avx2/square_8x8x8/6x2/tiles", 2.0, **{"GFLOP/s": 2.0}),
            benchmark("recurrent/avx2/lstm/64/batch1", 1.0, **{"GB/s": 2.0}),
            benchmark("dnnl/gemm/square_8x8x8", 3.0, **{"GFLOP/s": 1.5}),
        ]
    )
    goals = {"kernel_share": 0.6, "kernel_reasons": {"gemm": "too small"}}
    gemm, lstm = kernel_table.rows(cells, goals)
    assert gemm["config"] == "6x2/tiles" and gemm["over_onednn"] == pytest.approx(1.5)
    assert gemm["low"] and gemm["reason"] == "too small"
    assert lstm["kernel"] == "lstm" and lstm["shape"] == "64_batch1" and lstm["over_onednn"] is None
    assert "no reason given yet" in kernel_table.table(cells, goals)
    assert not math.isnan(gemm["gflops"])
