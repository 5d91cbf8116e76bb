"""Broken encodings and left-over markup.

Latin mojibake goes through ftfy (Robyn Speer, https://ftfy.readthedocs.io);
Chinese mojibake, UTF-8 that was read as GBK, is undone here, since ftfy does
not know it.
"""

from __future__ import annotations

import html
import re

from curator.repair.spans import Repair
from curator.text import HAN, HANGUL, KANA

_HIGH = "\u0152-\u0178\u02c6\u02dc\u2013-\u2122"
_LATIN_SUSPECT = re.compile(f"[\u00c2\u00c3\u00c5\u00c6\u00e0-\u00ef\u00f0][\u0080-\u00bf{_HIGH}]")
_LATIN_WORD = f"\\S*[\u0080-\u00ff{_HIGH}]\\S*"
_LATIN_RUN = re.compile(f"{_LATIN_WORD}(?: {_LATIN_WORD})*")
# A replacement character ends a run: the rest of the character before it is lost.
_GBK_RUN = re.compile(r"[^\x00-\x7f\ufffd]{2,}\ufffd?")
# UTF-8 read as GBK is full of characters that ordinary Chinese hardly has: those outside
# the first level of GB 2312, whose codes are B0A1 to D7F9.
_COMMON = "".join(
    bytes((row, cell)).decode("gb2312", errors="ignore")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF)
)
_RARE = re.compile(f"[^{_COMMON}\x00-\xff\u2000-\u2bff\u3000-\u303f\uff00-\uffef\ufffd]")
_RARE_SHARE = 0.25
_SHORTEST_MIXED = 6
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAG = re.compile(
    r"</?(?:br|p|div|span|b|i|u|strong|em|font|li|ul|ol|a|img|h[1-6]|td|tr|table)"
    r"(?:\s+[A-Za-z][\w:-]{0,40}(?:=(?:\"[^\"<>]{0,400}\"|'[^'<>]{0,400}'|[^\s\"'<>]{1,200}))?){0,20}\s*/?>",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])", re.IGNORECASE)
_LOST = re.compile("\ufffd+|(?:锟斤拷|锟斤|烫烫烫|屯屯屯)+")
_C1 = re.compile("[\x80-\x9f]")
_C1_CHAR = re.compile("\x80[\x90-\xa7]|[\x80-\x9f]")
_EAST_ASIAN = re.compile(f"[{HAN}{KANA}{HANGUL}]")
_HAN_CHAR = re.compile(f"[{HAN}]")
_ORDINARY = re.compile(
    f"[{HAN}0-9A-Za-z\\s\u00b0\u00b1\u00b7\u00d7\u00f7\u0391-\u03c9\u2010-\u2044\u20ac\u2100-\u214f"
    "\u2190-\u22ff\u2460-\u249b\u25a0-\u26ff\u3000-\u303f\uff01-\uff5e\uffe5\U0001f300-\U0001faff]"
)


def damage(text: str) -> list[Repair]:
    """Return the repairs of what the text's way here broke, in order, without overlaps.

    Kinds: `mojibake`, `markup` (entities and tags), `lost` (characters that are
    gone for good; no replacement).
    """
    found: list[Repair] = []
    if "&" in text or "<" in text:
        found += _markup(text)
    if not text.isascii():
        found += [Repair(m.start(), m.end(), None, "lost") for m in _LOST.finditer(text)]
        if _LATIN_SUSPECT.search(text):
            found += _latin(text)
        if not _EAST_ASIAN.search(text) and _C1.search(text):
            found += _windows(text)
        found += _chinese(text)
    if len(found) < 2:
        return found
    # What can be undone comes first: a lost character may be part of it.
    found.sort(key=lambda r: (r.start, r.replacement is None, -r.end))
    kept: list[Repair] = []
    for repair in found:
        if not kept or repair.start >= kept[-1].end:
            kept.append(repair)
    return kept


def _markup(text: str) -> list[Repair]:
    found = []
    for m in _ENTITY.finditer(text):
        plain = html.unescape(m.group())
        if plain != m.group() and "\ufffd" not in plain:
            found.append(Repair(m.start(), m.end(), plain.replace("\xa0", " "), "markup"))
    found += [
        Repair(m.start(), m.end(), "\n" if _BLOCK_TAG.match(m.group()) else "", "markup")
        for m in _TAG.finditer(text)
    ]
    return found


def _latin(text: str) -> list[Repair]:
    from ftfy import fix_encoding  # noqa: PLC0415 - only where a text needs it

    found = []
    for m in _LATIN_RUN.finditer(text):
        if not _LATIN_SUSPECT.search(m.group()):
            continue
        fixed = fix_encoding(m.group())
        if fixed != m.group():
            found.append(Repair(m.start(), m.end(), fixed, "mojibake"))
    return found


