"""The Ray engine: the local engine's steps, made by workers on the nodes of a Ray cluster."""

from __future__ import annotations

from curator.engine.ray.engine import RayEngine

__all__ = ["RayEngine"]
