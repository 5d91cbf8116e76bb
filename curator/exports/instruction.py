"""The instruction dataset: conversations as `messages`, split into train, validation and test.

exports/instruction/<version>/
  train.jsonl  train.parquet  validation.jsonl  validation.parquet  test.…
  train.<format>.jsonl …      the further formats, see `curator.exports.writing`
  dataset_info.json, <trainer>.yaml, chat_template.jinja, see `curator.exports.trainers`
  provenance.jsonl            the duplicates that rows stand for, where there are any
  left_out.jsonl              what the mix and the splits leave out, where there is any
  README.md                   the dataset card
  manifest.json
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import EmptyError
from curator.exports import card
from curator.exports.accounts import check_runs, conservation, verdict_counts
from curator.exports.arranged import in_order
from curator.exports.assigned import assigned
from curator.exports.chosen import choose, write_left_out
from curator.exports.dialogue import dialogue
from curator.exports.folder import building, dataset, verify, write_manifest
from curator.exports.handed import hand_over
from curator.exports.handshake.trl_itself import installed
from curator.exports.hiding import hiding
from curator.exports.kept import kept
from curator.exports.leaks import gate_of, stop_leaks
from curator.exports.licensing import stop_licences
from curator.exports.measures import Ruler
from curator.exports.merged import write_merged
from curator.exports.pool import Rows
from curator.exports.preferences import preference
from curator.exports.rows import row_schema, rows_of
from curator.exports.version import version_of
from curator.exports.writing import key_of
from curator.models import model_sha
from curator.protocols import silent
from curator.reviews import settled
from curator.splits import NAMES as SPLITS
from curator.splits.keys import question_keys
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import datasets

    from curator.check import Plan
    from curator.exports.dialogue import Dialogue
    from curator.exports.handed import Handed
    from curator.exports.kept import Kept
    from curator.protocols import Progress
    from curator.schema import InstructionExport, Policy, Recipe
    from curator.types import Record
    from curator.workspace import Workspace

NAME = "instruction"
EXPORTER_VERSION = "7"


@dataclass
class _Seen(Rows):
    """What the first pass over the records notes for the split and for the manifest."""

    unusable: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    facts: dict[str, tuple[card.SourceKey, str, int]] = field(default_factory=dict)
    preferences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: Record, spoken: Dialogue) -> bool:
        """Note a record; return whether it makes a row."""
        self.left_out.update(spoken.left_out)
        if not spoken.turns:
            self.unusable["no question with an answer"] += 1
            return False
        keys = question_keys(spoken.questions)
        self.keys += keys
        self.key_owners += [len(self.ids)] * len(keys)
        self.ids.append(record.id)
        self.facts[record.id] = (card.source_key(record), record.lang, len(spoken.turns))
        return True

    def choose(self, ids: Iterable[str]) -> None:
        """Note which records are exported; the others are accounted for elsewhere."""
        self.facts = {record: self.facts[record] for record in ids}

    def leave_out(self, ids: Collection[str], reason: str) -> None:
        """Note that records make no row after all."""
        for gone in ids:
            del self.facts[gone]
            self.unusable[reason] += 1

    @property
    def by_source(self) -> Counter[card.SourceKey]:
        """How many records of each source make rows."""
        return Counter(source for source, _, _ in self.facts.values())

    @property
    def by_lang(self) -> Counter[str]:
        """How many records of each language make rows."""
        return Counter(lang for _, lang, _ in self.facts.values())

    @property
    def turns(self) -> int:
        """How many turns the records that make rows have."""
        return sum(turns for _, _, turns in self.facts.values())


def export_instruction(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    progress: Progress | None = None,
) -> Path:
    """Write the instruction dataset of the current decision, and return its folder.

    Where that version lies there already, its files are verified instead.

    Raises:
        GateError: nothing is decided, the decision does not fit the findings, or
            records are not all accounted for, or a file would show a private detail, or
            no conversation is kept (EmptyError), or a trainer refuses rows and the recipe
            says stop, or a licence forbids the use.
        ModelError: the tokenizer that the recipe names is not there.
        WorkspaceError: the version lies there but was changed, or cannot be written.
    """
    how = recipe.exports.instruction
    request = version_of(
        workspace, recipe, plan, name=NAME, exporter_version=EXPORTER_VERSION, params=_params(how)
    )
    earlier = assigned(workspace, how.seed, str(request.facts["version"]))
    version = request.after(earlier.id)
    con = workspace.sql(plan.findings)
    stop_licences(con, recipe, NAME)
    if version.is_there():
        return version.target
    verdicts = settled(workspace, recipe, plan)
    ruler = Ruler(how.tokenizer) if how.tokenizer else None
    progress = progress or silent
    with building(version.target) as folder, hiding(workspace, recipe, NAME) as hide:
        staged = folder / ".staged"
        staged.mkdir()
        parts = kept(con, plan, NAME, hide, verdicts, workspace.source_shas())
        seen = _stage(parts, how, ruler, plan, staged, progress)
        if not seen.ids:
            raise _nothing(seen)
        chosen = choose(
            workspace, recipe, policy, plan, con, verdicts, seen, staged, earlier, ruler
        )
        if not len(chosen):
            raise EmptyError(
                "the mix leaves no row of the instruction dataset",
                "raise exports.instruction.mix.rows or tokens",
            )
        seen.choose(chosen.of(seen.ids))
        tables = in_order(staged, chosen.splits, chosen.ranks)
        splits = chosen.splits
        handed = hand_over(folder, tables, splits, recipe, seen.preferences, ruler, progress)
        seen.leave_out(_gone(tables, handed), "a trainer would not learn from it")
        shutil.rmtree(staged)
        rows = handed.written.rows
        manifest = {
            **version.facts,
            "checks": check_runs(plan),
            "reviews": verdict_counts(verdicts),
            "conservation": conservation(
                con, policy, NAME, len(seen.facts), seen.unusable, chosen.left_out
            ),
            "turns": {"exported": seen.turns, "left_out": dict(sorted(seen.left_out.items()))},
            "splits": {split: rows[f"{split}.jsonl"] for split in splits},
            "leakage": chosen.leakage,
            "mix": chosen.mix,
            **handed.facts(),
        }
        named, merged = write_merged(con, folder, seen.facts.keys())
        rows |= named
        rows |= write_left_out(folder, chosen)
        title = "instruction dataset / 指令数据集"
        about = card.about(title, version, manifest, con, seen.by_source, seen.by_lang, merged)
        (folder / "README.md").write_text(card.instruction_card(about), encoding="utf-8")
        card.write_croissant(folder, about, row_schema(how), rows, tuple(splits))
        write_manifest(folder, manifest, rows)
        looked = workspace.cache / "leaks" / NAME
        gate = gate_of(con, plan, policy, verdicts, (NAME,), hide.surrogates, looked)
        stop_leaks(folder, NAME, gate)
        chosen.keep()
    return version.target


def _params(how: InstructionExport) -> dict[str, Any]:
    """Return what a version depends on: the recipe's wishes, the tokenizer and who is asked.

    A tokenizer is named without the place where it lies.
    """
    params = how.model_dump(mode="json")
    if how.tokenizer is None:
        return params
    params["tokenizer"] = {
        "name": Path(how.tokenizer).name,
        "sha": model_sha("tokenizer", how.tokenizer),
    }
    asked = installed() if "trl" in how.trainers else None
    return params | {"trl": asked}


def _stage(
    parts: Iterable[list[Kept]],
    how: InstructionExport,
    ruler: Ruler | None,
    plan: Plan,
    staged: Path,
    progress: Progress,
) -> _Seen:
    """Write the rows part by part, before it is known which split each belongs to."""
    seen = _Seen()
    most = how.max_tokens
    fits = partial(ruler.fits, most=most) if ruler and most is not None else None
    whole = how.model_copy(update={"turns": "whole"})
    for index, some in enumerate(parts):
        rows = []
        for one in some:
            spoken = dialogue(one.record)
            if seen.add(one.record, spoken):
                rows += rows_of(one.record, spoken, how, fits)
                if one.before:
                    (row,) = rows_of(one.record, spoken, whole)
                    if pair := preference(row, dialogue(one.before)):
                        seen.preferences.append(pair)
        table = pa.Table.from_pylist(rows, schema=row_schema(how))
        pq.write_table(table, staged / f"{index:06d}.parquet")
        progress("export instruction", index + 1, len(plan.parts))
    return seen


def _nothing(seen: _Seen) -> EmptyError:
    """Return the error that nothing is selected for the export, with why."""
    unusable = "; ".join(f"{n} with {reason}" for reason, n in seen.unusable.items())
    return EmptyError(
        "no conversation is kept for the instruction dataset"
        + (f" ({unusable})" if unusable else ""),
        "see where records went: curator status; what decides: rules/policy.yaml, curator decide",
    )


def _gone(staged: Iterable[Path], handed: Handed) -> set[str]:
    """Return the records whose rows are all left out."""
    if not handed.left_out:
        return set()
    touched = {record for record, _ in handed.left_out}
    rows = (row for path in staged for row in read_table(path).to_pylist())
    stay = {row["id"] for row in rows if key_of(row) not in handed.left_out}
    return touched - stay


def load_instruction(path: Path | str) -> datasets.DatasetDict:
    """Load an exported version (or `exports/instruction/latest`) without network or cache.

    Raises:
        WorkspaceError: a file is missing or was changed since the export.
    """
    from datasets import DatasetDict  # noqa: PLC0415 - heavy, and only loading needs it

    folder = Path(path)
    there = verify(folder)["splits"]
    return DatasetDict({s: dataset(folder / f"{s}.parquet") for s in SPLITS if s in there})
