"""What sets two near-equal records apart: numbers, negations, and what they are about.

Clauses that both hold cancel out; only what is left is looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from curator.similarity.differences import (
    negation_marks,
    negations,
    quantities,
    without_quantities,
)
from curator.similarity.vocabulary import (
    COURTESIES,
    DRUG,
    DRUG_STEM,
    EXCLUDING,
    FUNCTION_CHARACTERS,
    FUNCTION_WORDS,
    GENERAL_WORDS,
    OPPOSITE,
    OPPOSITES,
    is_drug,
)
from curator.text import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.similarity.differences import Quantity

_CLAUSE = re.compile(r"[。！？；，：!?;\n]+|,(?!\d)|(?<!\d)\.(?=\s|$)")
_ENDS = "。！？；，：!?;\n"
"""What ends a clause wherever it stands."""
_MOST_TOKENS = 600
"""Of texts that share so little, no more tokens than these are set against each other."""
_MOST_CLAUSES = 200
_COMMON = 0.5
_SUFFIXES = frozenset(("s", "es", "d", "ed", "r", "er", "n", "en", "ing", "ly", "'s", "\u2019s"))
_FULL_WIDTH = str.maketrans({chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)})


@dataclass(frozen=True, slots=True)
class Sides:
    """A record's text by who speaks: `asked` by its users, `told` by all others."""

    asked: str
    told: str


@dataclass(frozen=True, slots=True)
class Contrast:
    """In what two records differ beside their wording.

    `numbers`: a quantity stands in one alone. `negation`: one negates more.
    `terms`: where one names a thing, the other names another: a drug, a place,
    the opposite (`饭前` and `饭后`). `question`, `answer`: what is asked, or what
    is told, has less than half of its tokens in common.
    """

    numbers: bool = False
    negation: bool = False
    terms: bool = False
    question: bool = False
    answer: bool = False

    def __bool__(self) -> bool:
        """Whether they differ in anything."""
        return self.numbers or self.negation or self.terms or self.question or self.answer


_SAME = Contrast()


def contrast(left: Sides, right: Sides) -> Contrast:
    """Compare two records of nearly the same words."""
    asked = _compare(left.asked, right.asked, strict=True)
    told = _compare(left.told, right.told, strict=False)
    if asked is _SAME:
        return told
    return Contrast(
        numbers=asked.numbers or told.numbers,
        negation=asked.negation or told.negation,
        terms=asked.terms or told.terms,
        question=asked.answer,
        answer=told.answer,
    )


def contrast_inside(inner: Sides, outer: Sides) -> Contrast:
    """Compare a record with a longer one that holds it: only with what answers to it there."""
    return contrast(
        inner, Sides(_answering(inner.asked, outer.asked), _answering(inner.told, outer.told))
    )


def _answering(inner: str, outer: str) -> str:
    """Return the clauses of a longer text that are, or are most like, those of a shorter one."""
    if inner in outer:
        return inner
    asked, known = _CLAUSE.split(inner), set(_CLAUSE.split(outer))
    others = [(clause, set(tokens(clause))) for clause in sorted(known - set(asked))]
    others = others[:_MOST_CLAUSES]
    found = []
    for clause in asked:
        if clause in known:
            found.append(clause)
            continue
        words = set(tokens(clause))
        best = max(((len(words & t), c) for c, t in others), default=(0, ""))
        if best[0]:
            found.append(best[1])
    return "\n".join(found)


