"""Find private details and give each the placeholder that hides it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from curator.pii.addresses import chains, grown, private
from curator.pii.candidates import Candidate, settle
from curator.pii.examples import RuleProblem, check_rules
from curator.pii.matching import allowed_spans, narrow
from curator.pii.names import chinese_name, english_name, mentions
from curator.pii.needs import stock
from curator.pseudonyms import Pseudonyms
from curator.repair import Repaired, repaired, searchable
from curator.schema import PiiRule
from curator.tables import records_from
from curator.text import HAN, PLACEHOLDER, fold, script
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from curator.pseudonyms import Lang
    from curator.types import Record, View

__all__ = ["Pii", "RuleProblem", "check_rules"]

_PERSON, _ADDRESS = "PII001", "PII005"
_HAN_PAIR = re.compile(f"[{HAN}][{HAN}·]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_CAPITAL = re.compile(r"[A-Z\u00c0-\u00de][a-z\u00df-\u024f'’]")
_ENOUGH_WORDS = 3
_CONTEXT_TAIL = 24
_SHORTEST_NUMBER = 6


@dataclass(frozen=True, slots=True)
class _Text:
    """A part as it is searched: its encoding repaired; `narrow` is the same in half width."""

    text: str
    narrow: str
    script: str
    way_back: Repaired | None

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """Return the span with the repaired stretches that it touches taken whole."""
        return self.way_back.whole(start, end) if self.way_back else (start, end)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the part as it was read."""
        return self.way_back.original(start, end) if self.way_back else (start, end)


