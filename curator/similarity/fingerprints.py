"""Fingerprints: 128-bit hashes of what is equal in two texts, and the groups that they make."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray


def hash128(pieces: Sequence[bytes]) -> bytes:
    """Return a 16-byte hash of the pieces and of where each ends."""
    data = b"".join([x for p in pieces for x in (len(p).to_bytes(8, "little"), p)])
    return blake2b(data, digest_size=16).digest()


def hashes_of(column: pa.ChunkedArray) -> NDArray[np.void]:
    """Return a column of 16-byte hashes as an array; a null is all zeros."""
    parts = [
        np.frombuffer(chunk.fill_null(bytes(16)).buffers()[1], "V16")[
            chunk.offset : chunk.offset + len(chunk)
        ]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate([np.empty(0, "V16"), *parts])


def groups(hashes: NDArray[np.void]) -> NDArray[np.int64]:
    """Return for each row the index of the first row with the same 16-byte hash."""
    halves = np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))  # stable: rows of a group stay in order
    ordered = halves[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), np.int64)
    first[order] = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
    return first
