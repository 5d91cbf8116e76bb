"""Evaluation files as items: a question each, and the answer where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from curator.checks.outside import outside_units, unread
from curator.pairs import pairs
from curator.types import Quarantined, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.sources.formats import Item as Unit


class Item(NamedTuple):
    """One evaluation item: the file's name, where in it, and what is asked and answered."""

    file: str
    locator: str
    question: str
    answer: str


def evaluation_items(places: Sequence[str], temporary: Path) -> list[Item]:
    """Return the items of evaluation files, each question with its answer once.

    Files are read as sources are. A row whose columns have no name that says what they
    are is taken by its longest columns; a row that no record can be made of, by its text.

    Args:
        places: absolute paths of files, folders and archives, or patterns.
        temporary: where archives are unpacked.

    Raises:
        RecipeError: a file cannot be read, or holds no item.

    """
    items: dict[tuple[str, str], Item] = {}
    for name, units in outside_units(places, "contamination", temporary):
        read = 0
        for unit in units:
            for question, answer, locator in _said(unit):
                if question.strip() or answer.strip():
                    read += 1
                    item = Item(name, locator, question, answer)
                    items.setdefault((question, answer), item)
        if not read:
            raise unread("contamination", f"{name}: no item could be read")
    return list(items.values())


def _said(unit: Unit) -> Iterator[tuple[str, str, str]]:
    """Yield the questions and answers of a unit, and where they stand."""
    if isinstance(unit, Quarantined):
        yield unit.raw.decode("utf-8", "replace"), "", unit.locator
    elif isinstance(unit, Record):
        if unit.kind == "document":
            for part in unit.parts:
                yield part.text, "", part.locator or unit.provenance.locator
            return
        found = pairs(unit)
        for pair in found:
            yield pair.question, pair.answer, unit.provenance.locator
        if not found:
            text = "\n".join(part.text for part in unit.parts)
            yield text, "", unit.provenance.locator
