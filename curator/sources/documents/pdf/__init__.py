"""PDF files with a text layer: reading order, paragraphs, headings and tables, by page and box.

Each page is looked at twice, so that few need to be held: first for what repeats at
its edges and how large the letters are, then for its text. A locator says where a
block stands: `page 3 box 72,90,520,140`, in points from the page's top left corner.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from curator.errors import SourceError
from curator.sources.conversations import UnreadableError
from curator.sources.documents.pdf.assembly import outlined
from curator.sources.documents.pdf.furniture import Furniture
from curator.sources.documents.pdf.lines import Line, lines_of
from curator.sources.documents.pdf.mending import compounds
from curator.sources.documents.pdf.order import Columns
from curator.sources.documents.pdf.page import Box, Page, read_page
from curator.sources.documents.pdf.paragraphs import Block, blocks_of
from curator.sources.documents.pdf.ruled import Grid, ruled_tables
from curator.sources.documents.text import read_whole
from curator.sources.files.lines import CHUNK, opened
from curator.sources.formats import PROVEN, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

_NO_PAGES = re.compile(rb"/Count\s+0\b")
_MOST_KEPT = 150_000
"""Words of pages that are held in memory, so that they need not be read again."""

_MOST_COMPOUNDS = 20_000


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    with _document(reading.path) as document:
        survey = _Survey()
        pages = _Pages(document)
        for number, page in pages.first():
            survey.look(page, number)
        if not survey.characters:
            raise UnreadableError("no text layer")
        if survey.unmapped * 2 > survey.characters:
            raise UnreadableError("a text layer whose fonts do not say which characters they draw")
        blocks: list[Block] = []
        columns = Columns()
        left_out = 0
        for number, page in pages.again():
            if survey.mono:
                for word in page.words:
                    word.mono = False
            page.words, dropped = survey.furniture.taken_off(page, number - 1)
            left_out += dropped
            blocks += _page_blocks(page, columns, survey.hyphenated)
        meta = {"pages": str(len(document))}
    if left_out:
        meta["left_out"] = f"{left_out} lines of headers, footers and page numbers"
    if survey.blank:
        meta["pages_without_text"] = ", ".join(map(str, survey.blank))
    outline = outlined(blocks, survey.sizes, survey.bold, survey.hyphenated)
    return outline.parts, meta


class _Survey:
    """What is to be known of all pages before the first is laid out."""

    def __init__(self) -> None:
        self.furniture = Furniture()
        self.sizes: Counter[float] = Counter()
        self.hyphenated: set[str] = set()
        self.blank: list[int] = []
        self.characters = self.unmapped = self._bold = self._mono = 0

    @property
    def bold(self) -> float:
        return self._bold / max(1, self.characters)

    @property
    def mono(self) -> bool:
        """Whether even the running text is in letters of one width, so that they mean nothing."""
        return self._mono * 2 > self.characters

    def look(self, page: Page, number: int) -> None:
        self.furniture.learn(page)
        for word in page.words:
            self.sizes[round(word.size * 2) / 2] += len(word.text)
            self.characters += len(word.text)
            self._bold += len(word.text) * word.bold
            self._mono += len(word.text) * word.mono
            if "-" in word.text and len(self.hyphenated) < _MOST_COMPOUNDS:
                self.hyphenated |= compounds(word.text)
        self.characters += sum(map(len, page.turned))
        self.unmapped += page.unmapped
        if not page.words and not page.turned:
            self.blank.append(number)


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


class _Pages:
    """The pages of a document, read twice; the first ones are kept until they are many."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._kept: dict[int, Page] = {}

    def first(self) -> Iterator[tuple[int, Page]]:
        """Yield all pages; those that are not kept come without their rules."""
        words = 0
        for number in range(1, len(self._document) + 1):
            page = self._read(number, rules=words < _MOST_KEPT)
            if words < _MOST_KEPT:
                self._kept[number] = page
            words += len(page.words)
            yield number, page

    def again(self) -> Iterator[tuple[int, Page]]:
        """Yield all pages with their rules."""
        for number in range(1, len(self._document) + 1):
            kept = number in self._kept
            yield number, self._kept.pop(number) if kept else self._read(number, rules=True)

    def _read(self, number: int, *, rules: bool) -> Page:
        from pypdfium2 import PdfiumError  # noqa: PLC0415 - only PDF files need it

        try:
            page = self._document[number - 1]
        except PdfiumError:
            raise UnreadableError("a damaged page") from None
        try:
            return read_page(page, number, rules=rules)
        finally:
            page.close()


@contextmanager
def _document(path: Path) -> Iterator[Any]:
    """Open a PDF.

    Raises:
        SourceError: it needs a password, or cannot be read.

    """
    import pypdfium2 as pdfium  # noqa: PLC0415 - only PDF files need it
    from pypdfium2 import raw  # noqa: PLC0415 - as above

    with opened(path) as stream:
        try:
            document = pdfium.PdfDocument(stream)
        except pdfium.PdfiumError as error:
            raise _unopened(
                path, stream, password=error.err_code == raw.FPDF_ERR_PASSWORD
            ) from None
        try:
            yield document
        finally:
            document.close()


def _unopened(path: Path, stream: BinaryIO, *, password: bool) -> SourceError:
    """Return why a PDF did not open; PDFium may tell the error of the file before it."""
    stream.seek(0)
    encrypted = no_pages = False
    held = b""
    while chunk := stream.read(CHUNK):
        held = held[-64:] + chunk
        encrypted = encrypted or b"/Encrypt" in held
        no_pages = no_pages or _NO_PAGES.search(held) is not None
    if password and encrypted:
        return SourceError(f"{path}: needs a password", "save it without a password")
    if no_pages:
        return SourceError(f"{path}: a PDF without pages", "remove it")
    return SourceError(f"{path}: a damaged PDF", "open it and print or save it as PDF again")


def _recognise(start: Start) -> float:
    if b"%PDF-" not in start.data[:1024]:
        if start.suffix == ".pdf" and not start.text:
            raise SourceError(
                f"{start.path}: not a PDF, whatever its name says",
                "check where it comes from, or remove it",
            )
        return 0.0
    try:
        with _document(start.path):
            return PROVEN
    except SourceError:
        if start.suffix == ".pdf" or not start.text:
            raise
        return 0.0  # a text that speaks of PDF


FORMATS = (
    Format(
        "pdf",
        "document",
        "PDF with a text layer: paragraphs, headings, tables by page",
        "带文本层的 PDF：按页给出段落、标题与表格",
        _recognise,
        read_file,
        binary=True,
    ),
)
