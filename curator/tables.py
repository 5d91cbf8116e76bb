"""Arrow schemas of the stored tables, and the way from types to tables and back."""

from __future__ import annotations

import hashlib
import itertools
import json
from contextlib import contextmanager
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import DamagedError
from curator.seal import is_sound
from curator.types import Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

PART = pa.struct(
    [
        ("role", pa.string()),
        ("text", pa.string()),
        ("speaker", pa.string()),
        ("locator", pa.string()),
        ("heading_path", pa.list_(pa.string())),
    ]
)
RECORDS = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("parts", pa.list_(PART)),
        ("lang", pa.string()),
        ("label", pa.string()),
        ("timestamp", pa.string()),
        ("meta", pa.string()),
        ("source_uri", pa.string()),
        ("source_sha256", pa.string()),
        ("locator", pa.string()),
        ("license", pa.string()),
        ("n_units", pa.int32()),
    ]
)
QUARANTINE = pa.schema(
    [
        ("source_uri", pa.string()),
        ("locator", pa.string()),
        ("reason", pa.string()),
        ("raw", pa.binary()),
        ("n_units", pa.int32()),
    ]
)
SET_ASIDE = pa.schema(
    [
        ("source_uri", pa.string()),
        ("locator", pa.string()),
        ("reason", pa.string()),
        ("n_units", pa.int32()),
    ]
)
FINDINGS = pa.schema(
    [
        ("id", pa.string()),
        ("record_id", pa.string()),
        ("check", pa.string()),
        ("code", pa.string()),
        ("score", pa.float64()),
        ("part", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("peer_id", pa.string()),
        ("replacement", pa.string()),
        ("evidence", pa.string()),
        ("run_id", pa.string()),
    ]
)
REVIEWS = pa.schema(
    [
        ("record_id", pa.string()),
        ("content_sha", pa.string()),
        ("question", pa.string()),
        ("value", pa.string()),
        ("status", pa.string()),
        ("user_id", pa.string()),
        ("finding_ids", pa.list_(pa.string())),
        ("at", pa.string()),
        ("parts", pa.list_(pa.int32())),
    ]
)
VERDICTS = pa.schema(
    [
        ("record_id", pa.string()),
        ("said", pa.string()),
        ("who", pa.string()),
        ("disputed", pa.list_(pa.string())),
    ]
)
DECISIONS = pa.schema(
    [
        ("record_id", pa.string()),
        ("action", pa.string()),
        ("instruction", pa.bool_()),
        ("rag", pa.bool_()),
        ("edits", pa.list_(pa.string())),
        # What an edit does otherwise than put the replacement in, by route.
        (
            "otherwise",
            pa.list_(
                pa.struct(
                    [("finding_id", pa.string()), ("route", pa.string()), ("how", pa.string())]
                )
            ),
        ),
        ("rule_ids", pa.list_(pa.string())),
        ("finding_ids", pa.list_(pa.string())),
        ("survivor_id", pa.string()),
        ("decided_by", pa.string()),
        ("policy_sha", pa.string()),
    ]
)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file that curator wrote, all of it or some columns, in the file's order.

    `pq.read_table` would do the same and first import Arrow's datasets, a third of a second.

    Raises:
        DamagedError: the file is not there, or a checksum tells that it is not as it was written.

    """
    with _sound(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read(None if columns is None else list(columns))
        return table.replace_schema_metadata()


def read_group(path: Path, number: int) -> pa.Table:
    """Read one row group of a Parquet file that curator wrote; raises as `read_table` does."""
    with _sound(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read_row_group(number).replace_schema_metadata()


def group_rows(path: Path) -> list[int]:
    """Return how many rows each row group of a Parquet file has; raises as `n_rows` does."""
    with _sound(path):
        about = pq.read_metadata(path)
        return [about.row_group(number).num_rows for number in range(about.num_row_groups)]


def n_rows(path: Path) -> int:
    """Return how many rows a Parquet file has that curator wrote.

    Raises:
        DamagedError: the file is not there, or its end is not as it was written.

    """
    with _sound(path):
        rows: int = pq.read_metadata(path).num_rows
        return rows


def verify(path: Path) -> None:
    """Make sure that a Parquet file is as it was written; read once as long as it stays the same.

    What reads it without a look at its checksums (DuckDB) is preceded by this.

    Raises:
        DamagedError: it is not.

    """
    try:
        state = path.stat()
    except OSError:
        raise DamagedError(path, "gone") from None
    _verify(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1 << 16)
def _verify(path: Path, _written: int, _size: int) -> None:
    read_table(path)


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    """Look at a file's footer, and let whatever fails in the block tell that it is damaged."""
    try:
        if not is_sound(path):
            raise DamagedError(path, "checksum")
        yield
    except FileNotFoundError:
        raise DamagedError(path, "gone") from None
    except (OSError, pa.ArrowException):
        raise DamagedError(path, "checksum") from None


_ordered = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode
"""JSON in one form alone, so that what is equal has one hash; an encoder is dear to make."""


def digest(*values: object, length: int = 16) -> str:
    """Return the first `length` hex digits of the sha256 over the values as JSON."""
    return _hex(_ordered(values), length)


def _hex(canonical: str, length: int) -> str:
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes.

    Raises:
        OSError: the file cannot be read.

    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(parts: Iterable[Part]) -> str:
    """Return a hash of what a record says, wherever it stands."""
    return digest([(p.role, p.text) for p in parts], length=32)


def record_id(source_uri: str, locator: str, parts: Iterable[Part]) -> str:
    """Return a record's id: the hash of its source, its locator and its content.

    It is `digest(source_uri, locator, [(role, text), …])`, written out, since
    ingest works it out for every record.
    """
    said = ", ".join([f"[{_quoted(p.role)}, {_quoted(p.text)}]" for p in parts])
    return _hex(f"[{_quoted(source_uri)}, {_quoted(locator)}, [{said}]]", 16)


def records_table(records: Iterable[Record]) -> pa.Table:
    """Turn records into a table of schema `RECORDS`."""
    rows = list(records)
    provenances = [r.provenance for r in rows]
    columns: dict[str, list[object] | pa.Array] = {
        "id": [r.id for r in rows],
        "kind": [r.kind for r in rows],
        "parts": _parts([r.parts for r in rows]),
        "lang": [r.lang for r in rows],
        "label": [r.label for r in rows],
        "timestamp": [r.timestamp for r in rows],
        "meta": [_ordered(dict(r.meta)) if r.meta else "{}" for r in rows],
        "source_uri": [p.source_uri for p in provenances],
        "source_sha256": [p.source_sha256 for p in provenances],
        "locator": [p.locator for p in provenances],
        "license": [p.license for p in provenances],
        "n_units": [r.n_units for r in rows],
    }
    return pa.Table.from_pydict(columns, schema=RECORDS)


def _parts(parts: Sequence[Sequence[Part]]) -> pa.Array:
    """Return the column of parts; whole columns are made about four times as fast as rows."""
    flat = [part for some in parts for part in some]
    offsets = [0, *itertools.accumulate(map(len, parts))]
    fields = [
        pa.array([p.role for p in flat], pa.string()),
        pa.array([p.text for p in flat], pa.string()),
        pa.array([p.speaker for p in flat], pa.string()),
        pa.array([p.locator for p in flat], pa.string()),
        pa.array([p.heading_path for p in flat], pa.list_(pa.string())),
    ]
    structs = pa.StructArray.from_arrays(fields, fields=list(PART))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)


