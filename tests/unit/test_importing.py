"""What the checks import: nothing that a library of theirs only looks for."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from curator.importing import in_place_of, without

LOOKED_FOR = ("torch", "transformers", "nltk", "stanza", "gliner")
SCRIPT = f"""
import sys
import curator.pii.recognisers
from curator.models.ner import EnglishNames
from curator.readability import readability
readability("Read it once. Then go on.", "en")
assert EnglishNames().find(["John Smith lives in Leeds."])[0]
print([name for name in {LOOKED_FOR!r} if name in sys.modules])
import nltk.data
"""


def test_names_rules_and_readability_need_none_of_what_is_looked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_what_was_kept_out_can_be_imported_afterwards() -> None:
    sys.modules.pop("colorsys", None)
    with without("colorsys", "json"):
        import json

        assert json.dumps(1) == "1", "what is imported already stays"
        with pytest.raises(ImportError):
            import colorsys
    import colorsys

    assert colorsys.rgb_to_hls(0, 0, 0) == (0, 0, 0)


def test_a_stand_in_is_gone_after_the_block_however_it_ends() -> None:
    with pytest.raises(KeyError), in_place_of(a_stand_in=ModuleType("a_stand_in")):
        raise KeyError(importlib.import_module("a_stand_in").__name__)
    assert "a_stand_in" not in sys.modules
