"""How the lines of a log read: a regex for `chat.line`, put together from what the lines show."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMES = (
    "",
    (
        r"\[?(?P<time>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[T ]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?"
        r"(?:Z|[+-]\d{2}:?\d{2})?)\]?\s+"
    ),
    r"\[?(?P<time>\d{1,2}:\d{2}(?::\d{2})?)\]?\s+",
    r"\[?(?P<time>\d{1,2}[-/.]\d{1,2}(?:[-/.]\d{2,4})?,? \d{1,2}:\d{2}(?::\d{2})?)\]?\s+",
)
_LEVELS = ("", r"\[?(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR)\]?:?\s+")
_TALKS = (
    "",
    (
        r"[\[(]?(?:session|sess|conversation|conv|chat|call|ticket|thread|sid|cid|会话|對話|对话|工单"
        r"|通话)(?:[_-]?id)?[=:：# ]\s?(?P<conversation>[\w-]+)[\])]?[,;|]?\s+"
    ),
    r"[\[(#](?P<conversation>[\w-]+)[\])]?\s+",
)
_SPEAKERS = (
    r"[<\[](?P<speaker>[^<>\[\]:：]{1,30})[>\]]:?\s*",
    r"(?P<speaker>[^\s:：>|<\[\]][^:：>|<\[\]]{0,29}?)\s?(?:[:：>|]|->|=>)\s*",
)
_LEAST = 0.7
_MOST_SPEAKERS = 0.34


def guess_line(lines: Sequence[str]) -> str | None:
    """Return a regex that most of the lines fit, with few speakers who come again; else None.

    Of several that fit as many lines, the one that tells most apart (time, conversation) wins.

    Args:
        lines: the first lines of the log that are not blank.

    """
    best: tuple[float, int, str] | None = None
    for told, pattern in _patterns():
        regex = re.compile(pattern)
        found = [match for line in lines if (match := regex.match(line))]
        share = len(found) / max(len(lines), 1)
        if len(found) < 4 or share < _LEAST:
            continue
        speakers = Counter(match["speaker"] for match in found)
        if not 2 <= len(speakers) <= max(2, len(found) * _MOST_SPEAKERS):
            continue
        if "(?P<conversation>" in pattern and len({m["conversation"] for m in found}) * 2 > len(
            found
        ):
            continue
        score = (round(share, 2), told, pattern)
        if best is None or score[:2] > best[:2]:
            best = score
    return best[2] if best else None


def _patterns() -> Iterator[tuple[int, str]]:
    for time in _TIMES:
        for level in _LEVELS:
            for talk in _TALKS:
                for speaker in _SPEAKERS:
                    told = bool(time) + bool(level) + bool(talk)
                    yield told, f"^{time}{level}{talk}{speaker}(?P<text>.*)$"
