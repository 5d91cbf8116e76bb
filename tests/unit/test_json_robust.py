"""JSON that is damaged, odd or huge: what can be taken is taken, the rest is told with its place."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tracemalloc
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from curator.schema import Columns, Source
from curator.sources import Tally, read, sniff
from curator.sources.files import lines
from curator.sources.tables import json_values
from curator.sources.tables.json_text import key_paths
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Item = Record | Quarantined | SetAside
ASK = Columns.model_validate({"user": "q", "assistant": "a"})
GOOD = '{"q": "能退吗？", "a": "yes"}'


def items(path: Path, content: str | bytes, **settings: Any) -> list[Item]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = sniff(path, Source(path=str(path), **settings)).source
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read
    return found


def records(found: list[Item]) -> list[Record]:
    return [item for item in found if isinstance(item, Record)]


def told(found: list[Item]) -> list[tuple[str, str]]:
    return [(i.locator, i.reason) for i in found if not isinstance(i, Record)]


# --- compression that breaks off ----------------------------------------------------------


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = [gzip.compress, bz2.compress, lzma.compress, zstd]


def rows(n: int) -> list[str]:
    """Rows that compress badly, so that a cut falls among them."""
    import hashlib

    return [
        json.dumps({"q": hashlib.sha256(b"%d" % i).hexdigest() * 3, "a": f"答{i}"})
        for i in range(n)
    ]


@pytest.mark.parametrize("pack", PACKERS)
def test_what_was_packed_before_the_cut_is_read(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    lines_in = rows(8_000)
    data = pack("\n".join(lines_in).encode())
    assert len(records(items(tmp_path / "whole.jsonl", data))) == len(lines_in)
    found = items(tmp_path / "cut.jsonl", data[: len(data) * 3 // 4])
    whole = records(found)
    assert 0 < len(whole) < len(lines_in)
    assert [r.parts[1].text for r in whole] == [f"答{i}" for i in range(len(whole))]
    assert told(found) == [
        (f"after line {len(whole)}", "compressed data that are damaged or cut off")
    ]
    (lost,) = [i for i in found if isinstance(i, Quarantined)]
    assert lines_in[len(whole)].encode().startswith(lost.raw)


def test_a_cut_array_keeps_its_whole_elements(tmp_path: Path) -> None:
    data = gzip.compress(("[" + ",".join(rows(3000)) + "]").encode())
    found = items(tmp_path / "a.json", data[: len(data) // 2])
    assert len(records(found)) > 1000
    assert [reason for _, reason in told(found)] == [
        "broken JSON",
        "compressed data that are damaged or cut off",
    ]


def test_a_checksum_that_is_wrong_is_told(tmp_path: Path) -> None:
    data = bytearray(gzip.compress("\n".join(rows(9)).encode()))
    data[-6] ^= 0xFF
    found = items(tmp_path / "a.jsonl", bytes(data))
    # The last line has no end, so nothing says that it is whole.
    assert len(records(found)) == 8
    assert told(found) == [("after line 8", "compressed data that are damaged or cut off")]


# --- lines and elements that are too long -------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("last", [False, True])
def test_a_line_that_is_too_long_is_named_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, encoding: str, *, last: bool
) -> None:
    monkeypatch.setattr(lines, "CHUNK", 4096)
    monkeypatch.setattr(lines, "LINE_LIMIT", 10_000)
    long = json.dumps({"q": "x" * 50_000, "a": "y"})
    texts = [GOOD, GOOD, long] if last else [GOOD, long, GOOD, GOOD]
    found = items(
        tmp_path / "a.jsonl",
        end.join(texts).encode(encoding),
        encoding=encoding,
        format="jsonl",
        columns=ASK,
    )
    assert len(records(found)) == len(texts) - 1
    size = len((long + ("" if last else end)).encode(encoding))
    number = 3 if last else 2
    assert told(found) == [(f"line {number} ({size} bytes)", "a line that is too long")]
    (head,) = [i.raw for i in found if isinstance(i, Quarantined)]
    assert head == long.encode(encoding)[: lines.HEAD]


def test_a_line_of_200_mb_takes_no_more_memory_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 4 << 20)
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        file.write(GOOD + "\n")
        for _ in range(200):
            file.write("x" * (1 << 20))
        file.write("\n" + GOOD + "\n")
    tracemalloc.start()
    sizes = [len(line) for line in lines.physical_lines(path, "utf-8")]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes[1] == lines.HEAD
    assert len(sizes) == 3
    assert peak < 20 << 20


@pytest.mark.parametrize("inner", ["x" * 60_000, ']}\\" , {' * 9000, "[[1], {}]" * 9000])
def test_an_element_that_is_too_long_is_gone_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    monkeypatch.setattr(lines, "CHUNK", 4096)
    monkeypatch.setattr(json_values, "ELEMENT_LIMIT", 10_000)
    value = f"[{'[1], {}, ' * 9000}0]" if inner.startswith("[[") else f'"{inner}"'
    long = f'{{"z": {value}, "a": "y"}}'
    found = items(tmp_path / "a.json", f"[{GOOD},\n{long},\n{GOOD}]")
    assert len(records(found)) == 2
    assert told(found) == [("element 1 (line 2)", "an element that is too long")]
    assert [len(i.raw) for i in found if isinstance(i, Quarantined)] == [lines.HEAD]


# --- odd content --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("[" * 10_000 + "]" * 10_000, "nested too deeply"),
        ('{"q": ' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
        ('{"q": "a\x00b", "a": "c"}', "broken JSON"),
        ('{"q": "half \\udc00", "a": "c"}', "half a surrogate pair"),
        ('{"q": "a", "q": "b", "a": "c"}', "a key that is there twice"),
        ('{"q": "a", "a": {"x": 1, "x": 2}}', "a key that is there twice"),
        ('{"q": "a", "a": ' + "9" * 5000 + "}", "broken JSON"),
        ('{"q": "a", "a": "b"} {"q": "c", "a": "d"}', "broken JSON"),
    ],
)
def test_one_bad_line_or_element_alone(tmp_path: Path, bad: str, reason: str) -> None:
    found = items(tmp_path / "a.jsonl", f"{GOOD}\n{bad}\n{GOOD}\n", encoding="utf-8")
    assert told(found) == [("line 2", reason)]
    assert len(records(found)) == 2
    if bad.count('{"q"') != 2:
        found = items(tmp_path / "a.json", f"[{GOOD},\n{bad},\n{GOOD}]", encoding="utf-8")
        assert [why for _, why in told(found)] == [reason]
        assert len(records(found)) == 2


@pytest.mark.parametrize("raw", [b"\xed\xa0\xbd", "发票".encode("gb18030"), b"\xff"])
def test_bytes_of_another_encoding_cost_their_own_line(tmp_path: Path, raw: bytes) -> None:
    bad = b'{"q": "' + raw + b'", "a": "b"}'
    good = GOOD.encode()
    found = items(tmp_path / "a.jsonl", b"\n".join([good] * 5 + [bad] + [good] * 5))
    assert told(found) == [("line 6", "bytes that are not utf-8")]
    assert [i.raw for i in found if isinstance(i, Quarantined)] == [bad + b"\n"]
    found = items(tmp_path / "a.json", b"[" + b",\n".join([good] * 5 + [bad] + [good] * 5) + b"]")
    assert told(found) == [("element 5 (line 6)", "bytes that are not utf-8")]


def test_numbers_beyond_all_bounds_and_values_that_are_missing(tmp_path: Path) -> None:
    row = '{"q": "a", "a": "b", "n": NaN, "i": -Infinity, "big": 1e999, "small": 2.5, "id": 12345678901234567890123}'
    (record,) = records(items(tmp_path / "a.jsonl", row))
    assert record.meta == {
        "i": "-Infinity",
        "big": "1e999",
        "small": "2.5",
        "id": "12345678901234567890123",
    }


def test_holes_of_zero_bytes_cost_their_own_lines(tmp_path: Path) -> None:
    good = [GOOD.encode()] * 20
    found = items(tmp_path / "a.jsonl", b"\n".join([*good, b"\x00" * 40, *good]))
    assert told(found) == [("line 21", "broken JSON")]
    wide = items(tmp_path / "b.jsonl", (GOOD + "\n" + GOOD).encode("utf-16-le"))
    assert len(records(wide)) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends(tmp_path: Path, end: str) -> None:
    found = items(tmp_path / "a.jsonl", end.join([GOOD, "", GOOD, GOOD]))
    assert [r.provenance.locator for r in records(found)] == ["line 1", "line 3", "line 4"]
    assert len(records(items(tmp_path / "a.json", end.join(["[", GOOD, ",", GOOD, "]"])))) == 2


def test_marks_in_the_middle_of_files_that_were_put_together(tmp_path: Path) -> None:
    found = items(tmp_path / "a.jsonl", f"\ufeff{GOOD}\n\ufeff{GOOD}\n\ufeff\n\ufeff{{\n")
    assert told(found) == [("line 3", "blank line"), ("line 4", "broken JSON")]
    assert len(records(found)) == 2
    assert len(records(items(tmp_path / "a.json", f"\ufeff[{GOOD}]\n\ufeff[{GOOD}]"))) == 2


def test_an_array_says_at_which_line_and_column_it_breaks(tmp_path: Path) -> None:
    text = f'[\n  {GOOD},\n  {{\n    "q": "二",\n    "a": 三\n  }},\n  {GOOD},\n]'
    found = items(tmp_path / "a.json", text)
    assert told(found) == [("element 1 (line 3, broken at line 5 column 10)", "broken JSON")]
    assert len(records(found)) == 2


# --- the walk through objects -------------------------------------------------------------


def piecewise(text: str, size: int) -> Iterator[str]:
    return (text[i : i + size] for i in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_arrays_inside_objects_whatever_the_pieces(size: int) -> None:
    text = '{"n": 1, "list": [{"name": "a", "m": [1, 22]}, {"m": [[3]], "name": "b"}], "z": {"m": [4]}}'
    found = list(json_values.inside(piecewise(text, size), ("list", "list.m")))
    assert [(e.path, e.value, e.ended) for e in found] == [
        ("list.m", 1, False),
        ("list.m", 22, False),
        ("list", {"name": "a"}, True),
        ("list.m", [3], False),
        ("list", {"name": "b"}, True),
        ("", {"n": 1, "z": {"m": [4]}}, True),
    ]
    assert found[0].around == ({"n": 1, "z": {"m": [4]}}, {"name": "a"})
    assert [e.reason for e in found] == [None] * 6


@pytest.mark.parametrize(
    ("text", "whole", "broken"),
    [
        ('{"m": [1, 2', [1, 2], 1),
        ('{"m": [{"a": 1}, {"a" 2}, {"a": 3}]}', [{"a": 1}, {"a": 3}], 1),
        ('{"x": oops, "m": [1], "m": 2}', [1], 1),
        ('{"x": 1, "x": 2, "m": [1]}', [1], 1),
        ('{"x" 1, "m": [1]}', [1], 2),
        ('{"m": [1]\n{"m": [2]}', [1, 2], 1),
        ('{"m": , "n": [1]}', [], 1),
        ('{"m": [1]]}', [1], 1),
    ],
)
def test_what_is_broken_inside_objects_is_told_and_gone_over(
    text: str, whole: list[Any], broken: int
) -> None:
    found = list(json_values.inside(iter([text]), ("m",)))
    assert [e.value for e in found if e.path == "m" and e.reason is None] == whole
    assert sum(e.reason is not None for e in found) == broken


def test_key_paths() -> None:
    text = '[{"a": {"b\\"c": [{"d": "{\\"no\\": 1}"}]}, "e": 1}, {"f'
    assert key_paths(text) == {"a", 'a.b\\"c', 'a.b\\"c.d', "e"}
    assert key_paths('"text"') == frozenset()
