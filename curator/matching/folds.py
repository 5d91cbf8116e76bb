"""Who may learn from whom: folds, blocks, and the linear map from questions to answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.matching.halves import unit
from curator.similarity.components import components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.matching.halves import Floats, Halves, Ints

FOLDS = 5
BLOCK = 4096
_COPIES = 3
"""An answer with more copies is a set phrase: it would tie half the corpus to one fold."""
_RIDGE = 3.0


def folds(halves: Halves) -> Ints:
    """Deal the pairs to the folds evenly: those with the same question or answer to the same one.

    Else a wrong pair, whose answer has its right place elsewhere, would be judged by
    what was learned there.
    """
    n = len(halves)
    left, right = [], []
    for keys, most in ((halves.question_key, n), (halves.answer_key, _COPIES)):
        _, first, group, size = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        tied = np.flatnonzero(size[group] <= most)
        left.append(tied)
        right.append(first[group[tied]])
    component = components(n, np.concatenate(left), np.concatenate(right))
    # By the hash of its least question, so that the order of the rows is of no account.
    least = np.full(n, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, component, halves.question_key)
    _, group = np.unique(least[component], return_inverse=True)
    return np.asarray(group, np.int64) % FOLDS


def blocks(question_key: NDArray[np.uint64], fold: Ints) -> list[Ints]:
    """Cut the rows into blocks of equal size, each with rows of all folds, sorted by fold."""
    order = np.argsort(question_key, kind="stable")
    n_blocks = -(-len(order) // BLOCK)
    return [rows[np.argsort(fold[rows], kind="stable")] for rows in np.array_split(order, n_blocks)]


class Map:
    """The answer's vector that a ridge regression on the questions' vectors expects.

    For each two folds there is a regression that has seen neither, so that what is
    expected of a question of one may be compared with an answer of the other.
    """

    def __init__(self, halves: Halves, fold: Ints) -> None:
        """Fit the regressions; they cost little, since a fold's sums of products are kept."""
        self.mean = halves.answer.mean(axis=0)
        d = halves.question.shape[1]
        grams = np.zeros((FOLDS, d, d), np.float64)
        crossed = np.zeros((FOLDS, d, d), np.float64)
        for f in range(FOLDS):
            question = halves.question[fold == f]
            grams[f] = question.T @ question
            crossed[f] = question.T @ (halves.answer[fold == f] - self.mean)
        gram, cross = grams.sum(axis=0) + _RIDGE * np.eye(d), crossed.sum(axis=0)
        self.solved: dict[tuple[int, int], Floats] = {}
        for f in range(FOLDS):
            for g in range(f, FOLDS):
                out = list({f, g})
                left = gram - grams[out].sum(axis=0), cross - crossed[out].sum(axis=0)
                self.solved[f, g] = np.linalg.solve(*left).astype(np.float32)

    def table(self, question: Floats, answer: Floats, bounds: list[slice]) -> Floats:
        """Return how well each answer is what is expected of each question.

        Args:
            question: vectors, shape (n, dimensions), sorted by fold.
            answer: the same of the answers, shape (n, dimensions).
            bounds: where the rows of each fold are.

        """
        centred = unit(answer - self.mean)
        values = np.empty((len(question), len(answer)), np.float32)
        for f, rows in enumerate(bounds):
            for g, columns in enumerate(bounds):
                expected = unit(question[rows] @ self.solved[min(f, g), max(f, g)])
                values[rows, columns] = expected @ centred[columns].T
        return values
