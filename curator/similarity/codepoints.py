"""Texts as arrays of code points, and tables that fold and classify a code point.

The tables say for one code point what `curator.text.fold` and `tokens` say for
a character, so that whole parts are folded and cut with a few array operations.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from curator.text import HAN, HANGUL, KANA, KEPT, counts
from curator.text import folded as fold_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEPARATOR, WORD, OWN = 0, 1, 2
"""What a code point does in a text: it parts words, belongs to one, or is a token of its own."""

FOLDED = np.uint32((1 << 21) - 1)
"""In a packed entry, the bits of what the code point folds to, 0 where it is dropped."""
KIND = np.uint32(21)
"""Above them, two bits of its kind: that of what it folds to, or of itself where it is dropped."""
SPACE, POINT, SIGN, OPERATOR, MINUS, SHARP, DIGIT, LATIN = (
    np.uint32(1 << i) for i in range(23, 31)
)
"""Above these, what it may be in a number or a sign."""
EXPANDS = np.uint32(1 << 31)
"""Whether it folds to several characters, or is an accent that is to join its letter before."""

_LIMIT = 0x110000
# Every assigned character with a decomposition lies below this or is dropped by `fold`.
_ASSIGNED = 0x33480
_SEVERAL = 0xFFFFFFFF
_ACCENTS = range(0x300, 0x370)
_OWN = re.compile(f"[{HAN}{KANA}{HANGUL}]")
_OWN_SIGNS = "%‰°+=<>±×÷⁻"
_SIGNS = "+<>=≤≥≠±×÷√∞^$€£¥＋＜＞＝＾＄￡￥"
_MINUS = "-\u2212\uff0d"
_TRAITS = (
    (" \t\u00a0\u3000", SPACE),
    (".\uff0e", POINT),
    (_SIGNS, SIGN),
    ("*/\uff0a\uff0f" + _MINUS, OPERATOR),
    (_MINUS, MINUS),
    ("#", SHARP),
)


@dataclass(frozen=True)
class Tables:
    """One entry a code point.

    `folded`: what it folds to, 0 where it is dropped, `_SEVERAL` where it
    becomes several characters. `kind`: SEPARATOR, WORD or OWN, to be asked of a
    folded code point. `digit`: whether it is a decimal digit. `packed`: all of
    this and the traits above in one number.
    """

    folded: NDArray[np.uint32]
    kind: NDArray[np.uint8]
    digit: NDArray[np.bool_]
    packed: NDArray[np.uint32]
    expansions: dict[int, str]


@dataclass(frozen=True)
class Points:
    """The code points of several texts, one after the other; text i is bounds[i]:bounds[i + 1]."""

    values: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    def owner(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of the text that each position belongs to."""
        return np.searchsorted(self.bounds, positions, side="right") - 1


@cache
def tables() -> Tables:
    """Return the tables, made at the first call in a process (about 0.1 s)."""
    codes = np.arange(_ASSIGNED, dtype=np.uint32)
    text = codes.tobytes().decode("utf-32-le", "surrogatepass")
    category = np.array(list(map(unicodedata.category, text)), "S2")
    letters, numbers, marks = (category.astype("S1") == c for c in (b"L", b"N", b"M"))
    hidden = (codes >= 0xD800) & (codes < 0xF900)  # surrogates and private use
    kind = np.zeros(_LIMIT, np.uint8)
    kind[:_ASSIGNED][letters | numbers | marks] = WORD
    kind[:_ASSIGNED][(category == b"So") | (category == b"Sc")] = OWN
    kind[[*map(ord, _OWN_SIGNS), *(match.start() for match in _OWN.finditer(text))]] = OWN
    kind[:_ASSIGNED][hidden] = SEPARATOR
    digit = np.zeros(_LIMIT, np.bool_)
    digit[:_ASSIGNED] = category == b"Nd"
    folded = np.zeros(_LIMIT, np.uint32)
    folded[:_ASSIGNED] = np.where((letters | numbers) & ~hidden, codes, 0)
    folded[list(map(ord, KEPT))] = list(map(ord, KEPT))
    expansions: dict[int, str] = {}
    changes = [c for c, d in enumerate(map(unicodedata.decomposition, text)) if d]
    changes += [c for c, f in enumerate(map(str.casefold, text)) if f != chr(c)]
    for code in changes:
        full = fold_one(chr(code))
        kept = "".join(filter(counts, full))
        if len(kept) > 1:
            folded[code] = _SEVERAL
            expansions[code] = full
        else:
            folded[code] = ord(kept) if kept else 0
    packed = _packed(folded, kind, digit)
    for array in (folded, kind, digit, packed):
        array.setflags(write=False)
    return Tables(folded, kind, digit, packed, expansions)


def _packed(
    folded: NDArray[np.uint32], kind: NDArray[np.uint8], digit: NDArray[np.bool_]
) -> NDArray[np.uint32]:
    codes = np.arange(_LIMIT, dtype=np.uint32)
    several = folded == _SEVERAL
    alone = np.where(several, 0, folded)
    shown = np.where(alone == 0, codes, alone)
    packed: NDArray[np.uint32] = alone | (kind[shown].astype(np.uint32) << KIND)
    for chars, trait in _TRAITS:
        packed[list(map(ord, chars))] |= trait
    packed[digit] |= DIGIT
    narrow = np.where((codes >= 0xFF01) & (codes <= 0xFF5E), codes - np.uint32(0xFEE0), codes)
    packed[(kind[narrow] == WORD) & (narrow < 0x250)] |= LATIN
    packed[several] |= EXPANDS
    packed[_ACCENTS] |= EXPANDS
    return packed


def composed(text: str) -> str:
    """Return a text with accents joined to their letters, and what folds to several written out."""
    return unicodedata.normalize("NFC", text).translate(tables().expansions)


def points(texts: Sequence[str]) -> Points:
    """Return the texts' code points; a character that folds to several is expanded before."""
    found = _points(texts)
    expands = np.flatnonzero(tables().folded[found.values] == _SEVERAL)
    if not expands.size:
        return found
    mended = list(texts)
    for index in np.unique(found.owner(expands)).tolist():
        mended[index] = mended[index].translate(tables().expansions)
    return _points(mended)


def _points(texts: Sequence[str]) -> Points:
    values = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=bounds[1:])
    return Points(values, bounds)
