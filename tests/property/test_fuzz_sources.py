"""Whatever happens to a file, its units are accounted for, or one error says why it cannot be read.

`CURATOR_FUZZ` sets how many mutated files are read; each is made from a real sample of
its format by bit flips, cuts, pasted pieces, other encodings, deep nesting and noise.
"""

from __future__ import annotations

import os
import random
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator.errors import SourceError
from curator.schema import Source
from curator.sources import Tally, read, sniff
from curator.types import Record
from tests.scans import pictured
from tests.unit.test_documents_forms import field, form
from tests.unit.test_documents_ods import ods, row, sheet, value

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent
DATA = Path(os.environ.get("CURATOR_DATA", ROOT.parent / "shared" / "data"))
# Office documents come from the real data, where they are at hand.
FOLDERS = (HERE / "data", ROOT / "sample_data" / "raw", ROOT / "sample_data" / "docs", DATA / "rag")
COUNT = int(os.environ.get("CURATOR_FUZZ", "400"))
SEED = int(os.environ.get("CURATOR_FUZZ_SEED", "20261123"))
LARGEST, LARGEST_SAMPLE = 60_000, 110_000
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "big5", "utf-16", "utf-16-be", "latin-1", "cp932")


def made(folder: Path) -> Path:
    """Write samples of the formats of which no real file is at hand; the scan is a small one."""
    folder.mkdir()
    rows = [row("问题", "answer"), row("几点开门？", value("float", "9.5", "9.5"))]
    ods(folder / "a.ods", sheet("表", *rows, row("", times=40)), sheet("b", *rows))
    labels = [(100, "Name:"), (140, "Smoker:")]
    fields = [field("Tx", 86, "/V(Li Hua)"), field("Btn", 130, "/V/Yes/AS/Yes")]
    form(folder / "form.pdf", labels, fields)
    page = pictured([(20, 40, 16, "七天内可退"), (20, 70, 16, "Return it")])
    page.crop((0, 0, 330, 200)).save(folder / "scan.png")
    return folder


def seeds(folder: Path) -> list[Path]:
    """Return the samples: whole files that are quickly read."""
    folders = (*FOLDERS, made(folder))
    found = [p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()]
    return [p for p in found if 0 < p.stat().st_size <= LARGEST_SAMPLE and p.suffix != ".py"]


def _flip(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 3, 20, 200))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _cut(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(1, len(data) + 1)]


def _behead(data: bytearray, rng: random.Random) -> bytearray:
    return data[rng.randrange(len(data)) :]


def _splice(data: bytearray, rng: random.Random) -> bytearray:
    start, at = rng.randrange(len(data)), rng.randrange(len(data))
    piece = data[start : start + rng.randrange(1, 400)]
    return data[:at] + piece * rng.choice((1, 2, 50)) + data[at:]


def _drop(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 300) :]


def _noise(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(data))
    bits = (rng.randbytes(60), b"\x00" * 9, b"\xff\xfe", b"\r", b'"', b"\\ud800", b"\xed\xa0\x80")
    return data[:at] + rng.choice(bits) + data[at:]


def _nest(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(len(data))
    opening = rng.choice((b"[", b'{"a":', b"<div>", b"> ", b'"'))
    return data[:at] + opening * rng.choice((3, 10_000)) + data[at:]


def _recode(data: bytearray, rng: random.Random) -> bytearray:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _flip(data, rng)
    return bytearray(text.encode(rng.choice(ENCODINGS), "replace"))


def _mix(data: bytearray, rng: random.Random) -> bytearray:
    half = len(data) // 2
    return data[:half] + _recode(bytearray(data[half:]), rng)


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _flip, _cut, _behead, _splice, _drop, _noise, _nest, _recode, _mix,
)  # fmt: skip


def fate(path: Path) -> str:
    """Read a file as a user's; return what became of it, after checking that nothing is lost."""
    try:
        source = sniff(path, Source(path=str(path))).source
    except SourceError:
        return "refused"
    tally, units, kinds = Tally(), 0, Counter[str]()
    try:
        for item in read(path, path.name, "sha", source, tally):
            units += item.n_units
            kinds[type(item).__name__] += 1
            if isinstance(item, Record):
                assert item.parts
                assert any(part.text.strip() for part in item.parts)
            else:
                assert item.locator
                assert item.reason
    except SourceError:
        return "refused"
    assert units == tally.units_read
    return f"read as {source.format}"


@pytest.mark.parametrize("part", range(4))
def test_mutated_files_lose_nothing_and_give_no_traceback(tmp_path: Path, part: int) -> None:
    rng = random.Random(SEED + part)
    samples = seeds(tmp_path / "made")
    fates: Counter[str] = Counter()
    failures: list[str] = []
    for number in range(COUNT // 4):
        sample = samples[(number * 4 + part) % len(samples)]
        whole = sample.read_bytes()
        # What is packed is only itself as a whole.
        data = bytearray(whole if b"\x00" in whole[:1000] else whole[:LARGEST])
        for _ in range(rng.choice((1, 1, 2, 4))):
            data = rng.choice(MUTATIONS)(data, rng) or bytearray(b"x")
        path = tmp_path / sample.name
        path.write_bytes(data)
        try:
            fates[fate(path)] += 1
        except Exception as error:  # noqa: BLE001 - any is what the test looks for
            where = traceback.extract_tb(error.__traceback__)[-1]
            failures.append(
                f"input {number} from {sample.name}: {error!r} in {Path(where.filename).name}:{where.lineno}"
            )
        path.unlink()
    print(dict(fates.most_common()))
    assert not failures, f"seed {SEED + part}: " + "\n".join(failures[:20])
    assert fates["refused"] < COUNT // 4
