"""Private values that are known from one place, and where else texts say them.

What is found once is looked for everywhere, so a value must be a detail of somebody and no
ordinary word that was held for one:

- a name is a Chinese one of two to four characters (or with a dot), or a Latin one of two
  words or more;
- any other detail has a digit or an @, and six characters or more (a birthday and an age
  are said of many, so they are not looked for);
- a Chinese name needs a better reason than a doubtful finding: a score of 0.9, or a rule
  that knows it by what stands around; where it begins with a surname and has three
  characters or was found in two records, a score of 0.75;
- at least a third of the records that say it were found to mean it: of a word that a model
  took for a name once, that is a small share. It is half for a name of two characters, a
  tenth for a full name that a rule knows or that has a score of 0.9, and nothing where a
  strong checksum agrees;
- a Latin name that no rule knows is found in at least as many records as say it in small
  letters: "Skin Cancer" is a heading, and "skin cancer" is nobody.

Texts are compared as `curator.text.fold` gives them, so width, case, spaces and zero-width
characters hide nothing; Latin letters and digits are whole words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from curator.intervals import Intervals
from curator.pii.matching import allowed_spans, narrow
from curator.pii.scanning import LEFT_OPEN
from curator.pii.surnames import COMPOUND_SURNAMES, SURNAMES
from curator.pseudonyms import same
from curator.text import HAN, PLACEHOLDER, fold, fold_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PERSON = "PERSON"
_SAID_OF_MANY = frozenset({"DATE_OF_BIRTH", "AGE", *LEFT_OPEN})
_SHORTEST = 6
_HAN_NAME = re.compile(f"[{HAN}]{{2,4}}")
_DOTTED = re.compile(f"[{HAN}]{{1,8}}(?:[·•‧∙・][{HAN}]{{1,8}})+")
_LATIN_NAME = re.compile(r"[^\W\d_][^\W\d_.'’-]*(?:[.'’-]+[^\W\d_]*)*(?:\s+[^\W\d_][\w.'’-]*)+")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_HAS_HAN = re.compile(f"[{HAN}]")
_SIGN = re.compile(r"[\d@]")
_BREAK = re.compile('[\\n\\r，。！？；、：,!?;|"“”]')
_NAME_GAP = re.compile(r"[\s·•‧∙・.'’\-\u00ad\u200b-\u200f\u2060\ufeff]*")
_COUNTRY = re.compile(r"(?:00|\+)?86[ -]?$")
_CERTAIN, _FAIR, _BY_RULE = 0.9, 0.75, 0.7
_SHARE, _SHARE_OF_TWO, _SHARE_OF_SURE = 1 / 3, 1 / 2, 1 / 10


@dataclass(slots=True)
class Value:
    """A private value: the strongest that was found of it, and the records that it was found in."""

    entity: str
    code: str
    text: str
    score: float = 0.0
    validated: bool = False
    by_rule: bool = False
    records: set[str] = field(default_factory=set)


class Place(NamedTuple):
    """Where a text says a value: half-open, in code points; `key` is the value folded."""

    start: int
    end: int
    key: str


class Values:
    """Private values by their folded form. They are held in memory alone."""

    def __init__(self) -> None:
        self.by_key: dict[str, Value] = {}

    def add(
        self, text: str, record_id: str, code: str, score: float, evidence: Mapping[str, object]
    ) -> None:
        """Add what a finding of the check of private details covers."""
        entity = str(evidence.get("entity", ""))
        if not _identifies(entity, text):
            return
        value = self.by_key.setdefault(same(entity, text), Value(entity, code, text))
        if (score, code, text) > (value.score, value.code, value.text):
            value.entity, value.code, value.text, value.score = entity, code, text, score
        value.validated |= bool(evidence.get("validated"))
        value.by_rule |= evidence.get("recogniser") == "rule" and score >= _BY_RULE
        value.records.add(record_id)

    def held(self, said: Said) -> dict[str, Value]:
        """Return the values that are looked for everywhere; `said`: what the records say."""
        return {
            key: value
            for key, value in self.by_key.items()
            if value.validated
            or (
                _has_reason(value)
                and len(value.records)
                >= _least_share(value) * len(value.records | said.records[key])
                and (value.by_rule or len(value.records) >= len(said.in_small_letters[key]))
            )
        }


class Said:
    """Which records say each value, and which say it in small letters."""

    def __init__(self) -> None:
        self.records: dict[str, set[str]] = defaultdict(set)
        self.in_small_letters: dict[str, set[str]] = defaultdict(set)

    def add(self, record_id: str, text: str, place: Place) -> None:
        """Add that a text of a record says a value."""
        self.records[place.key].add(record_id)
        said = text[place.start : place.end]
        if " " in said and said.islower():
            self.in_small_letters[place.key].add(record_id)


class KnownSearch:
    """Looks for many values at once (Aho & Corasick 1975); how many hardly matters.

    Args:
        values: what is looked for, by its folded form.
        allow: regexes of texts that are never private.

    """

    def __init__(self, values: Mapping[str, Value], allow: Sequence[str]) -> None:
        import ahocorasick  # noqa: PLC0415 - only who looks for values needs it

        self.values = values
        self._allow = [re.compile(pattern) for pattern in allow]
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_LENGTH)
        for key in values:
            self._automaton.add_word(key)
        if values:
            self._automaton.make_automaton()

    def places(self, text: str) -> list[Place]:
        """Return where a text says one of the values, in order of their ends."""
        if not self.values:
            return []
        folded = fold(text)
        hits = [(end - length + 1, end + 1) for end, length in self._automaton.iter(folded)]
        if not hits:
            return []
        at = fold_places(text)
        hidden = Intervals(m.span() for m in PLACEHOLDER.finditer(text))
        allowed = Intervals(allowed_spans(self._allow, narrow(text)))
        found = []
        for a, b in hits:
            place = Place(at[a], at[b - 1] + 1, folded[a:b])
            if (
                self._is_said(text, place)
                and not hidden.touch(place.start, place.end)
                and not allowed.hold(place.start, place.end)
            ):
                found.append(place)
        return found

    def _is_said(self, text: str, place: Place) -> bool:
        """Tell whether the letters stand together, and as whole words where they are Latin."""
        start, end, key = place
        said = text[start:end]
        value = self.values[key]
        if _BREAK.search(said) or len(said) > 2 * len(key) + 4:
            return False
        if value.entity == PERSON and not _stands_together(said):
            return False
        before, behind = text[max(0, start - 4) : start], text[end : end + 1]
        if value.entity == "PHONE" and _COUNTRY.search(before):
            before = ""
        return not (_same_word(before[-1:], said[0]) or _same_word(behind, said[-1]))


def _identifies(entity: str, text: str) -> bool:
    """Tell whether a text of this form is somebody's, wherever it stands."""
    said = text.strip()
    if PLACEHOLDER.search(said) or entity in _SAID_OF_MANY:
        return False
    if entity == PERSON:
        forms = (_HAN_NAME, _DOTTED, _LATIN_NAME)
        return any(form.fullmatch(said) for form in forms)
    return bool(_SIGN.search(said)) and len(fold(said)) >= _SHORTEST


