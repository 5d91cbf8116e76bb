"""Decide: a pure function of records, findings, reviewers' verdicts and the policy.

The order of rules and of findings never matters: the most severe action wins,
a reviewer stands above the policy, and only a rule that no reviewer may
override stands above a reviewer (promise P6). Bad records are dropped first;
then duplicates are grouped, so that a group never loses its survivor.

General data for replay are for the instruction dataset alone. What is doubtful of them is
dropped, since there is more where it came from, and they fall to what they repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from curator.partly import HOWS
from curator.survivors import survivors
from curator.tables import DECISIONS, digest

if TYPE_CHECKING:
    import duckdb

    from curator.schema import Policy, PolicyRule

_SEVERITY = {"edit": 0, "keep_one": 0, "review": 1, "drop": 2}

_MATCHES = """
CREATE TABLE matches AS
SELECT f.id AS finding_id, f.record_id, f.peer_id, f.code, f.score, f.replacement,
       r.rule_id, r."then", r.how, r.severity, r.instruction, r.rag, r.hard
FROM findings f
JOIN records d ON d.id = f.record_id
JOIN rules r ON f.score >= r.score_at_least
  AND (r.score_below IS NULL OR f.score < r.score_below)
  AND (r."check" IS NULL OR r."check" = f."check")
  AND (r.lang IS NULL OR r.lang = d.lang)
  AND (r.kind IS NULL OR r.kind = d.kind)
  AND (r.codes IS NULL OR list_bool_or(list_transform(r.codes, lambda c:
        CASE WHEN ends_with(c, '*') THEN starts_with(f.code, rtrim(c, '*')) ELSE c = f.code END)))
"""

_JUDGED = """
CREATE OR REPLACE TABLE judged AS
WITH by_rules AS (
  SELECT record_id,
         coalesce(max(severity) FILTER (WHERE instruction AND rag), 0) AS severity,
         coalesce(max(severity) FILTER (WHERE hard AND instruction AND rag), 0) AS hard_severity,
         coalesce(bool_or("then" = 'drop' AND instruction), false) AS no_instruction,
         coalesce(bool_or("then" = 'drop' AND rag), false) AS no_rag,
         coalesce(bool_or(hard AND "then" = 'drop' AND instruction), false) AS hard_no_instruction,
         coalesce(bool_or(hard AND "then" = 'drop' AND rag), false) AS hard_no_rag,
         coalesce(bool_or(hard AND "then" = 'keep_one'), false) AS hard_group,
         count(*) FILTER (WHERE "then" IN ('review', 'drop')) AS n_matches
  FROM matches GROUP BY record_id
)
SELECT d.id AS record_id, d.kind, d.n_chars, d.n_parts, coalesce(d.timestamp, '') AS timestamp,
       v.said, v.who,
       coalesce(r.n_matches, 0) AS n_matches,
       CASE WHEN v.said = 'drop' THEN 2
            WHEN v.said = 'keep' THEN coalesce(r.hard_severity, 0)
            WHEN v.said = 'review' THEN greatest(1, coalesce(r.hard_severity, 0))
            WHEN d.replay AND r.severity = 1 THEN 2
            ELSE coalesce(r.severity, 0) END AS severity,
       d.kind = 'conversation' AND NOT CASE
            WHEN v.said = 'keep' THEN coalesce(r.hard_no_instruction, false)
            ELSE coalesce(r.no_instruction, false) END AS instruction,
       NOT d.replay AND NOT CASE WHEN v.said = 'keep' THEN coalesce(r.hard_no_rag, false)
            ELSE coalesce(r.no_rag, false) END AS rag,
       d.replay,
       coalesce(r.hard_group, false) AS hard_group
FROM records d
LEFT JOIN by_rules r ON r.record_id = d.id
LEFT JOIN verdicts v ON v.record_id = d.id
"""

_RANKED = """
SELECT record_id,
       row_number() OVER (ORDER BY replay, (said IS NOT DISTINCT FROM 'keep') DESC,
                          severity, n_matches,
                          n_parts DESC, n_chars DESC, timestamp DESC, record_id) AS rank
