"""What the report tells, as counts out of the workspace's views; no text of any record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.check import freshness
from curator.policy import speaks_of
from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb
    import pyarrow as pa

    from curator.check import Plan
    from curator.schema import Policy, PolicyRule
    from curator.types import Code

BINS = 20
"""Scores are shown in twentieths."""

LENGTHS = (0, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
"""Lower bounds of the length classes, in characters."""


_FATES = {
    "keep": "保留",
    "review": "待审",
    "drop": "舍弃",
    "new": "新增",
    "gone": "已不在",
    "none": "无",
    "instruction": "指令集",
    "rag": "检索库",
}


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What was found under one code. `histogram` counts findings by twentieths of the score."""

    code: Code
    check: str
    findings: int
    records: int
    histogram: tuple[int, ...]
    rules: tuple[PolicyRule, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How a check ran: state is fresh, stale, failed or missing."""

    name: str
    version: str
    state: str
    records: int
    findings: int


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """How many records a rule speaks of, by what became of them."""

    rule: PolicyRule | None
    id: str
    keep: int
    review: int
    drop: int

    @property
    def total(self) -> int:
        """All records that the rule speaks of."""
        return self.keep + self.review + self.drop


@dataclass(frozen=True, slots=True)
class Change:
    """How many records went from one fate to another since the last decision.

    Fates are in English, as the decision's manifest has them, and in Chinese.
    """

    before: str
    after: str
    before_zh: str
    after_zh: str
    n: int


def runs(plan: Plan) -> list[RunFacts]:
    """Return how each check of the plan ran."""
    found = []
    for check in plan.checks:
        state = freshness(plan)[check.name]
        path = check.folder / "run.json"
        run: Mapping[str, Any] = read_json(path) if path.exists() else {}
        found.append(
            RunFacts(
                check.name,
                check.cls.version,
                state,
                run.get("n_records", 0),
                run.get("n_findings", 0),
            )
        )
    return found


def code_facts(
    con: duckdb.DuckDBPyConnection, plan: Plan, fresh: Iterable[str], policy: Policy
) -> list[CodeFacts]:
    """Return what was found under each code of the checks that ran, also where it is nothing."""
    counts = {
        code: (findings, records)
        for code, findings, records in con.execute(
            "SELECT code, count(*), count(DISTINCT record_id) FROM findings GROUP BY 1"
        ).fetchall()
    }
    bins: dict[str, list[int]] = {}
    for code, place, n in con.execute(
        "SELECT code, least(floor(score * ?)::INT, ?) AS place, count(*)"
        " FROM findings GROUP BY 1, 2",
        (BINS, BINS - 1),
    ).fetchall():
        bins.setdefault(code, [0] * BINS)[place] += n
    ran = set(fresh)
    found = [
        CodeFacts(
            code,
            check.name,
            *counts.get(code.id, (0, 0)),
            tuple(bins.get(code.id, [0] * BINS)),
            tuple(r for r in policy.rules if speaks_of(r, check.name, code.id)),
        )
        for check in plan.checks
        if check.name in ran
        for code in check.cls.codes
    ]
    return sorted(found, key=lambda f: f.code.id)


def rule_facts(con: duckdb.DuckDBPyConnection, policy: Policy) -> list[RuleFacts]:
    """Return how many records each rule speaks of, the most first."""
    known = {rule.id: rule for rule in policy.rules}
    counted: dict[str, dict[str, int]] = {}
    for rule, action, n in con.execute(
        "SELECT rule, action, count(*) FROM"
        " (SELECT unnest(rule_ids) AS rule, action FROM decisions) GROUP BY 1, 2"
    ).fetchall():
        counted.setdefault(rule, {})[action] = n
    found = [
        RuleFacts(known.get(i), i, n.get("keep", 0), n.get("review", 0), n.get("drop", 0))
        for i, n in counted.items()
    ]
    return sorted(found, key=lambda r: (-r.total, r.id))


def decided_by(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Return who decided how many records: policy, default, or reviewers (unnamed)."""
    return con.execute(
        "SELECT split_part(decided_by, ':', 1) AS who, count(*) FROM decisions"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()


def languages(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Return language, kind and number of records, the most first."""
    return con.execute(
        "SELECT lang, kind, count(*) FROM records GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    ).fetchall()


def lengths(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, ...]]:
    """Return for each language (the commonest two, and `other`) its records by length class."""
    common = [
        row[0]
        for row in con.execute(
            "SELECT lang FROM records GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2"
        ).fetchall()
    ]
    found: dict[str, list[int]] = {lang: [0] * len(LENGTHS) for lang in [*common, "other"]}
    place = "+".join(f"(n_chars >= {low})::INT" for low in LENGTHS)
    for lang, at, n in con.execute(
        f"SELECT lang, ({place}) - 1, count(*) FROM records GROUP BY 1, 2"  # noqa: S608 - numbers
    ).fetchall():
        found[lang if lang in common else "other"][max(0, at)] += n
    return {lang: tuple(counts) for lang, counts in found.items() if any(counts)}


def quarantine(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Return source, reason and units of what could not be read."""
    return con.execute(
        "SELECT source_uri, reason, sum(n_units)::BIGINT FROM quarantine"
        " GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"
    ).fetchall()


def changes(changed: Mapping[str, int]) -> list[Change]:
    """Return a decision's changes, the most first; each key reads `before → after`."""
    found = []
    for key, n in changed.items():
        before, _, after = key.partition(" → ")
        found.append(Change(before, after, in_chinese(before), in_chinese(after), n))
    return sorted(found, key=lambda c: (-c.n, c.before, c.after))


def in_chinese(fate: str) -> str:
    """Return what becomes of a record, as a decision's manifest tells it, in Chinese."""
    said = re.sub(r"(\d+) edits", r"\1 处替换", fate)
    said = said.replace(" (", "（").replace(")", "）").replace(", ", "、")
    return re.sub(r"[a-z]+", lambda m: _FATES.get(m.group(), m.group()), said)


def example_ids(
    con: duckdb.DuckDBPyConnection, codes: Sequence[str], n: int
) -> dict[str, list[dict[str, Any]]]:
    """Return for each code `n` findings of different records, spread over its scores.

    First the surest, the middle one and the least sure, then those between, by score: chosen
    by rank, so always the same.
    """
    chosen = rows(
        con,
        'SELECT id, record_id, "check", code, score, part, start, "end", peer_id, evidence,'
        " row_number() OVER w AS rank, count(*) OVER (PARTITION BY code) AS total FROM"
        " (SELECT * FROM findings QUALIFY row_number() OVER"
        "  (PARTITION BY code, record_id ORDER BY score DESC, id) = 1)"
        " WINDOW w AS (PARTITION BY code ORDER BY score DESC, record_id)"
        " QUALIFY total <= ? OR list_contains(list_transform(range(?),"
        "  lambda i: 1 + i * (total - 1) // greatest(? - 1, 1)), rank)"
        " ORDER BY code, rank",
        (n, n, n),
    )
    found: dict[str, list[dict[str, Any]]] = {code: [] for code in codes}
    for row in chosen:
        if row["code"] in found:
            found[row["code"]].append(row)
    return {code: _ends_and_middle_first(some) for code, some in found.items()}


def _ends_and_middle_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = list(dict.fromkeys(i for i in (0, (len(rows) - 1) // 2, len(rows) - 1) if i >= 0))
    return [rows[i] for i in first] + [row for i, row in enumerate(rows) if i not in first]


def pairs(con: duckdb.DuckDBPyConnection, code: str, n: int) -> list[dict[str, Any]]:
    """Return `n` findings that name a peer, no record twice, spread over the scores."""
    return rows(
        con,
        "WITH once AS (SELECT * FROM findings WHERE code = ? AND peer_id IS NOT NULL QUALIFY"
        "  row_number() OVER (PARTITION BY least(record_id, peer_id) ORDER BY score DESC, id) = 1),"
        " ranked AS (SELECT id, record_id, code, score, peer_id, evidence,"
        "  row_number() OVER (ORDER BY score DESC, record_id, peer_id) - 1 AS rank,"
        "  count(*) OVER () AS total FROM once)"
        " SELECT * FROM ranked WHERE total <= ? OR rank IN (SELECT"
        "  i * (total - 1) // greatest(? - 1, 1) FROM range(?) t(i)) ORDER BY rank",
        (code, n, n, n),
    )


def rows(
    con: duckdb.DuckDBPyConnection,
    query: str,
    values: Sequence[object] | Mapping[str, object],
) -> list[dict[str, Any]]:
    """Return a query's rows as dicts."""
    table: pa.Table = con.sql(query, params=values).to_arrow_table()
    return list(table.to_pylist())
