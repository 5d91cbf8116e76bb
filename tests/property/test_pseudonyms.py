"""Pseudonyms: what is hidden comes back to the letter, and one person is one surrogate everywhere."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.edits import apply
from curator.originals import hidden, restored
from curator.pseudonymise import Pseudonymiser, mentions
from curator.schema import Pseudonyms
from curator.tables import finding_row
from curator.vault import Keys
from tests.property.test_redaction import EN, ZH, filled, findings, record

if TYPE_CHECKING:
    from curator.types import Record

KEYS = Keys("id", b"h" * 32, b"s" * 32)
TEXTS = st.lists(st.sampled_from([*ZH, *EN]), min_size=1, max_size=4)
OFTEN = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def there_and_back(said: Record, settings: Pseudonyms) -> tuple[list[str], list[str]]:
    """Return the surrogates of a record, and its texts as they come back from them."""
    found = findings([part.text for part in said.parts])
    rows = [finding_row(replace(f, record_id=said.id), "run") for f in found]
    edits = Pseudonymiser(settings, KEYS).edits(said, [row for row in rows if row["replacement"]])
    shown = [part.text for part in apply(said.parts, edits)]
    back = restored(shown, hidden(shown, mentions(said, edits)))
    return [edit.replacement for edit in edits], back


@pytest.mark.parametrize("style", ["coded", "realistic"])
@pytest.mark.parametrize("link", ["project", "conversation", "none"])
@OFTEN
@given(TEXTS, st.integers(0, 2**32 - 1))
def test_what_is_hidden_comes_back_to_the_letter(
    style: str, link: str, templates: list[str], seed: int
) -> None:
    draw = random.Random(seed)
    said = record([filled(template, draw)[0] for template in templates])
    how = Pseudonyms.model_validate({"style": style, "link": link})
    _, back = there_and_back(said, how)
    assert back == [part.text for part in said.parts]


@OFTEN
@given(TEXTS, st.integers(0, 2**32 - 1))
def test_the_same_details_have_the_same_surrogates_in_every_file_and_run(
    templates: list[str], seed: int
) -> None:
    draw = random.Random(seed)
    said = record([filled(template, draw)[0] for template in templates])
    elsewhere = replace(said, id="another", provenance=replace(said.provenance, source_uri="b"))
    how = Pseudonyms.model_validate({"style": "coded", "link": "project"})
    first, other, again = (there_and_back(one, how)[0] for one in (said, elsewhere, said))
    assert first == other == again
