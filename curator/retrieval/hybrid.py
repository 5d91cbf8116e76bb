"""Finding by words and by meaning at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from curator.retrieval.fusion import candidates, fused
from curator.retrieval.questions import content
from curator.retrieval.terms import Terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.retrieval.calibration import Calibration
    from curator.retrieval.dense import Dense, Floats
    from curator.retrieval.lexical import Lexical

Mode = Literal["hybrid", "lexical", "dense"]


@dataclass(frozen=True)
class Ranked:
    """The best texts for a query, best first, and their scores in 0..1, each of shape (top,).

    lexical, dense: the halves. confidence: how sure it is that the first is about what was
    asked: the share of questions without an answer in the corpus whose best text scores lower.
    """

    texts: NDArray[np.int64]
    scores: Floats
    lexical: Floats
    dense: Floats
    confidence: float


class Hybrid:
    """An index of n texts by words and by meaning."""

    def __init__(self, lexical: Lexical, dense: Dense, calibration: Calibration) -> None:
        """Join two indexes of the same texts."""
        self.lexical = lexical
        self.dense = dense
        self.calibration = calibration
        self._read = Terms()

    def search(
        self,
        text: str,
        vector: Floats,
        top: int = 10,
        *,
        mode: Mode = "hybrid",
        only: NDArray[np.bool_] | None = None,
    ) -> Ranked:
        """Return the best texts for a query.

        Args:
            text: the query.
            vector: its vector, of length 1.
            top: how many are returned; fewer where fewer score above 0.
            mode: by words and meaning, or by one of them alone.
            only: which texts may be returned, shape (n,).

        """
        query = self.lexical.query(content(text), self._read)
        words = self.lexical.scores(query)
        rough = self.dense.rough(vector)
        if only is not None:
            words, rough = np.where(only, words, np.float32(-1)), np.where(only, rough, -1)
        found = candidates(words, rough)
        if only is not None:
            found = found[only[found]]
        lexical, dense = words[found], self.dense.scores(vector, found)
        weight = {"hybrid": self.calibration.meaning, "lexical": 0.0, "dense": 1.0}[mode]
        scores = fused(lexical, dense, weight, query.known if mode == "hybrid" else 1.0)
        best = np.lexsort((found, -scores))[:top]
        best = best[scores[best] > 0]
        confidence = 0.0
        if len(best):
            first = best[0]
            hybrid = fused(lexical[first], dense[first], self.calibration.meaning, query.known)
            confidence = self.calibration.confidence(
                float(hybrid), float(dense[first]), query.known
            )
        return Ranked(found[best], scores[best], lexical[best], dense[best], confidence)
