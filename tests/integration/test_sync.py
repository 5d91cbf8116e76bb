"""A source changes, a person is erased, a server is down: the vector table follows the corpus."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import lancedb
import pytest

from tests.tables import held, target

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Curator = Callable[..., subprocess.CompletedProcess[str]]

PERSON = "欧阳晓燕"
RECIPE = """\
name: shop
sources: [{path: docs}, {path: chat.jsonl}]
checks: {near_duplicates: false, semantic_duplicates: false, contradictions: false,
  label_issues: false, contamination: false, category_labels: false, outliers: false,
  volatility: false}
workers: 1
exports: {rag: {targets: [lancedb]}}
"""
GUIDE = (
    "# 退货指南\n\n## 运费\n\n七天之内退货，运费由卖家承担。\n\n## 发票\n\n发票在订单页面下载。\n"
)
CHAT = [
    ("退货要多少天？", "您好，签收之后七天之内可以申请退货，商品要完好。"),
    ("How long do I have to return it?", "You have seven days after delivery to return it."),
    ("发票在哪里下载？", "您好，请在订单页面点击发票下载，保存即可。"),
    (f"我叫{PERSON}，我的包裹到哪里了？", f"{PERSON}您好，包裹明天上午会送到您家门口。"),
]


def lines(chat: list[tuple[str, str]]) -> str:
    rows = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in chat
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture(scope="module")
def laid(curator: Curator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has been run once, its vector table made."""
    root = tmp_path_factory.mktemp("sync") / "shop"
    (root / "docs").mkdir(parents=True)
    (root / "curator.yaml").write_text(RECIPE, "utf-8")
    (root / "docs" / "guide.md").write_text(GUIDE, "utf-8")
    (root / "docs" / "about.md").write_text("# About\n\nThe shop sells lamps.\n", "utf-8")
    (root / "chat.jsonl").write_text(lines(CHAT), "utf-8")
    done = curator("run", root)
    assert "lancedb exports/tables/lancedb (shop)" in done.stdout
    return root


@pytest.fixture
def project(laid: Path, tmp_path: Path) -> Path:
    return shutil.copytree(laid, tmp_path / "shop", symlinks=True)


def again(curator: Curator, project: Path) -> None:
    for step in ("ingest", "check", "decide"):
        curator(step, "--project", project)


def exported(curator: Curator, project: Path, name: str, *more: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        curator("export", name, "--project", project, "--json", *more).stdout
    )
    return said


def texts(project: Path) -> list[str]:
    return sorted(text for text, _ in held(target("lancedb", ""), project).values())


def test_a_changed_source_changes_its_chunks_alone(curator: Curator, project: Path) -> None:
    guide = GUIDE.replace("七天", "三十天")
    (project / "docs" / "guide.md").write_text(guide, "utf-8")
    (project / "chat.jsonl").write_text(lines([CHAT[1], *CHAT[2:]]), "utf-8")
    again(curator, project)
    status = json.loads(curator("status", "--project", project, "--json").stdout)
    assert [(s["source"], s["why"], len(s["records"])) for s in status["stale"]] == [
        ("chat.jsonl", "changed", 1)
    ]
    after = exported(curator, project, "rag")
    assert after["stale"] == status["stale"]
    (counts,) = after["targets"]
    assert counts["unchanged"] == 1, "about.md, and nothing of what moved or was changed"
    assert any("三十天" in text for text in texts(project))
    assert not any("七天之内退货" in text for text in texts(project))
    told = curator("export", "rag", "--project", project)
    assert "the latest instruction export: chat.jsonl has changed since: 1 record is" in told.stderr
    told = curator("export", "instruction", "--project", project)
    assert "the version before: chat.jsonl has changed since" in told.stderr
    grown = held(target("lancedb", ""), project)
    shutil.rmtree(project / "exports" / "tables")
    after = exported(curator, project, "rag")
    assert held(target("lancedb", ""), project) == grown, "as one built from nothing"
    assert after["stale"] == []


def test_a_person_who_is_erased_is_in_no_export_and_in_no_table(
    curator: Curator, project: Path
) -> None:
    told = curator("erase", "--person", PERSON, "--project", project)
    assert "these vector tables hold them still" in told.stderr
    assert "lancedb exports/tables/lancedb (shop)" in told.stdout
    old = [p for p in (project / "exports").glob("*/*") if p.parent.name != "tables"]
    parcel = "包裹明天上午会送到"
    assert parcel in " ".join(texts(project))
    (project / "chat.jsonl").write_text(lines(CHAT[:3]), "utf-8")
    curator("run", project)
    for folder in old:  # they may have been handed on, so deleting them is for the user
        if folder.is_symlink():
            continue
        if folder.resolve() != (folder.parent / "latest").resolve():
            shutil.rmtree(folder)
    for said in (PERSON, parcel):
        for encoded in (said.encode(), said.encode("utf-16-le")):
            for path in [p for p in project.rglob("*") if p.is_file()]:
                if path.name != "chat.jsonl":
                    assert encoded not in path.read_bytes(), path
    assert parcel not in " ".join(texts(project))
    table = lancedb.connect(project / "exports/tables/lancedb").open_table("shop")
    assert len(table.list_versions()) == 1


def test_a_server_that_is_down_is_told_in_two_lines(curator: Curator, project: Path) -> None:
    recipe = RECIPE.replace("[lancedb]", "[{kind: qdrant, url: 'http://127.0.0.1:9'}, lancedb]")
    (project / "curator.yaml").write_text(recipe, "utf-8")
    done = curator("export", "rag", "--project", project, code=2)
    error = done.stderr.strip().splitlines()[-2:]
    assert error[0].startswith("error: qdrant http://127.0.0.1:9 (shop) does not answer")
    assert "goes on where it stopped" in error[1]
