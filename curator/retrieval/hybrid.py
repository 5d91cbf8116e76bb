"""Finding by words and by meaning at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from curator.retrieval.fusion import CANDIDATES, candidates, fused
from curator.retrieval.questions import content
from curator.retrieval.terms import Terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.retrieval.calibration import Calibration
    from curator.retrieval.dense import Dense, Floats
    from curator.retrieval.lexical import Lexical

Mode = Literal["hybrid", "lexical", "dense"]


@dataclass(frozen=True)
class Halves:
    """What both halves say of some texts, each of shape (texts,).

    known: which share of the query's words, by rarity, the corpus knows.
    """

    texts: NDArray[np.int64]
    lexical: Floats
    dense: Floats
    known: float


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
        return self.ranked(self.halves(text, vector, only, max(top, CANDIDATES)), top, mode)

    def halves(
        self,
        text: str,
        vector: Floats,
        only: NDArray[np.bool_] | None = None,
        most: int = CANDIDATES,
    ) -> Halves:
        """Return what each half says of the texts that one of them proposes for a query."""
        query = self.lexical.query(content(text), self._read)
        words = self.lexical.scores(query)
        rough = self.dense.rough(vector)
        if only is not None:
            words, rough = np.where(only, words, np.float32(-1)), np.where(only, rough, -1)
        found = candidates(words, rough, most)
        if only is not None:
            found = found[only[found]]
        return Halves(found, words[found], self.dense.scores(vector, found), query.known)

    def ranked(self, halves: Halves, top: int, mode: Mode = "hybrid") -> Ranked:
        """Return the best of the texts that were proposed."""
        weight = {"hybrid": self.calibration.meaning, "lexical": 0.0, "dense": 1.0}[mode]
        known = halves.known if mode == "hybrid" else 1.0
        scores = fused(halves.lexical, halves.dense, weight, known)
        best = np.lexsort((halves.texts, -scores))[:top]
        best = best[scores[best] > 0]
        confidence = 0.0
        if len(best):
            words, meaning = halves.lexical[best[0]], halves.dense[best[0]]
            score = fused(words, meaning, self.calibration.meaning, halves.known)
            confidence = self.calibration.confidence(float(score), float(meaning), halves.known)
        return Ranked(
            halves.texts[best], scores[best], halves.lexical[best], halves.dense[best], confidence
        )