class Pii:
    """Finds private details in the raw text and says what to put in their place.

    Names come from LAC (Chinese), spaCy (English) and rules on what stands before
    them ("我叫", "Dear"); everything else from the rules under `rules/pii`. What is
    found once in a record is found wherever else that record says it. The score is
    the rule's own, more where a context word stands near, and 1 where a strong
    checksum agrees. The allow list names what is never private, such as hotlines.

    - PII001 PERSON: a person's name.
    - PII002 PHONE: a mobile or landline number; public hotlines are none.
    - PII003 EMAIL: an e-mail address.
    - PII004 CN_ID_CARD: a Chinese citizen's number.
    - PII005 ADDRESS: an address as exact as a street or a house; a city alone is none.
    - PII006 BANK_CARD: a bank or credit card number.
    - PII007 SOCIAL_ACCOUNT: an account name or number, such as WeChat or QQ.
    - PII008 IP_ADDRESS, MAC_ADDRESS: the address of a device.
    - PII009 US_SSN: a US social security number.
    - PII010 PASSPORT: the number of a passport or travel permit.
    - PII011 LICENCE_PLATE: a car's plate.
    - PII012 MEDICAL_RECORD_NUMBER: a patient's number at a hospital.
    - PII013 ORDER_NUMBER: the number of an order, a parcel or a ticket.
    - PII014 SECRET: a password, an API key, a one-time code.
    - PII015 DATE_OF_BIRTH: a birthday.
    - PII016 IBAN: an international bank account number.

    Args:
        ner_zh: the model that finds Chinese names.
        ner_en: the model that finds English names.
        pii_rules: the rules, as `PiiRule.model_dump(mode="json", by_alias=True)` gives them.
        allow: regexes of texts that are never private.
        floor: findings under this score are not told.

    Raises:
        ModelError: a model is not installed, or not the pinned one.
    """

    name: ClassVar[str] = "pii"
    version: ClassVar[str] = "2"
    view: ClassVar[View] = "raw"
    needs: ClassVar[tuple[str, ...]] = ("ner_zh", "ner_en", "pii_rules", "allow")
    codes: ClassVar[tuple[Code, ...]] = (
        Code("PII001", "person", "人名", "a person's name"),
        Code("PII002", "phone", "电话号码", "a phone number"),
        Code("PII003", "email", "电子邮箱", "an e-mail address"),
        Code("PII004", "cn_id_card", "居民身份证号", "a Chinese ID card number"),
        Code("PII005", "address", "详细地址", "a street address"),
        Code("PII006", "bank_card", "银行卡号", "a bank card number"),
        Code(
            "PII007",
            "social_account",
            "社交账号（微信、QQ 等）",
            "a social account, such as WeChat or QQ",
        ),
        Code("PII008", "ip_address", "IP 地址或 MAC 地址", "an IP or MAC address"),
        Code("PII009", "us_ssn", "美国社会保障号", "a US social security number"),
        Code("PII010", "passport", "护照或通行证号", "a passport number"),
        Code("PII011", "licence_plate", "车牌号", "a licence plate"),
        Code("PII012", "medical_record_number", "病历号、就诊号", "a medical record number"),
        Code("PII013", "order_number", "订单号、快递单号", "an order or parcel number"),
        Code("PII014", "secret", "密钥、密码、验证码", "a password, key or one-time code"),
        Code("PII015", "date_of_birth", "出生日期", "a date of birth"),
        Code("PII016", "iban", "国际银行账号", "an IBAN"),
    )

    def __init__(
        self,
        *,
        ner_zh: str,
        ner_en: str,
        pii_rules: Sequence[Mapping[str, Any]],
        allow: Sequence[str],
        floor: float = 0.4,
    ) -> None:
        from curator.models.ner import ChineseNames, EnglishNames  # noqa: PLC0415 - loads models
        from curator.pii.recognisers import NameRecogniser, RuleRecogniser  # noqa: PLC0415 - Presidio
        from curator.pii.words import OrdinaryWords  # noqa: PLC0415 - reads a model's table

        self._floor = floor
        self._allow = [re.compile(pattern) for pattern in allow]
        self._rules = [RuleRecogniser(PiiRule.model_validate(rule)) for rule in pii_rules]
        self._chinese = NameRecogniser(ChineseNames(ner_zh), ner_zh, "zh")
        self._english = NameRecogniser(EnglishNames(ner_en), ner_en, "en")
        self._ordinary = OrdinaryWords(ner_en)

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a table of records."""
        batch = list(records_from(records))
        texts = [[_view(part.text) for part in record.parts] for record in batch]
        everything = {view.text: view for views in texts for view in views}.values()
        chinese = self._names(
            self._chinese, (v.text for v in everything if _HAN_PAIR.search(v.text))
        )
        english = self._names(self._english, (v.text for v in everything if _is_english(v)))
        for record, views in zip(batch, texts, strict=True):
            found = [
                self._candidates(
                    view,
                    views[i - 1].narrow[-_CONTEXT_TAIL:] if i else "",
                    chinese.get(view.text, ()),
                    english.get(view.text, ()),
                )
                for i, view in enumerate(views)
            ]
            if any(found):
                settled = self._with_mentions(views, found)
                yield from self._findings(record, views, settled)

    def _names(self, recogniser: Any, texts: Iterable[str]) -> dict[str, Any]:
        """Return what a name model finds in each distinct text, by the text."""
        distinct = list(dict.fromkeys(texts))
        return dict(zip(distinct, recogniser.analyze_batch(distinct), strict=True))

    def _candidates(
        self, view: _Text, before: str, chinese: Sequence[Any], english: Sequence[Any]
    ) -> list[Candidate]:
        found = [
            *self._from_rules(view, before),
            *_chinese_people(view, chinese, self._chinese.model),
            *_english_people(view, english, self._english.model, self._ordinary),
        ]
        places = [(r.start, r.end) for r in chinese if r.entity_type == "LOCATION"]
        if places:
            found = _with_places(view.narrow, found, places, self._chinese.model)
        return self._permitted(view, found)

    def _from_rules(self, view: _Text, before: str) -> Iterator[Candidate]:
        text = view.narrow
        held = stock(text)
        for recogniser in self._rules:
            pattern = recogniser.pattern
            if not held.suffices(pattern.needs) or not pattern.regex.search(text):
                continue
            for result in recogniser.analyze(text, before=before):
                why = result.analysis_explanation
                yield Candidate(
                    start=result.start,
                    end=result.end,
                    entity=result.entity_type,
                    code=recogniser.rule.code,
                    score=result.score,
                    rule=recogniser.rule.id,
                    recogniser="rule",
                    validated=bool(why.validation_result),
                    context=why.score_context_improvement > 0,
                )

    def _permitted(self, view: _Text, found: Iterable[Candidate]) -> list[Candidate]:
        """Leave out what is too doubtful, what is allowed, and what hides something already."""
        kept = [c for c in found if c.score >= self._floor]
        if not kept:
            return []
        allowed = allowed_spans(self._allow, view.narrow)
        hidden = [m.span() for m in PLACEHOLDER.finditer(view.text)]
        return [
            c
            for c in kept
            if not any(a <= c.start and c.end <= b for a, b in allowed)
            and not any(a < c.end and c.start < b for a, b in hidden)
        ]

    def _with_mentions(
        self, views: Sequence[_Text], found: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Settle overlaps, and find what was found in one place wherever the record says it."""
        settled = [settle(candidates) for candidates in found]
        known: dict[str, Candidate] = {}
        for view, candidates in zip(views, settled, strict=True):
            for candidate in candidates:
                value = view.narrow[candidate.start : candidate.end]
                if candidate.code == _PERSON or len(value) >= _SHORTEST_NUMBER:
                    known.setdefault(value, candidate)
        if not known or (len(views) == 1 and not _says_again(views[0], known)):
            return settled
        return [
            settle([*candidates, *self._permitted(view, _mentioned(view, known, candidates))])
            for view, candidates in zip(views, settled, strict=True)
        ]

    def _findings(
        self, record: Record, views: Sequence[_Text], found: Sequence[Sequence[Candidate]]
    ) -> Iterator[Finding]:
        pseudonyms = Pseudonyms("zh" if record.lang == "zh" else "en")
        people = _full_names(views, found)
        for part, (view, candidates) in enumerate(zip(views, found, strict=True)):
            if not candidates:
                continue
            lang = _placeholder_language(view, candidates, record.lang)
            placeholder = partial(pseudonyms.of, lang=lang)
            values = [view.narrow[c.start : c.end] for c in candidates]
            hidden = [
                placeholder(c.entity, people.get(fold(v), v) if c.code == _PERSON else v)
                for c, v in zip(candidates, values, strict=True)
            ]
            for start, end, group in _stretches(view, candidates):
                replacement = _filled(
                    view.text, start, end, [(candidates[i], hidden[i]) for i in group]
                )
                span = Span(part, *view.original(start, end))
                strongest: dict[str, Candidate] = {}
                for i in group:
                    c = candidates[i]
                    if c.code not in strongest or c.score > strongest[c.code].score:
                        strongest[c.code] = c
                for c in strongest.values():
                    yield Finding(
                        record_id=record.id,
                        check=self.name,
                        code=c.code,
                        score=c.score,
                        span=span,
                        replacement=replacement,
                        evidence={
                            "entity": c.entity,
                            "rule": c.rule,
                            "recogniser": c.recogniser,
                            "context": c.context,
                            "validated": c.validated,
                        },
                    )


