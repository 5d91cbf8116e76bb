"""Confident learning through cleanlab: which given labels are wrong, and how surely.

Northcutt, Jiang and Chuang (2021), https://arxiv.org/abs/1911.00068. cleanlab's
scale is turned round here: for curator 1 is surely a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLAGGED = 0.6
"""The least score of a label that cleanlab flags; no other label reaches it."""


def label_scores(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how surely each label is wrong, 0 to 1; at least `FLAGGED` where cleanlab flags it.

    How many are flagged is estimated by cleanlab from the data, not set. On either
    side of that line the score falls as the probability of the given label rises.

    Args:
        labels: class numbers, shape (rows,).
        probabilities: out-of-sample class probabilities, shape (rows, classes).

    """
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - heavy
    from cleanlab.rank import get_label_quality_scores  # noqa: PLC0415 - heavy

    flagged = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    doubt = 1.0 - get_label_quality_scores(labels, probabilities, method="self_confidence")
    scores: NDArray[np.float64] = np.where(
        flagged, FLAGGED + (1.0 - FLAGGED) * doubt, (FLAGGED - 0.01) * doubt
    )
    return scores
