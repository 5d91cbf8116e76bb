"""What goes to review and what comes back, without a server: places, tags, order, agreement."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.edits import apply
from curator.precision import bounds, precision
from curator.redact import edits_of
from curator.review.agreement import agreement
from curator.review.answers import Asked, Span, reviews
from curator.review.client import moment
from curator.review.order import Signals, fits, order, probabilities
from curator.review.places import Places, from_browser, in_browser, in_parts
from curator.rules import load_rules
from curator.tables import findings_table
from curator.tags import TAGS, tag_of
from curator.types import Finding, Part
from curator.verdicts import Response
from tests.synthetic import conversation
from tests.unit.test_policy import policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "我叫王小明，电话13800138000，请回。"


def row(
    start: int, end: int, replacement: str, code: str = "PII001", part: int = 0
) -> dict[str, Any]:
    return {"id": f"f{part}-{start}", "record_id": "r", "code": code, "part": part,
            "start": start, "end": end, "replacement": replacement}  # fmt: skip


def test_a_span_of_the_redacted_text_lies_where_it_was_read() -> None:
    rows = [row(2, 5, "[姓名1]"), row(8, 19, "[电话1]", "PII002")]
    shown = apply([Part("user", TEXT)], edits_of(rows)["r"])[0].text
    places = Places("r", rows)
    for said, raw in (
        ("请回", "请回"),
        ("[电话1]", "13800138000"),
        ("叫[姓", "叫王小明"),
        ("名1]，电", "王小明，电"),
    ):
        at = shown.index(said)
        start, end = places.raw(0, at, at + len(said))
        assert TEXT[start:end] == raw
    assert places.found(0, 2, 5) == ("f0-2",)
    assert places.hidden_whole(0, 2, 5)
    assert not places.hidden_whole(0, 1, 5)


@settings(max_examples=150, deadline=None)
@given(st.text("ab王小明1 ", min_size=1, max_size=24), st.data())
def test_every_span_covers_the_same_untouched_characters(text: str, data: Any) -> None:
    marks = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    rows = [
        row(a, b, data.draw(st.sampled_from(["[姓名1]", "", "x"])))
        for a, b in zip(marks[::2], marks[1::2], strict=False)
    ]
    shown = apply([Part("user", text)], edits_of(rows).get("r", []))[0].text
    if not shown:
        return
    start = data.draw(st.integers(0, len(shown) - 1))
    end = data.draw(st.integers(start + 1, len(shown)))
    a, b = Places("r", rows).raw(0, start, end)
    assert 0 <= a <= b <= len(text)
    # What is redacted of the span found is what was asked for, or more where a replacement is cut.
    inside = [r for r in rows if a <= r["start"] and r["end"] <= b]
    moved = [r | {"start": r["start"] - a, "end": r["end"] - a} for r in inside]
    again = apply([Part("user", text[a:b])], edits_of(moved).get("r", []))[0].text
    assert shown[start:end] in again


def test_a_span_over_two_turns_is_one_of_each() -> None:
    assert in_parts([(1, 4), (3, 5)], 2, 7) == [(1, 2, 4), (3, 0, 2)]
    assert in_parts([(1, 4), (3, 5)], 4, 5) == [], "the line break belongs to nobody"


@given(st.text("a字😀👨‍👩‍👧", max_size=20), st.data())
def test_a_browser_counts_an_emoji_as_two(text: str, data: Any) -> None:
    at = data.draw(st.integers(0, len(text)))
    there = in_browser(text, at)
    assert there == at + sum(ord(c) > 0xFFFF for c in text[:at])
    assert from_browser(text, there) == at


def test_marks_that_are_hidden_already_name_the_finding_and_others_the_place() -> None:
    rows = [row(2, 5, "[姓名1]")]
    shown = conversation("1", ("user", "我叫[姓名1]，住在长安街"), ("assistant", "好"))
    asked = Asked("r", "sha", {"question": [0], "answer": [1]}, ["f"])
    spans = [Span("question", 2, 7, "not_personal"), Span("question", 10, 13, "personal"),
             Span("question", 8, 9, "not_personal")]  # fmt: skip
    kept = reviews(asked, {"verdict": "keep", "corrected_answer": "行"}, spans, status="submitted",
                   user="ann", at="1", shown=shown, places=Places("r", rows))  # fmt: skip
    by = {review.question: review for review in kept}
    assert by["corrected_answer"].parts == (1,)
    assert json.loads(by["personal"].value or "") == [
        {"part": 0, "start": 2, "end": 5, "label": "not_personal", "findings": ["f0-2"]},
        {"part": 0, "start": 8, "end": 11, "label": "personal", "findings": []},
    ]
    bare = reviews(
        asked, {}, spans, status="discarded", user="ann", at="1", shown=None, places=None
    )
    assert [(r.question, r.value, r.status) for r in bare] == [("verdict", None, "discarded")]


def test_every_code_of_the_policy_has_a_tag_and_no_tag_is_named_twice() -> None:
    codes = {c for rule in load_rules().policy.rules if rule.then != "edit" and rule.when.code
             for c in ((rule.when.code,) if isinstance(rule.when.code, str) else rule.when.code)}  # fmt: skip
    assert {c for c in codes if tag_of(c.rstrip("*")) is None} == set()
    assert len({tag.name for tag in TAGS}) == len(TAGS)
    assert tag_of("QLT010") == "no_answer"
    assert tag_of("QLT012") == "hard_to_read"


def test_times_are_told_in_one_form() -> None:
    assert moment("2026-11-27T07:37:58") == moment("2026-11-27T08:37:58+01:00")
    assert moment("2026-11-27T07:37:58") < moment("2026-11-27T07:37:58.5")


# --- precision ---------------------------------------------------------------------------


def response(
    record: str, user: str, verdict: str, findings: Sequence[str], **answers: str
) -> Response:
    return Response(
        record, user, "submitted", "1", {"verdict": verdict, **answers}, {}, tuple(findings)
    )


def judged(outcomes: Mapping[str, tuple[float, str]], rules: Sequence[dict[str, Any]]) -> Any:
    found = [Finding(r, "labels", "LBL001", score) for r, (score, _) in outcomes.items()]
    rows = findings_table(found, "run")
    ids = dict(zip(rows["record_id"].to_pylist(), rows["id"].to_pylist(), strict=True))
    said = [response(r, "ann", word, [ids[r]]) for r, (_, word) in outcomes.items()]
    return precision(rows, said, policy(*rules))


RULE = {"when": {"code": "LBL001", "score_at_least": 0.5}, "then": "review"}


def test_precision_counts_what_people_did_not_keep() -> None:
    (figure,) = judged({"a": (0.9, "drop"), "b": (0.8, "fix"), "c": (0.6, "keep")}, [RULE])
    assert (figure.code, figure.reviewed, figure.right) == ("LBL001", 3, 2)
    assert figure.low < 2 / 3 < figure.high
    assert figure.proposals == (), "three reviews say nothing about a threshold"


def test_a_tag_tells_which_finding_was_right() -> None:
    found = findings_table(
        [Finding("a", "x", "LBL001", 0.9), Finding("a", "x", "QLT003", 0.9)], "r"
    )
    ids = found["id"].to_pylist()
    said = [response("a", "ann", "drop", ids, tags=json.dumps(["damaged_text"]))]
    assert {p.code: p.right for p in precision(found, said, policy(RULE))} == {
        "LBL001": 0,
        "QLT003": 1,
    }


def test_private_details_count_where_they_were_marked() -> None:
    found = findings_table([Finding("a", "pii", "PII001", 0.9)], "r")
    (name,) = found["id"].to_pylist()
    assert precision(found, [response("a", "ann", "keep", [name])], policy(RULE)) == ()
    marks = json.dumps(
        [{"part": 0, "start": 0, "end": 2, "label": "not_personal", "findings": [name]}]
    )
    (figure,) = precision(
        found, [response("a", "ann", "keep", [name], personal=marks)], policy(RULE)
    )
    assert (figure.reviewed, figure.right) == (1, 0)


@pytest.mark.parametrize(
    ("words", "why", "to"),
    [
        (lambda score: "keep" if score < 0.7 else "drop", "idle", 0.7),
        (lambda score: "fix" if score < 0.7 else "keep", "below", 0.4),
        (lambda score: "drop" if score >= 0.6 else "keep", "sure", 0.6),
    ],
)
def test_thresholds_are_proposed_from_what_people_said(words: Any, why: str, to: float) -> None:
    scores = [round(0.5 + i / 200, 3) for i in range(100)]
    (figure,) = judged({f"r{i:03}": (s, words(s)) for i, s in enumerate(scores)}, [RULE])
    proposal = next(p for p in figure.proposals if p.why == why)
    assert proposal.to == pytest.approx(to, abs=0.07)
    assert (proposal.rule, proposal.now) == ("r0", 0.5)


def test_bounds_hold_the_share_and_close_in() -> None:
    assert bounds(0, 0) == (0.0, 1.0)
    for right, n in ((0, 5), (3, 5), (5, 5), (60, 100)):
        low, high = bounds(right, n)
        assert 0 <= low <= right / n <= high <= 1
    assert bounds(6, 10)[0] < bounds(60, 100)[0]


# --- agreement ---------------------------------------------------------------------------


def test_agreement_of_two_and_of_three() -> None:
    words = {"a": "kk", "b": "kd", "c": "dd", "d": "ff", "e": "k"}
    long = {"k": "keep", "d": "drop", "f": "fix"}
    said = [
        response(r, f"u{i}", long[w], []) for r, some in words.items() for i, w in enumerate(some)
    ]
    figure = agreement(said)
    assert (figure.records, figure.agreed) == (4, 3)
    # Kappa by hand: observed 3/4, by chance (2·1 + 1·2 + 1·1)/16.
    assert figure.cohen == {"u0, u1": pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16), abs=1e-4)}
    # Alpha by hand: 8 values (k 3, d 3, f 2), one record differs.
    observed, expected = 2 / 8, (64 - 9 - 9 - 4) / (8 * 7)
    assert figure.krippendorff == pytest.approx(1 - observed / expected, abs=1e-4)
    third = [*said, response("a", "u2", "drop", []), response("b", "u2", "drop", [])]
    assert set(agreement(third).cohen) == {"u0, u1", "u0, u2", "u1, u2"}


def test_agreement_is_not_defined_where_nobody_differs() -> None:
    same = [response(r, u, "keep", []) for r in "ab" for u in ("ann", "bob")]
    figure = agreement(same)
    assert (figure.records, figure.agreed, figure.krippendorff) == (2, 2, None)
    assert figure.cohen == {"ann, bob": None}
    assert agreement([response("a", "ann", "keep", [])]).records == 0


# --- order -------------------------------------------------------------------------------


def signals(scores: Sequence[float], *, seed: int = 0, topic: Any = None) -> Signals:
    draw = np.random.default_rng(seed)
    n = len(scores)
    vectors = [draw.normal(size=(n, 8)).astype(np.float32) for _ in range(2)]
    if topic is not None:
        vectors[0][:, 0] += 6 * np.asarray(topic)
    vectors = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in vectors]
    groups = np.zeros(n, np.int64) if topic is None else np.asarray(topic, np.int64)
    fit = fits(*vectors)
    return Signals(np.array(scores)[:, None], *vectors, fit, groups, np.ones(n, np.int64))


def test_before_any_review_the_scores_tell_the_order() -> None:
    none = np.zeros((3, 1), np.float32)
    known = Signals(
        np.array([[0.6], [0.9], [0.7]]),
        none,
        none,
        fits(none, none),
        np.arange(3),
        np.array([1] * 3),
    )
    assert order(known, {}) == [1, 2, 0]
    heavy = replace(known, worth=np.array([1, 1, 40]))
    assert order(heavy, {})[0] == 2, "what stands for many is looked at first"


def test_a_swapped_answer_fits_worse_than_its_own_did() -> None:
    draw = np.random.default_rng(1)
    topics = draw.normal(size=(8, 16))
    base = topics[np.arange(160) % 8] + 0.4 * draw.normal(size=(160, 16))
    question, answer = (
        (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
        for v in (base, base + 0.4 * draw.normal(size=(160, 16)))
    )
    before = fits(question, answer)
    answer[[0, 1]] = answer[[1, 0]]
    after = fits(question, answer)
    for row in (0, 1):
        assert after[row, 0] < before[row, 0], "less like"
        assert after[row, 1] > before[row, 1], "other answers fit better"
        assert after[row, 2] > before[row, 2], "it fits other questions better"
        assert after[row, 3] < before[row, 3], "near questions are answered otherwise"
    assert not fits(np.zeros((50, 4), np.float32), answer[:50, :4]).any(), "no vectors, no fit"


def test_of_records_that_ask_the_same_not_all_come_at_once() -> None:
    known = signals([0.80, 0.79, 0.78, 0.77, 0.76], topic=[0, 0, 0, 0, 1])
    assert order(known, {}).index(4) < 3


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(0, 3))
def test_the_order_holds_each_record_once_and_is_the_same_again(n: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    known = signals(draw.uniform(0.5, 1, 80).tolist(), seed=seed)
    said = {int(i): bool(draw.integers(2)) for i in draw.permutation(80)[:n]}
    line = order(known, said)
    assert sorted([*line, *said]) == list(range(80))
    assert order(known, dict(reversed(said.items()))) == line, "whatever the order of the answers"


def test_what_people_say_of_a_topic_moves_the_others_of_it() -> None:
    topic = [i % 2 for i in range(200)]
    known = signals([0.7] * 200, topic=topic)
    said = {i: bool(topic[i]) for i in range(60)}
    rest = order(known, said)
    assert sum(topic[i] for i in rest[:50]) > 40
    assert probabilities(known, said)[61] > probabilities(known, said)[60]
