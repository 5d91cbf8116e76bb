"""Whether two answers to one question agree, and if not, in what."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from curator.similarity.claims import articles, dates, without_dates_and_articles
from curator.similarity.differences import (
    charge,
    clauses,
    negations,
    polarity,
    quantities,
    without_named_negations,
)
from curator.text import tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from curator.similarity.differences import Quantity

_HIGHEST = 0.9
_YES_NO, _IMPLIED_YES_NO = 0.8, 0.65
_NUMBER, _ASKED_NUMBER, _LOOSE_NUMBER = 0.75, 0.7, 0.5
_DATE, _LOOSE_DATE = 0.75, 0.4
_ARTICLE, _LOOSE_ARTICLE = 0.75, 0.4
_NEGATION = 0.7
_OTHER = 0.35
_EACH_MORE = 0.05
_SHORT = 12
"""Answers of up to so many tokens say one thing: a number in them is the answer."""
_LONG, _IN_LONG = 80, 0.4
"""In answers of more tokens some clause or number differs by chance, and how they begin tells
little of what they advise: a low score."""
_DAYS = {"s": Fraction(1, 86_400), "month": Fraction(365, 12)}
"""Months and days are one measure where a time is asked for."""
_SAME_TIME = 0.05
"""A month has 28 to 31 days."""
MEASURED = frozenset(
    [
        *("amount", "duration", "price", "count", "often", "thick", "high"),
        *("heavy", "far", "wide", "deep", "fast", "old", "hot"),
    ]
)
"""Kinds of question that a number answers."""
_SAME_CLAUSE = 0.6
_MODAL_TOKENS = frozenset("必须須需要可以能得应應该該") | {
    *("must", "need", "needs", "have", "has", "to", "can", "could", "may", "should", "will"),
}
"""What says must, may and can: left out like negations, so that "must" meets "need not"."""
_ALIKE, _CONTAINED = 0.5, 0.8
_MOST_CLAUSES = 40
_NEGATIVE_TOKENS = frozenset("不没无非未勿莫忌禁别") | {
    *("no", "not", "never", "none", "cannot", "without", "do", "does"),
    *("don't", "can't", "isn't", "doesn't", "shouldn't", "won't", "aren't"),
}
_SET_ASIDE = _NEGATIVE_TOKENS | _MODAL_TOKENS


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How two answers differ: `kinds` (the strongest first), a score up to 0.9, how alike they are.

    `similarity` is the Jaccard similarity of the answers' token pairs.
    """

    score: float
    kinds: tuple[str, ...]
    similarity: float


def compare(
    question: str, left: str, right: str, asks: Collection[str] = ()
) -> Disagreement | None:
    """Return how two answers to a question disagree, None where they may well agree.

    Args:
        question: what both answer.
        left: an answer.
        right: the other; their order does not matter.
        asks: what the question asks for, where that is known (`curator.semantic.asking`): what
            answers it weighs more than what is said by the way.

    """
    words, other_words = tokens(left), tokens(right)
    a, b = _pairs_of(["", *words, ""]), _pairs_of(["", *other_words, ""])
    similarity = len(a & b) / max(1, len(a | b))
    longest = max(len(words), len(other_words))
    short = longest <= _SHORT
    strengths = {
        "yes_no": _yes_no(question, left, right),
        "date": _dates_differ(left, right, asked="date" in asks or short),
        "article": _articles_differ(left, right, asked="clause" in asks or short),
    }
    plain, other = (
        without_named_negations(question, without_dates_and_articles(text))
        for text in (left, right)
    )
    if longest > _LONG and strengths["yes_no"] < _YES_NO:
        strengths["yes_no"] = min(strengths["yes_no"], _IN_LONG)
    number, negation = _clauses_differ(plain, other)
    if not number:
        measured = not MEASURED.isdisjoint(asks) or (short and "what" in asks)
        number = _numbers_differ(plain, other, short=short, measured=measured)
    if longest > _LONG:
        number, negation = min(number, _IN_LONG), min(negation, _IN_LONG)
    strengths |= {"number": number, "negation": negation}
    strengths = {kind: strength for kind, strength in strengths.items() if strength}
    if not strengths:
        alike = similarity >= _ALIKE or _contained(words, other_words) >= _CONTAINED
        if alike or _answer_alike(left, right, asks):
            return None
        strengths["other"] = _OTHER * (1 - similarity)
    kinds = sorted(strengths, key=lambda kind: (-strengths[kind], kind))
    score = strengths[kinds[0]] + _EACH_MORE * (len(kinds) - 1)
    if kinds[0] != "other":
        score += 0.1 * similarity
    return Disagreement(min(_HIGHEST, round(score, 4)), tuple(kinds), similarity)


