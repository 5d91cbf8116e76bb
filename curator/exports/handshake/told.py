"""What a trainer says of a file: which rows it would take, cut, or not learn from, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from curator.exports.writing import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.exports.writing import Key


@dataclass
class Told:
    """A trainer's answer about one file.

    by: what answered: the trainer itself with its version, or rules of ours from its documents.
    cut: rows that are longer than a sequence, and of which something is learnt.
    refused: the rows that it refuses, by reason.
    more: what else is told, as it stands in the manifest.
    """

    trainer: str
    file: str
    by: str = "rules"
    rows: int = 0
    cut: int = 0
    refused: dict[str, list[Key]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def refuse(self, row: Mapping[str, Any], reason: str) -> None:
        """Note that a row is not learnt from."""
        self.refused.setdefault(reason, []).append(key_of(row))

    def facts(self) -> dict[str, Any]:
        """Return it for a manifest."""
        return {
            "trainer": self.trainer,
            "file": self.file,
            "by": self.by,
            "rows": self.rows,
            "taken": self.rows - sum(map(len, self.refused.values())),
            "cut": self.cut,
            "refused": {
                reason: [named(key) for key in keys]
                for reason, keys in sorted(self.refused.items())
            },
            **self.more,
        }


def named(key: Key) -> str:
    """Return a row's name: its record's id, and which piece of it in brackets."""
    record, piece = key
    return record if piece is None else f"{record} ({piece})"
