"""What the index is given: records and responses without Argilla's own classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 500  # a longer text is something to read, and nothing to filter by


@dataclass(frozen=True, slots=True)
class Response:
    """What somebody said of a record; `values` are the answers by question."""

    id: str
    user: str
    status: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One record. `facts` are the values of its metadata and suggestions, by name."""

    id: str
    external_id: str | None
    status: str | None
    inserted_at: float
    updated_at: float
    texts: Mapping[str, str]
    facts: Mapping[str, Any]
    responses: tuple[Response, ...] = ()
    vectors: Mapping[str, bytes] = field(default_factory=dict)


def values_of(value: Any) -> Iterator[str | float]:
    """Yield what may be filtered by in a value: itself, or each of its elements."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, int | float) or (isinstance(one, str) and len(one) <= _LONGEST):
            yield one
