"""Placeholders for private details: the same detail has the same one all over a record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from curator.text import fold

Lang = Literal["zh", "en"]

NAMES: dict[str, tuple[str, str]] = {
    "PERSON": ("姓名", "PERSON"),
    "PHONE": ("电话", "PHONE"),
    "EMAIL": ("邮箱", "EMAIL"),
    "CN_ID_CARD": ("身份证号", "ID_CARD"),
    "ADDRESS": ("地址", "ADDRESS"),
    "BANK_CARD": ("银行卡号", "BANK_CARD"),
    "SOCIAL_ACCOUNT": ("社交账号", "SOCIAL_ACCOUNT"),
    "IP_ADDRESS": ("网络地址", "IP_ADDRESS"),
    "MAC_ADDRESS": ("设备地址", "MAC_ADDRESS"),
    "US_SSN": ("社会保障号", "SSN"),
    "PASSPORT": ("证件号", "PASSPORT"),
    "LICENCE_PLATE": ("车牌号", "LICENCE_PLATE"),
    "MEDICAL_RECORD_NUMBER": ("病历号", "MEDICAL_RECORD_NUMBER"),
    "ORDER_NUMBER": ("单号", "ORDER_NUMBER"),
    "SECRET": ("密钥", "SECRET"),
    "DATE_OF_BIRTH": ("出生日期", "DATE_OF_BIRTH"),
    "IBAN": ("国际账号", "IBAN"),
    "LOCATION": ("地名", "LOCATION"),
    "ORGANIZATION": ("机构", "ORGANIZATION"),
    "AGE": ("年龄", "AGE"),
    "DRIVER_LICENCE": ("驾驶证号", "DRIVER_LICENCE"),
    "CN_USCC": ("信用代码", "USCC"),
    "CRYPTO_ADDRESS": ("钱包地址", "CRYPTO_ADDRESS"),
    "URL": ("网址", "URL"),
    "IMEI": ("设备编号", "IMEI"),
    "PRIVATE": ("隐私", "PRIVATE"),  # what a reviewer marked, whatever it is
}
"""Entity → its name in Chinese and in English, as it stands in a placeholder."""

NUMBERED = re.compile(
    r"\[(?P<zh>[\u4e00-\u9fff]{2,8})(?P<n>\d+)\]|\[(?P<en>[A-Z_]{2,24})_(?P<m>\d+)\]"
)
"""A placeholder as `Pseudonyms` numbers them."""
_BY_ZH = {zh: entity for entity, (zh, _) in NAMES.items()}
_BY_EN = {en: entity for entity, (_, en) in NAMES.items()}
_COUNTRY_CODE = re.compile(r"(?:00)?86(?=1[3-9]\d{9}$)")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder as they are numbered within a record."""

    entity: str
    number: int
    lang: Lang


def parsed(match: re.Match[str]) -> Placeholder:
    """Return what a match of `NUMBERED` stands for."""
    if match["zh"]:
        return Placeholder(_BY_ZH.get(match["zh"], match["zh"]), int(match["n"]), "zh")
    return Placeholder(_BY_EN.get(match["en"], match["en"]), int(match["m"]), "en")


class Pseudonyms:
    """Gives out the placeholders of one record, numbered in the order in which they are asked for.

    `lang` is the language of the placeholders where `of` is told no other; a detail
    keeps its number in both: `[电话1]` and `[PHONE_1]` are the same phone.
    """

    def __init__(self, lang: Lang = "zh") -> None:
        self._lang = lang
        self._numbers: dict[str, dict[str, int]] = {}

    def of(self, entity: str, value: str, lang: Lang | None = None) -> str:
        """Return the placeholder of a value; spelling, width, case and separators do not matter."""
        zh, en = NAMES.get(entity, ("", _plain(entity)))
        known = self._numbers.setdefault(en, {})
        number = known.setdefault(same(entity, value), max(known.values(), default=0) + 1)
        if (lang or self._lang) == "zh" and zh:
            return f"[{zh}{number}]"
        return f"[{en}_{number}]"

    def keep(self, entity: str, number: int, value: str | None) -> None:
        """Take a number as given out, to a value if it is known which."""
        _, en = NAMES.get(entity, ("", _plain(entity)))
        held = f"\x1f{number}" if value is None else same(entity, value)
        self._numbers.setdefault(en, {}).setdefault(held, number)


def same(entity: str, value: str) -> str:
    """Return what is equal for two spellings of one detail."""
    folded = fold(value)
    return _COUNTRY_CODE.sub("", folded) if entity == "PHONE" else folded


def _plain(entity: str) -> str:
    """Return a project's own entity as a placeholder may name it: letters and underscores."""
    kept = re.sub(r"[^A-Z_]+", "_", entity).strip("_")[:24].strip("_")
    return kept if len(kept) >= 2 else "PRIVATE"
