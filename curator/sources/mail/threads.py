"""Which mails belong to one thread, and in which order they were written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.sources.mail.mime import Head


class Threads:
    """Joins mails by the ids that they answer to; without any, by their subject and people.

    Mails may come in any order: a reply before the mail that it answers, or the newest
    first. Of each mail only a few numbers are kept.
    """

    def __init__(self) -> None:
        """Begin without any mail."""
        self._parent: list[int] = []
        self._dates: list[float | None] = []
        self._by_id: dict[int, int] = {}
        self._by_topic: dict[int, tuple[int, bool]] = {}

    def add(self, head: Head) -> None:
        """Take the next mail of the file."""
        at = len(self._parent)
        self._parent.append(at)
        self._dates.append(_seconds(head))
        for name in (head.own_id, *head.answers):
            if name:
                self._join(at, self._by_id.setdefault(_number(name), at))
        if head.topic and not head.answers:
            self._by_subject(at, head)

    def _by_subject(self, at: int, head: Head) -> None:
        """Join a mail to one of the same subject between the same people.

        One of the two has to be marked as a reply: two questions may share a subject.
        """
        key = _number("\n".join((head.topic, *sorted(head.people))))
        before, has_first = self._by_topic.get(key, (at, False))
        if head.is_reply or not has_first:
            self._join(at, before)
            self._by_topic[key] = (before, has_first or not head.is_reply)
        else:
            self._by_topic[key] = (at, True)

    def in_order(self) -> Iterator[tuple[int, int]]:
        """Yield each mail and its thread, as their places from 0: a thread after the other.

        A thread goes by its oldest mail. Where a mail of it has no date, the order is
        that of the file.
        """
        members: dict[int, list[int]] = {}
        for at in range(len(self._parent)):
            members.setdefault(self._root(at), []).append(at)
        for thread in members.values():
            dates = [self._dates[at] for at in thread]
            if None not in dates:
                thread.sort(key=lambda at: self._dates[at] or 0.0)
            for at in thread:
                yield at, thread[0]

    def _root(self, at: int) -> int:
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at

    def _join(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parent[second] = first


def _number(name: str) -> int:
    """Return a short key for a long id: 64 bits, so that two meet by chance in no mailbox."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)


def _seconds(head: Head) -> float | None:
    try:
        return head.date.timestamp() if head.date else None
    except (OverflowError, ValueError, OSError):
        return None
