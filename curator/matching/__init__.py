"""Does an answer match its question? Out-of-sample probabilities for every pair of a corpus.

A pair is described by how well its two halves fit each other, compared to how well they
fit the other halves around (`figures`, `fit`): in meaning (vectors), in wording (TF-IDF of
token n-grams, and the share of each half's wording that the other has), through a linear
map from questions to answers, and through the answers that similar questions got; where a
language model has read them, by how much likelier the question makes the answer. Two
matchers learn what such figures look like for the corpus's own pairs and for wrong ones
made from it: answers of any question, and answers of near ones (`matchers`). How many are
wrong, and so how probably each, follows from how all of them score (`mixture`).

Everything that is fitted is cross-fitted (`folds`): a pair is judged by a map and by
matchers that saw neither its question nor its answer, nor a copy of them. Pairs are
compared inside blocks of a few thousand, so time grows linearly.
"""

from __future__ import annotations

from curator.matching.figures import Described, describe, to_be_read
from curator.matching.halves import Gains, Halves, Matches
from curator.matching.matchers import judge
from curator.matching.mixture import wrong_answer_scores


def matches(halves: Halves, gains: Gains | None = None) -> Matches:
    """Judge every pair by a model that was fitted without it.

    Deterministic: folds, blocks and wrong pairs follow from hashes of the texts.
    Takes time and memory of order n · BLOCK. Needs at least ten distinct questions.
    """
    return judge(describe(halves, gains))


__all__ = [
    "Described",
    "Gains",
    "Halves",
    "Matches",
    "describe",
    "judge",
    "matches",
    "to_be_read",
    "wrong_answer_scores",
]
