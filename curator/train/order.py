"""The order in which rows are trained on: by chance, and the same for the rows that two sets share.

A comparison of two training sets rests on it. Were each set shuffled by itself, the rows of the
first steps would differ by chance, and that by more than what the sets differ in.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Order:
    """Yields places of rows, in an order that depends on seed, epoch and each row alone.

    It is a sampler as torch's data loaders take it.
    """

    def __init__(self, keys: Sequence[str], seed: int) -> None:
        """Take what stands for each row's contents; rows of the same contents go by their turn."""
        turns: Counter[str] = Counter()
        self._seed, self._epoch = seed, 0
        self._rows: list[str] = []
        for key in keys:
            turns[key] += 1
            self._rows.append(f"{key}/{turns[key]}")

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def set_epoch(self, epoch: int) -> None:
        """Take another order for another pass over the rows."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Yield the places of one epoch."""
        begin = hashlib.sha256(f"{self._seed}/{self._epoch}/".encode())

        def chance(place: int) -> bytes:
            drawn = begin.copy()
            drawn.update(self._rows[place].encode())
            return drawn.digest()

        yield from sorted(range(len(self._rows)), key=chance)
