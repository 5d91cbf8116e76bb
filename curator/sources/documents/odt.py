"""OpenDocument texts (.odt): headings, paragraphs, lists, tables, notes, text boxes.

The markup is that of OpenDocument 1.3 (OASIS), which LibreOffice writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.sources.documents.grids import markdown_table
from curator.sources.documents.outline import Outline
from curator.sources.documents.packages import Parts, package
from curator.sources.documents.text import read_whole
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_TEXT, _TABLE = f"{{{_OASIS}:text:1.0}}", f"{{{_OASIS}:table:1.0}}"
_DRAW, _OFFICE = f"{{{_OASIS}:drawing:1.0}}", f"{{{_OASIS}:office:1.0}}"
_STYLE = f"{{{_OASIS}:style:1.0}}"
_MIME = b"application/vnd.oasis.opendocument.text"
_MOST_COLUMNS, _MOST_SPACES = 200, 100


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
    body.walk(content.find(f"{_OFFICE}body/{_OFFICE}text"))
    return body.outline.parts, {}


def _numbered(roots: Sequence[Any]) -> set[tuple[str, int]]:
    """Return the list styles and levels that have numbers and no bullets."""
    return {
        (str(style.get(f"{_STYLE}name")), int(level.get(f"{_TEXT}level") or 1))
        for root in roots
        for style in root.iter(f"{_TEXT}list-style")
        for level in style.iterfind(f"{_TEXT}list-level-style-number")
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
            if element.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                self._paragraphs += 1
                self._paragraph(element)
            elif element.tag == f"{_TEXT}list":
                first = self._paragraphs + 1
                lines = self._list(element, str(element.get(f"{_TEXT}style-name")), 1)
                self.outline.add("list", "\n".join(lines), f"paragraph {first}")
            elif element.tag == f"{_TABLE}table":
                self._tables += 1
                self.outline.add("table", _table(element), f"table {self._tables}")
            elif element.tag != f"{_TEXT}tracked-changes" and isinstance(element.tag, str):
                self.walk(element)

    def _paragraph(self, element: Any) -> None:
        locator = f"paragraph {self._paragraphs}"
        text, boxes, notes = _inline(element)
        if element.tag == f"{_TEXT}h":
            level = int(element.get(f"{_TEXT}outline-level") or 1)
            self.outline.heading(level, " ".join(text.split()), locator)
        else:
            self.outline.add("paragraph", text.strip(), locator)
        for box in boxes:
            said = [_inline(p)[0].strip() for p in box.iter(f"{_TEXT}p", f"{_TEXT}h")]
            self.outline.add("paragraph", "\n".join(filter(None, said)), f"{locator} text box")
        for mark, note in notes:
            self._notes += 1
            self.outline.add("paragraph", f"[^{mark}]: {note}", f"note {self._notes}")

    def _list(self, element: Any, style: str, level: int) -> list[str]:
        lines: list[str] = []
        number = 0
        for item in element:
            fresh = item.tag == f"{_TEXT}list-item"
            for inner in item:
                if inner.tag == f"{_TEXT}list":
                    own = str(inner.get(f"{_TEXT}style-name") or style)
                    lines += self._list(inner, own, level + 1)
                elif inner.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                    self._paragraphs += 1
                    number += fresh
                    mark = f"{number}." if (style, level) in self._numbered else "-"
                    shown = f"{mark} " if fresh else "  "
                    text = " ".join(_flat(inner).split())
                    lines += [f"{'  ' * (level - 1)}{shown}{text}"] if text else []
                    fresh = False
        return lines


def _inline(paragraph: Any) -> tuple[str, list[Any], list[tuple[str, str]]]:
    """Return a paragraph's text, its text boxes, and its notes with their marks."""
    boxes: list[Any] = []
    notes: list[tuple[str, str]] = []
    return "".join(_run(paragraph, boxes, notes)), boxes, notes


def _run(element: Any, boxes: list[Any], notes: list[tuple[str, str]]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == f"{_TEXT}s":
            yield " " * min(int(child.get(f"{_TEXT}c") or 1), _MOST_SPACES)
        elif child.tag == f"{_TEXT}tab":
            yield "\t"
        elif child.tag == f"{_TEXT}line-break":
            yield "\n"
        elif child.tag == f"{_TEXT}note":
            mark = (child.findtext(f"{_TEXT}note-citation") or "*").strip()
            body = child.find(f"{_TEXT}note-body")
            notes.append((mark, " ".join(_flat(body).split()) if body is not None else ""))
            yield f"[^{mark}]"
        elif child.tag == f"{_DRAW}text-box":
            boxes.append(child)
        elif child.tag != f"{_OFFICE}annotation" and isinstance(child.tag, str):
            yield from _run(child, boxes, notes)
        yield child.tail or ""


def _flat(container: Any) -> str:
    """Return all text below an element, paragraphs apart."""
    said = []
    for paragraph in container.iter(f"{_TEXT}p", f"{_TEXT}h"):
        text, _, notes = _inline(paragraph)
        said += [text, *(f"({note})" for _, note in notes)]
    return " ".join(said)


def _table(table: Any) -> str:
    """Return a table; a cell that reaches over others stands in each of them."""
    rows: list[list[str]] = []
    for y, tr in enumerate(table.iter(f"{_TABLE}table-row")):
        rows += [[] for _ in range(y + 1 - len(rows))]
        x = 0
        for cell in tr.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            text = " ".join(_flat(cell).split())
            across, down = _count(cell, "columns-spanned"), _count(cell, "rows-spanned")
            times = _count(cell, "columns-repeated")
            if cell.tag == f"{_TABLE}table-cell":
                for at in range(y, y + down):
                    rows += [[] for _ in range(at + 1 - len(rows))]
                    row = rows[at]
                    row += [""] * (x + max(across, times) - len(row))
                    row[x : x + max(across, times)] = [text] * max(across, times)
            x += times
    return markdown_table(rows)


def _count(cell: Any, name: str) -> int:
    return min(int(cell.get(f"{_TABLE}number-{name}") or 1), _MOST_COLUMNS)


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
