"""Exports: views of what is kept, record plus edits plus decision, with manifest and card."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXPORTS = ("instruction", "rag")
"""The name of every export, in the order in which `run` writes them."""


def exporter(name: str) -> Callable[..., Path]:
    """Return what writes an export; who writes one waits for no other's modules."""
    found: Callable[..., Path] = getattr(import_module(f"{__name__}.{name}"), f"export_{name}")
    return found