def records_from(table: pa.Table | pa.RecordBatch) -> Iterator[Record]:
    """Yield the records of a table of schema `RECORDS`, in order."""
    for row in table.to_pylist():
        yield Record(
            id=row["id"],
            kind=row["kind"],
            parts=tuple(
                Part(p["role"], p["text"], p["speaker"], p["locator"], tuple(p["heading_path"]))
                for p in row["parts"]
            ),
            lang=row["lang"],
            provenance=Provenance(
                row["source_uri"], row["source_sha256"], row["locator"], row["license"]
            ),
            label=row["label"],
            timestamp=row["timestamp"],
            meta=json.loads(row["meta"]),
            n_units=row["n_units"],
        )


def finding_row(finding: Finding, run_id: str) -> dict[str, Any]:
    """Return the stored form of a finding; its id is the hash of what it says and where."""
    span = finding.span
    evidence = json.dumps(dict(finding.evidence), ensure_ascii=False, sort_keys=True)
    return {
        "id": digest(
            finding.record_id,
            finding.check,
            finding.code,
            [span.part, span.start, span.end] if span else None,
            finding.peer_id,
            finding.replacement,
        ),
        "record_id": finding.record_id,
        "check": finding.check,
        "code": finding.code,
        # Rounded, so that the last bits of a sum never show in an output.
        "score": round(min(1.0, max(0.0, float(finding.score))), 4),
        "part": span.part if span else None,
        "start": span.start if span else None,
        "end": span.end if span else None,
        "peer_id": finding.peer_id,
        "replacement": finding.replacement,
        "evidence": evidence,
        "run_id": run_id,
    }


def findings_table(findings: Iterable[Finding], run_id: str) -> pa.Table:
    """Turn findings into a table of schema `FINDINGS`, in a stable order."""
    rows = [finding_row(f, run_id) for f in findings]
    rows.sort(key=lambda r: (r["record_id"], r["code"], r["part"] or 0, r["start"] or 0, r["id"]))
    return pa.Table.from_pylist(rows, schema=FINDINGS)
