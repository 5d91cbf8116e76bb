"""One message of a chat, in the form that every chat export is brought to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Mapping

Notice = Literal["system line", "media", "recalled message"]
"""Why a message is no utterance: a join, a leave or a rename; a picture, a voice message or
a file without words; what its sender took back."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote at one time.

    locator: where a person finds it in the file: `line 12`, `message 4711`.
    raw: its bytes, for the case that no record can be made of it.
    speaker: the name as the export gives it; None where there is none.
    time: as written, or ISO 8601 where the export counts seconds.
    role: user, assistant, system or tool, where the export itself says so.
    conversation: the thread, channel or ticket, where the export tells several apart.
    id, reply_to: this message and the one that it answers, where the export says so.
    notice: set where nobody said anything; the recipe says whether it is kept.
    label, meta: what the export says of the conversation beside it: its category, its queue.
    whole: its conversation is one as it is: no silence cuts it, and no thread is told apart.
    n_units: how many of the file's units (lines, rows, messages) it is made of.
    """

    locator: str
    text: str
    raw: bytes = b""
    speaker: str | None = None
    time: str | None = None
    role: str | None = None
    conversation: str | None = None
    id: str | None = None
    reply_to: str | None = None
    notice: Notice | None = None
    label: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    n_units: int = 1


Said: TypeAlias = Message | Quarantined | SetAside
"""What a unit of a chat export is, before messages become conversations."""
