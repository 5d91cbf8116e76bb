"""What a text says, as a sequence of units that do not depend on how it is put.

Greetings fall away, synonyms become one word, numbers become values, and what is
asked for (how, why, when …) becomes a kind of question: `How can I purchase 3 of
them?` and `how do I buy three of them` read alike. A Han character that the lexicon
does not know is a unit of its own, so no segmenter is needed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from curator.semantic import lexicon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 4000
"""Characters of a text that are read."""


class Kind:
    """What a unit does in a text.

    CODE is a product's or model's name with digits in it, or a placeholder; NAME is
    a word with a capital letter inside an English sentence, or a Latin word among
    Chinese characters.
    """

    IDLE = 0
    CONTENT = 1
    LIGHT = 2
    MODAL = 3
    DEGREE = 4
    ASKS = 5
    NUMBER = 6
    PRONOUN = 7
    ROLE = 8
    NEGATION = 9
    CODE = 10
    NAME = 11
    ASPECT = 12
    SCOPE = 13


@dataclass(frozen=True, slots=True)
class Wording:
    """A text's units in order, and what each does (`kinds`, parallel)."""

    units: tuple[str, ...]
    kinds: tuple[int, ...]


_WORD = re.compile(
    r"\[[a-z_\u3400-\u9fff]{2,24}?_?(?:\d+|[a-z2-7]{8})\]|[a-z]+[a-z-]*\d[a-z\d-]*|\d+(?:[.,:]\d+)*|[^\W\d_\u3400-\u9fff]+"
    r"|[\u3400-\u9fff]|[%℃+#<>=$€£¥]"
)
_HAN = re.compile("[\u3400-\u9fff]")
_MARKS = re.compile("[\u0300-\u036f]")
_CAPITAL = re.compile(r"(?<=[a-z,;'\u2019\u201d] )[\"'(]?([A-Z][A-Za-z'\u2019-]+)")
_INSIDE = re.compile("['\u2019-]")
_CONTRACTIONS = (
    (re.compile(r"(?:can['\u2019]t|cannot)\b"), "can not"),
    (re.compile(r"won['\u2019]t\b"), "will not"),
    (re.compile(r"n['\u2019]t\b"), " not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|have|has|had|would|could|should)nt\b"), r"\1 not"),
    (re.compile(r"['\u2019](?:s|re|ve|ll|d|m)\b"), ""),
)
_OPENING = re.compile(
    r"^[\s,，。!！]*(?:您好|你好|医生好|老师好)(?![看美棒厉可坏烦搞聪帅漂喜像多久大高吗不])[\s,，。.!！:：~、;；]*"
    "|^(?:请帮我|请给我|麻烦帮我|给我|給我|帮我|幫我|i want to (?:know|ask)|i would like to know"
    "|(?:can|could) you (?:please )?tell me|do you know)(?![a-z])"
    "|有没有人知道|有沒有人知道|有谁知道|谁知道|谁能告诉我"
)
_PARTICLES = re.compile(
    f"(?:^|(?<=[\\s,，。!！?？~、;；:：…])) *[{lexicon.PARTICLES}]+"
    f"|(?<![酒网網茶干])[{lexicon.PARTICLES}]+(?=[\\s,，。.!！?？~、;；:：…]|$)"
)
_A_NOT_A = re.compile("([\u3400-\u9fff])(?<![不没沒])[不没沒]\\1")
_ENDS_IN_NOT = re.compile("(?<=[\u3400-\u9fff])(?:不|没有|没|沒有)(?=[啊呀呢]?[?？。！!~\\s]*$)")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "萬": 10_000, "亿": 100_000_000}
_NUMERAL = frozenset(_DIGITS) | frozenset(_POWERS)
_HALF = "半"
_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: value for value, word in enumerate(_SMALL.split())} | {
    word: 10 * tens for tens, word in enumerate(_TENS.split(), start=2)
}
_ENDINGS = (("ing", 5), ("ied", 5), ("ies", 5), ("ed", 5), ("es", 5), ("ly", 6), ("s", 4))


