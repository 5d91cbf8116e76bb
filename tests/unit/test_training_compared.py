"""What a comparison of raw with curated says of its figures, and what a run says of its own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from curator.cli.training import NOTHING_HELD_OUT, outcome
from curator.train.compare import Comparison


def compared(*pairs: tuple[float, float]) -> dict[str, Any]:
    rows = [
        {"arm": arm, "seed": seed, "after": loss}
        for seed, pair in enumerate(pairs)
        for arm, loss in zip(("raw", "curated"), pair, strict=True)
    ]
    return Comparison(rows, {}, 100, Path("picture.svg")).facts()


def test_the_interval_is_students_over_the_differences_of_seeds() -> None:
    told = compared((2.00, 1.98), (2.10, 2.06), (1.95, 1.92))
    assert told["gain"] == pytest.approx(0.03)
    low, high = told["interval"]
    # A deviation of 0.01 over three seeds: 4.303 * 0.01 / sqrt(3) to either side.
    assert (low, high) == (pytest.approx(0.00516, abs=1e-4), pytest.approx(0.05484, abs=1e-4))
    assert told["wins"] == told["seeds"] == 3
    assert told["told"]["en"].startswith("curation helped: the clean loss is 0.0300 lower")
    assert "95 %: 0.0052 … 0.0548" in told["told"]["zh"]


def test_seeds_that_disagree_are_told_as_no_clear_difference() -> None:
    told = compared((2.00, 1.98), (2.00, 2.01))
    assert told["told"]["en"].startswith("no clear difference: curated was better with 1 of 2")
    assert told["interval"][0] < 0 < told["interval"][1]
    worse = compared((2.00, 2.01), (2.00, 2.02))
    assert worse["told"]["zh"].startswith("整理没有帮助")


def test_one_seed_has_no_interval() -> None:
    told = compared((2.0, 1.9))
    assert told["interval"] is None
    assert "95 %" not in told["told"]["en"]


def test_a_run_without_held_out_rows_says_so() -> None:
    def run(losses: dict[str, dict[str, float]]) -> Any:
        return SimpleNamespace(card=lambda: {"result": {"losses": losses, "forgetting": None}})

    assert set(NOTHING_HELD_OUT) <= set(outcome(run({})))
    told = outcome(run({"domain": {"before": 2.0, "after": 1.5}}))
    assert told[0] == "domain loss: 2.0000 → 1.5000"
    assert not set(NOTHING_HELD_OUT) & set(told)
