"""In which order two texts say what both of them say."""

from __future__ import annotations

from bisect import bisect_left
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_CELLS = 8000
"""Beyond so many pairs of units, repeated ones are matched in order and not by their neighbours."""


def places(left: Sequence[str], right: Sequence[str]) -> list[int]:
    """Return where in `right` the units that both share stand, in the order of `left`.

    A unit that comes twice is matched where the longest runs of equal units say so:
    of `男人 喜欢 女人` and `女人 喜欢 男人` each 人 goes with its own neighbour.
    """
    where: dict[str, list[int]] = {}
    for at, unit in enumerate(right):
        where.setdefault(unit, []).append(at)
    if len(set(left)) == len(left) and len(where) == len(right):
        return [where[unit][0] for unit in left if unit in where]
    if len(left) * len(right) > _MOST_CELLS:
        for found in where.values():
            found.reverse()
        return [where[unit].pop() for unit in left if where.get(unit)]
    return _tiled(left, right, where)


def _tiled(left: Sequence[str], right: Sequence[str], where: dict[str, list[int]]) -> list[int]:
    """Match the longest common run, then the longest of what is left, and so on (Wise 1993)."""
    place = [-1] * len(left)
    taken = [False] * len(right)
    while True:
        size, end, other_end = 0, 0, 0
        runs: dict[int, int] = {}
        for at, unit in enumerate(left):
            row: dict[int, int] = {}
            if place[at] < 0:
                for other in where.get(unit, ()):
                    if not taken[other]:
                        row[other] = runs.get(other - 1, 0) + 1
                        if row[other] > size:
                            size, end, other_end = row[other], at, other
            runs = row
        if not size:
            return [p for p in place if p >= 0]
        for back in range(size):
            place[end - back] = other_end - back
            taken[other_end - back] = True


def longest_rise(numbers: Sequence[int]) -> int:
    """Return the length of the longest rising subsequence."""
    tails: list[int] = []
    for number in numbers:
        at = bisect_left(tails, number)
        tails[at : at + 1] = [number]
    return len(tails)


def longest_fall(numbers: Sequence[int]) -> int:
    """Return the length of the longest falling subsequence.

    1: the same order. 2: neighbours change places (`why is it | it is why`, `A and B | B and A`).
    3 or more: two things change places around a third that stays: `A beats B | B beats A`.
    """
    return longest_rise([-number for number in numbers])


def replaced(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether in some place the one has units that are not in the other, and the other has too."""
    known, others = set(left), set(right)
    return any(
        how == "replace" and not (others.issuperset(left[a:b]) or known.issuperset(right[c:d]))
        for how, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    )
