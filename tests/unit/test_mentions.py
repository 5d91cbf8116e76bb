"""What is found once is hidden everywhere: mentions, how the view follows, and what it costs."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import curator
from curator.checks.mentions import Mentions
from curator.engine import LocalEngine
from curator.protocols import Scope
from curator.redact import Redact
from curator.tables import findings_table, read_table, records_from, records_table
from curator.types import Finding, Record, Span
from curator.workspace import write_table
from tests.synthetic import PII_PARAMS, conversation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OFF = "exact_duplicates near_duplicates semantic_duplicates contamination contradictions"
RECIPE = (
    "name: p\nworkers: {workers}\nsources: [{sources}]\nchecks: {{"
    + ", ".join(
        f"{name}: false" for name in [*OFF.split(), "label_issues", "category_labels", "outliers"]
    )
    + "}}\n"
)


def hidden(
    record: Record, text: str, placeholder: str, score: float = 0.9, by: str = "rule"
) -> Any:
    start = record.parts[0].text.index(text)
    code, entity = ("PII001", "PERSON") if "姓名" in placeholder else ("PII002", "PHONE")
    evidence = {"entity": entity, "rule": "made", "recogniser": by}
    span = Span(0, start, start + len(text))
    return Finding(record.id, "pii", code, score, span, None, placeholder, evidence)


def shown(tmp_path: Path, found: Sequence[Finding], *shards: Sequence[Record]) -> list[str]:
    """Return the first turn of each record once the mentions are hidden too."""
    parts, files = [], []
    for n, records in enumerate(shards):
        own = [f for f in found if f.record_id in {r.id for r in records}]
        parts.append(tmp_path / "records" / f"{n}.parquet")
        files.append((tmp_path / "found" / f"{n}.parquet",))
        write_table(parts[-1], records_table(records))
        write_table(files[-1][0], findings_table(own, "pii"))
    scope = Scope(LocalEngine(), tuple(parts), tmp_path / "c", tmp_path / "p", tuple(files))
    more = list(Mentions(pii_rules=PII_PARAMS["pii_rules"], allow=["王小明路"]).run(scope))
    assert all(f.evidence["rule"] == "mention" for f in more)
    view = [
        record
        for part, (file,) in zip(parts, files, strict=True)
        for record in records_from(
            Redact()(read_table(part), read_table(file), findings_table(more, "m"))
        )
    ]
    shutil.rmtree(tmp_path / "records")
    return [record.parts[0].text for record in view]


def test_a_name_that_is_found_once_is_hidden_wherever_it_stands(tmp_path: Path) -> None:
    one = conversation("line 1", ("user", "我叫王小明，电话13800138000"), ("assistant", "好"))
    others = [
        conversation("line 2", ("user", "昨天王 小明来过，住王小明路")),
        conversation("line 3", ("user", "张伟和王小明、王小明妈妈；+86 13800138000")),
        conversation("line 4", ("user", "Please ask 王小明 to call us back today."), lang="en"),
    ]
    found = [
        hidden(one, "王小明", "[姓名1]"),
        hidden(one, "13800138000", "[电话1]"),
        hidden(others[1], "张伟", "[姓名1]"),
        # Found there too, but at a score that the policy lets pass.
        hidden(others[1], "王小明", "[姓名2]", 0.45),
    ]
    wanted = [
        "我叫[姓名1]，电话[电话1]",
        "昨天[姓名1]来过，住王小明路",
        "[姓名1]和[姓名2]、[姓名2]妈妈；+86 [电话1]",
        "Please ask [PERSON_1] to call us back today.",
    ]
    assert shown(tmp_path, found, [one, *others]) == wanted
    assert shown(tmp_path, found, [one], others[:1], others[1:]) == wanted
    assert shown(tmp_path, found, others, [one])[-1] == wanted[0]


def test_a_word_that_was_held_for_a_name_once_is_left(tmp_path: Path) -> None:
    records = [conversation(f"line {n}", ("user", f"易坦静吃{n}次")) for n in range(4)]
    found = [hidden(records[0], "易坦静", "[姓名1]", 0.8, "lac")]
    assert shown(tmp_path, found, records)[1:] == [f"易坦静吃{n}次" for n in range(1, 4)]


def test_a_word_that_is_left_hides_no_name_in_it(tmp_path: Path) -> None:
    records = [conversation(f"line {n}", ("user", f"王小明堂吃{n}次")) for n in range(4)]
    one = conversation("line 9", ("user", "我叫王小明"))
    found = [
        hidden(records[0], "王小明堂", "[姓名1]", 0.8, "lac"),
        hidden(one, "王小明", "[姓名1]"),
    ]
    assert shown(tmp_path, found, [*records, one])[1] == "[姓名1]堂吃1次"


def lay(root: Path, sources: dict[str, Sequence[str]], workers: int = 1) -> curator.Project:
    root.mkdir(exist_ok=True)
    for name, questions in sources.items():
        rows = [
            {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": ANSWER}]}
            for q in questions
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (root / name).write_text(lines, encoding="utf-8")
    listed = ", ".join(f"{{path: {name}}}" for name in sources)
    recipe = RECIPE.format(workers=workers, sources=listed)
    (root / "curator.yaml").write_text(recipe, encoding="utf-8")
    project = curator.open(root)
    project.run()
    return project


def texts(project: curator.Project) -> list[str]:
    return [row["text"] for row in project.export_rag()]


def exported(project: curator.Project) -> dict[str, bytes]:
    """The rows; what tells of the version tells what was exported before, too."""
    folder = project.workspace.exports
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.glob("*/latest/*"))
        if path.suffix in {".jsonl", ".parquet"}
    }


ANSWER = "好的，已经为您登记，稍后会有专人与您联系，请保持电话畅通。"
FIRST = {
    "a.jsonl": ["请转给王 小\u200b 明一下", "发票怎么开？"],
    "b.jsonl": ["怎么退货？", "在吗？"],
}
LATER = {"c.jsonl": ["我叫王小明，请回电", "我叫欧阳若溪，想改预约"]}


@pytest.mark.slow
def test_a_later_source_changes_the_parts_alone_that_mention_its_names(tmp_path: Path) -> None:
    grown = lay(tmp_path / "grown", FIRST)
    view = grown.workspace.redacted
    before = {path.relative_to(view): path.stat().st_mtime_ns for path in view.rglob("*.parquet")}
    grown = lay(tmp_path / "grown", FIRST | LATER)
    after = {path.relative_to(view): path.stat().st_mtime_ns for path in view.rglob("*.parquet")}
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 2, "the new part, and the one that mentions the name"
    shown = texts(grown)
    assert len(shown) == 6
    assert not [text for text in shown if "王" in text]
    fresh = lay(tmp_path / "fresh", FIRST | LATER, workers=2)
    assert exported(fresh) == exported(grown)


def test_a_label_and_the_name_of_a_source_are_hidden_too(tmp_path: Path) -> None:
    one = conversation("line 1", ("user", "我叫王小明"), ("assistant", "好"), label="儿科")
    two = conversation("line 1", ("user", "在吗"), uri="王小明13912345679.csv", label="王小明转来")
    found = [hidden(one, "王小明", "[姓名1]")]
    parts = tmp_path / "0.parquet"
    write_table(parts, records_table([one, two]))
    write_table(tmp_path / "f.parquet", findings_table(found, "pii"))
    files = ((tmp_path / "f.parquet",),)
    scope = Scope(LocalEngine(), (parts,), tmp_path / "c", tmp_path / "p", files)
    more = list(Mentions(pii_rules=PII_PARAMS["pii_rules"], allow=[]).run(scope))
    assert {(f.record_id, f.evidence["field"]) for f in more} == {
        (two.id, "label"),
        (two.id, "source_uri"),
    }
    plain, shown_two = records_from(Redact()(read_table(parts), findings_table(more, "m")))
    assert (plain.label, plain.provenance) == (one.label, one.provenance)
    assert shown_two.label == "[姓名1]转来"
    assert shown_two.provenance.source_uri == "[姓名1][电话1].csv"
