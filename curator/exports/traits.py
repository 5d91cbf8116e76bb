"""What a row is: its source, its topic, its length and how good it is, as far as that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.checks.embeddings import CAP, Embed, embedding, vectors_of
from curator.tables import read_table
from curator.text import HAN, rough_tokens
from curator.topics import topic_of
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.exports.measures import Ruler
    from curator.verdicts import Verdict
    from curator.workspace import Workspace

_HAN_CHARACTERS = re.compile(f"[{HAN}]")
_LEAST_QUALITY = 0.05
_DOUBTS = "(starts_with(code, 'LBL') OR starts_with(code, 'QLT01'))"
"""Labels and quality; what is repaired or hidden makes no row worse."""


@dataclass(frozen=True)
class Traits:
    """Of each row of a pool, in its order, shape (rows,) where it is an array.

    topic: its label or the cluster of its question, empty where nothing is known.
    quality: 1 minus each doubt, multiplied; 1 where a reviewer keeps it. tokens: of its rows,
    estimated where no tokenizer is named.
    """

    source: Sequence[str]
    topic: Sequence[str]
    label: Sequence[str]
    lang: Sequence[str]
    quality: NDArray[np.float64]
    tokens: NDArray[np.int64]
    replay: NDArray[np.bool_]

    def strata(self) -> list[tuple[str, ...]]:
        """Return what the splits are stratified by: topic, label, language."""
        return list(zip(self.topic, self.label, self.lang, strict=True))


def traits_of(
    workspace: Workspace,
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    encoder: str,
    verdicts: Mapping[str, Verdict],
    ids: Sequence[str],
    staged: Path,
    ruler: Ruler | None = None,
) -> Traits:
    """Return the traits of rows.

    Args:
        workspace: the project's workspace.
        con: with the views `records` and `findings`.
        plan: the check runs that count.
        encoder: the name of the encoder whose embeddings lie in the cache.
        verdicts: what reviewers said.
        ids: the rows' records.
        staged: the folder of the rows' tables.
        ruler: counts tokens; they are estimated where no tokenizer is named.

    """
    facts = {
        row[0]: row[1:]
        for row in con.execute(
            "SELECT id, source_uri, coalesce(label, ''), lang, replay FROM records"
        ).fetchall()
    }
    doubt = dict(
        con.execute(
            "SELECT record_id, product(1 - score) FROM (SELECT record_id, code, max(score) AS score"  # noqa: S608
            f" FROM findings WHERE {_DOUBTS} GROUP BY ALL) GROUP BY 1"
        ).fetchall()
    )
    topics = topic_of(con, plan, workspace.cache, encoder)
    tokens, labels = _staged(staged, ruler)
    own = [facts[i] for i in ids]
    kept = {i for i, verdict in verdicts.items() if verdict.said in {"keep", "fix"}}
    quality = [1.0 if i in kept else max(_LEAST_QUALITY, float(doubt.get(i, 1.0))) for i in ids]
    return Traits(
        source=[row[0] for row in own],
        # A label may hide a private detail: told is the one that is exported.
        topic=[labels[i] if topics.get(i, "") == facts[i][1] else topics.get(i, "") for i in ids],
        label=[labels[i] for i in ids],
        lang=[row[2] for row in own],
        quality=np.array([round(value, 6) for value in quality], np.float64),
        tokens=np.array([tokens[i] for i in ids], np.int64),
        replay=np.array([row[3] for row in own], np.bool_),
    )


def vectors(plan: Plan, cache: Path, encoder: str, ids: Sequence[str]) -> NDArray[np.float32]:
    """Return the embedding of what each record asks first, shape (records, dimensions).

    They lie in the cache where a check has embedded the records; else they are made now.
    """
    work = embedding(encoder)
    place = {record: row for row, record in enumerate(ids)}
    found: NDArray[np.float32] | None = None
    step: Embed | None = None
    for part in plan.view_parts:
        path = cache / part.parent.name / work.name / work.key / part.name
        if not path.exists():
            step = step or Embed(encoder, CAP)
            write_table(path, step(read_table(part)))
        table = read_table(path)
        own = vectors_of(table)
        if found is None:
            found = np.zeros((len(ids), own.shape[1]), np.float32)
        # A record's first row is its first question; the later ones do not overwrite it.
        rows = [place.get(record, -1) for record in table["record_id"].to_pylist()]
        at = np.array(rows[::-1], np.int64)
        found[at[at >= 0]] = own[::-1][at >= 0]
    return np.zeros((len(ids), 1), np.float32) if found is None else found


def _staged(staged: Path, ruler: Ruler | None) -> tuple[dict[str, int], dict[str, str]]:
    """Return how many tokens each record's rows have, and its label as it is exported."""
    tokens: dict[str, int] = {}
    labels: dict[str, str] = {}
    for path in sorted(staged.glob("*.parquet")):
        rows = read_table(path, columns=["id", "messages", "label"]).to_pylist()
        said = [row["messages"] for row in rows]
        counts = [m.tokens for m in ruler.measures(said)] if ruler else map(_about, said)
        for row, count in zip(rows, counts, strict=True):
            tokens[row["id"]] = tokens.get(row["id"], 0) + count
            labels[row["id"]] = row["label"] or ""
    return tokens, labels


def _about(messages: Sequence[Mapping[str, Any]]) -> int:
    text = "".join(message["content"] for message in messages)
    han = len(_HAN_CHARACTERS.findall(text))
    return max(1, rough_tokens(han, len(text) - han))
