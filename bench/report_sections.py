"""The sections of docs/performance.md: each takes the numbers of a file and gives Markdown and charts by name."""

from __future__ import annotations

import build_time
import cold as cold_mode
import kernel_table
import svg_chart
from ratios import (
    LEAST_ROUNDS,
    best_peer,
    geometric_mean,
    is_peer,
    measured,
    quartiles,
    ratio_over,
    share_of_peak,
    verdict,
)

Section = tuple[str, dict[str, str]]

TITLES = {
    "peers": (
        "Beside other engines",
        "FP32, the same weights and inputs. A ratio is the median, over rounds in which all runners take turns, of the"
        " best peer's fastest time / Hone's fastest time in that round; larger than 1: Hone is faster. Share of peak: of"
        " the FMA rate measured in the same rounds; the work is counted on the ONNX file.",
    ),
    "scaling": (
        "A second thread",
        "Hone with one and with two threads in turns, batch 1, beside a loop of FMAs on registers on one and two threads"
        " at the same time: what the machine gives.",
    ),
    "cold": (
        "First result and memory",
        "From a started Python process to the first result: import, load, one inference; Hone loads a plan that was built"
        " before. The fastest of five fresh processes. Memory: the process's largest resident set.",
    ),
    "build": (
        "Building a plan",
        "Tuned, for batch 1 and all CPUs; the second time every layer is in the timing cache. The ONNX file is weights but"
        " for a few kB.",
    ),
    "kernels": (
        "Kernels",
        "One thread, the fastest configuration of each. Share: of the FMA peak, or of memcpy's rate on as many bytes where"
        " a kernel is measured in GB/s. Winograd's rate is in FLOP of the direct algorithm, so it may exceed the peak.",
    ),
    "shapes": (
        "Free shapes",
        "One plan with several profiles, beside a plan built for the one shape: `bench/shapes.py`.",
    ),
    "quickstart": (
        "Inside TensorFlow",
        "Original and converted SavedModel in one TensorFlow process: `bench/quickstart.py`.",
    ),
}


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def header(*titles: str) -> list[str]:
    return [row(*titles), "|" + "---|" * len(titles)]


def milliseconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


# -------------------------------------------------------------------------------------------- peers
def goal_table(cells: list[dict], goals: dict) -> str:
    lines = header("cell", "best peer", "ratio", "quartiles", "goal", "", "if missed: why")
    for cell in cells:
        one = verdict(goals, cell)
        if not one["ratio"]:
            lines.append(row(one["name"], "", "not measured", "", str(one["goal"]), "missed", ""))
            continue
        low, middle, high = one["ratio"]
        why = "" if one["met"] else one["reason"] or "no reason given yet"
        said = "met" if one["met"] else "**missed**"
        quarter = f"{low:.2f}–{high:.2f}"
        lines.append(
            row(one["name"], best_peer(cell), f"{middle:.2f}", quarter, str(one["goal"]), said, why)
        )
    return "\n".join(lines) + "\n"


def conditions(data: dict) -> str:
    """How sure the numbers are: rounds, and the CPU time that others took meanwhile."""
    settings = data["settings"]
    taken = [r.get("cpus_taken_by_others", 0) for c in data["cells"] for r in measured(c).values()]
    rounds = f"{settings['rounds']} rounds of {settings['slice_s']} s for each runner"
    few = "" if settings["rounds"] >= LEAST_ROUNDS else f" (**fewer than {LEAST_ROUNDS}**)"
    middle = quartiles(taken)[1] if taken else 0
    return f"- {rounds}{few}; others took {middle:.2f} CPUs meanwhile (median)\n"


def summary(cells: list[dict], goals: dict) -> str:
    verdicts = [verdict(goals, cell) for cell in cells]
    ratios = [v["ratio"][1] for v in verdicts if v["ratio"]]
    lines = []
    if ratios:
        mean, goal = geometric_mean(ratios), goals["geometric_mean"]
        said = "met" if mean >= goal else "missed"
        lines.append(f"- geometric mean of {len(ratios)} ratios: {mean:.2f} (goal {goal}: {said})")
    met = sum(v["met"] for v in verdicts)
    lines.append(f"- {met} of {len(verdicts)} cells meet their goal")
    for model, batches in goals["over_tensorflow"].items():
        for cell in cells:
            goal = batches.get(str(cell["batch"])) if cell["model"] == model else None
            ratio = ratio_over(cell, ["tf"]) if goal else None
            if ratio:
                said = "met" if ratio[1] >= goal else "missed"
                name = verdict(goals, cell)["name"]
                lines.append(
                    f"- {name} over TensorFlow's SavedModel: {ratio[1]:.2f} (goal {goal}: {said})"
                )
    return "\n".join(lines) + "\n"


