"""Which labels are wrong, what is an outlier, and how surely: through cleanlab.

Northcutt, Jiang and Chuang (2021), https://arxiv.org/abs/1911.00068. A score of 1 is
surely a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLAGGED = 0.6
"""The least score of a category that cleanlab flags; no other reaches it."""
_NEAREST = 10


def _flagged(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which labels confident learning calls wrong."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - heavy

    found: NDArray[np.bool_] = find_label_issues(
        labels, probabilities, filter_by="confident_learning", n_jobs=1
    )
    return found


_DOUBT = 1.4
_FEWEST_OTHERS = 4


def least_skill(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Return how much better than the commonest label the probabilities predict the labels.

    1 is always right, 0 is no better. One standard error is taken off the accuracy,
    so that a few lucky records make no skill.

    Args:
        labels: class numbers, shape (rows,).
        probabilities: out-of-sample class probabilities, shape (rows, classes).

    """
    rows = len(labels)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    least = accuracy - (accuracy * (1.0 - accuracy) / rows) ** 0.5
    commonest = float(np.bincount(labels).max()) / rows
    return float((least - commonest) / (1.0 - commonest))


def odds_scores(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], skill: float
) -> NDArray[np.float64]:
    """Return how surely each label is wrong, 0 to 1, by the odds of the likeliest one against it.

    Bayes' rule: a wrong label is one of all the others, so the more classes there are,
    the higher the odds must be; and the less skill the probabilities have, the higher too.
    A label reaches `FLAGGED` only where cleanlab flags it as well: on small sets each
    of the two alone calls too many wrong.

    Args:
        labels: class numbers, shape (rows,).
        probabilities: out-of-sample class probabilities, shape (rows, classes).
        skill: of the probabilities, see `least_skill`; above 0.

    """
    given = np.maximum(probabilities[np.arange(len(labels)), labels], 1e-9)
    odds = probabilities.max(axis=1) / given
    others = max(probabilities.shape[1] - 1, _FEWEST_OTHERS)
    alone = odds / (odds + _DOUBT / skill * others)
    agreed = _flagged(labels, probabilities)
    scores: NDArray[np.float64] = np.where(agreed, alone, np.minimum(alone, FLAGGED - 0.01))
    return scores


def outlier_scores(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far each row is from its ten nearest others: 1 - exp(-distance / the usual one).

    Kuan and Mueller (2022), https://arxiv.org/abs/2207.03061; cleanlab's score turned round.

    Args:
        vectors: shape (rows, dimensions); compared by their cosine.

    """
    from cleanlab.outlier import OutOfDistribution  # noqa: PLC0415 - heavy
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

    # One thread, so that sums are added up in the same order on every machine.
    with threadpool_limits(1):
        inside = OutOfDistribution(params={"k": _NEAREST}).fit_score(
            features=vectors, verbose=False
        )
    return 1.0 - np.asarray(inside, np.float64)
