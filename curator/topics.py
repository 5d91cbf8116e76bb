"""Topics: what the records are about, by their labels or by the embeddings, and figures of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from curator.advise import Figures
from curator.checks.embeddings import embedding, vectors_of
from curator.policy import speaks_of
from curator.tables import read_table
from curator.terms import telling
from curator.text import rough_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.schema import Policy
    from curator.workspace import Workspace

MOST = 12
"""Topics that embeddings are divided into, at most."""
_EACH = 40
"""About so many conversations make a topic."""
_FITTED_ON = 20_000
_MOST_LABELS = 40
_GROUPS = {
    "stale": ("volatility", "VOL"),
    "private": ("pii", "PII"),
    "contradicting": ("contradictions", "LBL002"),
    "doubtful": ("label_issues", "LBL001"),
}
"""Figure → the check and the beginning of its codes."""


def figures(workspace: Workspace, plan: Plan, policy: Policy, encoder: str) -> list[Figures]:
    """Return the figures of each topic, the largest first.

    Topics are the labels where most records have one, and clusters of the other questions'
    embeddings, which the checks have left in the cache. Documents have no embedding: they
    go to the topic whose telling words they have most of. Only the redacted view is read.

    Args:
        workspace: the project's workspace.
        plan: the check runs that the current decision rests on.
        policy: the rules; a finding counts from the least score that one of them names.
        encoder: the name of the encoder whose embeddings lie in the cache.

    """
    con = workspace.sql(plan.findings, plan.view_parts)
    records = _records(con)
    if not records:
        return []
    of_topic = _topics(records, plan, workspace.cache, encoder)
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        grouped[of_topic.get(record["id"], "")].append(record)
    words = telling({topic: [r["start"] for r in some] for topic, some in grouped.items()})
    _place(grouped, words)
    found = {name: _found(con, policy, *codes) for name, codes in _GROUPS.items()}
    named = [
        _figures(topic, words.get(topic, ()), some, found)
        for topic, some in grouped.items()
        if some
    ]
    return sorted(named, key=lambda f: (-f.records, f.topic))


def topic_of(
    con: duckdb.DuckDBPyConnection, plan: Plan, cache: Path, encoder: str
) -> dict[str, str]:
    """Return the topic of each record that has one: its label, or `1`, `2` … by its embedding."""
    rows = con.sql("SELECT id, label FROM records ORDER BY id").to_arrow_table().to_pylist()
    return _topics(rows, plan, cache, encoder)


def _topics(
    records: Sequence[Mapping[str, Any]], plan: Plan, cache: Path, encoder: str
) -> dict[str, str]:
    labels = _labels(records)
    rest = [record for record in records if record["id"] not in labels]
    return _clusters(plan, cache, encoder, rest) | labels


def _records(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return what is known of each record that is not dropped; of its text only the start."""
    rows = con.sql(r"""
        WITH texts AS (
          SELECT id, array_to_string(list_transform(parts, lambda p: p.text), chr(10)) AS text
          FROM redacted
        )
        SELECT r.id, r.kind, r.label, left(t.text, 400) AS start, length(t.text) AS n_chars,
               length(t.text) - length(regexp_replace(t.text, '\p{Han}', '', 'g')) AS n_han,
               d.action = 'keep' AND d.instruction AS trainable
        FROM records r JOIN texts t ON t.id = r.id JOIN decisions d ON d.record_id = r.id
        WHERE d.action <> 'drop' AND NOT r.replay
    """)
    found: list[dict[str, Any]] = rows.to_arrow_table().to_pylist()
    return found


