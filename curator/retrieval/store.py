"""The index of an exported corpus: built once for a version and an encoder, then mapped into memory.

.curator/cache/retrieval/<manifest and encoder>/
  index.json                                         what it was made from, and its calibration
  terms|starts|texts|weights|rarity.npy              by words: see `Lexical`
  windows|bounds|wholes.npy                          by meaning: see `Dense`

No text lies here: what is shown is read from the export.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.checks.embeddings import vectors_of
from curator.exports.folder import MANIFEST
from curator.exports.vectors import WINDOW, chunk_vectors
from curator.models.encoders import embed, load_encoder
from curator.models.pins import model_sha
from curator.retrieval.calibration import Calibration, Searchable, calibrate
from curator.retrieval.dense import Dense, means
from curator.retrieval.hybrid import Hybrid
from curator.retrieval.lexical import Lexical
from curator.tables import digest, file_sha256
from curator.workspace import disk_error, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from curator.exports.vectors import ChunkVectors
    from curator.protocols import Engine
    from curator.retrieval.dense import Floats
    from curator.workspace import Workspace

VERSION = "1"
_ABOUT = "index.json"
_LEXICAL = ("terms", "starts", "texts", "weights", "rarity")
_DENSE = ("windows", "bounds", "wholes")


def place(workspace: Workspace, version: Path, encoder: str) -> Path:
    """Return where the index of an exported version lies, or will."""
    key = digest(VERSION, WINDOW, file_sha256(version / MANIFEST), model_sha("encoder", encoder))
    return workspace.cache / "retrieval" / key


def opened(folder: Path) -> Hybrid:
    """Return the index that lies in a folder."""
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
    texts = searched(rows)
    vectors = chunk_vectors(workspace, encoder, engine, rows["id"].to_pylist(), texts)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
        try:
            _write(temporary, rows, texts, vectors, encoder)
            temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise disk_error(error, folder) from None


def searched(rows: pa.Table) -> list[str]:
    """Return what is searched of each chunk: its text, under the headings that it lacks."""
    found = []
    for text, path in zip(rows["text"].to_pylist(), rows["heading_path"].to_pylist(), strict=True):
        above = [heading for heading in path or () if heading not in text]
        found.append("\n".join([*above, text]))
    return found


def searchable(rows: pa.Table, texts: Sequence[str]) -> list[Searchable]:
    """Return the texts with the questions that they answer and the records they belong to."""
    keys = rows["key"].to_pylist()
    records = rows["record_id"].combine_chunks().dictionary_encode().indices.to_pylist()
    return [
        Searchable(text, key or "", record)
        for text, key, record in zip(texts, keys, records, strict=True)
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


def _write(
    folder: Path, rows: pa.Table, texts: Sequence[str], vectors: ChunkVectors, encoder: str
) -> None:
    lexical = Lexical.of(texts)
    _save(folder, {name: getattr(lexical, name) for name in _LEXICAL})
    bounds = _lay(folder / "windows.npy", rows["id"].to_pylist(), vectors)
    windows = np.load(folder / "windows.npy", mmap_mode="r")
    dense = Dense(windows, bounds, means(windows, bounds))
    _save(folder, {"bounds": bounds, "wholes": dense.wholes})
    found = calibrate(searchable(rows, texts), lexical, dense, embedder(encoder))
    about = {"mean": lexical.mean, "size": lexical.size, "calibration": asdict(found)}
    write_json(folder / _ABOUT, about)


def _save(folder: Path, arrays: Mapping[str, Any]) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def _lay(path: Path, ids: Sequence[str], vectors: ChunkVectors) -> Any:
    """Write all windows' vectors in the order of the chunks; return each chunk's bounds."""
    row = {chunk: i for i, chunk in enumerate(ids)}
    sizes = np.zeros(len(ids), np.int64)
    for batch in vectors.batches():
        of = [row[chunk] for chunk in batch["id"].to_pylist()]
        sizes += np.bincount(of, minlength=len(ids))
    bounds = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(sizes, out=bounds[1:])
    laid = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=(int(bounds[-1]), vectors.dimension)
    )
    for batch in vectors.batches():
        of = np.array([row[chunk] for chunk in batch["id"].to_pylist()], np.int64)
        laid[bounds[of] + batch["window"].to_numpy()] = vectors_of(batch)
    laid.flush()
    return bounds


def drop_unused(kept: Path) -> None:
    """Remove the indexes of other versions: they can be made again."""
    for folder in kept.parent.iterdir():
        if folder != kept and folder.is_dir() and (folder / _ABOUT).exists():
            shutil.rmtree(folder, ignore_errors=True)
