"""Whatever a server says that people have answered, it is kept, or one error says that it cannot be.

`CURATOR_FUZZ` sets how many answers are tried.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.errors import ReviewError
from curator.review import pull
from curator.review.client import Stored
from curator.review.places import Places
from curator.review.questions import QUESTIONS, SPAN_FIELDS, span_question
from curator.review.queue import OURS
from curator.types import Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

COUNT = int(os.environ.get("CURATOR_FUZZ", "200"))
TEXTS = ("我叫王小明😀，电话13800138000", "好的，稍等。")
RECORD = Record(
    "r1",
    "conversation",
    tuple(Part(role, text) for role, text in zip(("user", "assistant"), TEXTS, strict=True)),
    "zh",
    Provenance("a.jsonl", "0", "line 1"),
)
FOUND = [
    {
        "record_id": "r1",
        "id": "f1",
        "code": "PII001",
        "part": 0,
        "start": 2,
        "end": 5,
        "replacement": "[姓名1]",
    }
]

json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["keep", "drop", "fix", "submitted", "personal", "2026-01-01T00:00:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "start", "end", "label"]), inner, max_size=4)
    ),
    max_leaves=8,
)
marks = st.fixed_dictionaries(
    {"start": st.integers(-40, 90), "end": st.integers(-40, 90), "label": st.text(max_size=9)}
)
values = st.dictionaries(
    st.sampled_from([*QUESTIONS, *map(span_question, SPAN_FIELDS), "else"]),
    json | st.fixed_dictionaries({"value": json | st.lists(marks, max_size=3)}),
)
responses = st.fixed_dictionaries(
    {
        "values": values | json,
        "status": st.sampled_from(["submitted", "draft", "discarded"]) | json,
        "user_id": json,
        "updated_at": st.just("2026-01-01T00:00:00") | json,
    }
)


class Shown:
    def __init__(self, *_: object) -> None:
        self.contents = {"r1": "sha"}
        self.records = {"r1": RECORD}

    def places(self, record_id: str) -> Places:
        return Places(record_id, FOUND)


@settings(
    max_examples=COUNT,
    deadline=None,
    derandomize="CURATOR_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(responses, st.sampled_from(["sha", "other"]))
def test_answers(monkeypatch: pytest.MonkeyPatch, response: Mapping[str, Any], sha: str) -> None:
    parts = {field: [i] for i, field in enumerate(SPAN_FIELDS[:2])}
    about = {"content": sha, "parts": parts, "findings": ["f1"]}
    stored = Stored("id", "r1-x", {OURS: about}, ())
    monkeypatch.setattr(pull, "Shown", Shown)
    monkeypatch.setattr(pull, "plan_of", lambda *_: None)
    try:
        (kept,) = pull._reviews(None, None, None, [(stored, response)], {})  # type: ignore[arg-type]
    except ReviewError as error:
        told = f"{error.message} {error.hint}"
        assert "王小明" not in told
        return
    assert kept
    for review in kept:
        assert (review.record_id, review.content_sha) == ("r1", sha)
        assert review.value is None or isinstance(review.value, str)
