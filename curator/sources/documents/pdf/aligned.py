"""Tables without rules: rows whose pieces stand in columns that stay clear of each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from curator.sources.documents.pdf.lines import line_text
from curator.sources.documents.pdf.mending import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.sources.documents.pdf.lines import Line
    from curator.sources.documents.pdf.page import Word

_FEWEST_ROWS = 2
_TRIES = 6
"""How many rows at the end of a run may be given up until the rest makes a table."""

_APART = 2.6
"""Rows further apart than this times the size of their letters are not of one table."""

_GUTTER = 0.6
"""The least width of what parts two columns, in sizes of the letters."""


@dataclass(slots=True)
class Row:
    """The pieces that stand beside each other."""

    lines: list[Line]

    @property
    def words(self) -> list[Word]:
        """All words, from left to right."""
        return [w for line in self.lines for w in line.words]

    @property
    def base(self) -> float:
        """The y that the row stands on."""
        return max(self.lines, key=lambda line: line.box.x1 - line.box.x0).base

    @property
    def size(self) -> float:
        """The size of its letters."""
        return max(self.lines, key=lambda line: line.box.x1 - line.box.x0).size


def tables_in(rows: Sequence[Row]) -> list[tuple[int, int, list[list[str]]]]:
    """Return the tables among rows: the first row, the row after the last one, the cells."""
    found = []
    at = 0
    while at < len(rows):
        end = _reach(rows, at) if len(rows[at].lines) > 1 else at
        if end - at >= _FEWEST_ROWS and _is_prose(rows[at:end]):
            at = end
            continue
        table = None
        for _ in range(_TRIES):
            if end - at < _FEWEST_ROWS:
                break
            table = _table(rows[at:end])
            if table is not None:
                break
            end = max((i for i in range(at, end) if len(rows[i - 1].lines) > 1), default=at)
        if table is None:
            at += 1
            continue
        found.append((at, end, table))
        at = end
    return found


def _reach(rows: Sequence[Row], at: int) -> int:
    """Return the row after the last that may belong to a table that begins at `at`."""
    end = last = at + 1
    while end < len(rows):
        row, above = rows[end], rows[end - 1]
        if row.base - above.base > _APART * max(row.size, above.size):
            break
        if len(row.lines) > 1:
            last = end + 1
        elif end - last >= 2 or _is_wide(row, rows[at:last]):
            break
        end += 1
    # What stands in one column below the last full row, and close to it, continues it.
    while last < end and not _is_wide(rows[last], rows[at:last]):
        if rows[last].lines[0].box.x0 <= min(r.lines[0].box.x0 for r in rows[at:last]) + 1:
            break
        last += 1
    return last


def _is_wide(row: Row, above: Sequence[Row]) -> bool:
    """Whether a row of one piece reaches over the gaps between the pieces of rows above."""
    line = row.lines[0]
    crossed = 0
    full = [r for r in above if len(r.lines) > 1][-4:]
    for other in full:
        gaps = pairwise(other.lines)
        crossed += any(line.box.x0 < a.box.x1 and line.box.x1 > b.box.x0 for a, b in gaps)
    return crossed * 2 > len(full)


def _table(rows: Sequence[Row]) -> list[list[str]] | None:
    """Return the cells, None where the pieces make no columns."""
    size = sorted(row.size for row in rows)[len(rows) // 2]
    columns = _columns(rows, _GUTTER * size)
    if len(columns) < 2:
        return None
    cells = [_cut(row, columns) for row in rows]
    filled = [sum(bool(c) for c in row) for row in cells]
    if sum(n >= 2 for n in filled) < _FEWEST_ROWS or sum(n >= 2 for n in filled) * 2 < len(rows):
        return None
    if len(columns) == 2 and not _is_list_of_two(cells, len(rows)):
        return None
    return _with_lines_joined(cells, rows)


def _columns(rows: Sequence[Row], gutter: float) -> list[tuple[float, float]]:
    """Return the extents of the columns: what is left when all words are cast down.

    A row of one piece says nothing about columns (it may be a heading between rows).
    """
    spans = sorted((w.box.x0, w.box.x1) for row in rows if len(row.lines) > 1 for w in row.words)
    columns: list[tuple[float, float]] = []
    for x0, x1 in spans:
        if columns and x0 - columns[-1][1] < gutter:
            columns[-1] = (columns[-1][0], max(columns[-1][1], x1))
        else:
            columns.append((x0, x1))
    return columns


def _cut(row: Row, columns: list[tuple[float, float]]) -> list[str]:
    held: list[list[Word]] = [[] for _ in columns]
    for word in row.words:
        middle = (word.box.x0 + word.box.x1) / 2
        near = min(
            range(len(columns)),
            key=lambda i: max(columns[i][0] - middle, middle - columns[i][1], 0.0),
        )
        held[near].append(word)
    if len(row.lines) == 1:
        first = next(i for i, words in enumerate(held) if words)
        return [line_text(row.words) if i == first else "" for i in range(len(columns))]
    return [line_text(words) if words else "" for words in held]


def _is_list_of_two(cells: list[list[str]], rows: int) -> bool:
    """Whether two columns are a table: short cells, in three rows at least."""
    lengths = sorted(len(text) for row in cells for text in row if text)
    both = sum(all(row) for row in cells)
    return both >= 3 and both * 3 >= 2 * rows and lengths[len(lengths) // 2] <= 40


def _is_prose(rows: Sequence[Row]) -> bool:
    """Whether the pieces are running text in columns: long, many, and of like width."""
    pieces = [line for row in rows for line in row.lines]
    if len(rows) < 4:
        return False
    lengths = sorted(piece.length for piece in pieces)
    widths = sorted(piece.box.x1 - piece.box.x0 for piece in pieces)
    typical = widths[len(widths) * 3 // 4]
    alike = sum(width >= 0.75 * typical for width in widths)
    return lengths[len(lengths) // 2] >= 24 and alike * 4 >= 3 * len(pieces)


def _with_lines_joined(cells: list[list[str]], rows: Sequence[Row]) -> list[list[str]]:
    """Put lines of one cell together, where they stand closer than the rows do."""
    gaps = [b.base - a.base for a, b in pairwise(rows)]
    if not gaps:
        return cells
    wide = max(gaps)
    if min(gaps) > 0.75 * wide:
        return cells
    out = [cells[0]]
    for gap, row in zip(gaps, cells[1:], strict=True):
        lone = not row[0] and sum(bool(c) for c in row) < len(row)
        if gap < 0.75 * wide and lone and any(out[-1]):
            out[-1] = [
                joined([a, b]) if a and b else a or b for a, b in zip(out[-1], row, strict=True)
            ]
        else:
            out.append(row)
    return out
