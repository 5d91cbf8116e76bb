"""Pull: bring back what people said, and keep it for good."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from curator.check import plan as plan_of
from curator.decide import checked
from curator.errors import ReviewError
from curator.exports.leaks import Text, gate_of
from curator.review.agreement import Agreement, agreement
from curator.review.answers import Asked, Span, reviews
from curator.review.client import Server, moment
from curator.review.naming import dataset_name, prefix
from curator.review.places import from_browser
from curator.review.push import erased_records, is_ours, refresh, without_erased
from curator.review.questions import QUESTIONS, SPAN_FIELDS, span_question
from curator.review.queue import OURS, queue
from curator.review.shown import Shown
from curator.reviews import agreed, append, current
from curator.verdicts import disagree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.check import Plan
    from curator.review.client import Stored, Target
    from curator.rules import RuleSet
    from curator.schema import Recipe
    from curator.types import Record, Review
    from curator.verdicts import Verdict
    from curator.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came back. `new` counts responses that were not known, `said` all by their status.

    `outdated` are responses about a text that the record no longer has, `unknown` those about
    records that are not in this project; both are told and not applied. `conflicts` are the
    records about which people differ, `exposed` those whose correction shows a private detail
    and would stop an export, `unsettled` names why records stay in review all the same.
    """

    datasets: tuple[str, ...]
    new: int
    said: Mapping[str, int]
    records: int
    outdated: int
    unknown: int
    conflicts: tuple[str, ...]
    unsettled: Mapping[str, int]
    exposed: tuple[str, ...]
    agreement: Agreement


def pull(workspace: Workspace, recipe: Recipe, rules: RuleSet, target: Target) -> Pulled:
    """Keep what people have answered on the server since the last time.

    Nothing is changed on the server, and nothing here but the reviews, which are added to.

    Raises:
        GateError: a check is missing, failed or stale, so that it is not known what texts say now.
        ReviewError: the server does not answer or refuses, or has no dataset of this project.

    """
    checked(workspace, recipe, rules)
    server = Server(target)
    datasets = server.datasets(prefix(workspace, recipe.name))
    if not datasets:
        raise ReviewError(
            f"{server.url}: nothing of this project is in the workspace {server.workspace}",
            "push first (curator review push), or name the workspace with --workspace",
        )
    users, gone = server.users(), erased_records(workspace)
    told = [
        (record, response)
        for dataset in datasets
        for record in server.records(dataset, responses=True)
        if is_ours(record) and record.name.partition("-")[0] not in gone
        for response in record.responses
    ]
    found = list(_reviews(workspace, recipe, rules, told, users))
    return keep(workspace, recipe, rules, [d.name for d in datasets], found)


def keep(
    workspace: Workspace,
    recipe: Recipe,
    rules: RuleSet,
    names: Sequence[str],
    responses: Sequence[Sequence[Review]],
) -> Pulled:
    """Keep responses, each a list of reviews, and tell what they come to.

    Raises:
        ReviewError: not one of them is about a record of this project.

    """
    everything = plan_of(workspace, recipe, rules)
    ids = {rows[0].record_id for rows in responses}
    now = Shown(everything, ids).contents
    if responses and not now:
        raise ReviewError(
            f"{', '.join(names)}: none of the {len(ids):,} records is one of this project",
            "is --project the right folder? nothing was changed",
        )
    known = [rows for rows in responses if rows[0].record_id in now]
    new = append(workspace, [review for rows in known for review in rows])
    given = current(workspace, everything)
    verdicts = agreed(given, recipe)
    about = defaultdict(list)
    for response in given:
        about[response.record_id].append(response)
    return Pulled(
        tuple(names),
        len({(row["record_id"], row["content_sha"], row["user_id"]) for row in new}),
        dict(sorted(Counter(rows[0].status for rows in responses).items())),
        len({rows[0].record_id for rows in known}),
        sum(now[rows[0].record_id] != rows[0].content_sha for rows in known),
        len(responses) - len(known),
        tuple(sorted(record for record, said in about.items() if disagree(said))),
        dict(sorted(Counter(v.reason for v in verdicts.values() if v.said == "review").items())),
        _exposed(workspace, rules, everything, verdicts),
        agreement(given),
    )


