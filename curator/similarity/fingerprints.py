"""Fingerprints: what is equal in two texts that are the same but for spaces, case and punctuation.

A fingerprint is a 128-bit hash of the folded text. `fold` drops all marks, and
some of them carry meaning: `1+1` is not `1-1`, `C++` is not `C#`, `x<5` is not
`x>5`, `-3` is not `3`. Such signs therefore take part in the fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from curator.similarity.codepoints import WORD, points, tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SIGNS = "+<>=≤≥≠±×÷√∞^$€£¥＋＜＞＝＾＄￡￥"
_MINUS = "-\u2212\uff0d"
_OPERATORS = "*/\uff0a\uff0f" + _MINUS
_SPACES = " \t\u00a0\u3000"
_BLOCK = 1 << 15  # characters at a time: their arrays lie in the cache
_SPACE, _POINT, _SIGN, _OPERATOR, _MINUS_SIGN, _HASH, _DIGIT, _LATIN = (1 << i for i in range(8))
_MAY_COUNT = _POINT | _SIGN | _OPERATOR | _MINUS_SIGN | _HASH


@dataclass(frozen=True)
class Folded:
    """Folded texts: `keys` are their UTF-32 bytes, `signs` the signs in them, in order."""

    keys: list[bytes]
    signs: list[bytes]


@cache
def _traits() -> NDArray[np.uint8]:
    """Return for each code point which of the traits above it has."""
    table = tables()
    narrow = _half_width(np.arange(len(table.kind), dtype=np.uint32))
    traits = np.where(table.digit, _DIGIT, 0).astype(np.uint8)
    traits[(table.kind[narrow] == WORD) & (narrow < 0x250)] |= _LATIN
    for chars, trait in (
        (_SPACES, _SPACE),
        (".\uff0e", _POINT),
        (_SIGNS, _SIGN),
        (_OPERATORS, _OPERATOR),
        (_MINUS, _MINUS_SIGN),
        ("#", _HASH),
    ):
        traits[[ord(c) for c in chars]] |= trait
    traits.setflags(write=False)
    return traits


def folded(texts: Sequence[str]) -> Folded:
    """Fold texts as `curator.text.fold` does, but keep the signs that carry meaning."""
    keys: list[bytes] = []
    signs: list[bytes] = []
    low = size = 0
    for high, text in enumerate(texts, start=1):
        size += len(text)
        if size > _BLOCK or high == len(texts):
            block = _folded(texts[low:high])
            keys += block.keys
            signs += block.signs
            low, size = high, 0
    return Folded(keys, signs)


def _folded(texts: Sequence[str]) -> Folded:
    raw = points(texts)
    traits = _traits()[raw.values]
    solid = np.flatnonzero(traits != _SPACE)
    codes, traits = raw.values[solid], traits[solid]
    values = tables().folded[codes]
    bounds = np.searchsorted(solid, raw.bounds)  # of each text, among what is no space
    # Few characters may be a decimal point or a sign; only their neighbours are looked at.
    at = np.flatnonzero(traits & _MAY_COUNT)
    own = traits[at]
    owner = np.searchsorted(bounds, at, side="right") - 1
    before = np.where(at > bounds[owner], traits[at - 1], 0)
    last = at + 1 == bounds[owner + 1]
    after = np.where(last, 0, traits[np.minimum(at + 1, len(traits) - 1)])
    gap_before = solid[at] - solid[at - 1] != 1
    gap_after = last | (solid[np.minimum(at + 1, len(solid) - 1)] - solid[at] != 1)
    digit_before, digit_after = (side & _DIGIT != 0 for side in (before, after))
    latin_before = before & _LATIN != 0

    # A decimal point: between digits that it touches.
    point = (own & _POINT != 0) & digit_before & digit_after & ~gap_before & ~gap_after
    values[at[point]] = ord(".")
    sign = own & _SIGN != 0
    sign |= (own & _OPERATOR != 0) & digit_before & digit_after
    # A minus touches its number, a sharp its letter; a dash before a space is a bullet.
    sign |= (own & _MINUS_SIGN != 0) & digit_after & ~gap_after & ~latin_before
    sign |= (own & _HASH != 0) & latin_before & ~gap_before & ~digit_before
    where = at[sign]
    values[where] = _half_width(codes[where])

    kept = values != 0
    counts = np.concatenate([[0], np.cumsum(kept)])[bounds].tolist()
    data = values[kept].tobytes()
    keys = [data[a * 4 : b * 4] for a, b in pairwise(counts)]
    signs = [b""] * len(texts)
    for index, code in zip(owner[sign].tolist(), values[where].tolist(), strict=True):
        signs[index] += chr(code).encode()
    return Folded(keys, signs)


def _half_width(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return full-width ASCII as ASCII, the other minus and the other currency signs as one."""
    full = (codes >= 0xFF01) & (codes <= 0xFF5E)
    values = np.where(full, codes - np.uint32(0xFEE0), codes)
    values = np.where(codes == 0x2212, np.uint32(ord("-")), values)
    values = np.where(codes == 0xFFE5, np.uint32(ord("¥")), values)
    return np.where(codes == 0xFFE1, np.uint32(ord("£")), values)


def hash128(pieces: Sequence[bytes]) -> bytes:
    """Return a 16-byte hash of the pieces and of where each ends."""
    data = b"".join([x for p in pieces for x in (len(p).to_bytes(8, "little"), p)])
    return blake2b(data, digest_size=16).digest()


def groups(hashes: NDArray[np.void]) -> NDArray[np.int64]:
    """Return for each row the index of the first row with the same 16-byte hash."""
    halves = np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))  # stable: rows of a group stay in order
    ordered = halves[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), np.int64)
    first[order] = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
    return first
