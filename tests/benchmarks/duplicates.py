"""Near-duplicates against datasketch: 20,000 rows a language, with planted groups.

The rows are put together from real questions and sentences: 60 % are of their
own, 10 % exact copies, 20 % copies with one to three small edits, 10 % repeat a
question with another answer. No edit touches a digit or a negation, since a copy
that says another number is no duplicate.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWS = 20_000
THRESHOLD = 0.7
_SOURCES = {
    "en": (
        ("instruct/alpaca_en_original_vs_corrected", "instruction", "output"),
        ("medical/medquad", "question", "answer"),
    ),
    "zh": (
        ("instruct/alpaca_zh_translation_scored", "zh_instruction", "zh_output"),
        ("medical/toyhom_neike_sample_raw", "title", "answer"),
        ("medical/zh_child_related_all", "question", "answer"),
    ),
}
_SENTENCE = {"en": re.compile(r"(?<=[.!?])\s+|\n+"), "zh": re.compile(r"(?<=[。！？；])\s*|\n+")}
_QUESTION_CHARS = {"en": (15, 300), "zh": (6, 120)}
_SENTENCE_CHARS = {"en": (35, 300), "zh": (10, 120)}
_FILLER = {
    "en": ("very", "really", "also", "the", "often", "then", "just"),
    "zh": tuple("的了是在有这我他个上们来到时地为子中你说着就那和要"),
}
_GREETING = {
    "en": ("Hello, ", "Dear all, ", "Please help: "),
    "zh": ("您好，", "医生您好：", "请问一下，"),
}
_THANKS = {"en": (" Thank you.", " Best regards."), "zh": ("谢谢！", "祝您生活愉快。")}
_EDITS = (
    "replace",
    "delete",
    "insert",
    "swap",
    "punctuation",
    "space",
    "greeting",
    "thanks",
    "case",
)
_LEAVE = re.compile(
    r"\d|[不没无非未勿莫忌禁别否]|^(?:no|not|never|none|without)$|n't", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Planted:
    """A row and the group that it belongs to: rows of one group are copies of each other."""

    question: str
    answer: str
    group: int


def pools(data: Path, lang: str) -> tuple[list[str], list[str]]:
    """Return the real questions and the real sentences of a language."""
    questions: dict[str, None] = {}
    sentences: dict[str, None] = {}
    for name, question, answer in _SOURCES[lang]:
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                asked, told = row.get(question), row.get(answer)
                low, high = _QUESTION_CHARS[lang]
                if isinstance(asked, str) and low <= len(asked.strip()) <= high:
                    questions[asked.strip()] = None
                low, high = _SENTENCE_CHARS[lang]
                for sentence in _SENTENCE[lang].split(told) if isinstance(told, str) else ():
                    if low <= len(sentence.strip()) <= high:
                        sentences[sentence.strip()] = None
    return list(questions), list(sentences)


def planted(data: Path, lang: str, n: int) -> list[Planted]:
    """Return `n` rows in an order of their own, the same at every call."""
    rng = random.Random(f"duplicates-{lang}")
    questions, sentences = pools(data, lang)
    gap = " " if lang == "en" else ""

    def answer() -> str:
        return gap.join(rng.sample(sentences, rng.choice((3, 4, 5, 6))))

    own = [
        Planted(rng.choice(questions) + gap + rng.choice(sentences), answer(), group)
        for group in range(n * 6 // 10)
    ]
    copied = rng.sample(own, len(own) * 4 // 10)
    rows = list(own)
    rows += [rng.choice(copied) for _ in range(n // 10)]
    rows += [_edited(rng.choice(copied), lang, rng) for _ in range(n * 2 // 10)]
    rows += [
        Planted(rng.choice(own).question, answer(), len(own) + i) for i in range(n - len(rows))
    ]
    rng.shuffle(rows)
    return rows


def _edited(row: Planted, lang: str, rng: random.Random) -> Planted:
    question, answer = row.question, row.answer
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind = rng.choice(_EDITS)
        if kind == "greeting":
            question = rng.choice(_GREETING[lang]) + question
        elif kind == "thanks":
            answer += rng.choice(_THANKS[lang])
        elif kind == "case":
            answer = answer.swapcase()
        elif rng.random() < 0.8:
            answer = _edit(answer, kind, lang, rng)
        else:
            question = _edit(question, kind, lang, rng)
    return Planted(question, answer, row.group)


def _edit(text: str, kind: str, lang: str, rng: random.Random) -> str:
    """Change one word (English) or one character (Chinese), or what stands before it."""
    gap = " " if lang == "en" else ""
    units = text.split(" ") if lang == "en" else list(text)
    at = rng.randrange(len(units))
    filler = rng.choice(_FILLER[lang])
    if kind == "punctuation":
        units[at] += rng.choice(",;!" if lang == "en" else "，；！")
    elif kind == "space":
        units[at] += "  "
    elif _LEAVE.search(units[at]):
        return text
    elif kind == "replace":
        units[at] = filler
    elif kind == "delete":
        del units[at]
    elif kind == "insert":
        units.insert(at, filler)
    elif at and not _LEAVE.search(units[at - 1]):
        units[at - 1], units[at] = units[at], units[at - 1]
    return gap.join(units)


def write(rows: Sequence[Planted], folder: Path) -> Path:
    """Write the rows as one part of records; both tools read this file."""
    from curator.tables import records_table
    from curator.types import Part, Provenance, Record
    from curator.workspace import write_table

    records = (
        Record(
            id=f"r{i:07d}",
            kind="conversation",
            parts=(Part("user", row.question), Part("assistant", row.answer)),
            lang="und",
            provenance=Provenance("planted", "0", str(i)),
        )
        for i, row in enumerate(rows)
    )
    path = folder / "view" / "planted-000.parquet"
    write_table(path, records_table(records))
    return path


def ours(path: Path, folder: Path) -> list[tuple[int, int]]:
    """Return the pairs that the two duplicate checks tell of, at the default policy's score."""
    from curator.checks.exact_duplicates import ExactDuplicates
    from curator.checks.near_duplicates import NearDuplicates
    from curator.engine import LocalEngine
    from curator.protocols import Scope

    pairs = []
    with LocalEngine(1) as engine:
        for check in (ExactDuplicates(), NearDuplicates()):
            scope = Scope(engine, (path,), folder / "cache", folder / "phases" / check.name)
            pairs += [
                (int(str(f.peer_id)[1:]), int(f.record_id[1:]))
                for f in check.run(scope)
                if f.score >= THRESHOLD
            ]
    return pairs


