"""Corrections by reviewers, put into a record after its private details are hidden. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from curator.edits import apply
from curator.pseudonyms import NUMBERED
from curator.redact import edits_of
from curator.text import script
from curator.types import Edit, Span
from curator.verdicts import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from curator.types import Record
    from curator.verdicts import Correction, Mark

MARKED = "PII000"
"""What stands for a code where a reviewer found a private detail that no check did."""
_HIDDEN = {"zh": "[隐私{}]", "en": "[PRIVATE_{}]"}


def marked_rows(record: Record, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Return the spans that reviewers want hidden as rows like those of findings."""
    rows = []
    for number, mark in enumerate(marks, 1):
        if mark.part >= len(record.parts) or mark.end > len(record.parts[mark.part].text):
            continue
        around = script(record.parts[mark.part].text)
        tongue = "zh" if around in {"han", "mixed"} else "en"
        rows.append(
            {
                "record_id": record.id,
                "code": MARKED,
                "part": mark.part,
                "start": mark.start,
                "end": mark.end,
                "replacement": _HIDDEN[tongue].format(number),
                "how": "replace",
                "evidence": "{}",
            }
        )
    return rows


def renamed(
    record_id: str, rows: Iterable[Mapping[str, Any]], edits: Sequence[Edit]
) -> dict[str, str]:
    """Return for each placeholder of a record what stands in its place in an export.

    Args:
        record_id: the record.
        rows: the findings that are put in, with their placeholders.
        edits: the edits that were made of them, in the same order.

    """
    names: dict[str, str] = {}
    for plain, edit in zip(edits_of(rows).get(record_id, []), edits, strict=True):
        if NUMBERED.fullmatch(plain.replacement):
            names.setdefault(plain.replacement, edit.replacement)
    return names


def corrected(
    shown: Record, corrections: Iterable[Correction], names: Mapping[str, str] | None = None
) -> Record:
    """Return a redacted record with the corrections in it.

    Args:
        shown: the record, its private details hidden.
        corrections: what takes the place of whole parts, or of the label.
        names: what stands for the placeholders that the reviewer saw, where it is not they.

    """
    edits = []
    label = shown.label
    for correction in corrections:
        text = _named(correction.text, names or {})
        if correction.question == LABEL:
            label = text.strip()
        for part in correction.parts:
            if part < len(shown.parts):
                edits.append(Edit(Span(part, 0, len(shown.parts[part].text)), text))
                text = ""
    return replace(shown, parts=apply(shown.parts, edits), label=label)


def _named(text: str, names: Mapping[str, str]) -> str:
    if not names:
        return text
    longest = sorted(map(re.escape, names), key=len, reverse=True)
    return re.sub("|".join(longest), lambda match: names[match.group()], text)
