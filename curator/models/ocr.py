"""Text in images, Chinese and English: PP-OCRv6 (its small models) through RapidOCR.

The weights lie in the wheel, which the extra `ocr` brings; nothing is ever downloaded.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from curator.models.pins import PINS, verified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_NAME = "pp-ocrv6-small"
MODEL = PINS["ocr"][_NAME].distribution
MISSING = "text in images is read after: pip install 'curator-data[ocr]'"

LONGEST_SIDE = 3000
"""Pixels of an image's longer side; a larger image is made smaller before it is read."""

_FINDING_SIDE = 1600
"""Pixels of the longer side of what lines are looked for in; they are read at full size."""

_CONTRAST, _EMPTY_ROWS, _AROUND = 60, 48, 32
"""How much darker or lighter than the page print is (of 255); how many rows of pixels
without any part an image; how many pixels are kept around a part."""

_MOST_LINES = 5000
_MOST_THREADS = 4
_DOUBTFUL = 0.75
"""Where the mean confidence is lower, a page may stand on its head."""

_GAP = 0.6
"""A gap of more than this times a line's height parts its words: cells of a table."""

_EM = 0.73
"""The size of the letters, as a share of the height of the box that is found around them."""


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ReadWord(NamedTuple):
    """A run of characters without a space; x in pixels. `spaced`: a space stands before it."""

    text: str
    x0: float
    x1: float
    spaced: bool


class ReadLine(NamedTuple):
    """A line of text in an image: y in pixels, downwards; how large its letters are; how sure."""

    words: tuple[ReadWord, ...]
    y0: float
    y1: float
    size: float
    confidence: float


class ReadImage(NamedTuple):
    """What stands in an image, in pixels of the image turned so that its lines are upright."""

    lines: tuple[ReadLine, ...]
    width: int
    height: int


def installed() -> bool:
    """Whether the extra that reads images is there."""
    return find_spec(PINS["ocr"][_NAME].package) is not None


class ImageReader:
    """Finds and reads the lines of text in images.

    Raises:
        ModelError: the extra is not installed, or its weights are not the pinned ones.

    """

    def __init__(self) -> None:
        folder = verified("ocr", _NAME) / "models"
        from rapidocr import RapidOCR  # noqa: PLC0415 - an extra, and heavy

        # A path of its own for each model: without one the library would look for a download.
        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": 0.0,  # what is doubtful is told, never dropped
                "Global.use_cls": False,
                "Global.max_side_len": LONGEST_SIDE,
                "Global.return_word_box": True,
                "EngineConfig.onnxruntime.intra_op_num_threads": min(_MOST_THREADS, _cores()),
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Det.model_path": str(folder / "PP-OCRv6_det_small.onnx"),
                "Det.limit_side_len": _FINDING_SIDE,
                "Det.limit_type": "max",
                "Det.max_candidates": _MOST_LINES,
                "Rec.model_path": str(folder / "PP-OCRv6_rec_small.onnx"),
                "Rec.rec_batch_num": 1,  # more take longer: all are made as wide as the widest
            }
        )

    def read(self, image: NDArray[np.uint8]) -> ReadImage:
        """Return the text in an image of shape (height, width, 3), in blue, green and red.

        A page that lies on its side or stands on its head is turned first.
        """
        first = self._as_it_is(image)
        tried = [first]
        if first.lies:
            tried += [self._turned(image, turns) for turns in (1, 3)]
        elif first.read.lines and first.sure < _DOUBTFUL:
            tried.append(self._turned(image, 2))
        return max(tried, key=lambda attempt: (not attempt.lies, attempt.sure)).read

    def _turned(self, image: NDArray[np.uint8], turns: int) -> _Attempt:
        return self._as_it_is(np.ascontiguousarray(np.rot90(image, turns)))

    def _as_it_is(self, image: NDArray[np.uint8]) -> _Attempt:
        lines: list[ReadLine] = []
        lying = total = 0
        sure = 0.0
        for x, y, part in _printed(image):
            found = self._engine(part)
            for quad, text, score, pieces in zip(
                found.boxes if found.boxes is not None else (),
                found.txts or (),
                found.scores or (),
                found.word_results,
                strict=False,
            ):
                line, lies = _line(text, float(score), pieces, quad, x, y)
                lines.append(line)
                lying += len(text) * lies
                total += len(text)
                sure += len(text) * float(score)
        read = ReadImage(tuple(lines), image.shape[1], image.shape[0])
        return _Attempt(read, sure / max(1, total), lying * 2 > total)


