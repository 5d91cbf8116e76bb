"""Engines: where steps run. `local` is a pool of processes on this machine, `ray` a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.engine.local import LocalEngine, default_workers

if TYPE_CHECKING:
    from pathlib import Path

    from curator.protocols import Progress

__all__ = ["LocalEngine", "default_workers", "engine_of"]


def engine_of(name: str, workers: int | None, store: Path, progress: Progress) -> LocalEngine:
    """Return the engine of a name, to be entered.

    Args:
        name: `local`, `ray` (a Ray of its own on this machine) or `ray://HOST:PORT`.
        workers: how many; by default as many as suit it.
        store: a folder of the workspace.
        progress: is told how far each stage is.

    """
    if name == "local":
        return LocalEngine(workers or default_workers(), progress)
    from curator.engine.ray import RayEngine  # noqa: PLC0415 - needs an extra

    return RayEngine(store, name.removeprefix("ray").removeprefix("://") or None, workers, progress)
