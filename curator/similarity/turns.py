"""Records as who said what: the texts and roles of their turns, as arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.similarity.placeholders import renumbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Turns:
    """The turns of several records, in order; record i has those of bounds[i]:bounds[i + 1].

    `roles` are numbers, places in `names`.
    """

    names: list[str]
    roles: NDArray[np.int32]
    texts: pa.Array
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.bounds) - 1

    @classmethod
    def of(cls, records: Sequence[Sequence[tuple[str, str]]]) -> Turns:
        """Return the turns of records given as lists of (role, text)."""
        roles = pa.array([role for record in records for role, _ in record], pa.string())
        texts = pa.array([text for record in records for _, text in record], pa.string())
        return cls._of(roles, texts, np.cumsum([0, *map(len, records)], dtype=np.int64))

    @classmethod
    def of_table(cls, records: pa.Table) -> Turns:
        """Return the turns of a table's column `parts`, placeholders numbered by record."""
        parts = records["parts"].combine_chunks()
        if isinstance(parts, pa.ChunkedArray):  # no rows: no chunk to combine
            return cls.of([])
        flat, offsets = parts.flatten(), parts.offsets.to_numpy().astype(np.int64)
        bounds = offsets - offsets[0]
        texts = _numbered(flat.field("text"), bounds)
        return cls._of(flat.field("role"), texts, bounds)

    @classmethod
    def _of(cls, roles: pa.Array, texts: pa.Array, bounds: NDArray[np.int64]) -> Turns:
        coded = roles.dictionary_encode()
        numbers = coded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        return cls(coded.dictionary.to_pylist(), numbers, texts, bounds)

    def to_pylist(self) -> list[list[tuple[str, str]]]:
        """Return each record's (role, text) turns."""
        turns = list(
            zip((self.names[i] for i in self.roles.tolist()), self.texts.to_pylist(), strict=True)
        )
        return [turns[a:b] for a, b in zip(self.bounds, self.bounds[1:], strict=False)]

    @property
    def data(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """All texts in UTF-8, and where each turn begins and ends in them."""
        _, offsets, data = self.texts.buffers()
        width = np.int64 if pa.types.is_large_string(self.texts.type) else np.int32
        ends = np.frombuffer(offsets, width)[self.texts.offset :][: len(self.texts) + 1]
        return np.frombuffer(data or b"", np.uint8), ends.astype(np.int64)

    def __getitem__(self, records: slice) -> Turns:
        """Return the turns of the records from `start` to `stop`."""
        bounds = self.bounds[records.start : None if records.stop is None else records.stop + 1]
        first, last = int(bounds[0]), int(bounds[-1])
        texts = self.texts.slice(first, last - first)
        return Turns(self.names, self.roles[first:last], texts, bounds - first)


_MAY_BE = re.compile(
    rb"\[(?:[A-Z_]{2,24}_|(?:[\xe4-\xe9][\x80-\xbf]{2}){2,8})(?:\d+|[a-z2-7]{8})\]"
)
"""What looks like a placeholder in UTF-8."""


def _numbered(texts: pa.Array, bounds: NDArray[np.int64]) -> pa.Array:
    """Give placeholders new numbers, record by record; only texts with a bracket are looked at."""
    data = texts.buffers()[2]
    if data is None or not _MAY_BE.search(data):
        return texts
    bracket = np.flatnonzero(pc.match_substring(texts, "[").to_numpy(zero_copy_only=False))
    mask = np.zeros(len(texts), np.bool_)
    owners = np.unique(np.searchsorted(bounds, bracket, side="right") - 1)
    changed: list[str] = []
    for low, high in zip(bounds[owners].tolist(), bounds[owners + 1].tolist(), strict=True):
        mask[low:high] = True
        changed += renumbered(texts.slice(low, high - low).to_pylist())
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(changed, texts.type))