def _printed(image: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Yield the parts of an image where something stands, from above, each with its corner.

    The model that finds lines looks at a part as a whole, and overlooks a line that
    stands alone on an empty page.
    """
    grey = image.mean(axis=2, dtype=np.float32)
    ink = np.abs(grey - np.median(grey)) > _CONTRAST
    rows = np.flatnonzero(ink.sum(axis=1) > 1)
    if not len(rows):
        return
    for band in np.split(rows, np.flatnonzero(np.diff(rows) > _EMPTY_ROWS) + 1):
        columns = np.flatnonzero(ink[band[0] : band[-1] + 1].any(axis=0))
        y, x = max(0, int(band[0]) - _AROUND), max(0, int(columns[0]) - _AROUND)
        part = image[y : band[-1] + _AROUND, x : columns[-1] + _AROUND]
        yield x, y, np.ascontiguousarray(part)


def _line(
    text: str, score: float, pieces: Sequence[Any], quad: NDArray[np.float32], x: int, y: int
) -> tuple[ReadLine, bool]:
    """Return a line, moved by x and y, and whether it runs up or down."""
    quad = quad + np.array([x, y], dtype=np.float32)
    tall = float(np.hypot(*(quad[3] - quad[0])))
    wide = float(np.hypot(*(quad[1] - quad[0])))
    (x0, y0), (x1, y1) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    spans = [
        (said, min(p[0] for p in box) + x, max(p[0] for p in box) + x) for said, _, box in pieces
    ]
    words = tuple(_words(text, _places(text, spans, x0, x1), _GAP * tall))
    return ReadLine(words, y0, y1, _EM * tall, score), tall > 1.5 * wide


class _Attempt(NamedTuple):
    """What was read, how sure on the whole, and whether most lines run up or down."""

    read: ReadImage
    sure: float
    lies: bool


def _words(text: str, places: Sequence[tuple[float, float]], gap: float) -> Iterator[ReadWord]:
    """Yield the words of a line, parted at its spaces and at wide gaps."""
    start, spaced = 0, False
    for i in range(1, len(text) + 1):
        ends = i == len(text) or text[i].isspace() or text[i - 1].isspace()
        if not ends and places[i][0] - places[i - 1][1] <= gap:
            continue
        if text[start].isspace():
            spaced = True
        else:
            x0 = min(place[0] for place in places[start:i])
            yield ReadWord(text[start:i], x0, max(place[1] for place in places[start:i]), spaced)
            spaced = False
        start = i


def _places(
    text: str, spans: Sequence[tuple[str, float, float]], x0: float, x1: float
) -> list[tuple[float, float]]:
    """Return where each character of a line from x0 to x1 begins and ends.

    spans: runs of its characters without the spaces, each with its begin and end.
    """
    even = (x1 - x0) / len(text)
    places = [(x0 + even * i, x0 + even * (i + 1)) for i in range(len(text))]
    letters = [i for i, char in enumerate(text) if not char.isspace()]
    found: list[tuple[float, float]] = []
    for said, a, b in spans:
        count = sum(not char.isspace() for char in said)
        width = (b - a) / max(1, count)
        found += [(float(a + width * i), float(a + width * (i + 1))) for i in range(count)]
    if len(found) == len(letters):
        for i, place in zip(letters, found, strict=True):
            places[i] = place
    return places
