from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from curator.checks.outliers import Outliers
from curator.confident import outlier_scores
from curator.engine import LocalEngine
from curator.protocols import Scope
from curator.tables import records_table
from curator.types import Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THINGS = [
    "冰箱",
    "洗衣机",
    "空调",
    "电饭煲",
    "吸尘器",
    "热水器",
    "微波炉",
    "电风扇",
    "洗碗机",
    "烤箱",
]


def talk(number: int, *texts: str) -> Record:
    roles = ("user", "assistant") * len(texts)
    parts = tuple(Part(role, text) for role, text in zip(roles, texts, strict=False))
    place = Provenance("u", "s", f"line {number}")
    return Record(f"r{number:04d}", "conversation", parts, "und", place)


def appliances() -> list[Record]:
    asked = [
        (f"{thing}{what}", f"{thing}请先断电，再{then}。")
        for thing in THINGS
        for what, then in (
            ("不工作了怎么办？", "检查插头，十分钟后重新开机"),
            ("怎么保养？", "擦净外壳和滤网"),
            ("保修几年？", "凭发票报修，整机保修一年"),
            ("声音很大怎么办？", "放平机身，拧紧螺丝"),
            ("漏电怎么办？", "请师傅上门检查地线"),
        )
    ]
    return [talk(i, *pair) for i, pair in enumerate(asked)]


def run(rows: Sequence[Record], folder: Path, n_parts: int = 1) -> list[Finding]:
    folder.mkdir(exist_ok=True)
    size = -(-len(rows) // n_parts)
    parts = []
    for n in range(n_parts):
        path = folder / f"part-{n}.parquet"
        pq.write_table(records_table(rows[n * size : (n + 1) * size]), path)
        parts.append(path)
    with LocalEngine() as engine:
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases")
        return list(Outliers(encoder="use-multilingual").run(scope))


def test_a_long_talk_about_something_else_is_found_whatever_the_parts(tmp_path: Path) -> None:
    odd = talk(
        900,
        *("请写一首关于雨夜的诗。", "雨落在瓦上，猫蜷在灯旁。"),
        *("再写一首关于大海的。", "浪把月亮揉碎，又一片片还给沙滩。"),
    )
    rows = [*appliances(), odd]
    [one] = run(rows, tmp_path / "one")
    [other] = run(rows, tmp_path / "three", 3)
    assert one.record_id == other.record_id == "r0900"
    assert one.score == pytest.approx(other.score, abs=1e-4)
    assert one.evidence["distance"] == pytest.approx(-math.log(1 - one.score), abs=0.01)


def test_another_language_is_no_outlier_and_few_are_not_compared(tmp_path: Path) -> None:
    english = talk(900, "Write a poem about rain.", "Rain on the tiles, a cat by the lamp.")
    assert run([*appliances(), english], tmp_path / "en") == []
    poem = talk(901, "请写一首关于雨夜的诗。", "雨落在瓦上，猫蜷在灯旁。")
    assert run([*appliances()[:30], poem], tmp_path / "few") == []
    assert run([], tmp_path / "none") == []


def test_the_score_is_about_two_thirds_where_the_distance_is_the_usual_one() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 8)).astype(np.float32) * 0.1 + np.eye(8, dtype=np.float32)[0]
    far = -np.eye(8, dtype=np.float32)[[0]]
    scores = outlier_scores(np.concatenate([rows, far]))
    assert np.median(scores) == pytest.approx(1 - math.exp(-1), abs=0.02)
    assert scores.argmax() == 400
    assert scores[400] > 0.99