FROM judged
WHERE severity < 2 AND (instruction OR rag)
  AND record_id IN (SELECT unnest([record_id, peer_id]) FROM matches
                    WHERE "then" = 'keep_one' AND peer_id IS NOT NULL)
ORDER BY rank
"""

_EDGES = """
SELECT DISTINCT record_id, peer_id, code
FROM matches WHERE "then" = 'keep_one' AND peer_id IS NOT NULL ORDER BY ALL
"""

_DECISIONS = """
WITH evidence AS (
  SELECT record_id, list_sort(list(DISTINCT rule_id)) AS rule_ids,
         list_sort(list(DISTINCT finding_id)) AS finding_ids
  FROM (
    SELECT record_id, rule_id, finding_id FROM matches WHERE "then" <> 'keep_one'
    UNION ALL
    SELECT m.record_id, m.rule_id, m.finding_id
    FROM matches m JOIN fallen f ON f.record_id = m.record_id
    WHERE m."then" = 'keep_one'
    UNION ALL
    SELECT m.peer_id, m.rule_id, m.finding_id
    FROM matches m JOIN fallen f ON f.record_id = m.peer_id
    WHERE m."then" = 'keep_one'
  ) GROUP BY record_id
), edited AS (
  SELECT record_id, finding_id,
         coalesce(max(how) FILTER (WHERE instruction), -1) AS instruction,
         coalesce(max(how) FILTER (WHERE rag), -1) AS rag
  FROM matches WHERE "then" = 'edit' AND replacement IS NOT NULL
    AND (hard OR finding_id NOT IN (SELECT unnest(disputed) FROM verdicts))
  GROUP BY ALL
), edits AS (
  SELECT record_id, list_sort(list(finding_id)) AS edits FROM edited GROUP BY record_id
), otherwise AS (
  SELECT record_id, list_sort(list({'finding_id': finding_id, 'route': route, 'how':
         CASE how WHEN -1 THEN 'leave' ELSE $hows[how + 1] END})) AS otherwise
  FROM (UNPIVOT edited ON instruction, rag INTO NAME route VALUE how)
  WHERE how < len($hows) - 1 GROUP BY record_id
), settled AS (
  SELECT j.*, f.survivor_id,
         CASE WHEN j.severity = 2 OR f.survivor_id IS NOT NULL OR NOT (j.instruction OR j.rag)
              THEN 'drop'
              WHEN j.severity = 1 THEN 'review' ELSE 'keep' END AS action
  FROM judged j LEFT JOIN fallen f ON f.record_id = j.record_id
)
SELECT s.record_id, s.action,
       s.instruction AND s.action = 'keep' AS instruction,
       s.rag AND s.action = 'keep' AS rag,
       coalesce(e.edits, []::VARCHAR[]) AS edits,
       coalesce(o.otherwise, []::STRUCT(finding_id VARCHAR, route VARCHAR, how VARCHAR)[])
         AS otherwise,
       coalesce(v.rule_ids, []::VARCHAR[]) AS rule_ids,
       coalesce(v.finding_ids, []::VARCHAR[]) AS finding_ids,
       s.survivor_id,
       CASE WHEN s.said IS NOT NULL AND s.action = s.said THEN 'reviewer:' || s.who
            WHEN v.rule_ids IS NOT NULL THEN 'policy' ELSE 'default' END AS decided_by,
       $sha AS policy_sha
FROM settled s
LEFT JOIN evidence v ON v.record_id = s.record_id
LEFT JOIN edits e ON e.record_id = s.record_id
LEFT JOIN otherwise o ON o.record_id = s.record_id
ORDER BY s.record_id
"""


def policy_sha(policy: Policy) -> str:
    """Return the sha256 (16 digits) of what the policy says, whatever its layout or comments."""
    return digest(policy.model_dump(mode="json"))


def speaks_of(rule: PolicyRule, check: str, code: str) -> bool:
    """Tell whether a policy rule speaks of a check's findings of a code."""
    when = rule.when
    if when.check is not None and when.check != check:
        return False
    if when.code is None:
        return True
    wanted = (when.code,) if isinstance(when.code, str) else when.code
    return any(
        code.startswith(one.rstrip("*")) if one.endswith("*") else code == one for one in wanted
    )


