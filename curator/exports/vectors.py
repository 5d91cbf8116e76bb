"""The embeddings of an export's chunks: made once per text and encoder, and kept in the cache.

A chunk is embedded window by window, since an encoder's cost rises steeply with the length
and one vector says little of a long text. A window is whole sentences of about 60 Han
characters, or thrice as many Latin letters.

.curator/cache/vectors/<encoder and window>/<content>.parquet
  key: a hash of the chunk's text   window: counted from 0   vector: float32, of length 1
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.checks.embeddings import vectors_of
from curator.models.encoders import embed, load_encoder
from curator.models.pins import model_sha
from curator.protocols import Step
from curator.tables import digest, read_table
from curator.text import HAN, HANGUL, KANA, sentences
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from curator.protocols import Engine
    from curator.workspace import Workspace

VERSION = "1"
NAME = "vectors"
"""The folder of the cache."""
WINDOW = 60
"""How much of a text one vector speaks of: Han characters, or thrice as many Latin letters.

Against 120 it halves the cost, and finds more.
"""
_WIDE = re.compile(f"[{HAN}{KANA}{HANGUL}]")
_TEXTS_A_FILE = 512
_MOST_FILES = 64
_KEY = pa.binary(16)


def said_of(chunks: pa.Table) -> list[str]:
    """Return what is embedded of each row of `chunks.parquet`: its text, under its headings.

    A heading that the text says itself is not said twice.
    """
    paths = chunks["heading_path"].to_pylist()
    return [
        "\n".join([*(heading for heading in path or () if heading not in text), text])
        for text, path in zip(chunks["text"].to_pylist(), paths, strict=True)
    ]


def windows(text: str, cap: int = WINDOW) -> list[str]:
    """Cut a text into windows of whole sentences; only a longer sentence is cut.

    They are about equally long, so that no vector speaks of a few last words alone.
    Together they are the text.
    """
    pieces = [piece for s in sentences(text) for piece in _cut(s, cap * 3)]
    weights = [_weight(piece) for piece in pieces]
    total, room = sum(weights), cap * 3
    if total <= room:
        return [text] if text.strip() else []
    aim = total / -(-total // room)
    found: list[str] = []
    held, used = "", 0
    for piece, weight in zip(pieces, weights, strict=True):
        if used and (used >= aim or used + weight > room):
            found.append(held)
            held, used = "", 0
        held, used = held + piece, used + weight
    if found and used < room // 4:
        found[-1] += held
    else:
        found.append(held)
    return [window for window in found if window.strip()]


def _weight(text: str) -> int:
    """Return how much a text says and costs: a Han character as much as three Latin letters."""
    return len(text) + (0 if text.isascii() else 2 * len(_WIDE.findall(text)))


def _cut(sentence: str, room: int) -> Iterator[str]:
    """Cut a sentence that is longer than a window, between words where there are any."""
    start, used, space = 0, 0, 0
    for at, char in enumerate(sentence):
        weight = 3 if _WIDE.match(char) else 1
        if used + weight > room:
            end = space if space > start else at
            yield sentence[start:end]
            start, used = end, _weight(sentence[end:at])
        if char == " ":
            space = at + 1
        used += weight
    yield sentence[start:]


class EmbedWindows:
    """The step that embeds texts: a table of `key` and `text` becomes one of windows' vectors."""

    def __init__(self, encoder: str, cap: int) -> None:
        """Load the encoder."""
        self.encoder = load_encoder(encoder)
        self.cap = cap

    def __call__(self, texts: pa.Table) -> pa.Table:
        """Return key, window and vector for each window of each text."""
        rows = [
            (row["key"], number, window)
            for row in texts.to_pylist()
            for number, window in enumerate(windows(row["text"], self.cap))
        ]
        # A window is never as long as this: nothing is cut off.
        vectors = embed(self.encoder, [window for *_, window in rows], 4 * self.cap)
        return pa.table(
            {
                "key": pa.array([row[0] for row in rows], _KEY),
                "window": pa.array([row[1] for row in rows], pa.int32()),
                "vector": pa.FixedSizeListArray.from_arrays(
                    pa.array(vectors.ravel(), pa.float32()), vectors.shape[1]
                ),
            }
        )


