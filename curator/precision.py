"""How right findings were, as far as people have looked, and the thresholds that follow. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from curator.policy import speaks_of
from curator.tags import tag_of
from curator.verdicts import VERDICT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from curator.schema import Policy
    from curator.verdicts import Response

FEWEST = 20
"""Below so many reviewed findings no threshold is proposed."""
IDLE, SURE, OFTEN = 0.2, 0.9, 0.6
"""A review that finds an error less often is idle; a drop is as sure as that to need no review;
where that many at the threshold are right, more may lie below it."""
_Z = 1.96
"""Of a normal distribution 95 % lie nearer to its mean than so many standard deviations."""
_STEP = 0.1
_FIFTHS = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold that the reviews speak for: of `reviewed` findings so many were `right`.

    `why`: `idle` (those below it are mostly wrong: raise it), `below` (those at it are
    mostly right: lower it), `sure` (from it on people drop nearly all: drop them unseen).
    """

    rule: str
    now: float
    to: float
    why: str
    reviewed: int
    right: int


@dataclass(frozen=True, slots=True)
class Bin:
    """The reviewed findings whose scores lie in one fifth: the mean score, and how many were right.

    `low` and `high` bound the share that was right (95 %).
    """

    score: float
    reviewed: int
    right: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Precision:
    """How many reviewed findings of a code were right, with the bounds of the share (95 %).

    `bins`: the same by fifths of the score, lowest first, those with reviews.
    """

    code: str
    reviewed: int
    right: int
    low: float
    high: float
    proposals: tuple[Proposal, ...] = ()
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True, slots=True)
class _Judged:
    score: float
    right: bool
    dropped: bool


def precision(
    findings: pa.Table, given: Iterable[Response], policy: Policy
) -> tuple[Precision, ...]:
    """Return how right the findings were that people saw when they submitted, by code.

    A finding was right if most of those who judged it would not keep the record as it is
    and, where they tell what is wrong, name it; of private details what was marked counts.

    Args:
        findings: schema `FINDINGS`.
        given: what people said last.
        policy: the rules whose thresholds are looked at.

    """
    votes: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    shown = [response for response in given if response.counts]
    wanted = {finding for response in shown for finding in response.findings}
    seen = pc.is_in(findings["id"], pa.array(sorted(wanted), pa.string()))
    told_of = findings.select(["id", "check", "code", "score"]).filter(seen)
    about = {row["id"]: row for row in told_of.to_pylist()}
    for response in shown:
        for finding in response.findings:
            right = _right(response, finding, about[finding]["code"]) if finding in about else None
            if right is not None:
                votes[finding].append((right, response.answers[VERDICT] == "drop"))
    judged: dict[tuple[str, str], list[_Judged]] = defaultdict(list)
    for finding, said in sorted(votes.items()):
        row = about[finding]
        most = len(said) / 2
        judged[row["code"], row["check"]].append(
            _Judged(row["score"], sum(r for r, _ in said) > most, sum(d for _, d in said) > most)
        )
    return tuple(_of(code, check, mine, policy) for (code, check), mine in sorted(judged.items()))


def _right(response: Response, finding: str, code: str) -> bool | None:
    """Tell whether a person confirms a finding; None where that was not asked."""
    if code.startswith("PII"):
        for label, right in (("not_personal", False), ("personal", True)):
            if any(finding in mark.findings for mark in response.marks(label)):
                return right
        return None
    if response.answers[VERDICT] == "keep":
        return False
    tag = tag_of(code)
    return not response.tags or tag is None or tag in response.tags


def _of(code: str, check: str, judged: Sequence[_Judged], policy: Policy) -> Precision:
    right = sum(one.right for one in judged)
    low, high = bounds(right, len(judged))
    proposals = tuple(
        proposal
        for rule in policy.rules
        if rule.then == "review" and speaks_of(rule, check, code)
        for proposal in _proposals(rule.id, rule.when.score_at_least, judged)
    )
    bins = tuple(_bins(judged))
    return Precision(code, len(judged), right, round(low, 3), round(high, 3), proposals, bins)


def _bins(judged: Sequence[_Judged]) -> Iterator[Bin]:
    for fifth in range(_FIFTHS):
        mine = [one for one in judged if min(int(one.score * _FIFTHS), _FIFTHS - 1) == fifth]
        if mine:
            right = sum(one.right for one in mine)
            low, high = bounds(right, len(mine))
            mean = sum(one.score for one in mine) / len(mine)
            yield Bin(round(mean, 3), len(mine), right, round(low, 3), round(high, 3))


def bounds(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % bounds of a share (Wilson 1927): of few cases they are far apart."""
    if not n:
        return 0.0, 1.0
    share, z2 = right / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _proposals(rule: str, now: float, judged: Sequence[_Judged]) -> list[Proposal]:
    mine = sorted((one for one in judged if one.score >= now), key=lambda one: one.score)
    if len(mine) < FEWEST:
        return []
    found = []
    marks = sorted({round(one.score, 2) for one in mine if one.score > now})
    for mark in reversed(marks):
        under = [one for one in mine if one.score < mark]
        right = sum(one.right for one in under)
        if len(under) >= FEWEST and bounds(right, len(under))[1] < IDLE:
            found.append(Proposal(rule, now, mark, "idle", len(under), right))
            break
    first = mine[:FEWEST]
    right = sum(one.right for one in first)
    if not found and now > _STEP and right >= OFTEN * len(first):
        to = round(now - _STEP, 2)
        found.append(Proposal(rule, now, to, "below", len(first), right))
    for mark in marks:
        above = [one for one in mine if one.score >= mark]
        dropped = sum(one.dropped for one in above)
        if len(above) >= FEWEST and bounds(dropped, len(above))[0] >= SURE:
            found.append(Proposal(rule, now, mark, "sure", len(above), dropped))
            break
    return found
