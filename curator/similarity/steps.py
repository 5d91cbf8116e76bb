"""Steps that several checks share: fingerprints and signatures of records.

Their outputs depend on one part alone, so they lie in `Scope.shared` and a new
part costs only itself.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.protocols import Step
from curator.similarity.differences import negations, quantities
from curator.similarity.fingerprints import folded, hash128
from curator.similarity.minhash import BANDS, band_keys, minhash
from curator.similarity.placeholders import renumbered
from curator.similarity.shingles import shingle_lists
from curator.tables import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.protocols import Scope
    from curator.similarity.shingles import Sets

_VERSION = "2"

FINGERPRINTS = pa.schema(
    [("id", pa.string()), ("kind", pa.string()), ("hash", pa.binary(16)), ("signs", pa.uint64())]
)
SIGNATURES = pa.schema(
    [("keys", pa.list_(pa.uint32(), BANDS)), ("shingles", pa.list_(pa.uint32()))]
)
CLAIMS = pa.schema([*SIGNATURES, ("numbers", pa.uint64()), ("negations", pa.int32())])


def per_part(scope: Scope, target: str, version: str = "") -> list[Path]:
    """Run a step that depends on one part alone; return its files, or those kept from before.

    `version` is to change when the step's own output does.
    """
    folder = scope.shared(target.partition(":")[2].lower(), digest(_VERSION, version))
    return scope.engine.map(
        Step(target), [(part,) for part in scope.parts], folder, label=target.partition(":")[2]
    )


def turns(records: pa.Table) -> list[list[tuple[str, str]]]:
    """Return each record's (role, text) parts, their placeholders numbered by record."""
    parts = records["parts"].combine_chunks()
    if isinstance(parts, pa.ChunkedArray):  # no rows: no chunk to combine
        return []
    flat = parts.flatten()
    roles, texts = flat.field("role").to_pylist(), flat.field("text").to_pylist()
    offsets = parts.offsets.to_numpy()
    bounds = (offsets - offsets[0]).tolist() if len(offsets) else [0]
    if "[" not in "".join(texts):  # no placeholder anywhere
        return [list(zip(roles[a:b], texts[a:b], strict=True)) for a, b in pairwise(bounds)]
    return [list(zip(roles[a:b], renumbered(texts[a:b]), strict=True)) for a, b in pairwise(bounds)]


def short_hash(*pieces: str | bytes) -> int:
    """Return a 64-bit hash of the pieces, 0 for none."""
    if not any(pieces):
        return 0
    data = b"\0".join(p if isinstance(p, bytes) else p.encode() for p in pieces)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


class Fingerprints:
    """Records → the hash of each record's kind, roles and folded text."""

    columns: ClassVar[list[str]] = ["id", "kind", "parts"]

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return a table of schema `FINGERPRINTS`, one row a record."""
        kinds = records["kind"].to_pylist()
        all_turns = turns(records)
        texts = [text for record in all_turns for _, text in record]
        fold = folded(texts)
        hashes, signs, low = [], [], 0
        for kind, record in zip(kinds, all_turns, strict=True):
            high = low + len(record)
            keys = fold.keys[low:high]
            if not any(keys):  # nothing but emoji or punctuation: equal only where the very same
                keys = [text.encode("utf-8", "surrogatepass") for _, text in record]
            roles = [role.encode() for role, _ in record]
            hashes.append(hash128([kind.encode(), *roles, b"", *keys]))
            signs.append(short_hash(*fold.signs[low:high]))
            low = high
        return pa.table(
            [
                records["id"],
                records["kind"],
                pa.array(hashes, pa.binary(16)),
                pa.array(signs, pa.uint64()),
            ],
            schema=FINGERPRINTS,
        )


def sketches(texts: Sequence[Sequence[tuple[str, str]]]) -> pa.Table:
    """Return a table of schema `SIGNATURES`, one row a text."""
    lists = shingle_lists(texts)
    keys = band_keys(minhash(lists))
    return pa.table(
        [
            pa.FixedSizeListArray.from_arrays(pa.array(keys.ravel()), BANDS),
            shingles_column(lists),
        ],
        schema=SIGNATURES,
    )


def signatures(texts: Sequence[Sequence[tuple[str, str]]]) -> pa.Table:
    """Return a table of schema `CLAIMS`: the signatures, the numbers and the negations."""
    numbers, negative = [], []
    for text in texts:
        found = [q for _, turn in text for q in quantities(turn)]
        numbers.append(short_hash(*(f"{q.value} {q.unit}" for q in found)))
        negative.append(sum(negations(turn) for _, turn in text))
    columns = [pa.array(numbers, pa.uint64()), pa.array(negative, pa.int32())]
    return pa.table([*sketches(texts).columns, *columns], schema=CLAIMS)


def shingles_column(sets: Sets) -> pa.ListArray:
    """Return sets or lists as an Arrow list column."""
    return pa.ListArray.from_arrays(
        pa.array(sets.bounds.astype(np.int32)), pa.array(sets.values, pa.uint32())
    )


class Signatures:
    """Records → shingle set and band keys of each whole record."""

    columns: ClassVar[list[str]] = ["parts"]

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return a table of schema `SIGNATURES`, one row a record."""
        return sketches(turns(records))
