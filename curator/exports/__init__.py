"""Exports: views of what is kept, record plus edits plus decision, with manifest and card."""

from __future__ import annotations

from curator.exports.instruction import export_instruction, load_instruction
from curator.exports.rag import export_rag, load_rag

__all__ = ["EXPORTS", "export_instruction", "export_rag", "load_instruction", "load_rag"]

EXPORTS = {"instruction": export_instruction, "rag": export_rag}
"""Every export by its name, in the order in which `run` writes them."""
