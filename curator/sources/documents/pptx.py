"""PowerPoint presentations (.pptx): slide by slide, the title a heading, with tables and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.sources.documents.drawings import chart, diagram
from curator.sources.documents.grids import markdown_table
from curator.sources.documents.numbering import letters, roman
from curator.sources.documents.outline import Outline
from curator.sources.documents.packages import package
from curator.sources.documents.text import read_whole
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = ("TITLE", "CENTER_TITLE", "VERTICAL_TITLE")
_FURNITURE = ("DATE", "FOOTER", "HEADER", "SLIDE_NUMBER")
_BULLETED = ("BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT")
_COUNTED: dict[str, Callable[[int], str]] = {
    "alphaLc": letters,
    "alphaUc": lambda n: letters(n).upper(),
    "romanLc": roman,
    "romanUc": lambda n: roman(n).upper(),
}


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    from pptx.package import Package  # noqa: PLC0415 - only presentations need it

    with opened(reading.path) as file:  # slide shows and templates are opened just as well
        presentation = Package.open(file).main_document_part.presentation
    outline, left_out = Outline(), 0
    for number, slide in enumerate(presentation.slides, 1):
        found = _Slide(slide, f"slide {number}", outline)
        found.walk()
        left_out += found.left_out
    meta = {"slides": str(len(presentation.slides))}
    if left_out:
        meta["left_out"] = f"{left_out} dates, footers and slide numbers"
    return outline.parts, meta


class _Slide:
    """Takes one slide into the outline."""

    def __init__(self, slide: Any, locator: str, outline: Outline) -> None:
        self._slide, self._locator, self._outline = slide, locator, outline
        self._tables = 0
        self.left_out = 0

    def walk(self) -> None:
        shapes = list(self._slide.shapes)
        title = next((s for s in shapes if _placeholder(s) in _TITLES and _text(s)), None)
        self._outline.heading(1, " ".join(_text(title).split()) if title else "", self._locator)
        for shape in shapes:
            if shape is not title:
                self._shape(shape)
        if self._slide.has_notes_slide:
            frame = self._slide.notes_slide.notes_text_frame
            said = [_line(p) for p in frame.paragraphs] if frame is not None else []
            notes = "\n".join(line for line in said if line)
            self._outline.add("paragraph", notes, f"{self._locator} notes")

    def _shape(self, shape: Any) -> None:
        if hasattr(shape, "shapes"):
            for inner in shape.shapes:
                self._shape(inner)
        elif getattr(shape, "has_table", False):
            self._tables += 1
            rows = _cells(shape.table)
            self._outline.add(
                "table", markdown_table(rows), f"{self._locator} table {self._tables}"
            )
        elif getattr(shape, "has_chart", False):
            self._chart(shape.chart_part)
        elif getattr(shape, "has_text_frame", False):
            if _placeholder(shape) in _FURNITURE:
                self.left_out += bool(_text(shape))
            else:
                self._frame(shape)
        else:
            self._diagram(shape)

    def _frame(self, shape: Any) -> None:
        """Take a text frame: its lists as lists, what stands between them as paragraphs."""
        bulleted = _placeholder(shape) in _BULLETED
        items: list[str] = []
        counts: dict[int, int] = {}
        for paragraph in shape.text_frame.paragraphs:
            text = _line(paragraph)
            if not text:
                continue
            level = paragraph.level
            mark = _mark(paragraph, counts.get(level, 0), bulleted=bulleted)
            if mark is None:
                self._list(items)
                items, counts = [], {}
                self._outline.add("paragraph", text, self._locator)
                continue
            counts = {k: n for k, n in counts.items() if k <= level}
            counts[level] = 0 if mark == "-" else counts.get(level, 0) + 1
            items.append(f"{'  ' * level}{mark} {' '.join(text.split())}")
        self._list(items)

    def _list(self, items: list[str]) -> None:
        self._outline.add("list", "\n".join(items), self._locator)

    def _chart(self, part: Any) -> None:
        """Take a chart: its title, and its figures as a table."""
        found = chart(part.blob)
        self._outline.add("paragraph", found.title, f"{self._locator} chart")
        self._outline.add("table", markdown_table(found.rows), f"{self._locator} chart")

    def _diagram(self, shape: Any) -> None:
        """Take a diagram (SmartArt), whose texts lie in a part of their own."""
        for refers in shape.element.iter(f"{_DGM}relIds"):
            data = self._slide.part.related_part(refers.get(f"{_R}dm"))
            items = "\n".join(f"- {text}" for text in diagram(data.blob))
            self._outline.add("list", items, self._locator)


def _placeholder(shape: Any) -> str:
    return shape.placeholder_format.type.name if shape.is_placeholder else ""


def _text(shape: Any) -> str:
    return shape.text_frame.text.strip() if getattr(shape, "has_text_frame", False) else ""


def _line(paragraph: Any) -> str:
    """Return a paragraph's text; a line break within it is one, a field's text is kept."""
    return "".join(
        "\n" if node.tag == f"{_A}br" else node.text or ""
        for node in paragraph._p.iter(f"{_A}t", f"{_A}br")  # noqa: SLF001 - its `text` drops fields
    ).strip()


def _mark(paragraph: Any, before: int, *, bulleted: bool) -> str | None:
    """Return the bullet or number before a paragraph; None where it has none.

    What the paragraph does not say, its placeholder does: bodies have bullets.
    """
    properties = paragraph._p.pPr  # noqa: SLF001 - python-pptx says nothing of bullets
    if properties is not None:
        number = properties.find(f"{_A}buAutoNum")
        if number is not None:
            at = int(number.get("startAt") or 1) + before
            how = number.get("type") or "arabicPeriod"
            shown = next((f(at) for name, f in _COUNTED.items() if how.startswith(name)), str(at))
            return (
                f"({shown})"
                if how.endswith("ParenBoth")
                else (f"{shown})" if how.endswith("ParenR") else f"{shown}.")
            )
        if properties.find(f"{_A}buNone") is not None:
            return None
        if any(properties.find(f"{_A}{name}") is not None for name in ("buChar", "buBlip")):
            return "-"
    return "-" if bulleted else None


def _cells(table: Any) -> list[list[str]]:
    """Return the cells' texts; that of a merged cell stands wherever it reaches."""
    rows = [[" ".join(cell.text.split()) for cell in row.cells] for row in table.rows]
    for y, row in enumerate(table.rows):
        for x, cell in enumerate(row.cells):
            if cell.is_merge_origin:
                for down in rows[y : y + cell.span_height]:
                    down[x : x + cell.span_width] = [rows[y][x]] * len(
                        down[x : x + cell.span_width]
                    )
    return rows


def _recognise(start: Start) -> float:
    return PROVEN * package(start, "ppt/", ".pptx", ".pptm", ".ppsx")


FORMATS = (
    Format(
        "pptx",
        "document",
        "PowerPoint presentation: slides, lists, tables, charts, notes",
        "PowerPoint 演示文稿：幻灯片、列表、表格、图表与备注",
        _recognise,
        read_file,
        binary=True,
    ),
)
