"""Planted duplicates of invented rows: nothing lost, nothing merged that is not the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import generate
from tests.benchmarks.duplicates import RECALL, judged, ours

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 3_000


@pytest.mark.parametrize("lang", generate.LANGUAGES)
def test_planted_duplicates_fall_and_what_only_looks_like_one_stands(
    lang: str, tmp_path: Path
) -> None:
    rows = generate.planted(generate.invented(lang, 2_000), lang, ROWS)
    assert len(rows) == ROWS
    kinds = {kind: sum(row.kind == kind for row in rows) for kind in generate.APART}
    assert min(kinds.values()) >= ROWS // 100, kinds
    pairs = ours(generate.write(rows, tmp_path, part_rows=1_000), tmp_path)
    score = judged(rows, pairs)
    assert score.lost == 0
    assert score.merged == 0
    assert score.precision >= 0.999
    assert score.recall >= RECALL[lang]
    inner = [(a, b) for a, b, code in pairs if code == "DUP003"]
    right, wrong, planted = generate.around(rows, inner)
    assert wrong <= 0.01 * right
    assert right >= 0.9 * planted


def test_the_same_rows_come_at_every_call() -> None:
    pools = [generate.invented("zh", 200) for _ in range(2)]
    assert generate.planted(pools[0], "zh", 300) == generate.planted(pools[1], "zh", 300)
