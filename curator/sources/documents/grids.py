"""Grids of cells as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table, the first row its header; empty where no cell says anything.

    Rows and columns at the rim that are empty throughout go. A cell is one line,
    and a bar within it is escaped.
    """
    cells = [[_cell(text) for text in row] for row in rows]
    while cells and not any(cells[-1]):
        cells.pop()
    while cells and not any(cells[0]):
        cells.pop(0)
    width = max((i + 1 for row in cells for i, text in enumerate(row) if text), default=0)
    if not width:
        return ""
    first = min(next((i for i, text in enumerate(row) if text), width) for row in cells)
    lines = ["| " + " | ".join((row + [""] * width)[first:width]) + " |" for row in cells]
    lines.insert(1, "| " + " | ".join(["---"] * (width - first)) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
