"""Contamination: GSM8K and CMMLU items planted into instruction rows, beside the plain 13-gram rule.

Every fifth item is planted, in turn as it is (with its answer), in the middle of a row's own
text, and lightly reworded: other names, synonyms, another order of clauses. The rows where
nothing was planted tell the false positives. Translations are real ones: English Alpaca rows
are the evaluation file, their translations by people the records, and no rule of words can
find them. A row counts as found where the default policy would drop or review it.
An item under eight words or twelve Han characters is counted apart, without an aim: it is
looked for only where a turn is that item alone. The plain rule: any run of 13 words, or Han
characters, of an item stands in the row.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KINDS = ("exact", "embedded", "reworded")
LEAST = {"CON001": 0.4, "CON002": 0.75}
"""The default policy's scores."""
STEP = 5
MEANING_ROWS, TRANSLATED = 3000, 500

_NAMES = [
    *("Olivia", "Marcus", "Priya", "Hannah", "Diego"),
    *("Yusuf", "Clara", "Winston", "Mei", "Tobias"),
]
_KNOWN = frozenset(
    [
        *("The", "A", "An", "If", "In", "On", "At", "He", "She", "It", "They", "How", "What"),
        *("When", "Each", "Every", "After", "For", "To", "And", "But", "There", "Then", "This"),
        *("That", "His", "Her", "Its", "Their", "I", "Monday", "Tuesday", "Wednesday"),
        *("Thursday", "Friday", "Saturday", "Sunday", "January", "February", "March", "April"),
        *("May", "June", "July", "August", "September", "October", "November", "December"),
    ]
)
_ENGLISH = {
    "each": "every", "buys": "purchases", "bought": "purchased", "gets": "receives", "many": "many",
    "wants": "would like", "total": "sum", "starts": "begins", "started": "began", "big": "large",
    "makes": "produces", "also": "additionally", "needs": "requires", "sells": "trades away",
    "gives": "hands", "gave": "handed", "finds": "discovers", "kids": "children", "house": "home",
    "decides": "chooses", "cost": "price", "costs": "is priced at", "job": "position",
    "finished": "completed", "half": "one half", "left": "remaining", "twice": "two times",
}  # fmt: skip
_CHINESE = {
    "下列": "以下", "关于": "有关", "正确的是": "说得对的是", "错误的是": "说得不对的是",
    "不正确": "不对", "哪个": "哪一个", "应该": "应当", "因为": "由于", "主要": "最重要",
    "可以": "能够", "使用": "采用", "如果": "假如", "但是": "不过", "是指": "指的是", "认为": "觉得",
    "属于": "算作", "没有": "未有", "以及": "和", "包括": "包含", "通过": "经由",
}  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


@dataclass(frozen=True)
class Planted:
    """A row (question, answer), and what was planted there, if anything."""

    question: str
    answer: str
    kind: str = ""