def _labels(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the topic of each record by its label; empty where most have none, or each its own."""
    labels = {r["id"]: r["label"] for r in records if r["label"]}
    distinct = len(set(labels.values()))
    if 2 * len(labels) < len(records) or not 1 < distinct <= _MOST_LABELS:
        return {}
    return labels


def _clusters(
    plan: Plan, cache: Path, encoder: str, records: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the topic of each record that has an embedding: `1`, `2` and so on."""
    wanted = {r["id"] for r in records}
    ids: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    for name, rows in _embedded(plan, cache, encoder):
        mine = [i for i, record_id in enumerate(name) if record_id in wanted]
        ids += [name[i] for i in mine]
        vectors.append(rows[mine])
    if not ids:
        return {}
    matrix = np.concatenate(vectors)
    k = max(1, min(MOST, len(ids) // _EACH))
    if k == 1:
        return dict.fromkeys(ids, "1")
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - heavy

    step = -(-len(ids) // _FITTED_ON)
    with threadpool_limits(1):  # sums in one order, so that a cluster never hangs on the machine
        fitted = KMeans(k, n_init=4, random_state=0).fit(matrix[::step])
        found = fitted.predict(matrix)
    order = [number for number, _ in Counter(found.tolist()).most_common()]
    return {i: str(order.index(n) + 1) for i, n in zip(ids, found.tolist(), strict=True)}


def _embedded(
    plan: Plan, cache: Path, encoder: str
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Yield the records of each part and the vectors of what each asks first."""
    work = embedding(encoder)
    for part in plan.view_parts:
        path = cache / part.parent.name / work.name / work.key / part.name
        if not path.exists():
            continue
        table = read_table(path)
        first = pc.and_(pc.equal(table["pair"], 0), pc.not_equal(table["field"], "answer"))
        table = table.filter(first)
        if table.num_rows:
            yield table["record_id"].to_pylist(), vectors_of(table)


def _place(grouped: dict[str, list[dict[str, Any]]], words: Mapping[str, Sequence[str]]) -> None:
    """Move the records without a topic to the one whose telling words they have most of."""
    left: list[dict[str, Any]] = []
    for record in grouped.pop("", []):
        text = record["start"].lower()
        held = {t: sum(w in text for w in words.get(t, ())) for t in grouped}
        best = max(held, key=lambda t: (held[t], t), default="")
        (grouped[best] if held.get(best) else left).append(record)
    if left:
        grouped[""] = left


def _found(con: duckdb.DuckDBPyConnection, policy: Policy, check: str, code: str) -> frozenset[str]:
    """Return the records of which the check says what the policy acts on."""
    rows = con.execute(
        "SELECT DISTINCT code FROM findings WHERE starts_with(code, $code)", {"code": code}
    ).fetchall()
    found: set[str] = set()
    for (each,) in rows:
        rules = [rule for rule in policy.rules if speaks_of(rule, check, each)]
        if not rules:  # told, and left as it stands
            continue
        least = min(rule.when.score_at_least or 0.0 for rule in rules)
        query = "SELECT DISTINCT record_id FROM findings WHERE code = $code AND score >= $least"
        ids = con.execute(query, {"code": each, "least": least}).fetchall()
        found.update(record_id for (record_id,) in ids)
    return frozenset(found)


def _figures(
    topic: str,
    terms: Sequence[str],
    records: Sequence[Mapping[str, Any]],
    found: Mapping[str, frozenset[str]],
) -> Figures:
    talks = [r for r in records if r["kind"] == "conversation"]
    papers = [r for r in records if r["kind"] != "conversation"]
    corpus = sum(map(_tokens, records))
    return Figures(
        topic=topic,
        terms=tuple(terms),
        conversations=len(talks),
        documents=len(papers),
        trainable=sum(bool(r["trainable"]) for r in talks),
        stale=sum(r["id"] in found["stale"] for r in records),
        private=sum(r["id"] in found["private"] for r in records),
        contradicting=sum(r["id"] in found["contradicting"] for r in talks),
        doubtful=sum(r["id"] in found["doubtful"] for r in talks),
        tokens=sum(_tokens(r) for r in talks if r["trainable"]),
        corpus_tokens=corpus,
        document_share=round(sum(map(_tokens, papers)) / corpus, 4) if corpus else 0.0,
    )


def _tokens(record: Mapping[str, Any]) -> int:
    """Return about how many tokens a record has."""
    han: int = record["n_han"]
    return rough_tokens(han, record["n_chars"] - han)
