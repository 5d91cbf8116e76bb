"""What is drawn in office files: charts as the figures behind them, diagrams and text boxes.

The markup is DrawingML (ECMA-376 part 1, 20 and 21): a chart keeps the figures that it
was last drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.sources.documents.packages import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_XDR = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its title, and a table of its series with the categories first."""

    title: str
    rows: list[list[str]]


def chart(xml: bytes) -> Chart:
    """Return what a chart part says."""
    root = parsed(xml)
    title = next(root.iter(f"{_C}title"), None)
    own = title is not None and title.getparent().tag == f"{_C}chart"
    names: list[str] = []
    categories: dict[int, str] = {}
    values: list[dict[int, str]] = []
    for series in root.iter(f"{_C}ser"):
        names.append(" ".join(_points(series.find(f"{_C}tx")).values()))
        for kind in ("cat", "xVal"):
            for at, text in _points(series.find(f"{_C}{kind}")).items():
                categories.setdefault(at, text)
        found: dict[int, str] = {}
        for kind in ("val", "yVal"):
            found |= _points(series.find(f"{_C}{kind}"))
        values.append(found)
    places = sorted({*categories, *(at for found in values for at in found)})
    rows = [["", *names]] if any(names) else []
    rows += [[categories.get(at, ""), *(found.get(at, "") for found in values)] for at in places]
    return Chart(texts(title)[0] if own and texts(title) else "", rows)


def diagram(xml: bytes) -> list[str]:
    """Return the texts of a diagram (SmartArt), from its data part."""
    return [" ".join(said) for point in parsed(xml).iter(f"{_DGM}pt") if (said := texts(point))]


def text_boxes(xml: bytes) -> Iterator[str]:
    """Yield the texts of the shapes that are drawn on a sheet."""
    for shape in parsed(xml).iter(f"{_XDR}sp"):
        said = texts(shape)
        if said:
            yield "\n".join(said)


def texts(element: Any) -> list[str]:
    """Return the paragraphs below an element that say something."""
    said = ("".join(t.text or "" for t in p.iter(f"{_A}t")) for p in element.iter(f"{_A}p"))
    return [" ".join(text.split()) for text in said if text.strip()]


def _points(element: Any) -> dict[int, str]:
    """Return the values that are kept below an element, by their places."""
    if element is None:
        return {}
    found: dict[int, str] = {}
    for point in element.iter(f"{_C}pt"):
        value = point.findtext(f"{_C}v")
        at = int(point.get("idx") or 0)
        if value is not None and at < _MOST_POINTS:
            before = found.get(at)
            # Categories on several levels are told from the innermost outwards.
            found[at] = _figure(value) if before is None else f"{_figure(value)} {before}"
    if not found and (literal := element.findtext(f"{_C}v")):
        found[0] = literal
    return found


def _figure(value: str) -> str:
    """Return a figure as it was written, without what binary fractions add."""
    try:
        number = float(value)
    except ValueError:
        return value
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.12g}"
