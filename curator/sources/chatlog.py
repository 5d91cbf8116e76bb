"""Chat logs: lines of time, speaker and text, told apart into conversations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.sources.conversations import UnreadableError, check_turns
from curator.sources.lines import physical_lines
from curator.sources.times import gap, minutes
from curator.types import Part, Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.schema import ChatPattern
    from curator.sources.conversations import Shape
    from curator.sources.tally import Tally
    from curator.types import Record


@dataclass
class _Turn:
    """Messages of one speaker in a row."""

    speaker: str
    line: int
    texts: list[str]


@dataclass
class _Conversation:
    """A conversation that may still go on."""

    name: str | None
    time: str | None
    clock: tuple[float, bool] | None
    turns: list[_Turn] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def say(self, speaker: str, text: str, line: int) -> None:
        if self.turns and self.turns[-1].speaker == speaker:
            self.turns[-1].texts.append(text)
        else:
            self.turns.append(_Turn(speaker, line, [text]))


def read_log(
    path: Path, encoding: str, chat: ChatPattern, shape: Shape, tally: Tally
) -> Iterator[Record | Quarantined | SetAside]:
    """Yield the conversations of a log, and the lines that belong to none.

    The line pattern has to match a whole line. A line that it does not match
    goes on with the message above it. Conversations are told apart by the named
    group `conversation`, by silences longer than `gap_minutes`, or not at all;
    those of the group come when the file ends, in the order of their first lines.
    """
    reader = _Reader(chat, shape)
    for number, raw in enumerate(tally.count(physical_lines(path, encoding)), 1):
        locator = f"line {number}"
        try:
            line = raw.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            yield Quarantined(locator, f"bytes that are not {encoding}", raw)
            continue
        yield from reader.line(line, raw, number)
    yield from reader.rest()


class _Reader:
    """Holds the conversations that are open while the lines go by."""

    def __init__(self, chat: ChatPattern, shape: Shape) -> None:
        self._line = re.compile(chat.line)
        self._assistant = re.compile(chat.assistant)
        self._system = re.compile(chat.system) if chat.system else None
        self._gap, self._shape = chat.gap_minutes, shape
        self._open: dict[str | None, _Conversation] = {}
        self._last: _Conversation | None = None
        self._after_system = False

    def line(self, line: str, raw: bytes, number: int) -> Iterator[Record | Quarantined | SetAside]:
        """Take one line; yield what is finished by it."""
        locator = f"line {number}"
        match = self._line.fullmatch(line)
        if match is None:
            if not line.strip():
                yield SetAside(locator, "blank line")
            elif self._after_system:
                yield SetAside(locator, "system line")
            elif self._last is None:
                yield Quarantined(locator, "a line before any message", raw)
            else:
                self._last.turns[-1].texts.append(line)
                self._last.raw.append(raw)
            return
        said = match.groupdict()
        speaker, text = (said["speaker"] or "").strip(), said["text"] or ""
        self._after_system = self._system is not None and bool(self._system.search(speaker))
        if self._after_system:
            yield SetAside(locator, "system line")
            return
        name, time = said.get("conversation"), said.get("time")
        clock = minutes(time) if time else None
        current = self._open.get(name)
        if current and self._gap and gap(current.clock, clock) > self._gap:
            yield self._finished(self._open.pop(name))
            current = None
        if current is None:
            current = self._open[name] = _Conversation(name, time, clock)
        current.say(speaker, text, number)
        current.raw.append(raw)
        current.clock = clock or current.clock
        self._last = current

    def rest(self) -> Iterator[Record | Quarantined]:
        """Yield the conversations that are still open, in the order of their first lines."""
        for conversation in sorted(self._open.values(), key=lambda c: c.turns[0].line):
            yield self._finished(conversation)

    def _finished(self, conversation: _Conversation) -> Record | Quarantined:
        locator, n_units = f"line {conversation.turns[0].line}", len(conversation.raw)
        parts = tuple(
            Part(
                "assistant" if self._assistant.search(turn.speaker) else "user",
                "\n".join(turn.texts),
                speaker=turn.speaker or None,
                locator=f"line {turn.line}",
            )
            for turn in conversation.turns
        )
        try:
            check_turns(parts)
        except UnreadableError as reason:
            return Quarantined(locator, str(reason), b"".join(conversation.raw), n_units)
        return self._shape.record(
            "conversation",
            parts,
            locator,
            timestamp=conversation.time,
            meta={"conversation": conversation.name} if conversation.name else {},
            n_units=n_units,
        )
