"""Engines: where steps run. `local` is a pool of processes on this machine."""

from __future__ import annotations

from curator.engine.local import LocalEngine, default_workers

__all__ = ["LocalEngine", "default_workers"]
