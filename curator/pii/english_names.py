"""English personal names: which of the names that a model finds are names of people."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from curator.pii.words import FUNCTION_WORDS
from curator.text import sentences

if TYPE_CHECKING:
    from collections.abc import Container

    from curator.pii.words import OrdinaryWords

_PARTICLE = "(?:van|von|de|der|den|del|della|di|da|dos|la|le|bin|al|el|ter|of)"
_CAPITALISED = r"[A-Z\u00c0-\u00de][A-Za-z\u00c0-\u024f.'’-]*"
_ENGLISH_NAME = re.compile(
    rf"{_CAPITALISED}(?:[ \u00a0]+(?:{_PARTICLE}[ \u00a0]+)*{_CAPITALISED}){{0,4}}"
)
_POSSESSIVE = re.compile(r"['’]s?$")
_LEAD = re.compile(
    r"^(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Dear|Hi|Hello|Hey|Thanks|Thank|Ok|Okay)\b\.?,?\s+)+"
)
_NO_NAME = frozenset(
    (  # noqa: SIM905 - as above
        "i you he she it we they the a an and or but if so no yes not ok okay hi hello hey hiya "
        "thanks thank please sorry dear sir madam mom mum dad mommy daddy grandma grandpa baby "
        "god jesus christ lord christmas easter santa monday tuesday wednesday thursday friday "
        "saturday sunday january february march april may june july august september october "
        "november december google apple amazon microsoft facebook twitter instagram whatsapp "
        "wechat alexa siri windows linux python java javascript excel word android iphone ipad "
        "chrome netflix paypal visa mastercard bluetooth wifi covid tylenol ibuprofen aspirin "
        "motrin advil paracetamol amoxicillin benadryl zyrtec claritin pedialyte calpol english "
        "chinese french german spanish mandarin america china england python email e-mail phone "
        "address order refund account customer support team manager doctor nurse agent assistant "
        "user wow oh ah um hmm lol yep nope sure good great fine bye goodbye welcome "
        "qué cómo cuándo dónde quién quiénes cuál cuáles cuánto cuánta por hola "
        "gracias señor señora"
    ).split()
)
_MONTH_NAMES = frozenset({"April", "May", "June", "August"})
# A sentence, a line or a table cell begins here; so does what a Spanish sign opens.
_OPENING = re.compile(r"(?:^|[.!?:;。！？：；|\n\r¿¡•])[\s\"'“”‘’(\[*#>_–—-]*$")
_IN_TITLE = re.compile(r"[A-Z][a-z]{2,} $")
# "39 Rosengasse 77": a street between its numbers.
_NUMBER_BEFORE = re.compile(r"\d[A-Za-z]?,? $")
_NUMBER_BEHIND = re.compile(r",? \d")
_NAMING = re.compile(
    r"(?<![A-Za-z])(?:[A-Z\u00c0-\u00de\u0100-\u024f][a-z\u00df-\u024f’']+|[A-Z\u00c0-\u024f\u0370-\u03ff]{4,})"
)
_LETTERS = re.compile(r"[A-Za-z]")
_SMALL_WORD = re.compile(r"(?<![A-Za-z])[a-z]{3,}")
_WORD = re.compile(r"[^\W\d_]+")
# "Barrett esophagus", "Behcet's disease", "Bayes' theorem": what is called after somebody.
_CALLED_AFTER = re.compile(
    r"(?:['’]s?)? (?:[a-z]+ )?(?:syndromes?|diseases?|disorders?|virus(?:es)?|malformations?|palsy|"
    r"tumou?rs?|"
    r"lymphomas?|sarcomas?|carcinomas?|esophagus|anomaly|triad|dystrophy|an(?:a)?emia|fever|types?|"
    r"tests?|scores?|scales?|signs?|reflex|methods?|theorems?|laws?|equations?|algorithms?|effects?|"
    r"numbers?|constants?|principles?|paradox|distributions?|functions?|trees?|cells?|index|criteria|"
    r"lines?|procedures?|manoeuvre|maneuver|cysts?|nodes?|bodies|bodys?)(?![A-Za-z])"
)
_GLUED = re.compile(r"[-/][a-z]")


class Said:
    """What a text says in small letters, so that a capital of the same word is no name's."""

    def __init__(self, text: str, words: OrdinaryWords) -> None:
        self._text, self._known = text, words

    @cached_property
    def _small(self) -> frozenset[str]:
        return frozenset(_SMALL_WORD.findall(self._text))

    def __contains__(self, word: object) -> bool:
        """Return whether the text says the word in small letters too, and it is no usual name."""
        low = str(word).lower()
        return not self._known.is_name(low) and low in self._small