def decide(records: pa.Table, findings: pa.Table, verdicts: pa.Table, policy: Policy) -> pa.Table:
    """Return one decision for each record, sorted by record id (schema `DECISIONS`).

    Args:
        records: columns id, kind, lang, timestamp, n_parts, n_chars, replay.
        findings: schema `FINDINGS`.
        verdicts: schema `VERDICTS`: what reviewers said, settled; one row for each record.
        policy: the rules.

    """
    con = matched(records, findings, verdicts, policy)
    con.register("fallen", fallen(con))
    params = {"sha": policy_sha(policy), "hows": list(HOWS)}
    return con.sql(_DECISIONS, params=params).to_arrow_table().cast(DECISIONS)


def matched(
    records: pa.Table, findings: pa.Table, verdicts: pa.Table, policy: Policy
) -> duckdb.DuckDBPyConnection:
    """Return a database whose table `matches` has a row for each finding that a rule speaks of.

    The arguments are those of `decide`.
    """
    import duckdb  # noqa: PLC0415 - only deciding needs it

    con = duckdb.connect()
    con.register("records", records)
    con.register("findings", findings)
    con.register("verdicts", verdicts)
    con.register("rules", _rules_table(policy))
    con.execute(_MATCHES)
    return con


def _rules_table(policy: Policy) -> pa.Table:
    schema = pa.schema(
        [
            ("rule_id", pa.string()),
            ("codes", pa.list_(pa.string())),
            ("check", pa.string()),
            ("score_at_least", pa.float64()),
            ("score_below", pa.float64()),
            ("lang", pa.string()),
            ("kind", pa.string()),
            ("then", pa.string()),
            ("how", pa.int32()),
            ("severity", pa.int32()),
            ("instruction", pa.bool_()),
            ("rag", pa.bool_()),
            ("hard", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist([_rule_row(rule) for rule in policy.rules], schema=schema)


def _rule_row(rule: PolicyRule) -> dict[str, object]:
    when = rule.when
    codes = [when.code] if isinstance(when.code, str) else when.code
    return {
        "rule_id": rule.id,
        "codes": list(codes) if codes else None,
        "check": when.check,
        "score_at_least": when.score_at_least,
        "score_below": when.score_below,
        "lang": when.lang,
        "kind": when.kind,
        "then": rule.then,
        "how": HOWS.index(rule.how),
        "severity": _SEVERITY[rule.then],
        "instruction": "instruction" in rule.routes,
        "rag": "rag" in rule.routes,
        "hard": not rule.reviewer_may_override,
    }


def fallen(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return which records fall to which survivor of their duplicate group, by `matches`."""
    con.execute(_JUDGED)
    ranked = con.sql(_RANKED).to_arrow_table()
    edges = con.sql(_EDGES).fetchall()
    fates = survivors(
        ranked["record_id"].to_pylist(),
        [(a, b, code == "DUP001") for a, b, code in edges if code != "DUP003"],
        [(a, b) for a, b, code in edges if code == "DUP003"],
    )
    # People win: a record that a reviewer keeps falls to no survivor, save by a hard rule.
    kept = {
        row[0]
        for row in con.execute(
            "SELECT record_id FROM judged WHERE said = 'keep' AND NOT hard_group"
        ).fetchall()
    }
    rows = sorted((r, s) for r, s in fates.items() if r not in kept)
    return pa.table(
        {
            "record_id": pa.array([r for r, _ in rows], pa.string()),
            "survivor_id": pa.array([s for _, s in rows], pa.string()),
        }
    )
