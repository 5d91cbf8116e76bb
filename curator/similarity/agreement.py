"""Whether two answers to one question agree, and if not, in what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from curator.similarity.differences import charge, clauses, negations, polarity, quantities
from curator.text import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

_HIGHEST = 0.9
_YES_NO, _IMPLIED_YES_NO = 0.8, 0.65
_NUMBER, _LOOSE_NUMBER = 0.75, 0.5
_NEGATION = 0.7
_OTHER = 0.35
_EACH_MORE = 0.05
_SHORT = 12
"""Answers of up to so many tokens say one thing: a number in them is the answer."""
_LONG, _IN_LONG = 150, 0.4
"""In answers of more tokens some clause or number differs by chance: a low score."""
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


def compare(question: str, left: str, right: str) -> Disagreement | None:
    """Return how two answers to a question disagree, None where they may well agree."""
    words, other_words = tokens(left), tokens(right)
    a, b = _pairs_of(["", *words, ""]), _pairs_of(["", *other_words, ""])
    similarity = len(a & b) / max(1, len(a | b))
    strengths: dict[str, float] = {}
    yes_no = _yes_no(question, left, right)
    if yes_no:
        strengths["yes_no"] = yes_no
    number, negation = _clauses_differ(left, right)
    if not number:
        number = _numbers_differ(left, right)
    if max(len(words), len(other_words)) > _LONG:
        number, negation = min(number, _IN_LONG), min(negation, _IN_LONG)
    if number:
        strengths["number"] = number
    if negation:
        strengths["negation"] = negation
    if not strengths:
        if similarity >= _ALIKE or _contained(words, other_words) >= _CONTAINED:
            return None
        strengths["other"] = _OTHER * (1 - similarity)
    kinds = sorted(strengths, key=lambda kind: (-strengths[kind], kind))
    score = strengths[kinds[0]] + _EACH_MORE * (len(kinds) - 1)
    if kinds[0] != "other":
        score += 0.1 * similarity
    return Disagreement(min(_HIGHEST, round(score, 4)), tuple(kinds), similarity)


def _yes_no(question: str, left: str, right: str) -> float:
    costs = {charge(question, left), charge(question, right)}
    if costs == {"free", "charged"}:
        return _IMPLIED_YES_NO
    (a, a_said), (b, b_said) = polarity(question, left), polarity(question, right)
    if a is None or b is None or a == b:
        return 0.0
    return _YES_NO if a_said and b_said else _IMPLIED_YES_NO


def _numbers_differ(left: str, right: str) -> float:
    """Return how surely the answers' numbers disagree: the same unit, no value in common."""
    a, b = quantities(left), quantities(right)
    units = {q.unit for q in a if q.unit} & {q.unit for q in b if q.unit}
    short = max(len(tokens(left)), len(tokens(right))) <= _SHORT
    if short and a and b:
        units |= {""} if {q.unit for q in a} == {q.unit for q in b} == {""} else set()
    for unit in sorted(units):
        if not {q.value for q in a if q.unit == unit} & {q.value for q in b if q.unit == unit}:
            return _NUMBER if short else _LOOSE_NUMBER
    return 0.0


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
