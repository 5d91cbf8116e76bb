"""Push: send what is to be reviewed to a server, once each, the most doubtful first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from curator.errors import ReviewError
from curator.review.client import PAGE, Server
from curator.review.naming import dataset_name, prefix
from curator.review.questions import OPEN, SPAN_FIELDS
from curator.review.queue import OURS, metadata, queue, suggestions
from curator.review.settings import vector_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.protocols import Progress
    from curator.review.client import Dataset, Stored, Target
    from curator.review.items import Item
    from curator.review.queue import Queue
    from curator.rules import RuleSet
    from curator.schema import Recipe
    from curator.workspace import Workspace

_OFTEN = 50
"""Records sent at a time: few, so that a push that breaks off has lost little."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. `held` is how many records the decision holds for review in all.

    `sent` are new on the server, `there` were on it already, `touched` of these have another
    place in the queue or another state now, `erased` were deleted since they were erased here.
    """

    dataset: str
    workspace: str
    url: str
    held: int
    sent: int
    there: int
    touched: int
    erased: int


def push(
    workspace: Workspace,
    recipe: Recipe,
    rules: RuleSet,
    target: Target,
    progress: Progress,
    *,
    limit: int | None = None,
) -> Pushed:
    """Send the records under review that are not on the server yet.

    What is there already stays; its place in the queue and its state are brought up to date.
    A push that broke off goes on where it stopped, since the server is asked what it has.

    Args:
        workspace: the project's workspace.
        recipe: the project's recipe.
        rules: the project's rules.
        target: where to.
        progress: told how far it is.
        limit: how many records are to be on the server at most, the first of the queue.

    Raises:
        GateError: there is no current decision, or a text would show a private detail.
        ReviewError: the server does not answer or refuses.

    """
    line = queue(workspace, recipe, rules)
    _validate(line.items)
    server = Server(target)
    name = dataset_name(workspace, recipe.name, line.policy_sha)
    older = [d for d in server.datasets(prefix(workspace, recipe.name)) if d.name != name]
    dataset = server.ensure(
        name,
        dimensions=line.dimensions,
        language=recipe.review.language,
        min_submitted=recipe.review.min_submitted,
    )
    stored, erased = without_erased(workspace, server, dataset)
    known = {record.name for record in stored}
    new = [
        (place, item) for place, item in enumerate(line.items[:limit], 1) if item.id not in known
    ]
    questions = server.question_ids(dataset)
    batches = [new[low : low + _OFTEN] for low in range(0, len(new), _OFTEN)]
    for at, batch in enumerate(batches, 1):
        server.send(dataset, [_sent(item, place, questions, dataset) for place, item in batch])
        progress("push", at, len(batches))
    touched = refresh(server, dataset, stored, line)
    for other in older:
        left, gone = without_erased(workspace, server, other)
        touched += refresh(server, other, left, replace(line, items=()))
        erased += gone
    return Pushed(
        dataset.name,
        server.workspace,
        dataset.url,
        len(line.items),
        len(new),
        len(stored),
        touched,
        erased,
    )


def refresh(server: Server, dataset: Dataset, stored: Sequence[Stored], line: Queue) -> int:
    """Bring place and state of the records on a server up to date; return how many changed."""
    places = {item.id: (place, item) for place, item in enumerate(line.items, 1)}
    changed = []
    last = len(line.items)
    for record in stored:
        if record.name in places:
            place, item = places[record.name]
            told = metadata(item, place)
        else:
            last += 1
            record_id = record.name.partition("-")[0]
            was = record.metadata.get("state", OPEN)
            place = record.metadata.get("queue", 0) if was != OPEN else last
            told = {**record.metadata, "state": line.state(record_id)}
            told["queue"] = max(place, len(line.items) + 1)
        if told != record.metadata:
            changed.append({"external_id": record.name, "metadata": told})
    for low in range(0, len(changed), PAGE):
        server.send(dataset, changed[low : low + PAGE])
    return len(changed)


def without_erased(
    workspace: Workspace, server: Server, dataset: Dataset
) -> tuple[list[Stored], int]:
    """Return the records on a server, after deleting there what was erased here."""
    gone = erased_records(workspace)
    stored = list(server.records(dataset))
    erased = [record for record in stored if record.name.partition("-")[0] in gone]
    server.delete(dataset, erased)
    held = {record.id for record in erased}
    return [record for record in stored if record.id not in held], len(erased)


def erased_records(workspace: Workspace) -> frozenset[str]:
    """Return the ids of all records that were erased."""
    return frozenset(record for entry in workspace.erasures() for record in entry["records"])


def _validate(items: Sequence[Item]) -> None:
    """Make sure that a server will take all the records, for one bad one spoils its batch."""
    for item in items:
        problems = item.problems()
        if problems:
            raise ReviewError(
                f"record {item.record_id} cannot be reviewed: {problems[0]}",
                f"look at it with: curator why {item.record_id}; nothing was sent",
            )


def _sent(item: Item, place: int, questions: Mapping[str, str], dataset: Dataset) -> dict[str, Any]:
    vectors = {vector_name(name): vector for name, vector in item.vectors.items()}
    return {
        "external_id": item.id,
        # A question about spans wants its field in each record; an empty one is not shown.
        "fields": {**dict.fromkeys(SPAN_FIELDS, ""), **item.fields},
        "metadata": metadata(item, place),
        "vectors": {
            name: [float(x) for x in vector]
            for name, vector in vectors.items()
            if dataset.vectors.get(name) == len(vector)
        },
        "suggestions": suggestions(item, questions),
    }


def is_ours(record: Stored) -> bool:
    """Tell whether a record on a server carries what `pull` must know of it."""
    told = record.metadata.get(OURS)
    return isinstance(told, dict) and {"content", "parts", "findings"} <= told.keys()
