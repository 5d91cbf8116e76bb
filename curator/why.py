"""Why: the whole chain of one record, from its source line to the rows that were exported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.check import freshness
from curator.checks import codes
from curator.errors import CuratorError
from curator.evidence import told
from curator.reviews import contents
from curator.sources.documents.notes import NOTES
from curator.tables import read_table
from curator.workspace import read_json

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from curator.check import Plan
    from curator.rules import RuleSet
    from curator.workspace import Workspace


def why(workspace: Workspace, plan: Plan, rules: RuleSet, asked: str) -> dict[str, Any]:
    """Return a record's story: source, text (redacted), findings, reviews, decision, exports.

    Args:
        workspace: the project's workspace.
        plan: the check runs that count.
        rules: the rules, for their reasons.
        asked: a record id, the beginning of one, or `SOURCE#LOCATOR` (`chat.csv#line 12`),
            which finds units in quarantine and set aside too.

    Raises:
        CuratorError: nothing or more than one record goes by that name.

    """
    view = plan.view_parts if all(path.exists() for path in plan.view_parts) else ()
    con = workspace.sql(plan.findings, view)
    found = _find(con, asked)
    if found["fate"] != "record":
        return found
    record_id = found["record"]["id"]
    findings = _rows(
        con,
        "SELECT * FROM findings WHERE record_id = $id OR peer_id = $id"
        " ORDER BY code, part, start, id",
        id=record_id,
    )
    decisions = _rows(con, "SELECT * FROM decisions WHERE record_id = $id", id=record_id)
    decision = decisions[0] if decisions else None
    return found | {
        "source": _source(workspace, found["record"])
        | {"notes": _notes(con, workspace, record_id)},
        "text": _text(con, record_id) if view else None,
        "findings": [_finding(f, record_id, decision) for f in findings],
        "unchecked": [name for name, state in freshness(plan).items() if state != "fresh"],
        "reviews": _reviews(workspace, plan, record_id) if view else [],
        "decision": decision and _decision(decision, rules),
        "stands_for": _rows(
            con,
            "SELECT r.id, r.source_uri AS uri, r.locator, r.license FROM decisions d"
            " JOIN records r ON r.id = d.record_id WHERE d.survivor_id = $id"
            " ORDER BY r.source_uri, r.locator, r.id",
            id=record_id,
        ),
        "exports": [
            row
            for folder in sorted(workspace.exports.glob("*/latest"))
            for row in _exported(folder, record_id)
        ],
        "left_out": [
            found
            for folder in sorted(workspace.exports.glob("*/latest"))
            for found in _left_out(folder, record_id)
        ],
    }


def _find(con: duckdb.DuckDBPyConnection, asked: str) -> dict[str, Any]:
    # Joined, since a file's name may hold the sign too (C#.md).
    placed = "source_uri || '#' || locator = $asked"
    where = placed if "#" in asked else "starts_with(id, $asked)"
    query = f"SELECT * FROM records WHERE {where} ORDER BY id LIMIT 6"  # noqa: S608
    records = _rows(con, query, asked=asked)
    if len(records) == 1:
        return {"fate": "record", "record": records[0]}
    if records:
        listed = ", ".join(r["id"] for r in records)
        raise CuratorError(f"{asked} stands for more than one record: {listed}", "give more digits")
    if "#" in asked:
        for fate in ("quarantine", "set_aside"):
            rows = _rows(con, f"SELECT * FROM {fate} WHERE {placed}", asked=asked)  # noqa: S608
            if rows:
                return {"fate": fate, "unit": rows[0]}
    raise CuratorError(
        f"no record goes by {asked}",
        "give an id from an export, the report or `curator decide --dry-run`, or SOURCE#LOCATOR",
    )


def _rows(con: duckdb.DuckDBPyConnection, query: str, **values: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = con.sql(query, params=values).to_arrow_table().to_pylist()
    return rows


def _reviews(workspace: Workspace, plan: Plan, record_id: str) -> list[dict[str, Any]]:
    """Return what people said about the record, and whether it was of the text that it has now."""
    now = contents(plan, [record_id]).get(record_id)
    return [
        row | {"outdated": row["content_sha"] != now}
        for row in workspace.reviews().to_pylist()
        if row["record_id"] == record_id
    ]


def _source(workspace: Workspace, record: dict[str, Any]) -> dict[str, Any]:
    manifest = next(m for m in workspace.sources() if m["uri"] == record["source_uri"])
    return {
        "uri": record["source_uri"],
        "locator": record["locator"],
        "path": manifest["path"],
        "member": manifest.get("member"),
        "sha256": manifest["sha256"],
        "read_as": manifest["source"]["format"],
        "encoding": manifest["source"].get("encoding"),
        "ingested_at": manifest["ingested_at"],
        "license": record["license"],
    }


def _notes(con: duckdb.DuckDBPyConnection, workspace: Workspace, record_id: str) -> dict[str, str]:
    """Return what the reader noted of a record: of what its source says itself, nothing."""
    parts = [str(path) for path in workspace.record_parts()]
    query = "SELECT meta FROM read_parquet($parts) WHERE id = $id"
    rows = _rows(con, query, parts=parts, id=record_id)
    meta = json.loads(rows[0]["meta"]) if rows else {}
    return {name: meta[name] for name in NOTES if name in meta}


def _text(con: duckdb.DuckDBPyConnection, record_id: str) -> list[dict[str, str]]:
    rows = _rows(con, "SELECT parts FROM redacted WHERE id = $id", id=record_id)
    return [
        {name: part[name] for name in ("role", "text", "locator")}
        for row in rows
        for part in row["parts"]
    ]


def _finding(
    row: dict[str, Any], record_id: str, decision: dict[str, Any] | None
) -> dict[str, Any]:
    code = codes().get(row["code"])
    evidence = json.loads(row["evidence"])
    phrases = told(row["code"], evidence)
    counted = decision is not None and row["id"] in [*decision["finding_ids"], *decision["edits"]]
    return {
        "id": row["id"],
        "code": row["code"],
        "name": code.name if code else row["code"],
        "zh": code.zh if code else "",
        "en": code.en if code else "",
        "score": row["score"],
        "span": None if row["part"] is None else [row["part"], row["start"], row["end"]],
        "peer": row["peer_id"] if row["record_id"] == record_id else row["record_id"],
        "replacement": row["replacement"],
        "evidence": evidence,
        "told": {"zh": "；".join(t.zh for t in phrases), "en": "; ".join(t.en for t in phrases)},
        "check": row["check"],
        "run": row["run_id"],
        "counted": counted,
    }


def _decision(row: dict[str, Any], rules: RuleSet) -> dict[str, Any]:
    known = {rule.id: rule for rule in rules.policy.rules}
    return {
        "action": row["action"],
        "routes": [route for route in ("instruction", "rag") if row[route]],
        "edits": len(row["edits"]),
        "decided_by": row["decided_by"],
        "survivor": row["survivor_id"],
        "policy_sha": row["policy_sha"],
        "rules": [
            {
                "id": i,
                "then": known[i].then,
                "zh": known[i].because.zh,
                "en": known[i].because.en,
            }
            if i in known
            else {"id": i, "then": None, "zh": "", "en": ""}
            for i in row["rule_ids"]
        ],
    }


def _exported(folder: Path, record_id: str) -> list[dict[str, Any]]:
    """Return the export's rows that come from the record: file, and row from 1 as in the JSONL."""
    manifest = read_json(folder / "manifest.json")
    found = []
    for path in sorted(folder.glob("*.parquet")):
        schema = pq.read_schema(path)
        key = "record_id" if "record_id" in schema.names else "id"
        ids = read_table(path, columns=[key])[key]
        found += [
            {
                "export": manifest["name"],
                "version": manifest["version"],
                "file": path.with_suffix(".jsonl").name,
                "row": index + 1,
            }
            for index in pc.indices_nonzero(pc.equal(ids, record_id)).to_pylist()
        ]
    return found


def _left_out(folder: Path, record_id: str) -> list[dict[str, Any]]:
    """Return why the export left the record out, if it did so by its mix or its splits."""
    path = folder / "left_out.jsonl"
    if not path.exists():
        return []
    manifest = read_json(folder / "manifest.json")
    with path.open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["id"] == record_id]
    return [
        {"export": manifest["name"], "version": manifest["version"], "reason": row["reason"]}
        for row in rows
    ]
