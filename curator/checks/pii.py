"""Find private details and give each the placeholder that hides it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from curator.pii.examples import RuleProblem, check_rules
from curator.pii.mentions import PERSON, full_names, with_mentions
from curator.pii.placing import filled, placeholder_language, stretches
from curator.pii.scanning import LEFT_OPEN
from curator.pii.search import Search
from curator.pii.texts import SearchText
from curator.pseudonyms import Pseudonyms
from curator.tables import records_from
from curator.text import fold
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from curator.pii.candidates import Candidate
    from curator.types import Record, View

__all__ = ["Pii", "RuleProblem", "check_rules"]

_CONTEXT_TAIL = 24


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
    - PII008 IP_ADDRESS, MAC_ADDRESS, IMEI: the address or number of a device.
    - PII009 US_SSN: a US social security number.
    - PII010 PASSPORT: the number of a passport or travel permit.
    - PII011 LICENCE_PLATE: a car's plate.
    - PII012 MEDICAL_RECORD_NUMBER: a patient's number at a hospital.
    - PII013 ORDER_NUMBER: the number of an order, a parcel or a ticket.
    - PII014 SECRET: a password, an API key, a one-time code.
    - PII015 DATE_OF_BIRTH: a birthday.
    - PII016 IBAN: an international bank account number.
    - PII017 LOCATION: a city, a country or another place; told, and left as it stands.
    - PII018 ORGANIZATION: a firm, a school or another body; told, and left as it stands.
    - PII019 AGE: an age of 90 or more, which few people reach.
    - PII020 DRIVER_LICENCE: the number of a driving licence.
    - PII021 CN_USCC: the unified social credit code of a Chinese organisation.
    - PII022 CRYPTO_ADDRESS: an address in a blockchain.
    - PII023 URL: a web address; told, and left as it stands (a token in it is a SECRET).

    Args:
        ner_zh: the model that finds Chinese names.
        ner_en: the model that finds English names.
        pii_rules: the rules, as `PiiRule.model_dump(mode="json", by_alias=True)` gives them.
        allow: regexes of texts that are never private.
        floor: findings under this score are not told.
        left_open: entities that are told and not hidden.

    Raises:
        ModelError: a model is not installed, or not the pinned one.
    """

    name: ClassVar[str] = "pii"
    version: ClassVar[str] = "5"
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
        Code("PII008", "ip_address", "IP、MAC 地址或 IMEI", "an IP or MAC address, or an IMEI"),
        Code("PII009", "us_ssn", "美国社会保障号", "a US social security number"),
        Code("PII010", "passport", "护照或通行证号", "a passport number"),
        Code("PII011", "licence_plate", "车牌号", "a licence plate"),
        Code("PII012", "medical_record_number", "病历号、就诊号", "a medical record number"),
        Code("PII013", "order_number", "订单号、快递单号", "an order or parcel number"),
        Code("PII014", "secret", "密钥、密码、验证码", "a password, key or one-time code"),
        Code("PII015", "date_of_birth", "出生日期", "a date of birth"),
        Code("PII016", "iban", "国际银行账号", "an IBAN"),
        Code("PII017", "location", "地名", "a place"),
        Code("PII018", "organization", "机构名", "an organisation"),
        Code("PII019", "age", "90 岁以上的年龄", "an age of 90 or more"),
        Code("PII020", "driver_licence", "驾驶证号", "a driving licence number"),
        Code("PII021", "cn_uscc", "统一社会信用代码", "a unified social credit code"),
        Code("PII022", "crypto_address", "加密货币地址", "a cryptocurrency address"),
        Code("PII023", "url", "网址", "a web address"),
    )

    def __init__(
        self,
        *,
        ner_zh: str,
        ner_en: str,
        pii_rules: Sequence[Mapping[str, Any]],
        allow: Sequence[str],
        floor: float = 0.4,
        left_open: Sequence[str] = LEFT_OPEN,
    ) -> None:
        self._search = Search(
            ner_zh=ner_zh, ner_en=ner_en, pii_rules=pii_rules, allow=allow, floor=floor
        )
        self._left_open = frozenset(left_open)

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a table of records."""
        batch = list(records_from(records))
        texts = [[SearchText.of(part.text) for part in record.parts] for record in batch]
        chinese, english = self._search.names(view for views in texts for view in views)
        for record, views in zip(batch, texts, strict=True):
            found = [
                self._search.candidates(
                    view,
                    views[i - 1].narrow[-_CONTEXT_TAIL:] if i else "",
                    chinese.get(view.text, ()),
                    english.get(view.text, ()),
                )
                for i, view in enumerate(views)
            ]
            if any(found):
                settled = with_mentions(views, found, self._search.permitted)
                yield from self._findings(record, views, settled)

    def _findings(
        self, record: Record, views: Sequence[SearchText], found: Sequence[Sequence[Candidate]]
    ) -> Iterator[Finding]:
        pseudonyms = Pseudonyms("zh" if record.lang == "zh" else "en")
        people = full_names(views, found)
        for part, (view, candidates) in enumerate(zip(views, found, strict=True)):
            left_open = [c for c in candidates if c.entity in self._left_open]
            for c in left_open:
                yield self._finding(record, c, Span(part, *view.original(c.start, c.end)), None)
            private = [c for c in candidates if c.entity not in self._left_open]
            if not private:
                continue
            lang = placeholder_language(view.text, [(c.start, c.end) for c in private], record.lang)
            placeholder = partial(pseudonyms.of, lang=lang)
            values = [view.narrow[c.start : c.end] for c in private]
            hidden = [
                placeholder(c.entity, people.get(fold(v), v) if c.code == PERSON else v)
                for c, v in zip(private, values, strict=True)
            ]
            for start, end, group in stretches(view, private):
                replacement = filled(
                    view.text, start, end, [(private[i], hidden[i]) for i in group]
                )
                span = Span(part, *view.original(start, end))
                strongest: dict[str, Candidate] = {}
                for i in group:
                    c = private[i]
                    if c.code not in strongest or c.score > strongest[c.code].score:
                        strongest[c.code] = c
                for c in strongest.values():
                    yield self._finding(record, c, span, replacement)

    def _finding(
        self, record: Record, c: Candidate, span: Span, replacement: str | None
    ) -> Finding:
        return Finding(
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
