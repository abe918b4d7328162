"""Writing a directory as one step."""

from __future__ import annotations

import os
import pathlib
import shutil


def publish(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies the SavedModel `source` to `target` so that nobody sees half of it there.

    A new directory is copied aside and renamed. In one that exists, files are replaced one by one,
    the model file last, and files of other names stay, as when TensorFlow saves into it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            shutil.copytree(source, aside, copy_function=shutil.copyfile)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return
    files = [path for path in source.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.name == "saved_model.pb"):
        _replace(path, target / path.relative_to(source))


def _replace(source: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
