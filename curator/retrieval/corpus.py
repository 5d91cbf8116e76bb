"""A corpus that can be searched: the chunks of an exported version, and their index."""

from __future__ import annotations

import datetime as dt
import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import WorkspaceError
from curator.exports.folder import verify
from curator.exports.rag import ROWS
from curator.retrieval.store import build, drop_unused, embedder, opened, place
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa
    from numpy.typing import NDArray

    from curator.protocols import Engine
    from curator.retrieval.hybrid import Hybrid, Mode
    from curator.workspace import Workspace


@dataclass(frozen=True)
class Filters:
    """Which chunks may be found; what is not given does not matter.

    source: a pattern of the source's name, with * and ?. lang: languages. kind: document or
    conversation. valid_on: a date, as ISO 8601, on which a chunk must not be past or yet to come.
    """

    source: str | None = None
    lang: Sequence[str] = ()
    kind: str | None = None
    valid_on: str | None = None


@dataclass(frozen=True)
class Hit:
    """A chunk that was found: its row of the export, and its scores, all in 0..1."""

    row: dict[str, Any]
    score: float
    lexical: float
    dense: float


@dataclass(frozen=True)
class Found:
    """What a question found, best first, and how sure it is that the first is about it."""

    question: str
    hits: tuple[Hit, ...]
    confidence: float


class Corpus:
    """The chunks of one exported version."""

    def __init__(self, rows: pa.Table, index: Hybrid, encoder: str) -> None:
        """Take the chunks and their index."""
        self.rows = rows
        self.index = index
        self.embed = embedder(encoder)

    def search(
        self,
        question: str,
        top: int = 10,
        filters: Filters | None = None,
        mode: Mode = "hybrid",
    ) -> Found:
        """Return the chunks that fit a question best."""
        only = None if filters is None else chosen(self.rows, filters)
        vector = self.embed([question])[0]
        ranked = self.index.search(question, vector, top, mode=mode, only=only)
        rows = self.rows.take(ranked.texts).to_pylist()
        halves = zip(rows, ranked.scores, ranked.lexical, ranked.dense, strict=True)
        hits = tuple(
            Hit(row, *(round(float(score), 4) for score in scores)) for row, *scores in halves
        )
        return Found(question, hits, round(ranked.confidence, 4))


def open_corpus(
    workspace: Workspace, encoder: str, engine: Callable[[], AbstractContextManager[Engine]]
) -> Corpus:
    """Return the corpus of the latest export; its index is built where it is missing.

    Args:
        workspace: where the export and the index lie.
        encoder: its name in the recipe.
        engine: gives one, where texts are to be embedded.

    Raises:
        WorkspaceError: nothing is exported yet, a file of the export was changed, it holds what
            was erased, or the index is to be built while another process works here.

    """
    folder = workspace.exports / "rag" / "latest"
    if not folder.exists():
        raise WorkspaceError("no RAG corpus is exported yet", "run: curator export rag")
    version = folder.resolve()
    verify(version)
    rows = read_table(version / "chunks.parquet")
    if rows.schema != ROWS:
        raise WorkspaceError(
            f"{version.name}: an export of an older curator", "run: curator export rag"
        )
    erased = {record for entry in workspace.erasures() for record in entry["records"]}
    if erased and not erased.isdisjoint(rows["record_id"].unique().to_pylist()):
        raise WorkspaceError(
            "the latest RAG corpus holds records that were erased since", "run: curator run"
        )
    index = place(workspace, version, encoder)
    found = opened(index)
    if found is None:
        with workspace.lock(), engine() as working:
            build(workspace, index, rows, encoder, working)
        drop_unused(index)
        found = opened(index)
    assert found is not None
    return Corpus(rows, found, encoder)


def chosen(rows: pa.Table, filters: Filters) -> NDArray[np.bool_]:
    """Return which chunks the filters let through.

    Raises:
        WorkspaceError: the date is none.

    """
    kept = np.ones(len(rows), np.bool_)
    if filters.source is not None:
        kept &= _each(rows, "source_uri", lambda name: _named(name, filters.source or ""))
    if filters.lang:
        kept &= _each(rows, "lang", lambda lang: lang in filters.lang)
    if filters.kind is not None:
        kept &= _each(rows, "kind", lambda kind: kind == filters.kind)
    if filters.valid_on is not None:
        on = _day(filters.valid_on)
        # A date that is told less exactly is compared as exactly as it is told.
        kept &= _each(rows, "valid_from", lambda day: not day or day <= on)
        kept &= _each(rows, "valid_until", lambda day: not day or on[: len(day)] <= day)
    return kept


def _day(said: str) -> str:
    try:
        return dt.date.fromisoformat(said).isoformat()
    except ValueError:
        raise WorkspaceError(f"no date: {said}", "write it as 2026-01-31") from None


def _named(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or pattern in name.split("/")


def _each(rows: pa.Table, column: str, good: Any) -> NDArray[np.bool_]:
    """Ask of each distinct value of a column whether it is wanted."""
    encoded = rows[column].combine_chunks().dictionary_encode(null_encoding="encode")
    wanted = np.array([good(value) for value in encoded.dictionary.to_pylist()], np.bool_)
    return np.asarray(wanted[encoded.indices.to_numpy(zero_copy_only=False)], np.bool_)
