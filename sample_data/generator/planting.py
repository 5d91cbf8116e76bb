"""Decides which record gets which problem, and plants it.

Each record gets one problem at most, so that the answer key says all there is to say about it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from generator import damage
from generator.content import Personal
from generator.model import Record, Turn

MIN_NEAR_DUPLICATE = 0.72

WRONG_ANSWERS = {
    "paediatrics_zh.jsonl": 8, "service_zh.csv": 3, "law_zh.xlsx": 4,
    "paediatrics_en.jsonl.gz": 4, "service_en.tsv": 4, "law_en.jsonl": 4,
    "law_en_prompts.parquet": 1,
}  # fmt: skip
WRONG_LABELS = {
    "paediatrics_zh.jsonl": 8, "service_zh.csv": 3, "service_en.tsv": 4,
    "paediatrics_en.jsonl.gz": 4, "service_tw.csv": 1,
}  # fmt: skip
MOJIBAKE = {
    "paediatrics_zh.jsonl": 4, "law_zh.xlsx": 2, "service_zh.csv": 1,
    "paediatrics_en.jsonl.gz": 3, "service_en.tsv": 2, "law_en.jsonl": 2,
}  # fmt: skip
HTML = {
    "paediatrics_zh.jsonl": 2, "service_zh.csv": 2, "law_zh.xlsx": 1, "service_en.tsv": 2,
    "paediatrics_en.jsonl.gz": 2, "law_en_prompts.parquet": 1,
}  # fmt: skip
LOST = {
    "paediatrics_zh.jsonl": 3, "service_zh.csv": 1, "law_zh.xlsx": 1, "law_en.jsonl": 2,
    "service_en.tsv": 2,
}  # fmt: skip
REPEATED = {
    "paediatrics_zh.jsonl": 2, "law_zh.xlsx": 1, "service_zh.csv": 1, "service_en.tsv": 2,
    "paediatrics_en.jsonl.gz": 1, "law_en.jsonl": 1,
}  # fmt: skip
EXACT = {
    "paediatrics_zh.jsonl": 4, "service_zh.csv": 2, "law_zh.xlsx": 2, "service_en.tsv": 3,
    "paediatrics_en.jsonl.gz": 3, "law_en.jsonl": 3,
}  # fmt: skip
NEAR = {
    "paediatrics_zh.jsonl": 5, "service_zh.csv": 3, "law_zh.xlsx": 2, "service_en.tsv": 4,
    "paediatrics_en.jsonl.gz": 4, "law_en.jsonl": 3,
}  # fmt: skip
CANNED = {
    "service_zh.csv": "您好，很高兴为您服务！",
    "service_en.tsv": "Thank you for contacting us. ",
}


class Planter:
    """Takes untouched records one after the other and plants problems in them."""

    def __init__(self, records: list[Record], seed: int) -> None:
        """Every choice below comes from `seed` alone."""
        self._random = Random(seed)
        self._records = records
        self.added: list[Record] = []  # in the order of planting; each has a peer or none

    def _take(self, source: str, count: int, *, labelled: bool = False) -> list[Record]:
        free = [r for r in self._records if r.source == source and r.is_plain]
        if labelled:
            free = [r for r in free if r.label != "general"]
        return self._random.sample(free, count)

    def greet(self) -> None:
        """One greeting before every third answer of a source: not a problem, but a trap."""
        for source, greeting in CANNED.items():
            own = [r for r in self._records if r.source == source and r.is_plain]
            for record in own[::3]:
                record.answer.prepend(Turn("assistant", greeting))

    def break_lines(self, sources: tuple[str, ...], count: int) -> None:
        """Answers of two paragraphs, so that a row spans lines."""
        for source in sources:
            for record in self._take(source, count):
                first, *rest = damage.sentences(record.answer.text)
                record.answer.text = first.rstrip() + "\n" + "".join(rest)

    def personal(self, sentences: list[Personal]) -> None:
        """Sentences with personal data, before or behind the text."""
        for number, item in enumerate(sentences):
            record = self._take(item.source, 1)[0]
            turn = record.question if item.side == "q" else record.answer
            joint = "" if damage.is_chinese(item.turn.text) else " "
            if item.source == "law_en.jsonl" and item.side == "q":
                turn.append(item.turn, "\n")
            elif number % 2 and item.side == "q":
                turn.prepend(item.turn, joint)
            else:
                turn.append(item.turn, joint)

    def swap_answers(self) -> None:
        """LBL001: answers change places within a language."""
        for chinese in (True, False):
            chosen = [
                record
                for source, count in WRONG_ANSWERS.items()
                for record in self._take(source, count)
                if damage.is_chinese(record.question.text) == chinese
            ]
            self._random.shuffle(chosen)
            answers = [record.answer for record in chosen]
            for record, answer in zip(chosen, answers[1:] + answers[:1], strict=True):
                record.turns[1] = answer
                record.problems.append(("LBL001", None))

    def change_labels(self) -> None:
        """LBL003: another label of the same file."""
        for source, count in WRONG_LABELS.items():
            labels = sorted({r.label for r in self._records if r.source == source} - {"general"})
            for record in self._take(source, count, labelled=True):
                record.label = self._random.choice([x for x in labels if x != record.label])
                record.problems.append(("LBL003", None))

    def spoil(self) -> None:
        """QLT001, QLT002, QLT003 and QLT012."""
        for source, count in MOJIBAKE.items():
            for number, record in enumerate(self._take(source, count)):
                record.answer.text = self._mojibake(record.answer.text, number)
                record.problems.append(("QLT001", None))
        self._spoil_answers(HTML, "QLT002", damage.with_html)
        self._spoil_answers(LOST, "QLT003", damage.with_lost_characters)
        self._spoil_answers(REPEATED, "QLT012", lambda text, n: damage.repeated(text, 9 + n))

    @staticmethod
    def _mojibake(text: str, number: int) -> str:
        if not damage.is_chinese(text):
            return damage.curly_as_cp1252(text)
        spoil = damage.utf8_as_cp1252 if number % 2 else damage.utf8_as_gbk
        return spoil(text)

    def _spoil_answers(
        self, plan: dict[str, int], code: str, spoil: Callable[[str, int], str]
    ) -> None:
        number = 0
        for source, count in plan.items():
            for record in self._take(source, count):
                record.answer.text = spoil(record.answer.text, number)
                record.problems.append((code, None))
                number += 1

    def duplicate(self) -> None:
        """DUP001 and DUP002: copies of records that are otherwise untouched."""
        number = 0
        used: set[Record] = set()
        for plan, code in ((EXACT, "DUP001"), (NEAR, "DUP002")):
            for source, count in plan.items():
                for original in self._originals(source, count, used, code):
                    used.add(original)
                    original.has_copy = True
                    copy = self._copy(original, code, number)
                    copy.problems.append((code, original))
                    if source == "law_en.jsonl" and number % 2:
                        copy.source, copy.label = "law_en_prompts.parquet", ""
                    self.added.append(copy)
                    number += 1

    def _originals(self, source: str, count: int, used: set[Record], code: str) -> list[Record]:
        free = [
            r for r in self._records
            if r.source == source and r.is_plain and r not in used
            and (code == "DUP001" or self._near_enough(r))
        ]  # fmt: skip
        return self._random.sample(free, count)

    @staticmethod
    def _near(record: Record, number: int) -> Record:
        copy = record.copy()
        chinese = damage.is_chinese(copy.question.text)
        greetings = ("您好，", "请问，", "") if chinese else ("Hello, ", "Hi there. ", "")
        thanks = ("", "谢谢！", "麻烦了。") if chinese else ("", " Thank you.", " Thanks!")
        kind = number % 3
        copy.question.text = greetings[kind] + copy.question.text + thanks[kind]
        copy.answer.text = damage.edited(copy.answer.text, 2 if chinese else 1)
        return copy

    @classmethod
    def _near_enough(cls, record: Record) -> bool:
        near = cls._near(record, 1)
        texts = [r.question.text + "\n" + r.answer.text for r in (record, near)]
        changed = near.answer.text != record.answer.text
        return changed and damage.jaccard(*texts) >= MIN_NEAR_DUPLICATE

    def _copy(self, original: Record, code: str, number: int) -> Record:
        if code == "DUP002":
            return self._near(original, number)
        copy = original.copy()
        for turn in copy.turns:
            turn.text = damage.refolded(turn.text, number)
        return copy


def contradictions(pairs: list[Record]) -> list[Record]:
    """LBL002: neighbours in `pairs` answer one question differently; each names the other."""
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        one.problems.append(("LBL002", other))
        other.problems.append(("LBL002", one))
    return pairs


def with_problem(records: list[Record], code: str) -> list[Record]:
    """The records, each with the same problem."""
    for record in records:
        record.problems.append((code, None))
    return records


def arrange(records: list[Record], added: list[Record], random: Random) -> list[Record]:
    """A shuffled order in which a copy comes after its original."""
    ordered = sorted(records, key=lambda record: (record.source, record.question.text))
    random.shuffle(ordered)
    for copy in added:
        peer = next(p for _, p in copy.problems)
        low = ordered.index(peer) + 1 if peer in ordered else 0
        ordered.insert(random.randint(low, len(ordered)), copy)
    return ordered
