"""Nearest vectors by cosine, over matrices that are read from the index and kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    import numpy.typing as npt

_Matrix = tuple["npt.NDArray[np.int64]", "npt.NDArray[np.float32]"]


def as_bytes(vector: Sequence[float]) -> bytes:
    """Return a vector as the index keeps it: of length one, in 32 bits a number."""
    return _unit(vector).tobytes()


class Vectors:
    """The matrices of all datasets, each read when it is first asked for and kept until changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Matrix] = {}
        self._changes: dict[str, int] = {}

    def forget(self, dataset: str) -> None:
        """Read a dataset's vectors anew when they are next asked for."""
        with self._lock:
            self._changes[dataset] = self._changes.get(dataset, 0) + 1
            for key in [key for key in self._kept if key[0] == dataset]:
                del self._kept[key]

    def nearest(
        self,
        con: sqlite3.Connection,
        dataset: str,
        settings: str,
        vector: Sequence[float],
        *,
        allowed: Sequence[int] | None,
        least: bool,
        limit: int,
    ) -> list[tuple[int, float]]:
        """Return the numbers of the nearest records, or the farthest, with (1 + cosine) / 2."""
        numbers, matrix = self._matrix(con, dataset, settings)
        if allowed is not None:
            chosen = np.isin(numbers, np.asarray(allowed, dtype=np.int64))
            numbers, matrix = numbers[chosen], matrix[chosen]
        if not len(numbers):
            return []
        wanted = _unit(vector)
        scores = (1.0 + matrix @ (-wanted if least else wanted)) / 2.0
        best = np.argsort(-scores, kind="stable")[:limit]
        return [(int(numbers[i]), float(scores[i])) for i in best]

    def _matrix(self, con: sqlite3.Connection, dataset: str, settings: str) -> _Matrix:
        with self._lock:
            kept, change = self._kept.get((dataset, settings)), self._changes.get(dataset, 0)
        if kept is not None:
            return kept
        rows = con.execute(
            "SELECT seq, value FROM vectors WHERE settings = ? ORDER BY seq", (settings,)
        ).fetchall()
        numbers = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
        flat = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float32)
        matrix = flat.reshape(len(rows), -1) if rows else flat.reshape(0, 0)
        with self._lock:
            if self._changes.get(dataset, 0) == change:
                self._kept[dataset, settings] = (numbers, matrix)
        return numbers, matrix


def _unit(vector: Sequence[float]) -> npt.NDArray[np.float32]:
    values = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(values))
    return values / np.float32(length) if length else values
