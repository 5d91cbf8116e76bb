"""Rows handed over to trainers: written, measured, and asked about before anybody trains.

What a trainer refuses is told and kept, left out of every file, or stops the export, as the
recipe says.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from curator.errors import GateError
from curator.exports.folder import rows_in
from curator.exports.handshake import shake_hands
from curator.exports.handshake.told import named
from curator.exports.measures import lengths
from curator.exports.trainers import length_of, write_trainers
from curator.exports.writing import write_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from curator.exports.handshake import Told
    from curator.exports.measures import Ruler
    from curator.exports.writing import Key, Written
    from curator.protocols import Progress
    from curator.schema import InstructionExport, Recipe

SHOWN = 10
_BATCH = 1000


@dataclass
class Handed:
    """What was handed over.

    length: of a sequence in the trainers' configurations, in tokens.
    told: what each trainer says of each file.
    lengths: the figures of each split's rows in tokens; empty where no tokenizer is named.
    left_out: the rows that are in no file because a trainer refused them, with the reason.
    """

    written: Written
    length: int
    told: list[Told]
    lengths: dict[str, Any]
    left_out: dict[Key, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return it for a manifest."""
        return {
            "formats": {
                name: dict(sorted(reasons.items()))
                for name, reasons in self.written.left_out.items()
            },
            "tokens": self.lengths,
            "handshake": {
                "length": self.length,
                "left_out": {named(key): reason for key, reason in sorted(self.left_out.items())},
                "told": [told.facts() for told in self.told],
            },
        }


def hand_over(
    folder: Path,
    staged: Sequence[Path],
    splits: Mapping[str, pa.Array],
    recipe: Recipe,
    pairs: Sequence[Mapping[str, Any]],
    ruler: Ruler | None,
    progress: Progress,
) -> Handed:
    """Write the rows and the trainers' configurations, and ask the trainers.

    Args:
        folder: the export, empty but for what is hidden.
        staged: tables of rows, in order.
        splits: the record ids of each split.
        recipe: formats, trainers, and what becomes of refused rows.
        pairs: the corrections.
        ruler: measures rows in tokens; None where no tokenizer is named.
        progress: told after each file that is asked about.

    Raises:
        GateError: rows are refused and the recipe says stop, or TRL stops at a file.

    """
    how = recipe.exports.instruction
    left_out: dict[Key, str] = {}
    while True:
        rest = [pair for pair in pairs if (pair["id"], None) not in left_out]
        written = write_rows(folder, staged, splits, how, rest, left_out)
        figures, longest = _figures(folder, written, how, ruler)
        length = length_of(how, longest)
        template = ruler.template if ruler else None
        write_trainers(folder, recipe.name, written, how, length, template)
        told = shake_hands(folder, written, how, ruler, length, progress)
        refused = {key: reason for t in told for reason, keys in t.refused.items() for key in keys}
        if refused and how.refused == "stop":
            raise _stopped(told)
        if not refused or how.refused == "tell":
            return Handed(written, length, told, figures, left_out)
        left_out |= refused
        _clear(folder)


def _figures(
    folder: Path, written: Written, how: InstructionExport, ruler: Ruler | None
) -> tuple[dict[str, Any], int | None]:
    """Return the lengths of each split's rows, and of the longest row."""
    if ruler is None:
        return {}, None
    found: dict[str, Any] = {}
    for split, file in written.formats["messages"].items():
        messages = [row["messages"] for row in rows_in(folder / file)]
        measures = [
            measure
            for at in range(0, len(messages), _BATCH)
            for measure in ruler.measures(messages[at : at + _BATCH])
        ]
        found[split] = lengths(measures, last_alone=how.turns != "whole")
    return found, max((f.get("longest", 0) for f in found.values()), default=0)


def _stopped(told: Sequence[Told]) -> GateError:
    lines = list(
        dict.fromkeys(
            f"  {named(key)}: {t.trainer}: {reason}"
            for t in told
            for reason, keys in t.refused.items()
            for key in keys
        )
    )
    more = [f"  … and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return GateError(
        "export instruction is not published: trainers would not learn from these rows\n"
        + "\n".join([*lines[:SHOWN], *more]),
        "look with: curator why ID; exports.instruction.refused: leave_out leaves them out,"
        " and trainers: […] names those that matter",
    )


def _clear(folder: Path) -> None:
    """Remove what was written, but for what is hidden."""
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith("."):
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
