"""`diff`: what differs between two versions, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import WorkspaceError
from curator.exports.diff import diff
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.exports.versions import written
from tests.synthetic import POLICY, Made, conversation, recipe
from tests.unit.test_splits import said

if TYPE_CHECKING:
    from pathlib import Path

    from curator.exports.diff import Difference
    from curator.types import Record

FAR = {"action": "drop", "instruction": False, "rag": False}


def talk(n: int, answer: str = "", locator: str = "", **more: Any) -> Record:
    turns = (("user", said(n)), ("assistant", answer or f"答{said(n + 400)}"))
    return conversation(locator or f"line {n}", *turns, **more)


def made(*records: Record, **fates: dict[str, Any]) -> Made:
    found = Made()
    for record in records:
        found.add(record, **fates.get(record.provenance.locator.replace(" ", "_"), {}))
    return found


def compared(
    tmp_path: Path, before: Made, after: Made, export: Any = export_instruction, **asked: Any
) -> Difference:
    folders = []
    for lay, params in ((before, {}), (after, asked)):
        workspace, plan = lay.lay(tmp_path, part_size=64)
        folders.append(export(workspace, recipe(**params), POLICY, plan))
    a, b = (written(workspace, str(folder)) for folder in folders)
    return diff(workspace, a, b, text=True)


def told(found: Difference) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {change.locator: (change.how, change.why) for change in found.changes}


def test_what_was_added_removed_and_edited_and_why(tmp_path: Path) -> None:
    talks = [talk(n) for n in range(12)]
    before = made(
        *talks,
        line_2=FAR | {"rule_ids": ["no-answer"]},
        line_3={
            "action": "review",
            **dict.fromkeys(("instruction", "rag"), False),
            "rule_ids": ["doubtful-answer"],
        },
    )
    after = made(
        *(t for t in talks if t.provenance.locator not in {"line 6", "line 8"}),
        talk(8, "另一个回答，改过了。", "line 8"),
        talk(20),
        line_4=FAR | {"survivor_id": talks[5].id, "rule_ids": ["near-duplicates"]},
        line_9={"instruction": False, "rule_ids": ["stale-knowledge"]},
    )  # fmt: skip
    found = compared(tmp_path, before, after)
    assert told(found) == {
        "line 2": ("added", ("decision: dropped (then)", "rule: no-answer (then)")),
        "line 3": ("added", ("decision: held for review (then)", "rule: doubtful-answer (then)")),
        "line 4": (
            "removed",
            (f"decision: dropped as a duplicate of {talks[5].id}", "rule: near-duplicates"),
        ),
        "line 6": ("removed", ("source: the record is gone",)),
        "line 8": ("edited", ("source: says something else in that place",)),
        "line 9": ("removed", ("decision: kept, but not for instruction", "rule: stale-knowledge")),
        "line 20": ("added", ("source: a new record",)),
    }
    assert found.counts() == {"added": 3, "removed": 3, "edited": 1, "relocated": 0}
    assert found.unchanged == 6
    (edited,) = [c for c in found.changes if c.how == "edited"]
    assert edited.before == talks[8].id
    assert edited.lines == (f"-assistant: 答{said(408)}", "+assistant: 另一个回答，改过了。")


def test_an_edit_that_a_finding_asks_for_is_told_with_its_code(tmp_path: Path) -> None:
    record = talk(1, "请到老地方七号桌找我们。")
    before, after = made(record, talk(2)), made(record, talk(2))
    after.hide(record, 1, "老地方七号桌", "[地址1]", "PII005")
    found = compared(tmp_path, before, after)
    assert told(found) == {"line 1": ("edited", ("finding: PII005: left as it is → replaced",))}
    assert found.changes[0].lines[1] == "+assistant: 请到[地址1]找我们。"


def test_settings_the_mix_and_another_place_in_the_source(tmp_path: Path) -> None:
    before = made(*(talk(n) for n in range(8)))
    after = made(*(talk(n, locator=f"line {n + 1}") for n in range(8)))
    mixed = compared(
        tmp_path / "a", before, after, instruction={"mix": {"rows": 6, "select": "best"}}
    )
    assert mixed.counts() == {"added": 0, "removed": 2, "edited": 0, "relocated": 6}
    # By its new id it was left out by the mix; of the old one no more is known than this.
    assert mixed.causes()["removed"] == {"source: the record is gone": 2}
    same = made(*(talk(n) for n in range(8)))
    left = compared(
        tmp_path / "b", before, same, instruction={"mix": {"rows": 6, "select": "best"}}
    )
    assert left.causes() == {"removed": {"mix: over the budget": 2}}
    assert left.settings == ("mix",)
    spoken = compared(tmp_path / "c", before, same, instruction={"system_prompt": "请友善。"})
    assert spoken.causes() == {"edited": {"settings: system_prompt": 8}}


def test_a_corpus_is_compared_record_by_record(tmp_path: Path) -> None:
    before, after = made(*(talk(n) for n in range(4))), made(*(talk(n) for n in range(1, 5)))
    found = compared(tmp_path, before, after, export_rag)
    assert told(found) == {
        "line 0": ("removed", ("source: the record is gone",)),
        "line 4": ("added", ("source: a new record",)),
    }
    json.dumps(found.facts())


def test_a_version_is_found_by_what_people_call_it(tmp_path: Path) -> None:
    workspace, plan = made(*(talk(n) for n in range(6))).lay(tmp_path, part_size=64)
    folders = [
        export(workspace, recipe(), POLICY, plan) for export in (export_instruction, export_rag)
    ]
    for folder, asked in ((folders[0], "instruction/latest"), (folders[1], "rag/latest")):
        assert written(workspace, asked).folder == folder
        assert written(workspace, folder.name[:8]).folder == folder
        assert written(workspace, f"{asked.split('/')[0]}/{folder.name[:5]}").folder == folder
    for asked, message in (
        ("nothing", "no such version"),
        ("", "no such version"),
        ("latest", "no such version"),
    ):
        with pytest.raises(WorkspaceError, match=message):
            written(workspace, asked)
    with pytest.raises(WorkspaceError) as raised:
        diff(workspace, written(workspace, "instruction/latest"), written(workspace, "rag/latest"))
    assert raised.value.hint == "compare two versions of one kind"
