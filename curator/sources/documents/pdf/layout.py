"""Pages as one document: reading order, paragraphs, headings, tables.

Each page is looked at twice, so that few need to be held: first for what repeats at
its edges and how large the letters are, then for its text.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from curator.sources.documents.pdf.assembly import outlined
from curator.sources.documents.pdf.furniture import Furniture
from curator.sources.documents.pdf.lines import Line, lines_of
from curator.sources.documents.pdf.mending import compounds
from curator.sources.documents.pdf.order import Columns
from curator.sources.documents.pdf.page import Box, Page
from curator.sources.documents.pdf.paragraphs import Block, blocks_of
from curator.sources.documents.pdf.ruled import Grid, ruled_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from curator.types import Part

_MOST_COMPOUNDS = 20_000


class Pages(Protocol):
    """The pages of a document, in order, which can be gone through twice."""

    def first(self) -> Iterable[Page]:
        """Return the pages; their rules may be missing."""

    def again(self) -> Iterable[Page]:
        """Return the pages, complete."""


def laid_out(pages: Pages) -> tuple[Sequence[Part], dict[str, str]]:
    """Return the blocks of a document, and what is to be known of it.

    Raises:
        UnreadableError: `pages` raises it.

    """
    survey = _Survey()
    for page in pages.first():
        survey.look(page)
    blocks: list[Block] = []
    columns = Columns()
    left_out = 0
    for number, page in enumerate(pages.again()):
        if survey.mono:
            for word in page.words:
                word.mono = False
        page.words, dropped = survey.furniture.taken_off(page, number)
        left_out += dropped
        blocks += _page_blocks(page, columns, survey.hyphenated)
    meta = {"pages": str(survey.pages)}
    if left_out:
        meta["left_out"] = f"{left_out} lines of headers, footers and page numbers"
    if survey.blank:
        meta["pages_without_text"] = ", ".join(map(str, survey.blank))
    outline = outlined(blocks, survey.sizes, survey.bold, survey.hyphenated, survey.units)
    return outline.parts, meta


class _Survey:
    """What is to be known of all pages before the first is laid out."""

    def __init__(self) -> None:
        self.furniture = Furniture()
        self.sizes: Counter[float] = Counter()
        self.hyphenated: set[str] = set()
        self.blank: list[int] = []
        self.units: dict[int, float] = {}
        self.pages = self.characters = self._bold = self._mono = 0

    @property
    def bold(self) -> float:
        return self._bold / max(1, self.characters)

    @property
    def mono(self) -> bool:
        """Whether even the running text is in letters of one width, so that they mean nothing."""
        return self._mono * 2 > self.characters

    def look(self, page: Page) -> None:
        self.pages += 1
        self.units[page.number] = page.unit
        self.furniture.learn(page)
        for word in page.words:
            self.sizes[round(word.size * 2) / 2] += len(word.text)
            self.characters += len(word.text)
            self._bold += len(word.text) * word.bold
            self._mono += len(word.text) * word.mono
            if "-" in word.text and len(self.hyphenated) < _MOST_COMPOUNDS:
                self.hyphenated |= compounds(word.text)
        self.characters += sum(map(len, page.turned))
        if not page.words and not page.turned:
            self.blank.append(page.number)


def _page_blocks(page: Page, columns: Columns, hyphenated: set[str]) -> list[Block]:
    grids = ruled_tables(page.rules, page.words)
    taken = {id(word) for grid in grids for word in grid.words}
    pieces: list[Line | Grid] = [*lines_of([w for w in page.words if id(w) not in taken]), *grids]
    blocks: list[Block] = []
    for region in columns.regions(pieces):
        blocks += blocks_of(region, page.number, hyphenated)
    whole = Box(0, 0, page.width, page.height)
    blocks += [Block("paragraph", text, whole, page.number) for text in page.turned if text.strip()]
    return blocks
