"""Two decisions beside each other: what differs in fates, findings, rules and checks, and why."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import WorkspaceError
from curator.project import Project
from curator.scaffold import bundled
from tests.conftest import run_line

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
name: shop
sources: [{path: qa.jsonl}]
workers: 1
checks: {pii: false, mentions: false, semantic_duplicates: false, contradictions: false,
  label_issues: false, category_labels: false, outliers: false, contamination: false,
  volatility: false, non_answers: false, language: false}
"""
ASKED = "退货的运费由谁承担？我是上周三下的单，收到之后发现尺码不对，包装还没有拆。"
TOLD = (
    "尺码问题退货，运费由买家承担；若是质量问题，由我们承担，请把照片发给客服，一两天内会有答复。"
)
ROWS = [
    (ASKED, TOLD),
    (ASKED, TOLD.replace("请把照片", "请您把照片")),
    ("When does the parcel leave?", "On the next working day, before six in the evening."),
]


def lay(folder: Path, rows: list[tuple[str, str]] = ROWS) -> Path:
    folder.mkdir()
    lines = [json.dumps({"question": q, "answer": a}, ensure_ascii=False) + "\n" for q, a in rows]
    (folder / "qa.jsonl").write_text("".join(lines), "utf-8")
    (folder / "curator.yaml").write_text(RECIPE, "utf-8")
    shutil.copytree(bundled(), folder / "rules", ignore=shutil.ignore_patterns("domains"))
    return folder


def decided(folder: Path) -> Project:
    project = Project(folder)
    project.ingest()
    project.check()
    project.decide()
    return project


def rule(folder: Path, old: str, new: str) -> None:
    policy = folder / "rules" / "policy.yaml"
    text = policy.read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay(tmp_path / "shop")


def test_a_threshold_that_was_raised_is_the_reason(project: Path) -> None:
    dropped = decided(project).decisions().to_pylist()
    assert sorted(row["action"] for row in dropped) == ["drop", "keep", "keep"]
    rule(project, "{code: DUP002, score_at_least: 0.65}", "{code: DUP002, score_at_least: 0.99}")
    found = decided(project).changes("previous")
    assert found.actions == {"keep": (2, 3), "review": (0, 0), "drop": (1, 0)}
    (one,) = found.records
    assert (one.before, one.after) == ("drop", "keep (instruction, rag)")
    assert (one.source, one.locator) in {("qa.jsonl", "line 1"), ("qa.jsonl", "line 2")}
    assert [told.en for told in one.why] == [
        "the rule near-duplicates changed: threshold 0.65 → 0.99"
    ]
    assert [told.zh for told in one.why] == ["规则 near-duplicates 已改：阈值 0.65 → 0.99"]
    (changed,) = found.rules
    assert (changed.name, changed.how) == ("near-duplicates", "changed")
    assert found.checks == ()
    assert {c.code: c.findings for c in found.codes}["DUP002"] == (1, 1)


def test_what_came_and_went_with_the_source_says_so(project: Path) -> None:
    decided(project)
    lines = (project / "qa.jsonl").read_text("utf-8").splitlines(keepends=True)
    more = '{"question": "周末有人吗？", "answer": "有，上午十点到下午四点。"}\n'
    (project / "qa.jsonl").write_text("".join([*lines[:2], more]), "utf-8")
    found = decided(project).changes("previous")
    why = {(r.before, r.after): [t.en for t in r.why] for r in found.records}
    assert why == {
        ("none", "keep (instruction, rag)"): ["a new record"],
        ("keep (instruction, rag)", "none"): ["the record is gone"],
    }


def test_another_projects_folder_and_a_check_that_was_off(project: Path, tmp_path: Path) -> None:
    decided(project)
    other = lay(tmp_path / "copy")
    off = RECIPE.replace("checks: {", "checks: {near_duplicates: false, ")
    (other / "curator.yaml").write_text(off, "utf-8")
    decided(other)
    found = Project(project).changes(str(other))
    assert [(c.name, c.how) for c in found.checks] == [("near_duplicates", "new")]
    (near,) = [c for c in found.codes if c.code == "DUP002"]
    assert near.findings == (None, 1)
    assert found.codes[0].code == "DUP002", "what differs comes first"
    (one,) = found.records
    assert [t.en for t in one.why] == ["the rule near-duplicates speaks of it now (DUP002)"]


def test_a_policy_that_was_not_kept_is_said_to_be_unknown(project: Path) -> None:
    decided(project)
    for kept in project.glob(".curator/decisions/*/policy.json"):
        kept.unlink()
    rule(project, "{code: DUP002, score_at_least: 0.65}", "{code: DUP002, score_at_least: 0.99}")
    found = decided(project).changes("previous")
    assert not found.policy_known
    assert [t.en for t in found.records[0].why] == [
        "the rule near-duplicates speaks of it no longer (DUP002)"
    ]


@pytest.mark.parametrize("asked", ["previous", "ffff", "no/such/folder"])
def test_what_is_not_there_is_told(project: Path, asked: str) -> None:
    decided(project)
    with pytest.raises(WorkspaceError, match=r"no earlier decision|no decision or project"):
        Project(project).changes(asked)


def test_the_command_tells_it_and_the_report_shows_it(project: Path) -> None:
    held: Any = decided(project).workspace.current_decision()
    rule(project, "{code: DUP002, score_at_least: 0.65}", "{code: DUP002, score_at_least: 0.99}")
    decided(project)
    done = run_line(f"curator report --against {held['id'][:6]}", project)
    assert "1 × drop → keep (instruction, rag): the rule near-duplicates changed" in done.stderr
    page = (project / "report.html").read_text("utf-8")
    section = page[page.index('<section id="against">') :].partition("</section>")[0]
    for said in ("阈值 0.65 → 0.99", "threshold 0.65 → 0.99", "舍弃", "退货的运费由谁承担"):
        assert said in section
    told = json.loads(run_line("curator report --against previous --json", project).stdout)
    assert told["against"]["changed"] == {"drop → keep (instruction, rag)": 1}
    run_line("curator report", project)
    assert 'id="against"' not in (project / "report.html").read_text("utf-8")
