"""Answers and texts that are too short, too long, repetitive or hard to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from curator.pairs import pairs
from curator.readability import readability
from curator.tables import records_from
from curator.text import PLACEHOLDER, fold, language, length, sentences, tokens
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from curator.types import Part, Record, View

_FLOOR = 0.3
_FILLER = re.compile(
    r"(?:好|好的|好吧|好滴|好嘞|行|行吧|嗯|哦|噢|喔|啊|呵呵|哈哈|亲|不客气|不客氣|不用谢|不謝|不用客气|谢谢|謝謝|"
    r"谢谢您|谢谢你|多谢|多謝|感谢|感謝|您|你|了|的|收到|明白|知道了|了解|瞭解|在|在吗|在嗎|在么|在不在|"
    r"在呢|有人吗|有人嗎|您好|你好|大家好|早上好|上午好|下午好|晚上好|再见|再見|拜拜|没事|沒事|没关系|沒關係|"
    r"辛苦了|(?:请|請)?(?:您|你)?(?:稍等|稍候|稍后|等一下|等一等|等等|等会儿?|稍等片刻)(?:一下|片刻)?|"
    r"(?:请问|請問)?有什么(?:可以|能)帮(?:助)?(?:到)?(?:您|你)的?(?:吗|呢)?|"
    r"請問有什麼(?:可以|能)幫(?:助)?(?:到)?(?:您|你)的?(?:嗎|呢)?|"
    r"ok|okay|okey|yeah|yep|sure|certainly|many|thanks?|you|somuch|alot|verymuch|thx|cheers|"
    r"yourewelcome|youarewelcome|welcome|hi|hey|hello|hithere|hellothere|good(?:morning|afternoon|evening|day)|"
    r"hmm+|um+|uh+|igotit|gotit|igetit|isee|noted|alright|allright|great|perfect|good|bye|goodbye|"
    r"seeyou|noproblem|noworries|nice|cool|understood|willdo|k|please|anyonethere|areyouthere|"
    r"wait|holdon|oneminute|onemoment|(?:wait|just|give)?(?:me)?(?:a|one)(?:moment|minute|second|sec)|"
    r"bearwithme|how(?:can|may)(?:i|we)(?:help|assist)(?:you)?(?:today)?)+"
)
"""What acknowledges, greets or puts off, and answers nothing; yes and no are answers. Matched
after `fold`."""
_PROSE = ("assistant", "paragraph", "list")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_GRAM = 5
_FEWEST_TOKENS = 12
_FEWEST_TO_READ = 30
_LONG_SENTENCE = 4
_CHAT = 3


class Quality:
    """QLT010 to QLT013: the form of an answer or a text, whatever it says.

    Lengths are in Han characters or words, which weigh alike.

    QLT010, too short: an answer is empty, no more than a filler ("好的", "稍等", "Got it"),
    or shorter than `shortest` units; or nobody has answered at all. No answer and an empty
    one score 1; a filler 0.9; a short answer 0.3 to 0.7, since it may be right. Beside a
    longer answer in the same conversation an empty one scores 0.6, a filler is small talk
    (0.4), and a short answer is no finding. A last question or thanks that nobody answered
    is none either, nor is a chat of three or more turns in which no one is known as the
    one who answers.

    QLT011, too long: a conversation is longer than `longest` units. The score is 0.5 at
    that length and 1 at twice of it. Documents may be as long as they like: they are cut.

    QLT012, repetitive: the score is the share of a text that repeats what it has
    already said, in whole sentences or in runs of five characters or words.

    QLT013, hard to read: Flesch reading ease for English, a measure on the same scale
    for Chinese (see `curator.readability`). The score is 0.3 at an ease of 30 (very
    difficult), 0.6 at -15. Texts shorter than 30 units are not measured.

    Code and tables are neither repetitive nor hard to read.

    QLT015, not checked: any check that judges records one by one had too little memory for
    this record, even alone. The record is dropped, whatever a reviewer says; where the check
    looks for what must be hidden, all of its text is. With more memory, remove
    `.curator/findings/CHECK` and `.curator/decisions`: the next run looks again.
    """

    name: ClassVar[str] = "quality"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    codes: ClassVar[tuple[Code, ...]] = (
        Code("QLT010", "too-short", "答案为空或过短", "the answer is empty or too short"),
        Code("QLT011", "too-long", "对话过长", "the conversation is too long"),
        Code("QLT012", "repetitive", "内容重复", "the text repeats itself"),
        Code("QLT013", "hard-to-read", "难以阅读", "the text is hard to read"),
        Code(
            "QLT015",
            "not-checked",
            "内存不足，未能检查",
            "could not be checked, since memory ran out",
        ),
    )
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, shortest: int = 4, longest: int = 2000) -> None:
        """Set the bounds, in Han characters or words."""
        self.shortest = shortest
        self.longest = longest

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a part of the redacted view."""
        for record in records_from(records):
            if record.kind == "conversation":
                yield from self._short(record)
                yield from self._long(record)
            for index, part in enumerate(record.parts):
                if part.role in _PROSE:
                    yield from _style(record.id, index, part)

    def _short(self, record: Record) -> Iterator[Finding]:
        found = pairs(record)
        if not found:
            if not _answered(record):
                yield _finding(record.id, "QLT010", 1.0, None, {"length": 0})
            return
        lengths = [length(PLACEHOLDER.sub("", pair.answer)) for pair in found]
        fillers = [_FILLER.fullmatch(fold(pair.answer)) is not None for pair in found]
        alone = not any(
            units >= self.shortest and not filler
            for units, filler in zip(lengths, fillers, strict=True)
        )
        for pair, units, filler in zip(found, lengths, fillers, strict=True):
            score = self._shortness(pair.answer, units, filler=filler, alone=alone)
            if score >= _FLOOR:
                span = _whole(record.parts[pair.part], pair.part)
                yield _finding(record.id, "QLT010", score, span, {"length": units})

    def _shortness(self, answer: str, units: int, *, filler: bool, alone: bool) -> float:
        """Return the score of one answer; `alone`: the conversation has no longer answer."""
        if not units:
            # A placeholder alone is an answer to "who" or "where", if a short one.
            if PLACEHOLDER.search(answer):
                return 0.5 if alone else 0.0
            return 1.0 if alone else 0.6
        if filler:
            return 0.9 if alone else 0.4
        if units < self.shortest and alone:
            return 0.7 - 0.4 * units / self.shortest
        return 0.0

    def _long(self, record: Record) -> Iterator[Finding]:
        # A unit is at least one character: most texts need no counting.
        if sum(len(part.text) for part in record.parts) > self.longest:
            units = sum(length(part.text) for part in record.parts)
            if units > self.longest:
                score = min(1.0, 0.5 * units / self.longest)
                yield _finding(record.id, "QLT011", score, None, {"length": units})


