"""Memory runs out in a record check: fewer records at a time, then all but the one that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pytest

from curator import check as checks
from curator.check import Judge
from curator.redact import NOT_CHECKED, Redact
from curator.rules import load_rules
from curator.tables import records_from, records_table
from curator.types import Finding, Part, Provenance, Record, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

HUGE = "太大 " * 40


class Hungry:
    """Finds the first character of each record; cannot do with many records, nor with a huge one."""

    name: ClassVar[str] = "hungry"
    view: ClassVar[str] = "raw"
    most: ClassVar[int] = 3

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        if len(records) > self.most:
            raise MemoryError
        for record in records_from(records):
            if record.parts[0].text == HUGE:
                raise pa.ArrowMemoryError
            yield Finding(
                record.id, "hungry", "PII001", 0.9, span=Span(0, 0, 1), replacement="[姓名1]"
            )


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    monkeypatch.setattr(checks, "check_class", lambda _: Hungry)
    return Judge("hungry", "run", {})


def record(number: int, text: str) -> Record:
    parts = (Part("user", text), Part("assistant", ""), Part("user", "再见"))
    return Record(f"r{number:02d}", "conversation", parts, "zh", Provenance("a", "b", str(number)))


def test_the_one_record_is_told_and_the_others_are_checked(judge: Judge) -> None:
    texts = [HUGE if i == 7 else f"第{i}条" for i in range(20)]
    found = judge(records_table(record(i, text) for i, text in enumerate(texts)))
    rows = found.to_pylist()
    told = [row for row in rows if row["code"] == NOT_CHECKED]
    assert {row["record_id"] for row in told} == {"r07"}
    assert [(row["part"], row["start"], row["end"]) for row in told] == [
        (0, 0, len(HUGE)),
        (2, 0, 2),
    ]
    assert {row["record_id"] for row in rows} == {f"r{i:02d}" for i in range(20)}
    assert len(rows) == 21


def test_the_findings_are_those_of_any_batch(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    table = records_table(record(i, f"第{i}条") for i in range(17))
    few = judge(table)
    monkeypatch.setattr(Hungry, "most", 100)
    assert judge(table).equals(few)


def test_nobody_sees_what_nobody_checked(judge: Judge) -> None:
    table = records_table([record(0, HUGE), record(1, "王小明")])
    (hidden, shown) = records_from(Redact()(table, judge(table)))
    assert [part.text for part in hidden.parts] == ["[未检查]", "", "[未检查]"]
    assert shown.parts[0].text == "[姓名1]小明"


def test_it_is_dropped_and_nobody_overrides_it() -> None:
    (rule,) = (r for r in load_rules().policy.rules if r.when.code == NOT_CHECKED)
    assert rule.then == "drop"
    assert not rule.reviewer_may_override
