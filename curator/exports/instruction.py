"""The instruction dataset: conversations as `messages`, split into train, validation and test.

exports/instruction/<version>/
  train.jsonl  train.parquet  validation.jsonl  validation.parquet  test.…
  left_out.jsonl    the records that the mix and the splits leave out, where there are any
  provenance.jsonl  the duplicates that rows stand for, where there are any
  preferences.jsonl what reviewers corrected beside what stood there, where there is any
  README.md         the dataset card
  manifest.json
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curator.exports import card
from curator.exports.accounts import check_runs, conservation, verdict_counts
from curator.exports.arranged import arrange
from curator.exports.assigned import assigned
from curator.exports.chosen import choose, write_left_out
from curator.exports.dialogue import dialogue
from curator.exports.folder import Lines, RowFiles, building, dataset, verify, write_manifest
from curator.exports.formats import FORMATS, NoPlaceError, dataset_info
from curator.exports.handshake import Handshake
from curator.exports.hiding import hiding
from curator.exports.kept import kept
from curator.exports.leaks import gate_of, stop_leaks
from curator.exports.licensing import stop_licences
from curator.exports.merged import write_merged
from curator.exports.pool import Rows
from curator.exports.preferences import preference, write_preferences
from curator.exports.version import version_of
from curator.reviews import settled
from curator.splits import NAMES as SPLITS
from curator.splits.keys import question_keys
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import datasets

    from curator.check import Plan
    from curator.exports.dialogue import Dialogue
    from curator.exports.kept import Kept
    from curator.protocols import Progress
    from curator.schema import Policy, Recipe
    from curator.types import Record
    from curator.workspace import Workspace

NAME = "instruction"
EXPORTER_VERSION = "6"
ROWS = pa.schema(
    [
        ("id", pa.string()),
        (
            "messages",
            pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
        ),
        ("label", pa.string()),
        ("lang", pa.string()),
        ("source", pa.struct([("uri", pa.string()), ("locator", pa.string())])),
    ]
)


@dataclass
class _Seen(Rows):
    """What the first pass over the records notes for the split and for the manifest."""

    unusable: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    turns: list[int] = field(default_factory=list)
    source: list[card.SourceKey] = field(default_factory=list)
    lang: list[str] = field(default_factory=list)
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
        self.turns.append(len(spoken.turns))
        self.source.append(card.source_key(record))
        self.lang.append(record.lang)
        return True


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
            records are not all accounted for, or a file would show a private detail.
        WorkspaceError: the version lies there but was changed, or cannot be written.
    """
    params = recipe.exports.instruction
    said = params.model_dump(mode="json")
    request = version_of(
        workspace, recipe, plan, name=NAME, exporter_version=EXPORTER_VERSION, params=said
    )
    earlier = assigned(workspace, params.seed, str(request.facts["version"]))
    version = request.after(earlier.id)
    con = workspace.sql(plan.findings)
    stop_licences(con, recipe, NAME)
    if version.is_there():
        return version.target
    verdicts = settled(workspace, recipe, plan)
    with building(version.target) as folder, hiding(workspace, recipe) as hide:
        staged = folder / ".staged"
        staged.mkdir()
        parts = kept(con, plan, NAME, hide, verdicts)
        seen = _stage(parts, recipe, plan, staged, progress)
        chosen = choose(workspace, recipe, policy, plan, con, verdicts, seen, staged, earlier)
        arranged = arrange(staged, chosen.splits, chosen.ranks)
        rows, taken, left_out = _write(folder, arranged, params.formats)
        shutil.rmtree(staged)
        there = [split for split in SPLITS if rows.get(f"{split}.jsonl")]
        info = dataset_info(recipe.name, there, params.formats)
        text = json.dumps(info, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (folder / "dataset_info.json").write_text(text, encoding="utf-8")
        manifest = {
            **version.facts,
            "checks": check_runs(plan),
            "reviews": verdict_counts(verdicts),
            "conservation": conservation(
                con, policy, NAME, len(chosen), seen.unusable, chosen.left_out
            ),
            "turns": {
                "exported": sum(chosen.of(seen.turns)),
                "left_out": dict(sorted(seen.left_out.items())),
            },
            "splits": {split: rows[f"{split}.jsonl"] for split in chosen.splits},
            "leakage": chosen.leakage,
            "mix": chosen.mix,
            "formats": {name: dict(sorted(left_out[name].items())) for name in params.formats},
            "handshake": taken.facts(),
        }
        named, merged = write_merged(con, folder, set(chosen.of(seen.ids)))
        rows |= named
        rows |= write_preferences(folder, seen.preferences, chosen.splits)
        rows |= write_left_out(folder, chosen)
        title = "instruction dataset / 指令数据集"
        by_source, by_lang = Counter(chosen.of(seen.source)), Counter(chosen.of(seen.lang))
        about = card.about(title, version, manifest, con, by_source, by_lang, merged)
        (folder / "README.md").write_text(card.instruction_card(about), encoding="utf-8")
        card.write_croissant(folder, about, ROWS, rows)
        write_manifest(folder, manifest, rows)
        gate = gate_of(con, plan, policy, verdicts, (NAME,), hide.surrogates)
        stop_leaks(folder, NAME, gate)
        chosen.keep()
    return version.target


def _stage(
    parts: Iterable[list[Kept]],
    recipe: Recipe,
    plan: Plan,
    staged: Path,
    progress: Progress | None,
) -> _Seen:
    """Write the rows part by part, before it is known which split each belongs to."""
    seen = _Seen()
    prompt = recipe.exports.instruction.system_prompt
    for index, some in enumerate(parts):
        rows = []
        for one in some:
            spoken = dialogue(one.record)
            if seen.add(one.record, spoken):
                rows.append(_row(one.record, spoken, prompt))
                if one.before and (pair := preference(rows[-1], dialogue(one.before))):
                    seen.preferences.append(pair)
        pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), staged / f"{index:06d}.parquet")
        if progress:
            progress("export instruction", index + 1, len(plan.parts))
    return seen


