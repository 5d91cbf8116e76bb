"""The funnel: where every unit and every record went, and the proof that none was lost (P1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from curator.schema import Policy
    from curator.workspace import Workspace


def funnel(workspace: Workspace, policy: Policy) -> dict[str, Any]:
    """Return the counts of each stage, and whether they add up.

    What the readers counted while reading is held against what lies in the parts
    now, the records against the decisions, and the decisions against the exports.
    """
    con = workspace.sql()
    sources = _sources(con, workspace.sources())
    units = {
        key: sum(source[f"units_{key}"] for source in sources)
        for key in ("read", "in_records", "set_aside", "quarantined")
    }
    records = _one(con, "SELECT count(*) FROM records")
    decisions = _counts(con, "SELECT action, count(*) FROM decisions GROUP BY 1")
    decided = workspace.current_decision() is not None
    result: dict[str, Any] = {
        "sources": sources,
        "units": units,
        "set_aside_reasons": _counts(con, "SELECT reason, sum(n_units) FROM set_aside GROUP BY 1"),
        "quarantine_reasons": _counts(
            con, "SELECT reason, sum(n_units) FROM quarantine GROUP BY 1"
        ),
        "records": records,
        "decisions": {a: decisions.get(a, 0) for a in ("keep", "review", "drop")}
        if decided
        else None,
        "drop_rules": _counts(
            con,
            "SELECT rule, count(*) FROM (SELECT unnest(rule_ids) AS rule FROM decisions"
            " WHERE action = 'drop') WHERE list_contains(?, rule) GROUP BY 1",
            [rule.id for rule in policy.rules if rule.then in ("drop", "keep_one")],
        ),
        "routes": {
            route: _one(con, f"SELECT count(*) FROM decisions WHERE {route}")  # noqa: S608
            for route in ("instruction", "rag")
        },
        "exports": _exports(workspace),
    }
    result["problems"] = _problems(con, result, decided=decided)
    result["conserved"] = not result["problems"]
    return result


def _sources(
    con: duckdb.DuckDBPyConnection, manifests: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what lies in the parts of each source, by one query a table: sources are many."""
    lying = {
        name: {
            uri: (int(rows), int(units))
            for uri, rows, units in con.execute(
                f"SELECT source_uri, count(*), sum(n_units) FROM {table} GROUP BY 1"  # noqa: S608
            ).fetchall()
        }
        for name, table in (
            ("in_records", "records"),
            ("set_aside", "set_aside"),
            ("quarantined", "quarantine"),
        )
    }
    return [
        {
            "uri": manifest["uri"],
            "units_read": manifest["units_read"],
            "records": lying["in_records"].get(manifest["uri"], (0, 0))[0],
            **{f"units_{k}": found.get(manifest["uri"], (0, 0))[1] for k, found in lying.items()},
        }
        for manifest in manifests
    ]


def _problems(
    con: duckdb.DuckDBPyConnection, counted: dict[str, Any], *, decided: bool
) -> list[str]:
    found = []
    for source in counted["sources"]:
        accounted = sum(source[f"units_{k}"] for k in ("in_records", "set_aside", "quarantined"))
        if accounted != source["units_read"]:
            found.append(
                f"{source['uri']}: {source['units_read']} units read, {accounted} accounted for"
            )
    twins = _one(con, "SELECT count(*) - count(DISTINCT id) FROM records")
    if twins:
        found.append(f"{twins} records share an id with another")
    if decided:
        undecided = _one(
            con, "SELECT count(*) FROM records WHERE id NOT IN (SELECT record_id FROM decisions)"
        )
        strays = _one(
            con, "SELECT count(*) FROM decisions WHERE record_id NOT IN (SELECT id FROM records)"
        )
        if undecided:
            found.append(f"{undecided} records without a decision")
        if strays:
            found.append(f"{strays} decisions on records that are not there")
    for export in counted["exports"]:
        decided_for = counted["routes"].get(export["name"])
        accounted = export["records"] + sum(
            n for key in ("unusable", "left_out") for n in export[key].values()
        )
        if export["is_current"] and accounted != decided_for:
            found.append(
                f"export {export['name']}: {accounted} records accounted for,"
                f" {decided_for} decided for it"
            )
    return found


def _exports(workspace: Workspace) -> list[dict[str, Any]]:
    current = workspace.current_decision()
    found = []
    for latest in sorted(workspace.exports.glob("*/latest/manifest.json")):
        manifest = read_json(latest)
        found.append(
            {
                "name": manifest["name"],
                "version": manifest["version"],
                "rows": {
                    f["path"]: f["rows"] for f in manifest["files"] if f.get("rows") is not None
                },
                "records": manifest["conservation"]["exported"],
                "unusable": manifest["conservation"]["unusable"],
                "left_out": manifest["conservation"].get("left_out", {}),
                "is_current": current is not None and manifest["decision"] == current["id"],
            }
        )
    return found


def _one(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> int:
    row = con.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def _counts(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> dict[str, int]:
    return {
        str(k): int(n)
        for k, n in sorted(con.execute(query, values).fetchall(), key=lambda r: (-r[1], r[0]))
    }
