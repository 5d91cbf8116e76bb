"""Edits on text: resolve overlaps, apply spans. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from curator.types import Edit, Part


def resolve(edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits that win, sorted by place and free of overlaps.

    The higher rank wins, then the longer span, then the earlier one. Every code
    point that any losing edit of the winner's rank covered is covered by the
    winner too: a span that sticks out of the winner widens it, so that hiding
    two overlapping names never leaves half of one behind.
    """
    return [edit for heap in _heaps(edits) for edit in _winners(heap)]


def _heaps(edits: Iterable[Edit]) -> Iterator[list[Edit]]:
    """Yield the edits in heaps, in order of place; those of two heaps never overlap."""
    heap: list[Edit] = []
    part = end = 0
    for edit in sorted(set(edits), key=lambda e: (e.span.part, e.span.start, e.span.end)):
        span = edit.span
        if heap and (span.part != part or span.start >= end):
            yield heap
            heap = []
        part, end = span.part, max(end, span.end) if heap else span.end
        heap.append(edit)
    if heap:
        yield heap


def _winners(edits: Iterable[Edit]) -> list[Edit]:
    won: list[Edit] = []
    order = sorted(
        edits,
        key=lambda e: (
            -e.rank,
            e.span.start - e.span.end,
            e.span.part,
            e.span.start,
            e.replacement,
        ),
    )
    for edit in order:
        overlapping = [w for w in won if _overlap(w, edit)]
        if not overlapping:
            won.append(edit)
        elif edit.rank >= max(w.rank for w in overlapping):
            first = overlapping[0]
            everyone = [*overlapping, edit]
            span = replace(
                first.span,
                start=min(e.span.start for e in everyone),
                end=max(e.span.end for e in everyone),
            )
            won = [w for w in won if w not in overlapping]
            won.append(replace(first, span=span))
    # Widening may have made two winners touch: settle until nothing overlaps.
    won.sort(key=lambda e: (e.span.part, e.span.start, e.span.end))
    return won if not any(_overlap(a, b) for a, b in pairwise(won)) else _winners(won)


def _overlap(a: Edit, b: Edit) -> bool:
    return a.span.part == b.span.part and a.span.start < b.span.end and b.span.start < a.span.end


def apply(parts: Sequence[Part], edits: Iterable[Edit]) -> tuple[Part, ...]:
    """Return the parts with the edits put in; overlaps are resolved first.

    Raises:
        ValueError: a span lies outside its part.

    """
    pieces: list[list[str]] = [[] for _ in parts]
    reached = [0] * len(parts)
    for edit in resolve(edits):
        span = edit.span
        if not (0 <= span.part < len(parts) and 0 <= span.start <= span.end):
            raise ValueError(f"edit outside the record: {span}")
        text = parts[span.part].text
        if span.end > len(text):
            raise ValueError(f"edit outside its part: {span}")
        pieces[span.part] += [text[reached[span.part] : span.start], edit.replacement]
        reached[span.part] = span.end
    return tuple(
        replace(part, text="".join([*held, part.text[at:]])) if held else part
        for part, held, at in zip(parts, pieces, reached, strict=True)
    )
