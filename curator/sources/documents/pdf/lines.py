"""Words on a page as lines, and lines as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from curator.sources.documents.pdf.mending import is_cjk, no_space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.sources.documents.pdf.page import Box, Word

GAP = 1.0
"""A gap of more than this times the size of the letters parts a line into pieces."""

_UNITS = frozenset(("cm", "mm", "km", "dm", "nm", "m"))
_LETTERS = re.compile(r"[^\W\d_]{2,}[,.;:”\"’)]?$|[,.;。，；：）]$")


@dataclass(slots=True)
class Line:
    """Words that stand on one line without a wide gap, from left to right."""

    words: list[Word]
    box: Box

    @property
    def size(self) -> float:
        """The size of most of the letters."""
        sizes: dict[float, int] = {}
        for word in self.words:
            sizes[word.size] = sizes.get(word.size, 0) + len(word.text)
        return max(sizes, key=lambda size: (sizes[size], size))

    @property
    def length(self) -> int:
        """How many characters it holds, wide ones counted twice."""
        return length_of(self.words)

    @property
    def base(self) -> float:
        """The y that most of the letters stand on."""
        size = self.size
        return max((w for w in self.words if w.size == size), key=lambda w: len(w.text)).base

    @property
    def bold(self) -> bool:
        """Whether nearly all of it is bold."""
        bold = sum(len(w.text) for w in self.words if w.bold)
        return bold * 10 >= 9 * sum(len(w.text) for w in self.words)

    @property
    def mono(self) -> bool:
        """Whether all of it is in a font whose letters are of one width."""
        return all(word.mono for word in self.words)

    @property
    def text(self) -> str:
        """The words with what stands between them."""
        return line_text(self.words)


def length_of(words: Sequence[Word]) -> int:
    """Return how many characters words hold, wide ones counted twice."""
    return sum(2 * len(w.text) if is_cjk(w.text[0]) else len(w.text) for w in words)


def rows_of(words: Sequence[Word]) -> list[list[Word]]:
    """Return the words that stand beside each other, row by row from above, left to right."""
    rows: list[tuple[float, float, list[Word]]] = []
    for word in sorted(words, key=lambda w: (w.base, w.box.x0)):
        middle = word.base - 0.3 * word.size
        for at in range(len(rows) - 1, max(-1, len(rows) - 6), -1):
            top, bottom, row = rows[at]
            # Raised and lowered marks overlap the line that they belong to.
            if top <= middle <= bottom or (
                word.box.y0 < (top + bottom) / 2 < word.box.y1
                and abs(word.base - row[0].base) < 0.5 * word.size
            ):
                row.append(word)
                if word.size > row[0].size:
                    rows[at] = (word.base - 0.75 * word.size, word.base + 0.1 * word.size, row)
                break
        else:
            rows.append((word.base - 0.75 * word.size, word.base + 0.1 * word.size, [word]))
    for _, _, row in rows:
        row.sort(key=lambda w: w.box.x0)
    return [row for _, _, row in rows]


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Return the lines, parted where the gap between words is wide."""
    lines: list[Line] = []
    for row in rows_of(words):
        held: list[Word] = []
        for word in row:
            if held:
                reach = max(w.box.x1 for w in held[-3:])
                if word.box.x0 - reach > GAP * max(word.size, held[-1].size):
                    lines.append(line_of(held))
                    held = []
            held.append(word)
        if held:
            lines.append(line_of(held))
    return lines


def line_of(words: list[Word]) -> Line:
    """Return words as one line."""
    box = words[0].box
    for word in words[1:]:
        box = box.around(word.box)
    return Line(words, box)


def line_text(words: Sequence[Word]) -> str:
    """Return words with spaces where a reader sees them."""
    between = [p for p in pairwise(words) if no_space(p[0].text[-1], p[1].text[0])]
    # Where gaps stand after every few Han characters, none of them means anything.
    meant = 4 * len(between) <= sum(len(w.text) for w in words)
    text = words[0].text if words else ""
    for left, right in pairwise(words):
        text += f" {right.text}" if _space_between(left, right, meant=meant) else right.text
    return text


def _space_between(left: Word, right: Word, *, meant: bool) -> bool:
    gap = right.box.x0 - left.box.x1
    if no_space(left.text[-1], right.text[0]):
        return gap > 1.5 * right.size or (meant and gap > 0.2 * right.size)
    if is_cjk(left.text[-1]) or is_cjk(right.text[0]):
        return right.spaced or gap > 0.6 * right.size
    if not right.spaced and gap < 0.12 * right.size:
        raised = right.size < 0.85 * left.size and right.base < left.base - 0.15 * left.size
        return raised and bool(_LETTERS.search(left.text)) and left.text not in _UNITS
    return True
