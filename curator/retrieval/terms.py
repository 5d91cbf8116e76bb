"""The terms by which a text is found: Han characters and their pairs, stems of words.

A term is a number: a Han (kana, hangul) character or a pair of neighbours is its code
points, a word a hash of its English stem, so that no word can be read from an index.
Chinese needs both kinds: pairs tell words, characters what is said with other words.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from curator.text import HAN, HANGUL, KANA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_WIDE = f"{HAN}{KANA}{HANGUL}"
_RUN = re.compile(f"([{_WIDE}]+)|[^\\W_{_WIDE}]+")
_WORD = 1 << 63
"""The bit that words have and code points have not."""
_FIRST = np.uint64(32)
"""The bits above which a pair's first code point stands."""


class Terms:
    """Turns texts into terms, and remembers the words that it has met."""

    def __init__(self) -> None:
        """Load the stemmer."""
        from Stemmer import Stemmer  # noqa: PLC0415 - compiled, loaded where it is needed

        self._stem = Stemmer("english").stemWord
        self._words: dict[str, int] = {}

    def of(self, texts: Iterable[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the texts' terms, one text after the other, and the bounds of each text.

        The terms of text i are terms[bounds[i]:bounds[i + 1]], repetitions included, those of
        Han characters before those of words.
        """
        runs: list[str] = []
        run_owner: list[int] = []
        words: list[int] = []
        word_owner: list[int] = []
        n = 0
        for text in texts:
            for match in _RUN.finditer(unicodedata.normalize("NFKC", text).lower()):
                if match[1]:
                    runs.append(match[1])
                    run_owner.append(n)
                else:
                    words.append(self._word(match[0]))
                    word_owner.append(n)
            n += 1
        wide, wide_owner = _wide(runs, np.array(run_owner, np.int64))
        owner = np.concatenate([wide_owner, np.array(word_owner, np.int64)])
        terms = np.concatenate([wide, np.array(words, np.uint64)])
        order = np.argsort(owner, kind="stable")
        bounds = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(owner, minlength=n), out=bounds[1:])
        return terms[order], bounds

    def _word(self, word: str) -> int:
        found = self._words.get(word)
        if found is None:
            stem = self._stem(word) if word.isascii() else word
            hashed = blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            found = self._words[word] = int.from_bytes(hashed, "little") | _WORD
        return found


def _wide(
    runs: list[str], owner: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return each run's characters and pairs of neighbours, and whose they are."""
    codes = np.frombuffer("".join(runs).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, runs), np.int64, len(runs))
    whose = np.repeat(owner, lengths)
    inside = np.ones(len(codes), np.bool_)
    if len(codes):
        inside[np.cumsum(lengths) - 1] = False  # the last of a run has no neighbour
    at = np.flatnonzero(inside)
    pairs = (codes[at] << _FIRST) | codes[at + 1]
    return np.concatenate([codes, pairs]), np.concatenate([whose, whose[at]])
