"""Counting of units where they are read, before anybody looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class Tally:
    """Counts the units that a reader takes from its file.

    The count is made at the lowest loop of the reader and compared with the
    units that came out of it (records, set aside, quarantined): promise P1.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.units_read = 0

    def count(self, units: Iterable[T]) -> Iterator[T]:
        """Yield the units, counting each."""
        for unit in units:
            self.units_read += 1
            yield unit
