"""OpenDocument texts (.odt): headings, paragraphs, lists, tables, notes, text boxes.

The markup is that of OpenDocument 1.3 (OASIS), which LibreOffice writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.sources.documents.grids import markdown_table
from curator.sources.documents.opendocument import OFFICE, STYLE, TABLE, TEXT, flat, inline
from curator.sources.documents.outline import Outline
from curator.sources.documents.packages import Parts, package
from curator.sources.documents.text import read_whole
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

_MIME = b"application/vnd.oasis.opendocument.text"
_MOST_COLUMNS = 200


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    with opened(reading.path) as file:
        parts = Parts(file)
        content = parts.root("content.xml")
        styles = [name for name in ("styles.xml",) if name in parts.names]
        roots = [content, *map(parts.root, styles)]
    body = _Body(_numbered(roots))
    body.walk(content.find(f"{OFFICE}body/{OFFICE}text"))
    return body.outline.parts, {}


def _numbered(roots: Sequence[Any]) -> set[tuple[str, int]]:
    """Return the list styles and levels that have numbers and no bullets."""
    return {
        (str(style.get(f"{STYLE}name")), int(level.get(f"{TEXT}level") or 1))
        for root in roots
        for style in root.iter(f"{TEXT}list-style")
        for level in style.iterfind(f"{TEXT}list-level-style-number")
    }


class _Body:
    """Walks through the body and makes blocks of it."""

    def __init__(self, numbered: set[tuple[str, int]]) -> None:
        self.outline = Outline()
        self._numbered = numbered
        self._paragraphs = self._tables = self._notes = 0

    def walk(self, container: Any) -> None:
        """Take the blocks of a body, in order."""
        for element in container:
            if element.tag in (f"{TEXT}p", f"{TEXT}h"):
                self._paragraphs += 1
                self._paragraph(element)
            elif element.tag == f"{TEXT}list":
                first = self._paragraphs + 1
                lines = self._list(element, str(element.get(f"{TEXT}style-name")), 1)
                self.outline.add("list", "\n".join(lines), f"paragraph {first}")
            elif element.tag == f"{TABLE}table":
                self._tables += 1
                self.outline.add("table", _table(element), f"table {self._tables}")
            elif element.tag != f"{TEXT}tracked-changes" and isinstance(element.tag, str):
                self.walk(element)

    def _paragraph(self, element: Any) -> None:
        locator = f"paragraph {self._paragraphs}"
        text, boxes, notes = inline(element)
        if element.tag == f"{TEXT}h":
            level = int(element.get(f"{TEXT}outline-level") or 1)
            self.outline.heading(level, " ".join(text.split()), locator)
        else:
            self.outline.add("paragraph", text.strip(), locator)
        for box in boxes:
            said = [inline(p)[0].strip() for p in box.iter(f"{TEXT}p", f"{TEXT}h")]
            self.outline.add("paragraph", "\n".join(filter(None, said)), f"{locator} text box")
        for mark, note in notes:
            self._notes += 1
            self.outline.add("paragraph", f"[^{mark}]: {note}", f"note {self._notes}")

    def _list(self, element: Any, style: str, level: int) -> list[str]:
        lines: list[str] = []
        number = 0
        for item in element:
            fresh = item.tag == f"{TEXT}list-item"
            for inner in item:
                if inner.tag == f"{TEXT}list":
                    own = str(inner.get(f"{TEXT}style-name") or style)
                    lines += self._list(inner, own, level + 1)
                elif inner.tag in (f"{TEXT}p", f"{TEXT}h"):
                    self._paragraphs += 1
                    number += fresh
                    mark = f"{number}." if (style, level) in self._numbered else "-"
                    shown = f"{mark} " if fresh else "  "
                    text = " ".join(flat(inner).split())
                    lines += [f"{'  ' * (level - 1)}{shown}{text}"] if text else []
                    fresh = False
        return lines


def _table(table: Any) -> str:
    """Return a table; a cell that reaches over others stands in each of them."""
    rows: list[list[str]] = []
    for y, tr in enumerate(table.iter(f"{TABLE}table-row")):
        rows += [[] for _ in range(y + 1 - len(rows))]
        x = 0
        for cell in tr.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            text = " ".join(flat(cell).split())
            across, down = _count(cell, "columns-spanned"), _count(cell, "rows-spanned")
            times = _count(cell, "columns-repeated")
            if cell.tag == f"{TABLE}table-cell":
                for at in range(y, y + down):
                    rows += [[] for _ in range(at + 1 - len(rows))]
                    row = rows[at]
                    row += [""] * (x + max(across, times) - len(row))
                    row[x : x + max(across, times)] = [text] * max(across, times)
            x += times
    return markdown_table(rows)


def _count(cell: Any, name: str) -> int:
    return min(int(cell.get(f"{TABLE}number-{name}") or 1), _MOST_COLUMNS)


def _recognise(start: Start) -> float:
    if _MIME not in start.data[:200]:
        return 0.0
    return PROVEN * package(start, "content.xml", ".odt", ".ott")


FORMATS = (
    Format(
        "odt",
        "document",
        "OpenDocument text: headings, paragraphs, lists, tables, notes",
        "OpenDocument 文档：标题、段落、列表、表格与脚注",
        _recognise,
        read_file,
        binary=True,
    ),
)
