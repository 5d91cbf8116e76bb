"""From texts to what may be private in them: the rules, the name models, and the places."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from curator.intervals import Intervals
from curator.pii.addresses import chains, grown, private
from curator.pii.candidates import Candidate
from curator.pii.chinese_names import chinese_people
from curator.pii.chinese_places import chinese_places, kind_of_place
from curator.pii.english_addresses import english_addresses
from curator.pii.english_names import Said, english_name, with_names
from curator.pii.matching import allowed_spans
from curator.pii.mentions import PERSON
from curator.pii.rule_search import RuleSearch
from curator.text import HAN, PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from curator.models.ner import NameSpan
    from curator.pii.texts import SearchText

_ADDRESS, _LOCATION, _ORGANIZATION = "PII005", "PII017", "PII018"
_HAN_PAIR = re.compile(f"[{HAN}][{HAN}·]")
_HAN_ONLY = re.compile(f"[{HAN}·]+")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_CAPITAL = re.compile(r"[A-Z\u00c0-\u00de\u0100-\u017f][a-z\u00df-\u024f'’]")
_CAPITAL_WORD = re.compile(r"(?<![\w@./-])[A-Z][a-z]{2,}(?![\w@]|[./-]\w)")
_ENOUGH_WORDS = 3
_FULL_NAME, _ONE_NAME, _PLACE, _FIRM = 0.75, 0.6, 0.6, 0.55
_CERTAIN_PLACE = -0.5


class Search:
    """Looks for private details in texts.

    Raises:
        ModelError: a model is not installed, or not the pinned one.
    """

    def __init__(
        self,
        *,
        ner_zh: str,
        ner_en: str,
        pii_rules: Sequence[Mapping[str, Any]],
        allow: Sequence[str],
        floor: float,
    ) -> None:
        from curator.models.ner import ChineseNames, EnglishNames  # noqa: PLC0415 - loads models
        from curator.pii.words import OrdinaryWords  # noqa: PLC0415 - reads a model's table

        self._floor = floor
        self._allow = [re.compile(pattern) for pattern in allow]
        self._rules = RuleSearch(pii_rules)
        self._chinese, self._english = ChineseNames(ner_zh), EnglishNames(ner_en)
        self._zh, self._en = ner_zh, ner_en
        self._ordinary = OrdinaryWords(ner_en)

    def names(
        self, views: Iterable[SearchText]
    ) -> tuple[dict[str, list[NameSpan]], dict[str, list[NameSpan]]]:
        """Return what the Chinese and the English model find in each distinct text, by the text.

        Of Japanese, whose words the Chinese model takes for names, it reads nothing.
        """
        distinct = list({view.text: view for view in views}.values())
        han = [v.text for v in distinct if v.script != "kana" and _HAN_PAIR.search(v.text)]
        latin = [v.text for v in distinct if _is_english(v)]
        return (
            dict(zip(han, self._chinese.find(han), strict=True)),
            dict(zip(latin, self._read(latin), strict=True)),
        )

    def _read(self, texts: Sequence[str]) -> list[list[NameSpan]]:
        """Return what the English model finds; it reads the sentences that may hold a name."""
        read: list[tuple[int, int, str]] = []
        for i, text in enumerate(texts):
            shown = text if _CAPITAL.search(text) else self._ordinary.with_capitals(text)
            read += [(i, a, shown[a:b]) for a, b in with_names(shown, self._ordinary)]
        found: list[list[NameSpan]] = [[] for _ in texts]
        names = self._english.find([piece for _, _, piece in read])
        for (i, start, _), spans in zip(read, names, strict=True):
            found[i] += [replace(s, start=s.start + start, end=s.end + start) for s in spans]
        return found

    def candidates(
        self,
        view: SearchText,
        before: str,
        chinese: Sequence[NameSpan],
        english: Sequence[NameSpan],
    ) -> list[Candidate]:
        """Return what may be private in a text; `before` ends the text before it."""
        found = [
            *self._rules.candidates(view.narrow, before),
            *self._chinese_names(view, chinese),
            *self._english_names(view, english),
            *english_addresses(view),
        ]
        places = [
            (n.start, n.end)
            for n in chinese
            if n.entity == "LOCATION" and n.margin > _CERTAIN_PLACE
        ]
        if places:
            found = _with_places(view.narrow, found, places, self._zh)
        return self.permitted(view, found)

    def permitted(self, view: SearchText, found: Iterable[Candidate]) -> list[Candidate]:
        """Leave out what is too doubtful, what is allowed, and what hides something already."""
        kept = [c for c in found if c.score >= self._floor]
        if not kept:
            return []
        allowed = Intervals(allowed_spans(self._allow, view.narrow))
        hidden = Intervals(m.span() for m in PLACEHOLDER.finditer(view.text))
        return [
            c for c in kept if not allowed.hold(c.start, c.end) and not hidden.touch(c.start, c.end)
        ]

    def _chinese_names(self, view: SearchText, names: Sequence[NameSpan]) -> Iterator[Candidate]:
        for start, end, score in chinese_people(view.text, names):
            yield Candidate(start, end, "PERSON", PERSON, score, "name", self._zh)
        for start, end, score in chinese_places(view.text, names):
            yield self._place(start, end, score, self._zh)
        for name in names:
            if (
                name.entity == "ORGANIZATION"
                and name.end - name.start > 1
                and _HAN_ONLY.search(view.text, name.start, name.end)
                and kind_of_place(view.text, name) is None
            ):
                yield self._firm(name, self._zh)

    def _english_names(self, view: SearchText, names: Sequence[NameSpan]) -> Iterator[Candidate]:
        if view.script == "latin":
            for word in _CAPITAL_WORD.finditer(view.text):
                if self._ordinary.is_given_name(word.group()):
                    yield Candidate(
                        *word.span(), "PERSON", PERSON, _ONE_NAME, "given-name", self._en
                    )
        written = _CAPITAL.search(view.text) is not None
        text = view.text if written else self._ordinary.with_capitals(view.text)
        said = Said(text if written else "", self._ordinary)
        for name in names:
            if name.entity == "LOCATION":
                yield self._place(name.start, name.end, _PLACE, self._en)
            elif name.entity == "ORGANIZATION":
                yield self._firm(name, self._en)
            elif span := english_name(text, name.start, name.end, self._ordinary, said):
                is_full = " " in view.text[slice(*span)]
                if is_full or view.script == "latin":
                    score = _FULL_NAME if is_full else _ONE_NAME
                    yield Candidate(*span, "PERSON", PERSON, score, "name", self._en)

    def _place(self, start: int, end: int, score: float, model: str) -> Candidate:
        return Candidate(start, end, "LOCATION", _LOCATION, score, "place", model)

    def _firm(self, name: NameSpan, model: str) -> Candidate:
        return Candidate(
            name.start, name.end, "ORGANIZATION", _ORGANIZATION, _FIRM, "organisation", model
        )


def _is_english(view: SearchText) -> bool:
    return (
        view.script in {"latin", "mixed"}
        and (view.script == "latin" or _CAPITAL.search(view.text) is not None)
        and len(_LATIN_WORD.findall(view.text)) >= _ENOUGH_WORDS
    )


def _with_places(
    text: str, found: Sequence[Candidate], places: Sequence[tuple[int, int]], model: str
) -> list[Candidate]:
    """Grow the addresses by the places next to them, and add those that places alone make up."""
    grew = []
    joined = chains(text, places)
    for candidate in found:
        if candidate.code == _ADDRESS:
            start, end = grown(text, candidate.start, candidate.end, joined)
            grew.append(replace(candidate, start=start, end=end))
        else:
            grew.append(candidate)
    for chain in joined:
        span = private(text, *chain)
        if span is not None:
            grew.append(Candidate(*span, "ADDRESS", _ADDRESS, 0.7, "places", model))
    return grew