def _answered(record: Record) -> bool:
    """Whether a record without a pair may hold an answer all the same.

    An assistant that speaks first, or the log of a chat whose parties are not known:
    three or more turns of one role. (The redacted view has no speakers to tell them by.)
    """
    if any(part.role == "assistant" and part.text.strip() for part in record.parts):
        return True
    return sum(part.role == "user" and bool(part.text.strip()) for part in record.parts) >= _CHAT


def _style(record_id: str, index: int, part: Part) -> Iterator[Finding]:
    """Yield QLT012 and QLT013 for one part."""
    text = PLACEHOLDER.sub(" ", _CODE.sub(" ", part.text))
    found = tokens(text)
    share = repeated_share(text, found)
    if share >= _FLOOR:
        evidence: dict[str, object] = {"repeated_share": round(share, 4)}
        yield _finding(record_id, "QLT012", share, _whole(part, index), evidence)
    lang = language(text) if len(found) >= _FEWEST_TO_READ else "und"
    if lang in {"zh", "en"}:
        ease = readability(text, lang)
        score = min(1.0, _FLOOR + (30.0 - ease) / 150.0)
        if score >= _FLOOR:
            evidence = {"reading_ease": round(ease, 1), "language": lang}
            yield _finding(record_id, "QLT013", score, _whole(part, index), evidence)


def repeated_share(text: str, found: Sequence[str]) -> float:
    """Return the share of a text, whose tokens were `found`, that repeats what it said before.

    The larger of two shares: of the tokens in sentences that came before, and of
    the runs of five tokens that did. 0 for texts of a few tokens.
    """
    if len(found) < _FEWEST_TOKENS:
        return 0.0
    grams = list(zip(*(found[k:] for k in range(_GRAM)), strict=False))
    by_gram = 1.0 - len(set(grams)) / len(grams)
    if by_gram < _FLOOR / 3:
        # Sentences cannot repeat where their runs of tokens do not.
        return by_gram
    seen: set[str] = set()
    repeated = 0
    for sentence in sentences(text):
        units = length(sentence)
        folded = fold(sentence)
        if units >= _LONG_SENTENCE and folded in seen:
            repeated += units
        seen.add(folded)
    return max(by_gram, repeated / len(found))


def _whole(part: Part, index: int) -> Span:
    return Span(index, 0, len(part.text))


def _finding(
    record_id: str, code: str, score: float, span: Span | None, evidence: dict[str, object]
) -> Finding:
    return Finding(record_id, Quality.name, code, score, span=span, evidence=evidence)
