"""The workspace: a plain folder of immutable Parquet parts, and SQL views over them.

    my-project/
      curator.yaml                          the recipe
      rules/                                the project's own rules, where there are any
      .curator/
        format.json                         the form of all this, by a number: see `curator.upgrade`
        sources.json                        which ingested sources are active, in order
        ingest/<source>.json                one source's manifest: counts, sha256, parts
        records/<content>.parquet           records, as read; and batches of small parts
        batches.json                        which parts each batch stands for
        quarantine/<source>.parquet         what could not be read
        set_aside/<source>.parquet          what is no record: system lines, blank lines
        findings/<check>/<run>/…            one file a part, and run.json when the run is whole
        redacted/<view>/…                   the records with private details replaced
        decisions/<id>/…, current.json      each with the rules that it was made by
        reviews/<content>.parquet           what reviewers said, pull by pull; never changed
        splits/<seed>/…                     in which split each record was exported
        review.json                         the name under which this project's records are reviewed
        cache/…                             what can be made again: embeddings, signatures
        vault.db                            what pseudonyms stand for, sealed with the key
        access.jsonl                        who revealed what, and when
        erasures.jsonl                      what was erased, by hashes, and what had held it
      exports/<name>/<version>/
      runs/<run>/                           what was trained: see `curator.train.runs`

A file is there whole or not at all: it is written under a temporary name,
synced and renamed. The folder is the owner's alone (0700), files are 0600.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.errors import DamagedError, WorkspaceError
from curator.seal import SEAL, seal
from curator.tables import (
    DECISIONS,
    FINDINGS,
    QUARANTINE,
    RECORDS,
    REVIEWS,
    SET_ASIDE,
    digest,
    n_rows,
    read_table,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb

RECIPE = "curator.yaml"
FORMAT = 1
"""The form of the workspace's files; another one is brought to it or refused."""
_MARK = "format.json"
_CONTENT = ("sources.json", "ingest", "records", "reviews", "decisions")
_CHECKSUM = "checksum"


def _version() -> str:
    return version("curator-data")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its place if the block ends well.

    Raises:
        WorkspaceError: no space is left, or the place cannot be written.

    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        if path.suffix == ".parquet":
            seal(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise disk_error(error, path) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_error(error: OSError, path: Path) -> WorkspaceError:
    """Turn a failed write into two lines that say what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkspaceError(
            f"no space left while writing {path}",
            "free some space and run the same command again: it goes on where it stopped",
        )
    return WorkspaceError(
        f"cannot write {path}: {error.strerror or type(error).__name__}",
        "check that the folder exists and that you may write to it",
    )


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file, whole or not at all.

    Texts are compressed; numbers are not, since most are hashes and vectors. Each page has
    its checksum, and so has the footer, which `read_table` verifies: of 200 single bits
    flipped, 177 went unnoticed without.
    """
    worded = [name for name, words in _leaves(table.schema) if words]
    with writing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(SEAL),
            temporary,
            use_dictionary=worded,
            compression={
                name: "zstd" if words else "none" for name, words in _leaves(table.schema)
            },
            compression_level=dict.fromkeys(worded, 3),
            write_page_checksum=True,
        )