def _view(text: str) -> _Text:
    """Repair the text and take out whatever hides a number or a name, keeping the way back."""
    edits = searchable(text)
    if not edits:
        return _Text(text, narrow(text), script(text), None)
    way_back = repaired(text, edits)
    return _Text(way_back.text, narrow(way_back.text), script(way_back.text), way_back)


def _is_english(view: _Text) -> bool:
    return (
        view.script in {"latin", "mixed"}
        and _CAPITAL.search(view.text) is not None
        and len(_LATIN_WORD.findall(view.text)) >= _ENOUGH_WORDS
    )


def _chinese_people(view: _Text, results: Sequence[Any], model: str) -> Iterator[Candidate]:
    for result in results:
        if result.entity_type == "PERSON":
            span = chinese_name(view.text, result.start, result.end)
            if span is not None:
                yield Candidate(*span, "PERSON", _PERSON, result.score, "name", model)


def _english_people(
    view: _Text, results: Sequence[Any], model: str, ordinary: Container[str]
) -> Iterator[Candidate]:
    for result in results:
        span = english_name(view.text, result.start, result.end, ordinary)
        if span is None:
            continue
        is_full = " " in view.text[slice(*span)]
        if is_full or view.script == "latin":
            score = result.score if is_full else result.score - 0.15
            yield Candidate(*span, "PERSON", _PERSON, score, "name", model)


