"""Rules at work: a pattern, its checksum, and the words around that speak for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.checksums import CHECKSUMS, STRONG
from curator.pii.needs import needs
from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.schema import PiiRule

BEFORE = 24
AFTER = 10
BOOST = 0.35
"""How far a context word may stand from a match, in code points, and what it adds to the score."""

_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20,
    0x00A0: 0x20,
    0x2010: 0x2D,
    0x2011: 0x2D,
    0x2012: 0x2D,
    0x2013: 0x2D,
    0x2212: 0x2D,
}
_HAN_WORD = re.compile(f"[{HAN}]")


def narrow(text: str) -> str:
    """Return the text with full-width ASCII in half width, dashes alike; the length stays."""
    return text if text.isascii() else text.translate(_NARROW)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a rule matched; `strong` says that a strong checksum agreed."""

    start: int
    end: int
    strong: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """A match with what stands around it: `near` says that a context word does."""

    match: Match
    near: bool
    score: float
    """What it is worth where context says nothing: the rule's score, or 1."""

    @property
    def raised(self) -> float:
        """The score with what context adds."""
        return min(1.0, self.score + BOOST) if self.near else self.score


class Pattern:
    """One rule, compiled. It looks at a text in half width (see `narrow`)."""

    def __init__(self, rule: PiiRule) -> None:
        self.rule = rule
        self.regex = re.compile(rule.regex)
        self.group = "pii" if "pii" in self.regex.groupindex else 0
        self._checksum = CHECKSUMS.get(rule.validate_with or "")
        self._is_strong = rule.validate_with in STRONG
        self._context = _words(rule.context)
        self.needs = needs(rule.regex)

    def matches(self, text: str) -> Iterator[Match]:
        """Yield the places that fit the pattern and its checksum, whatever is around."""
        for found in self.regex.finditer(text):
            start, end = found.span(self.group)
            if start < end and self.agrees(text[start:end]) is not False:
                yield Match(start, end, self._is_strong)

    def scored(self, text: str, before: str = "") -> Iterator[Scored]:
        """Yield the matches that count, with their scores; `before` ends the text before it."""
        for match in self.matches(text):
            near = self.has_context(text, match.start, match.end, before)
            if near or not self.rule.context_required:
                yield Scored(match, near, 1.0 if match.strong else self.rule.score)

    def agrees(self, matched: str) -> bool | None:
        """Return what the checksum says; None where there is none, or only a weak one agrees."""
        if self._checksum is None:
            return None
        if not self._checksum(matched):
            return False
        return True if self._is_strong else None

    def has_context(self, text: str, start: int, end: int, before: str = "") -> bool:
        """Return whether a context word stands near; `before` is the end of the text before."""
        if self._context is None:
            return False
        ahead = text[max(0, start - BEFORE) : start]
        if len(ahead) < BEFORE and before:
            ahead = f"{before[len(ahead) - BEFORE :]}\n{ahead}"
        behind = text[end : end + AFTER]
        return bool(self._context.search(ahead) or self._context.search(behind))


def allowed_spans(patterns: Sequence[re.Pattern[str]], text: str) -> list[tuple[int, int]]:
    """Return the stretches of a text that the allow list says are never private."""
    return [m.span() for pattern in patterns for m in pattern.finditer(text) if m.group()]


def _words(words: Sequence[str]) -> re.Pattern[str] | None:
    """Compile context words: Chinese ones match anywhere, others as whole words."""
    parts = [
        re.escape(w) if _HAN_WORD.search(w) else f"(?<![A-Za-z]){re.escape(w)}(?![A-Za-z])"
        for w in words
    ]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None
