"""The table of docs/duplicates.md says what the checks do."""

from __future__ import annotations

import pytest

from docs.duplicate_table import EXAMPLES, PAGES, outcomes, with_table


@pytest.fixture(scope="module")
def found() -> list[dict[str, str]]:
    return outcomes()


@pytest.mark.parametrize("tongue", sorted(PAGES))
def test_the_table_is_up_to_date(tongue: str, found: list[dict[str, str]]) -> None:
    page = PAGES[tongue].read_text(encoding="utf-8")
    assert page == with_table(page, tongue, found), "run: python -m docs.duplicate_table"


def test_what_differs_keeps_records_apart(found: list[dict[str, str]]) -> None:
    apart = {
        "another dose", "another year", "a negation", "an antonym", "another drug", "another place",
        "swapped roles", "another kind of question (why, how)", "the same question, another answer",
        "a translation",
    }  # fmt: skip
    seen = set()
    for example, row in zip(EXAMPLES, found, strict=True):
        if example.differs["en"] in apart:
            seen.add(example.differs["en"])
            assert "keep_one" not in (row["DUP001"], row["DUP003"], row["DUP005"]), example
    assert seen == apart


def test_what_says_the_same_is_joined(found: list[dict[str, str]]) -> None:
    same = {"punctuation and width", "punctuation and case", "another way of asking"}
    for example, row in zip(EXAMPLES, found, strict=True):
        if example.differs["en"] in same:
            assert "keep_one" in row.values(), example