def _with_places(
    text: str, found: Sequence[Candidate], places: Sequence[tuple[int, int]], model: str
) -> list[Candidate]:
    """Grow the addresses by the places next to them, and add those that places alone make up."""
    grew = []
    for candidate in found:
        if candidate.code == _ADDRESS:
            start, end = grown(text, candidate.start, candidate.end, places)
            grew.append(replace(candidate, start=start, end=end))
        else:
            grew.append(candidate)
    for chain in chains(text, places):
        span = private(text, *chain)
        if span is not None:
            grew.append(Candidate(*span, "ADDRESS", _ADDRESS, 0.7, "places", model))
    return grew


def _says_again(view: _Text, known: Iterable[str]) -> bool:
    return any(view.narrow.count(value) > 1 for value in known)


def _mentioned(
    view: _Text, known: Mapping[str, Candidate], found: Sequence[Candidate]
) -> Iterator[Candidate]:
    for value, candidate in known.items():
        if value not in view.narrow:
            continue
        for start, end in mentions(value, view.narrow):
            again = replace(candidate, start=start, end=end, rule="mention", recogniser="record")
            if not any(other.covers(again) for other in found):
                yield again


def _full_names(views: Sequence[_Text], found: Sequence[Sequence[Candidate]]) -> dict[str, str]:
    """Return for each part of a Latin name the one full name of the record that it is part of."""
    names = {
        view.narrow[c.start : c.end].lower()
        for view, candidates in zip(views, found, strict=True)
        for c in candidates
        if c.code == _PERSON and view.narrow[c.start].isascii()
    }
    full = {}
    for name in sorted(names):
        words = set(name.split())
        longer = [other for other in sorted(names) if words < set(other.split())]
        if len(longer) == 1:
            full[fold(name)] = longer[0]
    return full


def _placeholder_language(view: _Text, candidates: Sequence[Candidate], lang: str) -> Lang:
    """Return the language of what is said around the details; the details do not count."""
    rest = view.text
    for candidate in reversed(candidates):
        rest = rest[: candidate.start] + " " + rest[candidate.end :]
    around = script(PLACEHOLDER.sub(" ", rest))
    if around == "none":
        return "zh" if lang == "zh" else "en"
    return "zh" if around in {"han", "mixed"} else "en"


def _stretches(
    view: _Text, candidates: Sequence[Candidate]
) -> Iterator[tuple[int, int, list[int]]]:
    """Group candidates that one repaired stretch holds, for it can only be replaced whole."""
    group: list[int] = []
    start = end = 0
    for i, candidate in enumerate(candidates):
        a, b = view.whole(candidate.start, candidate.end)
        if group and a < end:
            group.append(i)
            end = max(end, b)
            continue
        if group:
            yield start, end, group
        start, end, group = a, b, [i]
    if group:
        yield start, end, group


def _filled(text: str, start: int, end: int, hidden: Sequence[tuple[Candidate, str]]) -> str:
    """Return a stretch of text with its details replaced."""
    pieces = []
    at = start
    for candidate, placeholder in hidden:
        pieces += [text[at : candidate.start], placeholder]
        at = candidate.end
    return "".join([*pieces, text[at:end]])
