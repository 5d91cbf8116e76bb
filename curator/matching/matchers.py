"""Two matchers, and what they say together of whether an answer belongs to its question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.matching.folds import FOLDS
from curator.matching.halves import Matches

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from curator.matching.figures import Described
    from curator.matching.halves import Floats, Ints

    Probabilities = NDArray[np.float64]

HARD_SHARE = 0.5
"""How many of the wrong answers are taken to be those of near questions."""
_CLEARLY_WRONG = 0.2
_MAX_TRAINING_ROWS = 20_000
_LEAST = 1e-9


def judge(described: Described, names: Collection[str] | None = None) -> Matches:
    """Return the probability that each pair belongs together, out of sample.

    An answer of any question is told from the right one by other figures than an answer
    of a near question, so there is a matcher for each. Wrong answers being of the one
    kind or the other, the odds against a pair are the mean of the matchers' odds.

    Args:
        described: the pairs' figures.
        names: the figures that count; all where None.

    """
    used = [i for i, name in enumerate(described.names) if names is None or name in names]
    own, wrong = described.own[:, used], described.wrong[:, used]
    column = {name: described.own[:, i] for i, name in enumerate(described.names)}
    against, refuted = np.zeros(len(own)), np.zeros(len(wrong))
    for hard, share in ((False, 1.0 - HARD_SHARE), (True, HARD_SHARE)):
        trusted = _best(column["meaning_fit"] + column["wording_fit"], described.question)
        # Once more, without the pairs that are clearly wrong among the right ones.
        for _ in range(2):
            of_own, of_wrong = _crossed(described, own, wrong, described.hard == hard, trusted)
            trusted = _best(of_own, described.question) & (of_own > _CLEARLY_WRONG)
        against += share * _odds(of_own)
        refuted += share * _odds(of_wrong)
    return Matches(
        match=1.0 / (1.0 + against),
        wrong=1.0 / (1.0 + refuted[~described.hard]),
        wrong_near=1.0 / (1.0 + refuted[described.hard]),
        cosine=column["meaning_fit"],
        overlap=column["wording_fit"],
        answer_rank=np.exp(column["meaning_row"]),
        question_rank=np.exp(column["meaning_column"]),
        neighbours=column["wording_share_near"],
        gain=column.get("likelihood_gain"),
    )


def _crossed(
    described: Described,
    own: Floats,
    wrong: Floats,
    kind: NDArray[np.bool_],
    trusted: NDArray[np.bool_],
) -> tuple[Probabilities, Probabilities]:
    """Return P(match) of the own and of the wrong pairs by a regression fitted without their folds.

    Trusted own pairs teach, and wrong ones of the given kind.
    """
    of_own, of_wrong = np.full(len(own), 0.5), np.full(len(wrong), 0.5)
    for f in range(FOLDS):
        right = _thinned(np.flatnonzero((described.fold != f) & trusted))
        outside = (described.asked != f) & (described.answered != f)
        refuted = _thinned(np.flatnonzero(outside & kind))
        if not len(right) or not len(refuted):
            continue
        predict = _logistic(own[right], wrong[refuted])
        of_own[described.fold == f] = predict(own[described.fold == f])
        of_wrong[described.asked == f] = predict(wrong[described.asked == f])
    return of_own, of_wrong


def _best(fit: NDArray[np.floating], question: Ints) -> NDArray[np.bool_]:
    """Tell which pair has the best fitting answer to its question: of several, that one teaches.

    Where a question has many answers, as where a search has brought them, most may be wrong.
    """
    order = np.lexsort((-fit, question))
    is_best = np.zeros(len(fit), bool)
    is_best[order] = np.diff(question[order], prepend=-1) != 0
    return is_best


def _odds(match: Probabilities) -> Probabilities:
    """Return the odds against a match."""
    return np.asarray((1.0 - match) / np.maximum(match, _LEAST))


def _thinned(rows: Ints) -> Ints:
    """Return the rows, or evenly spread ones where there are more than a fit needs."""
    return rows[:: -(-len(rows) // _MAX_TRAINING_ROWS)] if len(rows) else rows


def _logistic(right: Floats, wrong: Floats) -> _Predict:
    """Fit a logistic regression in which right and wrong pairs weigh alike."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy

    rows = np.concatenate([right, wrong])
    mean = rows.mean(axis=0, dtype=np.float64)
    spread = np.maximum(rows.std(axis=0, dtype=np.float64), 1e-6)
    # Few figures, many rows: a handful of Newton steps end where L-BFGS takes hundreds.
    model = LogisticRegression(C=0.1, solver="newton-cholesky")
    model.fit(
        (rows - mean) / spread,
        np.repeat([1, 0], [len(right), len(wrong)]),
        sample_weight=np.repeat([1.0, len(right) / len(wrong)], [len(right), len(wrong)]),
    )
    return _Predict(mean, spread, model.coef_[0], float(model.intercept_[0]))


@dataclass(frozen=True)
class _Predict:
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    slope: NDArray[np.float64]
    level: float

    def __call__(self, rows: Floats) -> Probabilities:
        logit = (rows - self.mean) / self.spread @ self.slope + self.level
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))
