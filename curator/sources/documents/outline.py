"""A document as it grows: blocks in order, each with the headings that it stands under."""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.types import Part


@dataclass
class Outline:
    """Collects the blocks of a document, and knows under which headings the next one stands."""

    parts: list[Part] = field(default_factory=list)
    _path: list[tuple[int, str]] = field(default_factory=list)

    def heading(self, level: int, text: str, locator: str) -> None:
        """Add a heading; a lower level stands higher. One without text only closes others."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if text.strip():
            self.add("heading", text, locator)
            self._path.append((level, " ".join(text.split())))

    def add(self, role: str, text: str, locator: str) -> None:
        """Add a block, unless it is blank."""
        if text.strip():
            path = tuple(text for _, text in self._path)
            self.parts.append(Part(role, text, locator=locator, heading_path=path))
