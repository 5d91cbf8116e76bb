"""Checkpoints: marked when they are whole, kept by rule."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.workspace import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = "whole.json"


def mark(folder: Path | str, step: int, facts: Mapping[str, Any]) -> None:
    """Mark a checkpoint as whole; `facts` are what goes on counting when it is resumed."""
    write_json(Path(folder) / f"checkpoint-{step}" / _MARK, {"step": step, **facts})


def latest(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest checkpoint that is whole, and its facts; remove what is not whole."""
    found = []
    for path in folder.glob("checkpoint-*"):
        if (path / _MARK).is_file():
            found.append((int(path.name.rpartition("-")[2]), path))
        else:
            shutil.rmtree(path, ignore_errors=True)
    if not found:
        return None
    path = max(found)[1]
    return path, read_json(path / _MARK)


def prune(folder: Path | str, keep: int, best: str | None) -> None:
    """Remove all checkpoints but the `keep` newest and the best one."""
    numbered = {int(p.name.rpartition("-")[2]): p for p in Path(folder).glob("checkpoint-*")}
    stay = {numbered[step] for step in sorted(numbered)[-keep:]}
    for path in numbered.values():
        if path not in stay and path.name != Path(best or "").name:
            shutil.rmtree(path, ignore_errors=True)
