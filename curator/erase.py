"""Erase: take records out of the workspace for good, and leave a log without content.

The one exception to immutable parts: every file that holds something of an erased
record is written anew without it, under its old name. A record is remembered by a
hash of its text alone, so that it is set aside if its source is ever read again.
The work can be done twice: what is killed half-way is finished by the same command.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from curator.errors import WorkspaceError
from curator.exports import vectors as vector_cache
from curator.exports.hiding import project_keys
from curator.exports.synced import SyncLog
from curator.tables import (
    QUARANTINE,
    SET_ASIDE,
    content_digest,
    digest,
    file_sha256,
    n_rows,
    read_table,
    records_from,
)
from curator.text import fold
from curator.train.origins import forget_unfinished, held
from curator.vault import Vault
from curator.workspace import read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from curator.schema import Recipe
    from curator.types import Record
    from curator.workspace import Workspace

_REASON = "erased"
_RAW_ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be erased: one of a person's name, a record's id, a source's name.

    A person is whoever's name stands in a record's text, speakers or other columns, in
    any width and case; a record's id may be given by its beginning.
    """

    person: str | None = None
    record: str | None = None
    source: str | None = None

    @property
    def kind(self) -> str:
        """Which of the three it is."""
        return "person" if self.person else "record" if self.record else "source"

    def holds(self, record: Record) -> bool:
        """Whether a record is wanted."""
        if self.source:
            return record.provenance.source_uri == self.source
        if self.record:
            return record.id.startswith(self.record)
        told = [*(p.text for p in record.parts), *(p.speaker or "" for p in record.parts)]
        told += [h for p in record.parts for h in p.heading_path]
        return self._named("\n".join([*told, record.label or "", *record.meta.values()]))

    def holds_raw(self, raw: bytes, uri: str) -> bool:
        """Whether a quarantined unit is wanted."""
        if self.source:
            return uri == self.source
        return bool(self.person) and any(
            self._named(raw.decode(encoding, "ignore")) for encoding in _RAW_ENCODINGS
        )

    def said_in(self, text: str | None) -> bool:
        """Whether what a reviewer wrote names the person."""
        return bool(self.person) and self._named(text or "")

    def _named(self, text: str) -> bool:
        return fold(self.person or "") in fold(text)


@dataclass
class Erased:
    """What an erasure took out, and where it had been carried to before.

    taken: by part, the source, the locator and the units of each erased record.
    """

    records: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    taken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    quarantined: int = 0
    reviews: int = 0
    exports: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self.records or self.quarantined or self.reviews)


def erase(workspace: Workspace, recipe: Recipe, wanted: Wanted) -> Erased:
    """Erase what is wanted from records, quarantine, findings, reviews, views, vault and caches.

    Exports and trained models stay as they are, since they may have been handed on; those that
    hold an erased record are told, and so are the vector tables. The next decision and the next
    exports are without it, and the next sync rids the tables of it.

    Raises:
        WorkspaceError: nothing of the kind is there.
        VaultError: there is a vault, and its key is not at hand.

    """
    # Before anything is touched: half an erasure would be worse than none.
    keys = project_keys(workspace, recipe) if workspace.vault.exists() else None
    found = _found(workspace, wanted)
    pending = _pending(workspace)
    if not found and not pending:
        raise WorkspaceError(
            f"no such {wanted.kind} in this workspace", "look for it with: curator why, or status"
        )
    found.exports = list(_exports_with(workspace, set(found.records)))
    found.runs = list(held(workspace.root, found.records))
    found.tables = SyncLog(workspace).holding(found.records)
    entry = _entry(wanted.kind, found)
    workspace.log_erasure(entry | {"status": "begun"})
    gone = {*found.records, *(r for p in pending for r in p["records"])}
    taken = defaultdict(list, {k: list(v) for k, v in found.taken.items()})
    for earlier in pending:
        for stem, rows in earlier["taken"].items():
            taken[stem] += rows
    _rewrite_sources(workspace, gone, taken, wanted)
    _rewrite_tables(workspace, gone, wanted)
    if keys is not None:
        with Vault(workspace.vault, keys) as vault:
            vault.forget(gone)
    _clear_cache(workspace, gone)
    forget_unfinished(workspace.root, gone)
    for path in (workspace.root / "report.html", workspace.decisions / "current.json"):
        path.unlink(missing_ok=True)
    for ended in (*pending, entry):
        workspace.log_erasure(ended | {"status": "done"})
    return found


