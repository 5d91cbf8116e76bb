"""Conversations that are about something else than the rest of the corpus."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.embeddings import embedding, judged, vectors_of
from curator.confident import outlier_scores
from curator.tables import records_from
from curator.text import language
from curator.types import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.protocols import PartStep, Scope
    from curator.types import View

_ODD = pa.schema([("record_id", pa.string()), ("score", pa.float64())])
_FLOOR = 0.8
_FEWEST = 40
_BLOCK = 8192


class Outliers:
    """QLT014: the conversation lies far from all others of its language in the corpus.

    What it asks and answers is compared in meaning: the embeddings of its questions
    and of its answers, side by side. cleanlab's outlier score tells how far away the ten
    nearest conversations are, beside what is usual in the corpus. The score is one less
    cleanlab's: about 0.63 for an ordinary conversation, 0.9 where the nearest are 2.3
    times as far away as usual, 1 at the end of the world. Findings go down to 0.8. The
    evidence tells how many times as far away they are (`distance`).

    A corpus about one subject has outliers: another customer's chats, a test message, a
    joke. In a corpus about everything hardly anything is one, and nothing is found.
    An outlier may be right and useful: it is for people to look at.

    Conversations of a language that has fewer than 40 are not compared.
    """

    name: ClassVar[str] = "outliers"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    codes: ClassVar[tuple[Code, ...]] = (
        Code("QLT014", "outlier", "与全部语料的主题相去甚远", "far from all else in the corpus"),
    )
    needs: ClassVar[tuple[str, ...]] = ("encoder",)

    def __init__(self, *, encoder: str) -> None:
        """Take the encoder's name; it is loaded where texts are embedded."""
        self.encoder = encoder

    def part_steps(self) -> Sequence[PartStep]:
        """Embed the texts."""
        return (embedding(self.encoder),)

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Embed the parts, compare the conversations, and yield those that lie far away."""
        step = "curator.checks.outliers:Compare"
        for row in judged(scope, self.encoder, step, label="outliers"):
            yield Finding(
                record_id=row["record_id"],
                check=self.name,
                code="QLT014",
                score=row["score"],
                evidence={"distance": round(-math.log(max(1.0 - row["score"], 1e-6)), 2)},
            )


class Compare:
    """The step that compares all conversations, each with those of its language."""

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return the outliers; the first half of the tables are records, then their vectors."""
        half = len(tables) // 2
        groups: Mapping[str, list[tuple[str, np.ndarray]]] = defaultdict(list)
        for records, embedded in zip(tables[:half], tables[half:], strict=True):
            for record_id, lang, vector in _conversations(records, embedded):
                groups[lang].append((record_id, vector))
        found = [row for lang in sorted(groups) for row in _outliers(groups[lang])]
        return pa.Table.from_pylist(found, schema=_ODD)


def _conversations(records: pa.Table, embedded: pa.Table) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield id, language and vector of the conversations: mean question beside mean answer."""
    values = vectors_of(embedded)
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    columns = embedded["record_id"].to_pylist(), embedded["field"].to_pylist()
    for row, (record_id, field) in enumerate(zip(*columns, strict=True)):
        rows[record_id][field].append(row)
    for record in records_from(records):
        mine = rows.get(record.id, {})
        if "question" in mine:
            halves = [values[mine[field]].mean(axis=0) for field in ("question", "answer")]
            text = "\n".join(part.text for part in record.parts)
            yield record.id, "zh" if language(text) == "zh" else "other", np.concatenate(halves)


def _outliers(group: list[tuple[str, np.ndarray]]) -> Iterator[dict[str, object]]:
    """Yield a row for each outlier of a language, compared inside blocks: time is linear."""
    if len(group) < _FEWEST:
        return
    # An id is a hash, so the blocks are alike.
    group = sorted(group, key=lambda one: one[0])
    for block in np.array_split(np.arange(len(group)), -(-len(group) // _BLOCK)):
        scores = outlier_scores(np.stack([group[i][1] for i in block]))
        for i, score in zip(block, scores.tolist(), strict=True):
            if score >= _FLOOR:
                yield {"record_id": group[i][0], "score": score}
