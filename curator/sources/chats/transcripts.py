"""Chats as plain text: which lines begin a message, which go on with it, which are furniture."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from curator.sources.chats.messages import Message
from curator.sources.files.lines import TooLongError, physical_lines
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator

    from curator.sources.chats.messages import Notice, Said
    from curator.sources.formats import Reading


SURE = 0.95
"""How sure a recogniser is that has found the lines of its chats and nothing that speaks
against them; a little more where only one app writes so."""


class Head(NamedTuple):
    """What the line that begins a message says.

    text: what is said on the line itself; None where that begins on the next one.
    """

    speaker: str | None
    time: str | None
    text: str | None = None
    notice: Notice | None = None
    conversation: str | None = None


@dataclass(slots=True)
class Held:
    """A message that the next lines may go on with.

    texts: what it says, line by line; raw, numbers: all of its lines as bytes, and where
        they stand. The head line is one of these, and of the texts if it says something.
    """

    number: int
    head: Head
    texts: list[str]
    raw: list[bytes]
    numbers: list[int] = field(default_factory=list)
    blank: list[tuple[int, bytes]] = field(default_factory=list)

    def message(self, notice: Notice | None = None, *, text: str | None = None) -> Message:
        """Return all of it as one message; `text` takes the place of its lines."""
        head = self.head
        return Message(
            locator=f"line {self.number}",
            text="\n".join(self.texts) if text is None else text,
            raw=b"".join(self.raw),
            speaker=head.speaker,
            time=head.time,
            conversation=head.conversation,
            notice=notice or head.notice,
            n_units=len(self.raw),
        )


def messages(
    reading: Reading,
    begins: Callable[[str], Head | str | None],
    finish: Callable[[Held], Iterable[Message]],
    *,
    goes_on: bool = True,
) -> Iterator[Said]:
    """Yield the messages of a file, line by line, and say of every other line what it is.

    begins: says of a line that it begins a message (its head), that it is furniture
        (the reason why it is set aside), or neither (None): then it goes on with the
        message above it.
    finish: makes messages of what was held together; their units add up to its lines.
    goes_on: a message may have several lines; where it has only one, a line that is
        nothing else is quarantined.

    Blank lines inside a message stay in its text; those around it are set aside.
    """
    held: Held | None = None
    lines = reading.tally.count(physical_lines(reading.path, reading.encoding))
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode(reading.encoding).rstrip("\r\n")
        except TooLongError:
            yield Quarantined(f"line {number}", "a line that is too long", bytes(raw))
            continue
        except UnicodeDecodeError:
            reason = f"bytes that are not {reading.encoding}"
            yield Quarantined(f"line {number}", reason, raw)
            continue
        if not line.strip():
            if held is None:
                yield SetAside(f"line {number}", "blank line")
            else:
                held.blank.append((number, raw))
            continue
        begun = begins(line)
        if begun is None and held is not None and goes_on:
            yield from _go_on(held, line, number, raw)
            continue
        if held is not None:
            yield from _finished(held, finish)
            held = None
        if begun is None:
            reason = "a line before any message" if goes_on else "a line of no known form"
            yield Quarantined(f"line {number}", reason, raw)
        elif isinstance(begun, str):
            yield SetAside(f"line {number}", begun)
        else:
            said = [] if begun.text is None else [begun.text]
            held = Held(number, begun, said, [raw], [number])
    if held is not None:
        yield from _finished(held, finish)


def _go_on(held: Held, line: str, number: int, raw: bytes) -> Iterator[SetAside]:
    """Take one more line of a message, and the blank ones above it if they are inside of it."""
    for at, blank in held.blank:
        if held.texts:
            held.texts.append("")
            held.raw.append(blank)
            held.numbers.append(at)
        else:
            yield SetAside(f"line {at}", "blank line")
    held.blank.clear()
    held.texts.append(line)
    held.raw.append(raw)
    held.numbers.append(number)


def _finished(held: Held, finish: Callable[[Held], Iterable[Message]]) -> Iterator[Said]:
    for message in finish(held):
        if message.text.strip() or message.notice:
            yield message
        else:
            yield SetAside(message.locator, "a message without text", message.n_units)
    for number, _ in held.blank:
        yield SetAside(f"line {number}", "blank line")


def iso(year: int, month: int, day: int, clock: str) -> str | None:
    """Return a date and a clock time as ISO 8601; None where there is no such day."""
    try:
        return f"{dt.date(year, month, day).isoformat()}T{clock}"
    except ValueError:
        return None


def clock(match: re.Match[str]) -> str | None:
    """Return a time of day (groups h, min, s, and half before or after it) as HH:MM[:SS]."""
    said = match.groupdict()
    hour, minute, second = int(said["h"]), int(said["min"]), said.get("s")
    half = (said.get("before") or said.get("after") or "").casefold()
    late = half.startswith("p") or half in ("下午", "晚上", "中午", "傍晚", "午後", "오후")
    if late and hour < 12:
        # 中午 11:50 is before noon.
        hour += 0 if half == "中午" and hour >= 10 else 12
    elif hour == 12 and half and not late:
        hour = 0
    if hour > 23 or minute > 59 or (second and int(second) > 59):
        return None
    return f"{hour:02}:{minute:02}" + (f":{second}" if second else "")