def _clear_cache(workspace: Workspace, gone: set[str]) -> None:
    """Empty the cache, but for the vectors of chunks that stay: those are dear to make again."""
    vectors = workspace.cache / vector_cache.NAME
    for path in workspace.cache.glob("*"):
        if path != vectors:
            shutil.rmtree(path, ignore_errors=True)
    stay: list[str] = []
    latest = workspace.exports / "rag" / "latest" / "chunks.parquet"
    if latest.exists():
        rows = read_table(latest)
        hit = pc.is_in(rows["record_id"], value_set=pa.array(sorted(gone), pa.string()))
        stay = vector_cache.said_of(rows.filter(pc.invert(hit)))
    vector_cache.keep_only(workspace, stay)


def _found(workspace: Workspace, wanted: Wanted) -> Erased:
    found = Erased()
    seen: set[str] = set()  # a record also lies in the batch of its part
    for path in sorted(workspace.records.glob("*.parquet")):
        for record in records_from(read_table(path)):
            if wanted.holds(record):
                if record.id not in seen:
                    seen.add(record.id)
                    found.records.append(record.id)
                    found.contents.append(content_digest(record.parts))
                source = record.provenance
                row = _aside(source.source_uri, source.locator, record.n_units)
                found.taken.setdefault(path.stem, []).append(row)
    for path in sorted((workspace.store / "quarantine").glob("*.parquet")):
        rows = read_table(path).to_pylist()
        found.quarantined += sum(wanted.holds_raw(r["raw"], r["source_uri"]) for r in rows)
    gone = set(found.records)
    for row in workspace.reviews().to_pylist():
        found.reviews += row["record_id"] in gone or wanted.said_in(row["value"])
    return found


