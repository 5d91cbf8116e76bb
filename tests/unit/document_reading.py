"""How the tests of documents read a file: as ingest does, with every unit accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.schema import Source
from curator.sources import Tally, read, sniff
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from pathlib import Path

Item = Record | Quarantined | SetAside
Block = tuple[str, str, tuple[str, ...], str]


def items_of(path: Path) -> list[Item]:
    """Read a file, and check that no unit is lost on the way."""
    source = sniff(path, Source(path=str(path))).source
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read
    return found


def record_of(path: Path) -> Record:
    """Return the one record that a document is."""
    (record,) = items_of(path)
    assert isinstance(record, Record)
    assert (record.kind, record.provenance.locator) == ("document", record.parts[0].locator)
    return record


def blocks_of(path: Path) -> list[Block]:
    """Return role, locator, heading path and text of each block."""
    parts = record_of(path).parts
    return [(p.role, p.locator, p.heading_path, p.text) for p in parts]


def reason_of(path: Path) -> tuple[str, str]:
    """Return the locator and the reason of a file that is quarantined whole."""
    (item,) = items_of(path)
    assert isinstance(item, Quarantined)
    return item.locator, item.reason
