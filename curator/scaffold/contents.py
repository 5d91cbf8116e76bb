"""Which column holds what, told by what the columns hold, where their names do not say it.

A column whose cells ask is the question; one whose cells answer politely is the answer; an id
that comes again in the rows below, beside somebody who speaks in turn, makes a table of turns.
What is found this way is a guess, and `init` tells it as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from curator.schema import Columns
from curator.text import length

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ASKS = re.compile(
    r"[?？]\s*$|[?？]|[吗嘛呢么麼嗎]\s*[。！!~～]*$|请问|請問|怎么|怎麼|怎样|怎樣|如何|为什么|為什麼|多少|多久|哪里|哪裡|"
    r"能不能|可不可以|是不是|有没有|有沒有|什么时候|什麼時候|能.{0,8}[吗嗎]"
    r"|^\W*(?:how|what|why|when|where|which|who|can|could|may|do|does|did|is|are|should|will|would)\b",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"^\W*(?:您好|你好，?您|亲|親|非常抱歉|很抱歉|抱歉|不好意思亲|感谢您|感謝您|可以的|建议|建議|根据|根據)"
    r"|请您|請您|您可以|为您|為您|我们会|我們會|帮您|幫您"
    r"|^\W*(?:yes\b|no\b[,.]|sure\b|hi there|thank you for|thanks for (?:reaching|contacting)|"
    r"(?:i'?m |we'?re |so )?sorry\b|you (?:can|may|should|need)\b|please\b|we\b|i understand\b)",
    re.IGNORECASE,
)
_ASK_NAME = re.compile(
    r"问|問|询|詢|买家|買家|客户|客戶|用户|用戶|患者|来信|ask|question|query|prompt|customer|client|"
    r"member|user|patient|inquir|enquir",
    re.IGNORECASE,
)
_ANSWER_NAME = re.compile(
    r"答|回|复|覆|客服|我们|我們|医生|醫生|ask.{0,4}back|answer|reply|replie|respon|tell|agent|staff|"
    r"support|assistant|bot\b|doctor|solution|resolution",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"^\s*(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|1[5-9]\d{8}(?:\d{3})?$)"
)
_NUMBER = re.compile(r"^[-+]?\d+(?:[.,]\d+)*$")
_LETTERS = re.compile(r"[^\W\d_]")
_PROSE = 4.0
"""The mean length, in words or Han characters, from which a column holds sentences."""
_SURE = 0.3


@dataclass(frozen=True)
class Guess:
    """Columns told by their contents, why each, and what else could be meant."""

    columns: Columns
    why: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For each column that was guessed, the reason in Chinese and in English."""
    sure: bool = True
    """Whether the contents speak clearly enough to need no warning."""
    categories: tuple[str, ...] = ()
    """Columns with few values: one of them may be the category."""


@dataclass(frozen=True)
class _Column:
    """What the cells of a column are like; shares are of those that are filled."""

    name: str
    at: int
    cells: tuple[str, ...]
    filled: tuple[str, ...]

    def share(self, pattern: re.Pattern[str]) -> float:
        return sum(bool(pattern.search(cell)) for cell in self.filled) / max(len(self.filled), 1)

    @property
    def distinct(self) -> int:
        return len(set(self.filled))

    @property
    def mean_length(self) -> float:
        return sum(map(length, self.filled)) / max(len(self.filled), 1)

    @property
    def is_prose(self) -> bool:
        """Whether the cells hold sentences: letters, some length, and not the same few again."""
        return (
            self.mean_length >= _PROSE
            and self.share(_LETTERS) > 0.5
            and self.share(_DATE) < 0.5
            and self.distinct > min(5, len(self.filled) / 3)
        )

    @property
    def asking(self) -> float:
        """How much more the column asks than it answers, by its cells and its name."""
        named = bool(_ASK_NAME.search(self.name)) - bool(_ANSWER_NAME.search(self.name))
        return self.share(_ASKS) - self.share(_ANSWERS) + 0.35 * named


