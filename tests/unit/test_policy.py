"""What `decide` promises: severity, precedence, survivors, routes, edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.policy import decide
from curator.rules import load_rules
from curator.schema import Policy
from curator.survivors import survivors
from curator.tables import REVIEWS, findings_table
from curator.types import Finding, Span
from curator.verdicts import responses, settle, verdict_table

if TYPE_CHECKING:
    from collections.abc import Sequence

BECAUSE = {"zh": "因为", "en": "because"}
RECORDS = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("lang", pa.string()),
        ("timestamp", pa.string()),
        ("n_parts", pa.int64()),
        ("n_chars", pa.int64()),
        ("replay", pa.bool_()),
    ]
)


def records(ids: str, **columns: Sequence[Any]) -> pa.Table:
    rows = {
        "id": list(ids),
        "kind": ["conversation"] * len(ids),
        "lang": ["zh"] * len(ids),
        "timestamp": [None] * len(ids),
        "n_parts": [2] * len(ids),
        "n_chars": [100] * len(ids),
        "replay": [False] * len(ids),
    } | columns
    return pa.table(rows, schema=RECORDS)


def policy(*rules: dict[str, Any]) -> Policy:
    return Policy.model_validate(
        {"rules": [{"because": BECAUSE, "id": f"r{i}"} | rule for i, rule in enumerate(rules)]}
    )


def reviews(*answers: tuple[str, str, str], user: str = "ann") -> pa.Table:
    """What one person said: (record, verdict, when); settled as one reviewer's word is."""
    rows = [
        {
            "record_id": record,
            "content_sha": "",
            "question": "verdict",
            "value": value,
            "status": "submitted",
            "user_id": user,
            "finding_ids": [],
            "at": at,
        }
        for record, value, at in answers
    ]
    table = pa.Table.from_pylist(rows, schema=REVIEWS)
    return verdict_table(settle(responses(table)).values())


def outcome(
    table: pa.Table, found: Sequence[Finding], said: pa.Table, rules: Policy
) -> dict[str, dict[str, Any]]:
    decisions = decide(table, findings_table(found, "run"), said, rules)
    assert decisions.num_rows == table.num_rows
    return {row["record_id"]: row for row in decisions.to_pylist()}


DROP = {"when": {"code": "QLT010"}, "then": "drop"}
REVIEW = {"when": {"code": "LBL001", "score_at_least": 0.6}, "then": "review"}
ONE = {"when": {"code": ["DUP001", "DUP002"], "score_at_least": 0.7}, "then": "keep_one"}
EDIT = {"when": {"code": "PII*"}, "then": "edit"}


def test_without_findings_everything_is_kept_by_default() -> None:
    decided = outcome(records("ab"), [], reviews(), policy(DROP))
    assert {r["action"] for r in decided.values()} == {"keep"}
    assert {r["decided_by"] for r in decided.values()} == {"default"}


def test_the_most_severe_action_wins() -> None:
    found = [Finding("a", "l", "LBL001", 0.9), Finding("a", "q", "QLT010", 1.0)]
    decided = outcome(records("a"), found, reviews(), policy(REVIEW, DROP))
    assert decided["a"]["action"] == "drop"
    assert decided["a"]["rule_ids"] == ["r0", "r1"]


def test_a_score_below_the_threshold_does_nothing() -> None:
    decided = outcome(records("a"), [Finding("a", "l", "LBL001", 0.59)], reviews(), policy(REVIEW))
    assert decided["a"]["action"] == "keep"


def test_edits_apply_to_what_is_kept_and_are_no_action() -> None:
    found = [Finding("a", "pii", "PII002", 0.9, Span(0, 0, 11), replacement="[电话1]")]
    decided = outcome(records("a"), found, reviews(), policy(EDIT))
    assert decided["a"]["action"] == "keep"
    assert len(decided["a"]["edits"]) == 1


