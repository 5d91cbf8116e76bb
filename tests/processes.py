"""The processes below one, as Linux tells of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its command line, and the CPU seconds it has used so far."""

    pid: int
    line: str
    cpu_seconds: float

    def memory(self) -> int:
        """Return its bytes in memory; of what it shares, its share; 0 where that is not told."""
        try:
            lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text("ascii").splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def below(parent: int) -> dict[int, Process]:
    """Return the living processes below one, by their numbers."""
    children: dict[int, list[int]] = {}
    found: dict[int, Process] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = _fields(int(entry.name))
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        pid = int(entry.name)
        found[pid] = Process(pid, line, (int(fields[11]) + int(fields[12])) / _TICKS)
        children.setdefault(int(fields[1]), []).append(pid)
    todo, under = [*children.get(parent, ())], {}
    while todo:
        pid = todo.pop()
        under[pid] = found[pid]
        todo += children.get(pid, [])
    return under


def alive(pid: int) -> bool:
    """Return whether a process is there, and no zombie."""
    try:
        return _fields(pid)[0] != "Z"
    except OSError:
        return False


def _fields(pid: int) -> list[str]:
    """Return what follows the name in a process's state."""
    text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    return text.rpartition(")")[2].split()
