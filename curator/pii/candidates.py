"""What might be a private detail, and which of several that overlap it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from curator.intervals import Intervals, touched

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of one text that may be private: half-open, in code points.

    `validated` says that a strong checksum agreed; `context`, that a word nearby
    speaks for it.
    """

    start: int
    end: int
    entity: str
    code: str
    score: float
    rule: str
    recogniser: str
    validated: bool = False
    context: bool = False

    def covers(self, other: Candidate) -> bool:
        """Return whether the other one lies within this one."""
        return self.start <= other.start and other.end <= self.end


_GENERAL = frozenset({"LOCATION", "ORGANIZATION", "URL"})
"""Names of places and bodies, and links: they give way to whatever is more exact."""
_DOUBTFUL = 0.6
"""Below this, a name gives way too: it may be let stand, and must not cover what is hidden."""


def settle(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates that do not overlap, in order of place.

    A validated one beats any other. One that lies within another gives way to it,
    unless both cover the same: then the higher score wins. Where two cross, the
    higher score wins and takes over what the other covered, so that no half of a
    detail stays behind. A name of a place or a body, a link and a doubtful name give way to
    anything else.
    """
    everything = set(candidates)
    general = {
        c
        for c in everything
        if c.entity in _GENERAL or (c.entity == "PERSON" and c.score < _DOUBTFUL)
    }
    exact = _settled(everything - general)
    taken = Intervals((c.start, c.end) for c in exact)
    places = [c for c in _settled(general) if not taken.touch(c.start, c.end)]
    return sorted([*exact, *places], key=lambda c: c.start)


def _settled(candidates: set[Candidate]) -> list[Candidate]:
    order = sorted(
        candidates,
        key=lambda c: (not c.validated, c.start - c.end, -c.score, c.start, c.code, c.rule),
    )
    won: list[Candidate] = []
    for candidate in order:
        at = touched(won, candidate.start, candidate.end, _span)
        crossed = won[at]
        if any(w.covers(candidate) for w in crossed):
            continue
        everyone = [*crossed, candidate]
        strongest = max(everyone, key=lambda c: (c.validated, c.score, -c.start))
        start, end = min(c.start for c in everyone), max(c.end for c in everyone)
        won[at] = [replace(strongest, start=start, end=end)]
    return won


def _span(candidate: Candidate) -> tuple[int, int]:
    return candidate.start, candidate.end
