"""PDF files: the text layer, what is filled into forms, and pages that are pictures, by OCR.

A locator says where a block stands: `page 3 box 72,90,520,140`, in points from the
page's top left corner.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from curator.errors import SourceError
from curator.models.ocr import MISSING, installed
from curator.sources.conversations import UnreadableError
from curator.sources.documents.pdf.forms import filled_in
from curator.sources.documents.pdf.layout import laid_out
from curator.sources.documents.pdf.page import Page, read_page
from curator.sources.documents.pdf.scans import Scans, is_picture, rendered
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


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    scans = Scans() if installed() else None
    with _document(reading.path) as document:
        parts, meta = laid_out(_Pages(document, scans))
    return parts, meta | (scans.told() if scans else {})


class _Pages:
    """The pages of a PDF, read twice; the first ones are kept until they are many.

    A page without text is read by OCR where `scans` is given, once.
    """

    def __init__(self, document: Any, scans: Scans | None) -> None:
        self._document, self._scans = document, scans
        self._kept: dict[int, Page] = {}

    def first(self) -> Iterator[Page]:
        """Yield all pages; those that are not kept come without their rules.

        Raises:
            UnreadableError: a page is damaged, or there is no text at all.

        """
        words = characters = unmapped = 0
        for number in range(1, len(self._document) + 1):
            page = self._read(number, rules=words < _MOST_KEPT)
            if words < _MOST_KEPT or (self._scans and number in self._scans.pages):
                self._kept[number] = page
            words += len(page.words)
            characters += page.characters
            unmapped += page.unmapped
            yield page
        also = ", and OCR finds no text" if self._scans else f"; {MISSING}"
        if not characters:
            raise UnreadableError(f"no text layer{also}")
        if unmapped * 2 > characters:
            fonts = "a text layer whose fonts do not say which characters they draw"
            raise UnreadableError(fonts + also)

    def again(self) -> Iterator[Page]:
        """Yield all pages with their rules."""
        for number in range(1, len(self._document) + 1):
            kept = number in self._kept
            yield self._kept.pop(number) if kept else self._read(number, rules=True)

    def _read(self, number: int, *, rules: bool) -> Page:
        from pypdfium2 import PdfiumError  # noqa: PLC0415 - only PDF files need it

        try:
            page = self._document[number - 1]
        except PdfiumError:
            raise UnreadableError("a damaged page") from None
        try:
            found = read_page(page, number, rules=rules)
            frame = found.frame
            if self._scans and is_picture(page, found):
                found = self._scans.read(*rendered(page), number)
            if frame is not None and self._document.formenv:
                found.words += filled_in(page, self._document.formenv, frame)
            return found
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
            with suppress(pdfium.PdfiumError):  # forms that cannot be opened are not read
                document.init_forms()
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
        "PDF: paragraphs, headings, tables and filled-in forms by page; scans with the extra ocr",
        "PDF：按页给出段落、标题、表格与已填表单；扫描件需安装 ocr 附加包",
        _recognise,
        read_file,
        binary=True,
    ),
)
