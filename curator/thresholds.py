"""What would fall if the rules that keep one of a duplicate group began at other scores. Pure.

Every figure is that of `policy.decide` with those rules changed: the same matches,
the same order of records, the same survivors. Only the matching is done once.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.policy import fallen, matched, speaks_of
from curator.schema import Policy, PolicyRule, Text2, When
from curator.similarity.components import components

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

GRID = tuple(i / 100 for i in range(50, 96))
_NEVER = 2.0
"""A threshold that no pair reaches."""


@dataclass(frozen=True, slots=True)
class Falling:
    """What falls where pairs of a code count from `threshold` on.

    `pairs` are those of the code that count; `groups` (survivors) and `records` (those
    that fall to them) are of all duplicates together; `own` of these records would
    stand if no pair of the code counted.
    """

    threshold: float
    pairs: int
    groups: int
    records: int
    own: int


@dataclass(frozen=True, slots=True)
class Exploration:
    """What falls for one code at each threshold, and from which scores the policy's rules start."""

    code: str
    steps: tuple[Falling, ...]
    policy: tuple[float, ...]


def explore(
    records: pa.Table, findings: pa.Table, verdicts: pa.Table, policy: Policy, code: str
) -> Exploration:
    """Return what would fall from each score of `GRID` on, and from the policy's own.

    Args:
        records: as for `policy.decide`.
        findings: as for `policy.decide`, of all checks.
        verdicts: as for `policy.decide`.
        policy: the rules; those that keep one and speak of `code` are moved. Where there
            is none, one is supposed.
        code: the code of scored pairs, such as DUP002.

    """
    kinds = findings.select(["code", "check"]).group_by(["code", "check"]).aggregate([])
    checks = dict(zip(kinds["code"].to_pylist(), kinds["check"].to_pylist(), strict=True))
    rules = _keeping_one(policy, checks.get(code, ""), code)
    pairs = {c for c in checks if c == code or _keeping_one(policy, checks[c], c)}
    records, findings = _involved(records, findings, pairs)
    con = matched(records, findings, verdicts, _opened(policy, rules, code, checks))
    marks = sorted({rule.when.score_at_least for rule in rules})
    grid = sorted({*GRID, *marks})
    scores, counts = _counts(con, records, code, [*grid, _NEVER])
    without = counts[-1][1]
    steps = (
        Falling(t, sum(score >= t for score in scores), groups, fell, fell - without)
        for t, (groups, fell) in zip(grid, counts, strict=False)
    )
    return Exploration(code, tuple(steps), tuple(marks))


def _keeping_one(policy: Policy, check: str, code: str) -> list[PolicyRule]:
    return [r for r in policy.rules if r.then == "keep_one" and speaks_of(r, check, code)]


def _involved(
    records: pa.Table, findings: pa.Table, codes: Iterable[str]
) -> tuple[pa.Table, pa.Table]:
    """Return the records that some pair names, and all findings about them.

    No other record can fall, nor have others fall to it.
    """
    pairs = findings.filter(
        pc.and_(
            pc.is_in(findings["code"], pa.array(sorted(codes), pa.string())),
            pc.is_valid(findings["peer_id"]),
        )
    )
    named = pa.concat_arrays(
        [chunk for name in ("record_id", "peer_id") for chunk in pairs[name].chunks]
        or [pa.array([], pa.string())]
    )
    return (
        records.filter(pc.is_in(records["id"], named)),
        findings.filter(pc.is_in(findings["record_id"], named)),
    )


def _opened(
    policy: Policy, rules: Sequence[PolicyRule], code: str, checks: Mapping[str, str]
) -> Policy:
    """Return the policy with its rules about `code` speaking of pairs of any score."""
    opened = [rule for rule in policy.rules if rule not in rules]
    for rule in rules:
        others = tuple(c for c in checks if c != code and speaks_of(rule, checks[c], c))
        if others:
            opened.append(rule.model_copy(update={"when": _of(rule, others)}))
        when = _of(rule, code).model_copy(update={"score_at_least": 0.0})
        opened.append(rule.model_copy(update={"id": f"{rule.id}-{code.lower()}", "when": when}))
    if not rules:
        nothing = Text2(zh="", en="")
        opened.append(
            PolicyRule(id=code.lower(), when=When(code=code), then="keep_one", because=nothing)
        )
    return policy.model_copy(update={"rules": tuple(opened)})


def _of(rule: PolicyRule, code: str | tuple[str, ...]) -> When:
    return rule.when.model_copy(update={"code": code})


def _counts(
    con: duckdb.DuckDBPyConnection, records: pa.Table, code: str, grid: Sequence[float]
) -> tuple[list[float], list[tuple[int, int]]]:
    """Return the scores of the code's pairs, and for each threshold the survivors and the fallen.

    Records that no pair joins, however indirectly, have nothing to do with each other.
    So from one threshold to the next only the components are looked at that lose a pair.
    """
    con.execute("ALTER TABLE matches RENAME TO every_match")
    number = {name: i for i, name in enumerate(records["id"].to_pylist())}
    pairs = [
        (number[a], number[b], score if own else None)
        for a, b, own, score in con.execute(
            "SELECT DISTINCT record_id, peer_id, code = ?, score FROM every_match"
            """ WHERE "then" = 'keep_one' AND peer_id IS NOT NULL""",
            (code,),
        ).fetchall()
        if b in number
    ]
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    root = components(len(number), left, right)
    scored = sorted((score, int(root[a])) for a, _, score in pairs if score is not None)
    groups, fell = np.zeros(len(number), np.int64), np.zeros(len(number), np.int64)
    counts, lost = [], 0
    for i, threshold in enumerate(grid):
        below = bisect_left(scored, (threshold, -1))
        if i == 0 or below > lost:
            changed = np.ones(len(number), np.bool_)
            if i:
                changed = np.isin(root, [component for _, component in scored[lost:below]])
            groups[changed] = fell[changed] = 0
            table = _fallen(con, records.filter(pa.array(changed)), code, threshold)
            survivors = [number[name] for name in set(table["survivor_id"].to_pylist())]
            fallen_to = root[[number[name] for name in table["record_id"].to_pylist()]]
            np.add.at(groups, root[survivors], 1)
            np.add.at(fell, fallen_to, 1)
            lost = below
        counts.append((int(groups.sum()), int(fell.sum())))
    return [score for score, _ in scored], counts


def _fallen(
    con: duckdb.DuckDBPyConnection, records: pa.Table, code: str, threshold: float
) -> pa.Table:
    """Return which of the records fall to which survivor where pairs count from a score on."""
    con.register("records", records)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE matches AS SELECT m.* FROM every_match m"
        " JOIN records d ON d.id = m.record_id"
        """ WHERE NOT (m.code = ? AND m."then" = 'keep_one' AND m.score < ?)""",
        (code, threshold),
    )
    return fallen(con)
