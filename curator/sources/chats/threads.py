"""Threads of a group chat: which earlier message does each message go on from.

A message that names the one it answers (`reply_to`) goes on from that one. For the
others a linear model weighs the latest messages against the chance that a thread
begins here, by what tells people that read a busy channel: who is addressed
("name: …", "@name"), who spoke with whom, how long ago, and which rare words come again.
The task, its name (disentanglement) and its measures are those of Kummerfeld et al.,
A Large-Scale Corpus for Conversation Disentanglement, ACL 2019.

The weights are those of a conditional logit: softmax over the latest messages and "a
thread begins", the probability of all human links of a message maximised with L-BFGS, L2
penalty 1. They were fitted on seven IRC logs of that corpus (data/dev without the three
that `tests/benchmarks/chats.py` measures on), and on thinned copies of them (8 to 30 % of
the threads, slowed down 1 to 30 times, names struck out of half), so that quiet channels
count too; the features that look at threads saw the model's own.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from math import fsum, log, log1p
from operator import mul
from typing import TYPE_CHECKING

from curator.text import HAN, length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.chats.messages import Message

WINDOW = 40
"""How many messages back an answer may lie, unless it says itself what it answers."""

REMEMBERED = 5_000
"""How many speakers and message ids a channel keeps in mind, and a tenth of how many words."""

YOUNG = 100
"""Messages after which a channel's regular speakers are known, so that a new one is news."""

FEW, DOUBT = 3, 0.6
"""Where only this few threads go on, what does not ask begins another only if that is surer by
this much (log odds): an answer that is cut off from its question is lost."""

GOES_ON = {
    "one speaker": 1.71,
    "one speaker, nobody between": 1.14,
    "one speaker's last message": 1.22,
    "one speaker, now to another person": -1.69,
    "the message just before": -1.42,
    "messages between, log": -1.54,
    "minutes between, by the channel's pace, log": -0.6,
    "addressed to its speaker": 4.2,
    "addressed to another": -2.45,
    "addressed to another in its thread": 0.56,
    "addressed to another in its thread, as is the speaker's": 1.2,
    "both addressed to one person": 2.67,
    "its speaker is named": 3.52,
    "it was addressed to the speaker": 1.56,
    "it was addressed to the speaker, who has been silent since": 1.65,
    "it was addressed to another": -1.35,
    "in a thread of the speaker's": 1.09,
    "by whom the speaker spoke with last": 0.41,
    "by who spoke with the speaker last": 1.06,
    "begins with thanks, yes, no": 0.63,
    "the speaker is new": -0.91,
    "it asks, and nobody has answered": 0.39,
    "it asks": 0.37,
    "the last message of its thread": 0.29,
    "a short answer to another person": 0.24,
    "the message just before, of another person, and nobody is addressed": 0.79,
    "rare words that come again": 0.29,
    "rare words of its thread that come again": 0.14,
}
"""What speaks for going on from an earlier message, and how much (log odds)."""

BEGINS = {
    "always": -1.81,
    "the speaker is new": 0.91,
    "addressed to somebody": -1.75,
    "greets": 2.58,
    "asks": 1.07,
    "begins with thanks, yes, no": -0.55,
    "words, up to twelve, log": 0.76,
    "threads among the latest messages, log": 0.23,
    "the channel's pace in minutes, log": -0.68,
}
"""What speaks for the beginning of a thread, and how much (log odds)."""

_WORD = re.compile(r"[^\W\d_]{3,}|\w*\d\w*")
_HAN_RUN = re.compile(f"[{HAN}]{{2,}}")
_NICK = re.compile(r"[\w\[\]`|^{}\\-]{4,}")
_AT = re.compile(r"(?<![A-Za-z0-9])[@＠]")
_IN_WORD = re.compile(r"(?<=[a-z0-9_])[a-z0-9_]")
_TO_START = re.compile(r"\s*@?([^:：,，;>@\n]{1,40}?)\s*[:：,，;>]\s*")
_ASKS = re.compile(
    r"[?？]|[吗呢么嘛]\s*[。!！~]*$"
    r"|^\W*(?:how|what|why|where|when|who|which|can|could|does|do|is|are|any(?:one|body))\b"
    r"|怎么|怎样|如何|为什么|请问|哪|多少|有没有|谁|什么|能不能|可不可以|是不是|求助|求推荐",
    re.IGNORECASE,
)
_GREETS = re.compile(
    r"\W*(?:(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|evening|afternoon|day))\b"
    r"|你好|您好|大家好|各位|早上好|晚上好|请问|请教)",
    re.IGNORECASE,
)
_RETURNS = re.compile(
    r"\W*(?:(?:thank|thanks|thx|ty|cheers|ok|okay|yes|yeah|yep|no|nope|sure|oh|ah|lol|haha|hmm|so"
    r"|but|and|cool|great|nice|right|i see)\b"
    r"|谢|好的|好吧|嗯|哦|对|是的|不是|没有|可以|行|那|但是|所以|收到|明白)",
    re.IGNORECASE,
)
_COMMON_WORDS = (
    "the and you for that this with have not are but what was can just how from get like there "
    "your all out use any will does when about then they know has one would should need want try "
    "some here work using which dont why where into also could its him her them did been had more "
    "than now yes yeah think only see sure well thanks"
)
_COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(slots=True)
class _Heard:
    """What is kept of a message while others may go on from it."""

    number: int
    speaker: str
    minute: float
    words: set[str]
    to: str | None
    names: set[str]
    asks: bool
    greets: bool
    returns: bool
    length: int
    news: bool
    spoke: int
    partner: str | None
    thread: int = -1
    answered: bool = False


