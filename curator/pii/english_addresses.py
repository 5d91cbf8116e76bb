"""Addresses in Latin script, as many countries write them, on one line or on several.

A street, a unit or a post box begins one; the numbers, names, regions and codes next to
it belong to it. Every step goes forward over tokens, so that time is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.pii.candidates import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.pii.texts import SearchText

_LETTER = r"[^\W\d_\u2e80-\u9fff\uac00-\ud7a3]"
_TOKEN = re.compile(
    rf"(?P<word>{_LETTER}+(?:['’.-]{_LETTER}+)*\.?)|(?P<number>\d+(?:[-/]\d+)*[A-Za-rt-z]?(?![^\W_]))"
    rf"|(?P<code>[^\W_\u2e80-\u9fff]+)|(?P<line>\n)|(?P<mark>[^\w\s])"
)
_AFTER = frozenset(
    (  # noqa: SIM905 - words read better without quotes
        "street str st road rd avenue ave av lane ln drive dr court ct place pl square sq terrace "
        "boulevard blvd close crescent gardens mews highway hwy parkway pkwy circle cir u. utca út "
        "tér caddesi sokak sokağı way row loop trail alley tee puiestee mnt cesta ulica ulice gate "
        "grove rise hill"
    ).split()
)
"""What stands behind the name of a street."""
_BEFORE = frozenset(
    (  # noqa: SIM905 - as above
        "rue allée quai chaussée chemin impasse via viale piazza corso vicolo strada calle avenida "
        "av. av plaza paseo carrera rua travessa praça estrada rúa ul. ulica al. jalan jl. "
        "boulevard avenue camino carretera largo rambla passeig carrer place ronda puerto"
    ).split()
)
"""What stands before the name of a street."""
_WITHIN = re.compile(
    r"(?i)\w{2,}(?:stra(?:ss|ß)e|strasse|str\.?|gasse|allee|gade|gaden|vej|vejen|vägen|gatan|gata|"
    r"veien|vegen|straat|laan|singel|gracht|plein|kade|hof|steeg|dreef|katu|kuja|tie|polku|kaari|"
    r"utca|weg|platz|damm|ufer|stien|stræde|bakken|ove|skeid|stræti|braut|gerði|straeti|vegur|tún|"
    r"ova|ská|ého|ové)$"
)
"""What ends the name of a street, written as one word."""
_UNIT = frozenset("apt apartment suite ste unit flat room rm floor fl box building bldg".split())  # noqa: SIM905
_SHIP = frozenset(("uss", "usns", "usnv", "uscgc", "usnv", "hms"))
_MILITARY = frozenset(("apo", "fpo", "dpo"))
_POST = frozenset(("psc", "cmr", "unit"))
_PARTICLES = frozenset(
    (  # noqa: SIM905 - as above
        "of the and de del della di da do dos das la le les des du den der van von zu am im in na "
        "nad y e u v"
    ).split()
)
_FILL = frozenset(("nan",))
_MARKS = frozenset(",-#;")
_BULLETS = frozenset(">?|*-•")
"""What may stand at the beginning of each line of a block."""
_CORNER = ("the", "corner", "of")
_NAMES, _GAP, _WORDS = 4, 6, 5
_SCORE = 0.7


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    low: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it is a word with a capital, or of letters that have none."""
        return self.kind == "word" and not self.text[0].islower()


def english_addresses(view: SearchText) -> Iterator[Candidate]:
    """Yield the addresses of a text."""
    if view.script not in {"latin", "mixed"} or not any(c.isdigit() for c in view.text):
        return
    tokens = [
        _Token(str(m.lastgroup), m.group(), m.group().lower(), m.start(), m.end())
        for m in _TOKEN.finditer(view.narrow)
    ]
    has_case = any(t.kind == "word" and t.text[0].isupper() for t in tokens)
    at = reached = 0
    while at < len(tokens):
        core = _core(tokens, at, has_case=has_case)
        if core is None:
            at += 1
            continue
        first = _back(tokens, core[0], reached)
        last = _on(tokens, core[1], has_case=has_case)
        for start, end in _pieces(tokens, first, last):
            yield Candidate(start, end, "ADDRESS", "PII005", _SCORE, "address", "form")
        at = reached = last + 1


