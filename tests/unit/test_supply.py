"""What curator is made of: told in one form, and pinned to the last bit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from curator.models.pins import PINS, Pin
from supply import closure
from supply.sbom import document
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_that_is_installed_is_pinned() -> None:
    assert list(closure.amiss()) == []


def test_the_document_is_the_same_at_every_call_and_whole() -> None:
    command = [sys.executable, "-m", "supply.sbom"]
    said = [subprocess.run(command, cwd=ROOT, capture_output=True, check=True) for _ in range(2)]
    assert said[0].stdout == said[1].stdout
    told = json.loads(said[0].stdout)
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    by_name = {one["name"]: one for one in told["components"]}
    assert by_name["pyarrow"]["version"] == version("pyarrow")
    refs = {one["bom-ref"] for one in told["components"]}
    needed = {ref for one in told["dependencies"] for ref in one["dependsOn"]}
    assert needed <= refs
    weights = [one for one in told["components"] if one["type"] == "machine-learning-model"]
    pins = {sha for pin in PINS["encoder"].values() for sha in pin.files.values()}
    assert pins & {one["hashes"][0]["content"] for one in weights}


def test_an_extra_adds_what_it_needs() -> None:
    names = {one["name"] for one in document(["review"])["components"]}
    assert "argilla" in names
    assert "argilla" not in {one["name"] for one in document()["components"]}


@pytest.mark.parametrize(
    ("line", "what"),
    [("numpy>=2", "no pin: numpy>=2"), ("a==1\nA==2", "line 2: a is pinned twice")],
)
def test_a_constraint_that_is_no_pin_is_told(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(what)):
        closure.pinned(path)


def test_what_is_not_pinned_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = closure.pinned()
    less = {k: v for k, v in pins.items() if k != "pyarrow"} | {"numpy": "0.1"}
    monkeypatch.setattr(closure, "pinned", lambda: less)
    monkeypatch.setitem(PINS["encoder"], "loose", Pin("numpy==1", "numpy", {"weights": "abc"}))
    told = "\n".join(closure.amiss())
    assert f"pyarrow {version('pyarrow')} is needed and not pinned" in told
    assert f"numpy {version('numpy')} is installed, 0.1 is pinned" in told
    assert "numpy holds weights: pyproject.toml must name ==1 alone" in told
    assert "numpy holds weights: each of its files needs a sha256" in told
