"""How well questions fit answers by one measure, beside the other questions and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from curator.matching.halves import Floats, Ints

TOP = 10
_TIE = 1e-5
"""Vectors of equal texts may differ in their last bits: what is nearer than this is equal."""


class Fit:
    """A table of how well each question (row) fits each answer (column), and the ranks in it."""

    def __init__(self, values: Floats) -> None:
        """Take the table, shape (questions, answers)."""
        self.values = np.ascontiguousarray(values, np.float32)

    def figures(
        self, asked: Ints, answered: Ints, near: Mapping[str, Ints]
    ) -> dict[str, NDArray[np.floating]]:
        """Return how pairs fit, beside all others, and beside the questions near the asked ones.

        - `fit`: the value itself.
        - `row`, `column`: the log of the share of other answers (questions) that fit better.
        - `local`: beside the ten best answers of the question, and questions of the answer.
          Where the pair is a wrong one, the question's own answer is no other one in `row` and
          `local`: of a real wrong pair the right answer is seldom there.
        - `best_X`, `mean_X`, `share_X`: how much better the best of the questions X fits
          this answer, how much better they do on average, and how many of them do.

        Args:
            asked: rows of the pairs' questions.
            answered: columns of the pairs' answers.
            near: for each X, the rows of the questions that are near each row, shape (rows, k).

        """
        value = self.values[asked, answered]
        # The answer that does not count; where the pair is no made one, there is none.
        right = np.where(asked != answered, self.values[asked, asked], -np.inf).astype(np.float32)
        top = _top_mean(self.values, asked, right)
        found = {"fit": value, "row": _log_rank(self.values, asked, value, right)}
        for name, rows in near.items():
            others = self.values[rows[asked], answered[:, None]]
            found[f"best_{name}"] = others.max(axis=1) - value
            found[f"mean_{name}"] = others.mean(axis=1) - value
            found[f"share_{name}"] = (others > value[:, None] + _TIE).mean(axis=1)
        turned = np.ascontiguousarray(self.values.T)
        none = np.full_like(right, -np.inf)
        found["column"] = _log_rank(turned, answered, value, none)
        found["local"] = 2 * value - top - _top_mean(turned, answered, none)
        return found


def _log_rank(values: Floats, rows: Ints, value: Floats, left_out: Floats) -> NDArray[np.floating]:
    """Return the log of the share of each row above a value; one of the row does not count."""
    above = np.empty(len(rows), np.int64)
    bar = value + np.float32(_TIE)
    for start in range(0, len(rows), 256):
        piece = slice(start, start + 256)
        above[piece] = np.count_nonzero(values[rows[piece]] > bar[piece, None], axis=1)
    above -= left_out > bar
    width = max(1, values.shape[1])
    return np.asarray(np.log((above + 1) / (width + 1)))


def _top_mean(values: Floats, rows: Ints, left_out: Floats) -> Floats:
    """Return the mean of the largest values of each row; one of the row does not count."""
    k = min(TOP, values.shape[1] - 1)
    top = np.partition(values, values.shape[1] - k - 1, axis=1)[:, -k - 1 :]
    whole, least = top.sum(axis=1)[rows], top.min(axis=1)[rows]
    return np.asarray((whole - np.maximum(left_out, least)) / k, np.float32)
