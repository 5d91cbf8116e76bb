"""Known text as pictures of pages, as a scanner gives it: PDFs without a text layer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pypdfium2
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from PIL import Image

SONG = "STSong-Light"
"""A Chinese font that is not part of the file: PDFium takes one of the system's."""

WIDTH, HEIGHT = 595, 842
MARGIN, LEADING = 60, 1.6
pdfmetrics.registerFont(UnicodeCIDFont(SONG))

Text = tuple[float, float, float, str]
"""x and y from the top left, the size of the letters, and what stands there."""


def lines(texts: Iterable[str], size: float = 11, top: float = 80) -> list[Text]:
    """Return lines below each other."""
    return [(MARGIN, top + i * LEADING * size, size, text) for i, text in enumerate(texts)]


def pictured(texts: Sequence[Text], dpi: int = 150, turned: int = 0) -> Image.Image:
    """Return a page as a picture, turned by so many degrees."""
    drawn = io.BytesIO()
    canvas = Canvas(drawn, pagesize=(WIDTH, HEIGHT))
    for x, y, size, text in texts:
        canvas.setFont(SONG, size)
        canvas.drawString(x, HEIGHT - y, text)
    canvas.save()
    with pypdfium2.PdfDocument(drawn.getvalue()) as document:
        picture = document[0].render(scale=dpi / 72).to_pil().convert("L")
    return picture.rotate(turned, expand=True, fillcolor=255)


def scanned(path: Path, pictures: Iterable[Image.Image | Sequence[Text]]) -> Path:
    """Write a PDF whose pages are pictures; a list of texts is a page with a text layer."""
    canvas = Canvas(str(path))
    for page in pictures:
        if isinstance(page, list | tuple):
            canvas.setPageSize((WIDTH, HEIGHT))
            for x, y, size, text in page:
                canvas.setFont(SONG, size)
                canvas.drawString(x, HEIGHT - y, text)
        else:
            width, height = sorted((WIDTH, HEIGHT), reverse=page.width > page.height)
            canvas.setPageSize((width, height))
            canvas.drawImage(ImageReader(page), 0, 0, width, height)
        canvas.showPage()
    canvas.save()
    return path


def is_legible() -> bool:
    """Whether the system has a font with which Chinese comes out."""
    return min(pictured([(MARGIN, 100, 30, "门诊")]).getdata()) < 128


def errors(expected: str, read: str) -> int:
    """Return how many characters must be put in, left out or exchanged to make one of the other.

    Levenshtein's distance; spaces do not count.
    """
    a, b = "".join(expected.split()), "".join(read.split())
    before = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (char != other)))
        before = row
    return before[-1]
