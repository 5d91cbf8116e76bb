"""How the scores of both halves become one.

Reciprocal rank fusion forgets how sure each half is, and ends below the better one where they
differ in strength. Here the scores themselves are added: both lie in 0..1 and mean the same
for every query. A query of whose words the corpus knows none (in another language, say) is
answered by meaning alone, without a rule for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.retrieval.dense import Floats

CANDIDATES = 1000
"""How many texts each half proposes; in a corpus of no more than these, all are scored."""


def fused(lexical: Floats, dense: Floats, meaning: float) -> Floats:
    """Return the halves' weighted mean; `meaning` is the weight of the dense one, in 0..1."""
    return np.asarray((1 - meaning) * lexical + meaning * dense, np.float32)


def candidates(lexical: Floats, rough: Floats) -> NDArray[np.int64]:
    """Return the texts that one of the halves proposes, ascending."""
    if len(lexical) <= CANDIDATES:
        return np.arange(len(lexical))
    ends = [np.argpartition(half, -CANDIDATES)[-CANDIDATES:] for half in (lexical, rough)]
    return np.unique(np.concatenate(ends))
