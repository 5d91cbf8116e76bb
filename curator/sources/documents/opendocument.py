"""What texts and sheets of OpenDocument 1.3 (OASIS) share: names, and paragraphs as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
TEXT, TABLE = f"{{{_OASIS}:text:1.0}}", f"{{{_OASIS}:table:1.0}}"
DRAW, OFFICE = f"{{{_OASIS}:drawing:1.0}}", f"{{{_OASIS}:office:1.0}}"
STYLE = f"{{{_OASIS}:style:1.0}}"
_MOST_SPACES = 100


def inline(paragraph: Any) -> tuple[str, list[Any], list[tuple[str, str]]]:
    """Return a paragraph's text, its text boxes, and its notes with their marks."""
    boxes: list[Any] = []
    notes: list[tuple[str, str]] = []
    return "".join(_run(paragraph, boxes, notes)), boxes, notes


def _run(element: Any, boxes: list[Any], notes: list[tuple[str, str]]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == f"{TEXT}s":
            yield " " * min(int(child.get(f"{TEXT}c") or 1), _MOST_SPACES)
        elif child.tag == f"{TEXT}tab":
            yield "\t"
        elif child.tag == f"{TEXT}line-break":
            yield "\n"
        elif child.tag == f"{TEXT}note":
            mark = (child.findtext(f"{TEXT}note-citation") or "*").strip()
            body = child.find(f"{TEXT}note-body")
            notes.append((mark, " ".join(flat(body).split()) if body is not None else ""))
            yield f"[^{mark}]"
        elif child.tag == f"{DRAW}text-box":
            boxes.append(child)
        elif child.tag != f"{OFFICE}annotation" and isinstance(child.tag, str):
            yield from _run(child, boxes, notes)
        yield child.tail or ""


def flat(container: Any) -> str:
    """Return all text below an element, paragraphs apart."""
    said = []
    for paragraph in container.iter(f"{TEXT}p", f"{TEXT}h"):
        text, _, notes = inline(paragraph)
        said += [text, *(f"({note})" for _, note in notes)]
    return " ".join(said)
