"""Sync: the vector tables of the recipe follow an exported corpus, by what has changed alone.

Each table is asked what it holds, id by id with a hash of the row, and gets the difference.
So a sync that broke off goes on where it stopped, whatever broke it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from curator.errors import TargetError
from curator.exports.synced import SyncLog
from curator.exports.targets import opened, place_of
from curator.exports.targets.protocol import HASH, VECTOR, Facts
from curator.exports.vectors import chunk_vectors, pooled, said_of
from curator.tables import digest, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curator.exports.targets.protocol import Place, Target
    from curator.exports.vectors import ChunkVectors
    from curator.protocols import Engine, Progress
    from curator.schema import Recipe
    from curator.workspace import Workspace

_AT_ONCE = 500
_FILE = "source_sha256"
_ANEW = "make it anew with: curator export rag --rebuild, or name another with table:"


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did to a table, in rows."""

    table: str
    added: int
    updated: int
    deleted: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Corpus:
    """What the tables are to hold: the chunks, a hash of each, and where their vectors lie."""

    rows: pa.Table
    hashes: Mapping[str, str]
    vectors: ChunkVectors
    facts: Facts
    version: str

    @property
    def schema(self) -> pa.Schema:
        """The columns of a table's rows."""
        vector = pa.list_(pa.float32(), self.facts.dimension)
        return self.rows.schema.append(pa.field(VECTOR, vector)).remove_metadata()

    @property
    def records(self) -> set[str]:
        """The ids of the records that have chunks."""
        return set(pc.unique(self.rows["record_id"]).to_pylist())


def sync(
    workspace: Workspace,
    recipe: Recipe,
    engine: Engine,
    folder: Path,
    progress: Progress | None = None,
    *,
    rebuild: bool = False,
) -> list[Synced]:
    """Let every table of the recipe hold the chunks of an exported corpus, and nothing else.

    A table that fails does not keep the others from their sync.

    Args:
        workspace: whose cache keeps the vectors; it is locked.
        recipe: which tables, and which encoder.
        engine: where texts are embedded that are new.
        folder: a version of the corpus.
        progress: told how many rows of a table are written.
        rebuild: make the tables anew, as after a change of the encoder.

    Raises:
        TargetError: a table is down, in use, or not made of what it would get now.

    """
    targets = recipe.exports.rag.targets
    if not targets:
        return []
    corpus = _corpus(workspace, recipe, engine, folder)
    log = SyncLog(workspace)
    done: list[Synced] = []
    failed: list[TargetError] = []
    for settings in targets:
        place = place_of(settings, workspace.root, recipe.name)
        try:
            done.append(_sync_one(place, corpus, log, progress, rebuild=rebuild))
        except TargetError as error:
            failed.append(error)
    if failed:
        also = "".join(f"; {error.message}" for error in failed[1:])
        raise TargetError(failed[0].message + also, failed[0].hint)
    return done


def _corpus(workspace: Workspace, recipe: Recipe, engine: Engine, folder: Path) -> _Corpus:
    rows = read_table(folder / "chunks.parquet")
    encoder = recipe.models.encoder
    vectors = chunk_vectors(workspace, encoder, engine, rows["id"].to_pylist(), said_of(rows))
    hashes = row_hashes(rows)
    facts = Facts(recipe.name, encoder, vectors.model_sha, vectors.dimension)
    rows = rows.append_column(HASH, pa.array(hashes, pa.string()))
    by_id = dict(zip(rows["id"].to_pylist(), hashes, strict=True))
    return _Corpus(rows, by_id, vectors, facts, folder.name)


def row_hashes(rows: pa.Table) -> list[str]:
    """Return for each chunk a hash of all that its row says, but for the sha256 of its file.

    Else a log that grows by a line would have all its rows written again.
    """
    return [digest({**row, _FILE: None}) for row in rows.to_pylist()]


def _sync_one(
    place: Place, corpus: _Corpus, log: SyncLog, progress: Progress | None, *, rebuild: bool
) -> Synced:
    with opened(place) as target:
        if target.exists():
            _fits(place, target.facts(), corpus, rebuild=rebuild)
            if rebuild:
                target.drop()
        if not target.exists():
            if not corpus.hashes:
                return Synced(str(place), 0, 0, 0, 0)
            target.create(corpus.facts, corpus.schema)
            log.start(place)
        counts = _bring(place, target, corpus, log, progress)
        purging = log.is_to_purge(place)
        if counts.added or counts.updated or counts.deleted:
            target.tidy()
        if purging:
            target.purge()
    log.end(place, corpus.version, corpus.records, purged=purging)
    return counts


def _fits(place: Place, facts: Facts | None, corpus: _Corpus, *, rebuild: bool) -> None:
    """Make sure that a table is ours and, unless it is made anew, made as it would be now."""
    now = corpus.facts
    if facts is None:
        raise TargetError(
            f"{place}: there is such a table, and curator did not make it",
            "name another with table: under exports.rag.targets in curator.yaml",
        )
    if facts.project != now.project:
        raise TargetError(
            f"{place}: the table is of the project {facts.project}, and this is {now.project}",
            "name another with table: under exports.rag.targets in curator.yaml",
        )
    if rebuild or not corpus.hashes:
        return
    if (facts.model_sha, facts.dimension) != (now.model_sha, now.dimension):
        raise TargetError(
            f"{place}: made with another model ({facts.model}, {facts.dimension} numbers a vector;"
            f" now {now.model}, {now.dimension})",
            _ANEW,
        )
    if facts.layout != now.layout:
        raise TargetError(
            f"{place}: made by another version of curator (layout {facts.layout}, now"
            f" {now.layout})",
            _ANEW,
        )


def _bring(
    place: Place, target: Target, corpus: _Corpus, log: SyncLog, progress: Progress | None
) -> Synced:
    """Give a table what it lacks, then take from it what is no more."""
    held = dict(target.ids_and_hashes())
    wanted = corpus.hashes
    added = [chunk for chunk in wanted if chunk not in held]
    updated = [chunk for chunk, sha in wanted.items() if held.get(chunk, sha) != sha]
    deleted = [chunk for chunk in held if chunk not in wanted]
    total = len(added) + len(updated) + len(deleted)
    done = 0

    def told(n: int) -> None:
        nonlocal done
        done += n
        if progress:
            progress(f"sync {place.kind}", done, total)

    if total:
        log.begin(place, corpus.records)
    changed = {*added, *updated}
    # New rows first: who searches meanwhile finds an old chunk beside the new one, and no gap.
    for windows in corpus.vectors.batches(changed) if changed else ():
        rows = _with_vectors(corpus, pooled(windows))
        target.upsert(rows)
        told(len(rows))
    for start in range(0, len(deleted), _AT_ONCE):
        some = deleted[start : start + _AT_ONCE]
        target.delete(some)
        told(len(some))
    unchanged = len(wanted) - len(changed)
    return Synced(str(place), len(added), len(updated), len(deleted), unchanged)


def _with_vectors(corpus: _Corpus, vectors: pa.Table) -> pa.Table:
    """Return the rows of the chunks whose vectors these are, in the order of the table."""
    at = pc.index_in(vectors["id"], value_set=corpus.rows["id"].combine_chunks())
    rows = corpus.rows.take(at)
    return rows.append_column(VECTOR, vectors[VECTOR]).cast(corpus.schema)
