"""What a result must carry to be understood later: machine, versions, commit."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ("hone-inference", "tensorflow-cpu", "keras", "onnxruntime", "openvino", "numpy")


def cpus() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0))


def cpu_name() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def cpu_slug() -> str:
    """The CPU's name as part of a file name: "AMD EPYC 7B13" -> "amd-epyc-7b13"."""
    name = re.sub(r"\((R|TM)\)|CPU|Processor|@.*", " ", cpu_name(), flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "cpu"


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def commit() -> str:
    """The checkout's commit, with "+" after it when files differ from it; empty outside git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (
            "+" if git("status", "--porcelain") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


def describe() -> dict:
    limit = {"isa": os.environ["HONE_MAX_ISA"]} if os.environ.get("HONE_MAX_ISA") else {}
    return {
        **limit,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "cpus": cpus(),
        "system": platform.platform(),
        "commit": commit(),
        "versions": versions(),
    }
