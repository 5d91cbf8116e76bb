"""Whether two questions that lie near each other in meaning are one: numbers and lengths.

Sentence embeddings alone take every rectangle for every other one. What a question
counts stays when it is reworded or translated, and so, roughly, does its length.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from curator.similarity.differences import quantities
from curator.text import HAN, PLACEHOLDER, language, tokens

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_HAN = re.compile(f"[{HAN}]")
_WORDS = {"once": "1", "twice": "2", "double": "2", "thrice": "3"} | {
    word: str(value)
    for value, word in enumerate(
        [
            *("zero", "one", "two", "three", "four", "five", "six"),
            *("seven", "eight", "nine", "ten", "eleven", "twelve"),
        ]
    )
}
_NUMERALS = {char: str(value) for value, char in enumerate("零一二三四五六七八九十")} | {
    "两": "2",
    "兩": "2",
}
_LONGER = 2.0
_MOST = 3
_EACH = _NEARER = 0.05


def likeness(cosine: float, one: str, other: str) -> float:
    """Return how surely two questions are the same, 0 where numbers or lengths speak against it.

    It is the cosine of their embeddings, and 0.05 more for each number that both have,
    up to three; in one language 0.05 less, since embeddings of one language lie nearer to
    each other, whatever they say. A number in digits has to be in the other text, in
    digits or words.
    """
    digits, others = written(one), written(other)
    if not (digits <= told(other) and others <= told(one)):
        return 0.0
    length, other_length = weight(one), weight(other)
    if max(length, other_length) > _LONGER * min(length, other_length):
        return 0.0
    nearer = _NEARER if language(one) == language(other) else 0.0
    return min(1.0, cosine - nearer + _EACH * min(_MOST, len(digits & others)))


def written(text: str) -> AbstractSet[str]:
    """Return the numbers that a text has in digits, `1,200` as `1200`."""
    plain = unicodedata.normalize("NFKC", PLACEHOLDER.sub(" ", text))
    return {_number(found) for found in _DIGITS.findall(plain)}


def told(text: str) -> AbstractSet[str]:
    """Return the numbers of a text in digits, words or Chinese numerals."""
    found = {_number(quantity.written) for quantity in quantities(text)}
    units = tokens(text)
    found |= {_WORDS[unit] for unit in units if unit in _WORDS}
    found |= {_NUMERALS[unit] for unit in units if unit in _NUMERALS}
    return found | written(text)


def weight(text: str) -> float:
    """Return a text's length in words; a Han character is two thirds of one."""
    units = tokens(text)
    han = sum(_HAN.match(unit) is not None for unit in units)
    return len(units) - han / 3


def _number(text: str) -> str:
    plain = text.replace(",", "")
    if "." in plain and plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"