def _answer_alike(left: str, right: str, asks: Collection[str]) -> bool:
    """Whether both say the same date, or name the same article, where that is asked for."""
    if "date" in asks and any(a.meets(b) for a in dates(left) for b in dates(right)):
        return True
    return "clause" in asks and not articles(left).isdisjoint(articles(right))


def _dates_differ(left: str, right: str, *, asked: bool) -> float:
    """Return how surely the answers' dates disagree: none of the one may be one of the other."""
    a, b = dates(left), dates(right)
    if not a or not b or any(one.meets(two) for one in a for two in b):
        return 0.0
    return _DATE if asked else _LOOSE_DATE


def _articles_differ(left: str, right: str, *, asked: bool) -> float:
    a, b = articles(left), articles(right)
    if not a or not b or a & b:
        return 0.0
    return _ARTICLE if asked else _LOOSE_ARTICLE


def _yes_no(question: str, left: str, right: str) -> float:
    costs = {charge(question, left), charge(question, right)}
    if costs == {"free", "charged"}:
        return _IMPLIED_YES_NO
    (a, a_said), (b, b_said) = polarity(question, left), polarity(question, right)
    if a is None or b is None or a == b:
        return 0.0
    return _YES_NO if a_said and b_said else _IMPLIED_YES_NO


def _numbers_differ(left: str, right: str, *, short: bool, measured: bool) -> float:
    """Return how surely the answers' numbers disagree: the same unit, no value in common.

    Where a number answers the question (`measured`), the same number of something else counts.
    """
    a, b = quantities(left), quantities(right)
    units = {q.unit for q in a if q.unit} & {q.unit for q in b if q.unit}
    if short and a and b:
        units |= {""} if {q.unit for q in a} == {q.unit for q in b} == {""} else set()
    strength = _NUMBER if short else _ASKED_NUMBER if measured else _LOOSE_NUMBER
    for unit in sorted(units):
        if not {q.value for q in a if q.unit == unit} & {q.value for q in b if q.unit == unit}:
            return strength
    if measured and not units and _other_measure(a, b):
        return strength
    return 0.0


def _other_measure(left: Sequence[Quantity], right: Sequence[Quantity]) -> bool:
    """Whether two texts without a unit in common measure differently: 3 days and 3 months."""
    times, others = _times(left), _times(right)
    if times and others:
        return not any(abs(a - b) <= _SAME_TIME * max(a, b) for a in times for b in others)
    numbers, other_numbers = (
        {n for q in found if q.unit for n in (q.written, q.value)} for found in (left, right)
    )
    return not numbers.isdisjoint(other_numbers)


def _times(found: Sequence[Quantity]) -> list[Fraction]:
    return [
        Fraction(q.value) * _DAYS[q.unit]
        for q in found
        if q.unit in _DAYS and q.value.replace("/", "").isdecimal()
    ]


def _clauses_differ(left: str, right: str) -> tuple[float, float]:
    """Compare clauses that are the same but for numbers or negations."""
    a, b = _bare_clauses(left), _bare_clauses(right)
    number = negation = 0.0
    for bare, values, negative in a:
        # A plain clause disagrees with a negative one alone.
        partners = b if values or negative else [c for c in b if c[2]]
        for other, other_values, other_negative in partners:
            if not _same(bare, other):
                continue
            if set(values) - set(other_values) and set(other_values) - set(values):
                number = _NUMBER
            if negative % 2 != other_negative % 2:
                negation = _NEGATION
    return number, negation


def _bare_clauses(text: str) -> list[tuple[frozenset[str], tuple[tuple[str, str], ...], int]]:
    """Return each clause's tokens without numbers and negations, its quantities, its negations."""
    found = []
    for clause in clauses(text)[:_MOST_CLAUSES]:
        bare = frozenset(t for t in tokens(clause) if not t[0].isdigit() and t not in _SET_ASIDE)
        if bare:
            values = tuple((q.value, q.unit) for q in quantities(clause))
            found.append((bare, values, negations(clause)))
    return found


def _same(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a) >= 2 and len(b) >= 2 and len(a & b) >= _SAME_CLAUSE * len(a | b)


def _contained(left: Sequence[str], right: Sequence[str]) -> float:
    """Return how much of the shorter answer's token pairs lies in the longer one's."""
    a, b = _pairs_of(left), _pairs_of(right)
    return len(a & b) / max(1, min(len(a), len(b)))


def _pairs_of(words: Sequence[str]) -> set[tuple[str, str]]:
    return set(pairwise(words))
