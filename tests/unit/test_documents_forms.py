"""Forms in PDF: what is filled in stands beside its label, with page and box."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.document_reading import blocks_of, record_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def hexed(text: str) -> str:
    return f"<feff{text.encode('utf-16-be').hex()}>"


def form(path: Path, labels: Sequence[tuple[int, str]], annotations: Sequence[str]) -> Path:
    """Write a page of 600 × 800 with labels at x = 60 and a y from above, and annotations."""
    shown = "".join(f"BT /F1 12 Tf 60 {800 - y} Td ({text}) Tj ET\n" for y, text in labels)
    numbers = " ".join(f"{6 + i} 0 R" for i in range(len(annotations)))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{numbers}]/DR<</Font<</F1 5 0 R>>>>/DA(/F1 0 Tf)>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Annots[{numbers}]/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(shown)}>>\nstream\n{shown}endstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *annotations,
    ]
    data, offsets = b"%PDF-1.7\n", []
    for i, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{i} 0 obj{content}endobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(data)}\n%%EOF"
    path.write_bytes(data + end.encode())
    return path


def field(kind: str, y: int, more: str, x: int = 150, width: int = 200, height: int = 20) -> str:
    """Return a field whose box begins y below the top of the page."""
    rect = f"[{x} {800 - y - height} {x + width} {800 - y}]"
    return f"<</Type/Annot/Subtype/Widget/FT/{kind}/T(f{y})/Rect{rect}{more}>>"


def test_fields_are_read_where_they_stand(tmp_path: Path) -> None:
    remarks = hexed("无过敏史\r第二行")
    path = form(
        tmp_path / "a.pdf",
        [(100, "Name:"), (130, "Ward:"), (160, "Remarks:")],
        [
            field("Tx", 86, f"/V{hexed('李小雨 (ICU)')}/DA(/F1 12 Tf)"),
            field("Ch", 116, "/Ff 131072/Opt[(Surgery)(Internal)]/V(Internal)/DA(/F1 12 Tf)"),
            field("Tx", 146, f"/Ff 4096/V{remarks}/DA(/F1 10 Tf)", height=40),
        ],
    )
    # Labels and fields stand in two columns, which is a table.
    ((role, locator, _, text),) = blocks_of(path)
    assert (role, locator) == ("table", "page 1 box 60,90,220,181")
    assert text.split("\n") == [
        "| Name: | 李小雨 (ICU) |",
        "| --- | --- |",
        "| Ward: | Internal |",
        "| Remarks: | 无过敏史第二行 |",
    ]


@pytest.mark.parametrize(("state", "mark"), [("Yes", "☑"), ("Off", "☐")])
def test_a_box_is_ticked_or_not(tmp_path: Path, state: str, mark: str) -> None:
    box = field(
        "Btn", 90, f"/V/{state}/AS/{state}/AP<</N<</Yes 4 0 R/Off 4 0 R>>>>", width=14, height=14
    )
    path = form(tmp_path / "a.pdf", [(100, "Smoker:")], [box])
    assert [text for *_, text in blocks_of(path)] == [f"Smoker: {mark}"]


def test_what_is_typed_onto_a_page_is_read_and_what_is_not_shown_is_not(tmp_path: Path) -> None:
    path = form(
        tmp_path / "a.pdf",
        [(100, "Seen by:")],
        [
            f"<</Type/Annot/Subtype/FreeText/Rect[150 696 300 712]/Contents{hexed('王医生')}/DA(/F1 12 Tf)>>",
            field("Tx", 200, "/F 2/V(hidden)"),
            field("Tx", 230, "/Ff 8192/V(secret)"),
            field("Tx", 260, "/V()"),
            "<</Type/Annot/Subtype/Text/Rect[150 500 170 520]/Contents(a comment)>>",
        ],
    )
    assert [text for *_, text in blocks_of(path)] == ["Seen by: 王医生"]


def test_a_form_without_any_other_text_is_read(tmp_path: Path) -> None:
    record = record_of(form(tmp_path / "a.pdf", [], [field("Tx", 86, "/V(Filled in)")]))
    assert [part.text for part in record.parts] == ["Filled in"]
    assert re.fullmatch(r"page 1 box 150,\d+,\d+,\d+", record.provenance.locator)
    assert "ocr" not in record.meta
