"""What finds private details does without PyTorch, however much of it is installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from curator.models.lean import without_torch

LOADED = """
import sys
import curator.pii.recognisers
from curator.models.ner import EnglishNames
found = EnglishNames("en-core-web-sm").find(["My doctor is called Emily Watson."])
assert [(n.start, n.end) for n in found[0]] == [(20, 32)], found
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""


def test_names_and_numbers_are_found_without_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_it_can_be_imported_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with without_torch(), pytest.raises(ImportError):
        import torch  # noqa: F401
    assert "torch" not in sys.modules


def test_what_was_imported_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    there = object()
    monkeypatch.setitem(sys.modules, "torch", there)  # type: ignore[arg-type]
    with without_torch():
        assert sys.modules["torch"] is there
    assert sys.modules["torch"] is there
