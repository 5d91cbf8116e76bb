"""A text as private details are looked for in it, and the way back to how it was written."""

from __future__ import annotations

from dataclasses import dataclass

from curator.pii.matching import narrow
from curator.repair import Repaired, repaired, searchable
from curator.text import script


@dataclass(frozen=True, slots=True)
class SearchText:
    """A part as it is searched: its encoding repaired; `narrow` is the same in half width."""

    text: str
    narrow: str
    script: str
    way_back: Repaired | None

    @classmethod
    def of(cls, text: str) -> SearchText:
        """Repair a text and take out whatever hides a number or a name."""
        edits = searchable(text)
        if not edits:
            return cls(text, narrow(text), script(text), None)
        way_back = repaired(text, edits)
        return cls(way_back.text, narrow(way_back.text), script(way_back.text), way_back)

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """Return the span with the repaired stretches that it touches taken whole."""
        return self.way_back.whole(start, end) if self.way_back else (start, end)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the part as it was read."""
        return self.way_back.original(start, end) if self.way_back else (start, end)
