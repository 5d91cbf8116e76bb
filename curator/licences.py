"""Licences: what an SPDX expression allows. Pure.

Expressions are parsed by the library `license-expression` (https://spdx.org/licenses); what
people write instead of an identifier (`CC BY-SA 4.0`, `Apache License 2.0`) is understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

_FORBIDDING = (
    (re.compile(r"(?:^|-)NC(?:-|$)|non-?commercial", re.IGNORECASE), "forbids commercial use"),
    (re.compile(r"(?:^|-)ND(?:-|$)|no-?derivatives?", re.IGNORECASE), "forbids changed versions"),
)
_CREATIVE_COMMONS = re.compile(r"CC-BY(?:-(?:NC|ND|SA))*(?:-\d\.\d)?|CC0(?:-1\.0)?", re.IGNORECASE)
_NOISE = re.compile(r"\b(?:the|licen[cs]e|version|international)\b|,", re.IGNORECASE)
_OPERATOR = re.compile(r"(\s+(?:AND|OR|WITH)\s+|[()])")
_OWN = "LicenseRef-"
UNKNOWN = "is no SPDX licence"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands against a use: the licence, as it is known, and why."""

    licence: str
    why: str

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.licence} {self.why}"


def spdx(text: str) -> str:
    """Return a licence as an SPDX expression, as far as it can be understood; else as it is."""
    parsed = _parsed(text)
    return text.strip() if parsed is None else str(parsed)


def obstacles(
    text: str, allowed: Collection[str] = (), forbidden: Collection[str] = ()
) -> list[Obstacle]:
    """Return what stands against the use of what a licence covers; nothing where none does.

    Of licences that are joined by OR one has to allow it, of those joined by AND all.

    Args:
        text: an SPDX expression, or what people write instead.
        allowed: licences that are allowed all the same; the whole text or one identifier.
        forbidden: further ones that are not.

    """
    free = {spdx(name).casefold() for name in allowed} | {name.casefold() for name in allowed}
    barred = {spdx(name).casefold() for name in forbidden}
    parsed = _parsed(text)
    if {text.strip().casefold(), spdx(text).casefold()} & free:
        return []
    if parsed is None:
        return [Obstacle(text.strip(), UNKNOWN)]
    return _against(parsed, free, barred)


def _against(parsed: Any, free: Collection[str], barred: Collection[str]) -> list[Obstacle]:
    if str(parsed).casefold() in free:
        return []
    if parsed.isliteral:
        why = _why_not(str(getattr(parsed, "license_symbol", parsed).key), barred)
        return [Obstacle(str(parsed), why)] if why else []
    each = [_against(part, free, barred) for part in parsed.args]
    if type(parsed).__name__ == "OR" and not all(each):
        return []
    return [obstacle for some in each for obstacle in some]


def _why_not(key: str, barred: Collection[str]) -> str:
    if key.casefold() in barred:
        return "is forbidden by exports.licenses.forbid"
    for pattern, why in _FORBIDDING:
        if pattern.search(key):
            return why
    return ""


@cache
def _licensing() -> Any:
    """Return what knows the licences of SPDX."""
    from license_expression import get_spdx_licensing  # noqa: PLC0415 - a large list

    return get_spdx_licensing()


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """Return the parsed expression; None where some licence in it is unknown."""
    from license_expression import ExpressionError  # noqa: PLC0415 - it has a large list

    licensing = _licensing()
    pieces = _OPERATOR.split(text.strip())
    named = "".join(p if _OPERATOR.fullmatch(p) else _named(p, licensing) for p in pieces)
    try:
        parsed = licensing.parse(named, validate=False)
        unknown = licensing.unknown_license_keys(parsed) if parsed is not None else [text]
    except ExpressionError:
        return None
    strange = [
        key for key in unknown if not key.startswith(_OWN) and not _CREATIVE_COMMONS.fullmatch(key)
    ]
    return None if strange else parsed


def _named(piece: str, licensing: Any) -> str:
    """Return the identifier that a licence's name stands for, where there is one."""
    plain = piece.strip()
    known: dict[str, str] = {key.casefold(): key for key in licensing.known_symbols}
    joined = "-".join(_NOISE.sub(" ", plain).split())
    zero = f"{joined}-1.0" if joined.casefold() == "cc0" else joined
    for guess in (plain, joined, zero, joined.replace("-v", "-")):
        if guess.casefold() in known:
            return known[guess.casefold()]
    return joined.upper() if _CREATIVE_COMMONS.fullmatch(joined) else plain
