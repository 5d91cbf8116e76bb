"""Chat logs of no known format: lines of time, speaker and text, by a pattern in the recipe."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.errors import SourceError
from curator.sources.chats.assembly import assemble
from curator.sources.chats.messages import Message
from curator.sources.files.lines import physical_lines
from curator.sources.formats import PROVEN, Format
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading, Start


def read_log(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a log, and the lines that belong to none.

    The line pattern has to match a whole line. A line that it does not match
    goes on with the message above it.
    """
    chat = reading.source.chat
    if chat is None or chat.line is None:
        raise no_pattern(reading.path)
    return assemble(_messages(reading, re.compile(chat.line)), reading)


def no_pattern(path: Path) -> SourceError:
    """Return the error that nothing says how the lines of a log read."""
    return SourceError(
        f"{path}: a log, and nothing says how its lines read",
        "give a `chat:` with the regexes `line:` and `assistant:`, or `format: document`",
    )


@dataclass
class _Held:
    """A message that the next lines may go on with."""

    number: int
    said: dict[str, str | None]
    texts: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def message(self) -> Message:
        return Message(
            locator=f"line {self.number}",
            text="\n".join(self.texts),
            raw=b"".join(self.raw),
            speaker=(self.said["speaker"] or "").strip() or None,
            time=self.said.get("time"),
            conversation=self.said.get("conversation"),
            n_units=len(self.raw),
        )


def _messages(reading: Reading, pattern: re.Pattern[str]) -> Iterator[Said]:
    encoding, held = reading.encoding, None
    lines = physical_lines(reading.path, encoding)
    for number, raw in enumerate(reading.tally.count(lines), 1):
        locator = f"line {number}"
        try:
            line = raw.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            yield Quarantined(locator, f"bytes that are not {encoding}", raw)
            continue
        match = pattern.fullmatch(line)
        if match:
            if held:
                yield held.message()
            held = _Held(number, match.groupdict(), [match["text"] or ""], [raw])
        elif not line.strip():
            yield SetAside(locator, "blank line")
        elif held is None:
            yield Quarantined(locator, "a line before any message", raw)
        else:
            held.texts.append(line)
            held.raw.append(raw)
    if held:
        yield held.message()


def _recognise(start: Start) -> float:
    chat = start.source.chat
    is_log = start.suffix in (".log", ".txt", ".text", "")
    return PROVEN * (chat is not None and chat.line is not None and is_log and bool(start.text))


FORMATS = (
    Format(
        "chatlog",
        "chat",
        "a chat log, by the pattern of its lines in the recipe",
        "聊天日志：按配方中的行格式读取",
        _recognise,
        read_log,
    ),
)
