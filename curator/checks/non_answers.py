"""Answers that are none: refusals, courtesy, cut-off sentences, echoes, left-overs, adverts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from curator.han import written
from curator.pairs import pairs
from curator.phrases import Phrases
from curator.tables import records_from
from curator.text import PLACEHOLDER, fold, length
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from curator.pairs import Pair
    from curator.types import View

_FLOOR = 0.3
_REFUSAL, _COURTESY, _CUT, _ECHO = "LBL004", "LBL005", "LBL006", "LBL007"
_LEFTOVER, _ADVERT, _OTHER_SCRIPT = "LBL008", "LBL009", "LBL010"
_EMPTY = (_COURTESY, _ECHO)
"""What is no harm in one turn of a conversation that answers in another."""
_LONG_ANSWER = 60
_LEFT_TO_SAY = 6
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+", re.DOTALL)
_BLANK = re.compile(r"[\W_]+")
_CUT_HAN = re.compile(
    r"(?:[，、：；（《“「]|(?:因为|所以|但是|而且|并且|以及|或者|如果|例如|比如|包括|由于|为了|通过|根据|首先|其次))$"
)
_CUT_LATIN = re.compile(
    r"(?:(?<=[a-z]),|(?<=[a-z])-|\b(?:and|or|nor|but|the|(?-i:an?)|of|because|which|such as"
    r"|including|my|your|his|its|our|their|whose|every|is|are|was|were|has|may|if|unless|whether"
    r"|although|than|as|into|between|among|during|due to|caused by|based on|called|usually"
    r"|typically))$",
    re.IGNORECASE,
)
"""What no sentence ends with. Words that questions and asides end with (to, for, with, in, do) are
left out."""
_SIGNED = re.compile(
    r"(?:sincerely|regards|wishes|best|love|yours|truly|cheers|thanks|you),$", re.IGNORECASE
)
_EMPTY_ITEM = re.compile(r"\s*(?:\d{1,2}[.、)]|[-*•])\s*")
_CODE_LINE = re.compile(r"[;{}]\s*$|^\s*(?:import|def|return|SELECT|FROM)\b", re.MULTILINE)
_ASKS_TO_WRITE = re.compile(
    r"\b(?:write|compose|draft|design|create|generate|template|e-?mail|letter|advert\w*|slogan"
    r"|greet\w*|dialog\w*|format|convert)\b|写|撰|起草|模板|邮件|信函|广告|文案|设计|生成|示例|问候|对话|回复“",
    re.IGNORECASE,
)
_OPENING, _CLOSING = "（《「『【“(", "）》」』】”)"
_STOPS = ("。", "！", "？")
_CLAUSE = re.compile(r"[，。！？；,!?;\n]|\.\s")
_KANA = re.compile(r"[\u3041-\u30ff]")
_COURTEOUS_AT_MOST, _LAST_WORDS = 60, 60
_SHORTEST_CUT, _SHORTEST_ECHO, _SHORTEST_SCRIPT = 12, 6, 4
_SHORTEST_UNFINISHED = 6


class NonAnswers:
    """LBL004 to LBL010: answers that say nothing, or not what an answer should.

    - LBL004, refusal: the answer refuses, or speaks of itself as an AI model. Less where
      a long answer follows.
    - LBL005, courtesy: greetings and wishes; hardly anything is left without them. Half as
      much, as with LBL007, where another turn of the conversation does answer: "Noted." is
      what one says to a telephone number.
    - LBL006, cut off: the answer ends in the middle of a sentence, a bracket or a code block.
    - LBL007, echo: the answer repeats the question and adds next to nothing.
    - LBL008, left-over: marks of prompts, chat templates and unfilled slots.
    - LBL009, advertisement: contact lines, links to click, offers.
    - LBL010, other script: the answer to simplified Chinese is in traditional characters,
      or the other way round.

    The phrases lie in `rules/answers.yaml`, with examples. Scores are the rule's own,
    or the share that is wrong; an answer is looked at together with its question.
    """

    name: ClassVar[str] = "non_answers"
    version: ClassVar[str] = "3"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ("answer_rules",)
    codes: ClassVar[tuple[Code, ...]] = (
        Code(_REFUSAL, "refusal", "拒答或自称 AI", "the answer refuses, or speaks as an AI model"),
        Code(_COURTESY, "courtesy-only", "只有客套话", "the answer is courtesy and nothing else"),
        Code(_CUT, "cut-off", "回答被截断", "the answer is cut off"),
        Code(_ECHO, "echo", "回答只是重复问题", "the answer repeats the question"),
        Code(_LEFTOVER, "template-left-over", "残留模板或提示词", "left-overs of a template"),
        Code(_ADVERT, "advertisement", "广告或引流", "an advertisement or a contact line"),
        Code(_OTHER_SCRIPT, "other-script", "繁简与问题不一致", "traditional against simplified"),
    )

    def __init__(self, *, answer_rules: Sequence[Mapping[str, Any]]) -> None:
        """Take the rules, as `PhraseRule.model_dump(mode="json")` gives them."""
        signs = (_REFUSAL, _LEFTOVER, _ADVERT)
        self._signals = {code: Phrases(answer_rules, code) for code in signs}
        self._courtesy = Phrases(answer_rules, _COURTESY)

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a part of the redacted view."""
        for record in records_from(records):
            found = pairs(record)
            signs = [list(self._signs(pair, is_last=pair is found[-1])) for pair in found]
            empty = sum(any(code in _EMPTY for code, *_ in of) for of in signs)
            for pair, of in zip(found, signs, strict=True):
                for code, told, evidence in of:
                    score = told / 2 if code in _EMPTY and empty < len(found) else told
                    if score >= _FLOOR:
                        span = Span(pair.part, 0, len(record.parts[pair.part].text))
                        yield Finding(
                            record.id,
                            self.name,
                            code,
                            round(score, 4),
                            span=span,
                            evidence=evidence,
                        )

    def _signs(self, pair: Pair, *, is_last: bool) -> Iterator[tuple[str, float, dict[str, Any]]]:
        """Yield code, score and evidence of all that is wrong with an answer."""
        answer = pair.answer
        units = length(PLACEHOLDER.sub(" ", answer))
        if not units:
            return  # QLT010 says so
        # What stands in code or in a link is not said to anybody.
        prose = _CODE.sub(" ", answer)
        # Who asks for a letter or an advertisement gets one.
        wanted = 0.5 if _ASKS_TO_WRITE.search(pair.question) else 1.0
        for code, phrases in self._signals.items():
            hit = max(phrases.matches(prose), key=lambda found: found[0].score, default=None)
            if hit:
                rule, match = hit
                after = length(prose[match.end() :]) if code == _REFUSAL else 0
                # What begins so and goes on at length says something all the same.
                weight = (0.7 if after > _LONG_ANSWER else 1.0) if code == _REFUSAL else wanted
                yield code, rule.score * weight, {"rule": rule.id}
        if units <= _COURTEOUS_AT_MOST:
            left = self._without_courtesy(answer)
            if left is not None and left < _LEFT_TO_SAY:
                # To "Hello" one may answer in kind, and "Hello World" is no greeting.
                echoed = 0.3 if self._without_courtesy(pair.question) is not None else wanted
                yield _COURTESY, (0.9 - 0.1 * left) * echoed, {"left": left}
        if is_last and units >= _SHORTEST_UNFINISHED and len(_CODE_LINE.findall(answer)) < 2:
            how = _cut_off(answer, units)
            # A wish that ends in a comma is carelessness: the answer before it is whole.
            if how and self._without_courtesy(_last_clause(answer)) not in range(_LEFT_TO_SAY):
                yield _CUT, *how
        yield from _echo(pair, units)
        yield from _other_script(pair)

    def _without_courtesy(self, text: str) -> int | None:
        """Return how much a text says beside courtesy; None where it has none."""
        rest, courteous = self._courtesy.without(text)
        return length(rest) if courteous else None


