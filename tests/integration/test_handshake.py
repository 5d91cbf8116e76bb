"""The handshake by the real command, on real conversations; and what goes wrong, in two lines."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from curator.project import Project
from curator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETS = {
    "toyhom": "medical/toyhom_neike_sample_raw",
    "kdconv": "chat/kdconv_zh",
    "alpaca": "instruct/alpaca_en_original_vs_corrected",
}
ROWS = 60
SLOW = (
    "pii", "mentions", "quality", "language", "non_answers", "volatility", "semantic_duplicates",
    "contamination", "contradictions", "label_issues", "category_labels", "outliers",
)  # fmt: skip
"""Checks that load models or take long; this is about what is exported after them."""


def ready(folder: Path, **how: Any) -> Path:
    """Turn slow checks off in a project that was just made, and decide."""
    path = folder / "curator.yaml"
    recipe = yaml.safe_load(path.read_text("utf-8"))
    recipe["checks"] = dict.fromkeys(SLOW, False)
    recipe["exports"]["instruction"] |= how
    recipe["workers"] = 1
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    project = Project(folder)
    project.ingest()
    project.check()
    project.decide()
    return folder


def test_trainers_take_what_real_conversations_become(
    curator: Callable[..., Any], real_data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("trl")
    sources: list[object] = []
    for name, path in SETS.items():
        with gzip.open(real_data / f"{path}.jsonl.gz", "rt", encoding="utf-8") as lines:
            source = tmp_path / f"{name}.jsonl"
            source.write_text("".join(itertools.islice(lines, ROWS)), encoding="utf-8")
            sources += ["--from", source]
    folder = tmp_path / "p"
    curator("init", folder, *sources)
    ready(folder, max_tokens=256, tokenizer="qwen")
    asked = ("prompt_completion", "sharegpt", "alpaca", "kto")
    options = [word for name in asked for word in ("--format", name)]
    told = json.loads(curator("export", "instruction", "-p", folder, *options, "--json").stdout)
    answers = told["handshake"]["told"]
    # 2 splits; LLaMA-Factory reads four formats, axolotl one, TRL three.
    assert len(answers) == 2 * (4 + 1 + 3)
    figures = told["tokens"]
    assert figures["train"]["rows"] + figures["validation"]["rows"] >= 0.95 * len(SETS) * ROWS
    for answer in answers:
        assert (answer["by"] == "trl 1.16.0") == (answer["trainer"] == "trl")
        refused = sum(map(len, answer["refused"].values()))
        assert answer["taken"] == answer["rows"] - refused
        # Nothing is wrong with these but the length of a few single exchanges.
        assert all(re.search("sequence_len|nothing", why) for why in answer["refused"])
        if answer["trainer"] == "trl" and re.fullmatch(r"\w+\.jsonl", answer["file"]):
            split = figures[answer["file"].partition(".")[0]]
            assert answer["format"] == "conversational language modeling"
            longer = split["longest"] > 256
            assert (answer["tokens"] < split["tokens"]) == longer
            assert (answer["learnt"] < split["learnt"]) == longer
    # What is too long is cut between exchanges: long talks become several rows, and no answer of
    # a talk is lost.
    pieces = [
        json.loads(line)["piece"]
        for line in (folder / "exports/instruction/latest/train.jsonl").open()
    ]
    assert max(pieces) > 1


@pytest.fixture(scope="module")
def project(curator: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("wrong")
    rows = [
        {"question": f"第{n}种票据要保存多久？", "answer": f"要保存{n}年。"} for n in range(1, 9)
    ]
    (base / "qa.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    curator("init", base / "p", "--from", base / "qa.jsonl")
    return ready(base / "p")


def wrong(done: Any, code: int, *told: str) -> None:
    """An error of two lines, no traceback."""
    assert done.returncode == code, done.stderr
    lines = [
        line for line in done.stderr.splitlines() if not re.match(r"[\w ]+: \d+/\d+ parts", line)
    ]
    assert len(lines) == 2, done.stderr
    for part in told:
        assert part in done.stderr


def test_what_goes_wrong_is_told_and_nothing_is_written(
    curator: Callable[..., Any], project: Path
) -> None:
    def export(*options: object) -> Any:
        return curator("export", "instruction", "-p", project, *options, code=None)

    wrong(export("--tokenizer", "Qwen/Qwen3-8B"), 2, "no such tokenizer here", "qwen")
    wrong(export("--format", "parrot"), 2, "exports.instruction.formats[0]", "sharegpt")
    with Workspace(project).lock():
        wrong(export(), 2, "in use by another curator process")
    path = project / "curator.yaml"
    before = path.read_text("utf-8")
    path.write_text(before.replace("near_duplicates", "near").replace("checks:", "checks:\n  near_duplicates: {floor: 0.4}"), "utf-8")  # fmt: skip
    try:
        wrong(export(), 1, "near_duplicates", "run: curator check")
    finally:
        path.write_text(before, encoding="utf-8")
    left = project / "exports" / "instruction"
    assert not left.exists() or not list(left.iterdir())


def test_options_hold_for_one_export(curator: Callable[..., Any], project: Path) -> None:
    done = curator("export", "instruction", "-p", project, "-f", "alpaca")
    folder = project / "exports" / "instruction" / "latest"
    assert (folder / "train.alpaca.jsonl").exists()
    assert "train.alpaca.jsonl" in done.stderr
    curator("export", "instruction", "-p", project)
    assert not (folder / "train.alpaca.jsonl").exists()


def test_documents_alone_make_a_corpus_and_no_instructions(
    curator: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "guide.md").write_text("# 发热护理\n\n多饮水，注意休息。\n", encoding="utf-8")
    curator("init", tmp_path / "p", "--from", tmp_path / "guide.md")
    folder = ready(tmp_path / "p")
    told = json.loads(curator("run", folder, "--json").stdout)
    assert "rag" in told["outputs"]
    assert "instruction" not in told["outputs"]
    done = curator("export", "instruction", "-p", folder, code=None)
    wrong(done, 1, "no conversation is kept", "curator status")
