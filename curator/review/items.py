"""What goes to review: the doubtful records as a reviewer sees them, redacted."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curator.checks import codes
from curator.evidence import told
from curator.exports.leaks import Text
from curator.pairs import pairs
from curator.review.questions import (
    ANSWERED,
    ASKED,
    CATEGORY,
    CONTEXT,
    CONVERSATION,
    DOCUMENT,
    REASON,
    SPAN_FIELDS,
    Words,
)
from curator.review.vectors import Vectors, clusters
from curator.reviews import content_sha
from curator.tables import records_from
from curator.tags import tag_of
from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import duckdb

    from curator.check import Plan
    from curator.pairs import Pair
    from curator.schema import Recipe
    from curator.types import Record
    from curator.verdicts import Verdict
    from curator.workspace import Workspace

LONGEST_MESSAGE, MOST_MESSAGES, LONGEST_ROLE = 20_000, 500, 20
"""What an Argilla server takes of a conversation: characters of a message, messages, role."""
_CATEGORY = "LBL003"
"""The finding that the category may be wrong: it must be seen to be judged."""
_SPARE = ("LBL008", "LBL009")
"""Findings of stretches without which the answer may well be right."""
_CONTRADICTS, _NEAREST = (
    Words("与之矛盾的记录", "a record that contradicts it"),
    Words("问题最相近的记录", "the record with the nearest question"),
)
_PEER = Words("相关的记录", "the record it was found with")


@dataclass(frozen=True, slots=True)
class Item:
    """A record as it goes to review.

    `fields` are the texts that are shown and `parts` the record's parts that a field shows;
    `spans` are the placeholders in a field, half-open; `worth` counts what hangs on the
    record: itself and the duplicates that it stands for; `is_held` tells whether the
    decision holds it for review. `suggested` is an answer that may be right, `category` a
    label.
    """

    record_id: str
    content_sha: str
    fields: Mapping[str, Any]
    parts: Mapping[str, tuple[int, ...]]
    scores: Mapping[str, float]
    findings: tuple[str, ...]
    source: str
    department: str
    language: str
    tags: tuple[str, ...] = ()
    suggested: str | None = None
    category: str | None = None
    spans: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    vectors: Mapping[str, Any] = field(default_factory=dict)
    cluster: int = 0
    worth: int = 1
    is_held: bool = True

    @property
    def id(self) -> str:
        """What it is called on the server: the record, and what the record says."""
        return f"{self.record_id}-{self.content_sha}"

    @property
    def score(self) -> float:
        """How doubtful it is: the highest score of what sends it to review."""
        return max(self.scores.values(), default=0.0)

    def texts(self) -> Iterator[Text]:
        """Yield all that a reviewer would read, for the leak gate."""
        for name, value in self.fields.items():
            said = "\n".join(m["content"] for m in value) if isinstance(value, list) else value
            yield Text(self.record_id, "review", name, said)
        for name in ("source", "department", "suggested", "category"):
            if getattr(self, name):
                yield Text(self.record_id, "review", name, getattr(self, name))

    def problems(self) -> list[str]:
        """Return why a server would refuse it; nothing where it would not."""
        found = [] if any(self.fields.get(f) for f in (ASKED, ANSWERED, DOCUMENT)) else ["no text"]
        found += [f"score {s}" for s in self.scores.values() if not 0 <= s <= 1]
        found += [
            f"vector {name}"
            for name, vector in self.vectors.items()
            if not np.isfinite(vector).all() or math.isclose(float(np.linalg.norm(vector)), 0.0)
        ]
        for message in self.fields.get(CONVERSATION, ()):
            if not 0 < len(message["content"]) <= LONGEST_MESSAGE:
                found.append(f"a message of {len(message['content'])} characters")
        for name, spans in self.spans.items():
            if any(not 0 <= a < b <= len(self.fields[name]) for a, b in spans):
                found.append(f"a span outside {name}")
        return found


def items(
    workspace: Workspace, recipe: Recipe, plan: Plan, verdicts: Mapping[str, Verdict]
) -> list[Item]:
    """Return the records that `decide` holds for review, by id, each as a reviewer sees it.

    Those on which there is a verdict are among them, held or not, since the order of the
    others is learned from them.
    """
    con = workspace.sql(plan.findings, plan.view_parts)
    con.register("_judged", pa.table({"judged": pa.array(sorted(verdicts), pa.string())}))
    decided = con.execute(
        "SELECT record_id, action, finding_ids FROM decisions"
        " WHERE action = 'review' OR record_id IN (SELECT judged FROM _judged) ORDER BY 1"
    ).fetchall()
    if not decided:
        return []
    under = {record_id: finding_ids for record_id, _, finding_ids in decided}
    held = {record_id for record_id, action, _ in decided if action == "review"}
    findings = _findings(con, under)
    records = _records(con, under)
    worth = _worth(con)
    chosen = {record.id: _pair(record, findings[record.id]) for record in records.values()}
    vectors = Vectors(workspace, plan, recipe.models.encoder)
    mine = vectors.of(list(records.values()), {i: at for i, (at, _) in chosen.items()})
    beside = _beside(con, recipe, vectors, records, findings, mine, verdicts)
    made = []
    for record_id, record in records.items():
        _, pair = chosen[record_id]
        item = _item(record, pair, findings[record_id], set(under[record_id] or ()))
        context, answer = beside.get(record_id, (None, None))
        reason = _reason(item, findings[record_id], recipe.review.language)
        more = {name: text for name, text in ((REASON, reason), (CONTEXT, context)) if text}
        item = replace(item, fields={**item.fields, **more})
        if item.suggested is None and answer and pair:
            item = replace(item, suggested=answer)
        item = replace(item, vectors=mine.get(record_id, {}), worth=1 + worth[record_id])
        made.append(replace(item, is_held=record_id in held))
    return _in_clusters(made)


def _worth(con: duckdb.DuckDBPyConnection) -> Counter[str]:
    """Return how many duplicates each record stands for."""
    fell = "SELECT survivor_id FROM decisions WHERE survivor_id IS NOT NULL"
    return Counter(row[0] for row in con.execute(fell).fetchall())


def _findings(
    con: duckdb.DuckDBPyConnection, ids: Iterable[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return what was found about the records; a pair's finding is about both of its records."""
    con.register("_under", pa.table({"under": pa.array(sorted(ids), pa.string())}))
    rows = con.sql(
        "SELECT f.*, under FROM findings f JOIN _under"
        " ON under = f.record_id OR (under = f.peer_id AND f.code LIKE 'LBL%')"
        " ORDER BY f.code, f.score DESC, f.id"
    ).to_arrow_table()
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.to_pylist():
        found[row["under"]].append(row)
    return found


