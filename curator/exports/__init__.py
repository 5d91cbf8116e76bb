"""Exports: views of what is kept, record plus edits plus decision, with manifest and card."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curator.exports.instruction import export_instruction, load_instruction
    from curator.exports.rag import export_rag, load_rag

__all__ = ["EXPORTS", "export_instruction", "export_rag", "load_instruction", "load_rag"]

EXPORTS = {"instruction": "export_instruction", "rag": "export_rag"}
"""Every export by its name, in the order in which `run` writes them; and its function here."""


def __getattr__(name: str) -> Any:
    """Import an export when it is asked for: who writes one waits for no other's modules."""
    module = name.partition("_")[2]
    if name in __all__ and module in EXPORTS:
        return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(name)