@dataclass(slots=True)
class _Person:
    """A speaker: the last message, and whom it went to."""

    number: int = -1
    partner: str | None = None


@dataclass(slots=True)
class _Thread:
    """A thread that has messages among the latest: its speakers and its last message."""

    speakers: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    last: int = -1


class Threads:
    """Tells the threads of one channel apart while its messages go by.

    Takes a time per message that does not grow with the log, and keeps a bounded
    part of it: the last messages, speakers and ids.
    """

    def __init__(self) -> None:
        """Begin with a channel that nobody has spoken in."""
        self._heard = self._counted = 0
        self._recent: deque[_Heard] = deque()
        self._words: Counter[str] = Counter()
        self._people: dict[str, _Person] = {}
        self._threads: dict[int, _Thread] = {}
        self._ids: dict[str, tuple[int, str]] = {}
        self._pace, self._minute = 1.0, 0.0

    def place(self, message: Message, minute: float, fresh: int, *, within: float) -> int:
        """Return the number of the thread that a message belongs to, `fresh` if it begins one.

        `minute` is the time since the channel began, in minutes, and never runs
        backwards. Only what was said less than `within` minutes ago is gone on
        from without saying so.
        """
        here = self._look(message, minute)
        before: _Heard | None = None
        named = self._ids.get(message.reply_to) if message.reply_to else None
        if named:
            here.thread, to = named
            here.to = to if to != here.speaker else None
        else:
            before = self._before(here, within)
            here.thread = before.thread if before else fresh
        self._keep(here, before, message.id)
        return here.thread

    def _look(self, message: Message, minute: float) -> _Heard:
        speaker, text = name_key(message.speaker), message.text
        to, body = self._addressed(text, speaker)
        words = _words(body)
        person = self._people.get(speaker)
        return _Heard(
            number=self._heard,
            speaker=speaker,
            minute=minute,
            words=words,
            to=to,
            names=self._named(body, words) - {speaker, to},
            asks=bool(_ASKS.search(body)),
            greets=bool(_GREETS.match(body)),
            returns=bool(_RETURNS.match(body)),
            length=length(body),
            news=person is None and self._heard >= YOUNG,
            spoke=person.number if person else -1,
            partner=person.partner if person else None,
        )

    def _addressed(self, text: str, speaker: str) -> tuple[str | None, str]:
        """Return whom a message is addressed to, and the rest of it."""
        start = _TO_START.match(text)
        key = name_key(start[1]) if start else ""
        if start and key and key in self._people and key != speaker:
            return key, text[start.end() :]
        for at in _AT.finditer(text):
            found = self._name_at(text[at.end() : at.end() + 40].casefold())
            if found and found != speaker:
                return found, text[: at.start()] + text[at.end() + len(found) :]
        return None, text

    def _name_at(self, text: str) -> str | None:
        """Return the longest name of a speaker that a text begins with."""
        for end in range(len(text), 0, -1):
            if text[:end] in self._people and not _IN_WORD.match(text, end):
                return text[:end]
        return None

    def _named(self, text: str, words: set[str]) -> set[str]:
        """Return the speakers whose names come in a text, but names that are everyday words."""
        folded = text.casefold()
        runs = _HAN_RUN.findall(folded)
        longer = (run[i : i + n] for run in runs for n in (3, 4) for i in range(len(run) - n + 1))
        found = {n for n in (*_NICK.findall(folded), *words, *longer) if n in self._people}
        return {name for name in found if self._words[name] <= 3 + self._counted / 30}

    def _rare(self, words: set[str]) -> float:
        """Return how much it says that words come again, the rarer the more."""
        counted = self._counted + 20
        # fsum: a set comes in any order, and its sum must be the same to the last bit.
        return min(12.0, fsum(log(counted / (1 + self._words[word])) for word in words))

    def _before(self, here: _Heard, within: float) -> _Heard | None:
        """Return the message that `here` goes on from, None if it begins a thread."""
        weights = tuple(GOES_ON.values())
        best, top = None, sum(map(mul, BEGINS.values(), self.begins(here)))
        if len(self._threads) <= FEW and not here.asks:
            top -= DOUBT
        for there in self._candidates(here, within):
            score = sum(map(mul, weights, self.goes_on(here, there)))
            if score > top:
                best, top = there, score
        return best

    def _candidates(self, here: _Heard, within: float) -> Iterator[_Heard]:
        for there in reversed(self._recent):
            if here.minute - there.minute > within:
                return
            yield there

    def begins(self, here: _Heard) -> Sequence[float]:
        """Return the features of a beginning, in the order of `BEGINS`."""
        return (
            1.0,
            here.news,
            here.to is not None,
            here.greets,
            here.asks,
            here.returns,
            log1p(min(here.length, 12)),
            log1p(len(self._threads)),
            log1p(self._pace),
        )

    def goes_on(self, here: _Heard, there: _Heard) -> Sequence[float]:
        """Return the features of going on from an earlier message, in the order of `GOES_ON`."""
        to, speaker = here.to, here.speaker
        same = there.speaker == speaker
        other = not same
        distance = here.number - there.number
        to_there = to is not None and to == there.speaker
        to_here = there.to == speaker
        thread = self._threads[there.thread]
        joined = speaker in thread.speakers
        to_joined = to is not None and not to_there and to in thread.speakers
        again = of_thread = 0.0
        words = here.words - here.names if here.names else here.words
        if not words.isdisjoint(thread.words):
            of_thread = self._rare(words & thread.words)
            again = self._rare(words & there.words)
        return (
            same,
            same and distance == 1,
            same and here.spoke == there.number,
            same and to is not None and there.to not in (None, to),
            distance == 1,
            log(distance),
            log1p((here.minute - there.minute) / max(1.0, self._pace)),
            to_there,
            to is not None and not to_there,
            to_joined,
            to_joined and joined,
            to is not None and to == there.to,
            there.speaker in here.names,
            to_here,
            to_here and here.spoke < there.number,
            other and there.to is not None and not to_here,
            other and joined,
            other and to is None and here.partner == there.speaker,
            other and there.to is None and self._people[there.speaker].partner == speaker,
            other and here.returns,
            other and here.news,
            other and there.asks and not there.answered and not here.asks,
            other and there.asks and not here.asks,
            thread.last == there.number,
            other and here.length <= 4,
            other and distance == 1 and to is None and there.to is None,
            again,
            of_thread,
        )

    def _keep(self, here: _Heard, before: _Heard | None, own_id: str | None) -> None:
        person = self._people.pop(here.speaker, None) or _Person()
        self._people[here.speaker] = person
        if here.to:
            person.partner = here.to
        elif before and before.speaker != here.speaker:
            person.partner = before.speaker
        if before and before.speaker != here.speaker:
            before.answered = True
        self._pace += (min(60.0, here.minute - self._minute) - self._pace) / 20
        person.number, self._minute = here.number, here.minute
        thread = self._threads.setdefault(here.thread, _Thread())
        thread.speakers.add(here.speaker)
        thread.last = here.number
        if len(thread.words) < REMEMBERED:
            thread.words |= here.words
        self._recent.append(here)
        self._words.update(here.words)
        if own_id:
            self._ids[own_id] = here.thread, here.speaker
        self._heard += 1
        self._counted += 1
        self._forget()

    def _forget(self) -> None:
        if len(self._recent) > WINDOW:
            gone = self._recent.popleft()
            if self._threads[gone.thread].last == gone.number:
                del self._threads[gone.thread]
        if len(self._words) > 10 * REMEMBERED:
            # Halved, words that came once go, and what comes often stays known as such.
            self._words = Counter({word: n // 2 for word, n in self._words.items() if n > 1})
            self._counted //= 2
        if len(self._people) > REMEMBERED:
            self._people.pop(next(iter(self._people)))
        if len(self._ids) > REMEMBERED:
            self._ids.pop(next(iter(self._ids)))


def name_key(name: str | None) -> str:
    """Return a speaker's name as it is compared: no case, no marks of rank around it."""
    return (name or "").strip(" <>@+%&~\u2005").casefold()


def _words(text: str) -> set[str]:
    """Return the words that may come again: Latin ones of three letters on, pairs of Han."""
    folded = text.casefold()
    words = {word for word in _WORD.findall(folded) if word not in _COMMON}
    for run in _HAN_RUN.findall(folded):
        words.update(run[i : i + 2] for i in range(len(run) - 1))
    return words
