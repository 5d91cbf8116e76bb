"""`curator search`, `ask` and `eval rag` on the sample, as a user runs them; docs/rag.md, run."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.answering_server import serving
from tests.conftest import ROOT, run_line, run_python

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Curator = Callable[..., subprocess.CompletedProcess[str]]

PAGES = ["docs/rag.md", "docs/rag.zh-CN.md"]


@pytest.fixture(scope="module")
def project(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample project, in which an index may be built."""
    folder = tmp_path_factory.mktemp("search") / "demo-project"
    shutil.copytree(demo, folder, symlinks=True)
    return folder


def found(curator: Curator, *args: object) -> dict[str, Any]:
    return json.loads(curator("search", *args, "--json").stdout)  # type: ignore[no-any-return]


def test_search_cites_what_it_finds_in_both_languages(curator: Curator, project: Path) -> None:
    told = curator("search", "退货运费谁出？", "-p", project, "--top", 3)
    first = told.stdout.splitlines()[0]
    assert first.startswith("1. 《docs/refund_policy_zh.md》› ")
    assert "运费由谁承担 › 第 1 段" in first
    english = found(curator, "Who pays the tenancy deposit back?", "-p", project)
    assert english["hits"][0]["row"]["lang"] == "en"
    assert english["confidence"] > 0.75
    scores = [hit["score"] for hit in english["hits"]]
    assert scores == sorted(scores, reverse=True)
    again = curator("search", "退货运费谁出？", "-p", project, "--top", 3)
    assert again.stdout == told.stdout
    assert "embeddings" not in again.stderr  # the index is built once


def test_filters_narrow_the_search(curator: Curator, project: Path) -> None:
    asked = ("运费", "-p", project, "--top", 20)
    assert {hit["row"]["kind"] for hit in found(curator, *asked)["hits"]} == {
        "conversation",
        "document",
    }
    narrow = found(curator, *asked, "--kind", "document", "--lang", "zh", "--source", "*.md")
    assert narrow["hits"]
    for hit in narrow["hits"]:
        assert hit["row"]["kind"] == "document"
        assert hit["row"]["lang"] == "zh"
        assert hit["row"]["source_uri"].endswith(".md")
    assert not found(curator, *asked, "--source", "nowhere.md")["hits"]
    assert "no date" in curator("search", *asked, "--valid-on", "soon", code=2).stderr


def test_only_what_the_export_holds_is_found_and_the_index_holds_no_text(
    curator: Curator, project: Path
) -> None:
    chunks = (project / "exports/rag/latest/chunks.jsonl").read_text("utf-8").splitlines()
    ids = {json.loads(line)["id"] for line in chunks}
    hits = found(curator, "电话", "-p", project, "--top", 1000)["hits"]
    assert {hit["row"]["id"] for hit in hits} <= ids
    (index,) = (project / ".curator/cache/retrieval").iterdir()
    for path in index.iterdir():
        assert "运费".encode() not in path.read_bytes()
    # A damaged index is made again.
    (index / "windows.npy").write_bytes(b"")
    assert found(curator, "电话", "-p", project, "--top", 1000)["hits"] == hits


def test_what_is_not_there_is_told(curator: Curator, project: Path, tmp_path: Path) -> None:
    unsure = curator("search", "火星上有没有水？", "-p", project)
    assert "may not hold the answer" in unsure.stderr
    curator("init", tmp_path / "empty")
    missing = curator("search", "a", "-p", tmp_path / "empty", code=2)
    assert "no RAG corpus is exported yet" in missing.stderr
    assert "curator export rag" in missing.stderr
    assert "no model is named" in curator("ask", "运费", "-p", project, code=2).stderr


def test_ask_answers_with_citations_or_says_that_it_is_not_there(
    curator: Curator, project: Path
) -> None:
    with serving() as server:
        asked = ("--model", server.url, "-p", project)
        told = curator("ask", "退货运费谁出？", *asked)
        assert told.stdout.splitlines()[0] == "由商家承担 [1]。"
        assert told.stdout.splitlines()[1].startswith("[1] 《docs/refund_policy_zh.md》")
        assert len(told.stdout.splitlines()) == 2
        assert len(server.asked) == 1
        absent = json.loads(curator("ask", "火星上有没有水？", *asked, "--json").stdout)
        assert not absent["in_corpus"]
        assert absent["text"] == "资料库中没有相关内容。"
        assert len(server.asked) == 1  # no model is asked in vain
        low = json.loads(curator("ask", "火星上有没有水？", *asked, "--bar", 0, "--json").stdout)
        assert low["in_corpus"]
        assert len(server.asked) == 2


def test_eval_rag_compares_settings_and_keeps_the_bar(
    curator: Curator, project: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "recall.svg"
    compared = ("--fixed", 512, "--plot", plot, "-p", project, "--json")
    told = json.loads(curator("eval", "rag", *compared).stdout)
    own, fixed = told["settings"]
    assert (own["chunker"], fixed["chunker"]) == ("structure 300 units", "fixed 512 characters")
    for one in (own, fixed):
        hybrid, halves = one["scores"]["hybrid"], (one["scores"][m] for m in ("lexical", "dense"))
        assert hybrid["mrr"] >= max(half["mrr"] for half in halves)
        assert hybrid["recall"]["1"] <= hybrid["recall"]["5"] <= hybrid["recall"]["10"]
    assert plot.read_text("utf-8").count("<rect") == 9

    questions = project / "questions.jsonl"
    line = {
        "question": "退货运费谁出？",
        "answer": "来回运费由商家承担",
        "source": "refund_policy_zh.md",
    }
    questions.write_text(json.dumps(line, ensure_ascii=False), "utf-8")
    path = project / "curator.yaml"
    recipe = path.read_text("utf-8")
    for bar, code in ((1.0, 0), (1.0, 1)):
        if code:
            line["answer"] = "没有这句话"
            questions.write_text(json.dumps(line, ensure_ascii=False), "utf-8")
        changed = yaml.safe_load(recipe)
        changed.setdefault("exports", {}).setdefault("rag", {})["recall"] = {
            "at": 5,
            "at_least": bar,
            "questions": "questions.jsonl",
        }
        path.write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
        done = curator("eval", "rag", "-p", project, code=code)
        assert ("under the recipe's bar" in done.stderr) == bool(code)
    path.write_text(recipe, "utf-8")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_both_pages_tell_the_same_commands() -> None:
    for language in ("sh", "python", "yaml"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)


def test_the_commands_of_the_page_run(project: Path) -> None:
    commands = [line for block in blocks(PAGES[0], "sh") for line in block.splitlines() if line]
    assert commands.pop(0) == "curator demo demo-project"
    with serving() as server:
        for line in commands:
            run_line(line.replace("http://localhost:8000/v1", server.url), project.parent)
    for block in blocks(PAGES[0], "python"):
        assert "refund_policy_zh.md" in run_python(block, project.parent).stdout


def test_the_recipes_of_the_page_are_valid() -> None:
    from curator.schema import Recipe

    for block in blocks(PAGES[0], "yaml"):
        Recipe.model_validate(yaml.safe_load(block))
