"""What was erased is nowhere in the workspace, in no later export, and does not come back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from curator.erase import Wanted, erase
from curator.errors import GateError, VaultError, WorkspaceError
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.funnel import funnel
from curator.ingest import ingest
from curator.reviews import append
from curator.schema import Recipe, Source
from curator.types import Review
from curator.vault import create_key
from curator.workspace import Workspace
from tests.synthetic import POLICY, Made, conversation

if TYPE_CHECKING:
    from pathlib import Path

NAME, OTHER = "欧阳晓燕", "Jane Doe"


def everything(folder: Path) -> str:
    """Return all that can be read out of a folder, Parquet files unpacked."""
    texts = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        texts.append(path.read_bytes().decode("utf-8", "ignore"))
        if path.suffix == ".parquet":
            texts.append(str(pq.read_table(path).to_pylist()))
            texts += [
                row["raw"].decode("utf-8", "ignore")
                for row in pq.read_table(path).to_pylist()
                if "raw" in row
            ]
    return "\n".join(texts)


def project(tmp_path: Path) -> tuple[Workspace, Any, Recipe]:
    made = Made()
    for number, name in enumerate((NAME, OTHER, NAME, "李雷", "韩梅")):
        record = made.add(
            conversation(
                f"line {number}",
                ("user", f"我是{name}，想退货"),
                ("assistant", f"{name}您好，可以"),
            )
        )
        made.hide(record, 0, name, "[姓名1]", "PII001")
        made.hide(record, 1, name, "[姓名1]", "PII001")
    first, second = made.records[0], made.records[1]
    made.find("near_duplicates", second, "DUP002", 0.9, peer_id=first.id)
    made.quarantine = [
        {"source_uri": "chats.jsonl", "locator": f"line {n}", "reason": "broken JSON",
         "raw": raw, "n_units": 1}
        for n, raw in ((8, f"{{{NAME}".encode("gb18030")), (9, b"{nobody"))
    ]  # fmt: skip
    workspace, plan = made.lay(tmp_path / "project")
    create_key(tmp_path / "a.key")
    settings = {"style": "coded", "link": "project", "key_file": str(tmp_path / "a.key")}
    recipe = Recipe.model_validate({"name": "made", "pseudonyms": settings})
    export_instruction(workspace, recipe, POLICY, plan)
    export_rag(workspace, recipe, POLICY, plan)
    (workspace.cache / "x").mkdir(parents=True)
    (workspace.cache / "x" / "y.txt").write_text(NAME)
    return workspace, plan, recipe


def test_a_person_is_gone_from_every_corner_and_all_is_accounted_for(tmp_path: Path) -> None:
    workspace, plan, recipe = project(tmp_path)
    assert NAME in everything(workspace.store)
    assert list(workspace.cache.glob("chunks/*"))
    found = erase(workspace, recipe, Wanted(person="欧阳 晓燕".replace(" ", "")))
    assert (len(found.records), found.quarantined) == (2, 1)
    assert NAME not in everything(workspace.store)
    assert not list(workspace.cache.glob("chunks/*")), "nor is what was cut from erased records"
    assert NAME.encode("gb18030") not in b"".join(
        row["raw"]
        for path in (workspace.store / "quarantine").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    )
    assert OTHER in everything(workspace.store)
    told = funnel(workspace, POLICY)
    assert told["conserved"], told["problems"]
    assert told["set_aside_reasons"] == {"erased": 3}
    assert told["records"] == 3
    for check in plan.checks:
        for path in check.folder.glob("*.parquet"):
            rows = pq.read_table(path).to_pylist()
            assert not {r["record_id"] for r in rows} & set(found.records)
            assert not {r["peer_id"] for r in rows} & set(found.records)


def test_the_exports_that_held_it_are_told_and_the_log_has_no_content(tmp_path: Path) -> None:
    workspace, _, recipe = project(tmp_path)
    found = erase(workspace, recipe, Wanted(person=NAME))
    assert [(e["name"], e["rows"]) for e in found.exports] == [("instruction", 2), ("rag", 2)]
    log = (workspace.store / "erasures.jsonl").read_text("utf-8")
    assert NAME not in log
    entries = [json.loads(line) for line in log.splitlines()]
    assert [e["status"] for e in entries] == ["begun", "done"]
    assert entries[0]["records"] == found.records


def test_nothing_is_exported_on_the_old_decision(tmp_path: Path) -> None:
    workspace, plan, recipe = project(tmp_path)
    erase(workspace, recipe, Wanted(person=NAME))
    with pytest.raises(GateError, match="nothing is decided"):
        export_instruction(workspace, recipe, POLICY, plan)


def test_one_record_or_one_source(tmp_path: Path) -> None:
    workspace, _, recipe = project(tmp_path)
    first = pq.read_table(next(workspace.records.glob("*.parquet")))["id"].to_pylist()[0]
    assert erase(workspace, recipe, Wanted(record=first[:10])).records == [first]
    gone = erase(workspace, recipe, Wanted(source="chats.jsonl"))
    assert (len(gone.records), gone.quarantined) == (4, 2)
    told = funnel(workspace, POLICY)
    assert told["conserved"], told["problems"]
    assert told["records"] == 0


def test_what_is_not_there_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    workspace, _, recipe = project(tmp_path)
    before = everything(workspace.store)
    with pytest.raises(WorkspaceError, match="no such person"):
        erase(workspace, recipe, Wanted(person="张三丰"))
    assert everything(workspace.store) == before


def test_without_the_vaults_key_nothing_is_touched(tmp_path: Path) -> None:
    workspace, _, recipe = project(tmp_path)
    (tmp_path / "a.key").unlink()
    before = everything(workspace.store)
    with pytest.raises(VaultError):
        erase(workspace, recipe, Wanted(person=NAME))
    assert everything(workspace.store) == before


def test_a_half_done_erasure_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _, recipe = project(tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curator.erase._rewrite_tables", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(workspace, recipe, Wanted(person=NAME))
    erase(workspace, recipe, Wanted(person=NAME))
    assert NAME not in everything(workspace.store)
    assert "欧阳" not in everything(workspace.redacted)
    told = funnel(workspace, POLICY)
    assert told["conserved"], told["problems"]
    assert told["set_aside_reasons"] == {"erased": 3}


def test_a_source_that_changes_does_not_bring_it_back(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    source = tmp_path / "a.csv"
    rows = [f"我是{NAME}，几点开门,九点", "几点关门,五点", "在哪里,在城南"]
    source.write_text("问题,回答\n" + "\n".join(rows) + "\n", encoding="utf-8")
    recipe = Recipe(sources=(Source(path="a.csv"),))
    ingest(workspace, recipe)
    assert len(erase(workspace, recipe, Wanted(person=NAME)).records) == 1
    source.write_text("问题,回答\n新问题,新回答\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (manifest,) = ingest(workspace, recipe)
    assert manifest["units_set_aside"] == 2
    assert NAME not in everything(workspace.store)
    told = funnel(workspace, POLICY)
    assert (told["records"], told["set_aside_reasons"]) == (3, {"header": 1, "erased": 1})


def test_what_reviewers_said_of_a_person_goes_too(tmp_path: Path) -> None:
    workspace, _, recipe = project(tmp_path)
    ids = workspace.sql().sql("SELECT id FROM records ORDER BY locator").fetchall()
    about, other = ids[0][0], ids[3][0]
    append(
        workspace,
        [
            Review(record, "sha", question, text, "submitted", "ann", (), "1")
            for record, question, text in (
                (about, "verdict", "keep"),
                (about, "corrected_answer", "好的"),
                (other, "verdict", "drop"),
                (other, "comment", f"同{NAME}的那条一样"),
            )
        ],
    )
    found = erase(workspace, recipe, Wanted(person=NAME))
    assert found.reviews == 3
    left = [(r["record_id"], r["question"]) for r in workspace.reviews().to_pylist()]
    assert left == [(other, "verdict")]
    assert NAME not in everything(workspace.store)
