"""How well scans are read: real passages, drawn as pictures of pages as a scanner gives them.

The text is known, so the share of right characters is too (1 - edit distance / length,
spaces aside). Half of the pages are clean at 200 dpi, half are like a fax: 100 dpi,
grey paper, noise, and turned by a degree.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.harness import Row, measured

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSAGES = {"zh": "rag/xquad_passages_zh.jsonl.gz", "en": "rag/xquad_passages_en.jsonl.gz"}
WIDTH = {"zh": 42, "en": 78}
PAGES, ROWS, SIZE = 4, 40, 10.5


def rows(data: Path) -> Iterator[Row]:
    """Yield the share of right characters by language and kind of scan, time and memory."""
    from tests.scans import is_legible

    if not is_legible():
        raise SystemExit("no Chinese font to draw scans with: install fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as folder:
        for language in PASSAGES:
            pages = _pages(data, language)
            for kind in ("clean", "fax"):
                path = _written(Path(folder) / f"{language}-{kind}.pdf", pages, kind)
                ran = measured(_read, path, pages)
                right, doubtful = ran.result
                aim = ">= 0.99" if kind == "clean" else ">= 0.9"
                yield Row(f"scans, {language}, {kind}: right characters", right, aim=aim)
                yield Row(f"scans, {language}, {kind}: lines that are told as doubtful", doubtful)
                if kind == "clean":
                    seconds = round(ran.cpu_seconds / PAGES, 2)
                    yield Row(f"scans, {language}: CPU seconds a page", seconds)
        peaks = []
        for times in (1, 4):
            path = _written(Path(folder) / "long.pdf", _pages(data, "zh") * times, "clean")
            peaks.append(measured(_read, path, []).peak_mb)
            yield Row(f"scans: peak MB at {PAGES * times} pages", peaks[-1])
        grown = round(peaks[1] / peaks[0], 3)
        yield Row("scans: peak at four times the pages, of that at one", grown, aim="<= 1.1")


def _pages(data: Path, language: str) -> list[list[str]]:
    """Return the lines of the first pages, each of whole passages."""
    with gzip.open(data / PASSAGES[language], "rt", encoding="utf-8") as file:
        passages = [" ".join(json.loads(line)["text"].split()) for line in file]
    pages: list[list[str]] = [[]]
    for passage in passages:
        if language == "zh":
            width = WIDTH[language]
            lines = [passage[i : i + width].strip() for i in range(0, len(passage), width)]
        else:
            lines = textwrap.wrap(passage, WIDTH[language])
        if len(pages[-1]) + len(lines) > ROWS:
            pages.append([])
        pages[-1] += lines
        if len(pages) > PAGES:
            break
    return pages[:PAGES]


def _written(path: Path, pages: list[list[str]], kind: str) -> Path:
    import numpy as np
    from PIL import Image

    from tests.scans import lines, pictured, scanned

    rng = np.random.default_rng(2026)
    pictures = []
    for page in pages:
        picture = pictured(lines(page, size=SIZE, top=60), dpi=200 if kind == "clean" else 100)
        if kind == "fax":
            turned = np.asarray(picture.rotate(1, fillcolor=255, resample=Image.Resampling.BICUBIC))
            grey = turned * 0.8 + 30 + rng.normal(0, 12, turned.shape)
            picture = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
        pictures.append(picture)
    return scanned(path, pictures)


def _read(path: Path, pages: list[list[str]]) -> tuple[float, float]:
    """Return the share of right characters, and of lines that were told as doubtful."""
    from curator.schema import Source
    from curator.sources import Tally, read, sniff
    from tests.scans import errors

    settled = sniff(path, Source(path=str(path))).source
    (record,) = read(path, path.name, "0" * 64, settled, Tally())
    wrong = total = 0
    for number, page in enumerate(pages, 1):
        text = "".join(p.text for p in record.parts if p.locator.startswith(f"page {number} "))
        wrong += errors("".join(page), text)
        total += len("".join("".join(page).split()))
    doubtful = record.meta.get("ocr_doubtful", "").count("page ")
    lines = sum(map(len, pages))
    return round(1 - wrong / max(1, total), 4), round(doubtful / max(1, lines), 4)