def _has_reason(value: Value) -> bool:
    if value.entity != PERSON or _LATIN.search(value.text):
        return True
    if value.score >= _CERTAIN or value.by_rule:
        return True
    least = _FAIR if len(value.text) > 2 or len(value.records) > 1 else _CERTAIN
    return _has_surname(value.text) and value.score >= least


def _least_share(value: Value) -> float:
    if value.entity == PERSON and len(value.text) == 2:
        return _SHARE_OF_TWO
    is_full = bool(_LATIN.search(value.text)) or _has_surname(value.text)
    return _SHARE_OF_SURE if is_full and (value.by_rule or value.score >= _CERTAIN) else _SHARE


def _has_surname(name: str) -> bool:
    return name[0] in SURNAMES or name.startswith(COMPOUND_SURNAMES)


def _stands_together(said: str) -> bool:
    letters = [m.span() for m in re.finditer(r"[^\W_]+", said)]
    return all(_NAME_GAP.fullmatch(said, a, b) for (_, a), (b, _) in pairwise(letters))


def _same_word(beside: str, edge: str) -> bool:
    """Tell whether a character beside a value goes on with the word or number at its edge."""
    if edge.isdigit():
        return beside.isdigit()
    return bool(_LATIN.match(edge) and beside and (_LATIN.match(beside) or beside.isdigit()))


def longest(places: Iterable[Place]) -> Iterator[Place]:
    """Yield the places in order, without those that lie within another."""
    end = -1
    for place in sorted(places, key=lambda p: (p.start, -p.end)):
        if place.end > end:
            yield place
            end = place.end
