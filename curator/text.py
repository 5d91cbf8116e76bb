"""Text, in Chinese and English alike: scripts, languages, folding, lengths, sentences."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
KANA = r"\u3040-\u30ff\u31f0-\u31ff"
HANGUL = r"\uac00-\ud7a3\u1100-\u11ff"

_HAN_RUN = re.compile(f"[{HAN}]+")
_KANA = re.compile(f"[{KANA}]")
_HANGUL = re.compile(f"[{HANGUL}]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['\u2019-][A-Za-z\u00c0-\u024f]+)*")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_NEIGHBOURS = re.compile(f"[{KANA}{HANGUL}\u0400-\u04ff]")
_LETTER = f"[^\\W_{HAN}{KANA}{HANGUL}]"
_WORD = re.compile(f"[{HAN}{KANA}{HANGUL}]|{_LETTER}+(?:['\u2019]{_LETTER}+)*")
_CHARACTERS = re.compile(f"[{HAN}{KANA}\uac00-\ud7a3]+")
# It begins with one class of characters, so that the search skips whatever else there is.
_SENTENCE_END = re.compile(
    r"[。！？；!?;….\n](?:(?<=[。！？；!?;…])[”』」’\"')）]*|(?<=[.])(?=\s|$)|(?<=\n)\n*)"
)

_APOSTROPHE = ord("'")
_ASCII_WORDS = bytes(
    ord("a") if c < 128 and chr(c).isalnum() else c if c == _APOSTROPHE else 32 for c in range(256)
)
_MARKS = " \n\t，。、；：？！“”‘’（）《》〈〉【】「」『』…—·～,.;:?!()[]\"'-"
"""Between Chinese words mostly nothing else stands."""

PLACEHOLDER = re.compile(
    r"\[[A-Z_]{2,24}_(?:\d+|[a-z2-7]{8})\]|\[[\u4e00-\u9fff]{2,8}(?:\d+|[a-z2-7]{8})\]"
)
"""What a redaction leaves behind: `[PERSON_1]`, `[姓名1]`, `[姓名k7f3a9x2]`."""


def script(text: str) -> str:
    """Return the script that carries the text: han, kana, hangul, cyrillic, latin, mixed, none.

    A Han character weighs as much as a Latin word, since that is about what it says.
    """
    if text.isascii():
        return "latin" if _LATIN.search(text) else "none"
    rest, runs = _HAN_RUN.subn(" ", text)
    han = len(text) - len(rest) + runs
    if _NEIGHBOURS.search(rest):
        kana = len(_KANA.findall(rest))
        if kana and kana * 4 >= han:
            return "kana"
        if len(_HANGUL.findall(rest)) > han:
            return "hangul"
        if len(_CYRILLIC.findall(rest)) > han + len(_LATIN.findall(rest)):
            return "cyrillic"
    latin = len(_LATIN_WORD.findall(rest))
    if not han and not latin:
        return "none"
    share = han / (han + latin)
    if share >= 0.7:
        return "han"
    return "latin" if share <= 0.3 else "mixed"


def language(text: str) -> str:
    """Return a first guess from the script alone: zh, en, ja, ko, ru or und.

    Latin script counts as English here; the language check tells Spanish from it.
    """
    return {
        "han": "zh",
        "mixed": "zh",
        "kana": "ja",
        "hangul": "ko",
        "cyrillic": "ru",
        "latin": "en",
    }.get(script(text), "und")


KEPT = "%℃°⁻"
_VALUED = ("<super>", "<sub>", "<fraction>")


def folded(char: str) -> str:
    """Return a character as it is compared: NFKC and case folded.

    Powers, indices and fractions stay: 10³ is not 103, and ½ is not 12.
    """
    tag, *codes = unicodedata.decomposition(char).split() or [""]
    if tag in _VALUED:
        return char
    if tag == "<square>":  # ㎡ is m², which NFKC would make m2
        return "".join(folded(chr(int(code, 16))) for code in codes)
    return unicodedata.normalize("NFKC", char).casefold()


def counts(char: str) -> bool:
    """Whether a folded character is compared: letters, numbers, and signs that change a value."""
    return unicodedata.category(char)[0] in "LN" or char in KEPT


class _Folds(dict[int, str | None]):
    """What each code point becomes when folded, worked out at its first use."""

    def __missing__(self, code: int) -> str | None:
        kept = "".join(filter(counts, folded(chr(code))))
        # None, not "": CPython then deletes ASCII on its fast path.
        self[code] = kept or None
        return self[code]


_FOLDS = _Folds({0: "."})
_DECIMAL_POINT = re.compile(r"[.．](?<=\d.)(?=\d)")


def fold(text: str) -> str:
    """Return the text as it is compared: NFKC, case folded, no spaces, marks or punctuation.

    Decimal points between digits stay, since 3.5 is not 35, and so do powers and fractions.
    """
    return _DECIMAL_POINT.sub("\x00", text).translate(_FOLDS)


def fold_places(text: str) -> list[int]:
    """Return for each character of the folded text which character of the text it comes from."""
    marked = _DECIMAL_POINT.sub("\x00", text)
    return [at for at, char in enumerate(marked) for _ in _FOLDS[ord(char)] or ""]


def tokens(text: str) -> list[str]:
    """Return the text's tokens, lower case: one per Han, kana or hangul character, else words."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def length(text: str) -> int:
    """Return the length in units that weigh alike in both languages: Han characters and words.

    It is the number of the text's tokens, without making them.
    """
    if text.isascii():
        return _ascii_words(text).count(b" a")
    rest, runs = _CHARACTERS.subn(" ", text)
    wide = len(text) - len(rest) + runs
    if not rest.strip(_MARKS):
        return wide
    return wide + len(_WORD.findall(unicodedata.normalize("NFKC", rest)))


def _ascii_words(text: str) -> bytes:
    """Return a space and the text with an a for each character of a word, spaces for the rest."""
    words = b" " + text.encode().translate(_ASCII_WORDS)
    if b"'" in words:  # inside a word it is part of it
        while b"a'a" in words:
            words = words.replace(b"a'a", b"aaa")
        words = words.replace(b"'", b" ")
    return words


def sentences(text: str) -> list[str]:
    """Split at the ends of sentences, Chinese and English, keeping every character."""
    return [text[a:b] for a, b in pairwise(_bounds(text)) if a < b]


def measured_sentences(text: str) -> list[tuple[str, int]]:
    """Return the sentences, each with its length."""
    if not text.isascii():
        return [(sentence, length(sentence)) for sentence in sentences(text)]
    count = _ascii_words(text).count
    return [(text[a:b], count(b" a", a, b + 1)) for a, b in pairwise(_bounds(text)) if a < b]


def _bounds(text: str) -> list[int]:
    ends = [m.end() for m in _SENTENCE_END.finditer(text)]
    return [0, *dict.fromkeys(ends), len(text)]


def rough_tokens(n_han: int, n_other: int) -> int:
    """Return about how many tokens so many Han and other characters are.

    As today's tokenizers cut Chinese and English: 0.7 a Han character, 0.25 any other.
    """
    return round(0.7 * n_han + 0.25 * n_other)
