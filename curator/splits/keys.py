"""What holds records together: keys that several of them share, as 63-bit hashes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from curator.text import fold, length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LATER_QUESTION_UNITS = 12
"""Below this a later turn is small talk ("thank you very much"), which is no question."""


def key_of(kind: str, *values: str) -> int:
    """Return the key of a kind (`question`, `person` …) and what it is about."""
    return _hash("\x1f".join((kind, *values))) >> 1


def question_keys(questions: Sequence[str]) -> tuple[int, ...]:
    """Return what tells a conversation's questions from others: keys of their folded texts.

    The opening question always counts; a later one only where it is long enough
    to be a question of its own.
    """
    asked = [
        question
        for index, question in enumerate(questions)
        if index == 0 or length(question) >= _LATER_QUESTION_UNITS
    ]
    return tuple(dict.fromkeys(key_of("question", fold(text) or text) for text in asked))


def draw(seed: int, name: str) -> float:
    """Return a number from 0 to 1 that follows from a seed and a name alone."""
    return _hash(f"{seed}\x1f{name}") / 2.0**64


def shared(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keys that stand there more than once, each once and in order."""
    found, counts = np.unique(keys, return_counts=True)
    return found[counts > 1]


def _hash(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