@lru_cache(maxsize=1 << 12)
def wording(text: str) -> Wording:
    """Return the units of a text, of its first 4,000 characters."""
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    capitals = {word.lower() for found in _CAPITAL.findall(text) for word in _INSIDE.split(found)}
    text = _MARKS.sub("", unicodedata.normalize("NFD", text.lower()))
    for pattern, plain in _CONTRACTIONS:
        text = pattern.sub(plain, text)
    text = _PARTICLES.sub("", _OPENING.sub("", text))
    text = _ENDS_IN_NOT.sub("吗", _A_NOT_A.sub("吗\\1", text))
    words = _WORD.findall(text)
    mixed = _HAN.search(text) is not None
    units: list[str] = []
    kinds: list[int] = []
    at = 0
    while at < len(words):
        known = _single(words[at])
        used, kind, unit = (1, *known) if known else _unit(words, at)
        if used == 1 and words[at].isascii() and words[at].isalpha():
            kind, unit = _latin(words[at], kind, unit, mixed=mixed, capitals=capitals)
        at += used
        if kind == Kind.IDLE:
            continue
        if unit in {"how", "why"} and units and units[-1] == "是":
            del units[-1], kinds[-1]  # 是为什么 asks what 为什么 does
        if (kind == Kind.NEGATION or unit == "被") and units and units[-1] == "how":
            units[-1] = "why"  # 怎么没有 asks why there is none
        units.append(unit)
        kinds.append(kind)
    return Wording(tuple(units), tuple(kinds))


@cache
def _lexicon() -> tuple[dict[str, tuple[int, str]], dict[str, int]]:
    """Return spelling → (kind, unit), and word → words of the longest spelling it begins.

    A Han character is a word.
    """
    found = dict(_spellings())
    longest: dict[str, int] = {}
    for spelling in found:
        words = list(spelling) if _HAN.match(spelling) else spelling.split()
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return found, longest


