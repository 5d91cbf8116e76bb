"""QQ's message manager: all chats of an account, or one, as one text file.

A head line of date, time and name, then what was said. Groups write a number or an
address behind the name (`昵称(12345678)`, `昵称<name@example.com>`), private chats do not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.sources.chats.assembly import assemble
from curator.sources.chats.placeholders import notice
from curator.sources.chats.transcripts import SURE, Head, Held, clock, iso, messages
from curator.sources.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.sources.chats.messages import Message, Said
    from curator.sources.formats import Item, Reading, Start

_TITLE = re.compile(
    r"消息记录（此消息记录为文本格式，不支持重新导入）|消息記錄（此消息記錄為文本格式"
)
_ABOUT = re.compile(r"消息(?P<what>分组|对象|分組|對象)[:：]\s*(?P<name>.*)")
_RULE = re.compile(r"={8,}\s*")
_HEAD = re.compile(
    r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2}) +"
    r"(?:(?P<before>上午|下午|[AaPp][Mm]) ?)?"
    r"(?P<h>\d{1,2}):(?P<min>\d{2}):(?P<s>\d{2})(?: ?(?P<after>[AaPp][Mm]))? (?P<who>[^\n]{1,120})"
)
_WHO = re.compile(
    r"(?:【[^】]{1,20}】)?(?P<nick>.*?)(?:\((?P<number>\d{4,12})\)|<(?P<mail>[^<>\s]+@[^<>\s]+)>)?\s*"
)
_SYSTEM = frozenset({"10000", "1000000"})
"""The numbers that QQ itself speaks by."""


def read_chats(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of an export."""
    return assemble(said(reading), reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of an export; the conversation is the friend or the group."""
    return messages(reading, _Lines(), _finish)


class _Lines:
    """Tells head lines, and remembers whose chat they are in and who goes by which number."""

    def __init__(self) -> None:
        self._chat: str | None = None
        self._names: dict[str, str] = {}
        self._taken: dict[str, str] = {}

    def __call__(self, line: str) -> Head | str | None:
        about = _ABOUT.fullmatch(line.strip()) if line.startswith("消息") else None
        if about:
            if about["what"] in ("对象", "對象"):
                self._chat = about["name"].strip() or None
            return "header"
        if _RULE.fullmatch(line) or _TITLE.match(line.lstrip("\ufeff")):
            return "header"
        return self._head(line) if line[:1].isdigit() else None

    def _head(self, line: str) -> Head | None:
        match = _HEAD.fullmatch(line)
        at = clock(match) if match else None
        if match is None or at is None:
            return None
        time = iso(int(match["year"]), int(match["month"]), int(match["day"]), at)
        who = _WHO.fullmatch(match["who"])
        if time is None or who is None:
            return None
        number, nick = who["number"] or who["mail"], who["nick"].strip()
        if nick.startswith("系统消息") and number in (None, *_SYSTEM):
            return Head(None, time, conversation=self._chat, notice="system line")
        return Head(self._name(number, nick) or None, time, conversation=self._chat)

    def _name(self, number: str | None, nick: str) -> str:
        """Return one name for each number, whatever its owner calls himself later."""
        if number is None:
            return nick
        if number not in self._names:
            free = self._taken.setdefault(nick, number) == number
            self._names[number] = nick if free and nick else f"{nick}({number})"
        return self._names[number]


def _finish(held: Held) -> Iterator[Message]:
    text = "\n".join(held.texts)
    if not text.strip():
        # A picture or a sticker that the text format has no words for.
        yield held.message("media")
        return
    seen = notice(text, sent=held.head.notice is None)
    yield held.message(
        "recalled message" if seen == "recalled message" else held.head.notice or seen
    )


def _recognise(start: Start) -> float:
    lines = start.lines
    if lines and any(_TITLE.match(line) for line in lines[:3]):
        return SURE + 0.04
    heads = [match for line in lines if (match := _HEAD.fullmatch(line))]
    if len(heads) < 2 or heads[0].string != lines[0]:
        return 0.0
    known = [who for match in heads if (who := _WHO.fullmatch(match["who"]))]
    numbered = sum((who["number"] or who["mail"]) is not None for who in known)
    return SURE + 0.03 if numbered * 2 > len(heads) else 0.0


FORMATS = (
    Format(
        "qq",
        "chat",
        "QQ, message history (TXT)",
        "QQ 消息记录（TXT）",
        _recognise,
        read_chats,
    ),
)