def _compare(left: str, right: str, *, strict: bool) -> Contrast:
    """Compare what one side says; `answer` tells that it is another matter altogether.

    A strict comparison takes one Han character in another's place to be meant.
    """
    if left == right:
        return _SAME
    a, b = (_CLAUSE.split(text) for text in _middle(left, right))
    of_a, of_b = set(a), set(b)
    rest_a = "\n".join(c for c in a if c not in of_b and not COURTESIES.fullmatch(c))
    rest_b = "\n".join(c for c in b if c not in of_a and not COURTESIES.fullmatch(c))
    if not rest_a.isascii() or not rest_b.isascii():
        rest_a, rest_b = rest_a.translate(_FULL_WIDTH), rest_b.translate(_FULL_WIDTH)
    if rest_a == rest_b:
        return _SAME
    words_a, words_b = (tokens(without_quantities(t)) for t in (rest_a, rest_b))
    numbers = _other_numbers(quantities(rest_a, words_a), quantities(rest_b, words_b))
    words_a, words_b = words_a[:_MOST_TOKENS], words_b[:_MOST_TOKENS]
    return Contrast(
        numbers=numbers,
        negation=negations(rest_a) != negations(rest_b)
        and negation_marks(rest_a) != negation_marks(rest_b),
        terms=_other_terms((rest_a, left, words_a), (rest_b, right, words_b), strict=strict),
        answer=_apart(left, right, words_a, words_b),
    )


def _middle(left: str, right: str) -> tuple[str, str]:
    """Return the texts without the whole clauses that both begin with, and both end with."""
    same = _common(left, right)
    at = max(left.rfind(end, 0, same) for end in _ENDS) + 1
    stop = left.rfind(". ", at, same) + 1
    if stop and not left[stop - 2 : stop - 1].isdigit():
        at = stop
    left, right = left[at:], right[at:]
    same = _common(left[::-1], right[::-1])
    ends = [left.find(end, len(left) - same) for end in _ENDS]
    cut = len(left) - min((i for i in ends if i >= 0), default=len(left))
    return left[: len(left) - cut], right[: len(right) - cut]


def _common(a: str, b: str) -> int:
    """Return how many characters two texts begin with alike."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _apart(left: str, right: str, words_a: Sequence[str], words_b: Sequence[str]) -> bool:
    """Whether less than half of the longer side's tokens is in the other one too."""
    longer, words = max((left, words_a), (right, words_b), key=lambda side: len(side[0]))
    # A token has a character at least: so few are left that most are in common.
    if 2 * sum(map(len, words)) < len(longer) // 2:
        return False
    whole_a, whole_b = Counter(tokens(left)), Counter(tokens(right))
    return (whole_a & whole_b).total() < _COMMON * max(whole_a.total(), whole_b.total())


def _other_numbers(left: Sequence[Quantity], right: Sequence[Quantity]) -> bool:
    if left == right:
        return False
    only_left, only_right = Counter(left), Counter(right)
    only_left, only_right = only_left - only_right, only_right - only_left
    if not only_left and not only_right:
        return False
    # "30 minutes" and "30 full minutes": the same figure, of which one unit is not seen.
    if all(q.unit for q in only_left) and all(q.unit for q in only_right):
        return True
    return Counter(q.written for q in only_left.elements()) != Counter(
        q.written for q in only_right.elements()
    )


def _other_terms(
    one: tuple[str, str, Sequence[str]], two: tuple[str, str, Sequence[str]], *, strict: bool
) -> bool:
    """Compare what is left of two texts, given with the whole and with the tokens of the rest."""
    (rest_a, left, words_a), (rest_b, right, words_b) = one, two
    only_a, only_b = set(words_a) - set(words_b), set(words_b) - set(words_a)
    if _other_drugs(rest_a, rest_b, only_a, only_b):
        return True
    if not only_a or not only_b:
        return False
    if _opposite(rest_a, rest_b, only_a, only_b):
        return True
    own_a, own_b = _own(only_a, right), _own(only_b, left)
    excluding = not (only_a.isdisjoint(EXCLUDING) or only_b.isdisjoint(EXCLUDING))
    if not (own_a and own_b) and not excluding:
        return False
    return any(
        _excludes(a, b) or _names_another(a, b, own_a, own_b, strict=strict)
        for a, b in _replaced(words_a, words_b)
    )


