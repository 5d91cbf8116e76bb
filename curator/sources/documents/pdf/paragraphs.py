"""The pieces of a region as blocks: paragraphs put together again, list items, tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from curator.sources.documents.grids import markdown_table
from curator.sources.documents.pdf.aligned import Row, tables_in
from curator.sources.documents.pdf.lines import Line, line_of
from curator.sources.documents.pdf.mending import is_cjk, joined
from curator.sources.documents.pdf.ruled import Grid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from curator.sources.documents.pdf.page import Box

_BULLET = re.compile(r"([•·●○▪■◦‣⁃∙➢✓◆◇□★※►▶]|[-–—](?=\s))\s*")
_LEADERS = re.compile(r"\s*(?:[.·․‥…]\s?){5,}\s*")
"""The dots between a title and its page in a table of contents."""

_ENDS = re.compile(r"[.。!！?？:：;；…][\"”’』」)）\]]*$")
_NUMBERED = re.compile(
    r"(?:\d{1,2}[.)、．）](?!\d)|[(（]\d{1,2}[)）]|[a-zA-Z][)）]|[(（][a-z一二三四五六七八九十]{1,3}[)）]"
    r"|[一二三四五六七八九十]{1,3}、|[\u2460-\u2473])\s*\S"
)


@dataclass(slots=True)
class Block:
    """A paragraph, a list item or a table of a page.

    parted, indented, full, opens, closes: whether there are wide gaps in its lines, its
    first line is indented, its last line reaches the edge, and it is the first and the
    last block of its region.
    """

    role: str
    text: str
    box: Box
    page: int
    size: float = 0.0
    bold: bool = False
    lines: int = 1
    parted: bool = False
    indented: bool = False
    full: bool = False
    opens: bool = False
    closes: bool = False
    boxes: list[tuple[int, Box]] = field(default_factory=list)


def blocks_of(pieces: Sequence[Line | Grid], page: int, hyphenated: Collection[str]) -> list[Block]:
    """Return the blocks of a region, from above."""
    out: list[Block] = []
    held: list[Line] = []
    edge = max((piece.box.x1 for piece in pieces), default=0.0)
    for piece in [*pieces, None]:
        if isinstance(piece, Line):
            held.append(piece)
            continue
        out += _texts(_rows(held), edge, page, hyphenated)
        held = []
        if isinstance(piece, Grid):
            out.append(Block("table", markdown_table(piece.rows), piece.box, page))
    if out:
        out[0].opens = out[-1].closes = True
    return [block for block in out if block.text.strip()]


def _rows(lines: list[Line]) -> list[Row]:
    rows: list[Row] = []
    for line in sorted(lines, key=lambda x: (x.base, x.box.x0)):
        size = min(line.size, rows[-1].size) if rows else 0
        if rows and abs(line.base - rows[-1].base) < 0.5 * size:
            rows[-1].lines.append(line)
            rows[-1].lines.sort(key=lambda x: x.box.x0)
        else:
            rows.append(Row([line]))
    return rows


def _texts(rows: list[Row], edge: float, page: int, hyphenated: Collection[str]) -> Iterator[Block]:
    for is_code, group in groupby(rows, key=lambda row: all(line.mono for line in row.lines)):
        same = list(group)
        if is_code and len(same) > 1:
            yield _code(same, page)
            continue
        at = 0
        for start, end, cells in tables_in(same):
            yield from _paragraphs(same[at:start], edge, page, hyphenated)
            box = line_of([w for row in same[start:end] for w in row.words]).box
            yield Block("table", markdown_table(cells), box, page)
            at = end
        yield from _paragraphs(same[at:], edge, page, hyphenated)


def _code(rows: list[Row], page: int) -> Block:
    """Return lines in letters of one width as they stand, indents and gaps included."""
    box = line_of([w for row in rows for w in row.words]).box
    lines: list[str] = []
    for i, row in enumerate(rows):
        if i and row.base - rows[i - 1].base > 1.8 * row.size:
            lines.append("")
        letters = sum(len(w.text) for w in row.words)
        width = sum(w.box.x1 - w.box.x0 for w in row.words) / letters or 1.0
        line = ""
        for word in row.words:
            column = round((word.box.x0 - box.x0) / width)
            line = line.ljust(max(column, len(line) + 1 if line else 0)) + word.text
        lines.append(line)
    fence = "~~~~" if any("```" in line for line in lines) else "```"
    return Block("code", "\n".join([fence, *lines, fence]), box, page)


def _paragraphs(
    rows: list[Row], edge: float, page: int, hyphenated: Collection[str]
) -> Iterator[Block]:
    lines = [line_of(row.words) for row in rows]
    for stack in _stacks(lines):
        left, right = min(x.box.x0 for x in stack), _edge(stack, edge)
        hanging = _is_hanging(stack, left)
        held: list[Line] = []
        for line in stack:
            if held and _begins(line, held, left, right, hanging=hanging):
                yield _block(held, page, left, right, hyphenated)
                held = []
            held.append(line)
        if held:
            yield _block(held, page, left, right, hyphenated)


def _stacks(lines: list[Line]) -> Iterator[list[Line]]:
    """Yield the runs of lines of one size and at even distances."""
    held: list[Line] = []
    leading = float("inf")
    for i, line in enumerate(lines):
        if held:
            gap = line.base - held[-1].base
            following = lines[i + 1] if i + 1 < len(lines) else None
            if following is not None and _alike(following, line):
                leading = min(leading, max(following.base - line.base, line.size))
            if _alike(line, held[-1]) and gap <= min(1.3 * leading + 0.5, 2.1 * line.size):
                leading = min(leading, gap)
            else:
                yield held
                held, leading = [], float("inf")
        held.append(line)
    if held:
        yield held


def _alike(a: Line, b: Line) -> bool:
    return abs(a.size - b.size) <= 0.12 * max(a.size, b.size)


def _edge(stack: list[Line], region: float) -> float:
    """Return the x up to which lines of a stack might reach.

    Where few of them come close to the longest, they are short by themselves (an
    address, fields and values), and the edge is that of the region.
    """
    right = max(x.box.x1 for x in stack)
    full = sum(right - x.box.x1 < 2.5 * x.size for x in stack[:-1])
    left = min(x.box.x0 for x in stack)
    narrow = right - left < 0.7 * (region - left)
    return region if narrow and (len(stack) < 6 or full * 3 < 2 * len(stack)) else right


def _is_hanging(stack: list[Line], left: float) -> bool:
    """Whether all lines but the first of each paragraph are indented."""
    inner = [x.box.x0 > left + 0.8 * x.size for x in stack]
    if inner[0] or sum(inner) * 2 <= len(stack):
        return False
    followed = sum(not a and b for a, b in pairwise(inner))
    return followed * 4 >= 3 * (len(inner) - sum(inner))


def _begins(line: Line, held: list[Line], left: float, right: float, *, hanging: bool) -> bool:
    """Whether a line begins a paragraph, after the lines that are held."""
    above, size = held[-1], line.size
    if line.bold != above.bold:
        return True
    if _is_marked(line.text) or _LEADERS.search(above.text):
        return True
    # The first word of this line would have had room on the line above.
    first = line.words[0]
    width = size if is_cjk(first.text[0]) else first.box.x1 - first.box.x0
    room = right - above.box.x1
    amid = line.text[0].islower() and not _ENDS.search(above.text)
    if room > width + 1.0 * size and not (amid and room < 0.35 * (right - left)):
        return True
    if _is_marked(held[0].text) and line.box.x0 > held[0].box.x0 + 0.3 * size:
        return False
    inner = line.box.x0 > left + 0.8 * size
    if hanging:
        return not inner
    return inner and line.box.x0 > above.box.x0 + 0.8 * size


def _is_marked(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))


def _block(
    lines: list[Line], page: int, left: float, right: float, hyphenated: Collection[str]
) -> Block:
    text = joined([line.text for line in lines], hyphenated)
    box = lines[0].box
    for line in lines[1:]:
        box = box.around(line.box)
    text = _LEADERS.sub(" … ", text)
    role, bullet = "paragraph", _BULLET.match(text)
    if bullet:
        role, text = "list", f"- {text[bullet.end() :]}"
    elif _NUMBERED.match(text):
        role = "list"
    first, last = lines[0], lines[-1]
    return Block(
        role,
        text,
        box,
        page,
        size=max(lines, key=lambda x: x.length).size,
        bold=all(line.bold for line in lines),
        lines=len(lines),
        parted=any(
            b.box.x0 - a.box.x1 > 2 * b.size for line in lines for a, b in pairwise(line.words)
        ),
        indented=first.box.x0 > left + 0.8 * first.size,
        full=right - last.box.x1 < 1.5 * last.size,
    )
