"""Writes the sample data: raw files, documents and the answer key.

`python sample_data/generate.py` rewrites every file with the same bytes. The texts are in
`content/`, the numbers of planted problems in `generator/planting.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from generator import content, planting, writers
from generator.bad_rows import BAD_ROWS
from generator.chat_log import write_chat_log
from generator.model import BadRow, Item, LogLine, Record

HERE = Path(__file__).parent
SEED = 20240301
LOG = "service_zh.log"
CONTENT = {
    "paediatrics_zh.txt": "paediatrics_zh.jsonl",
    "paediatrics_en.txt": "paediatrics_en.jsonl.gz",
    "service_zh.txt": "service_zh.csv",
    "service_en.txt": "service_en.tsv",
    "service_tw.txt": "service_tw.csv",
    "law_zh.txt": "law_zh.xlsx",
    "law_en.txt": "law_en.jsonl",
    "law_en_prompts.txt": "law_en_prompts.parquet",
}
WRITERS: dict[str, Callable[[Path, list[Item]], None]] = {
    "paediatrics_zh.jsonl": writers.write_messages,
    "paediatrics_en.jsonl.gz": writers.write_sharegpt,
    "service_zh.csv": writers.write_zh_table,
    "service_en.tsv": writers.write_en_table,
    "service_tw.csv": writers.write_tw_table,
    "law_zh.xlsx": writers.write_workbook,
    "law_en.jsonl": writers.write_alpaca,
    "law_en_prompts.parquet": writers.write_prompts,
}
KeyRow = dict[str, object]


def make_records() -> dict[str, list[Record]]:
    """Every record by raw file, in file order, with all problems planted."""
    base = [r for name, source in CONTENT.items() for r in content.read_blocks(name, source)]
    planter = planting.Planter(base, SEED)
    planter.greet()
    planter.break_lines(("service_zh.csv", "service_tw.csv", "service_en.tsv"), 4)
    personal = (content.read_personal(f"personal_{lang}.txt") for lang in ("zh", "en"))
    planter.personal([sentence for sentences in personal for sentence in sentences])
    planter.swap_answers()
    planter.change_labels()
    planter.spoil()
    planter.duplicate()
    rest = [
        *planting.contradictions(content.read_pairs("contradictions.txt")),
        *planting.with_problem(content.read_pairs("other_languages.txt"), "LNG002"),
        *planting.with_problem(content.read_pairs("crossed_languages.txt"), "LNG001"),
        *planting.with_problem(content.read_pairs("short_answers.txt"), "QLT010"),
    ]
    return {
        source: planting.arrange(
            [r for r in base + rest if r.source == source],
            [r for r in planter.added if r.source == source],
            Random(source),
        )
        for source in WRITERS
    }


def with_bad_rows(source: str, records: list[Record]) -> list[Item]:
    """The records with the file's bad rows spread among them."""
    items: list[Item] = list(records)
    bad = BAD_ROWS.get(source, [])
    step = len(items) // (len(bad) + 1)
    for number, row in enumerate(bad, start=1):
        items.insert(number * step + number - 1, row)
    return items


def place(row: KeyRow) -> tuple[str, list[str | int], int, int, str]:
    """The order of the key: file, place in it, part, start, code."""
    parts = [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", str(row["locator"]))]
    numbers = [int(str(row.get(name, -1))) for name in ("part", "start")]
    return str(row["source"]), parts, numbers[0], numbers[1], str(row["code"])


def record_rows(record: Record) -> list[KeyRow]:
    """What was planted in one record."""
    where: KeyRow = {"source": record.source, "locator": record.locator}
    rows: list[KeyRow] = []
    for code, peer in record.problems:
        row = where | {"code": code}
        if peer:
            row["peer"] = {"source": peer.source, "locator": peer.locator}
        rows.append(row)
    for part, turn in enumerate(record.turns, start=record.first_part):
        rows += [
            where | {"code": m.code, "part": part, "start": m.start, "end": m.end}
            for m in turn.marks
        ]
    return rows


def line_row(source: str, line: BadRow | LogLine) -> KeyRow:
    """A quarantined or set-aside line."""
    code = "QUARANTINE" if isinstance(line, BadRow) else line.code
    return {"source": source, "locator": line.locator, "code": code, "reason": line.reason}


def write_documents(folder: Path) -> list[KeyRow]:
    """Write the documents; returns the personal data in them."""
    rows: list[KeyRow] = []
    for name, lines in content.read_documents().items():
        (folder / name).write_text("".join(line.text + "\n" for line in lines), encoding="utf-8")
        rows += [
            {
                "source": name, "locator": f"line {number}", "code": mark.code,
                "start": mark.start, "end": mark.end,
            }
            for number, line in enumerate(lines, start=1)
            for mark in line.marks
        ]  # fmt: skip
    return rows


def main() -> None:
    """Write everything."""
    raw, documents = HERE / "raw", HERE / "docs"
    raw.mkdir(exist_ok=True)
    documents.mkdir(exist_ok=True)
    written: list[Record] = []
    rows: list[KeyRow] = []
    for source, records in make_records().items():
        items = with_bad_rows(source, records)
        WRITERS[source](raw / source, items)
        written += records
        rows += [line_row(source, item) for item in items if isinstance(item, BadRow)]
    talks = content.read_blocks("service_log.txt", LOG)
    aside, bad = write_chat_log(raw / LOG, talks)
    rows += [line_row(LOG, line) for line in aside]
    rows += [line_row(LOG, line) for line in bad]
    rows += [row for record in [*written, *talks] for row in record_rows(record)]
    rows += write_documents(documents)
    rows.sort(key=place)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / "answer_key.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
