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

from curator.text import HAN, HANGUL, KANA, counts
from curator.text import folded as fold_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEPARATOR, WORD, OWN = 0, 1, 2
"""What a code point does in a text: it parts words, belongs to one, or is a token of its own."""

_LIMIT = 0x110000
_EXPANDS = 0xFFFFFFFF
# Every assigned character with a decomposition lies below this or is dropped by `fold`.
_ASSIGNED = 0x33480
_UNCHANGED = ((0x3400, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2F800), (0x2FA20, _ASSIGNED))
_OWN = re.compile(f"[{HAN}{KANA}{HANGUL}]")


@dataclass(frozen=True)
class Tables:
    """One entry a code point.

    `folded`: what it folds to, 0 where it is dropped, `_EXPANDS` where it
    becomes several characters. `kind`: SEPARATOR, WORD or OWN, to be asked of a
    folded code point. `digit`: whether it is a decimal digit.
    """

    folded: NDArray[np.uint32]
    kind: NDArray[np.uint8]
    digit: NDArray[np.bool_]
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
    folded = np.zeros(_LIMIT, np.uint32)
    kind = np.zeros(_LIMIT, np.uint8)
    digit = np.zeros(_LIMIT, np.bool_)
    expansions: dict[int, str] = {}
    unchanged = np.zeros(_LIMIT, np.bool_)
    for low, high in _UNCHANGED:
        unchanged[low:high] = True
    for code in range(_ASSIGNED):
        if 0xD800 <= code < 0xF900:  # surrogates and private use
            continue
        char = chr(code)
        category = unicodedata.category(char)
        digit[code] = category == "Nd"
        if category[0] in "LNM":
            kind[code] = WORD
        elif category in ("So", "Sc") or char in "%‰°+=<>±×÷⁻":
            kind[code] = OWN
        if unchanged[code]:
            folded[code] = code if category[0] in "LN" else 0
            continue
        full = fold_one(char)
        kept = "".join(filter(counts, full))
        if len(kept) > 1:
            folded[code] = _EXPANDS
            expansions[code] = full
        elif kept:
            folded[code] = ord(kept)
    for match in _OWN.finditer("".join(map(chr, (*range(0xD800), *range(0xF900, _ASSIGNED))))):
        kind[ord(match.group())] = OWN
    for array in (folded, kind, digit):
        array.setflags(write=False)
    return Tables(folded, kind, digit, expansions)


def points(texts: Sequence[str]) -> Points:
    """Return the texts' code points; a character that folds to several is expanded before."""
    found = _points(texts)
    expands = np.flatnonzero(tables().folded[found.values] == _EXPANDS)
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
