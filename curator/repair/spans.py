"""Repairs as spans on the original text, and the way back from the repaired text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair: the span in the original text, what it becomes, and the kind of damage."""

    start: int
    end: int
    replacement: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A repaired text, and the way from its offsets back to the original's."""

    text: str
    _starts: tuple[int, ...]
    _segments: tuple[tuple[int, int, int, int, bool], ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the original span; a repaired stretch that is touched is taken whole."""
        return self._map(start, at_end=False), self._map(end, at_end=True)

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the repaired text with the repaired stretches it touches whole."""
        first = self._segments[max(0, bisect_right(self._starts, start) - 1)]
        last = self._segments[max(0, bisect_right(self._starts, max(start, end - 1)) - 1)]
        return (first[0] if first[4] else start), (last[1] if last[4] else end)

    def _map(self, offset: int, *, at_end: bool) -> int:
        probe = offset - 1 if at_end and offset else offset
        new_start, _, old_start, old_end, replaced = self._segments[
            max(0, bisect_right(self._starts, probe) - 1)
        ]
        if not replaced:
            return old_start + offset - new_start
        return old_end if at_end else old_start


def repaired(text: str, found: list[Repair]) -> Repaired:
    """Return the text with the repairs put in, and the way back to the original offsets."""
    pieces: list[str] = []
    segments: list[tuple[int, int, int, int, bool]] = []
    at = new = 0
    for repair in [r for r in found if r.replacement is not None]:
        for old_start, old_end, piece, replaced in (
            (at, repair.start, text[at : repair.start], False),
            (repair.start, repair.end, repair.replacement or "", True),
        ):
            segments.append((new, new + len(piece), old_start, old_end, replaced))
            pieces.append(piece)
            new += len(piece)
        at = repair.end
    segments.append((new, new + len(text) - at, at, len(text), False))
    pieces.append(text[at:])
    kept = [s for s in segments if s[1] > s[0]] or [segments[-1]]
    return Repaired("".join(pieces), tuple(s[0] for s in kept), tuple(kept))


def merged(text: str, earlier: list[Repair], stage: Callable[[str], list[Repair]]) -> list[Repair]:
    """Return the earlier repairs with those that a stage makes of the text they leave.

    All spans are of the original text. A repair that touches earlier ones takes them in,
    and is of the first one's kind.
    """
    if not earlier:
        return stage(text)
    view = repaired(text, earlier)
    later = stage(view.text)
    if not later:
        return earlier
    added: list[Repair] = []
    starts = [r.start for r in earlier]
    for start, end, group in _stretches(view, later):
        pieces, at = [], start
        for repair in group:
            pieces += [view.text[at : repair.start], repair.replacement or ""]
            at = repair.end
        replacement = "".join([*pieces, view.text[at:end]])
        a, b = view.original(start, end)
        first = bisect_left(starts, a)
        is_taken_in = first < len(starts) and starts[first] < b
        kind = earlier[first].kind if is_taken_in else group[0].kind
        added.append(Repair(a, b, replacement, kind))
    return sorted([*added, *_outside(earlier, added)], key=lambda r: r.start)


def _stretches(view: Repaired, later: Iterable[Repair]) -> Iterator[tuple[int, int, list[Repair]]]:
    """Group the repairs that one repaired stretch holds, for it can only be replaced whole."""
    start = end = 0
    group: list[Repair] = []
    for repair in later:
        a, b = view.whole(repair.start, repair.end)
        if group and a < end:
            end = max(end, b)
            group.append(repair)
            continue
        if group:
            yield start, end, group
        start, end, group = a, b, [repair]
    if group:
        yield start, end, group


def _outside(earlier: Iterable[Repair], added: Sequence[Repair]) -> list[Repair]:
    starts = [r.start for r in added]
    return [
        r
        for r in earlier
        if not (at := bisect_right(starts, r.start)) or added[at - 1].end <= r.start
    ]
