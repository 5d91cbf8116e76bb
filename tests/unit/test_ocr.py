"""Scans: pages that are pictures become text with places, and what is doubtful is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from curator.errors import ModelError, SourceError
from curator.models import ocr, pins
from curator.schema import Source
from curator.sources import beside, sniff
from curator.sources.documents import images, pdf
from tests.scans import errors, is_legible, lines, pictured, scanned
from tests.unit.document_reading import blocks_of, reason_of, record_of

if TYPE_CHECKING:
    from pathlib import Path

ZH = [
    "患者于三月五日复诊，血压 128/82 mmHg，心率每分钟 72 次，无头晕、",
    "胸闷等不适。继续服用缬沙坦 80 mg，每日一次，早餐后服用；低盐饮食，",
    "每周运动五次，每次三十分钟，注意监测血压变化。",
]
EN = [
    "The patient came back on 5 March; blood pressure was 128/82 mmHg and the",
    "heart rate 72 per minute. Continue valsartan 80 mg once a day, after meals,",
    "and keep to a low-salt diet with exercise five times a week.",
]
TEXT = ["".join(ZH), " ".join(EN)]
PAGE = [*lines(ZH), *lines(EN, top=180)]


@pytest.fixture(autouse=True)
def _legible() -> None:
    if not is_legible():
        pytest.skip("no Chinese font (fonts-noto-cjk)")


def accuracy(expected: str, read: str) -> float:
    return 1 - errors(expected, read) / len("".join(expected.split()))


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_scan_is_read_whichever_way_it_lies(tmp_path: Path, turned: int) -> None:
    scan = scanned(tmp_path / "扫描.pdf", [pictured(PAGE, turned=turned)])
    blocks = blocks_of(scan)
    assert [role for role, *_ in blocks] == ["paragraph", "paragraph"]
    for text, (*_, read) in zip(TEXT, blocks, strict=True):
        assert accuracy(text, read) >= 0.98
    # Words keep their spaces, lines of Chinese have none between them.
    assert "blood pressure was" in blocks[1][3]
    assert "无头晕、胸闷" in blocks[0][3]


def test_a_locator_is_where_the_text_stands(tmp_path: Path) -> None:
    texts = [(100, 200, 14, "就诊时间：三月五日"), (320, 600, 14, "Doctor on duty")]
    blocks = blocks_of(scanned(tmp_path / "a.pdf", [pictured(texts)]))
    for (x, y, size, text), (_, locator, _, read) in zip(texts, blocks, strict=True):
        assert errors(text, read) == 0
        match = re.fullmatch(r"page 1 box (\d+),(\d+),(\d+),(\d+)", locator)
        assert match
        x0, y0, x1, y1 = map(int, match.groups())
        assert abs(x0 - x) <= 6
        assert y0 <= y - 0.7 * size
        assert y - 1 <= y1 <= y + size
        assert x1 > x0


def test_how_it_was_read_and_how_surely_is_told(tmp_path: Path) -> None:
    meta = record_of(scanned(tmp_path / "a.pdf", [pictured(PAGE), pictured(PAGE)])).meta
    assert re.fullmatch(
        r"read by OCR \(rapidocr==3\.10\.0, confidence (0\.9\d|1\.00)\): pages 1, 2", meta["ocr"]
    )
    assert "ocr_doubtful" not in meta


def test_doubtful_lines_are_kept_and_their_places_told(tmp_path: Path) -> None:
    page = pictured(PAGE)
    spoilt = np.asarray(page).copy()
    rng = np.random.default_rng(3)
    top, bottom = (round((180 + d) * 150 / 72) for d in (-12, 44))
    blur = Image.fromarray(spoilt[top:bottom]).resize((440, 39)).resize((page.width, bottom - top))
    spoilt[top:bottom] = np.clip(
        np.asarray(blur) + rng.normal(0, 40, spoilt[top:bottom].shape), 0, 255
    )
    record = record_of(scanned(tmp_path / "a.pdf", [Image.fromarray(spoilt)]))
    assert accuracy(TEXT[0], record.parts[0].text) >= 0.98
    assert len(record.parts) > 1
    places = record.meta["ocr_doubtful"].split("; ")
    for place in places:
        match = re.fullmatch(r"page 1 box \d+,(\d+),\d+,(\d+) \(0\.[0-8]\d\)", place)
        assert match, place
        assert 165 <= int(match[1]) < int(match[2]) <= 240


def test_pages_with_a_text_layer_keep_it(tmp_path: Path) -> None:
    typed, empty = lines(["这一页有文本层。"]), []
    scan = scanned(tmp_path / "a.pdf", [typed, pictured(PAGE), empty])
    record = record_of(scan)
    assert record.parts[0].text == "这一页有文本层。"
    assert [p.locator.split(" box")[0] for p in record.parts] == ["page 1", "page 2", "page 2"]
    assert record.meta["pages"] == "3"
    assert record.meta["ocr"].endswith(": pages 2")
    assert record.meta["pages_without_text"] == "3"


def test_cells_of_a_scanned_table_stay_apart(tmp_path: Path) -> None:
    rows = [
        ("项目", "日期", "结果"),
        ("血糖", "3月5日", "6.1 mmol/L"),
        ("Lipids", "6 March", "4.8"),
    ]
    texts = [
        (60 + 150 * column, 100 + 22 * i, 12, cell)
        for i, row in enumerate(rows)
        for column, cell in enumerate(row)
    ]
    ((role, _, _, table),) = blocks_of(scanned(tmp_path / "a.pdf", [pictured(texts)]))
    assert role == "table"
    cells = [["".join(c.split()) for c in line[1:-1].split("|")] for line in table.split("\n")]
    assert [cells[0], *cells[2:]] == [["".join(c.split()) for c in row] for row in rows]


@pytest.mark.parametrize("name", ["页.png", "页.jpg", "页.tiff"])
def test_pictures_are_located_in_their_pixels(tmp_path: Path, name: str) -> None:
    page = pictured(PAGE)
    page.save(tmp_path / name)
    assert sniff(tmp_path / name, Source(path=str(tmp_path / name))).source.format == "image"
    blocks = blocks_of(tmp_path / name)
    assert accuracy("".join(TEXT), "".join(text for *_, text in blocks)) >= 0.98
    x0, y0, x1, y1 = map(int, blocks[0][1].removeprefix("page 1 box ").split(","))
    scale = 150 / 72
    assert abs(x0 - 60 * scale) < 12
    assert abs((y0 + y1) / 2 - (76 + 17.6) * scale) < 12
    assert x1 < page.width


def test_each_page_of_a_tiff_is_read(tmp_path: Path) -> None:
    first, second = pictured(lines(["第一页的内容"])), pictured(lines(["Second page"]))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert [(at.split(" box")[0], text) for _, at, _, text in blocks_of(tmp_path / "a.tif")] == [
        ("page 1", "第一页的内容"),
        ("page 2", "Second page"),
    ]


def test_colours_and_transparency_do_not_matter(tmp_path: Path) -> None:
    grey = pictured(lines(["透明背景上的文字"], size=20))
    ink = Image.new("RGBA", grey.size, (120, 0, 0, 0))
    ink.putalpha(Image.eval(grey, lambda v: 255 - v))
    ink.save(tmp_path / "a.png")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    deep.save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        assert [text for *_, text in blocks_of(tmp_path / name)] == ["透明背景上的文字"]


def test_what_no_text_can_be_made_of_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank, noise = Image.new("L", (600, 800), 255), tmp_path / "cut.png"
    blank.save(tmp_path / "blank.png")
    pictured(PAGE).save(noise)
    noise.write_bytes(noise.read_bytes()[:2000])
    scanned(tmp_path / "blank.pdf", [blank])
    for name, why in (
        ("blank.png", "no text that OCR finds"),
        ("cut.png", "a damaged picture, page 1"),
        ("blank.pdf", "no text layer, and OCR finds no text"),
    ):
        assert reason_of(tmp_path / name) == ("file", why)
    monkeypatch.setattr(images, "MOST_PIXELS", 1_000_000)
    pictured(PAGE).save(tmp_path / "large.png")
    assert reason_of(tmp_path / "large.png") == ("file", "a picture of more than 1 million pixels")


def test_without_the_extra_the_reason_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scanned(tmp_path / "a.pdf", [pictured(PAGE)])
    pictured(PAGE).save(tmp_path / "a.png")
    named = Source(path=str(scan))
    assert beside(scan, named) == ["rapidocr==3.10.0"]
    for module in (ocr, pdf, images):
        monkeypatch.setattr(module, "installed", lambda: False)
    for path in (scan, tmp_path / "a.png"):
        assert reason_of(path) == (
            "file",
            "no text layer; text in images is read after: pip install 'curator-data[ocr]'",
        )
        # So it is read again once there is one.
        assert beside(path, named) == []


def test_pictures_in_a_folder_are_read_where_the_source_names_pictures(tmp_path: Path) -> None:
    pictured(PAGE).save(tmp_path / "IMG-0001.png")
    for path in (tmp_path, tmp_path / "*"):
        with pytest.raises(SourceError, match="where it is named") as caught:
            sniff(tmp_path / "IMG-0001.png", Source(path=str(path)))
        assert "--as image" in caught.value.hint
    for given in ({"path": str(tmp_path / "*.png")}, {"path": str(tmp_path), "format": "image"}):
        assert sniff(tmp_path / "IMG-0001.png", Source(**given)).source.format == "image"


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ((name, pin),) = pins.PINS["ocr"].items()
    wrong = pins.Pin(pin.distribution, pin.package, dict.fromkeys(pin.files, "0" * 64))
    monkeypatch.setitem(pins.PINS["ocr"], name, wrong)
    with pytest.raises(ModelError, match="not the pinned ones"):
        ocr.ImageReader()


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert record_of(scanned(tmp_path / "a.pdf", [pictured(lines(EN))])).parts
