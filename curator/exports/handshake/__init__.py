"""Would a trainer take each row? Asked before training, where some trainers skip in silence.

Each file is loaded again as its consumer would: as TRL does it, by TRL where it is installed
and a tokenizer is named; as LLaMA-Factory and axolotl do it, by rules of ours from their
documents, since neither can be installed beside us. A row that would be skipped, masked whole
or truncated to nothing is named with its reason.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.exports.folder import rows_in
from curator.exports.handshake import axolotl, llamafactory, trl_itself, trl_rules
from curator.exports.handshake.conversations import NOTHING_LEFT, RefusedError
from curator.exports.handshake.told import Told
from curator.protocols import silent
from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from curator.exports.handshake.conversations import Learnt
    from curator.exports.measures import Measure, Ruler
    from curator.exports.writing import Written
    from curator.protocols import Progress
    from curator.schema import InstructionExport

    Row = Mapping[str, Any]

__all__ = ["Told", "shake_hands"]

_TRAINED = ("messages", "prompt_completion")
_COMPARED = ("preferences", "kto")
_BATCH = 1000
_UNBOUNDED = 10**9


@dataclass(frozen=True, slots=True)
class _Rules:
    """How a trainer treats the rows of a file.

    read: what it makes of a row; raises RefusedError where it skips it.
    kept: how many tokens of a row it learns, given whether only the last answer is; may raise too.
    length: what is longer is cut, in tokens.
    """

    read: Callable[[Row], Learnt]
    kept: Callable[[Measure, bool], int]
    length: int


def shake_hands(
    folder: Path,
    written: Written,
    how: InstructionExport,
    ruler: Ruler | None,
    length: int,
    progress: Progress = silent,
) -> list[Told]:
    """Return what each trainer of the recipe says of each file that it reads.

    Args:
        folder: the export, with its files and the trainers' configurations.
        written: which files those are.
        how: which trainers are asked, and how rows are to be learnt.
        ruler: measures rows; without it nothing is asked that needs tokens.
        length: of a sequence in the trainers' configurations, in tokens.
        progress: told after each file.

    Raises:
        GateError: TRL stops at a file.

    """
    version = trl_itself.installed() if ruler else None
    asked = [
        (trainer, file, kind)
        for trainer in how.trainers
        for file, kind in _files(trainer, folder, written).items()
    ]
    found: list[Told] = []
    for_trl: list[tuple[Told, trl_itself.Task]] = []
    for number, (trainer, file, kind) in enumerate(asked, 1):
        told = Told(trainer, file)
        itself = version is not None and trainer == "trl"
        rules = _rules(trainer, kind, how, length, itself=itself)
        refused = _ask(told, folder / file, rules, ruler)
        if itself:
            told.by = f"trl {version}"
            task = trl_itself.Task(str(folder / file), kind in _TRAINED, tuple(refused))
            for_trl.append((told, task))
        found.append(told)
        progress("handshake", number, len(asked))
    if for_trl and ruler:
        _ask_trl(for_trl, ruler, length, folder / ".handshake")
    return found


def _files(trainer: str, folder: Path, written: Written) -> Mapping[str, Any]:
    """Return the files that a trainer reads, each with what tells it how."""
    if trainer == "llamafactory":
        info: Mapping[str, Any] = read_json(folder / "dataset_info.json")
        return {entry["file_name"]: entry for entry in info.values()}
    kinds = ("messages",) if trainer == "axolotl" else (*_TRAINED, *_COMPARED)
    return {
        file: kind
        for kind in kinds
        for file in written.formats.get(kind, {}).values()
        if written.rows[file]
    }


def _rules(trainer: str, kind: Any, how: InstructionExport, length: int, *, itself: bool) -> _Rules:
    """Return the rules of a trainer for a file.

    `itself`: whether the trainer is asked after that, and says itself of what nothing is left.
    """
    if trainer == "llamafactory":
        history = how.turns != "whole"
        return _Rules(
            partial(llamafactory.read, entry=kind),
            lambda m, last: llamafactory.kept(m.pairs, length, last=last, history=history),
            length,
        )
    if trainer == "axolotl":
        return _Rules(
            axolotl.read,
            lambda m, last: axolotl.kept(m.pairs, m.tokens, length, last=last),
            length,
        )
    if kind in _COMPARED or itself:
        return _Rules(
            trl_rules.read, lambda m, _: m.learnt, length if kind in _TRAINED else _UNBOUNDED
        )
    return _Rules(
        trl_rules.read, lambda m, last: trl_rules.kept(m.pairs, length, last=last), length
    )


def _ask(told: Told, path: Path, rules: _Rules, ruler: Ruler | None) -> list[int]:
    """Ask about each row of a file; return the lines, from 0, that are refused."""
    refused: list[int] = []
    lines = rows_in(path)
    while batch := list(islice(lines, _BATCH)):
        understood: list[tuple[int, Row, Learnt]] = []
        for row in batch:
            line, told.rows = told.rows, told.rows + 1
            try:
                understood.append((line, row, rules.read(row)))
            except RefusedError as reason:
                told.refuse(row, str(reason))
                refused.append(line)
        if ruler is None:
            continue
        flat = [c for _, _, learnt in understood for c in learnt.conversations]
        measures = iter(ruler.measures(flat))
        for line, asked, learnt in understood:
            own = list(islice(measures, len(learnt.conversations)))
            try:
                _teaches(own, learnt, rules)
                told.cut += any(measure.tokens > rules.length for measure in own)
            except RefusedError as reason:
                told.refuse(asked, str(reason))
                refused.append(line)
    return sorted(refused)


def _teaches(measures: Sequence[Measure], learnt: Learnt, rules: _Rules) -> None:
    """Make sure that a row teaches its answers, or a part of them.

    Raises:
        RefusedError: it teaches nothing, or something else.

    """
    for measure in measures:
        if measure.control:
            raise RefusedError("a text that holds a control token of the tokenizer")
        if not measure.exact or not measure.learnt:
            raise RefusedError("masked whole: the chat template does not mark what the answers say")
        if not rules.kept(measure, learnt.last):
            raise RefusedError(NOTHING_LEFT)


def _ask_trl(
    asked: Sequence[tuple[Told, trl_itself.Task]], ruler: Ruler, length: int, scratch: Path
) -> None:
    """Let TRL load the files, and note what it says."""
    scratch.mkdir(mode=0o700)
    try:
        answers = trl_itself.ask([task for _, task in asked], ruler, length, scratch)
    finally:
        shutil.rmtree(scratch)
    for (told, task), answer in zip(asked, answers, strict=True):
        dropped = set(answer.pop("dropped"))
        for line, row in enumerate(rows_in(Path(task.path))):
            if line in dropped:
                told.refuse(row, NOTHING_LEFT)
        told.cut -= len(dropped)
        told.more = answer
