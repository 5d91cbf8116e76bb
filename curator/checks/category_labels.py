"""Records that are filed under the wrong category."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.embeddings import embedding, judged, passages, vectors_of
from curator.confident import least_skill, odds_scores
from curator.similarity.components import components
from curator.tables import records_from
from curator.text import language
from curator.types import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from curator.protocols import PartStep, Scope
    from curator.types import View

_DOUBTFUL = pa.schema(
    [("record_id", pa.string()), ("score", pa.float64()), ("evidence", pa.string())]
)
_FLOOR = 0.3
_FEWEST_IN_CLASS = 5
_LEAST_SKILL = 0.25
_RIDGE = 1.0
_TEMPERATURES = np.geomspace(0.02, 0.5, 24)


class CategoryLabels:
    """LBL003: the category label does not fit the text.

    Labels are compared within one taxonomy: sources that have a label in common
    share theirs, and each language is judged by itself.

    For every record with a label (a department, an intent, a topic), the probability
    of each label is worked out from all other records: a leave-one-out ridge
    regression on the embeddings of the first question and its answer (of the text,
    where there is no question). How often that agrees with the given labels, beyond
    what the commonest label alone would, is its skill. Below a skill of 0.25 nothing
    is said, and the smaller it is, the more is asked of a finding.

    The score grows with the odds of the most probable label against the given one. It
    is 0.6 or more where a wrong label is the likelier explanation and confident
    learning (cleanlab) flags the label too; findings go down to 0.3. The evidence names
    the label (`suggested`), both probabilities and the `skill`.

    Labels that fewer than five records carry are left out, and so is a taxonomy
    where fewer than two labels remain.
    """

    name: ClassVar[str] = "category_labels"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "LBL003",
            "wrong-category",
            "类别标签可能有误",
            "the category label may be wrong",
        ),
    )
    needs: ClassVar[tuple[str, ...]] = ("encoder",)

    def __init__(self, *, encoder: str) -> None:
        """Take the encoder's name; it is loaded where texts are embedded."""
        self.encoder = encoder

    def part_steps(self) -> Sequence[PartStep]:
        """Embed the texts."""
        return (embedding(self.encoder),)

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Embed the parts, compare each label with the others, and yield the doubtful ones."""
        step = "curator.checks.category_labels:Judge"
        for row in judged(scope, self.encoder, step, label="labels"):
            yield Finding(
                record_id=row["record_id"],
                check=self.name,
                code="LBL003",
                score=row["score"],
                evidence=json.loads(row["evidence"]),
            )


class Judge:
    """The step that compares all labels, each with those of its taxonomy."""

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return the doubtful labels; the first half of the tables are records, then vectors."""
        half = len(tables) // 2
        labelled = _labelled(list(zip(tables[:half], tables[half:], strict=True)))
        found = {
            at: {
                "record_id": labelled.ids[at],
                "score": score,
                "evidence": json.dumps(evidence, ensure_ascii=False),
            }
            for rows in labelled.taxonomies()
            for at, evidence, score in labelled.doubtful(rows)
        }
        return pa.Table.from_pylist([found[at] for at in sorted(found)], schema=_DOUBTFUL)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """The records with a label, in the parts' order; `vectors` has a row for each."""

    ids: list[str]
    labels: list[str]
    sources: list[str]
    languages: list[str]
    vectors: NDArray[np.float32]

    def taxonomies(self) -> list[NDArray[np.int64]]:
        """Return the rows of each taxonomy and language, in the order of their first rows."""
        number = {name: n for n, name in enumerate(dict.fromkeys(self.sources))}
        first: dict[str, int] = {}
        source = [number[name] for name in self.sources]
        edges = [
            (first.setdefault(label, n), n) for label, n in zip(self.labels, source, strict=True)
        ]
        left, right = np.array(edges, np.int64).reshape(-1, 2).T
        of_source = components(len(number), left, right)
        rows: dict[tuple[int, str], list[int]] = defaultdict(list)
        for at, (n, lang) in enumerate(zip(source, self.languages, strict=True)):
            rows[int(of_source[n]), lang].append(at)
        return [np.array(group, np.int64) for group in rows.values()]

    def doubtful(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, dict[str, object], float]]:
        """Yield row, evidence and score of the labels of one taxonomy that are in doubt."""
        names, given = _classes([self.labels[row] for row in rows])
        rows, given = rows[given >= 0], given[given >= 0]
        if len(names) < 2:
            return
        probabilities = leave_one_out(self.vectors[rows], given, len(names))
        skill = least_skill(given, probabilities)
        if skill < _LEAST_SKILL:
            return
        scores = odds_scores(given, probabilities, skill)
        suggested = probabilities.argmax(axis=1)
        for i in np.flatnonzero((scores >= _FLOOR) & (suggested != given)).tolist():
            evidence: dict[str, object] = {
                "suggested": names[suggested[i]],
                "p_given": round(float(probabilities[i, given[i]]), 4),
                "p_suggested": round(float(probabilities[i, suggested[i]]), 4),
                "skill": round(skill, 4),
            }
            yield int(rows[i]), evidence, float(scores[i])


