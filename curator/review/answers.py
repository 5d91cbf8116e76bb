"""From a reviewer's answers to reviews: what is kept of a response, whatever it came by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.review.places import in_parts
from curator.review.questions import ANSWERED, ASKED
from curator.types import Review
from curator.verdicts import ANSWER, PERSONAL, QUESTION, VERDICT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.review.places import Places
    from curator.types import Record

_CORRECTS = {ANSWER: ANSWERED, QUESTION: ASKED}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person was asked about: the record, the text it had, what was shown of it."""

    record_id: str
    content_sha: str
    parts: Mapping[str, Sequence[int]]
    findings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a field to which a person gave a label; half-open."""

    field: str
    start: int
    end: int
    label: str


def reviews(
    asked: Asked,
    answers: Mapping[str, str],
    spans: Sequence[Span],
    *,
    status: Any,
    user: str,
    at: str,
    shown: Record | None,
    places: Places | None,
) -> list[Review]:
    """Return what is kept of one response: a review a question, or one of its status alone.

    Args:
        asked: what the person was asked about.
        answers: what was answered, by question; lists as JSON.
        spans: the stretches that were given a label.
        status: submitted, draft or discarded.
        user: who.
        at: when.
        shown: the record as it is shown now; None where it says something else than then,
            and spans would mean something else.
        places: the way from there to the record as it was read.

    """

    def review(question: str, value: str | None, parts: Sequence[int] = ()) -> Review:
        return Review(
            asked.record_id,
            asked.content_sha,
            question,
            value,
            status,
            user,
            tuple(asked.findings),
            at,
            tuple(parts),
        )

    found = [
        review(question, value, asked.parts.get(_CORRECTS.get(question, ""), ()))
        for question, value in sorted(answers.items())
        if value.strip()
    ]
    marks = _marks(spans, asked, shown, places) if shown and places else []
    if marks:
        found.append(review(PERSONAL, json.dumps(marks, ensure_ascii=False)))
    return found or [review(VERDICT, None)]


def _marks(
    spans: Sequence[Span], asked: Asked, shown: Record, places: Places
) -> list[dict[str, Any]]:
    """Return the labelled stretches by their places in the record as it was read.

    A stretch that is hidden already tells of the findings that hide it; the others are
    details that only the person saw.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for span in spans:
        lengths = [(p, len(shown.parts[p].text)) for p in asked.parts.get(span.field, ())]
        for part, a, b in in_parts(lengths, span.start, span.end):
            start, end = places.raw(part, a, b)
            hidden = places.hidden_whole(part, start, end)
            findings = list(places.found(part, start, end)) if hidden else []
            if span.label == "personal" or findings:
                mark = {"part": part, "start": start, "end": end, "label": span.label}
                found[part, start, end, span.label] = {**mark, "findings": findings}
    return [found[key] for key in sorted(found)]
