"""What stands for a private detail all over a project: the same detail, the same surrogate.

A surrogate is made from a keyed hash (HMAC-SHA256, RFC 2104) of the detail, so it
needs no table, does not depend on the order of the records, and cannot be guessed
back without the key. Two styles: `coded`, a placeholder with the hash's first eight
letters, and `realistic`, a value of the same form that cannot be anybody's: numbers
from ranges kept for documentation or never given out, checksums that do not hold.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Literal

from curator.pseudonyms import NAMES, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.pseudonyms import Lang

Style = Literal["coded", "realistic"]

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "安宁晓明建华文静思远嘉欣雨晨子轩佳怡志强丽娟海燕国平秀英俊杰雪梅浩然若溪亦凡书瑶景行知夏"
_FIRST = [
    "Alex",
    "Avery",
    "Bailey",
    "Blake",
    "Casey",
    "Dana",
    "Drew",
    "Ellis",
    "Emery",
    "Finley",
    "Harper",
    "Hayden",
    "Jamie",
    "Jordan",
    "Kelly",
    "Kendall",
    "Logan",
    "Morgan",
    "Noel",
    "Parker",
    "Quinn",
    "Reese",
    "Riley",
    "Robin",
    "Rowan",
    "Sage",
    "Shay",
    "Sidney",
    "Taylor",
    "Terry",
]
_LAST = [
    "Abbot",
    "Barlow",
    "Calder",
    "Denholm",
    "Easton",
    "Fairley",
    "Garside",
    "Hadley",
    "Ingram",
    "Jarrow",
    "Kirkby",
    "Lorne",
    "Marsden",
    "Norwood",
    "Oakley",
    "Penrose",
    "Quarles",
    "Rushton",
    "Selwyn",
    "Thorne",
    "Upton",
    "Verney",
    "Wexley",
    "Yardley",
]
_NICK = re.compile("[小老阿]")
_CN_PHONE = re.compile(r"(?:\+?86)?1\d{10}$")
_LETTER = re.compile("[A-Z]")


class Surrogates:
    """Gives each private detail of a project what stands for it."""

    def __init__(self, key: bytes, style: Style = "coded") -> None:
        """Take the project's key: whoever has it can tell whether a guess is right."""
        self._key = key
        self._style = style

    def of(self, entity: str, value: str, lang: Lang) -> str:
        """Return the surrogate of a detail; its spelling, width and separators do not matter."""
        seed = hmac.digest(self._key, f"{entity}\x1f{same(entity, value)}".encode(), hashlib.sha256)
        fake = _REALISTIC.get(entity) if self._style == "realistic" else None
        made = fake(value, _Draw(seed), lang) if fake else None
        return made or _coded(entity, seed, lang)


def _coded(entity: str, seed: bytes, lang: Lang) -> str:
    code = base64.b32encode(seed[:5]).decode().lower()
    zh, en = NAMES.get(entity, ("", entity))
    return f"[{zh}{code}]" if lang == "zh" and zh else f"[{en}_{code}]"


class _Draw:
    """Choices that follow from a hash: the same hash, the same choices."""

    def __init__(self, seed: bytes) -> None:
        self._number = int.from_bytes(seed, "big")

    def below(self, limit: int) -> int:
        self._number, chosen = divmod(self._number, limit)
        return chosen

    def digits(self, count: int) -> str:
        return "".join(str(self.below(10)) for _ in range(count))


def _in_form(value: str, characters: str) -> str:
    """Put characters in the places of a value's letters and digits, keeping what stands between."""
    left = iter(characters)
    return "".join(next(left, "") if char.isalnum() else char for char in value) + "".join(left)


def _person(value: str, draw: _Draw, lang: Lang) -> str | None:
    if value.isascii() or lang == "en":
        words = value.split()
        made = [_FIRST[draw.below(len(_FIRST))], _LAST[draw.below(len(_LAST))]]
        names = made[:1] if len(words) == 1 else made
        return " ".join(names).lower() if value.islower() else " ".join(names)
    surname = _SURNAMES[draw.below(len(_SURNAMES))]
    given = "".join(_GIVEN[draw.below(len(_GIVEN))] for _ in range(2))
    if len(value) == 2 and _NICK.match(value):
        return value[0] + surname
    return (surname + given)[: max(1, min(3, len(value)))]


def _phone(value: str, draw: _Draw, _lang: Lang) -> str:
    digits = "".join(char for char in value if char.isdigit())
    if _CN_PHONE.match(digits):
        # No mobile number begins with 100, and no service number is that long.
        return _in_form(value, digits[:-11] + "100" + draw.digits(8))
    if len(digits) in (10, 11) and not digits.startswith("0"):
        # 555-0100 to 555-0199 is kept for fiction in North America.
        return _in_form(value, digits[:-10] + "55555501" + draw.digits(2))
    return _in_form(value, "0" * min(3, len(digits)) + draw.digits(max(0, len(digits) - 3)))


def _email(_value: str, draw: _Draw, _lang: Lang) -> str:
    # example.com is kept for documentation (RFC 2606).
    return f"{_FIRST[draw.below(len(_FIRST))].lower()}{draw.digits(4)}@example.com"


def _id_card(_value: str, draw: _Draw, _lang: Lang) -> str:
    # Region 00 and month 13 are nobody's; the check character is wrong besides.
    body = "00" + draw.digits(4) + f"19{draw.digits(2)}13{draw.digits(2)}{draw.digits(3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    right = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    return body + ("1" if right != "1" else "2")


def _card(value: str, draw: _Draw, _lang: Lang) -> str:
    count = sum(char.isdigit() for char in value)
    # No issuer has numbers that begin with 0000.
    return _in_form(value, "0000" + draw.digits(max(0, count - 4)))


def _ip(_value: str, draw: _Draw, _lang: Lang) -> str:
    # TEST-NET-3 (RFC 5737) is kept for documentation.
    return f"203.0.113.{draw.below(254) + 1}"


def _mac(_value: str, draw: _Draw, _lang: Lang) -> str:
    # 00-00-5E-00-53 is kept for documentation (RFC 7042).
    return f"00:00:5E:00:53:{draw.below(256):02X}"


def _ssn(value: str, draw: _Draw, _lang: Lang) -> str:
    # No social security number begins with 000.
    return _in_form(value, "000" + draw.digits(6))


def _plate(value: str, draw: _Draw, _lang: Lang) -> str:
    # I and O are on no Chinese plate.
    return f"{value[:1]}I{draw.digits(max(5, min(6, len(value) - 2)))}"


def _number(value: str, draw: _Draw, _lang: Lang) -> str:
    """Return a number of the same form: letters stay letters, digits digits."""
    made = [
        chr(65 + draw.below(26)) if _LETTER.match(char.upper()) and char.isascii()
        else str(draw.below(10)) if char.isdigit()
        else char
        for char in value
    ]  # fmt: skip
    return "".join(made)


_REALISTIC: dict[str, Callable[[str, _Draw, Lang], str | None]] = {
    "PERSON": _person,
    "PHONE": _phone,
    "EMAIL": _email,
    "CN_ID_CARD": _id_card,
    "BANK_CARD": _card,
    "IP_ADDRESS": _ip,
    "MAC_ADDRESS": _mac,
    "US_SSN": _ssn,
    "LICENCE_PLATE": _plate,
    "MEDICAL_RECORD_NUMBER": _number,
    "ORDER_NUMBER": _number,
}
"""How the entities are made whose values have a form; the others are always coded."""