def leave_one_out(
    vectors: NDArray[np.float32], given: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """Return each row's class probabilities from a ridge regression fitted without that row.

    The fit without a row follows from the fit with it and the row's leverage, so
    one fit is enough. Scores become probabilities by a softmax whose temperature
    makes the given labels most likely.

    Args:
        vectors: shape (rows, dimensions).
        given: class numbers, shape (rows,).
        n_classes: how many classes there are.

    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

    # One thread, so that sums are added up in the same order on every machine.
    with threadpool_limits(1):
        rows = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
        target = np.zeros((len(rows), n_classes))
        target[np.arange(len(rows)), given] = 1.0
        inverse = np.linalg.inv(rows.T @ rows + _RIDGE * np.eye(rows.shape[1]))
        leverage = np.einsum("nd,nd->n", rows @ inverse, rows)[:, None]
        fitted = rows @ (inverse @ (rows.T @ target))
    scores = (fitted - leverage * target) / np.maximum(1.0 - leverage, 1e-6)
    best: tuple[float, NDArray[np.float64]] | None = None
    for temperature in _TEMPERATURES:
        logits = scores / temperature
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = odds / odds.sum(axis=1, keepdims=True)
        surprise = float(-np.log(np.maximum(p[np.arange(len(p)), given], 1e-6)).mean())
        if best is None or surprise < best[0]:
            best = surprise, p
    assert best is not None
    return best[1]


def _labelled(tables: Sequence[tuple[pa.Table, pa.Table]]) -> _Labelled:
    """Return the records with a label: beside its question's vector each has its answer's."""
    found = _Labelled([], [], [], [], np.zeros((0, 1), np.float32))
    vectors: list[NDArray[np.float32]] = []
    for records, embeddings in tables:
        rows = vectors_of(embeddings)
        question, answer = [], []
        row = 0
        for record in records_from(records):
            texts = [text for _, _, text in passages(record)]
            if texts and record.label:
                question.append(row)
                answer.append(row + 1 if len(texts) > 1 else -1)
                found.ids.append(record.id)
                found.labels.append(record.label)
                found.sources.append(record.provenance.source_uri)
                found.languages.append(language(texts[0]))
            row += len(texts)
        rows = np.concatenate([rows, np.zeros((1, rows.shape[1]), np.float32)])
        vectors.append(np.concatenate([rows[question], rows[answer]], axis=1))
    return replace(found, vectors=np.concatenate(vectors)) if vectors else found


def _classes(labels: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the labels that enough records carry, and each record's number, -1 for the others."""
    found, number, count = np.unique(
        np.array(labels, dtype=object).astype(str), return_inverse=True, return_counts=True
    )
    kept = np.flatnonzero(count >= _FEWEST_IN_CLASS)
    renumbered = np.full(len(found), -1, np.int64)
    renumbered[kept] = np.arange(len(kept))
    return [str(found[k]) for k in kept], renumbered[number]
