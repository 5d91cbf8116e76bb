"""What stands around the text of every page: headers, footers and page numbers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.sources.documents.pdf.lines import line_text, rows_of

if TYPE_CHECKING:
    from curator.sources.documents.pdf.page import Page, Word

_ROWS = 3
"""How many rows at each edge may be furniture."""

_ZONE = 0.14
"""The share of the page's height in which they stand."""

_NUMBER = re.compile(
    r"[-–—~·|\[(\s]*(?:(?:page|p\.|seite|página)\s*)?(?:\d{1,4}|[ivxl]{1,7})"
    r"(?:\s*(?:of|/|von|de)\s*\d{1,4})?[-–—~·|\])\s]*"
    r"|第?\s*[\d〇一二三四五六七八九十百]{1,5}\s*[页頁](?:\s*[,，/|]?\s*[共总]\s*\d{1,4}\s*[页頁])?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")


@dataclass
class Furniture:
    """Learns from all pages what repeats at their edges, then takes it off each."""

    _edges: list[dict[int, tuple[str, float]]] = field(default_factory=list)
    _alone: list[set[int]] = field(default_factory=list)
    _often: Counter[tuple[bool, str, int]] = field(default_factory=Counter)

    def learn(self, page: Page) -> None:
        """Note the rows at the edges of the next page."""
        rows = rows_of(page.words)
        edges: dict[int, tuple[str, float]] = {}
        alone: set[int] = set()
        for at in [*range(min(_ROWS, len(rows))), *range(-1, -1 - min(_ROWS, len(rows)), -1)]:
            base = rows[at][0].base
            place = base / max(1.0, page.height)
            if not (place < _ZONE if at >= 0 else place > 1 - _ZONE):
                continue
            text = line_text(rows[at])
            key = _DIGITS.sub("0", text)
            edges[at] = (key, base)
            if at in (0, -1) and (_NUMBER.fullmatch(text) or _numbered(rows[at])):
                alone.add(at)
        self._edges.append(edges)
        self._alone.append(alone)
        self._often.update({place for at, said in edges.items() for place in _places(at, said)})

    def taken_off(self, page: Page, index: int) -> tuple[list[Word], int]:
        """Return the words of a page without its furniture, and how many rows were that."""
        edges, alone = self._edges[index], self._alone[index]
        fewest = 2 if len(self._edges) <= 5 else 3
        drop: set[int] = set()
        for way in (range(_ROWS), range(-1, -1 - _ROWS, -1)):
            for at in way:
                if at not in edges:
                    break
                often = max(self._often[place] for place in _places(at, edges[at])[:1])
                if at not in alone and (often < fewest or len(self._edges) < 2):
                    break
                drop.add(at)
        if not drop:
            return page.words, 0
        rows = rows_of(page.words)
        dropped = {i % len(rows) for i in drop}
        return [w for i, row in enumerate(rows) if i not in dropped for w in row], len(dropped)


def _places(at: int, said: tuple[str, float]) -> list[tuple[bool, str, int]]:
    """Return the places that a row counts for: its own first, and those just beside it."""
    text, base = said
    place = round(base / 4)
    return [(at >= 0, text, place), (at >= 0, text, place - 1), (at >= 0, text, place + 1)]


def _numbered(row: list[Word]) -> bool:
    """Whether a number stands at one end of a row, far from the rest of it."""
    if len(row) < 2:
        return False
    ends = ((row[0], row[1].box.x0 - row[0].box.x1), (row[-1], row[-1].box.x0 - row[-2].box.x1))
    return any(w.text.isdecimal() and len(w.text) <= 4 and gap > 1.5 * w.size for w, gap in ends)
