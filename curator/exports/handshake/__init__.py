"""Would a trainer take each row? Asked before training, where some trainers skip in silence.

Each file is loaded again as its consumer would: as TRL does it, by TRL where it is installed
and a tokenizer is named; as LLaMA-Factory and axolotl do it, by rules of ours from their
documents, since neither can be installed beside us. A row that would be skipped, masked whole
or truncated to nothing is named with its reason.
"""

from __future__ import annotations

import shutil
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

    from numpy.typing import NDArray

    from curator.exports.handshake.conversations import Learnt
    from curator.exports.measures import Measure, Ruler
    from curator.exports.writing import Written
    from curator.protocols import Progress
    from curator.schema import InstructionExport

    Row = Mapping[str, Any]
    Read = Callable[[Row], Learnt]
    Kept = Callable[[NDArray[Any], int, bool], tuple[int, int]]

__all__ = ["Told", "shake_hands"]

_TRAINED = ("messages", "prompt_completion")
_COMPARED = ("preferences", "kto")
_BATCH = 1000


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
        read, kept = _rules(trainer, kind, how, length, itself=itself)
        refused = _ask(told, folder / file, read, kept, ruler)
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


def _rules(
    trainer: str, kind: Any, how: InstructionExport, length: int, *, itself: bool
) -> tuple[Read, Kept]:
    """Return how a trainer reads a row, and what it keeps of one that was measured.

    `itself`: whether the trainer is asked after that, and says itself of what nothing is left.
    """
    if trainer == "llamafactory":
        history = how.turns != "whole"
        return partial(llamafactory.read, entry=kind), lambda pairs, _, last: llamafactory.kept(
            pairs, length, last=last, history=history
        )
    if trainer == "axolotl":
        return axolotl.read, lambda pairs, tokens, last: axolotl.kept(
            pairs, tokens, length, last=last
        )
    most = length if kind in _TRAINED else 10**9

    def kept(pairs: NDArray[Any], _: int, last: bool) -> tuple[int, int]:  # noqa: FBT001 - see Kept
        after, before = trl_rules.kept(pairs, most, last=last)
        return max(after, itself), before

    return trl_rules.read, kept


def _ask(told: Told, path: Path, read: Read, kept: Kept, ruler: Ruler | None) -> list[int]:
    """Ask about each row of a file; return the lines, from 0, that are refused."""
    refused: list[int] = []
    lines = rows_in(path)
    while batch := list(islice(lines, _BATCH)):
        understood: list[tuple[int, Row, Learnt]] = []
        for row in batch:
            line, told.rows = told.rows, told.rows + 1
            try:
                understood.append((line, row, read(row)))
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
                told.cut += _is_cut(own, learnt, kept)
            except RefusedError as reason:
                told.refuse(asked, str(reason))
                refused.append(line)
    return sorted(refused)


def _is_cut(measures: Sequence[Measure], learnt: Learnt, kept: Kept) -> bool:
    """Whether a part of what a row teaches is cut off.

    Raises:
        RefusedError: all of it is, or it teaches something else than its answers.

    """
    cut = False
    for measure in measures:
        if measure.control:
            raise RefusedError("a text that holds a control token of the tokenizer")
        if not measure.exact or not measure.learnt:
            raise RefusedError("masked whole: the chat template does not mark what the answers say")
        after, before = kept(measure.pairs, measure.tokens, learnt.last)
        if not after:
            raise RefusedError(NOTHING_LEFT)
        cut |= after < before
    return cut


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