def _pending(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the erasures that were begun and not ended."""
    begun: dict[str, dict[str, Any]] = {}
    for entry in workspace.erasures():
        if entry["status"] == "begun":
            begun[entry["id"]] = entry
        else:
            begun.pop(entry["id"], None)
    return list(begun.values())


def _rewrite_sources(
    workspace: Workspace,
    gone: set[str],
    taken: Mapping[str, list[dict[str, Any]]],
    wanted: Wanted,
) -> None:
    """Take records and quarantined units out of each source, and count anew what it holds."""
    for stem in taken:
        _without(workspace.records / f"{stem}.parquet", "id", gone)
    for path in sorted((workspace.store / "ingest").glob("*.json")):
        manifest = read_json(path)
        quarantine = workspace.store / "quarantine" / f"{manifest['id']}.parquet"
        aside = [row for part in manifest["parts"] for row in taken.get(part["stem"], ())]
        kept, found = _quarantined(quarantine, wanted)
        aside += found
        if not aside:
            continue
        set_aside = workspace.store / "set_aside" / f"{manifest['id']}.parquet"
        # First where units go, then where they leave: killed between, none is lost.
        _append(set_aside, aside)
        write_table(quarantine, kept)
        for part in manifest["parts"]:
            part_path = workspace.records / f"{part['stem']}.parquet"
            part["records"] = n_rows(part_path)
            part["sha256"] = file_sha256(part_path)
        parts = [workspace.records / f"{part['stem']}.parquet" for part in manifest["parts"]]
        manifest["units_in_records"] = sum(map(_units, parts))
        manifest["units_quarantined"] = _units(quarantine)
        manifest["units_set_aside"] = _units(set_aside)
        write_json(path, manifest)


def _quarantined(path: Path, wanted: Wanted) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Return what stays in a source's quarantine, and what is wanted, as units set aside."""
    table = read_table(path) if path.exists() else QUARANTINE.empty_table()
    rows = table.to_pylist()
    hit = [wanted.holds_raw(row["raw"], row["source_uri"]) for row in rows]
    found = [row for row, is_hit in zip(rows, hit, strict=True) if is_hit]
    kept = table.filter(pc.invert(pa.array(hit, pa.bool_())))
    return kept, [_aside(row["source_uri"], row["locator"], row["n_units"]) for row in found]


def _units(path: Path) -> int:
    return sum(read_table(path, columns=["n_units"])["n_units"].to_pylist())


def _rewrite_tables(workspace: Workspace, gone: set[str], wanted: Wanted) -> None:
    """Take the records out of findings, redacted views, decisions and reviews."""
    for run in sorted(workspace.findings.glob("*/*")):
        lost = 0
        for path in sorted(run.glob("*.parquet")):
            lost += _without(path, "record_id", gone) + _without(path, "peer_id", gone)
        manifest = run / "run.json"
        if lost and manifest.exists():
            said = read_json(manifest)
            write_json(manifest, said | {"n_findings": said.get("n_findings", lost) - lost})
    for path in sorted(workspace.redacted.glob("*/*.parquet")):
        _without(path, "id", gone)
    for path in sorted(workspace.decisions.glob("*/decisions.parquet")):
        _without(path, "record_id", gone)
    for path in sorted(workspace.splits.glob("*/*.parquet")):
        _without(path, "record_id", gone)
    for path in sorted(workspace.reviews_folder.glob("*.parquet")):
        _without(path, "record_id", gone)
        _unsaid(path, wanted)


def _unsaid(path: Path, wanted: Wanted) -> None:
    """Take out what reviewers wrote of a person about other records: comments, corrections."""
    table = read_table(path)
    told = [wanted.said_in(said) for said in table["value"].to_pylist()]
    if any(told):
        write_table(path, table.filter(pc.invert(pa.array(told, pa.bool_()))))


def _without(path: Path, column: str, gone: set[str]) -> int:
    """Write a file anew without the rows whose column names an erased record; return how many."""
    if not path.exists():
        return 0
    table = read_table(path)
    hit = pc.is_in(table[column], value_set=pa.array(sorted(gone), pa.string()))
    count = int(pc.sum(hit).as_py() or 0)
    if count:
        write_table(path, table.filter(pc.invert(hit)))
    return count


def _aside(source_uri: str, locator: str, n_units: int) -> dict[str, Any]:
    return {
        "source_uri": source_uri,
        "locator": locator,
        "reason": _REASON,
        "n_units": n_units,
    }


def _append(path: Path, rows: list[dict[str, Any]]) -> None:
    """Add rows to what a source set aside, unless they are there already."""
    there = read_table(path).to_pylist() if path.exists() else []
    known = {(row["locator"], row["reason"]) for row in there}
    new = [row for row in rows if (row["locator"], row["reason"]) not in known]
    write_table(path, pa.Table.from_pylist([*there, *new], schema=SET_ASIDE))


def _exports_with(workspace: Workspace, gone: set[str]) -> Iterator[dict[str, Any]]:
    """Yield name, version and rows of each export that holds an erased record."""
    for manifest in sorted(workspace.exports.glob("*/*/manifest.json")):
        folder = manifest.parent
        if folder.is_symlink():
            continue
        rows = sum(_rows_of(path, gone) for path in sorted(folder.glob("*.jsonl")))
        if rows:
            yield {"name": folder.parent.name, "version": folder.name, "rows": rows}


def _rows_of(path: Path, gone: set[str]) -> int:
    count = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            count += row.get("record_id", row.get("id")) in gone
    return count


def _entry(kind: str, found: Erased) -> dict[str, Any]:
    return {
        "id": digest(kind, found.records, found.quarantined),
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "by": getpass.getuser(),
        "what": kind,
        "records": found.records,
        "contents": found.contents,
        "taken": found.taken,
        "quarantined": found.quarantined,
        "reviews": found.reviews,
        "exports": found.exports,
        "runs": found.runs,
        "tables": found.tables,
    }
