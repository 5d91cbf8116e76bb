"""WhatsApp's "export chat": one text file, its dates as the phone's language writes them.

Android writes `12/05/2024, 21:14 - Name: text`, iOS `[12/05/2024, 21:14:03] Name: text`.
Whether the day or the month comes first is nowhere said: it is settled over the whole
file, by the dates that are possible and by time, which does not run backwards.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.sources.chats.assembly import assemble
from curator.sources.chats.transcripts import SURE, Head, Held, clock, iso, messages
from curator.sources.files.lines import physical_lines
from curator.sources.formats import LIKELY, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.chats.messages import Message, Notice, Said
    from curator.sources.formats import Item, Reading, Start

_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that iOS puts before its own words and around phone numbers."""
_MARKS = "\u200e\u200f\u202a\u202b\ufeff"
_GAP = "[ \u00a0\u202f\u2009]"
_HALF = (
    "(?:[AaPp]\\.?[ \u00a0\u202f]?[Mm]\\.?|"
    "上午|下午|凌晨|清晨|早上|中午|晚上|傍晚|午前|午後|오전|오후)"
)
_DATE = r"(?P<x>\d{1,4})(?P<sep>[/.-])(?P<y>\d{1,2})(?P=sep)(?P<z>\d{1,4})\.?"
_CLOCK = (
    rf"(?:(?P<before>{_HALF}){_GAP}?)?(?P<h>\d{{1,2}})[:.](?P<min>\d{{2}})(?:[:.](?P<s>\d{{2}}))?"
    rf"(?:{_GAP}?(?P<after>{_HALF}))?"
)
_ANDROID = re.compile(
    rf"{_DATE}(?:[,，]|{_GAP}[aà]s?)?{_GAP}{_CLOCK}{_GAP}[-–]{_GAP}(?P<rest>.*)", re.DOTALL
)
_IOS = re.compile(rf"\[{_DATE}[,，]?{_GAP}{_CLOCK}\]{_GAP}?(?P<rest>.*)", re.DOTALL)
_SAID = re.compile(r"(?P<who>[^:\n]{1,120}):(?: (?P<text>.*)|$)", re.DOTALL)
_LOG_LEVEL = re.compile(
    r"(?:^|\W)(?:trace|debug|info|notice|warn(?:ing)?|error|critical|fatal|alert|severe)(?:$|\W)",
    re.IGNORECASE,
)
_OMITTED = re.compile(
    r"<[^<>\n]{0,40}(?:omitted|attached|省略|略去|略过|忽略|附件|已附加|omiti|omit[oó]|ocult|"
    r"weggelassen|omis|omess)[^<>\n]{0,200}>"
    r"|(?:image|photo|video|video note|audio|voice message|sticker|gif|document|"
    r"contact card) omitted|[^\n]{1,200} (?:document|contact card) omitted"
    r"|(?:已)?(?:省略|忽略|略去)(?:了)?(?:影音內容|影音内容|多媒體檔案|媒体文件|媒體檔案|图片|圖片|视频|影片|"
    r"音频|音訊|语音|貼圖|贴图|文件|檔案|动图|GIF)"
    r"|(?:[^\n]{1,200} )?(?:图片|圖片|相片|照片|视频|影片|视频留言|音频|音訊|语音消息|"
    r"語音訊息|贴图|貼圖|动态贴图|文件|檔案|文档|GIF|联系人名片|聯絡人資訊)\s?(?:已|被)?(?:忽略|略去|省略)"
    r"|[^\n]{1,200}\.\w{2,5} \((?:file attached|文件附件|檔案附件|档案附件|已附加文件|附件)\)"
    r"|(?:live )?location(?: shared)?: https?://maps\.google\.com/\S+"
    r"|(?:位置|地点|地點)[:：] ?https?://maps\.google\.com/\S+|live location shared|已共享实时位置",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"(?:this message was deleted(?: by admin [^\n]{1,80})?|you deleted this message|"
    r"(?:此|该|這則|此則)(?:消息|訊息)已?被?(?:删除|刪除)|(?:您|你)已?(?:删除|刪除)了?(?:此|该|這則)(?:消息|訊息)|"
    r"此(?:消息|訊息)已由管理[员員][^\n]{0,80}(?:删除|刪除)|"
    r"管理[员員][^\n]{0,80}(?:删除|刪除)了?此(?:消息|訊息))[.。]?",
    re.IGNORECASE,
)
_BY_APP = re.compile(
    r"messages (?:and calls|to this (?:chat|group))(?: and calls)? are (?:now )?"
    r"(?:end-to-end encrypted|secured)|"
    r"(?:消息|訊息)(?:和|與|与)通(?:话|話)(?:已|均|都)?(?:进行|進行|经过|受到)?端(?:到|對|对)端加密|"
    r"your security code with .{1,80} changed|您?与.{1,80}的安全码已(?:更改|变更)",
    re.IGNORECASE,
)
"""What nobody else writes, whoever is said to have."""
_RENAMED = re.compile(
    r"[^:\n]{0,100}(?:changed (?:the (?:subject|group name|group description)|"
    r"this group's (?:subject|description))|created (?:this )?group|"
    r"(?:主题|名称|主旨|名稱)从|(?:更改|变更|變更)了?(?:此|本)?(?:群|群组|群組)|"
    r"(?:创建|建立)了(?:此|本)?(?:群|群组|群組))",
    re.IGNORECASE,
)
_QUOTE = re.compile('["“”「『]')
_IN_WORDS = re.compile(r"POLL:|投票[:：]|调查[:：]")
"""What the app sets before somebody's own words."""
_EDITED = re.compile(
    r"<(?:this message was edited|此(?:消息|訊息)已(?:编辑|編輯)|已(?:编辑|編輯))>$",
    re.IGNORECASE,
)
_ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
"""Where year, month and day stand."""


