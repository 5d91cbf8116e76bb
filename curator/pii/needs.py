"""What a text must hold at the least for a pattern to match: so many digits, Han and Latin letters.

Most texts hold no eleven digits, and Chinese ones hardly a letter, so that
counting them once saves nearly all searches. The bounds are read from the
pattern; where a construct is not understood it counts as nothing, which is
always safe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from curator.text import HAN

_TOKEN = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P<\w+>|[aimsux-]*:))?|\{\d*,?\d*\}|.",
    re.DOTALL,
)
_DIGITS = re.compile(r"\\d|[0-9]|\[(?:\\d|[0-9]-[0-9]|[0-9])+\]")
_LATIN = re.compile(r"[A-Za-z]|\[(?:[A-Za-z]-[A-Za-z]|[A-Za-z])+\]")
_HAN = re.compile(f"[{HAN}]|\\[(?:[{HAN}]|\\\\u4e00-\\\\u9fff)+\\]")
_OPTIONAL = re.compile(r"[?*]|\{,\d*\}")
_COUNTED = re.compile(r"\{(\d+)(?:,\d*)?\}")
_DIGIT_IN_TEXT = re.compile(r"\d")
_HAN_IN_TEXT = re.compile(f"[{HAN}]")
# Without regard to case, s also stands for the long s, and k for the Kelvin sign.
_LATIN_IN_TEXT = re.compile("[A-Za-z\u017f\u212a]")


@dataclass(frozen=True, slots=True)
class Stock:
    """How many characters of each kind a text holds, or a pattern asks for."""

    digits: int = 0
    han: int = 0
    latin: int = 0

    def __add__(self, other: Stock) -> Stock:
        """Return what both hold together."""
        return Stock(self.digits + other.digits, self.han + other.han, self.latin + other.latin)

    def times(self, count: int) -> Stock:
        """Return this many times as much."""
        return Stock(self.digits * count, self.han * count, self.latin * count)

    def least(self, other: Stock) -> Stock:
        """Return the smaller number of each kind."""
        return Stock(
            min(self.digits, other.digits), min(self.han, other.han), min(self.latin, other.latin)
        )

    def suffices(self, needed: Stock) -> bool:
        """Return whether a text with this stock may hold what is needed."""
        return (
            self.digits >= needed.digits and self.han >= needed.han and self.latin >= needed.latin
        )


def stock(text: str) -> Stock:
    """Count the digits, Han characters and Latin letters of a text."""
    return Stock(
        len(_DIGIT_IN_TEXT.findall(text)),
        len(_HAN_IN_TEXT.findall(text)),
        len(_LATIN_IN_TEXT.findall(text)),
    )


def needs(regex: str) -> Stock:
    """Return what every match of a pattern surely holds."""
    if re.compile(regex).flags & re.VERBOSE:
        return Stock()
    tokens = _TOKEN.findall(regex)
    needed, at = _alternatives(tokens, 0)
    return needed if at == len(tokens) else Stock()


def _alternatives(tokens: list[str], at: int) -> tuple[Stock, int]:
    """Read up to the closing bracket or the end; the least of all branches is sure."""
    branches = [Stock()]
    while at < len(tokens) and tokens[at] != ")":
        piece = tokens[at]
        if piece == "|":
            branches.append(Stock())
            at += 1
            continue
        if piece[0] == "(":
            held, at = _group(tokens, at)
        else:
            held, at = _plain(piece), at + 1
        if at < len(tokens):
            counted = _COUNTED.fullmatch(tokens[at])
            if counted:
                held, at = held.times(int(counted[1])), at + 1
            elif _OPTIONAL.fullmatch(tokens[at]):
                held, at = Stock(), at + 1
        branches[-1] += held
    least = branches[0]
    for branch in branches[1:]:
        least = least.least(branch)
    return least, at


def _group(tokens: list[str], at: int) -> tuple[Stock, int]:
    # "(" followed by "?" is a look-around, a flag or a condition: it holds nothing for sure.
    is_plain = tokens[at] != "(" or tokens[at + 1 : at + 2] != ["?"]
    held, close = _alternatives(tokens, at + 1)
    return (held if is_plain else Stock()), close + 1


def _plain(piece: str) -> Stock:
    if _DIGITS.fullmatch(piece):
        return Stock(digits=1)
    if _LATIN.fullmatch(piece):
        return Stock(latin=1)
    if _HAN.fullmatch(piece):
        return Stock(han=1)
    return Stock()
