"""Writes the raw files, one function a form, and notes where each record came to stand."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from generator.model import BadRow, Item, Record, Turn

SYSTEM_TEXTS = {
    "paediatrics_zh.jsonl": "你是一名儿科医生，回答家长的问题时要准确、温和。",
    "paediatrics_en.jsonl.gz": "You are a paediatrician who answers parents kindly and precisely.",
}


def _times(name: str, start: datetime) -> Iterator[datetime]:
    random = Random(name)
    moment = start
    while True:
        moment += timedelta(minutes=random.randint(35, 640), seconds=random.randint(0, 59))
        yield moment


def _messages(record: Record, number: int, every: int) -> list[Turn]:
    if number % every or record.problems or record.has_copy:
        return record.turns
    record.first_part = 1
    return [Turn("system", SYSTEM_TEXTS[record.source]), *record.turns]


def _json_line(row: dict[str, object]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def _jsonl(items: list[Item], lines: Iterator[bytes]) -> bytes:
    out = []
    for number, item in enumerate(items, start=1):
        item.locator = f"line {number}"
        out.append(item.payload if isinstance(item, BadRow) else next(lines))
    return b"".join(bytes(line) + b"\n" for line in out)  # type: ignore[call-overload]


def _records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def write_messages(path: Path, items: list[Item]) -> None:
    """OpenAI messages, JSON Lines."""

    def lines() -> Iterator[bytes]:
        times = _times(path.name, datetime(2023, 5, 1, 8, 0))
        for number, record in enumerate(_records(items)):
            turns = _messages(record, number, 6)
            yield _json_line(
                {
                    "messages": [{"role": t.role, "content": t.text} for t in turns],
                    "department": record.label,
                    "time": next(times).isoformat(),
                }
            )

    path.write_bytes(_jsonl(items, lines()))


def write_sharegpt(path: Path, items: list[Item]) -> None:
    """ShareGPT conversations, gzipped JSON Lines."""
    names = {"user": "human", "assistant": "gpt", "system": "system"}

    def lines() -> Iterator[bytes]:
        for number, record in enumerate(_records(items)):
            turns = _messages(record, number, 8)
            yield _json_line(
                {
                    "id": f"en-{number:04d}",
                    "conversations": [{"from": names[t.role], "value": t.text} for t in turns],
                    "department": record.label,
                }
            )

    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file,
    ):
        file.write(_jsonl(items, lines()))


def write_alpaca(path: Path, items: list[Item]) -> None:
    """Instruction, input and output; the question's first line is the instruction."""

    def lines() -> Iterator[bytes]:
        for record in _records(items):
            instruction, _, extra = record.question.text.partition("\n")
            yield _json_line(
                {"instruction": instruction, "input": extra, "output": record.answer.text}
            )

    path.write_bytes(_jsonl(items, lines()))


def _csv_row(row: tuple[str, ...], delimiter: str, end: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator=end).writerow(row)
    return buffer.getvalue()


def _table(
    path: Path, items: list[Item], header: tuple[str, ...], form: tuple[str, str, str], prefix: str
) -> None:
    """Write a delimited file; `form` is delimiter, line end and encoding, a row may span lines."""
    delimiter, end, encoding = form
    times = _times(path.name, datetime(2024, 1, 3, 9, 0))
    out = [_csv_row(header, delimiter, end).encode(encoding)]
    plain = encoding.replace("utf-8-sig", "utf-8")
    line = 2
    for number, item in enumerate(items, start=1):
        item.locator = f"line {line}"
        if isinstance(item, BadRow):
            out.append(bytes(item.payload) + end.encode())  # type: ignore[call-overload]
        else:
            time = next(times).strftime("%Y-%m-%d %H:%M:%S")
            texts = (item.label, item.question.text, item.answer.text)
            row = (f"{prefix}{number:06d}", time, *texts)
            out.append(_csv_row(row, delimiter, end).encode(plain))
        line += out[-1].count(b"\n")
    path.write_bytes(b"".join(out))


def write_zh_table(path: Path, items: list[Item]) -> None:
    """GB18030 CSV."""
    _table(path, items, ("工单号", "时间", "类别", "问题", "回答"), (",", "\r\n", "gb18030"), "G")


def write_tw_table(path: Path, items: list[Item]) -> None:
    """Big5 CSV."""
    _table(path, items, ("工單號", "時間", "類別", "問題", "回答"), (",", "\r\n", "big5"), "W")


def write_en_table(path: Path, items: list[Item]) -> None:
    """TSV, UTF-8 with a byte order mark."""
    header = ("ticket_id", "time", "category", "question", "answer")
    _table(path, items, header, ("\t", "\n", "utf-8-sig"), "T")


def write_workbook(path: Path, items: list[Item]) -> None:
    """Two sheets of an Excel workbook, two labels on each."""
    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    assert first is not None
    first.title = "劳动与租房"
    sheets = {"劳动": first, "租房": first}
    second = book.create_sheet("消费与家事")
    for sheet in (first, second):
        sheet.append(["问题", "答复", "日期"])
    times = _times(path.name, datetime(2023, 9, 1))
    for number, item in enumerate(items):
        if isinstance(item, BadRow):
            sheet = (first, second)[number % 2]
            sheet.append(item.payload)
        else:
            sheet = sheets.get(item.label, second)
            day = next(times).strftime("%Y-%m-%d")
            sheet.append([item.question.text, item.answer.text, day])
        item.locator = f"sheet {sheet.title} row {sheet.max_row}"
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(_timeless_zip(buffer.getvalue()))


def _timeless_zip(data: bytes) -> bytes:
    """Remove the time of writing from a workbook, so that its bytes never change."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2024-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return buffer.getvalue()


def write_prompts(path: Path, items: list[Item]) -> None:
    """Prompt and completion, Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[tuple[str | None, str]] = []
    for number, item in enumerate(items):
        item.locator = f"row {number}"
        if isinstance(item, BadRow):
            rows.append(item.payload)  # type: ignore[arg-type]
        else:
            rows.append((item.question.text, item.answer.text))
    columns = {
        "prompt": pa.array([row[0] for row in rows], pa.string()),
        "completion": pa.array([row[1] for row in rows], pa.string()),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")
