"""What a run trains on and is measured with: rows of an export, and of a general set."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.errors import TrainError
from curator.exports.folder import MANIFEST, rows_in, verify
from curator.exports.handshake.conversations import RefusedError, sound
from curator.exports.rows import without_nulls
from curator.tables import file_sha256, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

HELD_OUT = 200
"""Rows of the general set, at most, that are held out to measure forgetting."""


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation, and the id of its record; an answer of `weight` 0 is context."""

    id: str
    messages: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Export:
    """An instruction export whose files are as its manifest says.

    sha256: of the manifest, which holds those of all other files.
    """

    folder: Path
    manifest: Mapping[str, Any]
    sha256: str

    def rows(self, split: str) -> list[Row]:
        """Return the rows of `train`, `validation` or `test`, in order; there may be none."""
        if not (self.folder / f"{split}.parquet").exists():
            return []
        table = read_table(self.folder / f"{split}.parquet", columns=["id", "messages"])
        return [Row(row["id"], without_nulls(row)["messages"]) for row in table.to_pylist()]

    def merged(self) -> dict[str, list[str]]:
        """Return the ids of the duplicates that rows stand for, by the row's id."""
        path = self.folder / "provenance.jsonl"
        if not path.exists():
            return {}
        return {
            row["survivor_id"]: [one["record_id"] for one in row["merged"]] for row in rows_in(path)
        }

    def preferences(self, split: str) -> list[dict[str, Any]]:
        """Return the preference pairs of a split; none where reviewers corrected nothing."""
        path = self.folder / f"{split}.preferences.jsonl"
        return list(rows_in(path)) if path.exists() else []


def open_export(folder: Path) -> Export:
    """Return the instruction export in a folder, after checking its files.

    Raises:
        TrainError: there is none, or it is of another kind.
        WorkspaceError: a file is missing, or is not as it was exported.

    """
    folder = folder.resolve()
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise TrainError(
            f"no export in {folder}", "make one first: curator run, or name it with --export"
        )
    facts = verify(folder)
    if facts.get("name") != "instruction":
        raise TrainError(
            f"{folder}: a {facts.get('name')} export cannot be trained on",
            "name an instruction export: exports/instruction/latest",
        )
    return Export(folder, facts, file_sha256(manifest))


@dataclass(frozen=True, slots=True)
class General:
    """General conversations: what is held out, and what may be replayed."""

    held_out: list[Row]
    replayable: list[Row]
    sha256: str

    def replayed(self, n_domain: int, share: float, seed: int) -> list[Row]:
        """Return general rows so that they make up `share` of all rows; a smaller share is a part.

        Raises:
            TrainError: there are too few.

        """
        wanted = round(share / (1 - share) * n_domain)
        if wanted > len(self.replayable):
            raise TrainError(
                f"a replay share of {share:g} needs {wanted:,} general rows,"
                f" and {len(self.replayable):,} are there beside those held out",
                "lower training.replay, or name a larger training.general",
            )
        ordered = sorted(self.replayable, key=lambda row: _mixed(f"{seed}/{row.id}"))
        return ordered[:wanted]


def open_general(path: Path) -> General:
    """Return the general set: an instruction export's training rows, or JSONL of `messages`.

    Which rows are held out depends on each row alone: a tenth, at most `HELD_OUT`.

    Raises:
        TrainError: the file cannot be read, or a row is no conversation to learn from.

    """
    if path.is_dir():
        export = open_export(path)
        rows, sha256 = export.rows("train"), export.sha256
    else:
        rows, sha256 = read_rows(path), file_sha256(path)
    unique = {_mixed(json.dumps(list(r.messages), sort_keys=True)): r for r in rows}
    ordered = [unique[key] for key in sorted(unique)]
    if len(ordered) < 10:
        raise TrainError(
            f"{path}: {len(ordered)} general conversations, and at least 10 are needed",
            "name a larger file in training.general",
        )
    held = min(HELD_OUT, len(ordered) // 10 or 1)
    return General(ordered[:held], ordered[held:], sha256)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a JSONL file of `messages`, packed with gzip or not.

    Raises:
        TrainError: the file cannot be read, or a row is no conversation to learn from.

    """
    return list(_lines(path))


def _lines(path: Path) -> Iterator[Row]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(path, number, line)
    except FileNotFoundError:
        raise TrainError(f"{path}: no such file", "correct the path") from None
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise TrainError(
            f"{path}: cannot be read ({type(error).__name__})", "save it as JSONL in UTF-8"
        ) from None


def _row(path: Path, number: int, line: str) -> Row:
    hint = 'each line needs: {"messages": [{"role": "user", "content": "…"}, …]}'
    try:
        value = json.loads(line)
        kept = ("role", "content", "weight")
        messages = [{k: m[k] for k in kept if k in m} for m in value["messages"]]
        sound(messages)
    except RefusedError as refused:
        raise TrainError(f"{path}, line {number}: {refused}", hint) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TrainError(f"{path}, line {number}: no row of messages", hint) from None
    return Row(str(value.get("id") or f"line {number}"), messages)


def _mixed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
