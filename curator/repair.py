"""Repair of broken encodings, as edits on the original text.

Latin mojibake goes through ftfy (Robyn Speer, https://ftfy.readthedocs.io);
Chinese mojibake, UTF-8 that was read as GBK, is undone here, since ftfy does
not know it. Repairs come as small spans, and `repaired` gives the way back, so
that a check can look at the repaired text and point into the original one.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from dataclasses import dataclass

from curator.text import HAN

_HIGH = "\u0152-\u0178\u02c6\u02dc\u2013-\u2122"
_LATIN_SUSPECT = re.compile(f"[\u00c2\u00c3\u00c5\u00c6\u00e0-\u00ef\u00f0][\u0080-\u00bf{_HIGH}]")
_LATIN_WORD = f"\\S*[\u0080-\u00ff{_HIGH}]\\S*"
_LATIN_RUN = re.compile(f"{_LATIN_WORD}(?: {_LATIN_WORD})*")
# A replacement character ends a run: the rest of the character before it is lost.
_GBK_RUN = re.compile(r"[^\x00-\x7f\ufffd]{2,}\ufffd?")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAG = re.compile(
    r"</?(?:br|p|div|span|b|i|u|strong|em|font|li|ul|ol|a|img|h[1-6]|td|tr|table)"
    r"(?:\s+[A-Za-z][\w:-]{0,40}(?:=(?:\"[^\"<>]{0,400}\"|'[^'<>]{0,400}'|[^\s\"'<>]{1,200}))?){0,20}\s*/?>",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])", re.IGNORECASE)
_LOST = re.compile("\ufffd+|(?:锟斤拷|锟斤|烫烫烫|屯屯屯)+")
_HAN_CHAR = re.compile(f"[{HAN}]")
_ORDINARY = re.compile(
    f"[{HAN}0-9A-Za-z\\s\u00b0\u00b1\u00b7\u00d7\u00f7\u0391-\u03c9\u2010-\u2044\u20ac\u2100-\u214f"
    "\u2190-\u22ff\u2460-\u249b\u25a0-\u26ff\u3000-\u303f\uff01-\uff5e\uffe5\U0001f300-\U0001faff]"
)


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair: the span in the original text, what it becomes, and the kind of damage."""

    start: int
    end: int
    replacement: str | None
    kind: str


def repairs(text: str) -> list[Repair]:
    """Return the repairs that the text needs, in order, without overlaps.

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
        found += _chinese(text)
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


def _chinese(text: str) -> list[Repair]:
    found = []
    for m in _GBK_RUN.finditer(text):
        fixed = _undo_gbk(m.group())
        if fixed is not None:
            found.append(Repair(m.start(), m.end(), fixed, "mojibake"))
    return found


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


@dataclass(frozen=True, slots=True)
class Repaired:
    """A repaired text, and the way from its offsets back to the original's."""

    text: str
    _starts: tuple[int, ...]
    _segments: tuple[tuple[int, int, int, int, bool], ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the original span; a repaired stretch that is touched is taken whole."""
        return self._map(start, at_end=False), self._map(end, at_end=True)

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the repaired text with the repaired stretches it touches whole."""
        first = self._segments[max(0, bisect_right(self._starts, start) - 1)]
        last = self._segments[max(0, bisect_right(self._starts, max(start, end - 1)) - 1)]
        return (first[0] if first[4] else start), (last[1] if last[4] else end)

    def _map(self, offset: int, *, at_end: bool) -> int:
        probe = offset - 1 if at_end and offset else offset
        new_start, _, old_start, old_end, replaced = self._segments[
            max(0, bisect_right(self._starts, probe) - 1)
        ]
        if not replaced:
            return old_start + offset - new_start
        return old_end if at_end else old_start


def repaired(text: str, found: list[Repair]) -> Repaired:
    """Return the text with the repairs put in, and the way back to the original offsets."""
    pieces: list[str] = []
    segments: list[tuple[int, int, int, int, bool]] = []
    at = new = 0
    for repair in [r for r in found if r.replacement is not None]:
        for old_start, old_end, piece, replaced in (
            (at, repair.start, text[at : repair.start], False),
            (repair.start, repair.end, repair.replacement or "", True),
        ):
            segments.append((new, new + len(piece), old_start, old_end, replaced))
            pieces.append(piece)
            new += len(piece)
        at = repair.end
    segments.append((new, new + len(text) - at, at, len(text), False))
    pieces.append(text[at:])
    kept = [s for s in segments if s[1] > s[0]] or [segments[-1]]
    return Repaired("".join(pieces), tuple(s[0] for s in kept), tuple(kept))
