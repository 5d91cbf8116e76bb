"""Texts as hashed tokens, and runs of them, for whole parts at once.

A token is one Han, kana or hangul character, or one word of another script. Case,
width, punctuation and symbols do not count, so that a copy in another layout has the
same tokens. A placeholder of the redaction is a token of its own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.similarity.codepoints import OWN, WORD, points, tables
from curator.similarity.mixing import MULTIPLIER, mix
from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_HIDDEN = 0xE000  # a private-use character, which no text needs
_CHARACTER = 2 / 3
_BLOCK = 1 << 19  # characters


@dataclass(frozen=True)
class Tokens:
    """The tokens of several texts; those of text i lie at bounds[i]:bounds[i + 1].

    `hashes`: 64 bits each. `weight`: 1 for a word, 2/3 for a character of its own,
    since a Chinese word has about one and a half. `number`: begins with a digit.
    """

    hashes: NDArray[np.uint64]
    weight: NDArray[np.float32]
    number: NDArray[np.bool_]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self.bounds) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many tokens each text has."""
        return np.diff(self.bounds)

    @property
    def owner(self) -> NDArray[np.int64]:
        """The index of each token's text."""
        return np.repeat(np.arange(len(self)), self.sizes)


def tokenise(texts: Sequence[str]) -> Tokens:
    """Return the tokens of each text; worked out in blocks, which keeps memory low."""
    blocks = [_tokenise(block) for block in _blocks(texts)] or [_tokenise([])]
    sizes = np.concatenate([block.sizes for block in blocks])
    return Tokens(
        np.concatenate([block.hashes for block in blocks]),
        np.concatenate([block.weight for block in blocks]),
        np.concatenate([block.number for block in blocks]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    low, size = 0, 0
    for high, text in enumerate(texts):
        size += len(text)
        if size > _BLOCK:
            yield texts[low : high + 1]
            low, size = high + 1, 0
    if low < len(texts):
        yield texts[low:]


def _tokenise(texts: Sequence[str]) -> Tokens:
    table = tables()
    found = points([_plain(text) for text in texts])
    codes = table.folded[found.values]
    hidden = found.values == _HIDDEN
    codes = np.where(hidden, np.uint32(_HIDDEN), codes)
    kind = table.kind[codes]
    word = (kind == WORD) & (codes != 0)
    alone = ((kind == OWN) & (codes != 0)) | hidden
    begins = word.copy()
    begins[1:] &= ~word[:-1]
    starts = found.bounds[:-1]
    starts = starts[starts < len(codes)]
    begins[starts] = word[starts]
    at = np.flatnonzero(begins | alone)
    if not len(at):
        return Tokens(
            np.zeros(0, np.uint64), np.zeros(0, np.float32), np.zeros(0, np.bool_),
            np.zeros(len(texts) + 1, np.int64),
        )  # fmt: skip
    # A word's hash is the sum of its letters', each mixed with its place in the word.
    begun = np.cumsum(begins | alone) - 1
    place = (np.arange(len(codes)) - at[np.maximum(begun, 0)]).astype(np.uint64)
    letters = mix(codes.astype(np.uint64) | (place << np.uint64(32)))
    letters[~(word | alone)] = 0
    hashes = mix(np.add.reduceat(letters, at))
    hashes[hidden[at]] = HIDDEN
    bounds = np.searchsorted(at, found.bounds).astype(np.int64)
    weight = np.where(alone[at] & ~hidden[at], np.float32(_CHARACTER), np.float32(1))
    return Tokens(hashes, weight, table.digit[found.values[at]], bounds)


def _plain(text: str) -> str:
    """Return the text with placeholders as one character, and accents put together."""
    if "[" in text:
        text = PLACEHOLDER.sub(chr(_HIDDEN), text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def runs(tokens: Tokens, width: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hash of each run of `width` tokens of one text, and where it begins."""
    total = len(tokens.hashes) - width + 1
    if total <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    owner = tokens.owner
    at = np.flatnonzero(owner[:total] == owner[width - 1 :])
    value = np.full(len(at), width, np.uint64)
    for step in range(width):
        value = value * np.uint64(MULTIPLIER) + tokens.hashes[at + step]
    return mix(value), at


def wholes(tokens: Tokens) -> NDArray[np.uint64]:
    """Return a hash of all tokens of each text, 0 for a text without any."""
    place = np.arange(len(tokens.hashes)) - np.repeat(tokens.bounds[:-1], tokens.sizes)
    placed = mix(tokens.hashes + mix(place.astype(np.uint64)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(placed, dtype=np.uint64)])
    found: NDArray[np.uint64] = sums[tokens.bounds[1:]] - sums[tokens.bounds[:-1]]
    return found


def weights(tokens: Tokens) -> NDArray[np.float64]:
    """Return how much all tokens of each text weigh."""
    sums = np.concatenate([[0.0], np.cumsum(tokens.weight, dtype=np.float64)])
    found: NDArray[np.float64] = np.round(sums[tokens.bounds[1:]] - sums[tokens.bounds[:-1]], 2)
    return found


HIDDEN = int(mix(np.array([_HIDDEN], np.uint64))[0])
"""The hash of a placeholder, whatever stands behind it."""
