"""The reviews of a workspace: kept for good, each for the text that was reviewed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from curator.tables import REVIEWS, digest, read_table, records_from
from curator.verdicts import WORDS, latest, responses, settle
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from curator.check import Plan
    from curator.schema import Recipe
    from curator.types import Record, Review
    from curator.verdicts import Response, Verdict
    from curator.workspace import Workspace

_RESPONSE = ("record_id", "content_sha", "user_id")


def content_sha(record: Record) -> str:
    """Return the hash of what a reviewer judges: a record of the redacted view, and its label."""
    return digest([(part.role, part.text) for part in record.parts], record.label, length=32)


def shown(plan: Plan, ids: Collection[str]) -> Iterator[tuple[int, Record]]:
    """Yield the records of these ids as the redacted view shows them now, with their part."""
    wanted = pa.array(sorted(ids), pa.string())
    for at, path in enumerate(plan.view_parts if len(wanted) else ()):
        if not path.exists():
            continue
        column = read_table(path, columns=["id"])["id"]
        if pc.any(pc.is_in(column, value_set=wanted)).as_py():
            table = read_table(path)
            mask = pc.is_in(table["id"], value_set=wanted)
            yield from ((at, record) for record in records_from(table.filter(mask)))


def contents(plan: Plan, ids: Collection[str]) -> dict[str, str]:
    """Return the content hash of the records of these ids, as they are shown now."""
    return {record.id: content_sha(record) for _, record in shown(plan, ids)}


def current(workspace: Workspace, plan: Plan) -> list[Response]:
    """Return what people said last about the records, as far as these still say what they did."""
    reviews = workspace.reviews()
    return responses(reviews, contents(plan, set(reviews["record_id"].to_pylist())))


def settled(workspace: Workspace, recipe: Recipe, plan: Plan) -> dict[str, Verdict]:
    """Return the verdicts that hold, by record."""
    return agreed(current(workspace, plan), recipe)


def agreed(given: Iterable[Response], recipe: Recipe) -> dict[str, Verdict]:
    """Return the verdicts on what people said last, as the recipe settles them."""
    review = recipe.review
    return settle(given, at_least=review.min_submitted, conflicts=review.conflicts)


def append(workspace: Workspace, given: Iterable[Review]) -> list[Mapping[str, Any]]:
    """Keep what is new of some responses; return it as rows (schema `REVIEWS`).

    A response that says what the same person's last response about the same content says
    is nothing new, so that pulling twice changes nothing.
    """
    kept = workspace.reviews().to_pylist()
    moments = {(*(row[name] for name in _RESPONSE), row["at"]) for row in kept}
    known = latest(kept, _RESPONSE)
    new: list[Mapping[str, Any]] = []
    for key, rows in latest(map(_row, given), _RESPONSE).items():
        if (*key, rows[0]["at"]) not in moments and _said(known.get(key, [])) != _said(rows):
            new += rows
    new.sort(key=lambda r: (r["at"], r["record_id"], r["user_id"], r["question"], r["value"] or ""))
    if new:
        path = workspace.reviews_folder / f"{digest(new)}.parquet"
        write_table(path, pa.Table.from_pylist(new, schema=REVIEWS))
    return new


def _row(review: Review) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in REVIEWS.names
        for value in [getattr(review, name)]
    }


def _said(rows: Iterable[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    return {(r["question"], r["value"], r["status"], tuple(r["parts"] or ())) for r in rows}


def figures(workspace: Workspace, recipe: Recipe, plan: Plan) -> dict[str, int]:
    """Return how many records people have spoken of, and what came of it.

    `outdated` counts the records whose text is another one since they were reviewed or that
    are not there any more; `waiting` those that too few people have submitted.
    """
    reviews = workspace.reviews()
    now = current(workspace, plan)
    verdicts = agreed(now, recipe)
    about = defaultdict(list)
    for response in now:
        about[response.record_id].append(response)
    counted = {record for record, said in about.items() if any(r.counts for r in said)}
    return {
        "records": len(set(reviews["record_id"].to_pylist())),
        "reviewers": len(set(reviews["user_id"].to_pylist())),
        **{f"said_{word}": _n(verdicts, word) for word in WORDS},
        "unsettled": sum(v.said == "review" for v in verdicts.values()),
        "waiting": len(counted - set(verdicts)),
        "drafts": sum(r.status == "draft" for r in now),
        "discarded": sum(r.status == "discarded" for r in now),
        "outdated": len(set(reviews["record_id"].to_pylist()) - set(about)),
    }


def _n(verdicts: Mapping[str, Verdict], word: str) -> int:
    return sum(v.said == word for v in verdicts.values())
