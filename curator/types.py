"""The things that curator speaks of: records, findings, decisions, reviews, runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["conversation", "document"]
ConversationRole = Literal["system", "user", "assistant", "tool"]
BlockRole = Literal["heading", "paragraph", "table", "list", "code"]
View = Literal["raw", "redacted"]
Action = Literal["keep", "review", "drop"]

ACTIONS: tuple[Action, ...] = ("keep", "review", "drop")
"""From the mildest to the most severe: the most severe that applies wins."""

ROUTES = ("instruction", "rag")


@dataclass(frozen=True, slots=True)
class Part:
    """One turn of a conversation, or one block of a document."""

    role: str
    text: str
    speaker: str | None = None
    locator: str = ""
    heading_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a record comes from; `locator` is exact (line, row, sheet and row, …).

    When the source was ingested is told once per source, in its manifest, so
    that the parts stay a pure function of their input.
    """

    source_uri: str
    source_sha256: str
    locator: str
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation or document, as it was read; never edited afterwards.

    `n_units` counts the source's units (rows, lines, messages) that it holds.
    """

    id: str
    kind: Kind
    parts: tuple[Part, ...]
    lang: str
    provenance: Provenance
    label: str | None = None
    timestamp: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    n_units: int = 1


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Units that could not be read, with their bytes and the reason."""

    locator: str
    reason: str
    raw: bytes
    n_units: int = 1


@dataclass(frozen=True, slots=True)
class SetAside:
    """Units that are read but are no records: system lines, placeholders, blank lines."""

    locator: str
    reason: str
    n_units: int = 1


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points in one part of a record."""

    part: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about a record.

    `score` runs from 0 to 1, and 1 is surely a problem. `evidence` holds the
    figures and rule names behind it, never text that was matched.
    `replacement` is what the policy may put in place of the span.
    """

    record_id: str
    check: str
    code: str
    score: float
    span: Span | None = None
    peer_id: str | None = None
    replacement: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Review:
    """What one person answered to one question about one record, and when.

    `content_sha` is the hash of the text that the person saw, `finding_ids` what was
    found in it then; `parts` are the record's parts that the answer is about, and
    `value` is JSON where it is a list. A response that answers nothing is a review of
    its status alone, without a value.
    """

    record_id: str
    content_sha: str
    question: str
    value: str | None
    status: Literal["submitted", "draft", "discarded"]
    user_id: str
    finding_ids: tuple[str, ...]
    at: str
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A finding code: stable, never reused, told in both languages."""

    id: str
    name: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `replacement` in place of a span; where edits overlap, higher `rank` wins."""

    span: Span
    replacement: str
    rank: int = 0
