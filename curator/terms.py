"""Wording as sparse vectors: TF-IDF over hashed n-grams of tokens, Chinese and English alike."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from curator.text import PLACEHOLDER, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

WIDTH = 1 << 20
"""Number of columns: n-grams are hashed to it."""
LONGEST = 400
"""Characters of a text that count."""
_STEM = 5
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


@lru_cache(maxsize=1 << 16)
def _code(token: str) -> int:
    return zlib.crc32(token.encode("utf-8", "surrogatepass"))


def counts(texts: Iterable[str]) -> csr_matrix:
    """Return the counts of each text's n-grams, one to three tokens long, shape (texts, WIDTH).

    A token is a Han character or a word (see `curator.text.tokens`). The first
    letters of a long word count too, since they stay where its ending changes.
    Placeholders of redacted details do not count.
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - heavy

    columns: list[NDArray[np.uint64]] = []
    bounds = [0]
    for text in texts:
        found = tokens(PLACEHOLDER.sub(" ", text[:LONGEST]))
        codes = np.array([_code(token) for token in found], np.uint64)
        stems = np.array([_code(t[:_STEM] + "*") for t in found if len(t) > _STEM], np.uint64)
        grams = np.concatenate([_grams(codes), stems * _MIX[0]])
        columns.append(grams >> np.uint64(44))
        bounds.append(bounds[-1] + len(grams))
    flat = np.concatenate(columns).astype(np.int32) if columns else np.zeros(0, np.int32)
    matrix = csr_matrix(
        (np.ones(len(flat), np.float32), flat, np.array(bounds)), shape=(len(columns), WIDTH)
    )
    matrix.sum_duplicates()
    return matrix


def _grams(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of every n-gram of one to three tokens; products wrap round."""
    grams = [codes * _MIX[0]]
    for n in (2, 3):
        last = len(codes) - n + 1
        if last > 0:
            mixed = codes[:last] * _MIX[0]
            for k in range(1, n):
                mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX[k] + codes[k : last + k]
            grams.append(mixed * _MIX[0])
    return np.concatenate(grams)


def tfidf(matrices: Sequence[csr_matrix]) -> list[csr_matrix]:
    """Return the count matrices as TF-IDF rows of length 1, with one IDF over all of them.

    N-grams that only one text has are left out: they match nothing.
    """
    from scipy.sparse import diags  # noqa: PLC0415 - heavy

    seen = np.zeros(WIDTH, np.int64)
    for matrix in matrices:
        seen += np.bincount(matrix.indices, minlength=WIDTH)
    n = sum(matrix.shape[0] for matrix in matrices)
    rarity = (np.log((1 + n) / (1 + seen)) + 1).astype(np.float32)
    rarity[seen < 2] = 0.0
    weighted = []
    for matrix in matrices:
        rows = matrix.copy()
        rows.data = (1 + np.log(rows.data)) * rarity[rows.indices]
        rows.eliminate_zeros()
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        weighted.append((diags((1 / np.maximum(norms, 1e-9)).astype(np.float32)) @ rows).tocsr())
    return weighted
