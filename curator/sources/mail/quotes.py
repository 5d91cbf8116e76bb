"""What is new in a reply: its own words, apart from what it quotes and from its signature."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Words(NamedTuple):
    """A mail's text, taken apart; what it does not have is empty."""

    new: str
    quoted: str
    signature: str


_ATTRIBUTION = re.compile(
    r"(?:>\s*)?(?:On\s.{4,300}\swrote:|.{0,120}<[^<>\s]{3,120}>\s*(?:wrote|writes|写道|寫道)\s*[:：]|"
    r"在\s*\d{4}.{4,200}(?:写道|寫道)\s*[:：]|于\s*\d{4}.{4,200}(?:写道|寫道)\s*[:：]|"
    r".{1,120}[于於]\s*\d{4}年.{4,160}(?:写道|寫道)\s*[:：]|"
    r"(?:Am|Le|El|Il)\s.{4,300}(?:schrieb|écrit|escribió|scritto).{0,120}[:：])"
)
_BEGINS_ATTRIBUTION = re.compile(r"(?:>\s*)?(?:On\s.*\d|在\s*\d{4}|.{1,120}[于於]\s*\d{4}年)")
_TAIL = re.compile(
    r"(?:-{2,}\s*(?:Original Message|Original Email|Reply Message)\s*-{2,}|"
    r"-{2,}\s*(?:原始邮件|原始郵件|邮件原件|原郵件|原始信件|回复的原邮件|回覆的原郵件|答复的原邮件)\s*-{2,}|"
    r"发件人[:：].{0,200}发送时间[:：].*)",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"(?:-{2,}\s*(?:Forwarded message|转发的?邮件|轉寄的?郵件|转发邮件信息).{0,40}-{2,}|"
    r"Begin forwarded message:)",
    re.IGNORECASE,
)
_RULE = re.compile(r"_{10,}")
_FIELD = re.compile(
    r"\*?(?:From|Sent|Date|To|Cc|Subject|发件人|寄件者|寄件人|发送时间|寄件日期|日期|时间|收件人|收件者|"
    r"抄送|副本|主题|主旨)\*?\s*[:：]"
)
_FROM_FIELD = re.compile(r"\*?(?:From|发件人|寄件者|寄件人)\*?\s*[:：]")
_SIGNATURE = re.compile(r"-- ?")
_SENT_FROM = re.compile(
    r"(?:Sent from (?:my |Mail for |Yahoo|Outlook).{0,60}|Get Outlook for .{0,40}|"
    r"(?:发自|發自|从|從)我的.{0,30}(?:发送|傳送)?|"
    r"(?:发自|發送自|来自|获取) ?(?:Outlook|网易邮箱|QQ邮箱|Foxmail).{0,40})"
)


_LONGEST = 600
"""A line that says whose words follow is no longer."""


def words(text: str) -> Words:
    """Take a plain text apart.

    Quoted are the lines behind `>`, the line that says whose they are, and all below a
    line that says that the original follows. What is forwarded is not: nobody else may
    have it. The signature begins at `-- ` (RFC 3676), or at a phone's own line.
    """
    written = text.splitlines()
    lines = [line.strip() for line in written]
    new: list[str] = []
    quoted: list[str] = []
    forwarded = False
    at = 0
    while at < len(lines):
        line = lines[at]
        forwarded |= _FORWARDED.fullmatch(line) is not None
        if not forwarded and (_TAIL.fullmatch(line) or _header_block(lines, at)):
            quoted += written[at:]
            break
        height = 0 if forwarded else _attribution(lines, at)
        if height:
            quoted += written[at : at + height]
        else:
            height = 1
            kept = quoted if line.startswith(">") and not forwarded else new
            kept.append(written[at])
        at += height
    said, signature = _signed(new, forwarded=forwarded)
    return Words(said, "\n".join(quoted).strip(), signature)


def _attribution(lines: Sequence[str], at: int) -> int:
    """Return how many lines, of up to three, say whose words are quoted below; 0 for none."""
    line = lines[at]
    if len(line) > _LONGEST:
        return 0
    if not _BEGINS_ATTRIBUTION.match(line) and not _ATTRIBUTION.fullmatch(line):
        return 0
    for height in (1, 2, 3):
        said = " ".join(lines[at : at + height])
        if len(said) <= _LONGEST and _ATTRIBUTION.fullmatch(said):
            return height
    return 0


def _header_block(lines: Sequence[str], at: int) -> bool:
    """Whether the head of an older mail stands here, as Outlook and QQ Mail put it."""
    if _RULE.fullmatch(lines[at]):
        at += 1
        while at < len(lines) and not lines[at]:
            at += 1
    if at >= len(lines) or not _FROM_FIELD.match(lines[at]):
        return False
    return sum(_FIELD.match(line) is not None for line in lines[at : at + 6]) >= 3


def _signed(lines: Sequence[str], *, forwarded: bool) -> tuple[str, str]:
    """Return the text and the signature under it."""
    for at, line in enumerate(lines):
        if not forwarded and (_SIGNATURE.fullmatch(line) or _SENT_FROM.fullmatch(line.strip())):
            return "\n".join(lines[:at]).strip(), "\n".join(lines[at:]).strip()
    return "\n".join(lines).strip(), ""
