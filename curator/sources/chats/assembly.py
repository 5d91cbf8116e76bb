"""Messages become conversations: sessions and threads told apart, speakers merged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import inf
from typing import TYPE_CHECKING

from curator.schema import Chat
from curator.sources.chats.roles import Roles
from curator.sources.chats.threads import Threads, name_key
from curator.sources.chats.times import DAY, gap, minutes
from curator.sources.conversations import UnreadableError, check_turns
from curator.types import Part, Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from curator.sources.chats.messages import Message, Said
    from curator.sources.chats.times import Moment
    from curator.sources.conversations import Shape
    from curator.sources.formats import Item, Reading
    from curator.types import Record

GAP = 6 * 60.0
"""The silence, in minutes, that ends a session where the recipe names none: longer than
people take to answer in the course of a day, shorter than a night."""

LINGERS = 7 * DAY
"""For how long a thread whose messages have ids waits for an answer that names one of them."""

HELD = 64_000_000
"""How much of a file's text, in characters and bytes, may be held in open conversations;
beyond it, the one that has been silent longest ends."""

_ROOMS = 50_000
"""How many rooms are kept in mind, the latest; one that is forgotten begins anew."""


def assemble(said: Iterable[Said], reading: Reading, *, whole: bool = False) -> Iterator[Item]:
    """Yield the conversations that messages make, and pass on what is no message.

    Conversations are told apart by what the export says, by silences longer than
    `gap_minutes`, and in a group by who answers whom (`chat.threads`). Those that are
    still open when the file ends come in the order of their first messages. `said` has
    been counted by `reading.tally` already.

    `whole` says that what the messages name as their conversation is one (a ticket, a
    call, a mail thread) and no channel where many are held: silences and threads then
    cut nothing, unless the recipe says so.
    """
    chat = reading.source.chat or Chat.model_validate({})
    whole = whole or (chat.line is not None and "conversation" in re.compile(chat.line).groupindex)
    rooms = _Rooms(chat, reading.shape, whole=whole)
    for unit in said:
        if isinstance(unit, Quarantined | SetAside):
            yield unit
        else:
            yield from rooms.take(unit)
    yield from rooms.rest()


@dataclass(slots=True)
class _Conversation:
    """A conversation that may still go on.

    said: its messages, each with the minute of its room; ids: theirs.
    waits: the silence in minutes after which nothing will be added any more.
    """

    number: int
    clock: Moment | None = None
    waits: float = inf
    said: list[tuple[float, Message]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    size: int = 0


@dataclass(slots=True)
class _Room:
    """A place where people speak: a file, a channel, a ticket.

    minute: the time since its first message, which never runs backwards.
    latest: the conversation that was spoken in last; as long as the room is no group,
        the only one.
    """

    clock: Moment | None = None
    minute: float = 0.0
    latest: int = 0
    speakers: set[str] = field(default_factory=set)
    askers: set[str] = field(default_factory=set)
    threads: Threads | None = None


class _Rooms:
    """Holds the rooms, and the conversations that are open in them, while messages go by."""

    def __init__(self, chat: Chat, shape: Shape, *, whole: bool) -> None:
        self._roles, self._shape, self._keep = Roles(chat), shape, chat.keep
        self._gap, self._whole = chat.gap_minutes, whole
        self._always = chat.threads is True
        self._maybe = chat.threads == "auto" and not whole
        self._rooms: dict[str | None, _Room] = {}
        self._open: dict[int, _Conversation] = {}
        self._count = self._size = 0

    def take(self, message: Message) -> Iterator[Item]:
        """Take one message; yield what is finished by it."""
        notice = "system line" if self._roles.is_system(message) else message.notice
        if notice and notice not in self._keep:
            yield SetAside(message.locator, notice, message.n_units)
            return
        if notice != message.notice:
            message = replace(message, notice=notice)
        clock = minutes(message.time) if message.time else None
        room = self._room(message.conversation)
        silence = gap(room.clock, clock)
        room.clock, room.minute = clock or room.clock, room.minute + silence
        if room.threads is None and self._cuts(room, silence, message):
            yield self._finished(room.latest)
        self._put(room, message, room.minute)
        if room.threads is None and self._is_group(room, message):
            self._split(room)
        yield from self._over(clock)

    def rest(self) -> Iterator[Item]:
        """Yield the conversations that are still open, in the order of their first messages."""
        for number in sorted(self._open):
            yield self._finished(number)

    def _room(self, name: str | None) -> _Room:
        """Return the room of a name, and make it the latest."""
        room = self._rooms.pop(name, None) or _Room(threads=Threads() if self._always else None)
        self._rooms[name] = room
        if len(self._rooms) > _ROOMS:
            del self._rooms[next(iter(self._rooms))]
        return room

    def _limit(self, message: Message) -> float:
        """Return the silence before which a conversation has ended, in minutes."""
        if self._gap:
            return self._gap
        own = message.conversation is not None and message.role is not None
        return inf if self._whole or message.whole or own else GAP

    def _cuts(self, room: _Room, silence: float, message: Message) -> bool:
        if silence <= self._limit(message) or room.latest not in self._open:
            return False
        return message.reply_to not in self._open[room.latest].ids

    def _put(self, room: _Room, message: Message, minute: float) -> None:
        """Put a message into its conversation, which it may begin."""
        fresh, limit = self._count + 1, self._limit(message)
        if room.threads is None or message.notice == "system line":
            number = room.latest if room.latest in self._open else fresh
            if number == fresh:
                room.speakers.clear()
                room.askers.clear()
        else:
            number = room.threads.place(message, minute, fresh, within=limit)
        self._count = max(self._count, number)
        # What was spoken in last stands last: `_over` looks at the first alone.
        conversation = self._open.pop(number, None) or _Conversation(number)
        self._open[number] = conversation
        room.latest, conversation.clock = number, room.clock
        conversation.waits = limit
        if message.id:
            conversation.waits = max(limit, LINGERS)
            conversation.ids.add(message.id)
        conversation.said.append((minute, message))
        size = len(message.text) + len(message.raw) + 200
        conversation.size += size
        self._size += size

    def _is_group(self, room: _Room, message: Message) -> bool:
        """Whether a message makes a room a group: of three, two ask."""
        if not self._maybe or message.whole:
            return False
        if message.notice == "system line" or not message.speaker:
            return False
        name = name_key(message.speaker)
        room.speakers.add(name)
        if not self._roles.answers(message):
            room.askers.add(name)
        return len(room.speakers) > 2 and len(room.askers) > 1

    def _split(self, room: _Room) -> None:
        """Tell the threads of a session apart that has turned out to be a group's."""
        together = self._open.pop(room.latest)
        self._size -= together.size
        room.threads = Threads()
        for minute, message in together.said:
            self._put(room, message, minute)

    def _over(self, clock: Moment | None) -> Iterator[Item]:
        """Yield the conversations that nothing will be added to, or that are too much to hold."""
        while self._open:
            number, longest_silent = next(iter(self._open.items()))
            is_over = gap(longest_silent.clock, clock) > longest_silent.waits
            if not is_over and self._size <= HELD:
                return
            yield self._finished(number)

    def _finished(self, number: int) -> Record | Quarantined:
        conversation = self._open.pop(number)
        self._size -= conversation.size
        messages = [message for _, message in conversation.said]
        first, n_units = messages[0], sum(message.n_units for message in messages)
        parts = tuple(_turns(messages, self._roles.of(messages)))
        try:
            check_turns(parts)
        except UnreadableError as reason:
            raw = b"".join(message.raw for message in messages)
            return Quarantined(first.locator, str(reason), raw, n_units)
        return self._shape.record(
            "conversation",
            parts,
            first.locator,
            label=next((message.label for message in messages if message.label), None),
            timestamp=first.time,
            meta=_meta(messages),
            n_units=n_units,
        )


def _meta(messages: Sequence[Message]) -> dict[str, str]:
    """Return what the export says of the conversation; of two values, the first."""
    said = {key: value for message in reversed(messages) for key, value in message.meta.items()}
    own = messages[0].conversation
    return ({"conversation": own} if own else {}) | said


def _turns(messages: Sequence[Message], roles: Sequence[str]) -> Iterator[Part]:
    """Yield the turns that messages make: those of one speaker in a row are one."""
    said = zip(messages, roles, strict=True)
    for (speaker, role), group in groupby(said, key=lambda one: (one[0].speaker, one[1])):
        in_row = [message for message, _ in group]
        text = "\n".join(message.text for message in in_row)
        yield Part(role, text, speaker=speaker, locator=in_row[0].locator)