def _records(con: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> dict[str, Record]:
    con.register("_wanted", pa.table({"wanted": pa.array(sorted(ids), pa.string())}))
    table = con.sql(
        "SELECT redacted.* FROM redacted SEMI JOIN _wanted ON id = wanted ORDER BY id"
    ).to_arrow_table()
    return {record.id: record for record in records_from(table)}


def _pair(record: Record, findings: Sequence[Mapping[str, Any]]) -> tuple[int, Pair | None]:
    """Return the pair that is in doubt: that of the most doubtful finding with a place."""
    found = pairs(record)
    placed = [f for f in findings if f["part"] is not None and f["record_id"] == record.id]
    for finding in sorted(placed, key=lambda f: (not f["code"].startswith("LBL"), -f["score"])):
        for at, pair in enumerate(found):
            if finding["part"] in (*pair.asked, *pair.answered):
                return at, pair
    return (0, found[0]) if found else (0, None)


def _plain(text: str) -> str:
    """Return a text without what a database or a browser cannot keep; as long as it was."""
    return text.replace("\x00", "\ufffd")


def _item(
    record: Record, pair: Pair | None, findings: Sequence[Mapping[str, Any]], counted: set[str]
) -> Item:
    fields: dict[str, Any] = {}
    parts: dict[str, tuple[int, ...]] = {}
    if pair:
        fields, parts = (
            {ASKED: _plain(pair.question), ANSWERED: _plain(pair.answer)},
            {ASKED: pair.asked, ANSWERED: pair.answered},
        )
        if set(range(len(record.parts))) - {*pair.asked, *pair.answered}:
            fields[CONVERSATION] = _messages(record, pair.part)
    else:
        text = "\n".join(part.text for part in record.parts)
        fields, parts = {DOCUMENT: _plain(text)}, {DOCUMENT: tuple(range(len(record.parts)))}
    why = [f for f in findings if f["id"] in counted]
    scores: dict[str, float] = {}
    for finding in why:
        scores[finding["code"]] = max(finding["score"], scores.get(finding["code"], 0.0))
    if _CATEGORY in scores and record.label:
        fields[CATEGORY] = _plain(record.label)
    tags = [tag for code in scores for tag in [tag_of(code)] if tag]
    fields = {name: value for name, value in fields.items() if value}
    return Item(
        record.id,
        content_sha(record),
        fields,
        parts,
        scores,
        tuple(sorted({f["id"] for f in findings})),
        record.provenance.source_uri,
        record.label or "",
        record.lang,
        tuple(dict.fromkeys(tags)),
        _without(pair, why) if pair else None,
        _likelier(why),
        {
            name: tuple(m.span() for m in PLACEHOLDER.finditer(fields[name]))
            for name in SPAN_FIELDS
            if name in fields and PLACEHOLDER.search(fields[name])
        },
    )


def _likelier(findings: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the category that a finding says is the likelier one."""
    of = [f for f in findings if f["code"] == _CATEGORY]
    best = max(of, key=lambda f: f["score"], default=None)
    return _plain(json.loads(best["evidence"])["suggested"]) if best else None


def _reason(item: Item, findings: Sequence[Mapping[str, Any]], language: str) -> str:
    """Return what was found, in words and with its evidence, the most doubtful first."""
    known = codes()
    lines = []
    for code, score in sorted(item.scores.items(), key=lambda found: (-found[1], found[0])):
        best = next(f for f in findings if f["code"] == code and f["score"] == score)
        phrases = told(code, json.loads(best["evidence"]))
        name = Words(known[code].zh, known[code].en).said(language) if code in known else code
        evidence = Words("；".join(p.zh for p in phrases), "; ".join(p.en for p in phrases))
        shown = f": {evidence.said(language)}" if phrases else ""
        lines.append(f"{name} ({code} {score:.2f}){shown}")
    return "\n".join(lines)


def _messages(record: Record, focus: int) -> list[dict[str, str]]:
    """Return the conversation as messages that a server takes; of a long one what is around."""
    said = []
    for at, part in enumerate(record.parts):
        text = _plain(part.text)
        for start in range(0, len(text), LONGEST_MESSAGE):
            piece = text[start : start + LONGEST_MESSAGE]
            said.append((at, {"role": part.role[:LONGEST_ROLE], "content": piece}))
    if len(said) > MOST_MESSAGES:
        here = next((i for i, (at, _) in enumerate(said) if at >= focus), 0)
        low = max(0, min(here - MOST_MESSAGES // 2, len(said) - MOST_MESSAGES))
        said = said[low : low + MOST_MESSAGES]
    return [message for _, message in said]


def _without(pair: Pair, findings: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the answer without an advertisement or a template's left-overs found in it."""
    if len(pair.answered) != 1:
        return None
    spans = sorted(
        (f["start"], f["end"])
        for f in findings
        if f["code"] in _SPARE and f["part"] == pair.answered[0]
    )
    text = pair.answer
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return _plain(text.strip()) if spans and text.strip() else None


def _beside(
    con: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    vectors: Vectors,
    records: Mapping[str, Record],
    findings: Mapping[str, Sequence[Mapping[str, Any]]],
    mine: Mapping[str, Mapping[str, Any]],
    verdicts: Mapping[str, Verdict],
) -> dict[str, tuple[str, str | None]]:
    """Return what stands beside each record for comparison, and an answer that it suggests."""
    actions = dict(con.execute("SELECT record_id, action FROM decisions").fetchall())
    # A private detail that only a reviewer saw is still in the view.
    secret = {record for record, verdict in verdicts.items() if verdict.hidden}
    peers = {i: peer for i in records for peer in [_peer(i, findings[i])] if peer}
    rest = {i: v["question"] for i, v in mine.items() if i not in peers and "question" in v}
    kept = {i for i, action in actions.items() if action == "keep"} - secret
    near = vectors.nearest(rest, kept)
    other = _records(con, {*(p for p, _, _ in peers.values()), *(n[0] for n in near.values())})
    found: dict[str, tuple[str, str | None]] = {}
    language = recipe.review.language
    for record_id, (peer, code, score) in peers.items():
        if peer in other and peer not in secret:
            name = (_CONTRADICTS if code == "LBL002" else _PEER).said(language)
            answer = _answer(other[peer], 0)
            trusted = code == "LBL002" and actions.get(peer) == "keep"
            shown = _told(other[peer], 0, f"{name} ({code} {score:.2f})")
            found[record_id] = (shown, answer if trusted else None)
    for record_id, (peer, at, cosine) in near.items():
        title = f"{_NEAREST.said(language)} ({cosine:.2f})"
        found[record_id] = (_told(other[peer], at, title), None)
    return found


def _peer(record_id: str, findings: Sequence[Mapping[str, Any]]) -> tuple[str, str, float] | None:
    """Return the record that speaks most against this one, with the code and the score."""
    paired = [f for f in findings if f["peer_id"] is not None]
    paired.sort(key=lambda f: (f["code"] != "LBL002", not f["code"].startswith("LBL"), -f["score"]))
    for f in paired:
        other = f["peer_id"] if f["record_id"] == record_id else f["record_id"]
        return other, f["code"], f["score"]
    return None


def _answer(record: Record, at: int) -> str | None:
    found = pairs(record)
    return _plain(found[at].answer) if len(found) > at else None


def _told(record: Record, at: int, title: str) -> str:
    found = pairs(record)
    if len(found) > at:
        text = f"{found[at].question}\n\n{found[at].answer}"
    else:
        text = "\n".join(part.text for part in record.parts)
    return _plain(f"{title}\n\n{text}")


def _in_clusters(made: Sequence[Item]) -> list[Item]:
    """Return the items with the group of like questions that each belongs to, from 1."""
    rows = [at for at, item in enumerate(made) if "question" in item.vectors]
    if not rows:
        return list(made)
    groups = clusters(np.stack([made[at].vectors["question"] for at in rows]))
    named = dict(zip(rows, groups.tolist(), strict=True))
    return [
        replace(item, cluster=named[at] + 1) if at in named else item
        for at, item in enumerate(made)
    ]
