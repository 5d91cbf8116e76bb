"""Decide and keep the decision: what the policy makes of the findings, and what changed by it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from curator import policy as policies
from curator.changes import POLICY, differ
from curator.check import NO_RECORDS, freshness, plan
from curator.errors import GateError
from curator.precision import Precision, precision
from curator.reviews import agreed, current, settled
from curator.tables import digest, read_table
from curator.types import ACTIONS
from curator.verdicts import verdict_table
from curator.workspace import write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pyarrow as pa

    from curator.check import Plan
    from curator.rules import RuleSet
    from curator.schema import Recipe
    from curator.verdicts import Verdict
    from curator.workspace import Workspace

LOGIC_VERSION = "6"
_CHANGED = f"""
    SELECT record_id FROM older o FULL JOIN newer n USING (record_id)
    WHERE o.record_id IS NULL OR n.record_id IS NULL OR {differ("o", "n")}
"""  # noqa: S608 - names of our own


@dataclass(frozen=True)
class Change:
    """A record whose fate differs from the last decision."""

    record_id: str
    before: str
    after: str
    rule_ids: tuple[str, ...]


@dataclass(frozen=True)
class Decided:
    """A decision over all records, what it changes, and how right the findings were so far."""

    manifest: dict[str, Any]
    table: pa.Table
    changes: tuple[Change, ...]
    is_first: bool
    precision: tuple[Precision, ...] = ()


def checked(workspace: Workspace, recipe: Recipe, rules: RuleSet) -> Plan:
    """Return the plan, after making sure that every check of it ran on the active sources.

    Raises:
        GateError: a check is missing, failed or stale (promise P5), or nothing was ingested.

    """
    everything = plan(workspace, recipe, rules)
    if not everything.parts:
        raise GateError(NO_RECORDS, "run: curator ingest")
    wanting = {name: state for name, state in freshness(everything).items() if state != "fresh"}
    if wanting:
        listed = ", ".join(f"{name} ({state})" for name, state in wanting.items())
        raise GateError(f"checks that did not run on this input: {listed}", "run: curator check")
    return everything


def ready(workspace: Workspace, recipe: Recipe, rules: RuleSet) -> Plan:
    """Return the plan, after making sure that the current decision rests on it.

    Raises:
        GateError: a check is not fresh, or there is no decision on what the checks say now.

    """
    everything = checked(workspace, recipe, rules)
    held = workspace.current_decision()
    verdicts = settled(workspace, recipe, everything)
    if held is None or held["id"] != _decision_id(workspace, everything, rules, verdicts):
        raise GateError(
            "no decision yet on what the checks, reviews and rules say now", "run: curator decide"
        )
    return everything


def _decision_id(
    workspace: Workspace, everything: Plan, rules: RuleSet, verdicts: Mapping[str, Verdict]
) -> str:
    erased, replayed = workspace.erased_contents(), workspace.replayed()
    return digest(
        LOGIC_VERSION,
        policies.policy_sha(rules.policy),
        [check.run_id for check in everything.checks],
        [path.stem for path in everything.parts],
        [asdict(verdict) for verdict in verdicts.values()],
        *([sorted(erased)] if erased else []),
        *([["replay", *replayed]] if replayed else []),
    )


def decide(
    workspace: Workspace, recipe: Recipe, rules: RuleSet, *, dry_run: bool = False
) -> Decided:
    """Decide on every record; with `dry_run` nothing is saved.

    Raises:
        GateError: a check is missing, failed or stale.

    """
    everything = checked(workspace, recipe, rules)
    given = current(workspace, everything)
    verdicts = agreed(given, recipe)
    decision_id = _decision_id(workspace, everything, rules, verdicts)
    records, findings = inputs(workspace.sql(everything.findings))
    table = policies.decide(records, findings, verdict_table(verdicts.values()), rules.policy)
    right = precision(findings, given, rules.policy)
    held = workspace.current_decision()
    if held and held["id"] == decision_id:
        return Decided(held, table, (), is_first=False, precision=right)
    changes = _changes(workspace, held, table)
    counts = Counter(table["action"].to_pylist())
    manifest = {
        "id": decision_id,
        "policy_sha": policies.policy_sha(rules.policy),
        "runs": [check.run_id for check in everything.checks],
        "counts": {action: counts.get(action, 0) for action in ACTIONS},
        "previous": held["id"] if held else None,
        "changed": dict(sorted(Counter(f"{c.before} → {c.after}" for c in changes).items())),
    }
    if not dry_run:
        folder = workspace.decisions / decision_id
        write_table(folder / "decisions.parquet", table)
        # So that a later decision can tell which rule changed.
        write_json(folder / POLICY, rules.policy.model_dump(mode="json"))
        write_json(folder / "run.json", manifest)
        write_json(workspace.decisions / "current.json", manifest)
    return Decided(manifest, table, changes, is_first=held is None, precision=right)


def inputs(con: duckdb.DuckDBPyConnection) -> tuple[pa.Table, pa.Table]:
    """Return what a decision looks at of the records, and of the findings."""
    facts = "SELECT id, kind, lang, timestamp, n_parts, n_chars, replay FROM records ORDER BY id"
    records = con.sql(facts).to_arrow_table()
    told = 'SELECT id, record_id, "check", code, score, peer_id, replacement'
    return records, con.sql(f"{told} FROM findings ORDER BY id").to_arrow_table()


def _changes(
    workspace: Workspace, held: dict[str, Any] | None, table: pa.Table
) -> tuple[Change, ...]:
    if held is None:
        return ()
    older = read_table(workspace.decisions / held["id"] / "decisions.parquet")
    con = workspace.connect()
    con.register("older", older)
    con.register("newer", table)
    changed = con.sql(_CHANGED).to_arrow_table()["record_id"].combine_chunks()
    # Rows of the changed alone: a million rows as objects are gigabytes.
    old_rows, new_rows = (
        rows.filter(pc.is_in(rows["record_id"], changed)).to_pylist() for rows in (older, table)
    )
    before = {row["record_id"]: row for row in old_rows}
    changes = []
    for row in new_rows:
        old = before.pop(row["record_id"], None)
        if old is None:
            changes.append(Change(row["record_id"], "new", row["action"], tuple(row["rule_ids"])))
        else:
            changes.append(Change(row["record_id"], _fate(old), _fate(row), tuple(row["rule_ids"])))
    changes += [Change(i, old["action"], "gone", ()) for i, old in sorted(before.items())]
    return tuple(changes)


def _fate(row: dict[str, Any]) -> str:
    if row["action"] != "keep":
        return str(row["action"])
    routes = [route for route in ("instruction", "rag") if row[route]]
    routes += [f"{len(row['edits'])} edits"] if row["edits"] else []
    return f"keep ({', '.join(routes)})"