@dataclass(frozen=True)
class ChunkVectors:
    """The vectors of some chunks, which lie in the cache.

    model_sha: the encoder's. made: how many texts were embedded for this.
    """

    model_sha: str
    made: int
    _chunks: dict[bytes, list[str]]
    _files: tuple[Path, ...]

    @property
    def dimension(self) -> int:
        """The vectors' length in numbers; 0 where there are none."""
        for path in self._files:
            return int(pq.read_schema(path).field("vector").type.list_size)
        return 0

    def batches(self, only: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Yield tables of `id` (the chunk's), `window` and `vector`, file by file of the cache.

        All windows of a chunk are in one table, in order. Chunks come in no special order.

        Args:
            only: the ids of the chunks that are wanted; without it, all.

        """
        wanted = None if only is None else frozenset(only)
        chunks = {
            key: kept
            for key, ids in self._chunks.items()
            if (kept := ids if wanted is None else [i for i in ids if i in wanted])
        }
        keys = pa.array(list(chunks), _KEY)
        met: set[bytes] = set()
        for path in self._files:
            mask = pc.is_in(read_table(path, columns=["key"])["key"], value_set=keys)
            if not pc.any(mask).as_py():
                continue
            table = read_table(path).filter(mask)
            found = table["key"].to_pylist()
            rows = [
                (row, chunk)
                for row, key in enumerate(found)
                if key not in met
                for chunk in chunks[key]
            ]
            met.update(found)
            rows.sort(key=lambda pair: (pair[1], pair[0]))
            if rows:
                picked = table.take(pa.array([row for row, _ in rows], pa.int64()))
                ids = pa.array([chunk for _, chunk in rows], pa.string())
                yield picked.drop_columns(["key"]).add_column(0, "id", ids)


def chunk_vectors(
    workspace: Workspace,
    encoder: str,
    engine: Engine,
    ids: Sequence[str],
    texts: Sequence[str],
    *,
    tidy: bool = True,
) -> ChunkVectors:
    """Return the vectors of chunks; those texts are embedded that the cache does not know.

    What is killed half-way goes on where it stopped.

    Args:
        workspace: whose cache keeps the vectors.
        encoder: its name in the recipe.
        engine: where texts are embedded.
        ids: the chunks' ids.
        texts: what is embedded of each chunk.
        tidy: whether these are the chunks that the cache is for, and others may be forgotten.

    Raises:
        ModelError: there is no such encoder here.

    """
    sha = model_sha("encoder", encoder)
    folder = _folder(workspace, encoder)
    chunks: dict[bytes, list[str]] = defaultdict(list)
    said: dict[bytes, str] = {}
    for chunk, text in zip(ids, texts, strict=True):
        key = _key(text)
        chunks[key].append(chunk)
        said[key] = text
    files = _files(folder)
    there = {key for path in files for key in _keys(path)}
    missing = [key for key in said if key not in there and said[key].strip()]
    if missing:
        step = Step("curator.exports.vectors:EmbedWindows", {"encoder": encoder, "cap": WINDOW})
        phase = workspace.cache / "phases" / folder.name
        inputs = _inputs(phase, missing, said)
        try:
            files += engine.map(step, [(path,) for path in inputs], folder, label="embeddings")
        finally:
            shutil.rmtree(phase, ignore_errors=True)
    return ChunkVectors(
        sha, len(missing), dict(chunks), tuple(_tidy(folder, files, said) if tidy else files)
    )


def pooled(windows_of_chunks: pa.Table) -> pa.Table:
    """Return one vector for each chunk of a batch: the mean of its windows', of length 1."""
    vectors = vectors_of(windows_of_chunks)
    ids = windows_of_chunks["id"].to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if len(ids) else np.zeros(0, np.int64)
    sums = np.add.reduceat(vectors, starts, axis=0) if len(ids) else vectors
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    means = sums / np.maximum(lengths, np.finfo(np.float32).tiny)
    return pa.table(
        {
            "id": pa.array(ids[starts], pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(
                pa.array(means.ravel(), pa.float32()), vectors.shape[1]
            ),
        }
    )


def _folder(workspace: Workspace, encoder: str) -> Path:
    key = digest(VERSION, model_sha("encoder", encoder), WINDOW)
    return workspace.cache / NAME / key


def _files(folder: Path) -> list[Path]:
    """Return the files of the cache; what a killed process was writing is none of them."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _keys(path: Path) -> list[bytes]:
    return pc.unique(read_table(path, columns=["key"])["key"]).to_pylist()  # type: ignore[no-any-return]


def _inputs(phase: Path, keys: Sequence[bytes], said: dict[bytes, str]) -> list[Path]:
    """Write the texts that are to be embedded, some in a file that is named by them."""
    found = []
    for start in range(0, len(keys), _TEXTS_A_FILE):
        some = keys[start : start + _TEXTS_A_FILE]
        path = phase / f"{hashlib.sha256(b''.join(some)).hexdigest()[:24]}.parquet"
        texts = pa.array([said[key] for key in some], pa.string())
        write_table(path, pa.table({"key": pa.array(some, _KEY), "text": texts}))
        found.append(path)
    return found


def _tidy(folder: Path, files: Sequence[Path], wanted: Collection[bytes]) -> list[Path]:
    """Leave out the vectors of texts that are no more, once they are most of the cache.

    Many small files become few as well, so that a thousand updates leave no thousand files.
    """
    keys = [key for path in files for key in _keys(path)]
    if len(files) <= _MOST_FILES and len(keys) <= 2 * len(wanted):
        return list(files)
    return rewrite(folder, wanted)


def keep_only(workspace: Workspace, texts: Sequence[str]) -> None:
    """Forget the vectors of all texts but these, whatever the encoder."""
    wanted = {_key(text) for text in texts}
    for folder in sorted((workspace.cache / NAME).glob("*")):
        rewrite(folder, wanted)


def rewrite(folder: Path, wanted: Collection[bytes]) -> list[Path]:
    """Write the cache anew with the vectors of the wanted texts alone; return its files."""
    files = _files(folder)
    kept = pa.array(sorted(wanted), _KEY)
    made: set[Path] = set()
    met: set[bytes] = set()
    held: list[pa.Table] = []

    def flush() -> None:
        table = pa.concat_tables(held)
        content = hashlib.sha256(b"".join(table["key"].to_pylist())).hexdigest()[:24]
        path = folder / f"{content}.parquet"
        write_table(path, table)
        made.add(path)
        held.clear()

    for path in files:
        table = read_table(path)
        table = table.filter(pc.is_in(table["key"], value_set=kept))
        if met:
            table = table.filter(
                pc.invert(pc.is_in(table["key"], value_set=pa.array(list(met), _KEY)))
            )
        met.update(table["key"].to_pylist())
        if len(table):
            held.append(table)
        if sum(map(len, held)) >= 8 * _TEXTS_A_FILE:
            flush()
    if held:
        flush()
    for path in set(files) - made:
        path.unlink()
    return sorted(made)
