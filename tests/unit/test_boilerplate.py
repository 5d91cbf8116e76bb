"""Boilerplate: which clauses it is, and what near-duplicates are without it."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.checks.near_duplicates import NearDuplicates
from curator.engine import LocalEngine
from curator.protocols import Scope
from curator.similarity.boilerplate import boilerplate, clause_key, clauses, frequent, places
from curator.tables import records_table
from curator.types import Part, Provenance, Record
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

Turns = tuple[str, str]
ZH = (
    "您好，感谢您的咨询，",
    "。以上内容仅供参考，不能代替医生的诊断，如有不适请及时到医院就诊。祝您早日康复！",
)
EN = (
    "Hello, thank you for contacting our support team, ",
    ". This message is confidential, it is meant for the addressee alone, and it was scanned. Kind regards, [PERSON_{n}]",
)
THINGS_ZH = [
    "窗帘",
    "水壶",
    "自行车",
    "阳台",
    "洗碗机",
    "地毯",
    "书架",
    "台灯",
    "冰箱",
    "门锁",
    "雨伞",
    "沙发",
    "风扇",
    "镜子",
    "花盆",
]
DOINGS_ZH = ["清洗", "修理", "拆下", "安装", "上油", "更换", "检查", "搬运", "晾干", "包装"]


def corpus(n: int = 240) -> list[Turns]:
    """Return questions and answers, each answer between a greeting and a signature."""
    draw = random.Random(5)
    rows = []
    for i in range(n):
        own = [f"{draw.choice(THINGS_ZH)}要{draw.choice(DOINGS_ZH)}{i}次" for _ in range(6)]
        before, after = ZH if i % 2 else EN
        rows.append((f"第{i}件事怎么做{i * 7}", before + "，".join(own) + after.format(n=i)))
    return rows


def told(
    rows: Sequence[Turns],
    folder: Path,
    *,
    size: int = 999,
    workers: int = 1,
    earlier: int = 0,
    **params: Any,
) -> list[tuple[Any, ...]]:
    """Return the pairs; with `earlier`, after the check ran on so many parts alone."""
    records = [
        Record(
            f"r{i}",
            "conversation",
            (Part("user", q), Part("assistant", a)),
            "und",
            Provenance("s", "0", str(i)),
        )
        for i, (q, a) in enumerate(rows)
    ]
    parts = []
    for low in range(0, len(records), size):
        parts.append(folder / "view" / f"s-{low:04d}.parquet")
        write_table(parts[-1], records_table(records[low : low + size]))
    check = NearDuplicates(**params)
    with LocalEngine(workers) as engine:
        if earlier:
            list(check.run(Scope(engine, tuple(parts[:earlier]), folder / "cache", folder / "e")))
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases")
        return [
            (f.record_id, f.peer_id, f.code, f.score, tuple(f.evidence.items()))
            for f in check.run(scope)
        ]


@given(st.text(max_size=60))
def test_clauses_joined_are_the_text(text: str) -> None:
    assert "".join(clauses(text)) == text


def test_greetings_and_signatures_are_found_and_copied_answers_are_not() -> None:
    canned = "先断电，再拧开底盖，取出滤网，用清水冲洗，最后装回去。"
    rows = [*corpus(), *((f"怎么清洗第{i}号机器", canned) for i in range(200))]
    texts = [[("user", q), ("assistant", a)] for q, a in rows]
    found = set(boilerplate(frequent(places(texts), 3)).tolist())
    for clause in (
        "您好，",
        "不能代替医生的诊断",
        "祝您早日康复",
        "THANK you for contacting our support team",
    ):
        assert clause_key(clause) in found, clause
    assert clause_key([" Kind regards", " [PERSON_7]"][1]) in found, "whoever signs"
    for clause in clauses(canned):
        assert clause_key(clause) not in found, clause


def test_what_only_boilerplate_has_in_common_is_no_pair_and_what_only_it_sets_apart_is(
    tmp_path: Path,
) -> None:
    before, after = ZH
    short = (
        ("门铃响吗", before + "门铃要换电池" + after),
        ("鱼缸漏吗", before + "鱼缸要补胶" + after),
    )
    long = "先把旧的窗帘取下来，量好窗户的宽度，再按照说明书把轨道拧紧，最后挂上新的窗帘"
    apart = ("窗帘怎么换", long), ("窗帘怎么换", before + long + after)
    rows = [*corpus(), *short, *apart]
    n = len(rows)
    kept = {t[:2]: t for t in told(rows, tmp_path / "kept")}
    left_out = {t[:2]: t for t in told(rows, tmp_path / "left", boilerplate=True)}
    shorts, aparts = (f"r{n - 3}", f"r{n - 4}"), (f"r{n - 1}", f"r{n - 2}")
    assert shorts in kept
    assert shorts not in left_out
    assert left_out[aparts][2:4] == ("DUP002", 1.0)
    assert aparts not in kept or kept[aparts][3] < 1.0


def test_a_record_of_nothing_else_is_compared_as_it_stands(tmp_path: Path) -> None:
    whole = ZH[0] + ZH[1].lstrip("。")
    rows = [*corpus(), ("您好", whole), ("您好", ZH[1].lstrip("。"))]
    pairs = {t[:2] for t in told(rows, tmp_path, boilerplate=True)}
    assert (f"r{len(rows) - 1}", f"r{len(rows) - 2}") in pairs


@pytest.mark.parametrize(("size", "workers", "earlier"), [(37, 1, 0), (37, 2, 0), (50, 1, 2)])
def test_parts_workers_and_what_came_before_make_no_difference(
    size: int, workers: int, earlier: int
) -> None:
    rows = [*corpus(160), *((q, a + "谢谢您") for q, a in corpus(40))]
    with tempfile.TemporaryDirectory() as name:
        whole = told(rows, Path(name) / "whole", boilerplate=True)
        assert len(whole) > 30
        many = told(
            rows,
            Path(name) / "many",
            size=size,
            workers=workers,
            earlier=earlier,
            boilerplate=True,
        )
        assert many == whole
