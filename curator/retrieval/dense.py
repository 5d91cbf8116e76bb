"""Finding by meaning: the cosine of a query's vector with those of a text's windows.

A text's score is the mean of two cosines, that of its best window and that of the mean of
its windows: the first tells where the answer may stand, the second what the text is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Dense:
    """The vectors of n texts, all of length 1.

    windows: one a window, text by text, shape (windows, dimensions). bounds: text i has
    windows[bounds[i]:bounds[i + 1]]. wholes: the mean of each text's, shape (n, dimensions).
    """

    windows: Floats
    bounds: NDArray[np.int64]
    wholes: Floats

    def rough(self, query: Floats) -> Floats:
        """Return the cosine of the query's vector with each text as a whole, shape (n,)."""
        return self.wholes @ query

    def scores(self, query: Floats, texts: NDArray[np.int64]) -> Floats:
        """Return the scores of some texts."""
        sizes = self.bounds[texts + 1] - self.bounds[texts]
        ends = np.cumsum(sizes)
        rows = np.arange(ends[-1] if len(ends) else 0)
        rows += np.repeat(self.bounds[texts] - (ends - sizes), sizes)
        # Taking rows out is a copy: where they are many of them, all are multiplied instead.
        most = 3 * len(rows) >= len(self.windows)
        cosines = (self.windows @ query)[rows] if most else self.windows[rows] @ query
        best = np.zeros(len(texts), np.float32)
        some = np.flatnonzero(sizes)
        if len(some):
            best[some] = np.maximum.reduceat(cosines, (ends - sizes)[some])
        return np.asarray((best + self.wholes[texts] @ query) / 2, np.float32)


def means(vectors: Floats, bounds: NDArray[np.int64]) -> Floats:
    """Return the mean vector of each group of rows, of length 1, or of zeros where it is empty."""
    sizes = np.diff(bounds)
    found = np.zeros((len(sizes), vectors.shape[1]), np.float32)
    some = np.flatnonzero(sizes)
    if len(some):
        found[some] = np.add.reduceat(vectors, bounds[:-1][some], axis=0)
        found[some] /= np.maximum(np.linalg.norm(found[some], axis=1, keepdims=True), 1e-12)
    return found


def joined(some: Iterable[Floats], dimensions: int) -> Floats:
    """Return rows of vectors as one array, shape (rows, dimensions), also where there are none."""
    return np.concatenate([np.zeros((0, dimensions), np.float32), *some])
