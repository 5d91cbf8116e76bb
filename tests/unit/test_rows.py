"""From a conversation to rows: whole, split, windowed, bounded, under a system prompt."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from curator.exports.dialogue import dialogue
from curator.exports.rows import row_schema, rows_of, without_nulls
from curator.schema import InstructionExport
from tests.synthetic import conversation

TALK = conversation(
    "1",
    ("user", "头疼怎么办"), ("assistant", "休息。"),
    ("user", "and fever?"), ("assistant", "drink water"),
    ("user", "查订单"), ("tool", "已发货"), ("assistant", "已经发货"),
    label="儿科",
)  # fmt: skip


def rows(**how: Any) -> list[dict[str, Any]]:
    fits = how.pop("fits", None)
    return rows_of(TALK, dialogue(TALK), InstructionExport(**how), fits)


def said(row: dict[str, Any]) -> list[str]:
    """Each message, the context that is not learnt in brackets."""
    return [f"({m['content']})" if m.get("weight") == 0 else m["content"] for m in row["messages"]]


def at_most(letters: int) -> Any:
    return lambda messages: sum(len(m["content"]) for m in messages) <= letters


ALL = ["头疼怎么办", "休息。", "and fever?", "drink water", "查订单", "已发货", "已经发货"]


def test_whole_is_one_row_that_learns_every_answer() -> None:
    (row,) = rows()
    assert said(row) == ALL
    assert "piece" not in row
    assert row_schema(InstructionExport()).names == ["id", "messages", "label", "lang", "source"]


def test_split_is_a_row_an_answer_with_all_before_it_as_context() -> None:
    found = rows(turns="split")
    assert [said(row) for row in found] == [
        ["头疼怎么办", "休息。"],
        ["头疼怎么办", "(休息。)", "and fever?", "drink water"],
        ["头疼怎么办", "(休息。)", "and fever?", "(drink water)", "查订单", "已发货", "已经发货"],
    ]
    assert [row["piece"] for row in found] == [1, 2, 3]
    assert {row["id"] for row in found} == {TALK.id}


def test_a_window_holds_the_last_exchanges() -> None:
    assert [said(row) for row in rows(turns="window", window=2)] == [
        ["头疼怎么办", "休息。"],
        ["头疼怎么办", "(休息。)", "and fever?", "drink water"],
        ["and fever?", "(drink water)", "查订单", "已发货", "已经发货"],
    ]
    assert [said(row) for row in rows(turns="window", window=1)] == [
        ALL[:2], ALL[2:4], ALL[4:],
    ]  # fmt: skip


def test_what_is_too_long_is_cut_between_exchanges_and_nothing_is_lost() -> None:
    how = {"tokenizer": "qwen", "max_tokens": 16}
    assert [said(r) for r in rows(fits=at_most(30), **how)] == [ALL[:4], ALL[4:]]
    # An exchange that is too long by itself stays whole; the handshake tells of it.
    assert [said(r) for r in rows(fits=at_most(10), **how)] == [ALL[:2], ALL[2:4], ALL[4:]]
    assert [said(r) for r in rows(fits=at_most(99), **how)] == [ALL]


def test_context_that_has_no_room_is_left_off() -> None:
    found = rows(turns="split", fits=at_most(30), tokenizer="qwen", max_tokens=16)
    assert [said(row) for row in found] == [
        ALL[:2], ["头疼怎么办", "(休息。)", "and fever?", "drink water"],
        ["查订单", "已发货", "已经发货"],
    ]  # fmt: skip


def test_every_piece_bears_the_system_prompt_and_counts_it() -> None:
    how = {"tokenizer": "qwen", "max_tokens": 16}
    assert [said(r) for r in rows(fits=at_most(32), **how)] == [ALL[:4], ALL[4:]]
    found = rows(fits=at_most(32), system_prompt="你是医生", **how)
    assert [said(r) for r in found] == [
        ["你是医生", *part] for part in (ALL[:2], ALL[2:4], ALL[4:])
    ]


@pytest.mark.parametrize(
    ("asked", "lang", "label", "told"),
    [
        ("你是{label}医生。", "zh", "儿科", "你是儿科医生。"),
        ({"zh": "你是医生。", "en": "You are a doctor."}, "en", None, "You are a doctor."),
        ({"zh": "你是医生。", "other": "Answer in {lang}."}, "ja", None, "Answer in ja."),
        ({"zh": "你是医生。"}, "en", None, None),
        (None, "zh", None, None),
    ],
)
def test_the_system_prompt_is_by_language_and_label(
    asked: Any, lang: str, label: str | None, told: str | None
) -> None:
    record = conversation("2", ("user", "问"), ("assistant", "答"), lang=lang, label=label)
    (row,) = rows_of(record, dialogue(record), InstructionExport(system_prompt=asked))
    first = row["messages"][0]
    assert (first["content"] if first["role"] == "system" else None) == told


def test_a_system_prompt_of_its_own_stands_before_the_recipes() -> None:
    record = conversation("3", ("system", "自己的"), ("user", "问"), ("assistant", "答"))
    (row,) = rows_of(record, dialogue(record), InstructionExport(system_prompt="别的"))
    assert said(row) == ["自己的", "问", "答"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"system_prompt": "你是{name}"}, "{name} stands for nothing"),
        ({"system_prompt": {"zh": "}"}}, "braces that do not match"),
        ({"turns": "window"}, "go together"),
        ({"window": 3}, "go together"),
        ({"max_tokens": 512}, "max_tokens needs a tokenizer"),
    ],
)
def test_wishes_that_do_not_fit_are_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        InstructionExport(**wrong)


def test_rows_are_read_back_as_they_were_made() -> None:
    import pyarrow as pa

    how = InstructionExport(turns="split")
    made = rows(turns="split")
    table = pa.Table.from_pylist(made, schema=row_schema(how))
    assert [without_nulls(row) for row in table.to_pylist()] == made
