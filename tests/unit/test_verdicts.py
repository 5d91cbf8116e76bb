"""What reviewers said, settled: the last word of each, agreement, majority, corrections, marks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.corrections import corrected, renamed
from curator.policy import decide
from curator.reviews import append
from curator.schema import Policy
from curator.tables import REVIEWS, findings_table
from curator.types import Edit, Finding, Review, Span
from curator.verdicts import Correction, Verdict, responses, settle, verdict_table
from curator.workspace import Workspace
from tests.synthetic import conversation
from tests.unit.test_policy import policy, records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def said(
    record: str,
    user: str,
    at: str,
    *,
    status: Any = "submitted",
    sha: str = "now",
    findings: tuple[str, ...] = (),
    **answers: Any,
) -> list[Review]:
    parts = {"corrected_answer": (1,), "corrected_question": (0,)}
    rows = [
        Review(record, sha, question, value if isinstance(value, str) else json.dumps(value),
               status, user, findings, at, parts.get(question, ()))
        for question, value in answers.items()
    ]  # fmt: skip
    return rows or [Review(record, sha, "verdict", None, status, user, findings, at)]


def table(*some: list[Review]) -> pa.Table:
    rows = [
        {n: list(v) if isinstance(v, tuple) else v for n in REVIEWS.names for v in [getattr(r, n)]}
        for group in some
        for r in group
    ]
    return pa.Table.from_pylist(rows, schema=REVIEWS)


def verdicts(*some: list[Review], **how: Any) -> dict[str, Verdict]:
    return settle(responses(table(*some), {"a": "now", "b": "now"}), **how)


def test_the_last_response_of_a_person_holds_as_a_whole() -> None:
    first = said("a", "ann", "1", verdict="fix", corrected_answer="改正")
    then = said("a", "ann", "2", verdict="keep")
    settled = verdicts(first, then)["a"]
    assert (settled.said, settled.corrections) == ("keep", ())


@pytest.mark.parametrize("status", ["draft", "discarded"])
def test_drafts_and_discards_count_for_nothing_and_take_back_what_was_submitted(
    status: str,
) -> None:
    assert not verdicts(said("a", "ann", "1", status=status, verdict="drop"))
    first = said("a", "ann", "1", verdict="drop")
    assert not verdicts(first, said("a", "ann", "2", status=status))


def test_what_was_said_of_another_text_does_not_count() -> None:
    assert not verdicts(said("a", "ann", "1", sha="before", verdict="drop"))
    assert not verdicts(said("gone", "ann", "1", verdict="drop"))


def test_too_few_people_settle_nothing() -> None:
    one = said("a", "ann", "1", verdict="drop")
    assert not verdicts(one, at_least=2)
    two = said("a", "bob", "1", verdict="drop")
    assert verdicts(one, two, at_least=2)["a"].who == ("ann", "bob")


@pytest.mark.parametrize(
    ("words", "conflicts", "expected"),
    [
        ("keep drop", "majority", "review"),
        ("keep keep drop", "majority", "keep"),
        ("keep keep drop", "review", "review"),
        ("keep keep drop drop", "majority", "review"),
        ("keep fix drop", "majority", "review"),
        ("drop drop drop", "review", "drop"),
    ],
)
def test_a_majority_wins_or_the_record_stays_in_review(
    words: str, conflicts: Any, expected: str
) -> None:
    some = [said("a", f"u{i}", "1", verdict=w) for i, w in enumerate(words.split())]
    settled = verdicts(*some, conflicts=conflicts)["a"]
    assert settled.said == expected
    assert settled.reason == ("conflict" if expected == "review" else "")


def test_a_fix_needs_something_to_fix_and_a_kept_answer_is_not_corrected() -> None:
    bare = verdicts(said("a", "ann", "1", verdict="fix", corrected_answer="  "))["a"]
    assert (bare.said, bare.reason) == ("review", "nothing to fix")
    fixed = verdicts(said("a", "ann", "1", verdict="fix", corrected_answer="改正"))["a"]
    assert fixed.corrections == (Correction((1,), "改正"),)
    for word in ("keep", "drop"):
        other = verdicts(said("a", "ann", "1", verdict=word, corrected_answer="suggested"))["a"]
        assert other.corrections == ()


def test_of_different_corrections_the_last_holds_or_none() -> None:
    some = [
        said("a", "ann", "1", verdict="fix", corrected_answer="one"),
        said("a", "bob", "3", verdict="fix", corrected_answer="two"),
    ]
    assert verdicts(*some)["a"].corrections == (Correction((1,), "two"),)
    left = verdicts(*some, conflicts="review")["a"]
    assert (left.said, left.reason) == ("review", "corrections differ")
    twice = said("a", "cat", "0", verdict="fix", corrected_answer="one")
    assert verdicts(*some, twice)["a"].corrections == (Correction((1,), "one"),)


def test_of_categories_the_one_that_most_people_say_holds() -> None:
    some = [
        said("a", user, at, verdict="fix", corrected_category=word)
        for user, at, word in (("ann", "1", "儿科"), ("bob", "2", "儿科"), ("cat", "3", "内科"))
    ]
    assert verdicts(*some)["a"].corrections == (Correction((), "儿科", "corrected_category"),)
    assert verdicts(*some, conflicts="review")["a"].reason == "corrections differ"


def mark(start: int, label: str, *findings: str) -> dict[str, Any]:
    return {"part": 0, "start": start, "end": start + 2, "label": label, "findings": findings}


def test_one_person_hides_a_detail_and_a_majority_shows_one() -> None:
    yes = said("a", "ann", "1", verdict="keep", personal=[mark(3, "personal")])
    no = said("a", "bob", "1", verdict="keep", personal=[mark(8, "not_personal", "f1")])
    settled = verdicts(yes, no)["a"]
    assert [(m.part, m.start, m.end) for m in settled.hidden] == [(0, 3, 5)]
    assert settled.disputed == ()
    again = said("a", "cat", "1", verdict="keep", personal=[mark(8, "not_personal", "f1")])
    assert verdicts(yes, no, again)["a"].disputed == ("f1",)
    against = said("a", "dan", "1", verdict="keep", personal=[mark(8, "personal", "f1")])
    assert verdicts(no, again, against)["a"].disputed == ()


word = st.sampled_from(["keep", "fix", "drop"])
response = st.builds(
    lambda record, user, at, status, verdict, text: said(
        record, user, at, status=status, verdict=verdict, **({"corrected_answer": text} if text else {})
    ),
    st.sampled_from("ab"),
    st.sampled_from(["ann", "bob", "cat"]),
    st.sampled_from("123"),
    st.sampled_from(["submitted", "draft", "discarded"]),
    word,
    st.sampled_from(["", "改", "fixed"]),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(response, max_size=10), st.randoms(use_true_random=False),
       st.sampled_from(["majority", "review"]), st.integers(1, 3))  # fmt: skip
def test_the_order_of_reviews_and_pulling_them_again_never_matter(
    some: list[list[Review]], random: Any, conflicts: Any, at_least: int
) -> None:
    first = verdicts(*some, conflicts=conflicts, at_least=at_least)
    rows = [row for group in some for row in group] * 2
    random.shuffle(rows)
    assert verdicts(rows, conflicts=conflicts, at_least=at_least) == first


RULES = [
    {"when": {"code": "LBL001", "score_at_least": 0.5}, "then": "review"},
    {"when": {"code": "QLT010", "score_at_least": 0.5}, "then": "drop"},
]
finding = st.builds(
    lambda r, code, score: Finding(r, "c", code, score),
    st.sampled_from("ab"),
    st.sampled_from(["LBL001", "QLT010"]),
    st.floats(0, 1),
)


@settings(max_examples=80, deadline=None)
@given(found=st.lists(finding, max_size=8), verdict=word, hard=st.booleans())
def test_a_reviewer_wins_but_over_a_rule_that_none_may_override(
    found: list[Finding], verdict: str, *, hard: bool
) -> None:
    rules = [rule | {"reviewer_may_override": not hard} for rule in RULES]
    given_ = verdicts(said("a", "ann", "1", verdict=verdict, corrected_answer="改"))
    table_ = decide(records("ab"), findings_table(found, "r"), verdict_table(given_.values()),
                    policy(*rules)).to_pylist()  # fmt: skip
    plain = decide(records("ab"), findings_table(found, "r"), verdict_table([]),
                   policy(*rules)).to_pylist()  # fmt: skip
    reviewed, other = table_
    assert other == plain[1], "nobody else is touched"
    severity = {"keep": 0, "review": 1, "drop": 2}
    wanted = "drop" if verdict == "drop" else "keep"
    if not hard or verdict == "drop":
        assert (reviewed["action"], reviewed["decided_by"]) == (wanted, "reviewer:ann")
    else:
        assert reviewed["action"] == plain[0]["action"]
        assert severity[reviewed["action"]] >= severity[wanted]


def test_a_disputed_detail_shows_unless_the_rule_may_not_be_overridden() -> None:
    found = [Finding("a", "pii", "PII001", 0.9, Span(0, 0, 2), None, "[姓名1]")]
    rows = findings_table(found, "r")
    verdict = verdict_table([Verdict("a", "keep", ("ann",), disputed=(rows["id"][0].as_py(),))])
    for hard, edits in ((False, 0), (True, 1)):
        rule = {"when": {"code": "PII*"}, "then": "edit", "reviewer_may_override": not hard}
        table_ = decide(records("a"), rows, verdict, Policy(rules=policy(rule).rules)).to_pylist()
        assert len(table_[0]["edits"]) == edits


def test_corrections_replace_whole_parts_and_speak_of_people_as_the_export_does() -> None:
    record = conversation("1", ("user", "我叫[姓名1]"), ("assistant", "好"), ("assistant", "的"))
    after = corrected(record, [Correction((1, 2), "您好，[姓名1]")], {"[姓名1]": "[姓名k7f3a9x2]"})
    assert [p.text for p in after.parts] == ["我叫[姓名1]", "您好，[姓名k7f3a9x2]", ""]
    row = {"record_id": "r", "code": "PII001", "part": 0, "start": 2, "end": 5,
           "replacement": "[姓名1]"}  # fmt: skip
    assert renamed("r", [row], [Edit(Span(0, 2, 5), "[姓名k7f3a9x2]", 1)]) == {
        "[姓名1]": "[姓名k7f3a9x2]"
    }


def rows_of(workspace: Workspace) -> Sequence[dict[str, Any]]:
    return workspace.reviews().to_pylist()


def test_reviews_are_appended_and_never_twice(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first = said("a", "ann", "1", verdict="fix", corrected_answer="改")
    assert len(append(workspace, first)) == 2
    before = [path.read_bytes() for path in sorted(workspace.reviews_folder.iterdir())]
    assert append(workspace, first) == []
    assert append(workspace, said("a", "ann", "5", verdict="fix", corrected_answer="改")) == []
    assert len(append(workspace, said("a", "ann", "6", verdict="keep"))) == 1
    assert append(workspace, first) == [], "an older response does not come back"
    assert len(rows_of(workspace)) == 3
    after = [path.read_bytes() for path in sorted(workspace.reviews_folder.iterdir())]
    assert all(one in after for one in before), "what was written stays as it was"
