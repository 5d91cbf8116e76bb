"""Stretches: the answers are those of looking at each of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curator.intervals import Intervals, touched

spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda s: (s[0], s[0] + s[1])), max_size=9
)


@given(spans, st.integers(0, 35), st.integers(1, 6))
def test_touching_and_holding_are_what_each_stretch_says(
    held: list[tuple[int, int]], start: int, length: int
) -> None:
    end = start + length
    asked = Intervals(held)
    assert asked.touch(start, end) is any(a < end and start < b for a, b in held)
    assert asked.hold(start, end) is any(a <= start and end <= b for a, b in held)


@given(
    st.lists(st.integers(0, 40), max_size=12, unique=True), st.integers(0, 40), st.integers(1, 9)
)
def test_what_is_touched_stands_in_a_row(bounds: list[int], start: int, length: int) -> None:
    edges = sorted(bounds)
    apart = list(zip(edges[::2], edges[1::2], strict=False))
    end = start + length
    at = touched(apart, start, end, lambda span: span)
    assert apart[at] == [(a, b) for a, b in apart if a < end and start < b]
    grown = [*apart[: at.start], (start, end), *apart[at.stop :]]
    assert grown == sorted(grown), "the place is where the stretch belongs"