def _windows(text: str) -> list[Repair]:
    """Return what Latin text means by C1 controls: those of Windows-1252, read as Latin-1.

    U+0085 alone is a line end. Two of them that begin with U+0080 are what UTF-8 leaves of a
    dash or a quotation mark whose first byte was lost.
    """
    if {m.group() for m in _C1.finditer(text)} == {"\x85"}:
        return []
    return [
        Repair(m.start(), m.end(), plain, "mojibake")
        for m in _C1_CHAR.finditer(text)
        if (plain := _of_bytes(m.group().encode("latin-1")))
    ]


def _of_bytes(data: bytes) -> str:
    if len(data) == 2:
        return (b"\xe2" + data).decode()
    return data.decode("cp1252", errors="ignore")


def _chinese(text: str) -> list[Repair]:
    found = []
    mixed: list[tuple[int, int, str, bool]] = []
    for m in _GBK_RUN.finditer(text):
        fixed = _undo_gbk(m.group())
        if fixed is not None:
            found.append(Repair(m.start(), m.end(), fixed, "mojibake"))
        elif len(_RARE.findall(m.group())) > _RARE_SHARE * len(m.group()):
            partly = _undo_parts(m.group())
            if partly is not None:
                start, end, fixed, is_sure = partly
                mixed.append((m.start() + start, m.start() + end, fixed, is_sure))
    # Once a part is surely broken, what might be is.
    if found or any(is_sure for *_, is_sure in mixed):
        found += [Repair(start, end, fixed, "mojibake") for start, end, fixed, _ in mixed]
    return found


def _undo_parts(run: str) -> tuple[int, int, str, bool] | None:
    """Undo a run of which some characters stayed intact or lost bytes on the way.

    Returns where the repair begins and ends in the run, what stands there then (with
    the intact characters as they are), and whether the run alone proves the damage:
    most of it can be undone, and hardly any rare character is left. None where
    nothing can be undone.
    """
    codes = [char.encode("gb18030", errors="ignore") for char in run]
    pieces: list[str] = []
    first = last = undone = left = at = 0
    while at < len(run):
        stop, fixed = _segment(codes, at)
        if fixed:
            first = first if undone else at
            undone += stop - at
            pieces.append(fixed)
            at = last = stop
            continue
        left += bool(_RARE.fullmatch(run[at]))
        if undone:
            pieces.append(run[at])
        at += 1
    if not undone:
        return None
    body = run.rstrip("\ufffd")
    kept = "".join(pieces)[: -len(run[last:]) or None]
    if last < len(body) and _RARE.fullmatch(body[-1]) and _is_cut_off(codes[len(body) - 1]):
        kept, last = f"{kept}{body[last:-1]}\ufffd", len(run)
        undone += 1
    is_sure = (
        len(run) >= _SHORTEST_MIXED and undone >= len(run) / 2 and left <= _RARE_SHARE * len(run)
    )
    return first, last, kept, is_sure


def _segment(codes: list[bytes], start: int) -> tuple[int, str]:
    """Return the end and the meaning of the longest stretch that is UTF-8, or an empty meaning.

    Only characters of three bytes count: those of two bytes are common characters
    of GBK as well, which have more likely stayed as they were.
    """
    data = b""
    at, best, meaning = start, start, ""
    while at < len(codes) and codes[at]:
        data += codes[at]
        at += 1
        whole, is_open = _three_bytes(data)
        if whole is None:
            break
        if not is_open:
            best, meaning = at, whole
    return (best, meaning) if _HAN_CHAR.search(meaning) and len(meaning) > 1 else (start, "")


def _three_bytes(data: bytes) -> tuple[str | None, bool]:
    """Read characters of one or three bytes; return them, and whether another has begun.

    None where it is no such text, or no ordinary one.
    """
    full = len(data)
    for cut in (0, 1, 2):
        try:
            text = data[: full - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        if cut and not 0xE2 <= data[full - cut] <= 0xEF:
            return None, False
        is_fit = all(not "\x7f" < c < "\u0800" for c in text) and len(
            _ORDINARY.findall(text)
        ) == len(text)
        return (text, cut > 0) if is_fit else (None, False)
    return None, False


def _is_cut_off(data: bytes) -> bool:
    """Return whether this is the beginning of a character of three bytes."""
    return len(data) == 2 and 0xE2 <= data[0] <= 0xEF and 0x80 <= data[1] <= 0xBF


def _undo_gbk(run: str) -> str | None:
    """Return what a run says when read as UTF-8 after all, or None where it is sound.

    Sound Chinese hardly ever makes valid UTF-8 in its GBK form; two characters
    may (the famous 联通), so the outcome must be at least two characters, one of
    them Han, and nothing but ordinary ones. Where the run is cut off inside a
    character, that one becomes U+FFFD.
    """
    try:
        data = run.rstrip("\ufffd").encode("gb18030")
    except UnicodeEncodeError:
        return None
    for cut in (0, 1, 2):
        try:
            fixed = data[: len(data) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        is_ordinary = len(_ORDINARY.findall(fixed)) == len(fixed)
        shortest = 4 if cut and not run.endswith("\ufffd") else 2
        if len(fixed) >= shortest and is_ordinary and _HAN_CHAR.search(fixed):
            return fixed + "\ufffd" if cut or run.endswith("\ufffd") else fixed
    return None
