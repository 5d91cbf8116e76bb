"""How well a ranking serves questions: recall, reciprocal rank, discounted gain. Pure.

Manning, Raghavan and Schütze 2008, "Introduction to Information Retrieval", chapter 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CUTS = (1, 3, 5, 10)
DEEP = max(CUTS)


@dataclass(frozen=True)
class Scores:
    """Means over questions, in 0..1.

    recall: by cut k, the share of questions with something relevant among the first k.
    mrr: 1 / rank of the first relevant, 0 beyond the tenth. ndcg: normalised discounted
    cumulative gain of the first ten, where relevance is yes or no.
    """

    questions: int
    recall: dict[int, float]
    mrr: float
    ndcg: float


def scores(judged: Sequence[tuple[Sequence[bool], int]]) -> Scores:
    """Return the means.

    Args:
        judged: for each question, whether each of the ranked is relevant, best first, and how
            many are relevant in all.

    """
    n = max(1, len(judged))
    first = [
        next((i for i, good in enumerate(ranked[:DEEP]) if good), None) for ranked, _ in judged
    ]
    return Scores(
        len(judged),
        {k: round(sum(i is not None and i < k for i in first) / n, 4) for k in CUTS},
        round(sum(1 / (1 + i) for i in first if i is not None) / n, 4),
        round(sum(_ndcg(ranked[:DEEP], relevant) for ranked, relevant in judged) / n, 4),
    )


def _ndcg(ranked: Sequence[bool], relevant: int) -> float:
    best = sum(1 / math.log2(2 + i) for i in range(min(relevant, DEEP)))
    gain = sum(1 / math.log2(2 + i) for i, good in enumerate(ranked) if good)
    return gain / best if best else 0.0
