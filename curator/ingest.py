"""Ingest: source files become immutable record parts, quarantine rows and a manifest of counts."""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from curator.batches import batch
from curator.errors import SourceError
from curator.schema import Source
from curator.seal import SEAL
from curator.sources import READER_VERSION, Tally, beside, format_named, read, sniff
from curator.sources.files.archives import check_ratio
from curator.sources.files.folders import is_pattern
from curator.sources.files.listing import Container, Listing, SourceFile, reason, unchanged
from curator.tables import (
    QUARANTINE,
    SET_ASIDE,
    content_digest,
    digest,
    file_sha256,
    records_table,
    verify,
)
from curator.types import Quarantined, Record, SetAside
from curator.workspace import Workspace, read_json, write_json, write_table, writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.protocols import Progress
    from curator.schema import Recipe

import pyarrow as pa
import pyarrow.parquet as pq

FIRST_PARTS, FIRST_ROWS, LATER_ROWS = 16, 256, 4096
"""Small parts first, so that a small source already keeps every worker busy; then larger
ones, so that a large source does not become thousands of files."""

_OURS = ".curator", "curator.yaml", "rules", "exports", "report.html"
"""What of a project's folder is the project's own, should it be read as a source itself."""


def ingest(
    workspace: Workspace,
    recipe: Recipe,
    extra: Sequence[Source] = (),
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Read the recipe's sources and `extra` ones, and make them the active sources.

    A file that was read before and has not changed since is not read again. Sources
    that were given as `extra` earlier stay active while they are there; the format of
    an extra one that the recipe names too overrules the recipe's.

    Returns:
        The manifests of the active sources. `changes` tells how many records of a source
        are new against the version that was active before, unchanged, and retired, by what
        they say; `moved` are those of the unchanged that have another place now (so
        another id), as the lines below a line that was put in.

    Raises:
        SourceError: a source cannot be read at all, or changes meanwhile; nothing of the
            workspace changes.

    """
    listing, sources, given = _sources(workspace, recipe, extra)
    before = {manifest["uri"]: manifest for manifest in workspace.sources()}
    manifests: dict[str, dict[str, Any]] = {}
    places = _Places()
    done = 0
    for number, (source, adhoc) in enumerate(sources):
        # Closed at once, come what may: what an archive was unpacked to is removed then.
        with closing(listing.files(source)) as files:
            for found in files:
                if progress:  # as far as is known: what a folder holds, it tells one by one
                    progress("ingest", done, done + len(sources) - number)
                done += 1
                if places.is_new(found) and (
                    manifest := _ingested(workspace, found, before.get(found.uri), adhoc=adhoc)
                ):
                    manifests[found.uri] = manifest
    if progress:
        progress("ingest", done, done)
    write_json(workspace.store / "given.json", given)
    write_json(workspace.store / "sources.json", [m["id"] for m in manifests.values()])
    batch(workspace)
    return list(manifests.values())


def _sources(
    workspace: Workspace, recipe: Recipe, extra: Sequence[Source]
) -> tuple[Listing, list[tuple[Source, bool]], list[dict[str, Any]]]:
    """Return how to look up, the sources (and whether they were given), and what to remember."""
    listing = Listing(workspace.root, workspace.store / "tmp", {})
    path = workspace.store / "given.json"
    remembered = [
        Source.model_validate(said) for said in (read_json(path) if path.exists() else ())
    ]
    given: dict[Path, Source] = {}
    for source in remembered:
        where = listing.location(source)
        if where.exists() or is_pattern(where):
            given[where] = source
    for source in extra:
        given[listing.location(source)] = source
    named: list[tuple[Source, bool]] = []
    for source in recipe.sources:
        told = given.get(listing.location(source), source).format
        settled = source if told == "auto" else source.model_copy(update={"format": told})
        named.append((settled, False))
    places = {listing.location(source) for source in recipe.sources}
    named += [(source, True) for where, source in given.items() if where not in places]
    for source, _ in named:
        if source.format != "auto":
            format_named(source.format, source.path)
    leave = {workspace.root / name: "the project's own" for name in _OURS}
    leave |= dict.fromkeys(places | given.keys(), "named as a source of its own")
    dumped = [s.model_dump(mode="json", exclude_none=True) for s in given.values()]
    return Listing(listing.root, listing.temporary, leave), named, dumped


class _Place(NamedTuple):
    """Where a source lies, and how it is to be read."""

    path: Path
    member: str | None
    source: Source


class _Places:
    """What was read already, by its name and by where it lies."""

    def __init__(self) -> None:
        self._named: dict[str, _Place] = {}
        self._all: set[_Place] = set()

    def is_new(self, found: SourceFile | Container) -> bool:
        """Whether something was not read yet; from now on it was.

        Raises:
            SourceError: something else goes by its name, or it is to be read in two ways.

        """
        path = found.origin if isinstance(found, SourceFile) else found.path
        source = found.source.model_copy(update={"path": "", "name": None})
        place = _Place(path, found.member, source)
        taken = self._named.setdefault(found.uri, place)
        if taken != place:
            raise SourceError(
                f"two sources go by the name {found.uri}: {taken.path} and {path}",
                "name the folder that holds both, or give one a `name:` of its own in curator.yaml",
            )
        if place not in self._all:
            self._all.add(place)
            return True
        if isinstance(found, SourceFile) and found.container:
            found.set_aside("read as part of another source")
        return False


def _ingested(
    workspace: Workspace,
    found: SourceFile | Container,
    before: dict[str, Any] | None,
    *,
    adhoc: bool,
) -> dict[str, Any] | None:
    """Return the manifest of a file or of what a container refuses; None where there is nothing."""
    if isinstance(found, SourceFile):
        manifest = _ingest_file(workspace, found, adhoc=adhoc)
    else:
        manifest = _ingest_refused(workspace, found, adhoc=adhoc) if found.refused else None
    if manifest is None:
        return None
    changes = _changes(workspace, before, manifest)
    path = workspace.store / "ingest" / f"{manifest['id']}.json"
    if not path.exists() or changes["before"] != manifest["id"]:
        write_json(path, manifest | {"changes": changes})
    return manifest | {"changes": changes}


def _ingest_file(workspace: Workspace, file: SourceFile, *, adhoc: bool) -> dict[str, Any] | None:
    """Return a file's manifest; None where its container refuses it."""
    try:
        status, sha256 = file.path.stat(), _sha256(file.path)
        said = file.source.model_dump(mode="json", exclude={"path", "name"})
        told = beside(file.path, file.source)
        source_id = digest(file.uri, file.path.name, sha256, told, said, READER_VERSION, length=12)
        path = workspace.store / "ingest" / f"{source_id}.json"
        if path.exists():
            return read_json(path)  # type: ignore[no-any-return]
        check_ratio(file.path)
        source, sure = sniff(file.path, file.source)
    except SourceError as error:
        if file.container is None:
            raise
        file.refuse(reason(error, file))
        return None
    tally = Tally()
    with _Writer(workspace, source_id, file.uri) as writer:
        try:
            for item in read(file.path, file.uri, sha256, source, tally):
                writer.add(item)
        except SourceError as error:
            if file.container is None:
                raise
            lost = tally.units_read - sum(writer.counts.values())
            rest = Quarantined("the rest of the file", reason(error, file), b"", lost + 1)
            writer.add(*tally.count([rest]))
        unchanged(file.path, status)
    manifest: dict[str, Any] = {
        "id": source_id,
        "uri": file.uri,
        "path": str(file.origin),
        "member": file.member,
        "sha256": sha256,
        "bytes": status.st_size,
        "source": source.model_dump(mode="json", exclude_none=True),
        "sure": round(sure, 2),
        "told": file.source.format != "auto",
        "adhoc": adhoc,
        **_account(writer, tally),
    }
    return manifest


def _ingest_refused(
    workspace: Workspace, container: Container, *, adhoc: bool
) -> dict[str, Any] | None:
    """Return the manifest of those files of a folder or an archive that are not read."""
    refused = [(type(r).__name__, r.locator, r.reason, r.n_units) for r in container.refused]
    sha256 = digest(container.kind, refused, length=64)
    source_id = digest(container.uri, sha256, READER_VERSION, length=12)
    path = workspace.store / "ingest" / f"{source_id}.json"
    if path.exists():
        return read_json(path)  # type: ignore[no-any-return]
    tally = Tally()
    with _Writer(workspace, source_id, container.uri) as writer:
        for item in container.refused:
            tally.units_read += item.n_units
            writer.add(item)
    source = container.source.model_copy(update={"format": container.kind})
    return {
        "id": source_id,
        "uri": container.uri,
        "path": str(container.path),
        "member": container.member,
        "sha256": sha256,
        "bytes": 0,
        "source": source.model_dump(mode="json", exclude_none=True),
        "sure": 1.0,
        "told": False,
        "adhoc": adhoc,
        **_account(writer, tally),
    }


def _account(writer: _Writer, tally: Tally) -> dict[str, Any]:
    """Return the part of a manifest that says what was read and when."""
    if tally.units_read != sum(writer.counts.values()):
        raise AssertionError(
            f"the reader of {writer.uri} lost units: {tally.units_read} read, {writer.counts}"
        )
    return {
        "reader_version": READER_VERSION,
        "ingested_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "units_read": tally.units_read,
        **writer.counts,
        "parts": writer.parts,
    }


class _Writer:
    """Cuts a stream of items into parts, each named by what it holds.

    So the parts of a source that has changed elsewhere, as by lines at its end, are the
    parts that lie there already, and what was found in them stays found. They keep the
    sha256 of the version of the file that they were first read from.
    """

    def __init__(self, workspace: Workspace, source_id: str, uri: str) -> None:
        self.workspace, self.source_id, self.uri = workspace, source_id, uri
        self.parts: list[dict[str, Any]] = []
        self.counts = {"units_in_records": 0, "units_set_aside": 0, "units_quarantined": 0}
        self._records: list[Record] = []
        store, name = workspace.store, f"{source_id}.parquet"
        self._quarantine = _Rows(store / "quarantine" / name, QUARANTINE)
        self._set_aside = _Rows(store / "set_aside" / name, SET_ASIDE)
        self._erased = workspace.erased_contents()

    def add(self, item: Record | Quarantined | SetAside) -> None:
        if self._erased and isinstance(item, Record) and content_digest(item.parts) in self._erased:
            item = SetAside(item.provenance.locator, "erased", item.n_units)
        if isinstance(item, Record):
            self.counts["units_in_records"] += item.n_units
            self._records.append(item)
            if len(self._records) >= (FIRST_ROWS if len(self.parts) < FIRST_PARTS else LATER_ROWS):
                self._flush()
        elif isinstance(item, Quarantined):
            self.counts["units_quarantined"] += item.n_units
            self._quarantine.add(self._row(item) | {"raw": item.raw})
        else:
            self.counts["units_set_aside"] += item.n_units
            self._set_aside.add(self._row(item))

    def _row(self, item: Quarantined | SetAside) -> dict[str, Any]:
        return {
            "source_uri": self.uri,
            "locator": item.locator,
            "reason": item.reason,
            "n_units": item.n_units,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Complete what was written, or leave nothing of it but whole parts."""
        if kind is None:
            self._close()
        else:
            self._quarantine.discard()
            self._set_aside.discard()

    def _flush(self) -> None:
        if not self._records:
            return
        table = records_table(self._records)
        path = self.workspace.records / f"{_content(table)}.parquet"
        if not path.exists():
            write_table(path, table)
        self.parts.append({"stem": path.stem, "records": len(table), "sha256": file_sha256(path)})
        self._records = []

    def _close(self) -> None:
        self._flush()
        self._quarantine.close()
        self._set_aside.close()


class _Rows:
    """Rows of a table that may be long, written some at a time; no file where there are none."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._held: list[dict[str, Any]] = []
        self._stack = ExitStack()
        self._file: pq.ParquetWriter | None = None

    def add(self, row: dict[str, Any]) -> None:
        self._held.append(row)
        if len(self._held) >= LATER_ROWS:
            self._write()

    def close(self) -> None:
        if self._held:
            self._write()
        self._stack.close()

    def discard(self) -> None:
        """Leave no file."""
        self._stack.__exit__(SourceError, SourceError("discarded", ""), None)

    def _write(self) -> None:
        if self._file is None:
            temporary = self._stack.enter_context(writing(self._path))
            self._file = self._stack.enter_context(
                pq.ParquetWriter(
                    temporary,
                    self._schema.with_metadata(SEAL),
                    compression="zstd",
                    compression_level=3,
                    write_page_checksum=True,
                )
            )
        self._file.write_table(pa.Table.from_pylist(self._held, schema=self._schema))
        self._held = []


def _content(records: pa.Table) -> str:
    """Return the hash of what a part holds, the sha256 of its file left out."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        records.drop_columns(["source_sha256"]),
        sink,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    return hashlib.sha256(sink.getvalue()).hexdigest()[:24]


_SAID = """
    SELECT id, hash(kind, label, timestamp, meta,
        list_transform(parts, lambda p: struct_pack(role := p.role, text := p.text))) AS said
    FROM read_parquet(?)
"""


def _changes(
    workspace: Workspace, before: dict[str, Any] | None, now: dict[str, Any]
) -> dict[str, Any]:
    """Return how a source's records differ from those of the version that was active before."""
    n_now = sum(part["records"] for part in now["parts"])
    n_before = sum(part["records"] for part in before["parts"]) if before else 0
    same = moved = 0
    if before and before["parts"] == now["parts"]:
        same = n_now
    elif n_now and n_before and before:
        con = workspace.connect()
        for name, manifest in (("older", before), ("newer", now)):
            parts = [workspace.records / f"{p['stem']}.parquet" for p in manifest["parts"]]
            for part in parts:
                verify(part)
            con.execute(f"CREATE TEMP TABLE {name} AS {_SAID}", [[str(part) for part in parts]])
        row = con.execute(
            "SELECT coalesce(sum(least(o.n, n.n)), 0),"
            " (SELECT count(*) FROM older JOIN newer USING (id, said))"
            " FROM (SELECT said, count(*) AS n FROM older GROUP BY 1) o"
            " JOIN (SELECT said, count(*) AS n FROM newer GROUP BY 1) n USING (said)"
        ).fetchone()
        assert row is not None
        same, moved = int(row[0]), int(row[0]) - int(row[1])
    return {
        "before": before["id"] if before else None,
        "added": n_now - same,
        "unchanged": same,
        "moved": moved,
        "retired": n_before - same,
    }


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file", "correct `path:` in curator.yaml") from None
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror})", "check the file and its permissions"
        ) from None