def test_a_reviewer_stands_above_the_policy() -> None:
    found = [Finding("a", "q", "QLT010", 1.0)]
    decided = outcome(
        records("ab"), found, reviews(("a", "keep", "1"), ("b", "drop", "1")), policy(DROP)
    )
    assert decided["a"]["action"] == "keep"
    assert decided["a"]["decided_by"] == "reviewer:ann"
    assert decided["b"]["action"] == "drop"


def test_the_last_review_holds() -> None:
    said = reviews(("a", "drop", "2024-01-02"), ("a", "keep", "2024-01-01"))
    assert outcome(records("a"), [], said, policy(DROP))["a"]["action"] == "drop"


def test_a_rule_that_no_reviewer_may_override_stands_above_a_reviewer() -> None:
    hard = DROP | {"reviewer_may_override": False}
    found = [Finding("a", "q", "QLT010", 1.0)]
    decided = outcome(records("a"), found, reviews(("a", "keep", "1")), policy(hard))
    assert decided["a"]["action"] == "drop"


def test_a_drop_for_one_route_leaves_the_other() -> None:
    stale = {"when": {"code": "VOL001"}, "then": "drop", "routes": ["instruction"]}
    decided = outcome(records("a"), [Finding("a", "v", "VOL001", 1.0)], reviews(), policy(stale))
    assert decided["a"]["action"] == "keep"
    assert (decided["a"]["instruction"], decided["a"]["rag"]) == (False, True)


def test_documents_go_to_the_corpus_alone() -> None:
    decided = outcome(records("a", kind=["document"]), [], reviews(), policy(DROP))
    assert (decided["a"]["instruction"], decided["a"]["rag"]) == (False, True)


def test_one_of_a_duplicate_group_survives_and_the_others_point_to_it() -> None:
    found = [
        Finding("b", "d", "DUP001", 1.0, peer_id="a"),
        Finding("c", "d", "DUP001", 1.0, peer_id="a"),
    ]
    decided = outcome(records("abc"), found, reviews(), policy(ONE))
    assert [r["action"] for r in decided.values()] == ["keep", "drop", "drop"]
    assert decided["c"]["survivor_id"] == "a"
    assert decided["c"]["rule_ids"] == ["r0"]


@pytest.mark.parametrize("second", ["b", "a"], ids=["the later one", "the earlier one"])
@pytest.mark.parametrize(
    ("columns", "findings", "kept_by_reviewer"),
    [
        ({"n_chars": [90, 10]}, [], 1),  # a reviewer's word before completeness
        ({"n_parts": [4, 2]}, [("a", "LBL001", 0.9)], 0),  # other findings before completeness
        ({"n_parts": [2, 4], "n_chars": [90, 10]}, [], 0),  # turns, then characters
        ({"n_chars": [100, 101], "timestamp": ["2024", "2023"]}, [], 0),
        ({"timestamp": ["2023-01-01", "2024-01-01"]}, [], 0),  # the latest
        ({"timestamp": [None, "2024-01-01"]}, [], 0),
    ],
)
def test_the_survivor_is_chosen_by_review_findings_completeness_recency(
    columns: dict[str, Any], findings: list[Any], kept_by_reviewer: int, second: str
) -> None:
    """`b` is the better one, whichever of the two the pair's finding stands on."""
    first = "a" if second == "b" else "b"
    found = [Finding(second, "d", "DUP002", 0.9, peer_id=first)]
    found += [Finding(record, "l", code, score) for record, code, score in findings]
    said = reviews(("b", "keep", "1")) if kept_by_reviewer else reviews()
    review = {"when": {"code": "LBL001"}, "then": "review"}
    decided = outcome(records("ab", **columns), found, said, policy(ONE, review))
    assert decided["b"]["survivor_id"] is None
    assert decided["a"]["survivor_id"] == "b"