def _leaves(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the name of each column as Parquet names it, and whether it holds text."""
    for field in fields:
        kind, name = field.type, f"{prefix}{field.name}"
        if pa.types.is_struct(kind):
            yield from _leaves(kind, f"{name}.")
        elif isinstance(kind, pa.ListType | pa.FixedSizeListType):
            yield from _leaves([kind.value_field.with_name("element")], f"{name}.list.")
        else:
            yield name, pa.types.is_string(kind) or pa.types.is_large_string(kind)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file, whole or not at all; an object gets a checksum over its values."""
    if isinstance(value, dict):
        value = {**value, _CHECKSUM: _checksum(value)}
    with writing(path) as temporary:
        temporary.write_text(
            json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )


def _checksum(value: dict[str, Any]) -> str:
    # As it is read back: a number that is a key is a text then.
    return digest(json.loads(json.dumps(value)))


def write_text(path: Path, value: str) -> None:
    """Write a text file, whole or not at all."""
    with writing(path) as temporary:
        temporary.write_text(value, encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file that curator wrote, and compare its checksum, where it has one.

    Raises:
        DamagedError: the file is damaged or gone.

    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedError(path, "gone") from None
    except (OSError, ValueError):
        raise DamagedError(path, "its form") from None
    if isinstance(value, dict) and value.pop(_CHECKSUM, None) not in (None, _checksum(value)):
        raise DamagedError(path, "checksum")
    return value


def _sign(path: str) -> tuple[Any, ...]:
    """Return what differs once a file was written anew."""
    try:
        about = os.stat(path)  # noqa: PTH116 - of thousands, ten times: a Path takes as long
    except OSError:
        return (path, None)
    return (path, about.st_ino, about.st_mtime_ns, about.st_size)


class Workspace:
    """Paths, manifests and views of one project folder."""

    def __init__(self, root: Path) -> None:
        """Point at a project folder; nothing is made or read yet."""
        self.root = root
        self.store = root / ".curator"
        self.records = self.store / "records"
        self.findings = self.store / "findings"
        self.redacted = self.store / "redacted"
        self.decisions = self.store / "decisions"
        self.reviews_folder = self.store / "reviews"
        self.splits = self.store / "splits"
        self.cache = self.store / "cache"
        self.vault = self.store / "vault.db"
        self.exports = root / "exports"
        self.recipe_path = root / RECIPE
        self._sources: tuple[tuple[Any, ...], list[dict[str, Any]]] = ((), [])

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """Return the workspace at `start`, or at the nearest folder above that has a recipe.

        Raises:
            WorkspaceError: there is none, or a newer curator wrote it.

        """
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / RECIPE).is_file():
                found = cls(folder)
                found.is_marked()
                return found
        raise WorkspaceError(
            f"no {RECIPE} in {start} or above it", "make a project first: curator init FOLDER"
        )

    # --- format ----------------------------------------------------------------------

    def is_marked(self) -> bool:
        """Whether the workspace says that it is of this format; a damaged mark says nothing.

        Raises:
            WorkspaceError: a newer curator wrote it.

        """
        try:
            said = read_json(self.store / _MARK)
            number, writer = int(said["format"]), str(said["written_by"])
        except (DamagedError, LookupError, TypeError, ValueError):
            return False
        if number > FORMAT:
            raise WorkspaceError(
                f"{self.root}: written by a newer curator: {writer} (format {number};"
                f" this is {_version()}, format {FORMAT})",
                "install that version: pip install --upgrade curator-data",
            )
        return number == FORMAT

    def is_empty(self) -> bool:
        """Whether nothing was read, reviewed or decided yet."""
        return not any((self.store / name).exists() for name in _CONTENT)

    def mark(self) -> None:
        """Say of which format the workspace is."""
        write_json(self.store / _MARK, {"format": FORMAT, "written_by": _version()})

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the workspace for writing; the lock dies with its process.

        Raises:
            WorkspaceError: another process holds it.

        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - reading verbs need no lock

        try:
            self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, self.store) from None
        held = FileLock(self.store / "lock", timeout=0)
        try:
            held.acquire()
        except Timeout:
            raise WorkspaceError(
                f"{self.root} is in use by another curator process",
                "wait for it to end, or stop it, and run again",
            ) from None
        try:
            self._sweep()
            if self.is_empty() and not self.is_marked():
                self.mark()
            yield
        finally:
            held.release()

    def _sweep(self) -> None:
        """Remove the temporary files that a killed process left behind."""
        for base in (self.store, self.exports):
            for left in base.rglob(".tmp-*") if base.exists() else ():
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)

    # --- sources ---------------------------------------------------------------------

    def sources(self) -> list[dict[str, Any]]:
        """Return the manifests of the active sources, in order."""
        path = self.store / "sources.json"
        if not path.exists():
            return []
        ids, folder = read_json(path), self.store / "ingest"
        # A command asks ten times for what may be thousands of files: as long as they stay as
        # they are, they are read once.
        seen = tuple(_sign(f"{folder}{os.sep}{i}.json") for i in ids)
        if seen != self._sources[0]:
            self._sources = seen, [read_json(folder / f"{i}.json") for i in ids]
        return list(self._sources[1])

    def replayed(self) -> list[str]:
        """Return the names of the active sources of general data."""
        return [m["uri"] for m in self.sources() if m["source"].get("replay")]

    def source_shas(self) -> dict[str, str]:
        """Return the sha256 of each active source's file, as it is now, by its name.

        A part that stays where its file has grown tells the sha256 of the older file.
        """
        return {source["uri"]: source["sha256"] for source in self.sources()}

    def record_parts(self) -> tuple[Path, ...]:
        """Return the active record parts, in order; a batch stands for its parts."""
        stems = [part["stem"] for source in self.sources() for part in source["parts"]]
        begins = {members[0]: (name, members) for name, members in self.batches().items()}
        found: list[str] = []
        at = 0
        while at < len(stems):
            name, members = begins.get(stems[at], (stems[at], [stems[at]]))
            if stems[at : at + len(members)] != members:
                name, members = stems[at], [stems[at]]
            found.append(name)
            at += len(members)
        return tuple(self.records / f"{stem}.parquet" for stem in found)

    def batches(self) -> dict[str, list[str]]:
        """Return the names of the batches, and of the parts that each stands for, in order."""
        path = self.store / "batches.json"
        return read_json(path) if path.exists() else {}

    def refused(
        self, manifests: Sequence[dict[str, Any]], most: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return the first `most` places that sources quarantined, and how many there are."""
        rows: list[dict[str, Any]] = []
        count = 0
        for manifest in manifests:
            path = self.store / "quarantine" / f"{manifest['id']}.parquet"
            if not manifest["units_quarantined"] or not path.exists():
                continue
            count += n_rows(path)
            if len(rows) < most:
                table = read_table(path, columns=["source_uri", "locator", "reason"])
                rows += table.slice(0, most - len(rows)).to_pylist()
        return rows, count

    # --- decisions -------------------------------------------------------------------

    def current_decision(self) -> dict[str, Any] | None:
        """Return the manifest of the decision that holds, or None before the first."""
        path = self.decisions / "current.json"
        return read_json(path) if path.exists() else None

    def reviews(self) -> pa.Table:
        """Return all reviews, oldest first."""
        parts = sorted(self.reviews_folder.glob("*.parquet"))
        rows = pa.concat_tables([REVIEWS.empty_table(), *map(read_table, parts)])
        order = ("at", "record_id", "user_id", "question", "value")
        # `rows.sort_by` would do the same and first import pandas.
        return rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in order]))

    # --- erasures --------------------------------------------------------------------

    def erasures(self) -> list[dict[str, Any]]:
        """Return the log of erasures, oldest first: hashes and counts, no content."""
        path = self.store / "erasures.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def erased_contents(self) -> frozenset[str]:
        """Return the content hashes of all records that were erased."""
        return frozenset(c for entry in self.erasures() for c in entry["contents"])

    def log_erasure(self, entry: dict[str, Any]) -> None:
        """Add an entry to the log of erasures."""
        lines = [*self.erasures(), entry]
        text = "".join(json.dumps(e, ensure_ascii=False, sort_keys=True) + "\n" for e in lines)
        write_text(self.store / "erasures.jsonl", text)

    # --- views -----------------------------------------------------------------------

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open an in-memory DuckDB that spills into the workspace and fetches nothing."""
        import duckdb  # noqa: PLC0415 - not needed by commands that only read manifests

        con = duckdb.connect(
            config={
                "temp_directory": str(self.store / "tmp"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
        )
        con.execute("SET preserve_insertion_order = true")
        return con

    def sql(
        self, findings: Sequence[Path] = (), view: Sequence[Path] = ()
    ) -> duckdb.DuckDBPyConnection:
        """Open an in-memory DuckDB with a view for each stored table.

        They are records, quarantine, set_aside, findings and decisions. `findings` are the
        files that the table of that name unites, as far as they are there; `view` are the
        parts of the redacted view, which `redacted` shows. `records` shows everything but
        text; raw text is in no view.

        Raises:
            DamagedError: one of the files is not as it was written.

        """
        con = self.connect()
        sources = self.sources()
        parts = self.record_parts()
        _view(
            con,
            "records",
            parts,
            "id, kind, lang, label, timestamp, source_uri, source_sha256, locator, license,"
            f" n_units, {_among('source_uri', self.replayed())} AS replay, len(parts) AS n_parts,"
            " list_sum(list_transform(parts, lambda p: length(p.text)))::BIGINT AS n_chars",
            pa.schema(
                [
                    (n, pa.string())
                    for n in (
                        "id",
                        "kind",
                        "lang",
                        "label",
                        "timestamp",
                        "source_uri",
                        "source_sha256",
                        "locator",
                        "license",
                    )
                ]
                + [("n_units", pa.int32()), ("replay", pa.bool_())]
                + [("n_parts", pa.int64()), ("n_chars", pa.int64())]
            ),
        )
        for name, counted, schema in (
            ("quarantine", "units_quarantined", QUARANTINE),
            ("set_aside", "units_set_aside", SET_ASIDE),
        ):
            # A source of which nothing was refused has no such file.
            files = [
                path
                for source in sources
                for path in [self.store / name / f"{source['id']}.parquet"]
                if source[counted] or path.exists()
            ]
            columns = ", ".join(c for c in schema.names if c != "raw")
            _view(con, name, files, columns, schema)
        _view(con, "findings", [f for f in findings if f.exists()], "*", FINDINGS)
        current = self.current_decision()
        chosen = [self.decisions / current["id"] / "decisions.parquet"] if current else []
        _view(con, "decisions", chosen, "*", DECISIONS)
        if view:
            _view(con, "redacted", view, "*", RECORDS)
        return con


def _among(column: str, texts: Sequence[str]) -> str:
    """Return a condition in SQL that a column is one of some texts."""
    listed = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"{column} IN ({listed})" if texts else "false"


def _view(
    con: duckdb.DuckDBPyConnection,
    name: str,
    files: Sequence[Path],
    columns: str,
    schema: pa.Schema,
) -> None:
    """Make a view over Parquet files, or an empty one of the schema where there are none."""
    if files:
        for file in files:
            verify(file)
        listed = ", ".join("'" + str(f).replace("'", "''") + "'" for f in files)
        con.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM read_parquet([{listed}])")  # noqa: S608
    else:
        con.register(f"_{name}", schema.empty_table())
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM _{name}")  # noqa: S608
