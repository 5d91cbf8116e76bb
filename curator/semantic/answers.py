"""Whether two answers to one question disagree, in the light of what it asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.semantic.asking import asking, names_nothing, without_frames
from curator.semantic.wording import wording
from curator.similarity.agreement import Disagreement, compare
from curator.similarity.claims import articles, dates
from curator.similarity.differences import clauses, quantities
from curator.similarity.vocabulary import FUNCTION_WORDS
from curator.text import tokens

if TYPE_CHECKING:
    from curator.semantic.asking import Asking

_NAMING = frozenset({"who", "place", "drug", "material", "brand", "colour"})
"""Kinds of question that a name answers; which of many, if one is the best or the first."""
_NAME, _LOOSE_NAME = 0.6, 0.4
_MOST_NAMES = 2
_LONGEST_NAME = {"zh": 9, "other": 4}
"""Han characters, or words, that a name and a verb beside it may have."""
_MOST_TOKENS = 40
"""In longer answers a name is one of many things that are said."""
_HAN_RUN = re.compile("[\u3400-\u9fff]")


def disagreement(question: str, left: str, right: str) -> Disagreement | None:
    """Return how two answers to a question disagree, None where they may well agree.

    The arguments are those of `curator.similarity.agreement.compare`.
    """
    about = asking(question)
    found = compare(question, left, right, about.asks if about else ())
    if about is None or (found and found.kinds[0] != "other") or not _names_one(about):
        return found
    if any(dates(t) or articles(t) or quantities(t) for t in (left, right)):
        return found
    if not _name_others(question, left, right):
        return found
    similarity = found.similarity if found else _alike(left, right)
    return Disagreement(round(_NAME + 0.1 * similarity, 4), ("name",), similarity)


def _names_one(about: Asking) -> bool:
    return not _NAMING.isdisjoint(about.asks) or ("what" in about.asks and bool(about.details))


def _name_others(question: str, left: str, right: str) -> bool:
    """Whether each answer names something that is nowhere in the other."""
    texts = (left.lower(), right.lower())
    if max(len(tokens(text)) for text in texts) > _MOST_TOKENS:
        return False
    apart = _apart(*(next(iter(clauses(text)), "") for text in texts))
    names = apart or [named(question, text) for text in texts]
    # By synonyms: words, since names that share a Han character are no less two names.
    words = [{u for name in mine for u in wording(name).units if u.isascii()} for mine in names]
    if not words[0].isdisjoint(words[1]) and not apart:
        return False
    return all(names) and not any(
        _holds(text, name) for text, mine in zip(texts[::-1], names, strict=True) for name in mine
    )


def _apart(left: str, right: str) -> list[list[str]] | None:
    """Return what stands in each other's place in clauses that are the same but for this.

    A name stands at the beginning or at the end; what stands amid them is mostly a verb.
    """
    a, b = tokens(left), tokens(right)
    at = 0
    while at < min(len(a), len(b)) and a[at] == b[at]:
        at += 1
    rest_a, rest_b = a[at:], b[at:]
    while rest_a and rest_b and rest_a[-1] == rest_b[-1]:
        rest_a.pop()
        rest_b.pop()
    behind = a[at + len(rest_a) :]
    han = bool(_HAN_RUN.search(left))
    gap = "" if han else " "
    longest = _LONGEST_NAME["zh" if han else "other"]
    sizes = sorted((len(rest_a), len(rest_b)))
    if at + len(behind) < 2 or not 0 < sizes[0] <= sizes[1] <= longest:
        return None
    if at and not names_nothing(gap.join(behind)):
        return None
    found = [gap.join(rest) for rest in (rest_a, rest_b)]
    if any(map(names_nothing, found)) or wording(found[0]).units == wording(found[1]).units:
        return None
    return [[name] for name in found]


def _holds(text: str, name: str) -> bool:
    """Whether a text holds a name, or most of one written without spaces."""
    if name in text:
        return True
    if not _HAN_RUN.search(name):
        return not set(name.split()).isdisjoint(tokens(text))
    pairs = [name[i : i + 2] for i in range(len(name) - 1)]
    return 2 * sum(pair in text for pair in pairs) >= max(1, len(pairs))


def named(question: str, answer: str) -> list[str]:
    """Return what the first clause that tells something new names, where that is short.

    What the question says, and words that name nothing, are left out.
    """
    asked = question.lower()
    words = frozenset(_stem(word) for word in tokens(asked))
    for clause in clauses(answer.lower()):
        runs = _han_runs(clause, asked) if _HAN_RUN.search(clause) else _word_runs(clause, words)
        if not runs:
            continue
        size = sum(len(r) if _HAN_RUN.search(r) else len(r.split()) for r in runs)
        longest = _LONGEST_NAME["zh" if _HAN_RUN.search(clause) else "other"]
        return runs if len(runs) <= _MOST_NAMES and size <= longest else []
    return []


def _han_runs(clause: str, asked: str) -> list[str]:
    """Return the stretches of a clause that are neither in the question nor say nothing."""
    kept, at = [], 0
    while at < len(clause):
        size = 0
        while at + size < len(clause) and clause[at : at + size + 1] in asked:
            size += 1
        if size > 1:
            kept.append(" ")
            at += size
        else:
            kept.append(clause[at])
            at += 1
    return [run for run in re.findall(r"[^\W_]+", without_frames("".join(kept))) if len(run) > 1]


def _word_runs(clause: str, asked: frozenset[str]) -> list[str]:
    runs: list[list[str]] = [[]]
    for word in tokens(without_frames(clause)):
        if word in FUNCTION_WORDS or _stem(word) in asked:
            runs.append([])
        else:
            runs[-1].append(word)
    return [" ".join(run) for run in runs if run]


def _stem(word: str) -> str:
    return word.rstrip("s") if len(word) > 3 else word


def _alike(left: str, right: str) -> float:
    a, b = frozenset(tokens(left)), frozenset(tokens(right))
    return len(a & b) / max(1, len(a | b))
