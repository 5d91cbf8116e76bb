"""Where every record went, seen from one export, and what the export rests on (promises P1, P5)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from curator.errors import GateError
from curator.verdicts import UNSETTLED, WORDS
from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from curator.check import Plan
    from curator.schema import Policy
    from curator.verdicts import Verdict


def check_runs(plan: Plan) -> list[dict[str, Any]]:
    """Return name, version, id and number of findings of each check run that counts."""
    runs = []
    for check in plan.checks:
        run = read_json(check.folder / "run.json")
        runs.append(
            {
                "name": check.name,
                "version": check.cls.version,
                "id": check.run_id,
                "n_findings": run["n_findings"],
            }
        )
    return runs


def verdict_counts(verdicts: Mapping[str, Verdict]) -> dict[str, int]:
    """Return how many records reviewers keep, correct, drop, or have not settled."""
    counts = Counter(verdict.said for verdict in verdicts.values())
    return {word: counts[word] for word in (*WORDS, UNSETTLED)}


def conservation(
    con: duckdb.DuckDBPyConnection,
    policy: Policy,
    route: str,
    exported: int,
    unusable: Mapping[str, int],
    left_out: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return where all records went, seen from the export `route`.

    `records = exported + left_out + unusable + not_routed + review + dropped`, where
    `left_out` are so by the mix, `unusable` were decided for the export but make no row (no
    question with an answer), and `not_routed` are kept for the other export alone; all with
    reasons.

    Raises:
        GateError: the counts do not add up.
    """
    actions = dict(
        con.execute(
            "SELECT d.action, count(*) FROM records r JOIN decisions d ON d.record_id = r.id"  # noqa: S608
            f" WHERE NOT (d.action = 'keep' AND d.{route}) GROUP BY 1"
        ).fetchall()
    )
    elsewhere = _not_routed(con, policy, route)
    row = con.execute("SELECT count(*) FROM records").fetchone()
    counts = {
        "records": row[0] if row else 0,
        "exported": exported,
        "left_out": dict(sorted((left_out or {}).items())),
        "unusable": dict(sorted(unusable.items())),
        "not_routed": dict(sorted(elsewhere.items())),
        "review": actions.get("review", 0),
        "dropped": actions.get("drop", 0),
    }
    accounted = (
        exported
        + sum(counts["left_out"].values())
        + sum(unusable.values())
        + sum(elsewhere.values())
        + counts["review"]
        + counts["dropped"]
    )
    if accounted != counts["records"]:
        raise GateError(
            f"export {route}: {counts['records']} records, {accounted} accounted for",
            "run: curator decide, then export again; if it stays, this is a bug",
        )
    return counts


def _not_routed(con: duckdb.DuckDBPyConnection, policy: Policy, route: str) -> Counter[str]:
    """Count the records that are kept, but not for this export, by what keeps them out of it."""
    narrowing = [rule.id for rule in policy.rules if rule.then == "drop" and route in rule.routes]
    reasons: Counter[str] = Counter()
    for kind, replay, rule_ids, n in con.execute(
        "SELECT r.kind, r.replay, d.rule_ids, count(*)"  # noqa: S608 - one of two fixed names
        " FROM records r JOIN decisions d ON d.record_id = r.id"
        f" WHERE d.action = 'keep' AND NOT d.{route} GROUP BY ALL"
    ).fetchall():
        by = next((rule for rule in narrowing if rule in (rule_ids or ())), None)
        if route == "instruction" and kind == "document":
            reasons["documents make no instruction rows"] += n
        elif route == "rag" and replay:
            reasons["general data make no chunks"] += n
        else:
            reasons[f"rule: {by}" if by else "decided so"] += n
    return reasons
