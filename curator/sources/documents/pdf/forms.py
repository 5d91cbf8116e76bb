"""What is filled into the fields of a PDF's form, and what is typed onto its pages.

Both are annotations, which lie above the page and are not part of its text.
"""

from __future__ import annotations

import ctypes
from functools import partial
from typing import TYPE_CHECKING, Any

from curator.sources.documents.pdf.page import Box, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_ANNOTATIONS = 5_000
_UNSEEN = 0x02 | 0x20
"""The flags of annotations that are not shown: hidden, and no view."""

_PASSWORD = 1 << 13
_LARGEST = 12.0
"""The size of the letters, in points, where a field leaves it to the viewer."""


def filled_in(page: Any, form: Any, frame: Callable[..., tuple[float, float]]) -> list[Word]:
    """Return what a page of pypdfium2 shows in fields and typed notes, where it stands.

    frame: how a point of the file comes to stand on the page. A box that can be ticked
    is ☑ or ☐. What is typed into a field for passwords is not shown, so it is not read.
    """
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - only PDF files need it

    words: list[Word] = []
    for i in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), MOST_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, i)
        if not annotation:
            continue
        try:
            if not pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
                words += _shown(annotation, form.raw, frame, pdfium)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return words


def _shown(
    annotation: Any, form: Any, frame: Callable[..., tuple[float, float]], pdfium: Any
) -> Iterator[Word]:
    text, size = _said(annotation, form, pdfium)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rect = pdfium.FS_RECTF()
    if not text.strip() or not pdfium.FPDFAnnot_GetRect(annotation, rect):
        return
    ax, ay = frame(rect.left, rect.bottom)
    bx, by = frame(rect.right, rect.top)
    x0, x1, y0, y1 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    height = (y1 - y0) / len(lines)
    size = size or min(_LARGEST, 0.7 * height) or 1.0
    for i, line in enumerate(lines):
        # Set in the middle of its share of the field.
        base = y0 + (i + 0.5) * height + 0.3 * size
        x = x0
        for word in line.split():
            width = sum(size if ord(char) > 0x2E80 else 0.5 * size for char in word)
            box = Box(x, base - 0.8 * size, min(x1, x + width), base + 0.2 * size)
            yield Word(word, box, base, size, bold=False, spaced=True)
            x += width + 0.3 * size


def _said(annotation: Any, form: Any, pdfium: Any) -> tuple[str, float]:
    """Return what an annotation shows and the size of its letters, 0 where it is not said."""
    if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_FREETEXT:
        return _string(partial(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")), 0.0
    if pdfium.FPDFAnnot_GetSubtype(annotation) != pdfium.FPDF_ANNOT_WIDGET:
        return "", 0.0
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        return ("☑" if pdfium.FPDFAnnot_IsChecked(form, annotation) else "☐"), 0.0
    size = ctypes.c_float()
    pdfium.FPDFAnnot_GetFontSize(form, annotation, size)
    if kind == pdfium.FPDF_FORMFIELD_LISTBOX:
        return "\n".join(_chosen(annotation, form, pdfium)), size.value
    if kind not in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX):
        return "", 0.0
    if pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return "", 0.0
    return _string(partial(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)), size.value


def _chosen(annotation: Any, form: Any, pdfium: Any) -> Iterator[str]:
    count = pdfium.FPDFAnnot_GetOptionCount(form, annotation)
    for i in range(min(count, MOST_ANNOTATIONS)):
        if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, i):
            yield _string(partial(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, i))


def _string(told: Callable[[Any, int], int]) -> str:
    """Return a string that PDFium tells in UTF-16, after it was asked for its length in bytes."""
    length = told(None, 0)
    if length <= 2:
        return ""
    out = (ctypes.c_ushort * ((length + 1) // 2))()
    told(out, length)
    return bytes(out).decode("utf-16-le", "replace").rstrip("\0")