def read(data: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of the real data."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def reworded_english(text: str, number: int) -> str:
    """Return a question with other names, synonyms, and its last sentence first every other time."""
    inside = re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", text) + re.findall(r"^[A-Z][a-z]+", text)
    fresh = cycle(_NAMES[number % len(_NAMES) :] + _NAMES[: number % len(_NAMES)])
    for name in sorted(set(inside) - _KNOWN):
        text = re.sub(rf"\b{name}\b", next(fresh), text)
    text = re.sub(r"\b[a-z]+\b", lambda word: _ENGLISH.get(word[0], word[0]), text)
    sentences = _SENTENCE.split(text.strip())
    if number % 2 and len(sentences) > 1:
        sentences = [sentences[-1], *sentences[:-1]]
    return " ".join(sentences)


def reworded_chinese(text: str, number: int) -> str:
    """Return a question with synonyms, and its first two clauses in the other order at times."""
    for word, other in _CHINESE.items():
        text = text.replace(word, other)
    clauses = text.split("，")
    if number % 2 and len(clauses) > 2:
        clauses[:2] = clauses[1::-1]
    return "请问：" + "，".join(clauses)


def planted(rows: Sequence[Planted], items: Sequence[dict[str, Any]], lang: str) -> list[Planted]:
    """Return the rows, with every fifth item in one of them, evenly spread."""
    from curator.contamination.index import SHORTEST
    from curator.contamination.meaning import weight

    found = list(rows)
    chosen = items[::STEP]
    reworded = reworded_english if lang == "en" else reworded_chinese
    for number, item in enumerate(chosen):
        at = number * len(rows) // len(chosen)
        kind, own = KINDS[number % len(KINDS)], rows[at]
        question = item["question"]
        named = kind if weight(question) >= SHORTEST else f"{kind}, short item"
        if kind == "exact":
            found[at] = Planted(question, item["answer"], named)
        elif kind == "embedded":
            found[at] = Planted(f"{own.question}\n\n{question}\n{own.answer}", own.answer, named)
        else:
            found[at] = Planted(reworded(question, number // len(KINDS)), own.answer, named)
    return found


def write(rows: Sequence[Planted], lang: str, folder: Path) -> list[Path]:
    """Write the rows as parts of records; a record's id is `r` and its row."""
    import pyarrow.parquet as pq

    from curator.tables import records_table
    from curator.types import Part, Provenance, Record

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for low in range(0, len(rows), 4096):
        records = [
            Record(
                f"r{low + i}",
                "conversation",
                (Part("user", row.question), Part("assistant", row.answer)),
                lang,
                Provenance("rows", "0" * 64, f"line {low + i + 1}"),
            )
            for i, row in enumerate(rows[low : low + 4096])
        ]
        paths.append(folder / f"part-{low // 4096:05d}.parquet")
        pq.write_table(records_table(records), paths[-1])
    return paths


def ours(paths: Sequence[Path], against: Path, folder: Path, *, meaning: bool) -> set[int]:
    """Return the rows of which the check tells, at the default policy's scores."""
    from curator.checks.contamination import Contamination
    from curator.checks.evaluation import evaluation_items
    from curator.engine import LocalEngine
    from curator.protocols import Scope

    check = Contamination(encoder="use-multilingual", against=(str(against),))
    with LocalEngine(1) as engine:
        scope = Scope(engine, tuple(paths), folder / "cache", folder / "phases")
        if meaning:
            return {int(f.record_id[1:]) for f in check.run(scope) if f.score >= LEAST[f.code]}
        items = evaluation_items(check.against, folder / "unpacked")
        found = check._by_words(scope, items)
        return {int(row["record_id"][1:]) for row in found if row["score"] >= LEAST["CON001"]}


def plain(paths: Sequence[Path], against: Path) -> set[int]:
    """Return the rows that share any run of 13 words, or Han characters, with an item."""
    import pyarrow.parquet as pq

    token = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")

    def grams(text: str) -> Iterator[tuple[str, ...]]:
        units = token.findall(text.lower())
        return (tuple(units[i : i + 13]) for i in range(len(units) - 12))

    known: set[tuple[str, ...]] = set()
    with gzip.open(against, "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            known.update(grams(f"{item['question']}\n{item['answer']}"))
    found, row = set(), 0
    for path in paths:
        for parts in pq.read_table(path, columns=["parts"])["parts"].to_pylist():
            if any(gram in known for gram in grams("\n".join(part["text"] for part in parts))):
                found.add(row)
            row += 1
    return found


def judged(name: str, rows: Sequence[Planted], mine: set[int], theirs: set[int]) -> Iterator[Row]:
    """Yield recall by kind, and the share of untouched rows that are told of."""
    aims = {"exact": ">= 0.97", "embedded": ">= 0.97", "reworded": ">= 0.8", "translated": ">= 0.6"}
    for kind in dict.fromkeys(row.kind for row in rows if row.kind):
        wanted = {i for i, row in enumerate(rows) if row.kind == kind}
        told, peer = (round(len(wanted & f) / len(wanted), 4) for f in (mine, theirs))
        yield Row(f"{name}: recall, {kind}", told, peer, "the plain 13-gram rule", aims.get(kind))
    clean = {i for i, row in enumerate(rows) if not row.kind}
    told, peer = (round(len(clean & f) / len(clean), 5) for f in (mine, theirs))
    yield Row(f"{name}: false positives", told, peer, "the plain 13-gram rule", "<= 0.001")


def by_words(
    name: str, data: Path, benchmark: str, rows: Sequence[Planted], lang: str, folder: Path
) -> Iterator[Row]:
    """Measure all rows by their words alone, and a part of them by meaning too."""
    against = data / "benchmarks" / f"{benchmark}.jsonl.gz"
    whole = planted(rows, read(data, f"benchmarks/{benchmark}"), lang)
    paths = write(whole, lang, folder / "parts")
    mine = measured(words, paths, against, folder / "words")
    theirs = measured(plain, paths, against)
    yield from judged(f"{name}, words", whole, mine.result, theirs.result)
    yield Row(
        f"{name}, words: CPU seconds, {len(whole)} rows",
        mine.cpu_seconds,
        theirs.cpu_seconds,
        "the plain 13-gram rule",
    )
    yield Row(f"{name}, words: peak memory MB", mine.peak_mb, theirs.peak_mb, "the plain rule")
    sample = whole[:MEANING_ROWS]
    paths = write(sample, lang, folder / "sample")
    mine = measured(both, paths, against, folder / "both")
    theirs = measured(plain, paths, against)
    yield from judged(f"{name}, words and meaning", sample, mine.result, theirs.result)
    yield Row(f"{name}, words and meaning: CPU seconds, {len(sample)} rows", mine.cpu_seconds)


def words(paths: Sequence[Path], against: Path, folder: Path) -> set[int]:
    """Run CON001 alone."""
    return ours(paths, against, folder, meaning=False)


def both(paths: Sequence[Path], against: Path, folder: Path) -> set[int]:
    """Run the whole check."""
    return ours(paths, against, folder, meaning=True)


def translated(data: Path, folder: Path) -> Iterator[Row]:
    """Measure real translations of English items; every other row's original is no item."""
    rows = [
        row
        for row in read(data, "instruct/alpaca_zh_mt_vs_human")
        if row["human_instruction"] and len(row["en_instruction"].split()) >= 8
    ][: 2 * TRANSLATED]
    folder.mkdir(parents=True, exist_ok=True)
    against = folder / "english.jsonl.gz"
    with gzip.open(against, "wt", encoding="utf-8") as lines:
        for row in rows[::2]:
            question = f"{row['en_instruction']}\n{row['en_input']}".strip()
            lines.write(json.dumps({"question": question, "answer": row["en_output"]}) + "\n")
    records = [
        Planted(
            f"{row['human_instruction']}\n{row['human_input']}".strip(),
            row["human_output"],
            "" if number % 2 else "translated",
        )
        for number, row in enumerate(rows)
    ]
    paths = write(records, "zh", folder / "parts")
    mine, theirs = measured(both, paths, against, folder / "both"), measured(plain, paths, against)
    yield from judged("translations en to zh", records, mine.result, theirs.result)


def main() -> None:
    """Measure English, Chinese and translations, and print the figures."""
    given = arguments(__doc__ or "")
    english = [
        Planted(f"{row['instruction']}\n{row['input']}".strip(), row["output"])
        for row in read(given.data, "instruct/alpaca_en_original_vs_corrected")
    ]
    chinese = [
        Planted(f"{row['zh_instruction']}\n{row['zh_input']}".strip(), row["zh_output"])
        for row in read(given.data, "instruct/alpaca_zh_translation_scored")
    ]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows += by_words("GSM8K in Alpaca", given.data, "gsm8k_test", english, "en", folder / "en")
        rows += by_words(
            "CMMLU in Chinese Alpaca", given.data, "cmmlu_test", chinese, "zh", folder / "zh"
        )
        rows += translated(given.data, folder / "translated")
    report("contamination", rows, as_json=given.json)


if __name__ == "__main__":
    main()