def _replaced(
    left: Sequence[str], right: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield the stretches of two texts that stand in each other's place."""
    shorter = min(len(left), len(right))
    low = next((i for i in range(shorter) if left[i] != right[i]), shorter)
    left, right = left[low:], right[low:]
    shorter -= low
    cut = next((i for i in range(shorter) if left[-1 - i] != right[-1 - i]), shorter)
    left, right = left[: len(left) - cut], right[: len(right) - cut]
    if not left or not right:
        return
    if set(left).isdisjoint(right):
        yield left, right
        return
    for tag, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "replace":
            yield left[i:j], right[k:m]


def _other_drugs(left: str, right: str, only_a: set[str], only_b: set[str]) -> bool:
    """Whether each text names a drug that the other does not; 泼尼松 is not 泼尼松龙."""
    if any(map(is_drug, only_a)) and any(map(is_drug, only_b)):
        return True
    if not (only_a or only_b) or not (DRUG_STEM.search(left) and DRUG_STEM.search(right)):
        return False
    a, b = set(DRUG.findall(left.lower())), set(DRUG.findall(right.lower()))
    return bool(a - b and b - a)


def _opposite(left: str, right: str, only_a: set[str], only_b: set[str]) -> bool:
    """Whether one text says the opposite, or another measure, of what the other says."""
    for word in set(OPPOSITE.findall(left)):
        for other in OPPOSITES[word]:
            if other in right and other not in left and word not in right:
                return True
    return any(not only_b.isdisjoint(OPPOSITES.get(word, ())) for word in only_a)


def _excludes(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether one character stands for another that rules it out: 左 and 右, 周一 and 周三."""
    return len(a) == len(b) == 1 and b[0] in EXCLUDING.get(a[0], "")


def _own(only: set[str], other: str) -> set[str]:
    """Return the words of content that are nowhere in the other text."""
    # A letter alone is a name: hepatitis A and hepatitis B.
    content = {
        w
        for w in only
        if (len(w) == 1 or w not in FUNCTION_WORDS)
        and w not in FUNCTION_CHARACTERS
        and not w[0].isdigit()
    }
    if not content:
        return content
    folded = other.translate(_FULL_WIDTH).lower()
    if not any(w in folded for w in content):
        return content
    return content - set(tokens(other))


def _names_another(
    a: Sequence[str], b: Sequence[str], own_a: set[str], own_b: set[str], *, strict: bool
) -> bool:
    """Whether a replaced stretch names a thing on both sides.

    One Han character for another is most often a slip of the hand, two or more
    are a word; a Latin word counts unless the two are spellings of one word.
    """
    only_a, only_b = ([w for w in side if w in own] for side, own in ((a, own_a), (b, own_b)))
    if not only_a or not only_b:
        return False
    if not strict and not (_is_name(a, only_a) and _is_name(b, only_b)):
        return False
    whole_a, whole_b = "".join(a), "".join(b)
    return not (
        whole_a in GENERAL_WORDS
        or whole_b in GENERAL_WORDS
        or _spelt_alike("".join(only_a), "".join(only_b))
        or _spelt_alike(whole_a, whole_b)
        or _broken(a, b)
        or _broken(b, a)
    )


def _is_name(stretch: Sequence[str], own: Sequence[str]) -> bool:
    return len(stretch) > 1 or any(w.isalpha() and (len(w) > 1 or w.isascii()) for w in own)


def _broken(whole: Sequence[str], pieces: Sequence[str]) -> bool:
    """Whether the pieces are a Latin word with a character put into or over it: `Smi中th`."""
    word, at = "".join(whole), 0
    letters = [piece for piece in pieces if piece.isascii()]
    if not letters or len(pieces) < 2 or sum(map(len, letters)) < len(word) - 2:
        return False
    for piece in letters:
        at = word.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _spelt_alike(a: str, b: str) -> bool:
    """Whether two words are forms of one word, or one with a slip of the hand."""
    short, long = sorted((a, b), key=len)
    if sorted(a) == sorted(b):  # letters that changed places
        return True
    if long.startswith(short) and long[len(short) :] in _SUFFIXES and len(short) > 2:
        return True
    same = _common(a, b)
    if same >= max(4, len(short) - 3) and {short[same:], long[same:]} <= _SUFFIXES | {"", "e"}:
        return True
    if len(short) < 5 or not long.isascii():
        return False
    rest_a, rest_b = a[same:], b[same:]
    one_more = rest_a[1:] == rest_b or rest_a == rest_b[1:]
    return one_more or (rest_a[1:] == rest_b[1:] and len(short) > 5)
