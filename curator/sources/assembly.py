"""Messages become conversations: threads and sessions told apart, speakers merged, roles found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.schema import Chat
from curator.sources.conversations import UnreadableError, check_turns
from curator.sources.times import gap, minutes
from curator.types import Part, Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from curator.sources.conversations import Shape
    from curator.sources.formats import Item, Reading
    from curator.sources.messages import Message, Said
    from curator.types import Record


def assemble(said: Iterable[Said], reading: Reading) -> Iterator[Item]:
    """Yield the conversations that messages make, and pass on what is no message.

    Conversations are told apart by the export's own threads, and by silences longer
    than `gap_minutes`. Those that are still open when the file ends come in the order
    of their first messages. `said` has been counted by `reading.tally` already.
    """
    open_conversations = _Open(reading.source.chat or Chat(), reading.shape)
    for unit in said:
        if isinstance(unit, Quarantined | SetAside):
            yield unit
        else:
            yield from open_conversations.take(unit)
    yield from open_conversations.rest()


@dataclass
class _Turn:
    """Messages of one speaker in a row."""

    speaker: str | None
    role: str | None
    locator: str
    texts: list[str]


@dataclass
class _Conversation:
    """A conversation that may still go on."""

    name: str | None
    number: int
    time: str | None
    clock: tuple[float, bool] | None
    turns: list[_Turn] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    n_units: int = 0

    def say(self, message: Message) -> None:
        last = self.turns[-1] if self.turns else None
        if last and (last.speaker, last.role) == (message.speaker, message.role):
            last.texts.append(message.text)
        else:
            turn = _Turn(message.speaker, message.role, message.locator, [message.text])
            self.turns.append(turn)
        self.raw.append(message.raw)
        self.n_units += message.n_units


class _Open:
    """Holds the conversations that are open while the messages go by."""

    def __init__(self, chat: Chat, shape: Shape) -> None:
        self._assistant = re.compile(chat.assistant) if chat.assistant else None
        self._system = re.compile(chat.system) if chat.system else None
        self._gap, self._shape, self._keep = chat.gap_minutes, shape, chat.keep
        self._open: dict[str | None, _Conversation] = {}
        self._count = 0

    def take(self, message: Message) -> Iterator[Item]:
        """Take one message; yield what is finished by it."""
        is_system = bool(message.speaker and self._system and self._system.search(message.speaker))
        notice = "system line" if is_system else message.notice
        if notice and notice not in self._keep:
            yield SetAside(message.locator, notice, message.n_units)
            return
        clock = minutes(message.time) if message.time else None
        name = message.conversation
        current = self._open.get(name)
        if current and self._gap and gap(current.clock, clock) > self._gap:
            yield self._finished(self._open.pop(name))
            current = None
        if current is None:
            self._count += 1
            current = _Conversation(name, self._count, message.time, clock)
            self._open[name] = current
        current.say(message)
        current.clock = clock or current.clock

    def rest(self) -> Iterator[Item]:
        """Yield the conversations that are still open, in the order of their first messages."""
        for conversation in sorted(self._open.values(), key=lambda c: c.number):
            yield self._finished(conversation)

    def _finished(self, conversation: _Conversation) -> Record | Quarantined:
        first = conversation.turns[0]
        parts = tuple(
            Part(
                self._role(turn, first),
                "\n".join(turn.texts),
                speaker=turn.speaker,
                locator=turn.locator,
            )
            for turn in conversation.turns
        )
        try:
            check_turns(parts)
        except UnreadableError as reason:
            raw = b"".join(conversation.raw)
            return Quarantined(first.locator, str(reason), raw, conversation.n_units)
        return self._shape.record(
            "conversation",
            parts,
            first.locator,
            timestamp=conversation.time,
            meta={"conversation": conversation.name} if conversation.name else {},
            n_units=conversation.n_units,
        )

    def _role(self, turn: _Turn, first: _Turn) -> str:
        if turn.role:
            return turn.role
        if self._assistant:
            return "assistant" if self._assistant.search(turn.speaker or "") else "user"
        return "user" if turn.speaker == first.speaker else "assistant"
