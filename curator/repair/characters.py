"""Characters that nobody sees: controls, zero-width characters, marks of direction."""

from __future__ import annotations

import re

from curator.repair.spans import Repair
from curator.text import HAN

# Colours and cursor moves of a terminal go whole. The separators of fields and records part
# what stands around them. Line ends are not meant here (see `spaces`).
_CONTROL = re.compile(
    r"(?P<parts>[\x1c-\x1f]+)"
    r"|(?:\x1b\[[0-9;?]{0,16}[A-HJKlmsuh]"
    r"|[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffc\ufffe\uffff])+"
)
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    f"\U000e0001\U000e0020-\U000e007f{_SELECTORS}]"
)
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2070-\u2fff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{1,8}\U000e007f")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u05ff\u0620-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]")
# Scripts whose letters take another shape beside a joiner or a non-joiner: Arabic and its kin,
# those of India and of South-East Asia, Mongolian.
_JOINING = re.compile(
    "[\u0600-\u061b\u0620-\u0dff\u0f00-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff"
    "\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff]"
)
# Scripts without spaces, in which U+200B tells where a word ends.
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf]")
# What the selectors FE00 to FE0D give another shape: Han, mathematics, Myanmar, 'Phags-pa and
# Manichaean.
_VARIED = re.compile(f"[{HAN}\u2190-\u2bff\u1000-\u109f\ua840-\uaa7f\U00010ac0-\U00010aff]")
_HAN = re.compile(f"[{HAN}]")
_HIDING = re.compile(f"{_INVISIBLE.pattern}|\u20e3")
_SPACE_IN_NUMBER = re.compile(r"(?<=\d)[\u2000-\u200a\u202f\u205f](?=\d)")


def controls(text: str) -> list[Repair]:
    """Return the control characters, to be taken out; U+001C to U+001F become spaces."""
    return [
        Repair(m.start(), m.end(), " " if m["parts"] else "", "control")
        for m in _CONTROL.finditer(text)
    ]


def invisibles(text: str) -> list[Repair]:
    """Return the characters without width that do nothing where they stand, to be taken out."""
    flags = {at for m in _FLAG.finditer(text) for at in range(m.start() + 1, m.end())}
    is_right_to_left = _RIGHT_TO_LEFT.search(text) is not None
    found: list[Repair] = []
    for m in _INVISIBLE.finditer(text):
        at = m.start()
        if at in flags or _serves(text, at, is_right_to_left=is_right_to_left):
            continue
        if found and found[-1].end == at:
            found[-1] = Repair(found[-1].start, at + 1, "", "invisible")
        else:
            found.append(Repair(at, at + 1, "", "invisible"))
    return found


def unhidden(text: str) -> list[Repair]:
    """Return whatever could hide a number or a name from a search, to be taken out."""
    hiding = [Repair(m.start(), m.end(), "", "invisible") for m in _HIDING.finditer(text)]
    odd = [Repair(m.start(), m.end(), " ", "space") for m in _SPACE_IN_NUMBER.finditer(text)]
    return sorted([*hiding, *odd], key=lambda r: r.start)


def _serves(text: str, at: int, *, is_right_to_left: bool) -> bool:
    """Return whether an invisible character does something: it depends on its neighbours alone.

    They are visible ones (or the selector of an emoji, which stays), so that what is taken
    out around it never changes the answer.
    """
    char, before, after = text[at], text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    match char:
        case "\u200c":
            return _JOINING.match(before) is not None
        case "\u200d":
            return _JOINING.match(before) is not None or (
                _EMOJI.match(after) is not None and _ends_emoji(text, at)
            )
        case "\u200b":
            return bool(_SPACELESS.match(before) and _SPACELESS.match(after))
        case "\u200e" | "\u200f" | "\u061c" | "\u202a" | "\u202b" | "\u202c":
            return is_right_to_left
        case "\u2066" | "\u2067" | "\u2068" | "\u2069":
            return is_right_to_left
        case "\u00ad" | "\u2061" | "\u2062" | "\u2063" | "\u2064":
            # Between digits it is a hyphen of old, or mathematics: without it they were one number.
            return before.isdigit() and after.isdigit()
        case "\ufe0e" | "\ufe0f":
            return _EMOJI.match(before) is not None or (
                before in tuple("#*0123456789") and after == "\u20e3"
            )
    if "\ufe00" <= char <= "\ufe0d":
        return _VARIED.match(before) is not None
    return "\U000e0100" <= char <= "\U000e01ef" and _HAN.match(before) is not None


def _ends_emoji(text: str, at: int) -> bool:
    """Return whether an emoji ends here, perhaps with its selector."""
    last = text[at - 1 : at] if at else ""
    if last == "\ufe0f":
        last = text[at - 2 : at - 1] if at > 1 else ""
    return _EMOJI.match(last) is not None