def _cut_off(answer: str, units: int) -> tuple[float, dict[str, Any]] | None:
    """Return how surely an answer ends too early, and the sign of it."""
    text = answer.rstrip()
    if units < _SHORTEST_CUT:
        bare = _CUT_LATIN.search(text) if text[-1].isalpha() else None
        return (0.75, {"sign": "unfinished sentence"}) if bare else None
    if text.count("```") % 2:
        return 0.8, {"sign": "open code block"}
    tail = text.rsplit("\n", 1)[-1]
    if _EMPTY_ITEM.fullmatch(tail):
        return 0.8, {"sign": "empty list item"}
    unfinished = _CUT_HAN.search(tail) or _CUT_LATIN.search(tail)
    if unfinished and not _SIGNED.search(tail):
        return 0.75, {"sign": "unfinished sentence"}
    end = tail[-_LAST_WORDS:]
    if sum(end.count(c) for c in _OPENING) > sum(end.count(c) for c in _CLOSING):
        return 0.4 if end.endswith(_STOPS) else 0.6, {"sign": "open bracket"}
    return None


def _last_clause(text: str) -> str:
    """Return what follows the last mark between clauses, but for one at the very end."""
    return _CLAUSE.split(text.rstrip().rstrip("，,"))[-1]


def _echo(pair: Pair, units: int) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Yield LBL007 where the question, taken out of the answer, leaves next to nothing."""
    question, answer = (_BLANK.sub("", fold(text)) for text in (pair.question, pair.answer))
    if units < _SHORTEST_ECHO or not question or question not in answer:
        return
    new = 1.0 - len(question) / len(answer)
    if new <= 0.3:
        yield _ECHO, 0.95 - new, {"new_share": round(new, 4)}


def _other_script(pair: Pair) -> Iterator[tuple[str, float, dict[str, Any]]]:
    if max(len(_KANA.findall(text)) for text in (pair.question, pair.answer)) >= _SHORTEST_SCRIPT:
        return  # Japanese, which has a script of its own
    asked, answered = written(pair.question), written(pair.answer)
    if min(sum(asked), sum(answered)) < _SHORTEST_SCRIPT:
        return
    question, answer = (simple / (simple + old) for simple, old in (asked, answered))
    apart = abs(question - answer)
    if apart > 0.7:
        yield _OTHER_SCRIPT, 0.9 * apart, {"simplified_share": round(answer, 4)}
