"""What of a record beside its text holds it together with others: conversation, person, file.

The keys are hashes that live in memory alone; a person's name is never written.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from curator.pseudonyms import same
from curator.splits.keys import key_of
from curator.tables import read_table
from curator.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from curator.check import Plan
    from curator.schema import Together
    from curator.workspace import Workspace

Entry = tuple[str, int]
"""A record's id, and a key that it has."""

CONTAINERS = ("conversation", "source")
"""Kinds that may be as large as the project (a room that is never closed, one long log):
where they are, they hold nothing together."""
_PERSONAL = frozenset(
    {
        *("PERSON", "PHONE", "EMAIL", "SOCIAL_ACCOUNT", "MEDICAL_RECORD_NUMBER", "IMEI"),
        *(
            "CN_ID_CARD",
            "US_SSN",
            "PASSPORT",
            "DRIVER_LICENCE",
            "LICENCE_PLATE",
            "BANK_CARD",
            "IBAN",
        ),
    }
)
"""Details that are one person's; an address or an organisation is shared by many."""
_FULL_NAME = re.compile(r"[\u4e00-\u9fff·]{2,}|\S+(?: \S+)+")
_CALLED = re.compile(r"[小老阿]|.*(?:先生|女士|小姐|医生|老师|师傅)$")
_COLUMNS = ["id", "source_uri", "meta", "parts.list.element.role", "parts.list.element.speaker"]
_FOUND = ["id", "record_id", "part", "start", "end", "evidence"]


def relations(
    workspace: Workspace,
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    together: Together,
    records: Collection[str],
) -> dict[str, list[Entry]]:
    """Return for each kind that is asked for the keys of the records, in the order of the parts.

    A person is who asks: a speaker that answers nowhere, or a personal detail that the
    decision hides in what a user says. A source is a file of a chat or of documents, not a
    table, whose rows have nothing to do with each other.

    Args:
        workspace: the project's workspace.
        con: with the view `decisions`.
        plan: the check runs that count.
        together: what is kept together.
        records: the ids of the records that have rows.

    """
    wanted = frozenset(records)
    found: dict[str, list[Entry]] = defaultdict(list)
    files = _files(workspace) if "source" in together.by else {}
    speakers: list[tuple[str, str]] = []
    answering: set[str] = set()
    for part in plan.parts:
        for row in read_table(part, columns=_COLUMNS).to_pylist():
            if row["id"] not in wanted:
                continue
            meta = json.loads(row["meta"]) if row["meta"] not in ("", "{}", None) else {}
            if "conversation" in together.by and meta.get("conversation"):
                key = key_of("conversation", row["source_uri"], meta["conversation"])
                found["conversation"].append((row["id"], key))
            if row["source_uri"] in files:
                found["source"].append((row["id"], key_of("source", row["source_uri"])))
            for column in together.columns:
                if meta.get(column):
                    found["column"].append((row["id"], key_of("column", column, meta[column])))
            for turn in row["parts"]:
                name = fold(turn["speaker"] or "")
                if name and turn["role"] == "user":
                    speakers.append((row["id"], name))
                elif name:
                    answering.add(name)
    if "person" in together.by:
        asking = [(i, key_of("speaker", n)) for i, n in speakers if n not in answering]
        found["person"] = [*dict.fromkeys(asking), *dict.fromkeys(_details(con, plan, wanted))]
    return dict(found)


def _files(workspace: Workspace) -> Mapping[str, Any]:
    """Return the active sources that are no tables, by name."""
    from curator.sources import FORMATS  # noqa: PLC0415 - the readers are loaded where they read

    tables = {kind.name for kind in FORMATS if kind.family == "table"}
    return {
        manifest["uri"]: manifest
        for manifest in workspace.sources()
        if manifest["source"].get("format", "table") not in {*tables, "table"}
    }


def _details(con: duckdb.DuckDBPyConnection, plan: Plan, wanted: frozenset[str]) -> Iterator[Entry]:
    """Yield the keys of the personal details that the decision hides in what users say."""
    hidden = {row[0] for row in con.execute("SELECT unnest(edits) FROM decisions").fetchall()}
    raw = [check for check in plan.checks if check.cls.view == "raw" and hidden]
    for part in plan.parts if raw else ():
        rows = [
            row
            for check in raw
            for row in read_table(check.folder / part.name, columns=_FOUND).to_pylist()
            if row["id"] in hidden and row["record_id"] in wanted and row["part"] is not None
        ]
        texts = _texts(part, {row["record_id"] for row in rows})
        for row in rows:
            entity = json.loads(row["evidence"]).get("entity", "")
            role, text = texts[row["record_id"]][row["part"]]
            said = text[row["start"] : row["end"]]
            if role == "user" and entity in _PERSONAL and _tells(entity, said):
                yield row["record_id"], key_of("person", entity, same(entity, said))


def _tells(entity: str, said: str) -> bool:
    """Whether a detail tells one person from others: "Tom" and 小王 are many people."""
    name = said.strip()
    return entity != "PERSON" or bool(_FULL_NAME.fullmatch(name) and not _CALLED.match(name))


def _texts(part: Path, records: Collection[str]) -> dict[str, Sequence[tuple[str, str]]]:
    if not records:
        return {}
    columns = ["id", "parts.list.element.role", "parts.list.element.text"]
    return {
        row["id"]: [(turn["role"], turn["text"]) for turn in row["parts"]]
        for row in read_table(part, columns=columns).to_pylist()
        if row["id"] in records
    }
