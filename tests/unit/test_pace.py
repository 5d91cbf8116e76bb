"""How long a step may take: from what it took here, as a range; told only where it is long."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from curator.cli.output import Stages
from curator.pace import Expected, expected, remember, span, spoken
from curator.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_measured_here_narrows_the_range() -> None:
    supposed = expected(["pii", "quality"], 10.0, 38_000, 2)
    assert supposed
    remember({"pii": 60.0, "quality": 4.0}, 10.0, 2)
    measured = expected(["pii", "quality"], 10.0, 38_000, 2)
    assert measured
    assert measured.low < 64.0 < measured.high
    assert measured.high / measured.low < supposed.high / supposed.low
    half = expected(["pii", "quality"], 10.0, 38_000, 4)
    assert half
    assert half.high == pytest.approx(measured.high / 2)


def test_what_is_short_is_neither_told_nor_kept(cache: Path) -> None:
    assert expected(["quality"], 0.1, 100, 1) is None
    assert expected([], 1000.0, 100, 1) is None
    remember({"quality": 0.3}, 10.0, 2)
    remember({"quality": 30.0}, 0.01, 2)
    assert not cache.exists()


def test_only_the_last_times_are_kept_and_a_broken_file_is_none(cache: Path) -> None:
    for seconds in range(10, 20):
        remember({"pii": float(seconds)}, 1.0, 1)
    assert json.loads((cache / "pace.json").read_text("utf-8"))["pii"] == [15, 16, 17, 18, 19]
    (cache / "pace.json").write_text("{", "utf-8")
    assert expected(["pii"], 10.0, 9, 1)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (12, 44, "10–40 s"),
        (41, 42, "40 s"),
        (130, 400, "2–7 min"),
        (2000, 9000, "1–2 h"),
        (2, 95, "1–2 min"),
    ],
)
def test_a_range_is_said_in_one_unit(low: float, high: float, said: str) -> None:
    assert span(low, high) == said


def test_it_is_said_in_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    estimate = Expected(130.0, 400.0, 38_000)
    told = spoken(estimate)
    assert told == "about 2–7 min for 38,000 records"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for terminal, quiet, shown in ((True, False, True), (True, True, False), (False, False, False)):
        out = Terminal() if terminal else io.StringIO()
        monkeypatch.setattr(sys, "stderr", out)
        with Stages(quiet=quiet) as stages:
            stages.expect(estimate)
        assert (told in out.getvalue()) is shown


def test_a_run_is_told_of_before_its_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "qa.jsonl").write_text('{"question": "When?", "answer": "On Monday."}\n', "utf-8")
    (folder / "curator.yaml").write_text("sources: [{path: qa.jsonl}]\nworkers: 1\n", "utf-8")
    monkeypatch.setattr("curator.pace.WORTH_TELLING", 0.0)
    told: list[Expected] = []
    project = Project(folder, expect=told.append)
    project.ingest()
    project.check(["quality"])
    assert [one.records for one in told] == [1]
    project.check(["quality"])
    assert len(told) == 1, "what is fresh takes no time"