def english_name(
    text: str,
    start: int,
    end: int,
    ordinary: Container[str] = (),
    said: Container[str] = (),
) -> tuple[int, int] | None:
    """Return the span of an English personal name as it should be hidden, or None if it is none.

    Every word but particles begins with a capital; digits, product names and words
    of greeting are none. Titles before it and the possessive do not belong to it.
    A single ordinary word that begins a sentence, or goes on with a title, owes its
    capital to that; so do words that are all ordinary or that the text says in small
    letters too ("Skin Cancer"). What stands between two numbers is a street, and what an
    illness or a theorem is called after is nobody that is spoken of.
    """
    lead = _LEAD.match(text[start:end])
    if lead:
        start += lead.end()
    tail = _POSSESSIVE.search(text[start:end].rstrip())
    if tail:
        end = start + tail.start()
    while end > start and not text[end - 1].isalnum():
        end -= 1
    found = _ENGLISH_NAME.match(text, start, end)
    if found is None:
        return None
    end = found.end()
    while end > start and not text[end - 1].isalnum():
        end -= 1
    words = text[start:end].split()
    if not words or any(c.isdigit() for c in text[start:end]):
        return None
    first = words[0].lower() in _NO_NAME and (len(words) == 1 or words[0] not in _MONTH_NAMES)
    if first or words[-1].lower() in _NO_NAME:
        return None
    if len(words) == 1 and (len(words[0]) < 3 or words[0].isupper()):
        return None
    before = text[max(0, start - 24) : start]
    called_after = lead is None and _CALLED_AFTER.match(text, end)
    glued = _GLUED.match(text, end) or (before.endswith("/") and words[0] in ordinary)
    is_street = _NUMBER_BEFORE.search(before) and _NUMBER_BEHIND.match(text, end)
    owes_capital = lead is None and (_OPENING.search(before) or _IN_TITLE.search(before))
    if is_street or called_after:
        return None
    pieces = _WORD.findall(" ".join(words))
    if len(words) == 1:
        owed = (owes_capital and words[0] in ordinary) or glued
        if owed or (lead is None and all(piece in said for piece in pieces)):
            return None
    elif lead is None and all(piece in ordinary or piece in said for piece in pieces):
        return None
    return start, end


def with_names(text: str, ordinary: OrdinaryWords) -> list[tuple[int, int]]:
    """Return the spans of the sentences that may hold a name, neighbours joined.

    Those hold a capital that neither the beginning of a sentence nor a function word
    explains, or begin with a word that is no ordinary one.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    for sentence in sentences(text):
        end = at + len(sentence)
        if _may_name(sentence, ordinary):
            if spans and spans[-1][1] == at:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((at, end))
        at = end
    return spans


def _may_name(sentence: str, ordinary: OrdinaryWords) -> bool:
    for capital in _NAMING.finditer(sentence):
        word = capital.group()
        if word.lower() in FUNCTION_WORDS and not ordinary.is_name(word):
            continue
        begins = not _LETTERS.search(sentence, 0, capital.start())
        if not begins or word not in ordinary:
            return True
    return False
