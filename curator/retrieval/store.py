"""The index of an exported corpus: built once for a version and an encoder, then memory-mapped.

.curator/cache/retrieval/<manifest and encoder>/
  index.json                                         what it was made from, and its calibration
  terms|starts|texts|weights|rarity.npy              by words: see `Lexical`
  windows|bounds|wholes.npy                          by meaning: see `Dense`

No text lies here: what is shown is read from the export.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curator.checks.embeddings import vectors_of
from curator.errors import DamagedError
from curator.exports.folder import MANIFEST
from curator.exports.rag import ROWS
from curator.exports.vectors import WINDOW, chunk_vectors, said_of
from curator.models.encoders import embed, load_encoder
from curator.models.pins import model_sha
from curator.retrieval.calibration import Calibration, Searchable, calibrate
from curator.retrieval.dense import Dense, means
from curator.retrieval.hybrid import Hybrid
from curator.retrieval.lexical import Lexical
from curator.tables import digest, file_sha256
from curator.workspace import disk_error, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from curator.exports.vectors import ChunkVectors
    from curator.protocols import Engine
    from curator.retrieval.dense import Floats
    from curator.workspace import Workspace

VERSION = "1"
SEARCHED = pa.schema(
    [ROWS.field(name) for name in ("id", "text", "key", "record_id", "heading_path")]
)
"""The columns that an index is made from."""
_ABOUT = "index.json"
_LEXICAL = ("terms", "starts", "texts", "weights", "rarity")
_DENSE = ("windows", "bounds", "wholes")


def place(workspace: Workspace, version: Path, encoder: str) -> Path:
    """Return where the index of an exported version lies, or will."""
    key = digest(VERSION, WINDOW, file_sha256(version / MANIFEST), model_sha("encoder", encoder))
    return workspace.cache / "retrieval" / key


def opened(folder: Path) -> Hybrid | None:
    """Return the index that lies in a folder; None where there is none, or it is damaged."""
    try:
        return _opened(folder)
    except (DamagedError, OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _opened(folder: Path) -> Hybrid:
    about: dict[str, Any] = read_json(folder / _ABOUT)
    arrays: dict[str, Any] = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in (*_LEXICAL, *_DENSE)
    }
    lexical = Lexical(
        **{name: arrays[name] for name in _LEXICAL}, mean=about["mean"], size=about["size"]
    )
    dense = Dense(**{name: arrays[name] for name in _DENSE})
    told = about["calibration"]
    told = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
    return Hybrid(lexical, dense, Calibration(**told))


def build(workspace: Workspace, folder: Path, rows: pa.Table, encoder: str, engine: Engine) -> None:
    """Build the index of a corpus in a folder, whole or not at all.

    Args:
        workspace: whose cache keeps the vectors.
        folder: where the index will lie.
        rows: the export's chunks.
        encoder: its name in the recipe.
        engine: where texts are embedded.

    Raises:
        ModelError: there is no such encoder here.
        WorkspaceError: no space is left.

    """
    ids = rows["id"].to_pylist()
    vectors = chunk_vectors(workspace, encoder, engine, ids, said_of(rows))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
        try:
            _write(temporary, index_of(rows, vectors, embedder(encoder), temporary / "windows.npy"))
            shutil.rmtree(folder, ignore_errors=True)  # a damaged one
            temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise disk_error(error, folder) from None


def _searchable(rows: pa.Table, texts: Sequence[str]) -> list[Searchable]:
    records = rows["record_id"].combine_chunks().dictionary_encode().indices.to_pylist()
    return [
        Searchable(text, key or "", record)
        for text, key, record in zip(texts, rows["key"].to_pylist(), records, strict=True)
    ]


def embedder(encoder: str) -> Callable[[Sequence[str]], Floats]:
    """Return what makes vectors of questions, loading the encoder at the first one.

    Where the encoder has a prompt for queries, they get it.
    """
    loaded: list[Any] = []

    def vectors(texts: Sequence[str]) -> Floats:
        if not loaded:
            loaded.append(load_encoder(encoder))
        prompt = (getattr(loaded[0], "prompts", None) or {}).get("query", "")
        return np.asarray(embed(loaded[0], [prompt + text for text in texts], 4 * WINDOW))

    return vectors


def index_of(
    rows: pa.Table,
    vectors: ChunkVectors,
    embed: Callable[[Sequence[str]], Floats],
    windows_file: Path | None = None,
) -> Hybrid:
    """Return the index of some chunks.

    Args:
        rows: chunks, of schema `SEARCHED`, and more columns perhaps.
        vectors: those of what is searched of them.
        embed: makes vectors of questions.
        windows_file: where the vectors are laid, so that they need not fit into memory.

    """
    texts = said_of(rows)
    lexical = Lexical.of(texts)
    windows, bounds = _laid(rows["id"].to_pylist(), vectors, windows_file)
    dense = Dense(windows, bounds, means(windows, bounds))
    return Hybrid(lexical, dense, calibrate(_searchable(rows, texts), lexical, dense, embed))


def _write(folder: Path, index: Hybrid) -> None:
    lexical, dense = index.lexical, index.dense
    for name in _LEXICAL:
        np.save(folder / f"{name}.npy", getattr(lexical, name))
    np.save(folder / "bounds.npy", dense.bounds)
    np.save(folder / "wholes.npy", dense.wholes)
    calibration = asdict(index.calibration)
    about = {"mean": lexical.mean, "size": lexical.size, "calibration": calibration}
    write_json(folder / _ABOUT, about)


def _laid(ids: Sequence[str], vectors: ChunkVectors, path: Path | None) -> tuple[Any, Any]:
    """Lay all windows' vectors in the order of the chunks; return them and the chunks' bounds."""
    row = {chunk: i for i, chunk in enumerate(ids)}
    sizes = np.zeros(len(ids), np.int64)
    for batch in vectors.batches():
        of = np.array([row[chunk] for chunk in batch["id"].to_pylist()], np.int64)
        sizes += np.bincount(of, minlength=len(ids))
    bounds = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(sizes, out=bounds[1:])
    shape = (int(bounds[-1]), vectors.dimension)
    laid: Any = np.empty(shape, np.float32)
    if path is not None:
        laid = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for batch in vectors.batches():
        of = np.array([row[chunk] for chunk in batch["id"].to_pylist()], np.int64)
        laid[bounds[of] + batch["window"].to_numpy()] = vectors_of(batch)
    if path is not None:
        laid.flush()
    return laid, bounds


def drop_unused(kept: Path) -> None:
    """Remove the indexes of other versions: they can be made again."""
    for folder in kept.parent.iterdir():
        if folder != kept and folder.is_dir() and (folder / _ABOUT).exists():
            shutil.rmtree(folder, ignore_errors=True)
