"""Word documents (.docx): paragraphs, headings, numbered lists, tables, notes, text boxes.

The markup is that of ECMA-376 part 1 (WordprocessingML). Text that was deleted under
track changes is left out, inserted text is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.sources.documents.drawings import chart, diagram
from curator.sources.documents.grids import markdown_table
from curator.sources.documents.numbering import Numbering
from curator.sources.documents.outline import Outline
from curator.sources.documents.packages import Parts, package
from curator.sources.documents.text import read_whole
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MARKS = {
    f"{_W}tab": "\t",
    f"{_W}ptab": "\t",
    f"{_W}cr": "\n",
    f"{_W}noBreakHyphen": "-",
}
_SKIPPED = {f"{_W}{name}" for name in ("del", "moveFrom", "instrText", "rt", "pPr", "rPr")} | {
    f"{_MC}Fallback"
}
_BOX = f"{_W}txbxContent"
_DRAWN = (
    "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart",
    "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds",
)
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_BODY_LEVEL = 9
_BESIDE = ("header", "footer", "comments")
_MOST_COLUMNS = 100
_NOTES = {f"{_W}footnoteReference": "footnote", f"{_W}endnoteReference": "endnote"}


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    with opened(reading.path) as file:
        parts = Parts(file)
        body = _Body(parts)
        body.walk(parts.root(parts.main()).find(f"{_W}body"))
        return body.outline.parts, _left_out(parts)


def _left_out(parts: Parts) -> dict[str, str]:
    """Say how many texts beside the body (headers, footers, comments) are not read."""
    kinds = {kind: len(parts.related(parts.main(), kind)) for kind in _BESIDE}
    said = ", ".join(f"{n} {kind}" for kind, n in kinds.items() if n)
    return {"left_out": said} if said else {}


class _Body:
    """Walks through the body and makes blocks of it."""

    def __init__(self, parts: Parts) -> None:
        self.outline = Outline()
        self._parts = parts
        self._styles = _Styles(_related(parts, "styles"))
        self._numbering = Numbering(_related(parts, "numbering"))
        self._notes = {
            kind: _notes(_related(parts, f"{kind}s"), kind) for kind in ("footnote", "endnote")
        }
        self._paragraphs = self._tables = 0
        self._items: list[str] = []
        self._items_at = ""

    def walk(self, container: Any) -> None:
        """Take the blocks of a body, in order."""
        for element in _blocks_in(container):
            if element.tag == f"{_W}p":
                self._paragraphs += 1
                self._paragraph(element, f"paragraph {self._paragraphs}")
            else:
                self._tables += 1
                self._end_list()
                self._table(element, f"table {self._tables}")
        self._end_list()

    def _paragraph(self, p: Any, locator: str) -> None:
        text, boxes, notes = _inline(p)
        style = self._styles.of(p)
        label = self._numbering.label(p, style) if text.strip() else None
        level = style.level if style.level is not None else _BODY_LEVEL
        if level < _BODY_LEVEL and text.strip():
            self._end_list()
            said = f"{label.text} {text}" if label and not label.is_bullet else text
            self.outline.heading(level, " ".join(said.split()), locator)
        elif label:
            self._items_at = self._items_at or locator
            indent = "  " * label.level
            self._items.append(f"{indent}{'-' if label.is_bullet else label.text} {text.strip()}")
        elif text.strip():
            self._end_list()
            self.outline.add("paragraph", text.strip(), locator)
        if boxes or notes:
            self._end_list()
        for box in boxes:
            if box.tag in _DRAWN:
                self._drawing(box, locator)
                continue
            for inner in _blocks_in(box):
                if inner.tag == f"{_W}p":
                    self._paragraph(inner, f"{locator.removesuffix(' text box')} text box")
                else:
                    self._table(inner, f"{locator} text box")
        if boxes:
            self._end_list()
        for kind, number in notes:
            said = self._notes[kind].get(number, "")
            if said:
                self.outline.add("paragraph", f"[^{number}]: {said}", f"{kind} {number}")

    def _drawing(self, refers: Any, locator: str) -> None:
        """Take a chart as a table of its figures, a diagram as a list of its texts."""
        name = refers.get(f"{_R}id") or refers.get(f"{_R}dm")
        data = self._parts.read(self._parts.target(self._parts.main(), str(name)))
        if refers.tag == _DRAWN[0]:
            found = chart(data)
            self.outline.add("paragraph", found.title, f"{locator} chart")
            self.outline.add("table", markdown_table(found.rows), f"{locator} chart")
        else:
            items = "\n".join(f"- {text}" for text in diagram(data))
            self.outline.add("list", items, f"{locator} diagram")

    def _table(self, table: Any, locator: str) -> None:
        rows = _grid(table)
        if len({id(cell) for row in rows for cell in row if cell is not None}) == 1:
            # One cell alone is a frame around text, no table.
            cell = next(cell for row in rows for cell in row if cell is not None)
            for element in _blocks_in(cell):
                if element.tag == f"{_W}p":
                    self._paragraph(element, locator)
                else:
                    self._table(element, locator)
            self._end_list()
            return
        texts, notes = _cell_texts(rows)
        self.outline.add("table", markdown_table(texts), locator)
        for kind, number in notes:
            if self._notes[kind].get(number):
                said = f"[^{number}]: {self._notes[kind][number]}"
                self.outline.add("paragraph", said, f"{kind} {number}")

    def _end_list(self) -> None:
        if self._items:
            self.outline.add("list", "\n".join(self._items), self._items_at)
        self._items, self._items_at = [], ""


class _Style:
    """What a paragraph's style says: its outline level and its numbering."""

    def __init__(self, level: int | None, numbering: Any) -> None:
        self.level, self.numbering = level, numbering


