"""Near-duplicates across sets: what lies outside the project, and that none of it is written."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.check import plan
from curator.checks.near_duplicates import NearDuplicates
from curator.engine import LocalEngine
from curator.errors import RecipeError
from curator.project import Project
from curator.protocols import Scope
from curator.rules import load_rules
from curator.schema import Recipe
from curator.similarity.scanning import shingle_sets
from curator.tables import records_table
from curator.types import Part, Provenance, Record
from curator.workspace import Workspace, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = [
    "平时要注意保湿，洗澡水温不要太高，洗完及时涂抹润肤霜，衣物选择纯棉宽松的。",
    "Turn off the machine and let it cool down, then pull out the old filter and rinse it with clean water. ",
    "请先检查 WiFi 是否正常，再到设置里清理 cache，然后重启 App，仍然不行请联系 support 人员。",
    "体温超过38.5度时可以服用布洛芬，不要超过每天4次，饭后服用，多喝温水，注意休息。",
]
TEXTS = st.lists(
    st.lists(
        st.sampled_from([*LONG, "谢谢。", "38", "度", "不", "please ", "，"]),
        min_size=1,
        max_size=5,
    ).map("".join),
    min_size=1,
    max_size=12,
)


def lines(texts: Sequence[str]) -> str:
    rows = ({"messages": [{"role": "user", "content": text}]} for text in texts)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def told(
    texts: Sequence[str],
    files: Sequence[Path],
    folder: Path,
    *,
    size: int = 99,
    workers: int = 1,
    earlier: int = 0,
) -> list[tuple[Any, ...]]:
    """What the check tells of the reference; with `earlier`, after it ran on so many parts alone."""
    records = [
        Record(f"r{i:02d}", "conversation", (Part("user", t),), "und", Provenance("s", "0", str(i)))
        for i, t in enumerate(texts)
    ]
    parts = []
    for low in range(0, len(records), size):
        parts.append(folder / "view" / f"s-{low:04d}.parquet")
        write_table(parts[-1], records_table(records[low : low + size]))
    check = NearDuplicates(against=tuple(str(f) for f in files))
    with LocalEngine(workers) as engine:
        if earlier:
            list(check.run(Scope(engine, tuple(parts[:earlier]), folder / "cache", folder / "e")))
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases")
        return [
            (f.record_id, f.code, round(f.score, 6), tuple(sorted(f.evidence.items())))
            for f in check.run(scope)
            if f.code in ("DUP004", "DUP006")
        ]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(TEXTS, TEXTS, st.integers(1, 5))
def test_what_is_told_is_true_and_does_not_depend_on_parts_or_on_what_came_before(
    texts: list[str], outside: list[str], size: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "outside.jsonl"
        file.write_text(lines(outside), encoding="utf-8")
        whole = told(texts, [file], folder / "one")
        assert told(texts, [file], folder / "many", size=size) == whole
        assert told(texts, [file], folder / "again", size=size, earlier=1) == whole
    sets = [
        set(s.values.tolist()) for s in (shingle_sets([[("user", t)]]) for t in [*texts, *outside])
    ]
    ours, theirs = sets[: len(texts)], sets[len(texts) :]
    best = {code: {} for code in ("DUP004", "DUP006")}  # type: dict[str, dict[str, Any]]
    for record, code, score, evidence in whole:
        best[code][record] = score, dict(evidence)
    for i, mine in enumerate(ours):
        score, evidence = best["DUP004"].get(f"r{i:02d}", (0.0, {}))
        likest = max(len(mine & s) / max(1, len(mine | s)) for s in theirs)
        if evidence.get("relation") == "near":
            other = theirs[int(str(evidence["item"]).split()[-1]) - 1]
            assert evidence["jaccard"] == round(len(mine & other) / len(mine | other), 4)
        if mine and mine in theirs:
            assert score == 1.0
        if mine and likest >= 0.9:
            assert f"r{i:02d}" in best["DUP004"]
    for record, (_, evidence) in best["DUP006"].items():
        mine, other = ours[int(record[1:])], theirs[int(str(evidence["item"]).split()[-1]) - 1]
        assert evidence["containment"] == round(len(mine & other) / len(mine), 4)
        assert 20 <= len(mine) < len(other)


def test_workers_make_no_difference(tmp_path: Path) -> None:
    texts = [LONG[i % 4] + "然后" * (i % 3) + LONG[(i * 3 + 1) % 4] * (i % 2) for i in range(40)]
    file = tmp_path / "outside.jsonl"
    file.write_text(lines([LONG[i % 4] + LONG[(i + 1) % 4] for i in range(9)]), encoding="utf-8")
    one = told(texts, [file], tmp_path / "one", size=7)
    assert {code for _, code, *_ in one} == {"DUP004", "DUP006"}
    assert told(texts, [file], tmp_path / "two", size=7, workers=2) == one


def test_a_difference_in_a_number_lowers_the_score_and_a_better_row_wins(tmp_path: Path) -> None:
    file = tmp_path / "outside.jsonl"
    other = LONG[3].replace("38.5", "39.5")
    file.write_text(lines([other, "您好，" + LONG[3] + "谢谢您"]), encoding="utf-8")
    ((_, code, score, evidence),) = told([LONG[3]], [file], tmp_path / "both")
    assert (code, dict(evidence)["item"], dict(evidence)["numbers_differ"]) == (
        "DUP004",
        "line 2",
        False,
    )
    assert score > 0.65
    file.write_text(lines([other]), encoding="utf-8")
    ((_, _, score, evidence),) = told([LONG[3]], [file], tmp_path / "one")
    assert (score, dict(evidence)["numbers_differ"]) == (0.64, True)


def test_a_line_that_is_no_record_is_compared_by_its_text(tmp_path: Path) -> None:
    file = tmp_path / "outside.jsonl"
    file.write_text(lines(["something else"]) + LONG[0] + "\n", encoding="utf-8")
    ((_, code, score, evidence),) = told([LONG[0]], [file], tmp_path / "a")
    assert (code, score, dict(evidence)["item"]) == ("DUP004", 1.0, "line 2")


# --- projects ---------------------------------------------------------------------------

RECIPE = {
    "name": "made",
    "sources": [{"path": "chats.jsonl"}],
    "checks": dict.fromkeys(
        (
            "pii",
            "quality",
            "language",
            "non_answers",
            "volatility",
            "semantic_duplicates",
            "contamination",
            "contradictions",
            "label_issues",
            "category_labels",
            "outliers",
        ),
        False,
    ),
}
SENTINEL = "琥珀色的灯塔在雨里亮着"


def project(root: Path, texts: Sequence[str], **near: Any) -> Project:
    root.mkdir()
    rows = (
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in ((f"第{i}个问题：{t[:8]}", t) for i, t in enumerate(texts))
    )
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (root / "chats.jsonl").write_text(text, encoding="utf-8")
    recipe = {**RECIPE, "checks": {**RECIPE["checks"], "near_duplicates": near or True}}  # type: ignore[dict-item]
    (root / "curator.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    made = Project(root, workers=1)
    made.ingest()
    return made


def findings(made: Project) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = made.findings().to_pylist()
    return [row for row in rows if row["code"] in ("DUP004", "DUP006")]


def test_an_earlier_export_another_project_and_its_files_hold_the_same(tmp_path: Path) -> None:
    first = project(tmp_path / "first", LONG)
    first.check()
    first.decide()
    first.export("instruction")
    first.export("rag")
    relations = {}
    for name, path in {
        "export": "../first/exports/instruction/latest",
        "exports": "../first/exports/instruction",
        "rag": "../first/exports/rag",
        "project": "../first",
        "file": "../first/chats.jsonl",
    }.items():
        made = project(tmp_path / f"with-{name}", [*LONG[:2], "一句别处没有的话。"], against=[path])
        made.check()
        relations[name] = [json.loads(row["evidence"])["relation"] for row in findings(made)]
        decided = made.decide()
        assert decided.manifest["counts"]["drop"] == 2
        assert decided.table.column("rule_ids").to_pylist().count(["already-held"]) == 2
    # A file of the same name, with the same line in it, makes the same record.
    assert relations == {
        "export": ["same record"] * 2,
        "exports": ["same record"] * 2,
        "rag": ["same record"] * 2,
        "project": ["same record"] * 2,
        "file": ["exact"] * 2,
    }


def test_no_text_of_the_reference_is_written(tmp_path: Path) -> None:
    (tmp_path / "outside.jsonl").write_text(
        lines([SENTINEL + LONG[0], SENTINEL * 3]), encoding="utf-8"
    )
    made = project(tmp_path / "made", [SENTINEL[:6] + LONG[0]], against=["../outside.jsonl"])
    made.check()
    assert findings(made)
    for path in (tmp_path / "made").rglob("*"):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            assert SENTINEL not in json.dumps(table.to_pylist(), default=str, ensure_ascii=False)
        elif path.is_file():
            assert SENTINEL.encode() not in path.read_bytes()


def test_a_changed_reference_asks_for_another_run(tmp_path: Path) -> None:
    file = tmp_path / "outside.jsonl"
    file.write_text(lines(LONG[:1]), encoding="utf-8")
    made = project(tmp_path / "made", LONG, against=["../outside.jsonl"])
    made.check()
    assert made.status()["checks"]["near_duplicates"] == "fresh"
    file.write_text(lines(LONG[:2]), encoding="utf-8")
    assert made.status()["checks"]["near_duplicates"] == "stale"


def test_two_projects_may_name_each_other(tmp_path: Path) -> None:
    one = project(tmp_path / "one", LONG)
    one.check()
    two = project(tmp_path / "two", LONG[:2], against=["../one"])
    two.check()
    recipe = json.loads((tmp_path / "one" / "curator.yaml").read_text("utf-8"))
    recipe["checks"]["near_duplicates"] = {"against": ["../two"]}
    (tmp_path / "one" / "curator.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    again = Project(tmp_path / "one", workers=1)
    again.check()
    assert len(findings(again)) == 2


def test_once_from_the_command_line_leaves_the_recipes_run_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "outside.jsonl"
    rows = [{"question": f"第0个问题：{LONG[0][:8]}", "answer": LONG[0]}, {"question": "别的"}]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    made = project(tmp_path / "made", LONG)
    made.check()
    (run,) = made.check(["near_duplicates"], against=[file])
    assert list(run["params"]["against"]) == [str(file)]
    assert run["held"] == 1
    assert made.status()["checks"]["near_duplicates"] == "fresh"
    for names, message in (([], "no check is named"), (["exact_duplicates"], "exact_duplicates")):
        with pytest.raises(RecipeError, match=message) as raised:
            made.check(names, against=[file])
        assert "near_duplicates, contamination" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("gone.jsonl", "no such file or folder"),
        ("../made", "the project itself"),
        ("../bare", "no redacted view yet"),
        ("../export", "holds no row"),
        ("../picture.png", "picture.png"),
        ("../blank.jsonl", "blank.jsonl"),
    ],
)
def test_what_cannot_be_compared_with_is_told(tmp_path: Path, against: str, message: str) -> None:
    project(tmp_path / "bare", LONG)
    (tmp_path / "export").mkdir()
    manifest = {"exporter_version": "1", "files": [{"path": "train.parquet", "rows": 0}]}
    (tmp_path / "export" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(200)))
    (tmp_path / "blank.jsonl").write_text("\n\n", encoding="utf-8")
    made = project(tmp_path / "made", LONG, against=[against])
    with pytest.raises(RecipeError, match=r"near_duplicates\.against: ") as raised:
        made.check()
    assert message in raised.value.message


def test_a_manifest_of_somebody_else_is_a_file_like_any(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"question": "' + LONG[0] + '"}', encoding="utf-8")
    (tmp_path / "made").mkdir()
    recipe = Recipe.model_validate({"checks": {"near_duplicates": {"against": ["../corpus"]}}})
    planned = plan(Workspace(tmp_path / "made"), recipe, load_rules())
    near = next(c for c in planned.checks if c.name == "near_duplicates")
    assert near.params["against"] == (str(folder),)
