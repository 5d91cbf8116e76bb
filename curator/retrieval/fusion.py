"""How the scores of both halves become one.

Reciprocal rank fusion forgets how sure each half is, and ends below the better one where they
differ in strength. Here the scores themselves are added: both lie in 0..1 and mean the same
for every query. Words weigh the less, the fewer of a query's words the corpus knows: what is
asked in another language is answered by meaning, and the few names and numbers that both
languages share do not outweigh it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.retrieval.dense import Floats

CANDIDATES = 400
"""How many texts each half proposes; in a corpus of few more than these, all are scored."""


def fused(lexical: Floats, dense: Floats, meaning: float, known: float) -> Floats:
    """Return the weighted sum of the halves.

    Args:
        lexical: scores by words, in 0..1.
        dense: scores by meaning, of the same texts.
        meaning: the weight of the dense half, in 0..1; the rest is that of the lexical one.
        known: which share of the query's words, by rarity, the corpus knows.

    """
    return np.asarray((1 - meaning) * known * lexical + meaning * dense, np.float32)


def candidates(lexical: Floats, rough: Floats, most: int = CANDIDATES) -> NDArray[np.int64]:
    """Return the texts that one of the halves proposes, `most` of each, ascending."""
    if len(lexical) <= 2 * most:
        return np.arange(len(lexical))
    ends = [np.argpartition(half, -most)[-most:] for half in (lexical, rough)]
    return np.unique(np.concatenate(ends))
