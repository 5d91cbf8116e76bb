"""Characters of which there are several forms: decomposed letters, full and half width.

Only what means the very same is changed. NFKC would go further, and is for comparing
alone (`curator.text.fold`): it makes m² of ㎡ and m2 of m², and 10-3 of 10⁻³.
"""

from __future__ import annotations

import re
import unicodedata

from curator.repair.spans import Repair
from curator.text import HAN, HANGUL, KANA

_WIDE = "０-９Ａ-Ｚａ-ｚ"
_NARROW = "0-9A-Za-z"
_JOINER = "[．／＠＿－＆＇]"
"""Full-width marks that belong to a word or number when they stand inside one."""
_WIDE_RUN = re.compile(
    f"(?:(?<=[{_NARROW}]){_JOINER})?(?:[{_WIDE}]+(?:{_JOINER}(?=[{_NARROW}{_WIDE}]))?)+"
)
_WIDE_MARK = re.compile("[\uff01-\uff5e\u3000]+")
_HALF_KANA = re.compile("[\uff61-\uff9f]{2,}")
_HALF_KANA_LETTERS = re.compile("[\uff66-\uff9d][\uff61-\uff9f]*[\uff66-\uff9d]")
_TO_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_EAST_ASIAN = re.compile(f"[{HAN}{KANA}{HANGUL}\uff66-\uffdc]")
_HAS_WIDE_MARK = re.compile("[\uff01-\uff5e]")
_WORD = re.compile(f"[A-Za-z{_WIDE}]{{2,}}")
_ENOUGH_WORDS = 3


def composed(text: str) -> list[Repair]:
    """Return the letters that are not in NFC, with the marks on them (Unicode Annex 15)."""
    if unicodedata.is_normalized("NFC", text):
        return []
    runs: list[tuple[int, int]] = []
    start = 0
    for at in range(1, len(text) + 1):
        if at < len(text) and _goes_on(text[at]):
            continue
        if not unicodedata.is_normalized("NFC", text[start:at]):
            begins = runs.pop()[0] if runs and runs[-1][1] == start else start
            runs.append((begins, at))
        start = at
    return [Repair(a, b, unicodedata.normalize("NFC", text[a:b]), "composed") for a, b in runs]


def _goes_on(char: str) -> bool:
    """Return whether a character may become one with those before it: a mark, or a jamo."""
    if char.isascii():
        return False
    return unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff"


def narrowed(text: str) -> list[Repair]:
    """Return full-width letters and digits, with what they are in half width; and half-width kana.

    Marks keep their width in Chinese, but not in a text of Latin words alone.
    """
    if text.isascii():
        return []
    wide = _WIDE_MARK if is_western(text) else _WIDE_RUN
    found = [
        Repair(m.start(), m.end(), m.group().translate(_TO_NARROW), "width")
        for m in wide.finditer(text)
    ]
    found += [
        Repair(m.start(), m.end(), unicodedata.normalize("NFKC", m.group()), "width")
        for m in _HALF_KANA.finditer(text)
        if _HALF_KANA_LETTERS.search(m.group())
    ]
    return sorted(found, key=lambda r: r.start)


def is_western(text: str) -> bool:
    """Return whether Latin words, and no Chinese, Japanese or Korean, hold full-width marks."""
    return (
        _EAST_ASIAN.search(text) is None
        and _HAS_WIDE_MARK.search(text) is not None
        and len(_WORD.findall(text)) >= _ENOUGH_WORDS
    )
