"""The threshold explorer: its figures are those that `decide` gives."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from curator.policy import decide
from curator.rules import load_rules
from curator.schema import Policy, PolicyRule, When
from curator.tables import findings_table
from curator.thresholds import GRID, explore
from curator.types import Finding
from curator.verdicts import Verdict, verdict_table

CHECKS = {
    "DUP001": "exact_duplicates",
    "DUP002": "near_duplicates",
    "DUP003": "near_duplicates",
    "DUP005": "semantic_duplicates",
}
POLICY = load_rules().policy


def corpus(seed: int, n: int = 60) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return records, findings and verdicts at random: pairs of every kind, and other findings."""
    draw = random.Random(seed)
    ids = [f"r{i:03d}" for i in range(n)]
    records = pa.table(
        {
            "id": ids,
            "kind": [draw.choice(["conversation", "document"]) for _ in ids],
            "lang": [draw.choice(["zh", "en"]) for _ in ids],
            "timestamp": pa.array([draw.choice([None, "2024-01-02"]) for _ in ids], pa.string()),
            "n_parts": [draw.randrange(1, 4) for _ in ids],
            "n_chars": [draw.randrange(10, 40) for _ in ids],
            "replay": [False] * len(ids),
        }
    )
    found = []
    for code, check in CHECKS.items():
        for _ in range(30):
            peer, record = sorted(draw.sample(ids, 2))
            score = 1.0 if code == "DUP001" else round(draw.uniform(0.5, 1.0), 4)
            found.append(Finding(record, check, code, score, peer_id=peer))
    for record in draw.sample(ids, 20):
        found.append(Finding(record, "quality", "QLT010", round(draw.random(), 2)))
        found.append(Finding(record, "label_issues", "LBL001", round(draw.random(), 2)))
    said = [
        Verdict(record, draw.choice(["keep", "drop"]), ("someone",))
        for record in draw.sample(ids, 8)
    ]
    return records, findings_table(found, "run"), verdict_table(said)


def moved(policy: Policy, code: str, threshold: float) -> Policy:
    """Return the policy with the rule of one code beginning at another score."""
    rules = tuple(
        r.model_copy(update={"when": r.when.model_copy(update={"score_at_least": threshold})})
        if r.then == "keep_one" and r.when.code == code
        else r
        for r in policy.rules
    )
    return policy.model_copy(update={"rules": rules})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("code", ["DUP002", "DUP003", "DUP005"])
def test_the_figures_are_those_of_decide(code: str, seed: int) -> None:
    records, findings, reviews = corpus(seed)
    explored = explore(records, findings, reviews, POLICY, code)
    assert [s.threshold for s in explored.steps] == list(GRID)
    never = decide(records, findings, reviews, moved(POLICY, code, 1.1))
    stay = sum(s is not None for s in never["survivor_id"].to_pylist())
    for step in explored.steps[::5]:
        table = decide(records, findings, reviews, moved(POLICY, code, step.threshold))
        survivors = [s for s in table["survivor_id"].to_pylist() if s]
        assert (step.records, step.groups) == (len(survivors), len(set(survivors)))
        assert step.own == len(survivors) - stay
    assert explored.steps[0].pairs > explored.steps[-1].pairs
    assert explored.policy == ({"DUP002": 0.65, "DUP003": 0.9, "DUP005": 0.94}[code],)


def test_a_rule_of_several_codes_is_moved_for_one_of_them_alone() -> None:
    records, findings, reviews = corpus(9)
    both = PolicyRule.model_validate(
        {
            "id": "both",
            "when": {"code": "DUP*", "score_at_least": 0.775},
            "then": "keep_one",
            "because": {"zh": "重复", "en": "duplicates"},
        }
    )
    policy = Policy(rules=(both,))
    explored = explore(records, findings, reviews, policy, "DUP002")
    assert explored.policy == (0.775,)
    at = {step.threshold: step for step in explored.steps}
    table = decide(records, findings, reviews, policy)
    assert at[0.775].records == sum(s is not None for s in table["survivor_id"].to_pylist())
    apart = [
        both.model_copy(update={"id": code.lower(), "when": When(code=code, score_at_least=score)})
        for code, score in (
            ("DUP001", 0.775),
            ("DUP003", 0.775),
            ("DUP005", 0.775),
            ("DUP002", 0.6),
        )
    ]
    table = decide(records, findings, reviews, Policy(rules=tuple(apart)))
    assert at[0.6].records == sum(s is not None for s in table["survivor_id"].to_pylist())


def test_without_a_rule_one_is_supposed() -> None:
    records, findings, reviews = corpus(3)
    rules = tuple(r for r in POLICY.rules if r.when.code != "DUP005")
    explored = explore(records, findings, reviews, Policy(rules=rules), "DUP005")
    assert explored.policy == ()
    assert explored.steps == explore(records, findings, reviews, POLICY, "DUP005").steps


def test_nothing_falls_where_nothing_was_found() -> None:
    records, findings, reviews = corpus(1)
    explored = explore(records, findings.slice(0, 0), reviews, POLICY, "DUP002")
    assert {(s.pairs, s.groups, s.records, s.own) for s in explored.steps} == {(0, 0, 0, 0)}