class _Styles:
    """The paragraph styles of a document, each with what it inherits."""

    def __init__(self, styles: Any) -> None:
        self._by_id: dict[str, Any] = {}
        self._default = ""
        if styles is None:
            return
        for style in styles.iterfind(f"{_W}style"):
            if style.get(f"{_W}type") == "paragraph":
                self._by_id[style.get(f"{_W}styleId")] = style
                if style.get(f"{_W}default") in ("1", "true", "on"):
                    self._default = style.get(f"{_W}styleId")

    def of(self, p: Any) -> _Style:
        """Return what holds for a paragraph, its own properties before its style's."""
        own = p.find(f"{_W}pPr")
        level = _value(own, "outlineLvl")
        numbering = own.find(f"{_W}numPr") if own is not None else None
        name = _value(own, "pStyle") or self._default
        seen: set[str] = set()
        while name in self._by_id and name not in seen:
            seen.add(name)
            style = self._by_id[name]
            properties = style.find(f"{_W}pPr")
            if level is None:
                level = _value(properties, "outlineLvl") or _named_level(_value(style, "name"))
            if numbering is None and properties is not None:
                numbering = properties.find(f"{_W}numPr")
            name = _value(style, "basedOn") or ""
        return _Style(
            int(level) if level is not None and level.lstrip("-").isdigit() else None, numbering
        )


def _named_level(name: str | None) -> str | None:
    """Return the outline level of a style that says it by its name alone; a title is above all."""
    words = (name or "").casefold().split()
    if len(words) == 2 and words[0] in ("heading", "标题", "標題") and words[1].isdigit():
        return str(int(words[1]) - 1)
    return "-1" if words in (["title"], ["标题"], ["標題"]) else None


def _value(element: Any, name: str) -> str | None:
    found = element.find(f"{_W}{name}") if element is not None else None
    return found.get(f"{_W}val") if found is not None else None


def _related(parts: Parts, kind: str) -> Any:
    """Return the root of a part that the document refers to, None where there is none."""
    names = parts.related(parts.main(), kind)
    return parts.root(names[0]) if names and names[0] in parts.names else None


def _notes(root: Any, kind: str) -> dict[str, str]:
    if root is None:
        return {}
    texts = {}
    for note in root.iterfind(f"{_W}{kind}"):
        said = [_inline(p)[0].strip() for p in note.iter(f"{_W}p")]
        texts[str(note.get(f"{_W}id"))] = " ".join(text for text in said if text)
    return texts


