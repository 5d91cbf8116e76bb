"""Rows with planted duplicates, the same at every call: what a duplicate check is judged by.

The rows are put together from real questions and sentences (`CURATOR_DATA`), or
from invented ones where there are none. Of every hundred, 48 are of their own,
10 exact copies, 20 copies with one to three small edits, 10 repeat a question
with another answer, 3 an answer with another question, 3 hold another row as a
whole between sentences of their own, and 6 are twins: one number, negation or
drug of another row is changed, and nothing else, so that they look like copies
and are none.
No edit of a copy touches a number, a negation, or what stands beside one.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

Kind = Literal[
    "own", "exact", "near", "other_answer", "canned", "around", "number", "negation", "drug"
]
TWINS: tuple[Kind, ...] = ("number", "negation", "drug")
APART: tuple[Kind, ...] = (*TWINS, "canned")
"""Kinds of rows that look like copies of another row and are none."""
LANGUAGES = ("en", "zh")

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
_GAP = {"en": " ", "zh": ""}
_FILLER = {
    "en": ("very", "really", "also", "the", "often", "then", "just"),
    "zh": tuple("的了是在有这我他个上们来到时地为子中你说着就那和要"),
}
_GREETING = {
    "en": ("Hello, ", "Dear all, ", "Please help: "),
    "zh": ("您好，", "医生您好：", "请问一下，"),
}
_THANKS = {"en": (" Thank you.", " Best regards."), "zh": ("谢谢！", "祝您生活愉快。")}
_EDITS = {
    "replace": 20,
    "typo": 15,
    "delete": 10,
    "insert": 10,
    "punctuation": 12,
    "space": 10,
    "greeting": 8,
    "thanks": 6,
    "width": 6,
    "case": 3,
}
_LEAVE = re.compile(
    r"\d|[不没无非未勿莫忌禁别否零一二两三四五六七八九十百千万半]"
    r"|^(?:no|not|never|none|without|one|two|three|four|five|six|seven|eight|nine|ten)$|n't",
    re.IGNORECASE,
)
_WIDE = {code: code + 0xFEE0 for code in range(ord("A"), ord("z") + 1)}

_ADVICE = {
    "en": "Adults take {number} mg of {drug} after meals, and you {may} drive while taking it.",
    "zh": "成人每次服用{number}毫克{drug}，饭后服用，服药期间{may}开车。",
}
"""A sentence that every twin and its row hold: number, drug and negation can be changed in it."""
_NUMBERS = (5, 10, 20, 25, 50, 100, 150, 200, 250, 400, 500, 750)
_MAY = {"en": ("may", "may not"), "zh": ("可以", "不可以")}
_DRUGS = {
    "en": [
        "ibuprofen",
        "aspirin",
        "paracetamol",
        "naproxen",
        "amoxicillin",
        "azithromycin",
        "cefuroxime",
        "metformin",
        "omeprazole",
        "loratadine",
        "cetirizine",
        "amlodipine",
        "losartan",
        "atorvastatin",
        "prednisone",
        "warfarin",
        "levothyroxine",
        "sertraline",
        "montelukast",
        "furosemide",
    ],
    "zh": [
        "布洛芬",
        "阿司匹林",
        "对乙酰氨基酚",
        "萘普生",
        "阿莫西林",
        "阿奇霉素",
        "头孢呋辛",
        "二甲双胍",
        "奥美拉唑",
        "氯雷他定",
        "西替利嗪",
        "氨氯地平",
        "氯沙坦",
        "阿托伐他汀",
        "泼尼松",
        "华法林",
        "左甲状腺素",
        "舍曲林",
        "孟鲁司特",
        "呋塞米",
    ],
}
_WORDS = {
    "en": [
        "account",
        "address",
        "answer",
        "battery",
        "branch",
        "bridge",
        "button",
        "cable",
        "camera",
        "candle",
        "channel",
        "client",
        "coffee",
        "colour",
        "corner",
        "course",
        "customer",
        "delivery",
        "device",
        "doctor",
        "engine",
        "evening",
        "family",
        "filter",
        "garden",
        "guest",
        "holiday",
        "invoice",
        "island",
        "journey",
        "kitchen",
        "letter",
        "library",
        "machine",
        "market",
        "message",
        "morning",
        "network",
        "number",
        "office",
        "order",
        "package",
        "paper",
        "parent",
        "payment",
        "picture",
        "printer",
        "project",
        "question",
        "receipt",
        "record",
        "report",
        "river",
        "school",
        "screen",
        "season",
        "service",
        "shelf",
        "signal",
        "street",
        "student",
        "summer",
        "supplier",
        "ticket",
        "traveller",
        "valley",
        "village",
        "window",
        "winter",
        "worker",
        "writer",
    ],
    "zh": [
        "账户",
        "地址",
        "电池",
        "分店",
        "按钮",
        "电缆",
        "相机",
        "频道",
        "客户",
        "咖啡",
        "课程",
        "快递",
        "设备",
        "医生",
        "发动机",
        "家庭",
        "滤网",
        "花园",
        "客人",
        "假期",
        "发票",
        "岛屿",
        "旅程",
        "厨房",
        "信件",
        "图书馆",
        "机器",
        "市场",
        "消息",
        "网络",
        "办公室",
        "订单",
        "包裹",
        "纸张",
        "父母",
        "付款",
        "图片",
        "打印机",
        "项目",
        "收据",
        "记录",
        "报告",
        "河流",
        "学校",
        "屏幕",
        "季节",
        "服务",
        "书架",
        "信号",
        "街道",
        "学生",
        "夏天",
        "供应商",
        "车票",
        "山谷",
        "村庄",
        "窗户",
        "冬天",
        "工人",
        "作家",
    ],
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A row and the group that it belongs to: rows of one group are copies of each other.

    `kind` is how it was made; `of` is the group that a twin, a row with the same
    answer or a row around another one was made from.
    """

    question: str
    answer: str
    group: int
    kind: Kind = "own"
    of: int = -1


