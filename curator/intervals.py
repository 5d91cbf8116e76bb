"""Stretches of a text, and which of many touch one: found by halving, however many there are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")


class Intervals:
    """Half-open stretches, which may overlap, to be asked about others."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        """Take the stretches in any order."""
        order = sorted(spans)
        self._starts = [start for start, _ in order]
        self._reach = list(accumulate((end for _, end in order), max))

    def touch(self, start: int, end: int) -> bool:
        """Return whether one of them shares a place with this stretch."""
        at = bisect_left(self._starts, end)
        return at > 0 and self._reach[at - 1] > start

    def hold(self, start: int, end: int) -> bool:
        """Return whether this stretch lies within one of them."""
        at = bisect_right(self._starts, start)
        return at > 0 and self._reach[at - 1] >= end


def touched(
    apart: Sequence[T], start: int, end: int, span: Callable[[T], tuple[int, int]]
) -> slice:
    """Return which of some things that lie apart, in order, this stretch touches.

    Where it touches none, the slice is empty and lies where the stretch belongs.
    """
    last = bisect_left(apart, end, key=lambda one: span(one)[0])
    first = last
    while first and span(apart[first - 1])[1] > start:
        first -= 1
    return slice(first, last)
