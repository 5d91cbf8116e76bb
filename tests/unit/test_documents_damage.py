"""Files that cannot be read, or are made to do harm: a reason and a hint, never a traceback."""

from __future__ import annotations

import random
import zipfile
from typing import TYPE_CHECKING, Any

import docx
import openpyxl
import pptx
import pytest
from reportlab.pdfgen.canvas import Canvas

from curator.errors import SourceError
from curator.types import Quarantined, Record
from tests.unit.document_reading import items_of

if TYPE_CHECKING:
    from pathlib import Path

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SUFFIXES = (".docx", ".pptx", ".xlsx")


def office(path: Path) -> Path:
    """Write a sound file of the kind that the name says."""
    if path.suffix == ".docx":
        document = docx.Document()
        document.add_paragraph("一段文字。")
        document.save(path)
    elif path.suffix == ".pptx":
        presentation = pptx.Presentation()
        presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "标题"
        presentation.save(path)
    else:
        book = openpyxl.Workbook()
        book.active.append(["名称", "数量"])
        book.active.append(["苹果", 3])
        book.save(path)
    return path


def rewritten(path: Path, changed: Any) -> Path:
    """Write a package again with the parts that `changed(name, data)` returns."""
    target = path.with_stem("changed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed(name, old.read(name)))
    return target


def refused(path: Path, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        items_of(path)
    assert caught.value.hint


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".pdf"])
def test_noise_under_the_name_of_a_document(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(random.Random(7).randbytes(5000))
    refused(path, "whatever its name says")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_package_that_is_cut_off(tmp_path: Path, suffix: str) -> None:
    path = office(tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes()[:-400])
    refused(path, "damaged")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_package_with_a_password(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(
        OLE.ljust(1024, b"\0") + "EncryptedPackage".encode("utf-16-le").ljust(128, b"\0")
    )
    refused(path, "needs a password")


@pytest.mark.parametrize(
    ("name", "stream", "says"),
    [
        ("a.docx", "WordDocument", "Word 97-2003"),
        ("a.pptx", "PowerPoint Document", "PowerPoint 97"),
    ],
)
def test_older_formats(tmp_path: Path, name: str, stream: str, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(OLE.ljust(1024, b"\0") + stream.encode("utf-16-le").ljust(128, b"\0"))
    refused(path, says)


def test_a_text_that_speaks_of_pdf_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("%PDF-1.7 is how such files begin.\n")
    (item,) = items_of(tmp_path / "a.md")
    assert isinstance(item, Record)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_zip_bomb(tmp_path: Path, suffix: str) -> None:
    def grown(name: str, data: bytes) -> bytes:
        return data + b" " * (65 << 20) if name == "[Content_Types].xml" else data

    refused(rewritten(office(tmp_path / f"a{suffix}"), grown), "zip bomb")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_entities_are_refused(tmp_path: Path, suffix: str) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'

    def armed(name: str, data: bytes) -> bytes:
        head, mark, rest = data.partition(b"?>")
        inside = name.endswith(("document.xml", "slide1.xml", "sheet1.xml"))
        return head + mark + bomb + rest if inside and mark else bomb + data if inside else data

    refused(rewritten(office(tmp_path / f"a{suffix}"), armed), "entities")


@pytest.mark.parametrize("suffix", [".docx", ".pptx"])
def test_a_main_part_that_is_no_xml(tmp_path: Path, suffix: str) -> None:
    def broken(name: str, data: bytes) -> bytes:
        return data[: len(data) // 2] if name.endswith(("document.xml", "slide1.xml")) else data

    (item,) = items_of(rewritten(office(tmp_path / f"a{suffix}"), broken))
    assert isinstance(item, Quarantined)
    assert (item.locator, item.reason) == ("file", "damaged (XMLSyntaxError)")


def test_a_part_that_is_missing(tmp_path: Path) -> None:
    path = office(tmp_path / "a.docx")
    target = tmp_path / "b.docx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != "word/document.xml":
                new.writestr(name, old.read(name))
    (item,) = items_of(target)
    assert isinstance(item, Quarantined)
    assert item.reason == "damaged (KeyError)"


def test_any_change_to_a_pdf_gives_text_or_a_reason(tmp_path: Path) -> None:
    on = Canvas(str(tmp_path / "a.pdf"), pageCompression=0)
    for page in range(2):
        on.drawString(72, 700, f"Page {page} says something.")
        on.grid([72, 172, 272], [500, 520, 540])
        on.showPage()
    on.save()
    whole = (tmp_path / "a.pdf").read_bytes()
    chance = random.Random(11)
    seen = set()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path = tmp_path / "b.pdf"
        path.write_bytes(data[: chance.randrange(len(data) // 2, len(data) + 1)])
        try:
            (item,) = items_of(path)
            assert isinstance(item, Record | Quarantined)
            seen.add(type(item))
        except SourceError:
            seen.add(SourceError)
    assert Record in seen
