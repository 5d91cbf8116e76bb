"""Edits on text: resolve overlaps, apply spans. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from curator.types import Edit, Part


def resolve(edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits that win, sorted by place and free of overlaps.

    The higher rank wins, then the longer span, then the earlier one. Every code
    point that any losing edit of the winner's rank covered is covered by the
    winner too: a span that sticks out of the winner widens it, so that hiding
    two overlapping names never leaves half of one behind.
    """
    won: list[Edit] = []
    order = sorted(
        set(edits),
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
    return won if not any(_overlap(a, b) for a, b in pairwise(won)) else resolve(won)


def _overlap(a: Edit, b: Edit) -> bool:
    return a.span.part == b.span.part and a.span.start < b.span.end and b.span.start < a.span.end


def apply(parts: Sequence[Part], edits: Iterable[Edit]) -> tuple[Part, ...]:
    """Return the parts with the edits put in; overlaps are resolved first.

    Raises:
        ValueError: a span lies outside its part.

    """
    texts = [part.text for part in parts]
    for edit in reversed(resolve(edits)):
        span = edit.span
        if not (0 <= span.part < len(texts) and 0 <= span.start <= span.end):
            raise ValueError(f"edit outside the record: {span}")
        text = texts[span.part]
        if span.end > len(parts[span.part].text):
            raise ValueError(f"edit outside its part: {span}")
        texts[span.part] = text[: span.start] + edit.replacement + text[span.end :]
    return tuple(
        part if part.text == text else replace(part, text=text)
        for part, text in zip(parts, texts, strict=True)
    )
