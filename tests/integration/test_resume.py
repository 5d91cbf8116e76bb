"""Killed at any moment, run again: the exports are byte-identical to those of an undisturbed run."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

import curator as api
from curator import workspace as workspaces
from tests.answer_key import SAMPLE
from tests.conftest import clean_env, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KILLS = int(os.environ.get("CURATOR_KILLS", "2"))
CUTS = int(os.environ.get("CURATOR_CUTS", "12"))
"""How many moments are tried; more by the environment, since each costs a run or two."""
RECIPE = """\
sources:
  - {path: zh.jsonl}
  - {path: en.tsv}
  - {path: fever_leaflet_zh.md}
"""


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every exported file, by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "exports").rglob("*"))
        if path.is_file() and ".tmp-" not in str(path)
    }


def latest(folder: Path) -> tuple[list[str], dict[str, bytes]]:
    """The rows of the last instruction dataset, whichever split they went to, and the last corpus.

    The splits rest on what was exported before, for a record never moves.
    """
    rows = [
        line
        for split in ("train", "validation", "test")
        for path in folder.glob(f"exports/instruction/latest/{split}.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    corpus = {path.name: path.read_bytes() for path in folder.glob("exports/rag/latest/*")}
    assert rows
    assert corpus
    return sorted(rows), corpus


def project(folder: Path, recipe: str = RECIPE) -> Path:
    """A project of three of the sample's sources."""
    folder.mkdir(parents=True)
    shutil.copy(SAMPLE / "raw" / "paediatrics_zh.jsonl", folder / "zh.jsonl")
    shutil.copy(SAMPLE / "raw" / "service_en.tsv", folder / "en.tsv")
    shutil.copy(SAMPLE / "docs" / "fever_leaflet_zh.md", folder)
    (folder / "curator.yaml").write_text(recipe, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def undisturbed(
    curator: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], float]:
    """The exports of a run that nothing disturbed, and how long it took."""
    folder = project(tmp_path_factory.mktemp("undisturbed") / "p")
    began = time.monotonic()
    curator("run", folder, "--workers", 2)
    found = digests(folder)
    assert any(name.endswith("train.jsonl") for name in found)
    assert any(name.endswith("chunks.jsonl") for name in found)
    return found, time.monotonic() - began


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments(
    curator: Callable[..., Any],
    tmp_path: Path,
    workers: int,
    undisturbed: tuple[dict[str, str], float],
) -> None:
    wanted, seconds = undisturbed
    moments = random.Random(f"moments {workers}")
    killed = 0
    for i in range(KILLS):
        folder = project(tmp_path / str(i))
        arguments = [command(), "run", str(folder), "--workers", str(workers)]
        running = subprocess.Popen(
            arguments,
            env=clean_env(),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        time.sleep(moments.uniform(0.2, seconds))
        running.send_signal(signal.SIGKILL)
        killed += running.wait() == -signal.SIGKILL
        curator("run", folder, "--workers", workers)
        assert digests(folder) == wanted, f"kill {i}"
        assert json.loads(curator("status", "-p", folder, "--json").stdout)["conserved"]
        shutil.rmtree(folder)
    assert killed or KILLS == 1, "every run ended before it was killed: the moments are too late"


CHEAP = """\
sources:
  - {path: zh.jsonl}
  - {path: en.tsv}
  - {path: fever_leaflet_zh.md}
checks: {pii: false, semantic_duplicates: false, label_issues: false, category_labels: false,
  outliers: false, language: false}
workers: 1
"""


class Crash(BaseException):
    """Stands for a power cut."""


@pytest.fixture
def crash_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[int]]]:
    """Make the n-th finished write fail just before its file takes its place."""
    original = os.replace

    def arm(n: int) -> list[int]:
        count = [0]

        def replace(source: Any, target: Any, **more: Any) -> None:
            count[0] += 1
            if count[0] == n:
                raise Crash
            original(source, target, **more)

        monkeypatch.setattr(os, "replace", replace)
        monkeypatch.setattr(workspaces.Path, "replace", replace)
        monkeypatch.setattr(workspaces.Path, "rename", replace)
        return count

    yield arm
    monkeypatch.undo()


def test_cut_off_at_a_write(tmp_path: Path, crash_at: Callable[[int], list[int]]) -> None:
    """From the first write to the last, with the checks that need no model."""
    whole = project(tmp_path / "whole", CHEAP)
    writes = crash_at(-1)
    api.open(whole).run()
    wanted, total = digests(whole), writes[0]
    assert total > 20
    for n in sorted({round(1 + (total - 1) * i / (CUTS - 1)) for i in range(CUTS)}):
        folder = project(tmp_path / f"cut-{n}", CHEAP)
        crash_at(n)
        with pytest.raises(Crash):
            api.open(folder).run()
        crash_at(-1)
        api.open(folder).run()
        assert digests(folder) == wanted, f"cut at write {n} of {total}"
        assert api.open(folder).status()["conserved"]
        shutil.rmtree(folder)


def test_records_are_never_touched_after_ingest(tmp_path: Path) -> None:
    """P2: checks, decisions and exports leave every record part as it was read."""
    folder = project(tmp_path / "p", CHEAP)
    opened = api.open(folder)
    opened.ingest()
    before = {
        p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in opened.workspace.records.iterdir()
    }
    opened.run()
    after = {
        p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in opened.workspace.records.iterdir()
    }
    assert after == before


@pytest.mark.parametrize("order", [("en.tsv", "zh.jsonl"), ("zh.jsonl", "en.tsv")])
def test_sources_added_one_by_one_or_together(tmp_path: Path, order: tuple[str, str]) -> None:
    """Growing a project costs only what is new, and ends where a fresh project starts."""
    recipe = "sources: [{{path: {}}}]\nchecks: {{pii: false, semantic_duplicates: false, label_issues: false, category_labels: false, outliers: false, language: false}}\nworkers: 1\n"
    folder = project(tmp_path / "grown", recipe.format(order[0]))
    api.open(folder).run()
    both = recipe.replace("[{{path: {}}}]", "[{{path: {}}}, {{path: {}}}]").format(*order)
    (folder / "curator.yaml").write_text(both, encoding="utf-8")
    api.open(folder).run()
    fresh = project(tmp_path / "fresh", both)
    api.open(fresh).run()
    assert latest(folder) == latest(fresh)
