"""Pages that are pictures: read by OCR into the same words that a text layer gives.

What OCR is not sure of is kept, and its place is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.models.ocr import LONGEST_SIDE, MODEL, ImageReader
from curator.sources.documents.pdf.page import Box, Page, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.models.ocr import ReadImage, ReadLine

FLOOR = 0.9
"""A line of less confidence is doubtful: of lines of blurred scans below it, nearly all had one
character in twenty wrong or more; of those above 0.95, hardly any."""

_DPI = 200
_MOST_TOLD = 100
_ALIKE = 0.25
"""Boxes around letters of one size differ by so much: some reach above, some below."""

_DROP = 0.22
"""How far below the line that they stand on the boxes reach, as a share of their height."""


@dataclass
class Scans:
    """Reads pictures of pages, and keeps account of how sure it was."""

    pages: list[int] = field(default_factory=list)
    _doubtful: list[str] = field(default_factory=list)
    _letters: int = 0
    _sure: float = 0.0
    _reader: ImageReader | None = None

    def read(self, image: NDArray[np.uint8], scale: float, number: int) -> Page:
        """Return what stands on a page; `scale` is how many pixels of its picture a point is.

        Raises:
            ModelError: the weights are not the pinned ones.

        """
        self._reader = self._reader or ImageReader()
        found = self._reader.read(image)
        page = _page(found, number, scale)
        if page.words:
            self.pages.append(number)
        for line in found.lines:
            letters = sum(len(word.text) for word in line.words)
            self._letters += letters
            self._sure += letters * line.confidence
            if line.confidence < FLOOR:
                box = ",".join(str(round(v / scale)) for v in _box(line))
                self._doubtful.append(f"page {number} box {box} ({line.confidence:.2f})")
        return page

    def told(self) -> dict[str, str]:
        """Return what is to be known of what was read: where, by what, and how surely."""
        if not self.pages:
            return {}
        pages = ", ".join(map(str, self.pages))
        sure = self._sure / max(1, self._letters)
        meta = {"ocr": f"read by OCR ({MODEL}, confidence {sure:.2f}): pages {pages}"}
        if self._doubtful:
            more = len(self._doubtful) - _MOST_TOLD
            rest = [f"and {more} more"] if more > 0 else []
            meta["ocr_doubtful"] = "; ".join([*self._doubtful[:_MOST_TOLD], *rest])
        return meta


def is_picture(page: Any, found: Page) -> bool:
    """Whether a page of pypdfium2 shows something, but not as text that can be read."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - only PDF files need it

    if found.unmapped * 2 > found.characters:
        return True
    return not found.characters and pdfium.FPDFPage_CountObjects(page.raw) > 0


def rendered(page: Any) -> tuple[NDArray[np.uint8], float]:
    """Return the picture of a page of pypdfium2, and how many pixels a point is.

    What is filled into forms is left out.
    """
    longest = max(page.get_size())
    scale = min(_DPI / 72, LONGEST_SIDE / max(1.0, longest))
    picture = page.render(scale=scale, may_draw_forms=False, draw_annots=False, prefer_bgrx=False)
    image: NDArray[np.uint8] = picture.to_numpy()
    if image.ndim == 2 or image.shape[2] == 1:
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3]), scale


def _box(line: ReadLine) -> Box:
    return Box(line.words[0].x0, line.y0, line.words[-1].x1, line.y1)


def _page(found: ReadImage, number: int, scale: float) -> Page:
    sizes = _even([line.size for line in found.lines])
    words = []
    for line, size in zip(found.lines, sizes, strict=True):
        y0, y1 = line.y0 / scale, line.y1 / scale
        base = y1 - _DROP * (y1 - y0)
        words += [
            Word(
                word.text,
                Box(word.x0 / scale, y0, word.x1 / scale, y1),
                base,
                size / scale,
                bold=False,
                spaced=word.spaced,
            )
            for word in line.words
        ]
    return Page(number, found.width / scale, found.height / scale, words, [])


def _even(sizes: list[float]) -> list[float]:
    """Return sizes of letters with those made equal that differ by chance alone."""
    out = list(sizes)
    left = sorted(range(len(sizes)), key=sizes.__getitem__)
    while left:
        middle = median(sizes[i] for i in left)
        near = [i for i in left if abs(sizes[i] - middle) <= _ALIKE * middle]
        for i in near:
            out[i] = middle
        left = [i for i in left if i not in near] if near else []
    return out
