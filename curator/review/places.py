"""Where a span of the redacted text lies in the record as it was read, and what was found there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from curator.edits import resolve
from curator.redact import edits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from curator.types import Edit


class Places:
    """The way from one record's redacted text back to the record.

    A record is never edited, so what is told by its own places holds however it is
    redacted later.

    Args:
        record_id: the record.
        findings: the rows of the raw view's checks about it.

    """

    def __init__(self, record_id: str, findings: Sequence[Mapping[str, Any]]) -> None:
        self._edits: dict[int, list[Edit]] = defaultdict(list)
        for edit in resolve(edits_of(findings).get(record_id, [])):
            self._edits[edit.span.part].append(edit)
        self._private = [
            (row["part"], row["start"], row["end"], row["id"])
            for row in findings
            if row["code"].startswith("PII") and row["part"] is not None
        ]

    def raw(self, part: int, start: int, end: int) -> tuple[int, int]:
        """Return the span that a span of the redacted part stands for, replaced stretches whole."""
        found_start, found_end, shift = None, None, 0
        for edit in self._edits[part]:
            first = edit.span.start + shift
            last = first + len(edit.replacement)
            if found_start is None and start < last:
                found_start = edit.span.start if start >= first else start - shift
            if found_end is None and end <= last:
                found_end = edit.span.end if end > first else end - shift
            shift = last - edit.span.end
        raw_start = start - shift if found_start is None else found_start
        return raw_start, end - shift if found_end is None else found_end

    def found(self, part: int, start: int, end: int) -> tuple[str, ...]:
        """Return the findings of private details that a span of the record touches."""
        return tuple(
            sorted(i for p, a, b, i in self._private if p == part and a < end and start < b)
        )

    def hidden_whole(self, part: int, start: int, end: int) -> bool:
        """Tell whether edits replace every character of a span of the record."""
        at = start
        for edit in self._edits[part]:
            if edit.span.start <= at < edit.span.end:
                at = edit.span.end
        return at >= end


def in_parts(
    lengths: Iterable[tuple[int, int]], start: int, end: int
) -> list[tuple[int, int, int]]:
    """Return the pieces (part, start, end) of a span of a field.

    Args:
        lengths: the parts that a field shows and how long each is; line breaks join them.
        start: where the span begins in the field.
        end: where it ends.

    """
    found, at = [], 0
    for part, length in lengths:
        a, b = max(start - at, 0), min(end - at, length)
        if a < b:
            found.append((part, a, b))
        at += length + 1
    return found


def in_browser(text: str, at: int) -> int:
    """Return a place in a text as a browser counts it: in UTF-16, where an emoji is two."""
    return len(text[:at].encode("utf-16-le", "surrogatepass")) // 2


def from_browser(text: str, at: int) -> int:
    """Return the place, in code points, of one that a browser has counted."""
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * at]
    return len(units.decode("utf-16-le", "ignore"))
