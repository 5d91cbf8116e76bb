"""Reveal: put the originals back in what was exported, with the key, and leave a trace of it."""

from __future__ import annotations

import datetime as dt
import getpass
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import SourceError
from curator.exports.hiding import project_keys
from curator.originals import restored
from curator.tables import file_sha256
from curator.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from curator.originals import Hidden
    from curator.schema import Recipe
    from curator.workspace import Workspace

_SAID = (
    *("system", "history", "instruction", "input", "output"),
    *("heading_path", "key", "text", "citation"),
    *("content", "value"),
)
"""The keys of what is said, in the formats of both exports; those of a row in a record's order."""


def reveal(workspace: Workspace, recipe: Recipe, path: Path) -> Iterator[str]:
    """Yield the rows of an exported file, JSONL or Parquet, with the originals put back, as JSON.

    Each row names its record, whose surrogates the vault knows. That a file was revealed, by
    whom and when, is noted in the access log.

    Raises:
        VaultError: no key, or the wrong one.
        SourceError: the file is not there, or holds no rows of an export.

    """
    rows = _parquet(path) if path.suffix == ".parquet" else _jsonl(path)
    with Vault(workspace.vault, project_keys(workspace, recipe)) as vault:
        _note(workspace, path)
        for row in rows:
            route = "rag" if "record_id" in row else "instruction"
            record = row.get("record_id") or row.get("id") or ""
            yield json.dumps(_revealed(row, vault.hidden(record, route)), ensure_ascii=False)


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise _no_rows(f"{path}:{number}: not a row of an export")
            yield row


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise _no_rows(f"{path}: no Parquet file ({type(error).__name__})") from None


def _no_rows(message: str) -> SourceError:
    return SourceError(message, "name a .jsonl or .parquet file of exports/")


def _revealed(row: Mapping[str, Any], hidden: Hidden) -> Mapping[str, Any]:
    """Return a row with the originals in all that is said in it."""
    if not hidden.mentions:
        return row
    # A chunk's key begins its text: what is said once stands there once.
    key = row.get("key") or ""
    parted = {**row, "text": row["text"].removeprefix(key)} if key else row
    texts: list[str] = []

    def gather(text: str) -> str:
        texts.append(text)
        return text

    _mapped(parted, gather)
    back = iter(restored(texts, hidden))
    done = _mapped(parted, lambda _: next(back))
    return {**done, "text": done["key"] + done["text"]} if key else done


def _mapped(row: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return a row with each text in it changed, these taken in the order of the record."""
    order = sorted(row, key=lambda name: _SAID.index(name) if name in _SAID else len(_SAID))
    done = {name: _changed(row[name], change, said=name in _SAID) for name in order}
    return {name: done[name] for name in row}


def _changed(value: Any, change: Callable[[str], str], *, said: bool) -> Any:
    if isinstance(value, dict):
        return {name: _changed(v, change, said=name in _SAID) for name, v in value.items()}
    if isinstance(value, list):
        return [_changed(v, change, said=said) for v in value]
    return change(value) if said and isinstance(value, str) else value


def _note(workspace: Workspace, path: Path) -> None:
    try:
        sha = file_sha256(path)
    except OSError as error:
        raise _no_rows(f"{path}: cannot be read ({error.strerror})") from None
    entry = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "by": getpass.getuser(),
        "what": "reveal",
        "file": str(path),
        "sha256": sha,
    }
    log = workspace.store / "access.jsonl"
    workspace.store.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
