"""Reads the hand-written texts in `content/`.

A block ends at an empty line. `## name` sets the label of the blocks after it, `Q` and `A` are
turns, `I` adds a line to the question, `+` adds a line to the turn above, `//` is a comment.
In files of planted problems `@source|label` opens a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generator.markup import read_marks
from generator.model import Record, Turn

FOLDER = Path(__file__).parent.parent / "content"
ROLES = {"Q": "user", "A": "assistant"}


@dataclass
class Personal:
    """A sentence with personal data, and where it may stand."""

    source: str
    side: str
    turn: Turn


def _lines(name: str) -> list[str]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("//")]


def _add_line(turns: list[Turn], line: str) -> None:
    kind, text = line[0], line[1:].strip()
    if kind in ROLES:
        turns.append(read_marks(ROLES[kind], text))
    elif kind in "I+":
        turns[-1].append(Turn(turns[-1].role, text), "\n")
    else:
        message = f"a line of content starts with {kind!r}: {line}"
        raise ValueError(message)


def read_blocks(name: str, source: str) -> list[Record]:
    """Every block of a content file as one record of `source`."""
    records: list[Record] = []
    label, turns = "", list[Turn]()
    for line in [*_lines(name), ""]:
        if line.startswith("## "):
            label = line[3:]
        elif line:
            _add_line(turns, line)
        elif turns:
            records.append(Record(source, label, turns))
            turns = []
    return records


def read_pairs(name: str) -> list[Record]:
    """Question-answer pairs that name their own source and label (`@source|label`)."""
    records: list[Record] = []
    source, label = "", ""
    for line in _lines(name):
        if line.startswith("@"):
            source, label = line[1:].split("|")
        elif line.startswith("Q"):
            records.append(Record(source, label, []))
            _add_line(records[-1].turns, line)
        elif line:
            _add_line(records[-1].turns, line)
    return records


def read_personal(name: str) -> list[Personal]:
    """The sentences with personal data."""
    fields = (line.split("|", 2) for line in _lines(name) if line)
    return [Personal(f[0], f[1], read_marks("", f[2])) for f in fields]


def read_documents() -> dict[str, list[Turn]]:
    """The lines of every document by file name."""
    paths = sorted((FOLDER / "documents").iterdir())
    return {
        path.name: [read_marks("", line) for line in path.read_text("utf-8").splitlines()]
        for path in paths
    }
