"""Filters and sorts as SQL over the index's tables; `r` is the row of `records`.

A *fact* is a value of a record's metadata or of a suggestion, named `metadata.NAME` or
`suggestion.QUESTION.PROPERTY`; an *answer* is a value of somebody's response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("id", "external_id", "status", "inserted_at", "updated_at")
PENDING = "pending"

_PROPERTY = "(SELECT id FROM properties WHERE dataset = ? AND name = ?)"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its arguments."""

    text: str
    args: tuple[Any, ...] = ()


def all_of(parts: Sequence[Sql]) -> Sql:
    """Join conditions by "and"; none at all hold everywhere."""
    if not parts:
        return Sql("1")
    return Sql(" AND ".join(part.text for part in parts), sum((p.args for p in parts), ()))


def column_in(column: str, values: Sequence[str | float]) -> Sql:
    """Of the records whose column is one of the values."""
    return Sql(f"r.{_column(column)} IN ({_marks(values)})", tuple(values))


def column_between(column: str, ge: str | float | None, le: str | float | None) -> Sql:
    """Of the records whose column is in the range."""
    return _between(f"r.{_column(column)}", ge, le)


def fact_in(dataset: str, name: str, values: Sequence[str]) -> Sql:
    """Of the records that have one of the values among a fact's."""
    every = _as_text_and_number(values)
    return Sql(
        f"r.seq IN (SELECT f.seq FROM facts f WHERE f.property = {_PROPERTY}"
        f" AND f.value IN ({_marks(every)}))",
        (dataset, name, *every),
    )


def fact_between(dataset: str, name: str, ge: float | None, le: float | None) -> Sql:
    """Of the records that have a number in the range among a fact's values."""
    inside = _between("f.value", ge, le)
    # A text is greater than any number in SQLite.
    return Sql(
        f"r.seq IN (SELECT f.seq FROM facts f WHERE f.property = {_PROPERTY}"
        f" AND f.value < '' AND {inside.text})",
        (dataset, name, *inside.args),
    )


def answer_in(question: str, user: str | None, values: Sequence[str]) -> Sql:
    """Of the records to which somebody, or that user, gave one of the answers."""
    every = _as_text_and_number(values)
    return _answered(question, user, Sql(f"a.value IN ({_marks(every)})", every))


def answer_between(question: str, user: str | None, ge: float | None, le: float | None) -> Sql:
    """Of the records to which somebody, or that user, gave a number in the range."""
    inside = _between("a.value", ge, le)
    return _answered(question, user, Sql(f"a.value < '' AND {inside.text}", inside.args))


def response_status_in(user: str | None, statuses: Sequence[str]) -> Sql:
    """Of the records with a response of that status; `pending` is said where there is none."""
    own, who = _own(user)
    given = [status for status in statuses if status != PENDING]
    either: list[Sql] = []
    if len(given) < len(statuses):
        either.append(Sql(f"r.seq NOT IN (SELECT p.seq FROM responses p WHERE 1{own})", who))
    if given:
        either.append(
            Sql(
                "r.seq IN (SELECT p.seq FROM responses p"
                f" WHERE p.status IN ({_marks(given)}){own})",
                (*given, *who),
            )
        )
    return Sql(
        f"({' OR '.join(part.text for part in either) or '0'})",
        sum((part.args for part in either), ()),
    )


def by_column(column: str, *, descending: bool) -> Sql:
    """Sort by a column."""
    return _sorted(Sql(f"r.{_column(column)}"), descending=descending)


def by_fact(dataset: str, name: str, *, descending: bool) -> Sql:
    """Sort by a fact; of several values the one that comes first in that direction counts."""
    first = "MAX" if descending else "MIN"
    return _sorted(
        Sql(
            f"(SELECT {first}(f.value) FROM facts f"
            f" WHERE f.seq = r.seq AND f.property = {_PROPERTY})",
            (dataset, name),
        ),
        descending=descending,
    )


def by_answer(question: str, user: str | None, *, descending: bool) -> Sql:
    """Sort by the mean of the answers, or by that user's answer."""
    own, who = _own(user, "a")
    return _sorted(
        Sql(
            "(SELECT coalesce(AVG(CASE WHEN a.value < '' THEN a.value END), MIN(a.value))"
            f" FROM answers a WHERE a.seq = r.seq AND a.question = ?{own})",
            (question, *who),
        ),
        descending=descending,
    )


def by_response_status(user: str | None, *, descending: bool) -> Sql:
    """Sort by the status of the responses, or of that user's."""
    own, who = _own(user)
    return _sorted(
        Sql(f"(SELECT MIN(p.status) FROM responses p WHERE p.seq = r.seq{own})", who),
        descending=descending,
    )


def _column(name: str) -> str:
    if name not in COLUMNS:
        raise ValueError(f"no column of a record: {name}")
    return name


def _answered(question: str, user: str | None, condition: Sql) -> Sql:
    own, who = _own(user, "a")
    return Sql(
        f"r.seq IN (SELECT a.seq FROM answers a WHERE a.question = ? AND {condition.text}{own})",
        (question, *condition.args, *who),
    )


def _own(user: str | None, table: str = "p") -> tuple[str, tuple[str, ...]]:
    return (f" AND {table}.user = ?", (user,)) if user is not None else ("", ())


def _between(value: str, ge: str | float | None, le: str | float | None) -> Sql:
    ends = [(f"{value} {sign} ?", end) for sign, end in ((">=", ge), ("<=", le)) if end is not None]
    return Sql(" AND ".join(text for text, _ in ends) or "1", tuple(end for _, end in ends))


def _as_text_and_number(values: Sequence[str]) -> tuple[str | float, ...]:
    """Return the values, and as numbers too what reads as one: a rating of 4 is asked as "4"."""
    every: list[str | float] = list(values)
    for value in values:
        try:
            every.append(float(value))
        except ValueError:
            continue
    return tuple(every)


def _sorted(key: Sql, *, descending: bool) -> Sql:
    return Sql(f"{key.text} {'DESC' if descending else 'ASC'} NULLS LAST", key.args)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