def _spellings() -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield every spelling with what it does; where one comes twice, the later holds."""
    for kind, groups in (
        (Kind.CONTENT, lexicon.SAME.strip().splitlines()),
        (Kind.MODAL, lexicon.MODAL.split()),
        (Kind.DEGREE, lexicon.DEGREE.split()),
        (Kind.PRONOUN, lexicon.PRONOUNS.split()),
        (Kind.ROLE, lexicon.ROLES.split()),
        (Kind.ASPECT, lexicon.ASPECT.split()),
        (Kind.LIGHT, lexicon.LIGHT.split()),
        (Kind.SCOPE, lexicon.SCOPE.split()),
    ):
        for group in groups:
            head, *others = group.split("|")
            for spelling in (head, *others):
                yield spelling, (kind, head)
    for word in lexicon.POSITIVE.split():
        yield word, (Kind.CONTENT, word)
    for word in lexicon.NEGATIONS.split():
        yield word, (Kind.NEGATION, "not")
    for asked, spellings in lexicon.ASKS.items():
        for spelling in spellings.split("|"):
            yield spelling, (Kind.ASKS, asked)
    for word in lexicon.IDLE.split():
        yield word, (Kind.IDLE, "")


@lru_cache(maxsize=1 << 14)
def _single(word: str) -> tuple[int, str] | None:
    """Return what a word does and its unit, None where that hangs on the words after it."""
    table, longest = _lexicon()
    if word[0] == "[":
        return Kind.CODE, word
    counts = word[0].isdigit() or word in _WORDS or word[0] in _NUMERAL or word == _HALF
    if counts or longest.get(word, 0) > 1:
        return None
    return table.get(word) or (Kind.CODE if any(c.isdigit() for c in word) else Kind.CONTENT, word)


def _unit(words: Sequence[str], at: int) -> tuple[int, int, str]:
    """Return how many words the unit at a place takes, what it does, and the unit."""
    word = words[at]
    found = _phrase(words, at)
    if word == _HALF and not (found and found[0] > 1):
        return 1, Kind.NUMBER, "#0.5"
    if word[0].isdigit() or word in _WORDS or (word[0] in _NUMERAL and (not found or found[0] < 2)):
        number = _number(words, at)
        if number:
            return number
    return found or (1, Kind.CONTENT, word)


def _phrase(words: Sequence[str], at: int) -> tuple[int, int, str] | None:
    """Return the longest spelling of the lexicon that begins at a place."""
    table, longest = _lexicon()
    gap = "" if _HAN.match(words[at]) else " "
    for used in range(min(longest.get(words[at], 0), len(words) - at), 0, -1):
        found = table.get(gap.join(words[at : at + used]))
        if found:
            return (used, *found)
    return None


def _latin(word: str, kind: int, unit: str, *, mixed: bool, capitals: set[str]) -> tuple[int, str]:
    """Return what a Latin word does: among Han characters, or with a capital, it names."""
    if mixed and (len(word) == 1 or kind == Kind.CONTENT):
        return Kind.NAME, word
    if kind == Kind.CONTENT and word not in _lexicon()[0]:
        return (Kind.NAME, word) if word in capitals else (kind, _root(word))
    return kind, unit


@lru_cache(maxsize=1 << 14)
def _root(word: str) -> str:
    """Return a word that the lexicon does not know without its ending, or what it knows of that."""
    stem = _stem(word)
    table = _lexicon()[0]
    kind, unit = table.get(stem) or table.get(stem + "e") or (Kind.IDLE, "")
    return unit if kind == Kind.CONTENT else stem


def _number(words: Sequence[str], at: int) -> tuple[int, int, str] | None:
    """Return the number at a place; 一 and `one` alone are none, they say `a` as often as 1."""
    word, used = words[at], 1
    if word[0].isdigit():
        try:
            amount = float(word.replace(",", ""))
        except ValueError:  # a time, a version
            return 1, Kind.NUMBER, f"#{word}"
        while at + used < len(words) and words[at + used] in _POWERS:
            amount *= _POWERS[words[at + used]]
            used += 1
    elif word in _WORDS:
        amount = float(_WORDS[word])
        after = words[at + 1] if at + 1 < len(words) else ""
        if amount >= 20 and 0 < _WORDS.get(after, 0) < 10:
            amount, used = amount + _WORDS[after], 2
        if word == "one":
            return 1, Kind.LIGHT, "one"
    else:
        while at + used < len(words) and words[at + used] in _NUMERAL:
            used += 1
        run = "".join(words[at : at + used])
        if run == "一":
            return None
        amount = _han_value(run)
    return used, Kind.NUMBER, f"#{amount:.12g}"


def _han_value(run: str) -> float:
    """Return the value of a Chinese numeral: 二十五, 一百零三, 两万, 二〇二四."""
    if not any(c in _POWERS for c in run):
        return float("".join(str(_DIGITS[c]) for c in run))
    total = section = digit = 0
    for char in run:
        power = _POWERS.get(char)
        if power is None:
            digit = _DIGITS[char]
        elif power >= 10_000:
            total = (total + section + digit or 1) * power
            section = digit = 0
        else:
            section += (digit or 1) * power
            digit = 0
    return float(total + section + digit)


def _stem(word: str) -> str:
    """Return an English word without its ending: stops, stopped, stopping → stop."""
    for ending, least in _ENDINGS:
        if len(word) >= least and word.endswith(ending) and not word.endswith("ss"):
            stem = word[: -len(ending)]
            if ending in {"ied", "ies"}:
                return stem + "y"
            doubled = len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "sl"
            return (stem[:-1] if doubled and ending in {"ing", "ed"} else stem).rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word