def _row(record: Record, spoken: Dialogue, prompt: str | None) -> dict[str, Any]:
    """Return a record's row; a system prompt of its own stands before the recipe's."""
    system = spoken.system or prompt
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": turn.role, "content": turn.text} for turn in spoken.turns]
    return {
        "id": record.id,
        "messages": messages,
        "label": record.label,
        "lang": record.lang,
        "source": {
            "uri": record.provenance.source_uri,
            "locator": record.provenance.locator,
        },
    }


def _write(
    folder: Path, arranged: Mapping[str, Sequence[Path]], formats: Sequence[str]
) -> tuple[dict[str, int], Handshake, dict[str, Counter[str]]]:
    """Write each split's rows to its files.

    Returns:
        The rows of each file, which rows trainers would refuse, and for each further
        format how many rows it has no place for, by reason.

    """
    taken = Handshake()
    left_out: dict[str, Counter[str]] = {name: Counter() for name in formats}
    written: dict[str, int] = {}
    for split, paths in arranged.items():
        with ExitStack() as stack:
            files = stack.enter_context(RowFiles(folder, split, ROWS))
            more = {n: stack.enter_context(Lines(folder / f"{split}.{n}.jsonl")) for n in formats}
            for path in paths:
                rows = read_table(path).to_pylist()
                files.add(rows)
                for row in rows:
                    taken.look_at(row)
                    for name, lines in more.items():
                        try:
                            lines.add(FORMATS[name](row))
                        except NoPlaceError as reason:
                            left_out[name][str(reason)] += 1
        written |= dict.fromkeys(files.names, files.rows)
        written |= {f"{split}.{name}.jsonl": lines.rows for name, lines in more.items()}
    return written, taken, left_out


def load_instruction(path: Path | str) -> datasets.DatasetDict:
    """Load an exported version (or `exports/instruction/latest`) without network or cache.

    Raises:
        WorkspaceError: a file is missing or was changed since the export.
    """
    from datasets import DatasetDict  # noqa: PLC0415 - heavy, and only loading needs it

    folder = Path(path)
    there = verify(folder)["splits"]
    return DatasetDict({s: dataset(folder / f"{s}.parquet") for s in SPLITS if s in there})
