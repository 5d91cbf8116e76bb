"""Writes the customer service chat log: interleaved conversations, system lines, wrapped lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from generator.model import BadRow, LogLine, Record

AGENTS = ("客服小李", "客服小王", "客服阿敏", "客服小赵")
SYSTEM = "系统"
NO_USER = ("#C9002", "客服小李", "您好，请问还在线吗？")
UNDECODABLE = b"\xff\xfe\xfd\xff"


@dataclass
class _Event:
    """One message: its time, its conversation, who speaks and what."""

    time: datetime
    conversation: str
    speaker: str
    text: str
    record: Record | None = None

    def lines(self) -> list[str]:
        stamp = self.time.strftime("%Y-%m-%d %H:%M:%S")
        head = f"[{stamp}] {self.conversation} {self.speaker}：{self.text}"
        return head.split("\n")


def _conversation(record: Record, number: int, start: datetime, random: Random) -> list[_Event]:
    name, agent = f"#C{number:04d}", AGENTS[number % len(AGENTS)]
    time = start
    events = [_Event(time, name, SYSTEM, "客户已接入")]
    for turn in record.turns:
        time += timedelta(seconds=random.randint(8, 70))
        speaker = "客户" if turn.role == "user" else agent
        events.append(_Event(time, name, speaker, turn.text, record))
    if number % 3:
        events.append(_Event(time + timedelta(seconds=40), name, SYSTEM, "会话已结束"))
    return events


def _events(records: list[Record]) -> list[_Event]:
    random = Random("chat log")
    events: list[_Event] = []
    start = datetime(2024, 3, 1, 9, 12, 30)
    for number, record in enumerate(records, start=1):
        own = _conversation(record, number, start, random)
        events += own
        alone = number % 3 == 0
        start = own[-1].time + timedelta(minutes=6) if alone else start + timedelta(seconds=55)
    events.append(_Event(start, *NO_USER))
    return sorted(events, key=lambda event: event.time)


def write_chat_log(path: Path, records: list[Record]) -> tuple[list[LogLine], list[BadRow]]:
    """Write the log; returns its system lines and the lines that cannot be read."""
    orphan = "（接上页）那我明天再联系你们。"
    lines = [orphan.encode()]
    aside: list[LogLine] = []
    bad = [BadRow(None, "no message before it", "line 1")]
    for event in _events(records):
        locator = f"line {len(lines) + 1}"
        if event.speaker == SYSTEM:
            aside.append(LogLine(locator, "SET_ASIDE", "system line"))
        elif event.record is None:
            bad.append(BadRow(None, "no user turn", locator))
        elif not event.record.locator:
            event.record.locator = locator
        lines += [line.encode() for line in event.lines()]
    lines.append("[2024-03-09 18:00:00] #C9003 客户：".encode() + UNDECODABLE)
    bad.append(BadRow(None, "undecodable bytes", f"line {len(lines)}"))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return aside, bad
