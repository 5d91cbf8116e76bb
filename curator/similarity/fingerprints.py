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
_BLOCK = 64  # texts at a time: their arrays lie in the cache


@dataclass(frozen=True)
class Folded:
    """Folded texts: `keys` are their UTF-32 bytes, `signs` the signs in them, in order."""

    keys: list[bytes]
    signs: list[bytes]


@cache
def _class(chars: str) -> NDArray[np.bool_]:
    table = np.zeros(0x110000, np.bool_)
    table[[ord(c) for c in chars]] = True
    table.setflags(write=False)
    return table


def folded(texts: Sequence[str]) -> Folded:
    """Fold texts as `curator.text.fold` does, but keep the signs that carry meaning."""
    blocks = [_folded(texts[low : low + _BLOCK]) for low in range(0, len(texts), _BLOCK)]
    return Folded([k for b in blocks for k in b.keys], [s for b in blocks for s in b.signs])


def _folded(texts: Sequence[str]) -> Folded:
    table = tables()
    raw = points(texts)
    spaces = _class(_SPACES)[raw.values]
    solid = np.flatnonzero(~spaces)
    codes = raw.values[solid]
    n = len(codes)
    owner = raw.owner(solid)
    digit = table.digit[codes]
    same_before = np.zeros(n, np.bool_)
    same_before[1:] = owner[1:] == owner[:-1]
    same_after = np.roll(same_before, -1)
    same_after[-1:] = False
    digit_before = np.roll(digit, 1) & same_before
    digit_after = np.roll(digit, -1) & same_after
    latin = (table.kind[codes] == WORD) & (codes < 0x250)
    latin_before = np.roll(latin, 1) & same_before

    values = table.folded[codes]
    # A decimal point: between digits that it touches (no space between).
    touching = np.zeros(n, np.bool_)
    touching[1:-1] = (solid[2:] - solid[:-2]) == 2
    point = _class(".\uff0e")[codes] & digit_before & digit_after & touching
    values = np.where(point, np.uint32(ord(".")), values)
    sign = _class(_SIGNS)[codes]
    sign |= _class(_OPERATORS)[codes] & digit_before & digit_after
    sign |= _class(_MINUS)[codes] & digit_after & ~latin_before
    sign |= (codes == ord("#")) & latin_before & ~digit_before
    values = np.where(sign, _half_width(codes), values)

    kept = values != 0
    counts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.bincount(owner[kept], minlength=len(texts)), out=counts[1:])
    data = values[kept].tobytes()
    keys = [data[a * 4 : b * 4] for a, b in pairwise(counts)]
    signs = [b""] * len(texts)
    where = np.flatnonzero(sign)
    for index, code in zip(owner[where].tolist(), values[where].tolist(), strict=True):
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
    state = blake2b(digest_size=16)
    for piece in pieces:
        state.update(len(piece).to_bytes(8, "little"))
        state.update(piece)
    return state.digest()


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
