"""IRC logs as the clients write them: irssi, WeeChat, mIRC, HexChat, ZNC, the Ubuntu archive.

They agree on `<nick> text` behind a time; joins, leaves and the like are lines of their
own. The day stands on a line of its own, if at all: then later times are told in full.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from curator.sources.chats.assembly import assemble
from curator.sources.chats.transcripts import SURE, Head, Held, iso, messages
from curator.sources.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.sources.chats.messages import Message, Said
    from curator.sources.formats import Item, Reading, Start

_FORMATTING = re.compile("\x03(?:\\d{1,2}(?:,\\d{1,2})?)?|[\x02\x0f\x11\x16\x1d\x1e\x1f]")
"""mIRC's codes for colours, bold and the like."""
_MONTH_NAMES = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_TIME = (
    r"[\[(]?(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ]|"
    r"(?P<name>[A-Z][a-z]{2}) (?P<of>\d\d) )?(?P<clock>\d{1,2}:\d\d(?::\d\d)?)"
    r"(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?(?P<half> ?[ap]m)?[\])]?"
)
_NICK = r"[^\s<>:]{1,64}"
_SAID = re.compile(rf"{_TIME}\s+<(?P<mode>[ @+%&~!]?)(?P<who>{_NICK})>(?:\s(?P<text>.*)|$)")
_ACTED = re.compile(rf"{_TIME}\s+\*\s+(?P<who>{_NICK})\s(?P<text>.*)")
_TOLD = re.compile(
    rf"{_TIME}\s+(?:-!-|\*\*\*|===|-->|<--|--|\* |-{_NICK}-|-\S+:\S+-)\s*(?P<text>.*)"
)
_UNTIMED = re.compile(
    r"(?:===|\*\*\*) (?P<text>.*)|\*\*\*\* (?:BEGIN|ENDING|END) LOGGING.*|Session \w+:.*|--- .*"
)
_WEECHAT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d)\t"
    r"(?P<who>[^\t]*)\t(?P<text>.*)"
)
_WEECHAT_SYSTEM = re.compile(r"-->|<--|--|=!=|=-=|-|")
_EVENT = re.compile(
    r"(?:\([^()\s]*\) |\[[^\[\]\s]*\] )?"
    r"(?:(?:has |have )?(?:joined|left|quit|parted)(?:\W|$)|(?:is|are) now known as |"
    r"(?:sets?|changes?|removes?|gives?|has set|has changed) "
    r"(?:mode|topic|the topic|channel|voice)|"
    r"was kicked |has been kicked |has kicked |has quit|Quit[ :(])",
    re.IGNORECASE,
)
_CLIENT = re.compile(
    r"(?:Joins|Parts|Quits|Now talking|Topic (?:is|for)|Set by|Disconnected|Rejoined|Attempting to|"
    r"Retrieving|You (?:were|have|are)|Channel (?:modes|created))\b"
)
"""What a client tells behind the star that actions have, too."""
_DATE_LINE = re.compile(
    r"(?:--- (?:Log opened|Day changed)|Session (?:Start|Time):|\*{4} BEGIN LOGGING AT) "
    r"[A-Z][a-z]{2} (?P<name>[A-Z][a-z]{2}) (?P<of>[ \d]?\d) (?:\d\d:\d\d:\d\d )?(?P<year>\d{4})"
)


def read_log(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a log."""
    return assemble(said(reading), reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a log; joins, leaves and notices are system lines."""
    return messages(reading, _Lines(), _finish, goes_on=False)


class _Lines:
    """Tells what each line is, and remembers the day that it is."""

    def __init__(self) -> None:
        self._today: dt.date | None = None

    def __call__(self, line: str) -> Head | None:
        if not line.isprintable():
            line = _FORMATTING.sub("", line)
        if line[:1].isdigit() or line[:1] in "[(" or line[:1].isupper():
            head = self._timed(line)
            if head is not None:
                return head
        date = _DATE_LINE.match(line)
        if date:
            self._today = _day(int(date["year"]), date["name"], int(date["of"]))
        untimed = _UNTIMED.match(line)
        return Head(None, None, untimed["text"] or line, "system line") if untimed else None

    def _timed(self, line: str) -> Head | None:
        said = _SAID.match(line)
        if said:
            return Head(said["who"], self._time(said), said["text"] or "")
        acted = _ACTED.match(line)
        act = f"{acted['who']} {acted['text']}" if acted else ""
        if acted and not _EVENT.match(acted["text"]) and not _CLIENT.match(act):
            return Head(acted["who"], self._time(acted), f"* {act}")
        told = acted or _TOLD.match(line)
        if told:
            return Head(None, self._time(told), act or told["text"], "system line")
        tabbed = _WEECHAT.match(line)
        return self._tabbed(tabbed) if tabbed else None

    def _tabbed(self, match: re.Match[str]) -> Head:
        who, text, time = match["who"].strip(), match["text"], self._time(match)
        if who == "*":
            actor, _, act = text.partition(" ")
            return Head(actor, time, f"* {actor} {act}")
        if _WEECHAT_SYSTEM.fullmatch(who):
            return Head(None, time, text, "system line")
        return Head(who.lstrip("@+%&~!"), time, text)

    def _time(self, match: re.Match[str]) -> str:
        """Return the time as ISO 8601 where the day is known, else as it is written."""
        said = match.groupdict()
        clock: str = said["clock"] + (said.get("half") or "")
        if said.get("half"):
            return clock
        if clock.index(":") == 1:
            clock = f"0{clock}"
        if said["year"]:
            return iso(int(said["year"]), int(said["month"]), int(said["day"]), clock) or clock
        if said.get("name") and self._today:
            year = self._today.year
            year += said["name"] == "Jan" and self._today.month == 12
            self._today = _day(year, said["name"], int(said["of"])) or self._today
        elif said.get("name"):
            return f"{said['name']} {said['of']} {clock}"
        return f"{self._today.isoformat()}T{clock}" if self._today else clock


def _day(year: int, month: str, day: int) -> dt.date | None:
    try:
        return dt.date(year, _MONTHS[month.lower()], day)
    except (KeyError, ValueError):
        return None


def _finish(held: Held) -> Iterator[Message]:
    yield held.message()


def _recognise(start: Start) -> float:
    lines = [_FORMATTING.sub("", line) for line in start.lines]
    if not lines:
        return 0.0
    spoken = sum(_SAID.match(line) is not None for line in lines)
    tabbed = [match for line in lines if (match := _WEECHAT.match(line))]
    if len(tabbed) * 2 > len(lines) and len(tabbed) >= 2:
        marks = sum(bool(_WEECHAT_SYSTEM.fullmatch(match["who"].strip())) for match in tabbed)
        return SURE if marks or start.suffix in (".weechatlog", ".log") else 0.0
    told = sum(
        bool(_TOLD.match(line) or _ACTED.match(line) or _UNTIMED.match(line)) for line in lines
    )
    if spoken < 2 or (spoken + told) * 2 < len(lines):
        return 0.0
    return SURE


FORMATS = (
    Format(
        "irc",
        "chat",
        "IRC log: irssi, WeeChat, mIRC, HexChat, ZNC",
        "IRC 日志：irssi、WeeChat、mIRC、HexChat、ZNC",
        _recognise,
        read_log,
    ),
)
