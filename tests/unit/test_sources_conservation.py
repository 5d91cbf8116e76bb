"""Promise P1 at the readers: whatever a file holds, every unit that is read comes out once."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.schema import Chat, Columns, Source
from curator.sources import Tally, read, sniff
from curator.types import Quarantined, Record, SetAside

ASK = Columns.model_validate({"user": "q", "assistant": "a"})
CHAT = Chat(
    line=r"(?:(?P<time>\d+:\d\d) )?(?:#(?P<conversation>\d) )?(?P<speaker>\w+): (?P<text>.*)",
    assistant="bot",
    system="system",
    gap_minutes=5,
)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

words = st.sampled_from(
    ["hi", "你好，", "退货", '"', ",", "\t", ";", "{", "}", "[", "]", "\\", "é", ""]
)
texts = st.lists(words, max_size=6).map("".join)
junk = st.one_of(
    st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b"")),
    texts.map(str.encode),
    st.sampled_from(
        [b"", b"   ", b'"open', b"a,b,c", b'{"q": 1', b"]", b"[", b"\xff\xfe", b"\x00"]
    ),
)
rows = st.fixed_dictionaries({"q": texts, "a": texts})


def went_through(
    name: str, content: bytes, **given_settings: Any
) -> tuple[list[Record | Quarantined | SetAside], int]:
    """Read content as a file; return what came out and how many units were read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        source = sniff(path, Source(path=name, **given_settings)).source
        tally = Tally()
        out = list(read(path, name, "sha", source, tally))
    assert sum(item.n_units for item in out) == tally.units_read
    ids = [item.id for item in out if isinstance(item, Record)]
    assert len(set(ids)) == len(ids)
    return out, tally.units_read


@few
@given(st.lists(st.one_of(junk, rows.map(lambda r: json.dumps(r).encode())), min_size=1))
def test_json_lines(lines: list[bytes]) -> None:
    content = b'{"q": "first", "a": "line"}\n' + b"\n".join(lines)
    out, units = went_through("x.jsonl", content, format="jsonl", encoding="utf-8", columns=ASK)
    assert units == content.count(b"\n") + (not content.endswith(b"\n"))
    lost = b"".join(item.raw for item in out if isinstance(item, Quarantined))
    assert len(lost) <= len(content)


@few
@given(
    st.lists(st.tuples(rows, st.one_of(st.none(), junk)), max_size=12), st.sampled_from([None, 1])
)
def test_json_arrays(pairs: list[tuple[dict[str, str], bytes | None]], indent: int | None) -> None:
    pieces = [b'{"q": "first", "a": "element"}']
    for row, broken in pairs:
        pieces.append(json.dumps(row, indent=indent).encode())
        if broken is not None:
            pieces.append(broken)
    went_through("x.json", b"[" + b",\n".join(pieces) + b"]", encoding="utf-8", columns=ASK)


@few
@given(
    st.lists(rows, max_size=8),
    st.lists(junk, max_size=4),
    st.sampled_from(["utf-8", "gb18030", "utf-16-le"]),
)
def test_csv(good: list[dict[str, str]], broken: list[bytes], encoding: str) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["q", "a"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(good)
    content = out.getvalue().encode(encoding, "replace") + b"\n".join(broken)
    went_through("x.csv", content, encoding=encoding, columns=ASK)


@few
@given(st.lists(rows, max_size=10))
def test_csv_rows_that_are_well_made_all_come_back(good: list[dict[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["q", "a"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(good)
    found, units = went_through("x.csv", out.getvalue().encode(), encoding="utf-8", columns=ASK)
    assert units == len(good) + 1
    asked = [item.parts[0].text for item in found if isinstance(item, Record)]
    assert asked == [row["q"] for row in good if row["q"].strip()]


@few
@given(st.lists(st.one_of(st.none(), rows), max_size=10))
def test_parquet(found: list[dict[str, str] | None]) -> None:
    schema = pa.schema([("q", pa.string()), ("a", pa.string())])
    table = pa.Table.from_pylist([row or {} for row in found], schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    _, units = went_through("x.parquet", sink.getvalue(), columns=ASK)
    assert units == len(found)


@settings(few, max_examples=15)
@given(st.lists(st.one_of(st.just([]), st.lists(texts, max_size=4)), max_size=8))
def test_xlsx(found: list[list[str]]) -> None:
    book = openpyxl.Workbook()
    book.active.append(["q", "a"])
    for cells in found:
        book.active.append(cells)
    sink = io.BytesIO()
    book.save(sink)
    went_through("x.xlsx", sink.getvalue(), columns=ASK)


chat_lines = st.one_of(
    junk,
    st.builds(
        "{}{}: {}".format,
        st.sampled_from(["", "09:00 ", "09:30 ", "9:99 ", "#1 ", "#2 ", "10:00 #1 "]),
        st.sampled_from(["Ann", "小王", "bot", "system"]),
        texts,
    ).map(str.encode),
)


@few
@given(st.lists(chat_lines, min_size=1, max_size=25))
def test_chat_logs(lines: list[bytes]) -> None:
    content = b"Ann: first\n" + b"\n".join(lines)
    _, units = went_through("x.log", content, encoding="utf-8", chat=CHAT)
    assert units == content.count(b"\n") + (not content.endswith(b"\n"))


@few
@given(
    st.lists(st.one_of(junk, texts.map(str.encode)), max_size=12), st.sampled_from(["md", "txt"])
)
def test_documents_keep_every_character_of_their_text(lines: list[bytes], suffix: str) -> None:
    content = b"start\n\n" + b"\n".join(lines)
    out, units = went_through(f"x.{suffix}", content, encoding="utf-8")
    assert units == 1
    (item,) = out
    if isinstance(item, Record) and suffix == "txt":
        kept = "".join(part.text for part in item.parts)
        assert "".join(kept.split()) == "".join(content.decode().split())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16"])
def test_every_reader_in_every_encoding(encoding: str) -> None:
    row = json.dumps({"q": "請問，這個可以退嗎？", "a": "可以的，謝謝您。"}, ensure_ascii=False)
    for name, text in {
        "x.jsonl": f"{row}\n{row}\n",
        "x.json": f"[{row},\n{row}]",
        "x.csv": "q,a\n請問，這個可以退嗎？,可以的\n這個多少錢？,三百\n",
        "x.tsv": "q\ta\n請問，這個可以退嗎？\t可以的\n這個多少錢？\t三百\n",
        "x.md": "# 問題\n\n請問，這個可以退嗎？\n",
        "x.txt": "請問，這個可以退嗎？\n\n可以的，謝謝您。\n",
    }.items():
        out, _ = went_through(name, text.encode(encoding))
        kept = [item for item in out if isinstance(item, Record)]
        assert len(kept) == (1 if name in ("x.md", "x.txt") else 2)
        assert all(not part.text.startswith("\ufeff") for item in kept for part in item.parts)