def test_a_group_never_loses_its_survivor_to_another_rule() -> None:
    """The best of a group is bad for another reason: the next best survives."""
    found = [Finding("b", "d", "DUP002", 0.9, peer_id="a"), Finding("a", "q", "QLT010", 1.0)]
    decided = outcome(records("ab", n_chars=[200, 100]), found, reviews(), policy(ONE, DROP))
    assert [r["action"] for r in decided.values()] == ["drop", "keep"]


def test_a_chain_of_near_duplicates_does_not_swallow_a_topic() -> None:
    found = [
        Finding("b", "d", "DUP002", 0.8, peer_id="a"),
        Finding("c", "d", "DUP002", 0.8, peer_id="b"),
        Finding("d", "d", "DUP002", 0.8, peer_id="c"),
    ]
    decided = outcome(records("abcd", n_chars=[400, 300, 200, 100]), found, reviews(), policy(ONE))
    assert {i: r["survivor_id"] for i, r in decided.items()} == {
        "a": None,
        "b": "a",
        "c": None,
        "d": "c",
    }


def test_a_reviewer_keeps_both_of_two_duplicates() -> None:
    found = [Finding("b", "d", "DUP002", 0.9, peer_id="a")]
    said = reviews(("a", "keep", "1"), ("b", "keep", "1"))
    decided = outcome(records("ab"), found, said, policy(ONE))
    assert [r["action"] for r in decided.values()] == ["keep", "keep"]


@given(
    st.permutations(["a", "b", "c", "d", "e"]),
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde"), st.booleans()), max_size=8
    ),
)
def test_survivors_are_kept_and_close(
    ranked: list[str], edges: list[tuple[str, str, bool]]
) -> None:
    edges = [(a, b, exact) for a, b, exact in edges if a != b]
    fallen = survivors(ranked, edges)
    assert not set(fallen.values()) & set(fallen), "a survivor does not fall"
    assert survivors(ranked, edges[::-1]) == fallen
    for record, survivor in fallen.items():
        linked = {record}
        for _ in ranked:  # what is exactly equal to the record, then one near step
            linked |= {
                y for a, b, exact in edges if exact for x, y in ((a, b), (b, a)) if x in linked
            }
        near = linked | {y for a, b, _ in edges for x, y in ((a, b), (b, a)) if x in linked}
        for _ in ranked:
            near |= {y for a, b, exact in edges if exact for x, y in ((a, b), (b, a)) if x in near}
        assert survivor in near


CODES = ["DUP001", "DUP002", "LBL001", "QLT010", "PII001", "LNG002"]
finding = st.builds(
    lambda r, p, code, score: Finding(
        r,
        "check",
        code,
        score,
        Span(0, 0, 1) if code.startswith("PII") else None,
        p if code.startswith("DUP") and p != r else None,
        "[姓名1]" if code.startswith("PII") else None,
    ),
    st.sampled_from("abcdef"),
    st.sampled_from("abcdef"),
    st.sampled_from(CODES),
    st.floats(0, 1),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(finding, max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_findings_records_rules_and_reviews_never_matters(
    found: list[Finding], random: Any
) -> None:
    rules = load_rules().policy
    said = [("a", "keep", "1"), ("b", "drop", "2"), ("b", "keep", "3")]
    table = records("abcdef")
    first = decide(table, findings_table(found, "r"), reviews(*said), rules).to_pylist()
    rows = findings_table(found, "r").to_pylist()
    random.shuffle(rows)
    random.shuffle(said)
    mixed = Policy(rules=tuple(random.sample(rules.rules, len(rules.rules))))
    again = decide(
        table.take(random.sample(range(6), 6)),
        pa.Table.from_pylist(rows, schema=findings_table([], "r").schema),
        reviews(*said),
        mixed,
    ).to_pylist()
    for row in [*first, *again]:
        del row["policy_sha"]  # the policy is written in another order
    assert first == again


def test_a_policy_rule_must_say_which_findings() -> None:
    with pytest.raises(ValueError, match="say which findings"):
        policy({"when": {"score_at_least": 0.5}, "then": "drop"})
