"""Records that are filed under the wrong category."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from curator.checks.embeddings import embedded, passages, vectors_of
from curator.confident import label_scores
from curator.tables import records_from
from curator.types import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from curator.protocols import Scope
    from curator.types import View

_FLOOR = 0.3
_FEWEST_IN_CLASS = 5
_RIDGE = 1.0
_TEMPERATURES = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2)


class CategoryLabels:
    """LBL003: the category label does not fit the text.

    For every record with a label (a department, an intent, a topic), the probability
    of each label is worked out from all other records: a leave-one-out ridge
    regression on the embedding of the first question (of the text, where there is no
    question). Confident learning (cleanlab) then estimates which labels are wrong.

    A score of 0.6 or more means that cleanlab flags the label; findings go down to
    0.3, and only where another label is more probable. The evidence names it
    (`suggested`) with both probabilities.

    Labels that fewer than five records carry are left out, and so is the whole check
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

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Embed the parts, compare each label with the others, and yield the doubtful ones."""
        ids, labels, vectors = _labelled(scope, self.encoder)
        names, given = _classes(labels)
        kept = np.flatnonzero(given >= 0)
        if len(names) < 2:
            return
        given = given[kept]
        probabilities = leave_one_out(vectors[kept], given, len(names))
        scores = label_scores(given, probabilities)
        suggested = probabilities.argmax(axis=1)
        for row, at in enumerate(kept):
            if scores[row] >= _FLOOR and suggested[row] != given[row]:
                yield Finding(
                    record_id=ids[at],
                    check=self.name,
                    code="LBL003",
                    score=float(scores[row]),
                    evidence={
                        "suggested": names[suggested[row]],
                        "p_given": round(float(probabilities[row, given[row]]), 4),
                        "p_suggested": round(float(probabilities[row, suggested[row]]), 4),
                    },
                )


def leave_one_out(
    vectors: NDArray[np.float32], given: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """Return each row's class probabilities from a ridge regression fitted without that row.

    The fit without a row follows from the fit with it and the row's leverage, so
    one fit is enough. Scores become probabilities by a softmax whose temperature
    makes the given labels most likely.

    Args:
        vectors: shape (rows, dimensions), length 1.
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


def _labelled(scope: Scope, encoder: str) -> tuple[list[str], list[str], NDArray[np.float32]]:
    """Return the ids, labels and vectors of the records with a label, in the parts' order."""
    ids: list[str] = []
    labels: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    for part, file in zip(scope.parts, embedded(scope, encoder), strict=True):
        rows = vectors_of(scope.engine.collect([file]))
        chosen = []
        row = 0
        for record in records_from(scope.engine.collect([part])):
            n = sum(1 for _ in passages(record))
            if n and record.label:
                chosen.append(row)
                ids.append(record.id)
                labels.append(record.label)
            row += n
        vectors.append(rows[chosen])
    return ids, labels, np.concatenate(vectors) if vectors else np.zeros((0, 1), np.float32)


def _classes(labels: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the labels that enough records carry, and each record's number, -1 for the others."""
    found, number, count = np.unique(
        np.array(labels, dtype=object).astype(str), return_inverse=True, return_counts=True
    )
    kept = np.flatnonzero(count >= _FEWEST_IN_CLASS)
    renumbered = np.full(len(found), -1, np.int64)
    renumbered[kept] = np.arange(len(kept))
    return [str(found[k]) for k in kept], renumbered[number]
