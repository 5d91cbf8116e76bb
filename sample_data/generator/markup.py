"""Reads `[[CODE|text]]` marks and completes the check digits of invented numbers."""

from __future__ import annotations

import re

from generator.model import Mark, Turn

_MARK = re.compile(r"\[\[([A-Z]{3}\d{3})\|(.+?)\]\]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_DIGITS = "10X98765432"


def id_card_digit(body: str) -> str:
    """The ISO 7064 check digit of the 17 digits of a Chinese identity number."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _ID_WEIGHTS, strict=True))
    return _ID_DIGITS[total % 11]


def luhn_digit(body: str) -> str:
    """The Luhn check digit of a card number; spaces do not count."""
    total = 0
    for place, digit in enumerate(reversed(body.replace(" ", ""))):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _complete(code: str, text: str) -> str:
    if not text.endswith("#"):
        return text
    body = text[:-1]
    if code == "PII004":
        return body + id_card_digit(body)
    if code == "PII006":
        return body + luhn_digit(body)
    return text


def read_marks(role: str, marked: str) -> Turn:
    """The plain text of `marked` and where the marks were in it."""
    turn = Turn(role, "")
    end = 0
    for match in _MARK.finditer(marked):
        turn.text += marked[end : match.start()]
        value = _complete(match[1], match[2])
        turn.marks.append(Mark(len(turn.text), len(turn.text) + len(value), match[1]))
        turn.text += value
        end = match.end()
    turn.text += marked[end:]
    return turn
