"""What may be left of a private detail: its last characters, or what holds for many people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

How = Literal["replace", "generalise", "mask"]

HOWS: tuple[How, ...] = ("mask", "generalise", "replace")
"""How a detail is hidden, from what leaves the most of it to what leaves nothing."""

MASK = "•"
"""Stands for each character that is hidden; no rule takes it for part of a detail."""

_MOST, _LEAST, _SHARE = 4, 2, 3
_WHOLE = frozenset({"SECRET"})
_SAYS = re.compile(r"[^\W_]")
_SIGN = re.compile(r"[\d@]")
_NUMERALS = {char: i for i, char in enumerate("零一二三四五六七八九")}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)[ ]?(年)?")
_CITY = re.compile(
    f"(?:中国)?(?:[{HAN}]{{2,7}}?(?:省|自治区|特别行政区))?"
    f"(?:(?:北京|天津|上海|重庆|[{HAN}]{{2,7}}?)市|[{HAN}]{{2,6}}?(?:自治州|盟))"
)
_PROVINCE = re.compile(f"(?:中国)?[{HAN}]{{2,7}}?(?:省|自治区|特别行政区)")
_REGION = re.compile("自治区|特别行政区")
_NO_PLACE = re.compile("[路街巷弄号村镇乡区县道楼室栋幢]")
_CODE = re.compile(
    r"[ ,]*(?<![A-Za-z0-9])"
    r"(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[\dW] ?[A-Z\d]{4})$"
)
_STATE = re.compile(r",? (?P<state>[A-Z]{2})$")
_TOWN = re.compile(r"[A-Z\u00c0-\u00de][^\W\d_.'’-]+(?:[ '’-][^\W\d_]+){0,3}")
_STREET = re.compile(
    r"(?i)(?:street|str|st|avenue|ave?|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|"
    r"square|sq|terrace|ter|way|highway|hwy|parkway|pkwy|circle|cir|crescent|close|gardens|row|"
    r"mews|house|flat|apartment|apt|unit|suite|ste|floor|fl|room|rm|building|block|bank|hill|rise|"
    r"grove|green|park|view|walk|wharf|quay|yard|vale|gate|croft|box)"
)


def left_of(how: How, entity: str, said: str) -> str | None:
    """Return what is left of a detail in this way, None where a placeholder must stand for it.

    Args:
        how: `mask` keeps the length and the last two to four characters, never more than a
            third, and of what holds no digit (a name) none; `generalise` turns an age into
            its decade, a date of birth into its year, and an address into its province and
            city, as far as it names them.
        entity: what kind of detail it is. Of a secret nothing is ever left.
        said: the detail as it stands in the text.

    """
    if entity in _WHOLE or how == "replace":
        return None
    if how == "mask":
        return _masked(said)
    general = _GENERAL.get(entity)
    return general(said) if general else None


def _masked(said: str) -> str:
    places = [m.start() for m in _SAYS.finditer(said)]
    kept = min(_MOST, len(places) // _SHARE) if _SIGN.search(said) else 0
    hidden = set(places[: len(places) - kept] if kept >= _LEAST else places)
    return "".join(MASK if i in hidden else char for i, char in enumerate(said))


def _decade(said: str) -> str | None:
    age = int(said) if said.isdecimal() else _number(said)
    return f"{age // 10 * 10}-{age // 10 * 10 + 9}" if age else None


def _number(said: str) -> int | None:
    """Return the number, up to 199, that Chinese numerals say."""
    found = re.fullmatch(
        "(一百)?(零)?(?:([一二三四五六七八九])?(十))?([一二三四五六七八九])?", said
    )
    if not found:
        return None
    tens = (_NUMERALS[found[3]] if found[3] else 1) if found[4] else 0
    return (100 if found[1] else 0) + 10 * tens + (_NUMERALS[found[5]] if found[5] else 0)


def _year(said: str) -> str | None:
    found = _YEAR.search(said)
    return found.group() if found else None


def _city(said: str) -> str | None:
    for form in (_CITY, _PROVINCE):
        found = form.match(said)
        if found and not _NO_PLACE.search(_REGION.sub("", found.group())):
            return found.group()
    return _town(said)


def _town(said: str) -> str | None:
    """Return the last name of an address behind its streets, with the state where there is one."""
    rest = _CODE.sub("", said.strip())
    state = _STATE.search(rest)
    rest = rest[: state.start()] if state else rest
    before, comma, town = rest.rpartition(",")
    town = town.strip()
    if not (comma and before and _TOWN.fullmatch(town)):
        return None
    if state:
        return f"{town}, {state['state']}"
    is_street = any(_STREET.fullmatch(word) for word in re.split(r"[ '’-]", town))
    return None if is_street else town


_GENERAL: Mapping[str, Callable[[str], str | None]] = {
    "AGE": _decade,
    "DATE_OF_BIRTH": _year,
    "ADDRESS": _city,
}