def datasketch(path: Path, lang: str) -> list[tuple[int, int]]:
    """Return datasketch's pairs: 128 permutations, its own LSH at the same threshold.

    Shingles as its users write them: words for English, three characters for Chinese.
    """
    import pyarrow.parquet as pq
    from datasketch import MinHash, MinHashLSH

    parts = pq.read_table(path, columns=["parts"])["parts"].to_pylist()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    found = []
    for row, record in enumerate(parts):
        text = "\n".join(part["text"] for part in record).lower()
        units = re.findall(r"\w+", text) if lang == "en" else list(re.sub(r"\W", "", text))
        width = 2 if lang == "en" else 3
        shingles = {" ".join(units[i : i + width]) for i in range(max(1, len(units) - width + 1))}
        sketch = MinHash(num_perm=128, seed=1)
        sketch.update_batch([s.encode() for s in shingles])
        found += [(int(other), row) for other in index.query(sketch)]
        index.insert(row, sketch)
    return found


def precision_recall(
    rows: Sequence[Planted], pairs: Sequence[tuple[int, int]]
) -> tuple[float, float]:
    """Score the rows that would be dropped, where one of each group that hangs together stays.

    A dropped row is right where its planted group keeps another row.
    """
    import numpy as np

    from curator.similarity.components import components

    left = np.array([p[0] for p in pairs], np.int64)
    right = np.array([p[1] for p in pairs], np.int64)
    root = components(len(rows), left, right)
    kept = set(np.flatnonzero(root == np.arange(len(rows))).tolist())
    members: dict[int, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        members[row.group].append(i)
    right_drops = lost = expected = 0
    for group in members.values():
        staying = sum(i in kept for i in group)
        expected += len(group) - 1
        right_drops += min(len(group) - staying, len(group) - 1)
        lost += staying == 0
    return right_drops / max(1, right_drops + lost), right_drops / max(1, expected)


def rows_of(data: Path, lang: str, folder: Path) -> Iterator[Row]:
    """Measure one language."""
    rows = planted(data, lang, ROWS)
    path = write(rows, folder)
    mine = measured(ours, path, folder)
    peer: Any = measured(datasketch, path, lang)
    name = "datasketch"
    yield Row(f"{lang}: CPU seconds", mine.cpu_seconds, peer.cpu_seconds, name, "ratio <= 1")
    yield Row(f"{lang}: peak memory MB", mine.peak_mb, peer.peak_mb, name, "<= 2000")
    p, r = precision_recall(rows, mine.result)
    peer_p, peer_r = precision_recall(rows, peer.result)
    yield Row(f"{lang}: row precision", round(p, 5), round(peer_p, 5), name, ">= 0.999")
    yield Row(f"{lang}: row recall", round(r, 5), round(peer_r, 5), name, ">= 0.98")


def main() -> None:
    """Measure both languages and print the figures."""
    given = arguments(__doc__ or "")
    rows: list[Row] = []
    for lang in _SOURCES:
        with tempfile.TemporaryDirectory() as folder:
            rows += rows_of(given.data, lang, Path(folder))
    report("duplicates", rows, as_json=given.json)


if __name__ == "__main__":
    main()
