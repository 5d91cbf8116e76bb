"""Whether two questions ask the same of the same: the things that they name, and what of them.

A question is split into what it names (`布洛芬`, `adults`) and what it asks for (an amount, a
date, whether), by the words of `frames`. Two questions that name the same things and ask for the
same are one question, in whatever words and order; another thing, however alike its name is
spelt and whatever embeddings say, makes another question. So what is named is a key: the
questions to compare are those that share it, and nothing is quadratic.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from curator.semantic.comparison import conflicts
from curator.semantic.frames import (
    ASKED,
    DETAILS,
    GENERIC,
    HEADS,
    LAWS,
    SAYS_NOTHING,
    VERBS,
    WHAT,
)
from curator.semantic.wording import Kind, wording
from curator.similarity.vocabulary import FUNCTION_WORDS

LONGEST = 60
"""Characters of a Chinese question, a third of those of another, beyond which it is a story."""
_LATIN_PER_HAN = 3
_NAMES = frozenset({Kind.CONTENT, Kind.CODE, Kind.NAME, Kind.NUMBER})
_HAN = re.compile("[\u3400-\u9fff]")
_OPENS_YES_NO = re.compile(
    r"(?:^|[.!?,;\n]\s*)(?:so |and |but |please )?(?:is|are|was|were|do|does|did|can|could|should"
    r"|will|would|may|must|has|have|am)(?![a-z])(?=[^.!\n]*\?)"
)
_A_NOT_A = re.compile("([\u3400-\u9fff])[不没沒]\\1")
_WHETHER_AT_ALL = "行好对對成是"
_LAW = re.compile(
    f"《[^》]{{1,30}}(?:法|法典|条例|规定|办法|解释)》|{LAWS.replace(chr(10), '')}"
    r"|(?:(?:of|in|under|to) )?the (?:[a-z]+ ){1,3}(?:act|code|law|statute|regulations?)(?![a-z])"
)
_IN_WHERE = re.compile("在哪(?![年天日月个個座里裡儿家种種一款些位类類样樣])")
_PLAIN = frozenset({"negation", "numbers", "person", "time"})
"""Conflicts that hold wherever the words stand."""
_HAN_START = re.compile(r"(?<![^\W_])[在是为為用选選叫于於先找由从有]+(?=[\u3400-\u9fff]{2})")
_VERB = "verb"
_SURE, _LESS = 0.95, 0.85
"""The probability that two ask the same in other words; and where only one says of what the amount
is, or asks for it by name."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a question names (sorted), what it asks for, and of what that is.

    `verbs` are what is done with the things, `laws` the statutes that are named (an article is
    asked for with and without); `rest` is the question without all of it but the things.
    """

    things: tuple[str, ...]
    verbs: frozenset[str]
    asks: frozenset[str]
    details: frozenset[str]
    laws: frozenset[str]
    rest: str


_CLAUSE = re.compile("条|條|条款|(?:section|article|clause)s?(?![a-z])")


@lru_cache(maxsize=1 << 12)
def asking(question: str) -> Asking | None:
    """Return what a question names and asks for; None of a story, and where it names nothing."""
    text = unicodedata.normalize("NFKC", question).lower().replace("\u2019", "'")
    if len(text) > (LONGEST if _HAN.search(text) else LONGEST * _LATIN_PER_HAN):
        return None
    found: set[str] = set()
    verbs: set[str] = set()
    if _OPENS_YES_NO.search(text) or _A_NOT_A.search(text):
        found.add("whether")

    def taken(match: re.Match[str]) -> str:
        name = _frames()[0][match.group()]
        if name == _VERB:
            verbs.add(match.group())
        found.add(name)
        return " "

    text = _A_NOT_A.sub(lambda m: "" if m[1] in _WHETHER_AT_ALL else m[1], text)
    text = _IN_WHERE.sub("在哪里", text)
    laws: frozenset[str] = frozenset()
    if _CLAUSE.search(text):
        laws = frozenset(_LAW.findall(text))
        text = _LAW.sub(" ", text)
    rest = _frames()[1].sub(taken, text)
    asks = found & ASKED.keys()
    if not asks:
        return None
    w = wording(rest)
    things = sorted(
        unit[:-1] if unit.endswith("ll") else unit  # cancelled, cancel
        for unit, kind in zip(w.units, w.kinds, strict=True)
        if kind in _NAMES and unit not in FUNCTION_WORDS
    )
    if not things:
        return None
    special = asks - set(GENERIC) - (HEADS if "amount" in asks else set())
    if not special:
        special = {next((name for name in GENERIC if name in asks), "what")}
    details = frozenset(found & DETAILS.keys())
    return Asking(tuple(things), frozenset(verbs), frozenset(special), details, laws, rest)


def likely_same(left: str, right: str) -> float:
    """Return how probably two questions that are not equal ask the same: 0 where they do not."""
    a, b = asking(left), asking(right)
    if a is None or b is None or a.things != b.things:
        return 0.0
    if a.asks != b.asks and not ({"what"} in (a.asks, b.asks) and a.asks | b.asks <= WHAT):
        return 0.0
    if a.laws and b.laws and not _one_law(a.laws, b.laws):
        return 0.0
    if "how" in a.asks and a.verbs != b.verbs:
        return 0.0
    if "whether" in a.asks and a.verbs - b.verbs and b.verbs - a.verbs:
        return 0.0
    only = (a.details - b.details, b.details - a.details)
    differ = {*conflicts(a.rest, b.rest), *_PLAIN.intersection(conflicts(left, right))}
    if "who" in a.asks and "roles" in conflicts(left, right):
        return 0.0
    if all(only) or differ - {"question"}:
        return 0.0
    return _LESS if any(only) or a.asks != b.asks else _SURE


def _one_law(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether some statute of both is one: 道交法 is 道路交通安全法, by its characters in order."""
    return any(
        _inside(short, long)
        for a in left
        for b in right
        for short, long in [sorted((a.strip("《》"), b.strip("《》")), key=len)]
    )


def _inside(short: str, long: str) -> bool:
    rest = iter(long)
    return all(char in rest for char in short)


def without_frames(text: str) -> str:
    """Return a lower-case text with a space for each word that asks and names nothing.

    A Han character alone is such a word only at the start of what is left: 都 is in 成都.
    """

    def blank(match: re.Match[str]) -> str:
        word = match.group()
        return word if len(word) == 1 and not word.isascii() else " "

    return _HAN_START.sub(" ", _frames()[1].sub(blank, text))


def names_nothing(text: str) -> bool:
    """Whether a lower-case text is made of words that ask and name nothing."""
    return not _frames()[1].sub("", text).strip()


@cache
def _frames() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return spelling → what it asks for (empty: nothing), and a pattern of all, longest first."""
    table: dict[str, str] = {}
    groups = [("", SAYS_NOTHING), (_VERB, VERBS), *DETAILS.items(), *ASKED.items()]
    for name, spellings in groups:
        for spelling in " ".join(spellings.split()).split("|"):
            table[spelling.strip()] = name
    table.pop("", None)
    ordered = sorted(table, key=len, reverse=True)
    han = "|".join(re.escape(word) for word in ordered if not word.isascii())
    latin = "|".join(re.escape(word) for word in ordered if word.isascii())
    return table, re.compile(f"{han}|(?<![a-z0-9'-])(?:{latin})(?![a-z0-9'-])")