def by_contents(
    names: Sequence[str], rows: Sequence[Mapping[str, object]], known: Columns
) -> Guess | None:
    """Return the columns with what the names did not tell; None where no column holds sentences.

    Args:
        names: the table's columns, in order.
        rows: its first rows.
        known: what the names told; it stays.

    """
    columns = [_column(name, at, rows) for at, name in enumerate(names)]
    why: dict[str, tuple[str, str]] = {}
    fixed = {known.label, known.timestamp, known.system, *known.user, *known.assistant}
    free = [column for column in columns if column.name not in fixed and column.filled]
    if turns := _turns(columns, known):
        return turns
    said: dict[str, object] = {k: v for k, v in known.model_dump().items() if v}
    if not known.timestamp:
        dates = [column for column in free if column.share(_DATE) >= 0.8]
        if dates:
            said["timestamp"] = dates[0].name
            why[dates[0].name] = ("内容是日期", "its cells are dates")
    prose = [c for c in free if c.is_prose and c.name != said.get("timestamp")]
    categories = tuple(
        c.name
        for c in free
        if not c.is_prose
        and 2 <= c.distinct <= min(30, len(c.filled) // 3)
        and c.share(_LETTERS) > 0.5
    )
    if known.user or known.text or known.messages:
        if known.user and not known.assistant and prose:
            best = min(prose, key=lambda c: (c.asking, c.at))
            said["assistant"] = (best.name,)
            why[best.name] = _why_answer(best)
            return Guess(
                Columns.model_validate(said), why, sure=best.asking < 0, categories=categories
            )
        return Guess(Columns.model_validate(said), why, categories=categories)
    if not prose:
        return None
    if len(prose) == 1:
        only = prose[0]
        asks = only.asking > _SURE
        said["user" if asks else "text"] = only.name
        why[only.name] = (
            ("只有这一列是句子，且多为提问", "the one column of sentences, and they ask")
            if asks
            else ("只有这一列是句子", "the one column of sentences")
        )
        return Guess(Columns.model_validate(said), why, categories=categories)
    asked = max(prose, key=lambda c: (c.asking, -c.at))
    answer = min((c for c in prose if c is not asked), key=lambda c: (c.asking, c.at))
    margin = asked.asking - answer.asking
    if asked.asking <= 0 or margin < _SURE / 2:
        # Nothing asks: sentences beside sentences. A pair is still likelier left to right.
        asked, answer = sorted((asked, answer), key=lambda c: c.at)
        why[asked.name] = (
            "句子列中靠左的一列",
            "of the columns of sentences, the one further left",
        )
        why[answer.name] = (
            "句子列中靠右的一列",
            "of the columns of sentences, the one further right",
        )
        sure = False
    else:
        why[asked.name], why[answer.name] = _why_question(asked), _why_answer(answer)
        sure = margin >= _SURE
    said |= {"user": (asked.name,), "assistant": (answer.name,)}
    return Guess(Columns.model_validate(said), why, sure=sure, categories=categories)


def header_is_data(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether the first line of a table reads like its rows, not like names of columns."""
    columns = [_column(name, at, rows) for at, name in enumerate(names)]
    # Dates and numbers tell: no column of them is called by one, and no row of theirs is a word.
    alike = [
        bool(kind.search(column.name.partition(" (")[0]))
        for column in columns
        for kind in (_DATE, _NUMBER)
        if column.filled and column.share(kind) >= 0.9
    ]
    if alike:
        return all(alike)
    prose = [column for column in columns if column.is_prose]
    return bool(prose) and all(
        length(column.name) >= max(_PROSE, column.mean_length / 3)
        and (_ASKS.search(column.name) or re.search(r"[。.！!，,；;]", column.name))
        for column in prose
    )


def answering(speakers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the speakers who answer, told by what they say; those who ask less than others.

    Args:
        speakers: for each name what was said under it.

    """
    if len(speakers) < 2:
        return []
    score = {
        name: sum(bool(_ASKS.search(t)) - bool(_ANSWERS.search(t)) for t in said)
        / max(len(said), 1)
        for name, said in speakers.items()
    }
    low, high = min(score.values()), max(score.values())
    if high - low < _SURE / 2:
        return []
    return [name for name, value in score.items() if value <= (low + high) / 2]


def _column(name: str, at: int, rows: Iterable[Mapping[str, object]]) -> _Column:
    cells = tuple("" if row.get(name) is None else str(row[name]).strip() for row in rows)
    return _Column(name, at, cells, tuple(cell for cell in cells if cell))


def _why_question(column: _Column) -> tuple[str, str]:
    share = round(100 * column.share(_ASKS))
    return f"{share}% 的内容在提问", f"{share}% of its cells ask something"


def _why_answer(column: _Column) -> tuple[str, str]:
    asks, said = round(100 * column.share(_ASKS)), round(100 * column.share(_ANSWERS))
    return (
        f"{said}% 的内容像答复，{asks}% 在提问",
        f"{said}% of its cells read like answers, {asks}% ask",
    )


def _turns(columns: Sequence[_Column], known: Columns) -> Guess | None:
    """Return the columns of a table with a row a turn, if it is one."""
    if known.user and known.assistant:
        return None
    prose = [column for column in columns if column.is_prose]
    rest = [c for c in columns if not c.is_prose and len(c.filled) == len(c.cells)]
    if len(prose) != 1 or len(rest) < 2 or len(prose[0].cells) < 4:
        return None
    grouped = [c for c in rest if c.name != known.label and _groups(c.cells)]
    for conversation in sorted(grouped, key=lambda c: -c.distinct):
        speaking = [
            c
            for c in rest
            if c is not conversation
            and 2 <= c.distinct <= max(6, len(c.cells) // 5)
            and c.share(_LETTERS) > 0.5
            and _alternates(conversation.cells, c.cells)
        ]
        if not speaking:
            continue
        who = max(speaking, key=lambda c: (_alternates(conversation.cells, c.cells), -c.at))
        said: dict[str, object] = {
            "conversation": conversation.name,
            "speaker": who.name,
            "text": prose[0].name,
        }
        said |= {k: v for k in ("label", "timestamp") if (v := getattr(known, k))}
        return Guess(
            Columns.model_validate(said),
            {
                conversation.name: ("相邻几行的值相同", "neighbouring rows share its values"),
                who.name: ("同一段对话中轮流出现", "its few values take turns in a conversation"),
                prose[0].name: ("只有这一列是句子", "the one column of sentences"),
            },
        )
    return None


def _groups(cells: Sequence[str]) -> bool:
    """Whether equal cells stand together, two and more at a time, in at least two groups."""
    runs = 1 + sum(a != b for a, b in pairwise(cells))
    distinct = len(set(cells))
    return distinct >= 2 and runs <= distinct * 1.2 and len(cells) >= 1.5 * runs


def _alternates(conversation: Sequence[str], who: Sequence[str]) -> float:
    """Return how often the next turn of a conversation is another's; 0 where that is seldom."""
    inside = [
        who[i] != who[i + 1] for i in range(len(who) - 1) if conversation[i] == conversation[i + 1]
    ]
    share = sum(inside) / len(inside) if inside else 0.0
    return share if share >= 0.4 else 0.0
