"""Threads of IRC logs against human links: who answers which message, and what is one thread.

The logs are the ones of ubuntu_irc_raw: data/test where they are there, else the three
of data/dev that no weight was fitted on. The measures are those of Kummerfeld et al.,
ACL 2019: precision, recall and F1 of links (a message that begins a thread links to
itself), scaled variation of information, one-to-one overlap, and F1 of threads of more
than one message that come out exactly. The lines of the program (joins, renames) are left
out, which that paper counts in: they are set aside and are easy. VI and overlap are the
means over the logs. The peer lets each message answer the one before it.
"""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from curator.sources.chats.assembly import GAP
from curator.sources.chats.messages import Message
from curator.sources.chats.threads import Threads
from curator.sources.chats.times import gap, minutes
from tests.benchmarks.harness import Row, measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

UNSEEN = ("2005-08-08_01", "2009-03-03_10", "2011-11-13_02")
ANNOTATED = 1000
"""Links are given from this line on."""

Link = tuple[int, int]


class Scores(NamedTuple):
    """Figures of 0 to 1, where 1 is as the people said."""

    precision: float
    recall: float
    f1: float
    vi: float
    one_to_one: float
    exact: float


def rows(data: Path) -> Iterator[Row]:
    """Yield the benchmark's rows."""
    logs = _logs(data)
    gold = [_gold(log) for log in logs]
    did = measured(_ours, logs)
    ours, peer = scores(gold, did.result), scores(gold, [_previous(log) for log in logs])
    peer_name = "answers the message before"
    of = f"threads of {len(logs)} IRC logs"
    for name, field, aim in (
        ("link precision", "precision", None),
        ("link recall", "recall", None),
        ("link F1", "f1", ">= 0.6"),
        ("scaled VI", "vi", ">= 0.8"),
        ("one-to-one overlap", "one_to_one", ">= 0.7"),
        ("threads that come out exactly, F1", "exact", ">= 0.2"),
    ):
        figures = (round(getattr(found, field), 4) for found in (ours, peer))
        yield Row(f"{of}: {name}", *figures, peer_name=peer_name, aim=aim)
    n = sum(len(_spoken(log)) for log in logs)
    yield Row(f"{of}: messages a CPU second", round(n / did.cpu_seconds))


def _logs(data: Path) -> list[list[dict[str, Any]]]:
    with gzip.open(data / "chat" / "ubuntu_irc_raw.jsonl.gz", "rt", encoding="utf-8") as lines:
        logs = [json.loads(line) for line in lines]
    test = [log for log in logs if log["path"].startswith("data/test")]
    chosen = test or [log for log in logs if log["id"] in UNSEEN]
    return [log["messages"] for log in chosen]


def _spoken(log: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in log if not message["is_system"]]


def _gold(log: Sequence[dict[str, Any]]) -> list[Link]:
    return [
        (message["line"], answered)
        for message in _spoken(log)
        if message["line"] >= ANNOTATED
        for answered in (message["reply_to"] or [message["line"]])
    ]


def _previous(log: Sequence[dict[str, Any]]) -> list[Link]:
    numbers = [message["line"] for message in _spoken(log)]
    before = zip(numbers[1:], numbers, strict=False)
    return [(line, previous) for line, previous in before if line >= ANNOTATED]


class _Watched(Threads):
    """Threads that say which message each goes on from."""

    answered: int | None = None

    def _before(self, here: Any, within: float) -> Any:
        found = super()._before(here, within)
        self.answered = found.number if found else None
        return found


def _ours(logs: Sequence[Sequence[dict[str, Any]]]) -> list[list[Link]]:
    return [_links(log) for log in logs]


def _links(log: Sequence[dict[str, Any]]) -> list[Link]:
    threads, links, now, last = _Watched(), [], 0.0, None
    said = _spoken(log)
    for number, message in enumerate(said):
        time = minutes(message["time"]) if message["time"] else None
        now, last = now + gap(last, time), time or last
        one = Message(str(message["line"]), message["text"], speaker=message["speaker"])
        threads.place(one, now, number, within=GAP)
        at = threads.answered
        links.append((message["line"], message["line"] if at is None else said[at]["line"]))
    return [link for link in links if link[0] >= ANNOTATED]


def scores(gold: Sequence[Sequence[Link]], found: Sequence[Sequence[Link]]) -> Scores:
    """Return how well links go with those of people, log by log in one order."""
    both = sum(len(set(a) & set(b)) for a, b in zip(gold, found, strict=True))
    precision = both / sum(len(set(links)) for links in found)
    recall = both / sum(len(set(links)) for links in gold)
    tables = [_overlaps(a, b) for a, b in zip(gold, found, strict=True)]
    exact = sum(int(((t > 1) & (t == _sums(t, 1)) & (t == _sums(t, 0))).sum()) for t in tables)
    whole = sum(int((t.sum(axis).ravel() > 1).sum()) for t in tables for axis in (0, 1))
    return Scores(
        precision,
        recall,
        2 * precision * recall / (precision + recall) if both else 0.0,
        float(np.mean([_vi(table) for table in tables])),
        float(np.mean([_one_to_one(table) for table in tables])),
        2 * exact / whole if whole else 0.0,
    )


def _sums(table: Any, axis: int) -> Any:
    return table.sum(axis, keepdims=True)


def _overlaps(gold: Sequence[Link], found: Sequence[Link]) -> Any:
    """Return how many messages each thread of people shares with each that was found."""
    of_gold, of_found = _thread_of(gold), _thread_of(found)
    counts = Counter((of_gold[line], of_found[line]) for line in dict(gold))
    a = {thread: i for i, thread in enumerate({pair[0] for pair in counts})}
    b = {thread: i for i, thread in enumerate({pair[1] for pair in counts})}
    table = np.zeros((len(a), len(b)), dtype=int)
    for (one, other), n in counts.items():
        table[a[one], b[other]] = n
    return table


def _thread_of(links: Sequence[Link]) -> dict[int, int]:
    """Return the thread of each message: what links connect is one."""
    parent: dict[int, int] = {}

    def top(line: int) -> int:
        parent.setdefault(line, line)
        while parent[line] != line:
            parent[line] = parent[parent[line]]
            line = parent[line]
        return line

    for line, answered in links:
        parent[top(line)] = top(answered)
    return {line: top(line) for line in list(parent)}


def _vi(table: Any) -> float:
    n = table.sum()

    def entropy(counts: Any) -> float:
        shares = counts[counts > 0] / n
        return float(-(shares * np.log(shares)).sum())

    joint = entropy(table.ravel())
    apart = 2 * joint - entropy(table.sum(0)) - entropy(table.sum(1))
    return 1 - apart / math.log(n)


def _one_to_one(table: Any) -> float:
    ours, theirs = linear_sum_assignment(-table)
    return float(table[ours, theirs].sum() / table.sum())