@dataclass(frozen=True)
class Pool:
    """Questions and sentences to put rows together from."""

    questions: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


def real(data: Path, lang: str) -> Pool:
    """Return the real questions and the real sentences of a language, each once."""
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
    return Pool(list(questions), list(sentences))


def invented(lang: str, n: int) -> Pool:
    """Return `n` questions and `5 n` sentences of words drawn by chance, each once."""
    rng = random.Random(f"invented-{lang}")
    words, fillers, gap = _WORDS[lang], _FILLER[lang], _GAP[lang]

    def sentence(length: int, end: str) -> str:
        drawn = [rng.choice(words if i % 2 else (*fillers, *words)) for i in range(length)]
        return gap.join(drawn) + end

    asks, ends = ("?", ".") if lang == "en" else ("？", "。")
    questions = dict.fromkeys(sentence(rng.randint(6, 10), asks) for _ in range(n))
    sentences = dict.fromkeys(sentence(rng.randint(8, 14), ends) for _ in range(5 * n))
    return Pool(list(questions), list(sentences))


def planted(pool: Pool, lang: str, n: int) -> list[Planted]:
    """Return `n` rows in an order of their own."""
    rng = random.Random(f"duplicates-{lang}-{n}")
    gap = _GAP[lang]
    n_twins, n_own = n * 6 // 100, n * 48 // 100

    def answer() -> str:
        return gap.join(rng.sample(pool.sentences, rng.choice((3, 3, 4, 4, 5, 6, 8))))

    def question() -> str:
        more = gap + rng.choice(pool.sentences) if rng.random() < 0.5 else ""
        return rng.choice(pool.questions) + more

    rows = [Planted(question(), answer(), group) for group in range(n_own - n_twins)]
    copied = rng.sample(rows, len(rows) * 4 // 10)
    for i in range(n_twins):  # each with its row: two more of their own
        kind = TWINS[i % len(TWINS)]
        rows += _twins(question(), answer(), len(rows), kind, lang, rng)
    for i, row in enumerate(rng.sample(copied, n * 6 // 100)):
        if i % 2:
            rows.append(Planted(question(), row.answer, len(rows), "canned", row.group))
        else:
            told = gap.join((answer(), row.answer, answer()))
            rows.append(Planted(row.question, told, len(rows), "around", row.group))
    n_groups = len(rows)
    rows += [_copy(rng.choice(copied), "exact") for _ in range(n // 10)]
    rows += [_edited(rng.choice(copied), lang, rng) for _ in range(n * 2 // 10)]
    others = rng.sample(copied, min(len(copied), n - len(rows)))
    rows += [
        Planted(row.question, answer(), n_groups + i, "other_answer")
        for i, row in enumerate(others)
    ]
    rows += [Planted(question(), answer(), n_groups + i) for i in range(len(others), n - len(rows))]
    rng.shuffle(rows)
    return rows


def _copy(row: Planted, kind: Kind) -> Planted:
    return Planted(row.question, row.answer, row.group, kind)


def _twins(
    question: str, answer: str, group: int, kind: Kind, lang: str, rng: random.Random
) -> tuple[Planted, Planted]:
    numbers, drugs = rng.sample(_NUMBERS, 2), rng.sample(_DRUGS[lang], 2)
    may = rng.sample(_MAY[lang], 2)
    before = {"number": numbers[0], "drug": drugs[0], "may": may[0]}
    after = (
        before
        | {
            "number": {"number": numbers[1]},
            "negation": {"may": may[1]},
            "drug": {"drug": drugs[1]},
        }[kind]
    )
    gap, advice, first = _GAP[lang], _ADVICE[lang], rng.random() < 0.5

    def told(values: dict[str, object]) -> str:
        sentence = advice.format(**values)
        return sentence + gap + answer if first else answer + gap + sentence

    return (
        Planted(question, told(before), group),
        Planted(question, told(after), group + 1, kind, group),
    )


def _edited(row: Planted, lang: str, rng: random.Random) -> Planted:
    question, answer = row.question, row.answer
    kinds, weights = list(_EDITS), list(_EDITS.values())
    for kind in rng.choices(kinds, weights, k=rng.choice((1, 1, 2, 3))):
        if kind == "greeting":
            question = rng.choice(_GREETING[lang]) + question
        elif kind == "thanks":
            answer += rng.choice(_THANKS[lang])
        elif kind == "case":
            answer = answer.swapcase()
        elif kind == "width":
            at = rng.randrange(len(answer))
            answer = answer[:at] + answer[at : at + 20].translate(_WIDE) + answer[at + 20 :]
        elif rng.random() < 0.8:
            answer = _edit(answer, kind, lang, rng)
        else:
            question = _edit(question, kind, lang, rng)
    return Planted(question, answer, row.group, "near")


def _edit(text: str, kind: str, lang: str, rng: random.Random) -> str:
    """Change one word (English) or one character (Chinese), or what stands before it."""
    gap = _GAP[lang]
    units = text.split(" ") if lang == "en" else list(text)
    at = rng.randrange(len(units))
    filler = rng.choice(_FILLER[lang])
    if any(map(_LEAVE.search, units[max(0, at - 1) : at + 2])):
        return text
    if kind == "punctuation":
        units[at] += rng.choice(",;!" if lang == "en" else "，；！")
    elif kind == "space":
        units[at] += "  "
    elif kind == "replace":
        other = rng.choice(units) if lang == "en" else filler
        units[at] = filler if _LEAVE.search(other) else other
    elif kind == "delete":
        del units[at]
    elif kind == "insert":
        units.insert(at, filler)
    elif lang == "zh":
        if at:
            units[at - 1], units[at] = units[at], units[at - 1]
    else:
        units[at] = _misspelt(units[at], rng)
    return gap.join(units)


def _misspelt(word: str, rng: random.Random) -> str:
    if len(word) < 3:
        return word + "e"
    at = rng.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def write(rows: Sequence[Planted], folder: Path, *, part_rows: int = 50_000) -> list[Path]:
    """Write the rows as parts of records, the first row's id `r0000000`."""
    from curator.tables import records_table
    from curator.workspace import write_table

    paths = []
    for low in range(0, len(rows), part_rows):
        path = folder / "view" / f"planted-{low // part_rows:05d}.parquet"
        write_table(path, records_table(_records(rows[low : low + part_rows], low)))
        paths.append(path)
    return paths


def _records(rows: Sequence[Planted], low: int) -> Iterator[object]:
    from curator.types import Part, Provenance, Record

    for i, row in enumerate(rows, start=low):
        yield Record(
            id=f"r{i:07d}",
            kind="conversation",
            parts=(Part("user", row.question), Part("assistant", row.answer)),
            lang="und",
            provenance=Provenance("planted", "0", str(i)),
        )


@dataclass(frozen=True, slots=True)
class Score:
    """How rightly rows fall: `lost` groups keep no row, `merged` rows fell to what they are not."""

    precision: float
    recall: float
    lost: int
    merged: int


def score(rows: Sequence[Planted], fallen: Callable[[int], bool]) -> Score:
    """Judge which rows fall, by their number: a row falls rightly where its group keeps another.

    A row around another one that stands keeps that one's group too.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        members[row.group].append(i)
    held = {row.of for i, row in enumerate(rows) if row.kind == "around" and not fallen(i)}
    right = lost = expected = 0
    for name, group in members.items():
        staying = sum(not fallen(i) for i in group) or int(name in held)
        expected += len(group) - 1
        right += min(len(group) - staying, len(group) - 1)
        lost += staying == 0
    merged = sum(
        all(map(fallen, members[row.group])) or all(map(fallen, members[row.of]))
        for row in rows
        if row.kind in APART
    )
    return Score(right / max(1, right + lost), right / max(1, expected), lost, merged)


def around(rows: Sequence[Planted], pairs: Iterable[tuple[int, int]]) -> tuple[int, int, int]:
    """Judge pairs of an inner and an outer row: how many are right, wrong, and were planted."""
    told = {(rows[inner].group, outer) for inner, outer in pairs}
    planted = {(row.of, i) for i, row in enumerate(rows) if row.kind == "around"}
    of = {i: row.of for i, row in enumerate(rows) if row.kind == "around"}
    right = sum(of.get(outer) == inner for inner, outer in told)
    return right, len(told) - right, len(planted)
