"""The step that several checks share: fingerprints and signatures of records.

Their outputs depend on one part alone, so they lie in `Scope.shared` and a new
part costs only itself.
"""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from curator.protocols import PartStep, Step
from curator.similarity.differences import negations, quantities
from curator.similarity.minhash import BANDS, PERMUTATIONS, band_keys, glances, minhash
from curator.similarity.scanning import scanned, shingle_sets
from curator.similarity.shingles import Sets, join
from curator.similarity.turns import Turns
from curator.tables import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope
    from curator.similarity.scanning import Scanned

_VERSION = "4"

SKETCHES = pa.schema(
    # Numbers of 32 bits: as bytes, they are read and written as one piece.
    [
        ("keys", pa.binary(4 * BANDS)),
        ("glance", pa.binary(PERMUTATIONS)),
        ("shingles", pa.binary()),
    ]
)
SIGNATURES = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("hash", pa.binary(16)),
        ("signs", pa.uint64()),
        *SKETCHES,
    ]
)
CLAIMS = pa.schema([*SKETCHES, ("numbers", pa.uint64()), ("negations", pa.int32())])


def part_step(target: str, version: str = "") -> PartStep:
    """Return a step on each part by itself; `version` is to change when its own output does."""
    name = target.partition(":")[2]
    return PartStep(Step(target), name.lower(), digest(_VERSION, version), name)


SIGNING = part_step(f"{__name__}:Signatures")


def signatures(scope: Scope) -> list[Path]:
    """Return the files of the records' signatures, of schema `SIGNATURES`, one a part."""
    return SIGNING.files(scope)


def short_hash(*pieces: str | bytes) -> int:
    """Return a 64-bit hash of the pieces, 0 for none."""
    if not any(pieces):
        return 0
    data = b"\0".join(p if isinstance(p, bytes) else p.encode() for p in pieces)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


class Signatures:
    """Records → the hash of each one's kind, roles and folded text, its band keys and shingles."""

    columns: ClassVar[list[str]] = [
        "id",
        "kind",
        "parts.list.element.role",
        "parts.list.element.text",
    ]

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return a table of schema `SIGNATURES`, one row a record."""
        turns = Turns.of_table(records)
        found = scanned(turns)
        return pa.table(
            [
                records["id"],
                records["kind"],
                pa.array(_hashes(records["kind"].to_pylist(), turns, found), pa.binary(16)),
                pa.array(found.signs),
                *_columns(found.shingles),
            ],
            schema=SIGNATURES,
        )


def _hashes(kinds: Sequence[str], turns: Turns, found: Scanned) -> list[bytes]:
    """Return a hash of each record's kind, roles and folded turns."""
    hashes: list[bytes] = []
    data, ends = found.fold.data, found.fold_bounds.tolist()
    roles, bounds = turns.roles.tolist(), turns.bounds.tolist()
    heads: dict[tuple[object, ...], Any] = {}
    for kind, low, high in zip(kinds, bounds[:-1], bounds[1:], strict=True):
        start, *places = ends[low : high + 1]
        size = [place - start for place in places]
        said: Any = data[start : start + size[-1]] if size else b""
        if not said:  # nothing but emoji or punctuation: equal only where the very same
            said = repr(turns.texts.slice(low, high - low).to_pylist()).encode()
        key = (kind, *roles[low:high])
        head = heads.get(key)
        if head is None:
            names = [turns.names[role] for role in roles[low:high]]
            head = heads[key] = sha256(repr((kind, names)).encode())
        whole = head.copy()
        whole.update(b"%d " * len(size) % tuple(size))
        whole.update(said)
        hashes.append(whole.digest()[:16])
    return hashes


def sketches(texts: Sequence[Sequence[tuple[str, str]]]) -> pa.Table:
    """Return a table of schema `SKETCHES`, one row a text."""
    return pa.table(_columns(shingle_sets(texts)), schema=SKETCHES)


def _columns(sets: Sets) -> list[pa.Array]:
    found = minhash(sets)
    bounds = pa.array((sets.bounds * sets.values.itemsize).astype(np.int32))
    return [
        *(
            pa.FixedSizeBinaryArray.from_buffers(
                SKETCHES.field(name).type, len(sets), [None, pa.py_buffer(numbers)]
            )
            for name, numbers in (("keys", band_keys(found)), ("glance", glances(found)))
        ),
        pa.BinaryArray.from_buffers(
            pa.binary(), len(sets), [None, bounds.buffers()[1], pa.py_buffer(sets.values)]
        ),
    ]


def bytes_of(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Return a column of as many bytes a row as an array of shape (rows, bytes)."""
    width = column.type.byte_width
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint8).reshape(-1, width)[chunk.offset :][: len(chunk)]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate([np.zeros((0, width), np.uint8), *chunks])


def keys_of(column: pa.ChunkedArray) -> NDArray[np.uint32]:
    """Return a column `keys` as an array of shape (rows, BANDS)."""
    return bytes_of(column).view(np.uint32)


def sets_in(column: pa.ChunkedArray) -> Sets:
    """Return a column `shingles` as sets."""
    parts = []
    for chunk in column.chunks:
        _, ends, data = chunk.buffers()
        bounds = np.frombuffer(ends, np.int32)[chunk.offset :][: len(chunk) + 1].astype(np.int64)
        bounds //= 4
        values = np.frombuffer(data or b"", np.uint32)[bounds[0] : bounds[-1]]
        parts.append(Sets(values, bounds - bounds[0]))
    return parts[0] if len(parts) == 1 else join(parts)


def turns(records: pa.Table) -> list[list[tuple[str, str]]]:
    """Return each record's (role, text) parts, their placeholders numbered by record."""
    return Turns.of_table(records).to_pylist()


def claims(texts: Sequence[Sequence[tuple[str, str]]]) -> pa.Table:
    """Return a table of schema `CLAIMS`: the sketches, the numbers and the negations."""
    numbers, negative = [], []
    for text in texts:
        found = [q for _, turn in text for q in quantities(turn)]
        numbers.append(short_hash(*(f"{q.value} {q.unit}" for q in found)))
        negative.append(sum(negations(turn) for _, turn in text))
    columns = [pa.array(numbers, pa.uint64()), pa.array(negative, pa.int32())]
    return pa.table([*sketches(texts).columns, *columns], schema=CLAIMS)
