"""A page of a PDF as words and rules, in points from its top left corner.

PDFium (through pypdfium2) says of each character where it stands, in which font and
how large. From that the words are made here, turned so that most of them are upright.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.sources.documents.pdf.mending import is_cjk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_CHARACTERS = 200_000
"""A page of more characters is a map or a drawing; its text is taken in the file's order."""

MOST_PATHS, MOST_SEGMENTS, DEEPEST = 20_000, 64, 8
"""Drawings beyond these hold no rules of tables."""

_COMPATIBLE = re.compile("[\ufb00-\ufb06\u2e80-\u2fd5]")
_BOLD = re.compile(
    r"bold|heavy|black|demi|黑体|simhei|heiti|(?:cm|sf|lm|ec)bx|bx\d|-medi\b|-bd\b", re.IGNORECASE
)
_MAY_BE_HYPHEN = (0x02, 0x2D, 0xAD, 0x2010, 0xFFFE)
"""What PDFium gives for a hyphen at a line's end, in one version or another."""

_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|(?:cm|sf|ec|lm)tt", re.IGNORECASE)
_NO_TEXT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff\u200b]")
_SYMBOLS = {
    "\uf0b7": "•",
    "\uf0a7": "▪",
    "\uf0d8": "➢",
    "\uf0fc": "✓",
    "\uf06c": "●",
    "\uf06e": "■",
}
"""What the bullets of the fonts Symbol and Wingdings stand for."""

_UNMAPPED = re.compile("[\0\ufffd\ue000-\uf8ff]")

_Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle, `y` downwards."""

    x0: float
    y0: float
    x1: float
    y1: float

    def around(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )


@dataclass(slots=True)
class Word:
    """A run of characters without a gap.

    base: the y of the line that it stands on. spaced: a space stands before it in the
    file, not only a gap on the page.
    """

    text: str
    box: Box
    base: float
    size: float
    bold: bool
    mono: bool = False
    spaced: bool = False


class Rule(NamedTuple):
    """A line that is drawn, horizontal (`at` is its y) or vertical (its x)."""

    horizontal: bool
    at: float
    start: float
    end: float


@dataclass(slots=True)
class Page:
    """What stands on a page.

    turned: texts that run in another direction. unmapped: characters of fonts that do not
    say what they draw. unit: what a point is in the unit of locators. frame: how a point
    of the file comes to stand on the page.
    """

    number: int
    width: float
    height: float
    words: list[Word]
    rules: list[Rule]
    turned: list[str] = field(default_factory=list)
    unmapped: int = 0
    unit: float = 1.0
    frame: Callable[..., _Point] | None = None

    @property
    def characters(self) -> int:
        """How many there are."""
        return sum(len(w.text) for w in self.words) + sum(map(len, self.turned))


class _Char(NamedTuple):
    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool
    mono: bool
    turn: int
    ends: bool
    spaced: bool


def read_page(page: Any, number: int, *, rules: bool = True) -> Page:
    """Return what stands on a page of pypdfium2.

    rules: also look for the lines that are drawn.
    """
    text_page = page.get_textpage()
    try:
        left, bottom, right, top = page.get_cropbox()
        frame = _frames(left, bottom, right, top)[page.get_rotation() // 90 % 4]
        if text_page.count_chars() > MOST_CHARACTERS:
            return _as_it_comes(text_page, number, right - left, top - bottom)
        chars = list(_chars(text_page, frame))
    finally:
        text_page.close()
    turns = [sum(1 for c in chars if c.turn == turn) for turn in range(4)]
    main = max(range(4), key=lambda turn: turns[turn])
    if main:
        frame = _turned(frame, main, right - left, top - bottom, page.get_rotation())
        text_page = page.get_textpage()
        try:
            chars = list(_chars(text_page, frame))
        finally:
            text_page.close()
    width, height = (
        abs(frame(right, top)[0] - frame(left, bottom)[0]),
        abs(frame(right, top)[1] - frame(left, bottom)[1]),
    )
    upright = [c for c in chars if c.turn == 0]
    found = Page(number, width, height, _words(upright), [], _other(chars))
    found.frame = frame
    found.unmapped = sum(bool(_UNMAPPED.match(c.text)) for c in chars)
    if rules:
        found.rules = _drawn(page, frame)
    return found


def _frames(left: float, bottom: float, right: float, top: float) -> list[Callable[..., _Point]]:
    """Return how a point of the file comes to stand on the page, by quarter turns clockwise."""
    return [
        lambda x, y: (x - left, top - y),
        lambda x, y: (y - bottom, x - left),
        lambda x, y: (right - x, y - bottom),
        lambda x, y: (top - y, right - x),
    ]


def _turned(
    frame: Callable[..., _Point], turn: int, width: float, height: float, rotation: int
) -> Callable[..., _Point]:
    """Return a frame in which text that ran in direction `turn` is upright."""
    if rotation % 180:
        width, height = height, width

    def upright(x: float, y: float) -> _Point:
        a, b = frame(x, y)
        if turn == 1:  # downwards
            return b, width - a
        if turn == 2:
            return width - a, height - b
        return height - b, a

    return upright


def _chars(text_page: Any, frame: Callable[..., _Point]) -> Iterator[_Char]:
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - only PDF files need it

    box, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    known: dict[int | None, tuple[float, bool, bool, int]] = {}
    ends = spaced = True
    handle = text_page.raw
    for i in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(handle, i)
        char = chr(code)
        if char.isspace():  # PDFium puts spaces into gaps; those of the file mean more
            ends = True
            spaced = spaced or not pdfium.FPDFText_IsGenerated(handle, i)
            continue
        if code in _MAY_BE_HYPHEN and pdfium.FPDFText_IsHyphen(handle, i) == 1:
            char, code = "-", ord("-")
        if 0xD800 <= code < 0xDC00:  # the first half of a character beyond U+FFFF
            second = pdfium.FPDFText_GetUnicode(handle, i + 1)
            whole = 0xDC00 <= second < 0xE000
            char = chr(0x10000 + (code - 0xD800) * 1024 + second - 0xDC00) if whole else "\ufffd"
        elif 0xDC00 <= code < 0xE000:
            continue
        if _NO_TEXT.match(char) and code:
            continue
        thing = ctypes.cast(pdfium.FPDFText_GetTextObject(handle, i), ctypes.c_void_p).value
        if thing not in known:
            pdfium.FPDFText_GetMatrix(handle, i, matrix)
            size = pdfium.FPDFText_GetFontSize(handle, i) * math.hypot(matrix.c, matrix.d)
            zero, along = frame(0, 0), frame(matrix.a, matrix.b)
            angle = math.atan2(along[1] - zero[1], along[0] - zero[0])
            quarter = round(angle / (math.pi / 2))
            slanted = abs(angle - quarter * math.pi / 2) > 0.1
            turn = -1 if slanted else quarter % 4
            known[thing] = (abs(size), *_font(handle, i, pdfium), turn)
        size, bold, mono, turn = known[thing]
        pdfium.FPDFText_GetLooseCharBox(handle, i, box)
        pdfium.FPDFText_GetCharOrigin(handle, i, x, y)
        ax, _ = frame(box.left, box.bottom)
        bx, _ = frame(box.right, box.top)
        _, base = frame(x.value, y.value)
        char = _SYMBOLS.get(char, char)
        if _COMPATIBLE.match(char):
            char = unicodedata.normalize("NFKC", char)
        yield _Char(
            char, min(ax, bx), max(ax, bx), base, size or 1.0, bold, mono, turn, ends, spaced
        )
        ends = spaced = False


def _font(handle: Any, i: int, pdfium: Any) -> tuple[bool, bool]:
    """Return whether the font of a character is bold, and whether it is of one width."""
    name, flags = ctypes.create_string_buffer(256), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(handle, i, name, 256, flags)
    said = name.value.decode("utf-8", "replace")
    heavy = pdfium.FPDFText_GetFontWeight(handle, i) >= 600 or bool(flags.value & 1 << 18)
    return heavy or bool(_BOLD.search(said)), bool(_MONO.search(said))


def _words(chars: list[_Char]) -> list[Word]:
    words: list[Word] = []
    size_before = 0.0
    for c in chars:
        word = words[-1] if words else None
        if (
            word is not None
            and not c.ends
            and abs(c.base - word.base) < 0.12 * word.size
            and -0.5 * c.size < c.x0 - word.box.x1 < 0.35 * c.size
            and abs(c.size - size_before) < 0.2 * c.size
        ):
            word.text += c.text
            word.box = Box(min(word.box.x0, c.x0), word.box.y0, max(word.box.x1, c.x1), word.box.y1)
        else:
            box = Box(c.x0, c.base - 0.8 * c.size, c.x1, c.base + 0.2 * c.size)
            words.append(Word(c.text, box, c.base, c.size, c.bold, c.mono, c.spaced))
        size_before = c.size
    return words


def _other(chars: list[_Char]) -> list[str]:
    """Return the texts that do not run from left to right, in the file's order."""
    texts: list[str] = []
    before: _Char | None = None
    for c in chars:
        if c.turn == 0:
            before = None
            continue
        if before is None or before.turn != c.turn:
            texts.append(c.text)
        else:
            gap = " " if c.ends and not (is_cjk(texts[-1][-1]) and is_cjk(c.text)) else ""
            texts[-1] += gap + c.text
        before = c
    return texts