def time_table(cells: list[dict]) -> str:
    names = list(dict.fromkeys(r["runner"] for cell in cells for r in cell["runners"]))
    lines = header("fastest, ms", *names, "Hone's share of peak", "largest difference")
    for cell in cells:
        runners = {r["runner"]: r for r in cell["runners"]}
        times = []
        for name in names:
            r = runners.get(name, {})
            times.append(milliseconds(r["min_ms"]) if "min_ms" in r else "failed" * ("error" in r))
        share = share_of_peak(cell, "hone")
        differences = [r["difference"] for r in measured(cell).values()]
        worst = f"{max(differences):.0e}" if differences else ""
        name = f"{cell['model']} b{cell['batch']} t{cell['threads']}"
        lines.append(row(name, *times, f"{share:.0%}" if share else "", worst))
    skipped = {
        (c["model"], r["runner"], r["skipped"])
        for c in cells
        for r in c["runners"]
        if "skipped" in r
    }
    lines += [""] + [f"- {model}, {runner}: {why}" for model, runner, why in sorted(skipped)]
    return "\n".join(lines) + "\n"


def peers(data: dict, goals: dict) -> Section:
    cells = data["cells"]
    charts = {}
    for threads in sorted({cell["threads"] for cell in cells}):
        rows = []
        for cell in cells:
            one = verdict(goals, cell)
            if cell["threads"] == threads and one["ratio"]:
                color = svg_chart.MET if one["met"] else svg_chart.MISSED
                label = f"{cell['model']}, batch {cell['batch']}"
                rows.append(
                    {"label": label, "value": one["ratio"][1], "color": color, "mark": one["goal"]}
                )
        if rows:
            title = (
                f"best peer's time / Hone's, {threads} thread{'s' * (threads > 1)}; marks: goals"
            )
            charts[f"ratios-{threads}"] = svg_chart.bars(title, rows, line=1.0)
    text = [conditions(data) + summary(cells, goals), "### Goals\n", goal_table(cells, goals)]
    text += ["### Times\n", time_table(cells)]
    return "\n".join(text), charts


# -------------------------------------------------------------------------------------------- others
def scaling(data: dict, goals: dict) -> Section:
    wanted = goals["two_threads"]
    lines = header("network", "Hone's gain", "FMA gain", "share", "goal", "")
    for cell in data["cells"]:
        if "error" in cell:
            lines.append(row(cell["model"], "failed", "", "", "", ""))
            continue
        hone = quartiles([a / b for a, b in zip(*cell["round_min_ms"], strict=True)])[1]
        fma = quartiles([b / a for a, b in zip(*cell["peak_gflops"], strict=True)])[1]
        has_goal = cell["model"] in wanted["models"]
        goal = wanted["share_of_fma_gain"] if has_goal else None
        met = hone / fma >= goal if has_goal else hone >= goals["not_below"]
        text = f"{goal} of FMA's" if has_goal else "not slower"
        said = "met" if met else "**missed**"
        lines.append(
            row(cell["model"], f"{hone:.2f}", f"{fma:.2f}", f"{hone / fma:.2f}", text, said)
        )
    return "\n".join(lines) + "\n", {}


def cold(data: dict, goals: dict) -> Section:
    del goals
    lines = header("network, threads", "", "Hone", "best peer", "")
    for cell in data["cells"]:
        records = {r["runner"]: r for r in cell["runners"] if "first_result_s" in r}
        others = [r for name, r in records.items() if is_peer(name)]
        if "hone" not in records or not others:
            continue
        name = f"{cell['model']}, {cell['threads']}"
        for key, title, unit in (
            ("first_result_s", "first result, s", 1.0),
            ("peak_bytes", "memory, MB", 1e-6),
        ):
            mine = records["hone"][key]
            best = min(others, key=lambda r, key=key: r[key])
            said = "below all" if mine < best[key] else "**not below**"
            other = f"{best[key] * unit:.3g} ({best['runner']})"
            lines.append(row(name, title, f"{mine * unit:.3g}", other, said))
    return "\n".join(lines) + "\n\n" + cold_mode.table(data["cells"]) + "\n", {}


def build(data: dict, goals: dict) -> Section:
    return build_time.table(data["cells"], goals) + "\n", {}


def kernels(data: dict, goals: dict) -> Section:
    return kernel_table.table(data["cells"], goals) + "\n", {}


def shapes(data: dict, goals: dict) -> Section:
    del goals
    lines = header("network", "shape", "plan with profiles, ms", "plan for it alone, ms", "ratio")
    for record in data["records"]:
        for speed in record["speed"]:
            a, b = speed["profiles_ms"], speed["alone_ms"]
            size = "×".join(map(str, speed["shape"]))
            times = (milliseconds(a), milliseconds(b), f"{a / b:.2f}")
            lines.append(row(record["network"], size, *times))
    return "\n".join(lines) + "\n", {}


def quickstart(data: dict, goals: dict) -> Section:
    del goals
    names = list(data["speed"][0]["calls"])
    lines = header(f"{data['model']}, {data['threads']} threads; fastest, ms", *names)
    for entry in data["speed"]:
        times = [milliseconds(entry["calls"][name]["min_ms"]) for name in names]
        lines.append(row(f"batch {entry['batch']}", *times))
    return "\n".join(lines) + "\n", {}
