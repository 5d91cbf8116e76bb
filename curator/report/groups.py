"""Duplicate groups as the report shows them: who stands, who fell to whom, and why. No text."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.policy import speaks_of
from curator.report.facts import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from curator.schema import Policy

GROUPS = 12
"""How many groups are shown of a code: the largest, the least sure, and the nearest that stand."""
MEMBERS = 6
"""How many members are shown of a group: half of those that fell, half of those that stand."""

_LINKS = """
CREATE OR REPLACE TEMP TABLE links AS
WITH copies AS (
  SELECT record_id AS id, min(peer_id) AS first FROM findings WHERE code = 'DUP001' GROUP BY 1
), pairs AS (
  SELECT f.id, f.code, f.score, f.record_id, f.peer_id, f.evidence,
         coalesce(a.first, f.record_id) AS ours, coalesce(b.first, f.peer_id) AS theirs
  FROM findings f
  LEFT JOIN copies a ON a.id = f.record_id LEFT JOIN copies b ON b.id = f.peer_id
  WHERE f.peer_id IS NOT NULL AND list_contains($codes, f.code)
), fell AS (
  SELECT d.record_id AS member, d.survivor_id AS anchor,
         coalesce(a.first, d.record_id) AS ours, coalesce(b.first, d.survivor_id) AS theirs
  FROM decisions d
  LEFT JOIN copies a ON a.id = d.record_id LEFT JOIN copies b ON b.id = d.survivor_id
  WHERE d.survivor_id IS NOT NULL
), counted AS (SELECT DISTINCT unnest(finding_ids) AS id FROM decisions),
joined AS (
  SELECT f.anchor, f.member, p.* EXCLUDE (ours, theirs, record_id, peer_id), true AS fell
  FROM fell f JOIN (
    SELECT *, ours AS one, theirs AS other FROM pairs
    UNION ALL BY NAME SELECT *, theirs AS one, ours AS other FROM pairs WHERE ours <> theirs
  ) p ON p.one = f.ours AND p.other = f.theirs
  LEFT JOIN counted c ON c.id = p.id
  -- Of an exact copy its own finding tells; else the pair that counted, the surest first.
  QUALIFY row_number() OVER (PARTITION BY f.member ORDER BY p.record_id = f.member DESC,
    c.id IS NOT NULL DESC, p.score DESC, p.code, p.id) = 1
), standing AS (
  SELECT p.peer_id AS anchor, p.record_id AS member, p.id, p.code, p.score, p.evidence,
         false AS fell
  FROM pairs p
  JOIN decisions a ON a.record_id = p.record_id JOIN decisions b ON b.record_id = p.peer_id
  WHERE coalesce(a.survivor_id, a.record_id) <> coalesce(b.survivor_id, b.record_id)
)
SELECT * FROM joined UNION ALL BY NAME SELECT * FROM standing
"""

_CHOSEN = """
WITH ranked AS (
  SELECT code, anchor, count(*) FILTER (WHERE fell) AS n_fell, count(*) AS n,
         min(score) FILTER (WHERE fell) AS least,
         max(score) FILTER (WHERE NOT fell) AS nearest
  FROM links GROUP BY ALL
), placed AS (
  SELECT *, count(*) OVER (PARTITION BY code) AS n_groups,
         sum(n) OVER (PARTITION BY code) AS n_members,
         row_number() OVER (PARTITION BY code ORDER BY n_fell DESC, n DESC, anchor) AS largest,
         row_number() OVER (PARTITION BY code ORDER BY least, anchor) AS doubtful,
         row_number() OVER (PARTITION BY code ORDER BY nearest DESC NULLS LAST, anchor) AS standing
  FROM ranked
)
SELECT * FROM placed
QUALIFY row_number() OVER (
  PARTITION BY code ORDER BY least(largest, doubtful, standing), largest, anchor) <= $groups
ORDER BY code, n_fell DESC, n DESC, anchor
"""

_MEMBERS = """
SELECT l.code, l.anchor, l.member, l.id, l.score, l.evidence, l.fell,
       d.action, d.survivor_id, d.decided_by, d.rule_ids, b.action AS anchor_action
