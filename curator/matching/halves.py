"""What is compared, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Halves:
    """The questions and answers of n pairs.

    question, answer: vectors of length 1, shape (n, dimensions).
    question_terms, answer_terms: TF-IDF rows of length 1, shape (n, terms).
    question_key, answer_key: hashes that are equal where the texts are, shape (n,).
    question_length, answer_length: in Han characters or words, shape (n,).
    """

    question: Floats
    answer: Floats
    question_terms: csr_matrix
    answer_terms: csr_matrix
    question_key: NDArray[np.uint64]
    answer_key: NDArray[np.uint64]
    question_length: Floats
    answer_length: Floats

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.question)

    def take(self, rows: Ints) -> Halves:
        """Return the pairs of these rows."""
        return Halves(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Gains:
    """What a language model makes of pairs: how much likelier an answer is after its question.

    In nats a token of the answer: its log-likelihood after the question less that by itself.

    own: of the n pairs, shape (n,).
    asked, answered: rows of the wrong pairs that were read, shape (m,). wrong: theirs, shape (m,).
    """

    own: Floats
    asked: Ints
    answered: Ints
    wrong: Floats

    def of(self, asked: Ints, answered: Ints) -> Floats:
        """Return the gains of wrong pairs; those that were not read have none (NaN)."""
        width = len(self.own)
        known = self.asked * width + self.answered
        order = np.argsort(known, kind="stable")
        wanted = asked * width + answered
        found = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
        rows = order[found] if len(known) else np.zeros(len(wanted), np.int64)
        read = known[rows] == wanted if len(known) else np.zeros(len(wanted), bool)
        gains = np.full(len(wanted), np.nan, np.float32)
        gains[read] = self.wrong[rows[read]]
        return gains


@dataclass(frozen=True)
class Matches:
    """What was found out about n pairs.

    match: probability that the answer belongs to the question, shape (n,).
    wrong: the same for pairs with the answer of any other question, shape (m,).
    wrong_near: the same for pairs with the answer of a near question, shape (k,).
    cosine: similarity of the vectors. overlap: of the wording.
    answer_rank: share of other answers that fit the question better.
    question_rank: share of other questions that the answer fits better.
    neighbours: share of similar questions that the answer fits better, by wording.
    gain: what the question adds to the answer's likelihood, where a language model has read it.
    """

    match: NDArray[np.float64]
    wrong: NDArray[np.float64]
    wrong_near: NDArray[np.float64]
    cosine: Floats
    overlap: Floats
    answer_rank: Floats
    question_rank: Floats
    neighbours: Floats
    gain: Floats | None = None


def unit(rows: Floats) -> Floats:
    """Return the rows with a Euclidean length of 1."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), np.float32)


def largest(values: Floats, k: int) -> Ints:
    """Return the columns of the k largest values of each row, largest first."""
    top = np.argpartition(-values, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(values, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)
