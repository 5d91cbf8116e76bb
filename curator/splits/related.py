"""Which records belong together, as a graph of records and of the keys that they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from curator.similarity.components import components

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Related:
    """Records by number, pairs of them, and keys with the record that each belongs to.

    Two records are related if they are a pair or share a key; a group is all that hangs
    together so. left, right: shape (pairs,). keys, owners: shape (entries,).
    """

    n: int
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    keys: NDArray[np.int64]
    owners: NDArray[np.int64]

    @cached_property
    def distinct(self) -> NDArray[np.int64]:
        """Each key once, in order; key `i` is node `n + i` of the graph."""
        return np.unique(self.keys)

    @cached_property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The edges of the graph: between records, and from a record to a key."""
        places = self.n + np.searchsorted(self.distinct, self.keys)
        return np.concatenate([self.left, self.owners]), np.concatenate([self.right, places])

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """Each node's group, by its smallest node: shape (n + keys,)."""
        return components(self.n + len(self.distinct), *self.edges)
