"""What the generator moves around: marked text, turns, records and rows that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Mark:
    """A planted piece of personal data: half-open code point offsets and its code."""

    start: int
    end: int
    code: str


@dataclass
class Turn:
    """One message of a conversation."""

    role: str
    text: str
    marks: list[Mark] = field(default_factory=list)

    def prepend(self, other: Turn, joint: str = "") -> None:
        """Put `other` in front and move the marks."""
        shift = len(other.text) + len(joint)
        moved = [Mark(m.start + shift, m.end + shift, m.code) for m in self.marks]
        self.text = other.text + joint + self.text
        self.marks = [*other.marks, *moved]

    def append(self, other: Turn, joint: str = "") -> None:
        """Put `other` behind and move its marks."""
        shift = len(self.text) + len(joint)
        self.marks += [Mark(m.start + shift, m.end + shift, m.code) for m in other.marks]
        self.text += joint + other.text


@dataclass(eq=False)
class Record:
    """One conversation on its way to a raw file."""

    source: str
    label: str
    turns: list[Turn]
    problems: list[tuple[str, Record | None]] = field(default_factory=list)
    locator: str = ""
    first_part: int = 0  # 1 where a system message stands in front
    has_copy: bool = False  # whether a duplicate was made of it

    @property
    def question(self) -> Turn:
        """The first turn."""
        return self.turns[0]

    @property
    def answer(self) -> Turn:
        """The second turn."""
        return self.turns[1]

    @property
    def is_plain(self) -> bool:
        """One question and one answer, with nothing planted yet."""
        no_marks = not any(turn.marks for turn in self.turns)
        return len(self.turns) == 2 and not self.problems and no_marks

    def copy(self) -> Record:
        """The same text once more, with nothing planted."""
        turns = [Turn(t.role, t.text) for t in self.turns]
        return Record(self.source, self.label, turns)


@dataclass
class BadRow:
    """A row that a reader must quarantine; the payload's form is the writer's."""

    payload: object
    reason: str
    locator: str = ""


Item = Record | BadRow


@dataclass
class LogLine:
    """A log line that is set aside or quarantined on its own."""

    locator: str
    code: str
    reason: str
