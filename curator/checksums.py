"""Checksums and plausibility of numbers, by the names that rules use in `validate`.

Each takes the matched text, separators included, and says whether it can be
what the rule takes it for. `STRONG` names those that hardly ever agree by chance.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24,
    "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24,
    "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
_NUMERALS = str.maketrans("一二三四五六七八九零〇幺两壹贰叁肆伍陆柒捌玖", "1234567890012123456789")
_USCC_VALUES = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_abbr) if name}
_YEAR_FIRST = re.compile(r"(\d{4})\D+(\d{1,2})(?:\D+(\d{1,2}))?\D*")
_YEAR_LAST = re.compile(r"(\d{1,2})\D+(\d{1,2})\D+(\d{4})")
_MONTH_NAMED = re.compile(r"(?i)(\d{1,2})?\D*?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")


def luhn(text: str) -> bool:
    """Return whether the digits (12 to 19 of them, not all alike) pass the Luhn check."""
    digits = _digits(text)
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def cn_id_card(text: str) -> bool:
    """Return whether this is a Chinese citizen's number of 18 places (GB 11643-1999)."""
    number = re.sub(r"[^0-9Xx]", "", text).upper()
    if not re.fullmatch(r"[1-8]\d{16}[\dX]", number) or not _is_date(
        int(number[6:10]), int(number[10:12]), int(number[12:14])
    ):
        return False
    total = sum(int(d) * w for d, w in zip(number[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECK[total % 11] == number[17]


def iban(text: str) -> bool:
    """Return whether this is an IBAN of its country's length (ISO 13616, mod 97)."""
    number = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if _IBAN_LENGTHS.get(number[:2]) != len(number) or not number[2:4].isdigit():
        return False
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def us_ssn(text: str) -> bool:
    """Return whether a US social security number could have been given out."""
    digits = _digits(text)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        len(digits) == 9
        and area not in {"000", "666"}
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
        and len(set(digits)) > 1
    )


def ipv4(text: str) -> bool:
    """Return whether these are four numbers up to 255, as an address writes them."""
    places = text.strip().split(".")
    return len(places) == 4 and all(
        p.isascii() and p.isdigit() and int(p) <= 255 and (p == "0" or p[0] != "0") for p in places
    )


def cn_mobile(text: str) -> bool:
    """Return whether this is a Chinese mobile number, in digits or in Chinese numerals."""
    return re.fullmatch(r"1[3-9]\d{9}", _digits(text.translate(_NUMERALS))) is not None


def cn_uscc(text: str) -> bool:
    """Return whether this is a unified social credit code of 18 places (GB 32100-2015)."""
    code = text.strip().upper()
    if len(code) != 18 or any(c not in _USCC_VALUES for c in code):
        return False
    total = sum(_USCC_VALUES.index(c) * pow(3, place, 31) for place, c in enumerate(code[:17]))
    return _USCC_VALUES.index(code[17]) == (31 - total % 31) % 31


def bitcoin(text: str) -> bool:
    """Return whether a Bitcoin or Tron address has its checksum (Base58Check, BIP 173 and 350)."""
    if text.lower().startswith("bc1"):
        return _bech32(text.lower())
    number = 0
    for char in text:
        if char not in _BASE58:
            return False
        number = number * 58 + _BASE58.index(char)
    if number >> 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _bech32(text: str) -> bool:
    if any(c not in _BECH32 for c in text[3:]):
        return False
    values = [3, 3, 0, 2, 3, *(_BECH32.index(c) for c in text[3:])]  # "bc", expanded
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check in {1, 0x2BC830A3}


def birth_date(text: str) -> bool:
    """Return whether a date from 1900 to 2099 stands here, in one of the usual orders."""
    named = _MONTH_NAMED.search(text)
    if named:
        numbers = [int(n) for n in re.findall(r"\d+", text)]
        years = [n for n in numbers if n >= 1900]
        days = [n for n in numbers if n <= 31] or [1]
        return bool(years) and _is_date(years[0], _MONTHS[named[2].lower()], days[0])
    first = _YEAR_FIRST.fullmatch(text.strip())
    if first:
        return _is_date(int(first[1]), int(first[2]), int(first[3] or 1))
    last = _YEAR_LAST.fullmatch(text.strip())
    if last:
        a, b, year = int(last[1]), int(last[2]), int(last[3])
        return _is_date(year, a, b) or _is_date(year, b, a)
    return False


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _is_date(year: int, month: int, day: int) -> bool:
    return (
        1900 <= year <= 2099
        and 1 <= month <= 12
        and 1 <= day <= calendar.monthrange(year, month)[1]
    )


CHECKSUMS: Mapping[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "cn_id_card": cn_id_card,
    "iban": iban,
    "us_ssn": us_ssn,
    "ipv4": ipv4,
    "birth_date": birth_date,
    "cn_mobile": cn_mobile,
    "cn_uscc": cn_uscc,
    "bitcoin": bitcoin,
}

STRONG = frozenset({"cn_id_card", "iban", "cn_uscc", "bitcoin"})
"""One in ten numbers passes Luhn; these agree by chance far less often, so they settle it."""