def _as_it_comes(text_page: Any, number: int, width: float, height: float) -> Page:
    lines = text_page.get_text_range().splitlines()
    words = [
        Word(
            " ".join(line.split()), Box(0, 12.0 * i, width, 12.0 * i + 10), 12.0 * i, 10, bold=False
        )
        for i, line in enumerate(lines)
        if line.strip()
    ]
    return Page(number, width, height, words, [])


def _drawn(page: Any, frame: Callable[..., _Point]) -> list[Rule]:
    """Return the horizontal and vertical lines that are drawn."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - only PDF files need it

    rules: list[Rule] = []
    matrix = pdfium.FS_MATRIX()
    todo: list[tuple[Any, tuple[float, ...], int]] = [
        (pdfium.FPDFPage_GetObject(page.raw, i), (1, 0, 0, 1, 0, 0), 0)
        for i in range(min(pdfium.FPDFPage_CountObjects(page.raw), MOST_PATHS))
    ]
    for thing, outer, depth in todo:
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind not in (pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_FORM):
            continue
        pdfium.FPDFPageObj_GetMatrix(thing, matrix)
        own = (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
        whole = _product(own, outer)
        if kind == pdfium.FPDF_PAGEOBJ_FORM:
            if depth < DEEPEST and len(todo) < MOST_PATHS:
                todo += [
                    (pdfium.FPDFFormObj_GetObject(thing, i), whole, depth + 1)
                    for i in range(min(pdfium.FPDFFormObj_CountObjects(thing), MOST_PATHS))
                ]
            continue
        rules += _lines_of(thing, whole, frame, pdfium)
    return rules


def _product(inner: tuple[float, ...], outer: tuple[float, ...]) -> tuple[float, ...]:
    a, b, c, d, e, f = inner
    A, B, C, D, E, F = outer  # noqa: N806 - as matrices are written
    return (
        a * A + b * C, a * B + b * D, c * A + d * C, c * B + d * D,
        e * A + f * C + E, e * B + f * D + F,
    )  # fmt: skip


def _lines_of(
    path: Any, matrix: tuple[float, ...], frame: Callable[..., _Point], pdfium: Any
) -> Iterator[Rule]:
    """Yield the straight lines of a path; a thin rectangle is one line."""
    count = pdfium.FPDFPath_CountSegments(path)
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    if not 2 <= count <= MOST_SEGMENTS or not (fill.value or stroke.value):
        return
    a, b, c, d, e, f = matrix
    x, y = ctypes.c_float(), ctypes.c_float()
    shapes: list[list[_Point]] = []
    for i in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, i)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            return
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = frame(a * x.value + c * y.value + e, b * x.value + d * y.value + f)
        if kind == pdfium.FPDF_SEGMENT_MOVETO or not shapes:
            shapes.append([])
        shapes[-1].append(point)
        if pdfium.FPDFPathSegment_GetClose(segment):
            shapes[-1].append(shapes[-1][0])
    for shape in shapes:
        xs, ys = [p[0] for p in shape], [p[1] for p in shape]
        width, height = max(xs) - min(xs), max(ys) - min(ys)
        if min(width, height) <= 3:
            if max(width, height) > 3:
                horizontal = width > height
                at = (min(ys) + max(ys)) / 2 if horizontal else (min(xs) + max(xs)) / 2
                span = xs if horizontal else ys
                yield Rule(horizontal, at, min(span), max(span))
            continue
        if fill.value and not stroke.value and len(shape) > 1:
            shape.append(shape[0])
        for (ax, ay), (bx, by) in pairwise(shape):
            if abs(ay - by) <= 1 < abs(ax - bx):
                yield Rule(horizontal=True, at=(ay + by) / 2, start=min(ax, bx), end=max(ax, bx))
            elif abs(ax - bx) <= 1 < abs(ay - by):
                yield Rule(horizontal=False, at=(ax + bx) / 2, start=min(ay, by), end=max(ay, by))