def _exposed(
    workspace: Workspace, rules: RuleSet, plan: Plan, verdicts: Mapping[str, Verdict]
) -> tuple[str, ...]:
    """Return the records whose corrections show a private detail."""
    texts = [
        Text(record, "review", correction.question, correction.text)
        for record, verdict in verdicts.items()
        for correction in verdict.corrections
    ]
    gate = gate_of(workspace.sql(plan.findings), plan, rules.policy, verdicts) if texts else None
    return tuple(sorted({leak.record_id for leak in gate.leaks(texts)})) if gate else ()


def reorder(workspace: Workspace, recipe: Recipe, rules: RuleSet, target: Target) -> int:
    """Bring the queue on the server up to date after what was learned; return what changed."""
    server = Server(target)
    line = queue(workspace, recipe, rules)
    datasets = server.datasets(prefix(workspace, recipe.name))
    name = dataset_name(workspace, recipe.name, line.policy_sha)
    changed = 0
    for dataset in datasets:
        stored, _ = without_erased(workspace, server, dataset)
        # What another policy sent to review is asked about where this one sends it, if it did.
        is_here = dataset.name == name or all(d.name != name for d in datasets)
        changed += refresh(server, dataset, stored, line if is_here else replace(line, items=()))
    return changed


def _reviews(
    workspace: Workspace,
    recipe: Recipe,
    rules: RuleSet,
    told: Sequence[tuple[Stored, Mapping[str, Any]]],
    users: Mapping[str, str],
) -> Iterator[list[Review]]:
    """Yield what is kept of each response.

    Raises:
        ReviewError: the server tells of one in a form that is not Argilla's.

    """
    ids = {record.name.partition("-")[0] for record, _ in told}
    shown = Shown(plan_of(workspace, recipe, rules), ids)
    for record, response in told:
        try:
            yield _kept(record, response, shown, users)
        except (AttributeError, LookupError, TypeError, ValueError):
            raise ReviewError(
                f"the server tells of an answer about {record.name} in a form that is not known",
                "is it an Argilla 2.8 server? nothing was changed",
            ) from None


def _kept(
    record: Stored, response: Mapping[str, Any], shown: Shown, users: Mapping[str, str]
) -> list[Review]:
    ours = record.metadata[OURS]
    record_id = record.name.partition("-")[0]
    asked = Asked(record_id, ours["content"], ours["parts"], ours["findings"])
    said = response.get("values") or {}
    is_same = shown.contents.get(record_id) == asked.content_sha
    user = str(response["user_id"])
    return reviews(
        asked,
        _answers(said),
        _spans(said, asked, shown.records[record_id]) if is_same else [],
        status=str(response["status"]),
        user=users.get(user, user),
        at=moment(response["updated_at"]),
        shown=shown.records[record_id] if is_same else None,
        places=shown.places(record_id) if is_same else None,
    )


def _answers(said: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in QUESTIONS:
        value = (said.get(name) or {}).get("value")
        if isinstance(value, list):
            found[name] = json.dumps(sorted(value), ensure_ascii=False)
        elif value is not None:
            found[name] = str(value)
    return found


def _spans(said: Mapping[str, Any], asked: Asked, record: Record) -> list[Span]:
    """Return the labelled stretches; a browser counts otherwise than Python does."""
    found = []
    for name in SPAN_FIELDS:
        text = "\n".join(record.parts[part].text for part in asked.parts.get(name, ()))
        for mark in (said.get(span_question(name)) or {}).get("value") or ():
            start, end = (from_browser(text, int(mark[side])) for side in ("start", "end"))
            found.append(Span(name, start, end, str(mark["label"])))
    return found
