"""Ingest: source files become immutable record parts, quarantine rows and a manifest of counts."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.sources import READER_VERSION, Sniffed, Tally, read, sniff
from curator.tables import QUARANTINE, SET_ASIDE, digest, records_table
from curator.types import Quarantined, Record, SetAside
from curator.workspace import Workspace, read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from curator.protocols import Progress
    from curator.schema import Recipe, Source

import pyarrow as pa

FIRST_PARTS, FIRST_ROWS, LATER_ROWS = 16, 256, 4096
"""Small parts first, so that a small source already keeps every worker busy; then larger
ones, so that a large source does not become thousands of files."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to ingest, with the name that it goes by in locators and exports."""

    path: Path
    uri: str
    source: Source
    adhoc: bool
    in_folder: bool


def ingest(
    workspace: Workspace,
    recipe: Recipe,
    extra: Sequence[Source] = (),
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Read the recipe's sources and `extra` ones, and make them the active sources.

    A source that was read before and has not changed since is not read again.
    Sources that were given as `extra` earlier stay active.

    Returns:
        The manifests of the active sources.

    Raises:
        SourceError: a file cannot be read at all; nothing of the workspace changes.

    """
    files = list(_files(workspace, recipe.sources, adhoc=False))
    remembered = [
        SourceFile(Path(m["path"]), m["uri"], _source(m), adhoc=True, in_folder="/" in m["uri"])
        for m in workspace.sources()
        if m["adhoc"] and Path(m["path"]).exists()
    ]
    given = list(_files(workspace, extra, adhoc=True))
    taken = {f.uri for f in files + given}
    files += [f for f in remembered if f.uri not in taken] + given
    _no_twins(files)
    manifests = []
    for done, file in enumerate(files):
        if progress:
            progress("ingest", done, len(files))
        manifests.append(_ingest_file(workspace, file))
    if progress:
        progress("ingest", len(files), len(files))
    write_json(workspace.store / "sources.json", [m["id"] for m in manifests])
    return manifests


def _source(manifest: dict[str, Any]) -> Source:
    from curator.schema import Source as Model  # noqa: PLC0415 - only for remembered sources

    return Model.model_validate(manifest["source"])


def _files(workspace: Workspace, sources: Iterable[Source], *, adhoc: bool) -> Iterator[SourceFile]:
    for source in sources:
        path = (workspace.root / Path(source.path).expanduser()).resolve()
        if path.is_dir():
            inside = sorted(
                p
                for p in path.rglob("*")
                if p.is_file() and not any(x.startswith(".") for x in p.relative_to(path).parts)
            )
            if not inside:
                raise SourceError(f"{path}: an empty folder", "name a folder that holds files")
            name = source.name or path.name
            for file in inside:
                uri = f"{name}/{file.relative_to(path).as_posix()}"
                yield SourceFile(file, uri, source, adhoc, in_folder=True)
        else:
            uri = source.name or path.name
            yield SourceFile(path, uri, source, adhoc, in_folder=False)


def _no_twins(files: Sequence[SourceFile]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        if seen.setdefault(file.uri, file.path) != file.path:
            raise SourceError(
                f"two sources go by the name {file.uri}: {seen[file.uri]} and {file.path}",
                "give one of them a `name:` of its own in curator.yaml",
            )


def _ingest_file(workspace: Workspace, file: SourceFile) -> dict[str, Any]:
    sha256 = _sha256(file.path)
    (source, sure), unreadable = _sniffed(file)
    said = source.model_dump(mode="json", exclude={"path", "name"})
    source_id = digest(file.uri, sha256, said, READER_VERSION, unreadable, length=12)
    path = workspace.store / "ingest" / f"{source_id}.json"
    if path.exists():
        return read_json(path)  # type: ignore[no-any-return]
    writer = _Writer(workspace, source_id, file.uri)
    tally = Tally()
    if unreadable:
        writer.add(*tally.count([Quarantined("file", unreadable, b"")]))
    else:
        for item in read(file.path, file.uri, sha256, source, tally):
            writer.add(item)
    writer.close()
    manifest: dict[str, Any] = {
        "id": source_id,
        "uri": file.uri,
        "path": str(file.path),
        "sha256": sha256,
        "bytes": file.path.stat().st_size,
        "source": source.model_dump(mode="json", exclude_none=True),
        "sure": round(sure, 2),
        "adhoc": file.adhoc,
        "reader_version": READER_VERSION,
        "ingested_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "units_read": tally.units_read,
        **writer.counts,
        "parts": writer.parts,
    }
    if manifest["units_read"] != sum(
        manifest[k] for k in ("units_in_records", "units_set_aside", "units_quarantined")
    ):
        raise AssertionError(f"the reader of {file.uri} lost units: {manifest}")
    write_json(path, manifest)
    return manifest


def _sniffed(file: SourceFile) -> tuple[Sniffed, str | None]:
    """Return the source as its file was recognised, and why it cannot be read, if so.

    A file that the user named is an error where it cannot be read. One that merely
    lies in a folder that was named is quarantined whole, and the others go on.
    """
    try:
        return sniff(file.path, file.source), None
    except SourceError as error:
        if not file.in_folder:
            raise
        return Sniffed(file.source, 0.0), error.message.removeprefix(f"{file.path}: ")


class _Writer:
    """Cuts a stream of items into parts; parts that lie there already are not written again."""

    def __init__(self, workspace: Workspace, source_id: str, uri: str) -> None:
        self.workspace, self.source_id, self.uri = workspace, source_id, uri
        self.parts: list[dict[str, Any]] = []
        self.counts = {"units_in_records": 0, "units_set_aside": 0, "units_quarantined": 0}
        self._records: list[Record] = []
        self._quarantined: list[Quarantined] = []
        self._set_aside: list[SetAside] = []

    def add(self, item: Record | Quarantined | SetAside) -> None:
        if isinstance(item, Record):
            self.counts["units_in_records"] += item.n_units
            self._records.append(item)
            if len(self._records) >= (FIRST_ROWS if len(self.parts) < FIRST_PARTS else LATER_ROWS):
                self._flush()
        elif isinstance(item, Quarantined):
            self.counts["units_quarantined"] += item.n_units
            self._quarantined.append(item)
        else:
            self.counts["units_set_aside"] += item.n_units
            self._set_aside.append(item)

    def _flush(self) -> None:
        if not self._records:
            return
        stem = f"{self.source_id}-{len(self.parts):05d}"
        path = self.workspace.records / f"{stem}.parquet"
        if not path.exists():
            write_table(path, records_table(self._records))
        self.parts.append({"stem": stem, "records": len(self._records), "sha256": _sha256(path)})
        self._records = []

    def close(self) -> None:
        self._flush()
        uri = {"source_uri": self.uri}
        for name, schema, rows in (
            (
                "quarantine",
                QUARANTINE,
                [
                    uri
                    | {"locator": q.locator, "reason": q.reason, "raw": q.raw, "n_units": q.n_units}
                    for q in self._quarantined
                ],
            ),
            (
                "set_aside",
                SET_ASIDE,
                [
                    uri | {"locator": s.locator, "reason": s.reason, "n_units": s.n_units}
                    for s in self._set_aside
                ],
            ),
        ):
            write_table(
                self.workspace.store / name / f"{self.source_id}.parquet",
                pa.Table.from_pylist(rows, schema=schema),
            )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file", "correct `path:` in curator.yaml") from None
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror})", "check the file and its permissions"
        ) from None