def _blocks_in(container: Any) -> Iterator[Any]:
    """Yield the paragraphs and tables of a body, a cell or a box, those in content controls too."""
    for child in container:
        if child.tag in (f"{_W}p", f"{_W}tbl"):
            yield child
        elif child.tag in (
            f"{_W}sdt",
            f"{_W}sdtContent",
            f"{_W}customXml",
            f"{_W}ins",
            f"{_W}moveTo",
            f"{_MC}AlternateContent",
            f"{_MC}Choice",
        ):
            yield from _blocks_in(child)


def _inline(p: Any) -> tuple[str, list[Any], list[tuple[str, str]]]:
    """Return a paragraph's text, its text boxes, and the notes that it refers to."""
    out: list[str] = []
    boxes: list[Any] = []
    notes: list[tuple[str, str]] = []
    _run(p, out, boxes, notes)
    return "".join(out), boxes, notes


def _run(element: Any, out: list[str], boxes: list[Any], notes: list[tuple[str, str]]) -> None:
    for child in element:
        tag = child.tag
        if tag in (f"{_W}t", f"{_M}t"):
            out.append(child.text or "")
        elif tag in _MARKS:
            out.append(_MARKS[tag])
        elif tag == f"{_W}br":
            out.append("" if child.get(f"{_W}type") in ("page", "column") else "\n")
        elif tag in _NOTES:
            number = str(child.get(f"{_W}id"))
            out.append(f"[^{number}]")
            notes.append((_NOTES[tag], number))
        elif tag in (_BOX, *_DRAWN):
            boxes.append(child)
        elif tag not in _SKIPPED and isinstance(tag, str):
            _run(child, out, boxes, notes)


def _grid(table: Any) -> list[list[Any]]:
    """Return the cells of a table as a grid; a merged cell stands wherever it reaches."""
    rows: list[list[Any]] = []
    for tr in _rows(table):
        properties = tr.find(f"{_W}trPr")
        cells: list[Any] = [None] * min(int(_value(properties, "gridBefore") or 0), _MOST_COLUMNS)
        for tc in _cells(tr):
            own = tc.find(f"{_W}tcPr")
            merge = own.find(f"{_W}vMerge") if own is not None else None
            cell = tc
            if merge is not None and merge.get(f"{_W}val") in (None, "continue") and rows:
                at = len(cells)
                cell = rows[-1][at] if at < len(rows[-1]) else tc
            cells += [cell] * min(max(int(_value(own, "gridSpan") or 1), 1), _MOST_COLUMNS)
        rows.append(cells)
    return rows


def _rows(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag == f"{_W}tr":
            properties = child.find(f"{_W}trPr")
            if properties is None or properties.find(f"{_W}del") is None:
                yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"):
            yield from _rows(child)


def _cells(row: Any) -> Iterator[Any]:
    for child in row:
        if child.tag == f"{_W}tc":
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml"):
            yield from _cells(child)


def _cell_texts(rows: list[list[Any]]) -> tuple[list[list[str]], list[tuple[str, str]]]:
    known: dict[int, str] = {}
    notes: list[tuple[str, str]] = []
    for row in rows:
        for cell in row:
            if cell is not None and id(cell) not in known:
                known[id(cell)] = _flat(cell, notes)
    return [[known[id(c)] if c is not None else "" for c in row] for row in rows], notes


def _flat(container: Any, notes: list[tuple[str, str]]) -> str:
    """Return all text of a cell in one line: its paragraphs, boxes and inner tables."""
    said = []
    for element in _blocks_in(container):
        if element.tag == f"{_W}p":
            text, boxes, more = _inline(element)
            notes += more
            said += [text, *(_flat(box, notes) for box in boxes if box.tag == _BOX)]
        else:
            seen: set[int] = set()
            for row in _grid(element):
                for cell in row:
                    if cell is not None and id(cell) not in seen:
                        seen.add(id(cell))
                        said.append(_flat(cell, notes))
    return " ".join(text for text in said if text.strip())


def _recognise(start: Start) -> float:
    return PROVEN * package(start, "word/", ".docx", ".docm", ".dotx")


FORMATS = (
    Format(
        "docx",
        "document",
        "Word document: headings, paragraphs, lists, tables, notes",
        "Word 文档：标题、段落、列表、表格与脚注",
        _recognise,
        read_file,
        binary=True,
    ),
)
