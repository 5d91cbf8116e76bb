"""Pictures of pages (PNG, JPEG, TIFF): read by OCR, laid out as a PDF's pages are.

A locator is in pixels of the picture, as a viewer shows it: `page 1 box 72,90,520,140`.
A TIFF may hold many pages. Among the files of a chat's export most pictures are photos,
so a picture is read where its source is named as one: the file, `scans/*.png`, `--as image`.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import SourceError
from curator.models.ocr import MISSING, installed
from curator.sources.conversations import UnreadableError
from curator.sources.documents.pdf.layout import laid_out
from curator.sources.documents.pdf.scans import Scans
from curator.sources.documents.text import DAMAGE, read_whole
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format, suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from curator.sources.documents.pdf.page import Page
    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

MOST_PIXELS = 200_000_000
_PAPER = 842.0
"""Points of the longer side of a sheet, which a picture is taken for."""

_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff")
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    if not installed():
        raise UnreadableError(f"no text layer; {MISSING}")
    scans = Scans()
    with _picture(reading) as picture:
        parts, meta = laid_out(_Frames(picture, scans))
    return parts, meta | scans.told()


@contextmanager
def _picture(reading: Reading) -> Iterator[Any]:
    from PIL import Image  # noqa: PLC0415 - only pictures need it

    with opened(reading.path) as stream:
        try:
            picture = Image.open(stream)
        except Image.DecompressionBombError:
            raise _too_large() from None
        with picture:
            yield picture


def _too_large() -> UnreadableError:
    return UnreadableError(f"a picture of more than {MOST_PIXELS // 1_000_000} million pixels")


class _Frames:
    """The pages of a picture; one picture is held at a time, what it says is kept."""

    def __init__(self, picture: Any, scans: Scans) -> None:
        self._picture, self._scans = picture, scans
        self._read: list[Page] = []

    def first(self) -> Iterator[Page]:
        """Read each page.

        Raises:
            UnreadableError: a page is too large or damaged, or there is no text at all.

        """
        for number in range(1, getattr(self._picture, "n_frames", 1) + 1):
            try:
                self._picture.seek(number - 1)
                image = _pixels(self._picture)
            except (*DAMAGE, struct.error):
                raise UnreadableError(f"a damaged picture, page {number}") from None
            unit = max(image.shape) / _PAPER
            page = self._scans.read(image, unit, number)
            page.unit = unit
            self._read.append(page)
            yield page
        if not any(page.words for page in self._read):
            raise UnreadableError("no text that OCR finds")

    def again(self) -> Iterator[Page]:
        """Yield the pages as they were read."""
        return iter(self._read)


def _pixels(picture: Any) -> NDArray[np.uint8]:
    """Return a picture as (height, width, 3) in blue, green, red, upright and on white."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - as above

    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large()
    if picture.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel
        values = np.asarray(picture, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) * (255 / (high - low) if high > low else 0)
        upright = Image.fromarray(scaled.astype(np.uint8))
    else:
        upright = ImageOps.exif_transpose(picture)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1])


def _recognise(start: Start) -> float:
    if not is_picture(start.data):
        return 0.0
    named = Path(start.source.path)
    if named.name != start.path.name and suffix(named) not in _SUFFIXES:
        raise SourceError(
            f"{start.path}: a picture, which is read where it is named (scans/*.png) or --as image",
            "name the file, a pattern of such files, or say --as image",
        )
    return PROVEN


def is_picture(data: bytes) -> bool:
    """Whether a file that begins so is a picture of a kind that is read."""
    return data.startswith(_STARTS)


FORMATS = (
    Format(
        "image",
        "document",
        "picture of a page (PNG, JPEG, TIFF), read by OCR with the extra ocr",
        "页面图片（PNG、JPEG、TIFF），需安装 ocr 附加包识别文字",
        _recognise,
        read_file,
        binary=True,
    ),
)