FROM links l
JOIN decisions d ON d.record_id = l.member JOIN decisions b ON b.record_id = l.anchor
WHERE list_contains($chosen, l.code || ' ' || l.anchor)
QUALIFY row_number() OVER (PARTITION BY l.code, l.anchor, l.fell ORDER BY
  CASE WHEN l.fell THEN l.score ELSE -l.score END, l.member, l.id) <= $half
ORDER BY l.code, l.anchor, l.fell DESC, l.score DESC, l.member, l.id
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A record beside the one that stands: what pairs the two, and what became of it.

    `state` is fell, keep, review or drop. `reasons` say why it does not fall to the
    other: names of evidence (`numbers_differ`), or `under`, `kept_by_reviewer`,
    `elsewhere`, `dropped`, `beyond`; `least` is the policy's threshold.
    """

    record_id: str
    finding_id: str
    code: str
    score: float
    evidence: Mapping[str, Any]
    state: str
    reasons: tuple[str, ...]
    least: float | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A record, and those that a code pairs with it; `fell` and `total` count all of them."""

    code: str
    record_id: str
    action: str
    members: tuple[Member, ...]
    fell: int
    total: int

    @property
    def hidden(self) -> int:
        """How many members are not shown."""
        return self.total - len(self.members)


@dataclass(frozen=True, slots=True)
class Shown:
    """The groups of a code that are shown, and how many groups and members it has in all."""

    code: str
    groups: tuple[Group, ...]
    n_groups: int
    n_members: int

    @property
    def record_ids(self) -> list[str]:
        """The records that are shown."""
        return [i for g in self.groups for i in (g.record_id, *(m.record_id for m in g.members))]


def duplicate_groups(
    con: duckdb.DuckDBPyConnection, policy: Policy, codes: Mapping[str, str]
) -> list[Shown]:
    """Return the groups of each duplicate code, those that tell most.

    Args:
        con: with the views `findings` and `decisions`.
        policy: the rules, for their thresholds.
        codes: code → the check that tells of it.

    """
    con.execute(_LINKS, {"codes": list(codes)})
    chosen = rows(con, _CHOSEN, {"groups": GROUPS})
    members = defaultdict(list)
    wanted = [f"{row['code']} {row['anchor']}" for row in chosen]
    for row in rows(con, _MEMBERS, {"chosen": wanted, "half": MEMBERS // 2}):
        members[row["code"], row["anchor"]].append(row)
    shown = []
    for code, check in codes.items():
        least = min(
            (
                rule.when.score_at_least
                for rule in policy.rules
                if rule.then == "keep_one" and speaks_of(rule, check, code)
            ),
            default=None,
        )
        mine = [row for row in chosen if row["code"] == code]
        groups = [
            Group(
                code,
                row["anchor"],
                members[code, row["anchor"]][0]["anchor_action"],
                tuple(_member(m, least) for m in members[code, row["anchor"]]),
                row["n_fell"],
                row["n"],
            )
            for row in mine
        ]
        if groups:
            total = mine[0]
            shown.append(Shown(code, tuple(groups), total["n_groups"], int(total["n_members"])))
    return shown


def _member(row: Mapping[str, Any], least: float | None) -> Member:
    evidence = json.loads(row["evidence"])
    return Member(
        record_id=row["member"],
        finding_id=row["id"],
        score=row["score"],
        code=row["code"],
        evidence=evidence,
        state="fell" if row["fell"] else row["action"],
        reasons=() if row["fell"] else _reasons(row, evidence, least),
        least=least,
        rules=tuple(row["rule_ids"]),
    )


def _reasons(
    row: Mapping[str, Any], evidence: Mapping[str, Any], least: float | None
) -> tuple[str, ...]:
    """Return why a record that is paired with another does not fall to it."""
    differs = tuple(name for name, value in sorted(evidence.items()) if value is True)
    if least is None:
        return (*differs, "no_rule")
    if row["score"] < least:
        return differs or ("under",)
    if row["survivor_id"]:
        return ("elsewhere",)
    if "drop" in (row["action"], row["anchor_action"]):
        return ("dropped",)
    return ("kept_by_reviewer",) if row["decided_by"].startswith("reviewer") else ("beyond",)
