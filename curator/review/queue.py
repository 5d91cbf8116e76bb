"""The queue: the records under review in the order in which they are worth reviewing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.decide import ready
from curator.exports.leaks import gate_of, refuse
from curator.review.items import items
from curator.review.order import order, signals
from curator.review.places import in_browser
from curator.review.questions import OPEN, OUTDATED, SETTLED, span_question
from curator.reviews import settled
from curator.tags import tag_of
from curator.verdicts import ANSWER, LABEL, TAGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.review.items import Item
    from curator.rules import RuleSet
    from curator.schema import Recipe
    from curator.workspace import Workspace

OURS = "curator"
"""The key of what curator itself needs to know of a record; no reviewer sees it."""
_AGENT = "curator"


@dataclass(frozen=True)
class Queue:
    """The records under review, the first to review at the front, and those that are settled."""

    items: tuple[Item, ...]
    settled: frozenset[str]
    policy_sha: str

    @property
    def dimensions(self) -> int | None:
        """How long the vectors are; None where there are none."""
        return next((len(v) for item in self.items for v in item.vectors.values()), None)

    def state(self, record_id: str) -> str:
        """Return what has become of a record that is reviewed no more."""
        return SETTLED if record_id in self.settled else OUTDATED


def queue(workspace: Workspace, recipe: Recipe, rules: RuleSet) -> Queue:
    """Return what is to be reviewed, in order, after the leak gate has looked through it.

    Raises:
        GateError: there is no decision on what the checks say now, or a text would show a
            private detail.

    """
    plan = ready(workspace, recipe, rules)
    verdicts = settled(workspace, recipe, plan)
    known = items(workspace, recipe, plan, verdicts)
    said = {
        row: verdicts[item.record_id].said != "keep"
        for row, item in enumerate(known)
        if not item.is_held and item.record_id in verdicts
    }
    chosen = [known[row] for row in order(signals(known), said)] if known else []
    chosen = [item for item in chosen if item.is_held]
    gate = gate_of(workspace.sql(plan.findings), plan, rules.policy, verdicts)
    if gate is not None:
        texts = (text for item in chosen for text in item.texts())
        refuse(gate.leaks(texts), "nothing goes to review", "the same command again")
    decision = workspace.current_decision() or {}
    done = frozenset(r for r, v in verdicts.items() if v.said != "review")
    return Queue(tuple(chosen), done, str(decision.get("policy_sha", "")))


def metadata(item: Item, place: int) -> dict[str, Any]:
    """Return what a record can be filtered and sorted by, and what `pull` must know of it."""
    told = {
        "queue": place,
        "state": OPEN,
        "codes": sorted(item.scores),
        "score": round(item.score, 4),
        "source": item.source,
        "department": item.department,
        "language": item.language,
        "cluster": str(item.cluster) if item.cluster else "",
        OURS: {
            "content": item.content_sha,
            "parts": {name: list(parts) for name, parts in sorted(item.parts.items())},
            "findings": list(item.findings),
        },
    }
    return {name: value for name, value in told.items() if value not in ("", [])}


def suggestions(item: Item, questions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what is filled in already: tags, a correction, private details; never the verdict.

    Args:
        item: the record.
        questions: the server's id of each question.

    """
    found = []
    if item.tags:
        scores = [
            max(s for code, s in item.scores.items() if tag_of(code) == tag) for tag in item.tags
        ]
        found.append((TAGS, {"value": list(item.tags), "score": scores}))
    for question, text in ((ANSWER, item.suggested), (LABEL, item.category)):
        if text:
            found.append((question, {"value": text}))
    for name, spans in item.spans.items():
        text = item.fields[name]
        places = [(in_browser(text, a), in_browser(text, b)) for a, b in spans]
        # The server counts code points: behind many emoji it would refuse what a browser wants.
        marks = [{"start": a, "end": b, "label": "personal"} for a, b in places if b <= len(text)]
        if marks:
            found.append((span_question(name), {"value": marks}))
    return [
        {"question_id": questions[name], "agent": _AGENT, "type": "model", **told}
        for name, told in found
        if name in questions
    ]
