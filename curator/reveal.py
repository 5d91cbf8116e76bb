"""Reveal: put the originals back in what was exported, with the key, and leave a trace of it."""

from __future__ import annotations

import datetime as dt
import getpass
import json
from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.exports.hiding import project_keys
from curator.pseudonymise import revealed_text
from curator.tables import file_sha256
from curator.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.schema import Recipe
    from curator.vault import Mention
    from curator.workspace import Workspace

_ID_KEYS = ("record_id", "id")


def reveal(workspace: Workspace, recipe: Recipe, path: Path) -> Iterator[str]:
    """Yield the rows of an exported JSONL file with the originals put back.

    Each row names its record, whose surrogates the vault knows in the order of the
    text. That a file was revealed, by whom and when, is noted in the access log.

    Raises:
        VaultError: no key, or the wrong one.
        SourceError: the file is no JSONL of an export.

    """
    with Vault(workspace.vault, project_keys(workspace, recipe)) as vault:
        _note(workspace, path)
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                row = _row(line, path, number)
                known = next((vault.mentions(row[k]) for k in _ID_KEYS if row.get(k)), [])
                # A record's turns share one sequence of mentions, so it is taken apart as a whole.
                yield json.dumps(_restored(row, known), ensure_ascii=False)


def _row(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise SourceError(
            f"{path}:{number}: not a row of an export", "name a .jsonl file of exports/"
        )
    return row


def _restored(row: dict[str, Any], known: list[Mention]) -> dict[str, Any]:
    if not known:
        return row
    texts: list[str] = []

    def gather(value: Any, key: str = "") -> None:
        if isinstance(value, str) and key in ("content", "text"):
            texts.append(value)
        elif isinstance(value, list):
            for item in value:
                gather(item)
        elif isinstance(value, dict):
            for name, item in value.items():
                gather(item, name)

    gather(row)
    back = iter(revealed_text("\x00".join(texts), known).split("\x00"))

    def put(value: Any, key: str = "") -> Any:
        if isinstance(value, str) and key in ("content", "text"):
            return next(back)
        if isinstance(value, list):
            return [put(item) for item in value]
        if isinstance(value, dict):
            return {name: put(item, name) for name, item in value.items()}
        return value

    restored: dict[str, Any] = put(row)
    return restored


def _note(workspace: Workspace, path: Path) -> None:
    entry = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "by": getpass.getuser(),
        "what": "reveal",
        "file": str(path),
        "sha256": file_sha256(path),
    }
    log = workspace.store / "access.jsonl"
    workspace.store.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
