"""What the numbers of peers.py mean: ratios, goals, verdicts. No measuring here."""

from __future__ import annotations

import json
import math
import pathlib
import statistics

LEAST_ROUNDS = 9  # for a ratio that counts

HERE = pathlib.Path(__file__).resolve().parent


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def is_peer(name: str) -> bool:
    return not name.startswith("hone")


def measured(cell: dict) -> dict[str, dict]:
    """The runners of a cell that ran, by name."""
    return {r["runner"]: r for r in cell["runners"] if "round_min_ms" in r}


def ratio_over(cell: dict, peers: list[str]) -> tuple[float, float, float] | None:
    """Quartiles over the rounds of the best of these peers' minimum / Hone's minimum in that round."""
    runners = measured(cell)
    peers = [name for name in peers if name in runners]
    if "hone" not in runners or not peers:
        return None
    rounds = zip(*(runners[name]["round_min_ms"] for name in peers), strict=True)
    mine = runners["hone"]["round_min_ms"]
    return quartiles([min(best) / hone for best, hone in zip(rounds, mine, strict=True)])


def best_peer(cell: dict) -> str:
    peers = {name: r["min_ms"] for name, r in measured(cell).items() if is_peer(name)}
    return min(peers, key=peers.get) if peers else ""


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def share_of_peak(cell: dict, name: str) -> float | None:
    """Of the best FMA rate measured among the cell's rounds."""
    record = measured(cell).get(name)
    if not record or not cell.get("gflop") or not cell.get("peak_gflops"):
        return None
    return cell["gflop"] / record["min_ms"] * 1e3 / max(cell["peak_gflops"])


def load_goals(path: pathlib.Path = HERE / "goals.json") -> dict:
    return json.loads(path.read_text())


def goal_of(goals: dict, model: str, batch: int) -> float:
    """The least ratio over the best peer that a cell must have."""
    return goals["ratio"].get(model, {}).get(str(batch), goals["not_below"])


def verdict(goals: dict, cell: dict) -> dict:
    """What the table of goals says about a cell."""
    goal = goal_of(goals, cell["model"], cell["batch"])
    ratio = ratio_over(cell, [name for name in measured(cell) if is_peer(name)])
    name = cell_name(cell)
    return {
        "name": name,
        "ratio": ratio,
        "goal": goal,
        "met": ratio is not None and ratio[1] >= goal,
        "reason": goals["reasons"].get(name, ""),
    }


def cell_name(cell: dict) -> str:
    """As in goals.json's "reasons": "bert b1 t2"."""
    return f"{cell['model']} b{cell['batch']} t{cell['threads']}"