def _pieces(tokens: Sequence[_Token], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the address's spans: one, or one a line where each line begins with a bullet."""
    start = first
    for i in range(first + 1, last):
        if tokens[i].kind == "line" and tokens[i + 1].text in _BULLETS:
            yield tokens[start].start, tokens[i - 1].end
            start = i + 1
            while start < last and tokens[start].kind in {"line", "mark"}:
                start += 1
    yield tokens[start].start, tokens[last].end


def _core(tokens: Sequence[_Token], at: int, *, has_case: bool) -> tuple[int, int] | None:
    """Return the tokens (both inclusive) of the address that surely begins at one, or None."""
    token = tokens[at]
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if token.kind == "number":
        return _numbered(tokens, at, has_case=has_case)
    if token.kind != "word" or following is None:
        return None
    bare = token.low.rstrip(".")
    if bare in _UNIT and following.kind in {"number", "code"} and following.end - token.end <= 8:
        return at, at + 1
    if token.text.isupper() and bare in _SHIP and following.is_name:
        return at, at + 1
    if bare in _MILITARY and following.low in {"aa", "ae", "ap"}:
        return at, at + 1
    if bare in _POST and following.kind == "number":
        return at, at + 1
    named = token.is_name or not has_case
    if named and (bare in _BEFORE or token.low in _BEFORE):
        return _until_number(tokens, at, at + 1)
    if named and _WITHIN.fullmatch(bare) and following.kind == "number":
        return at, at + 1
    if token.is_name and has_case:
        end = _names(tokens, at)
        if tokens[end].low.rstrip(".") in _AFTER | {"u"} and end > at:
            number = end + 1
            if number < len(tokens) and _is_house(tokens[number]):
                return at, number
    return None


def _numbered(tokens: Sequence[_Token], at: int, *, has_case: bool) -> tuple[int, int] | None:
    """Return what begins with a house number: "12 Main St", "06 Byvej 22", "18 Rue X"."""
    end = at + 1
    while end < len(tokens) and end < at + 3 and _is_house(tokens[end]) and _near(tokens, end):
        end += 1
    begin = end
    words = 0
    while end < len(tokens) and words <= _WORDS and _near(tokens, end):
        token = tokens[end]
        if token.kind == "mark" and token.text in {",", "-"} and words:
            break
        bare = token.low.rstrip(".")
        prefix = bare in _BEFORE or token.low in _BEFORE
        if token.kind != "word" or not (
            token.is_name or prefix or token.low in _PARTICLES or not has_case
        ):
            break
        words += 1
        if words > 1 and (bare in _AFTER or token.low in _AFTER):
            return at, end
        if prefix:
            return at, _name_end(tokens, end, has_case=has_case)
        if _WITHIN.fullmatch(bare) and has_case:
            return at, end
        end += 1
    is_between = end < len(tokens) and words and _is_house(tokens[end]) and _near(tokens, end)
    if is_between and has_case and tokens[begin].is_name and words < _WORDS:
        return (at, end) if any(len(t.text) > 2 for t in tokens[begin:end]) else None
    return None


def _until_number(tokens: Sequence[_Token], at: int, start: int) -> tuple[int, int] | None:
    end = start
    while end < len(tokens) and end - start < _WORDS and _near(tokens, end):
        token = tokens[end]
        if token.kind == "number":
            return (at, end) if end > start else None
        if token.kind != "word" or not (token.is_name or token.low in _PARTICLES):
            return None
        end += 1
    return None


def _name_end(tokens: Sequence[_Token], at: int, *, has_case: bool) -> int:
    """Return the last of the names that follow a word such as "Rue"."""
    end = at
    while end + 1 < len(tokens) and end - at < _NAMES and _near(tokens, end + 1):
        token = tokens[end + 1]
        if token.kind == "number" and _is_house(token):
            return end + 1
        if token.kind != "word" or not (token.is_name or token.low in _PARTICLES or not has_case):
            break
        end += 1
    return end


def _names(tokens: Sequence[_Token], at: int) -> int:
    """Return the last of the names that begin at a token, the first word for a street included."""
    end = at
    while end + 1 < len(tokens) and end - at < _NAMES and _near(tokens, end + 1):
        token = tokens[end + 1]
        if token.kind != "word":
            break
        if token.low.rstrip(".") in _AFTER or token.low in _AFTER:
            return end + 1
        if not (token.is_name or token.low in _PARTICLES):
            break
        end += 1
    return end


def _back(tokens: Sequence[_Token], at: int, reached: int) -> int:
    """Return the first token of the address that a core at `at` belongs to."""
    first = at
    while first > reached and _near(tokens, first):
        token = tokens[first - 1]
        if (
            token.kind == "number"
            or token.text == "#"
            or token.low in {"p.o.", "po", "p.o"}
            or token.low.rstrip(".") in _UNIT
        ):
            first -= 1
        elif token.kind == "mark" and token.text == "," and first - 1 > reached:
            if tokens[first - 2].kind != "number":
                break
            first -= 1
        else:
            break
    if first - 3 >= reached and tuple(t.low for t in tokens[first - 3 : first]) == _CORNER:
        first -= 3
    return first


def _on(tokens: Sequence[_Token], at: int, *, has_case: bool) -> int:
    """Return the last token of the address whose core ends at `at`."""
    last = at
    cursor = at + 1
    names = numbers = 0
    while cursor < len(tokens) and cursor - last <= _GAP and names <= 8 and numbers <= 6:
        token = tokens[cursor]
        broken = any(t.kind == "line" for t in tokens[last + 1 : cursor])
        parted = broken or any(t.kind == "mark" for t in tokens[last + 1 : cursor])
        bare = token.low.rstrip(".")
        bullet = token.text in _BULLETS and tokens[cursor - 1].kind in {"line", "mark"} and broken
        if token.kind == "line" or bullet or (token.kind == "mark" and token.text in _MARKS):
            cursor += 1
            continue
        if token.kind == "number" or (token.kind == "code" and not token.text.isalpha()):
            numbers += 1
            last = cursor
        elif bare in _UNIT | _MILITARY or token.low in _FILL:
            last = cursor
        elif token.is_name and (has_case or parted) and token.text[0].isupper():
            names += 1
            last = cursor
        elif token.low == "and" and (core := _core_after(tokens, cursor, has_case=has_case)):
            last = cursor = core
        elif (
            token.kind == "word" and token.low in _PARTICLES and tokens[last].is_name and not parted
        ):
            following = tokens[cursor + 1] if cursor + 1 < len(tokens) else None
            if following is None or not following.is_name:
                break
            last = cursor
        elif not has_case and token.kind == "word" and (end := _code_ahead(tokens, cursor)):
            last = end
            cursor = end
        else:
            break
        if token.kind == "word" and token.text.endswith(".") and len(token.text) > 4:
            break
        cursor += 1
    return _settled_end(tokens, at, last)


def _core_after(tokens: Sequence[_Token], at: int, *, has_case: bool) -> int | None:
    """Return the end of the street that stands behind "and", as at a corner."""
    if at + 1 >= len(tokens) or not _near(tokens, at + 1):
        return None
    core = _core(tokens, at + 1, has_case=has_case)
    if core is None and tokens[at + 1].is_name:
        end = _names(tokens, at + 1)
        if end > at + 1 and tokens[end].low.rstrip(".") in _AFTER:
            return end
    return core[1] if core else None


def _settled_end(tokens: Sequence[_Token], at: int, last: int) -> int:
    """Take back what follows a sentence's end, or names on lines that lead to no code."""
    for i in range(at + 1, last + 1):
        between = tokens[i]
        if between.kind == "mark" and between.text in ".!;":
            return i - 1
    return last


def _code_ahead(tokens: Sequence[_Token], at: int) -> int | None:
    """Return where, in a text without capitals, a postal code ends what begins here."""
    for i in range(at, min(at + 7, len(tokens))):
        token = tokens[i]
        if token.kind == "number" and len(token.text) >= 4:
            return i
        if token.kind == "mark" and token.text not in _MARKS:
            return None
    return None


def _is_house(token: _Token) -> bool:
    return token.kind == "number" and len(token.text) <= 6


def _near(tokens: Sequence[_Token], at: int) -> bool:
    """Whether a token follows the one before it by no more than a space or two."""
    return at > 0 and tokens[at].start - tokens[at - 1].end <= 2 and tokens[at].kind != "line"