def read_chat(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of an exported chat."""
    return assemble(said(reading), reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of an exported chat; marks of edits are left out of their texts."""
    order = _order(reading)
    return messages(reading, lambda line: _head(line, order), _finish)


def _begins(line: str) -> re.Match[str] | None:
    """Return what a line says that begins a message: its date, its time, and the rest."""
    first = line.lstrip(_MARKS)[:1]
    if first == "[":
        return _IOS.match(_BIDI.sub("", line))
    return _ANDROID.match(_BIDI.sub("", line)) if first.isdigit() else None


def _head(line: str, order: str) -> Head | None:
    match = _begins(line)
    time = _time(match, order) if match else None
    if match is None or time is None:
        return None
    rest = match["rest"]
    spoken = _SAID.match(rest)
    # A colon may be part of a group's name, which stands in quotes.
    if spoken is None or (_QUOTE.search(spoken["who"]) and _RENAMED.match(rest)):
        return Head(None, time, rest, "system line")
    text = spoken["text"] or ""
    if _BY_APP.match(text):
        return Head(None, time, rest, "system line")
    # iOS lets a contact or a group say the app's words, behind a mark.
    if ": \u200e" in line and not _IN_WORDS.match(text):
        _, _, marked = line.partition(": ")
        if marked.startswith("\u200e") and not (_OMITTED.match(text) or _DELETED.match(text)):
            return Head(None, time, rest, "system line")
    who = spoken["who"].strip().removeprefix("~").strip()
    return Head(who or None, time, text)


def _time(match: re.Match[str], order: str) -> str | None:
    at = clock(match)
    return iso(*_day([int(match[group]) for group in "xyz"], order), at) if at else None


def _day(parts: Sequence[int], order: str) -> tuple[int, int, int]:
    """Return year, month and day; a year of four digits in front shows itself."""
    year, month, day = (parts[i] for i in _ORDERS["ymd" if parts[0] > 31 else order])
    return year + 2000 * (year < 100), month, day


def _finish(held: Held) -> Iterator[Message]:
    """Yield a message, and what is written under a picture as one of its own."""
    if held.head.notice:
        yield held.message()
        return
    first, caption = _plain(held.texts[:1]).strip(), _plain(held.texts[1:])
    if _OMITTED.fullmatch(first):
        above = Held(held.number, held.head, [first], held.raw[:1] if caption else held.raw)
        yield above.message("media")
        if caption:
            yield Held(held.numbers[1], held.head, [caption], held.raw[1:]).message()
        return
    text = _plain(held.texts)
    notice: Notice | None = "recalled message" if _DELETED.fullmatch(text.strip()) else None
    yield held.message(notice, text=text)


def _plain(texts: Sequence[str]) -> str:
    """Return lines without the marks of direction and of edits."""
    text = _BIDI.sub("", "\n".join(texts))
    edited = _EDITED.search(text.rstrip()) if "<" in text else None
    return text[: edited.start()].rstrip() if edited else text


@dataclass
class _Reading:
    """How the dates of a file come out when they are read in one order."""

    impossible: int = 0
    backwards: int = 0
    first: int = 0
    last: int = 0
    before: int = 0

    def see(self, year: int, month: int, day: int) -> None:
        try:
            at = dt.date(year, month, day).toordinal()
        except ValueError:
            self.impossible += 1
            return
        self.backwards += at < self.before
        self.first = min(self.first or at, at)
        self.before, self.last = at, max(self.last, at)


@dataclass
class _Dates:
    """Compares the orders in which the dates of a file may be meant."""

    orders: dict[str, _Reading] = field(
        default_factory=lambda: {order: _Reading() for order in _ORDERS}
    )
    american: bool = True
    seen: tuple[str, ...] = ()

    def see(self, match: re.Match[str]) -> None:
        date = match["x"], match["y"], match["z"]
        if date == self.seen:
            return
        self.seen = date
        parts = [int(part) for part in date]
        for order, reading in self.orders.items():
            reading.see(*_day(parts, order))
        half = match["after"] or ""
        padded = any(part.startswith("0") for part in date[:2])
        self.american &= match["sep"] == "/" and len(date[2]) == 2 and half.isupper() and not padded

    def settled(self) -> str:
        """Return the order with the fewest impossible dates, then with the fewest steps back.

        Then that of the United States where the dates look like theirs (5/12/24, 9:14 PM),
        and then the one by which the file covers the fewest days.
        """

        def rank(order: str) -> tuple[int, ...]:
            reading = self.orders[order]
            foreign = self.american and order != "mdy"
            span, usual = reading.last - reading.first, list(_ORDERS).index(order)
            return (reading.impossible, reading.backwards, foreign, span, usual)

        return min(self.orders, key=rank)


def _order(reading: Reading) -> str:
    """Return the order of day, month and year that suits the whole file best."""
    dates = _Dates()
    for raw in physical_lines(reading.path, reading.encoding):
        match = _begins(raw[:400].decode(reading.encoding, "ignore"))
        if match:
            dates.see(match)
    return dates.settled()


def _recognise(start: Start) -> float:
    lines = start.lines
    if not lines or _begins(lines[0]) is None:
        return 0.0
    begun = [match for line in lines if (match := _begins(line))]
    spoken = [said["who"] for match in begun if (said := _SAID.match(match["rest"]))]
    logged = sum(_LOG_LEVEL.search(who) is not None for who in spoken)
    # Android writes no seconds, and programs write their levels where a name would stand.
    seconds = any(match["s"] and not match.string.startswith("[") for match in begun)
    if seconds or not spoken or logged * 2 > len(spoken):
        return 0.0
    enough = len(begun) * 2 >= len(lines) or (len(begun) >= 5 and len(begun) * 10 >= len(lines))
    return (SURE if len(spoken) > 1 else LIKELY) if enough else 0.0


FORMATS = (
    Format(
        "whatsapp",
        "chat",
        "WhatsApp, exported chat (TXT)",
        "WhatsApp 导出的聊天记录（TXT）",
        _recognise,
        read_chat,
    ),
)
