"""Exports: instruction datasets, RAG corpora, splits, chunks, cards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

from curator.errors import GateError, WorkspaceError
from curator.exports.chunks import answer_chunks, document_chunks
from curator.exports.citations import locator_range
from curator.exports.dialogue import answered, dialogue
from curator.exports.instruction import export_instruction, load_instruction
from curator.exports.rag import export_rag
from curator.text import length
from curator.types import Part
from curator.workspace import write_table
from tests.synthetic import POLICY, Made, conversation, document, recipe

if TYPE_CHECKING:
    from pathlib import Path


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def exported(folder: Path) -> list[dict[str, Any]]:
    return rows_of(folder, "train.jsonl") + rows_of(folder, "validation.jsonl")


@pytest.fixture
def made() -> Made:
    made = Made()
    for n in range(40):
        zh = n % 2 == 0
        question = f"孩子发烧{n}度怎么办？" if zh else f"What helps against cough number {n}?"
        answer = f"第{n}条：多喝水，注意休息。" if zh else f"Advice {n}: rest and drink water."
        made.add(
            conversation(
                f"line {n + 1}",
                ("user", question),
                ("assistant", answer),
                lang="zh" if zh else "en",
                label="儿科" if zh else "paediatrics",
            )
        )
    private = made.add(
        conversation(
            "line 90",
            ("user", "我叫王小明，电话13800138000"),
            ("assistant", "好的王小明，记下了。"),
        )
    )
    made.hide(private, 0, "王小明", "[姓名1]", "PII001")
    made.hide(private, 0, "13800138000", "[电话1]", "PII002")
    made.hide(private, 1, "王小明", "[姓名1]", "PII001")
    made.add(conversation("line 91", ("user", "在吗")), action="keep")
    made.add(
        conversation("line 92", ("user", "问"), ("assistant", "答")),
        action="review",
        rule_ids=["doubtful-answer"],
        instruction=False,
        rag=False,
    )
    made.add(
        conversation("line 93", ("user", "x"), ("assistant", "")),
        action="drop",
        rule_ids=["no-answer"],
        instruction=False,
        rag=False,
    )
    made.add(
        conversation("line 94", ("user", "今年的价格是多少？"), ("assistant", "今年是一百元。")),
        instruction=False,
        rule_ids=["stale-knowledge"],
    )
    guide = made.add(
        document(
            "fever.md",
            ("heading", "发热护理", ()),
            ("paragraph", "发热时多饮水。体温超过38.5℃时可用药。", ("发热护理",)),
            ("heading", "张三医生谈用药", ("发热护理",)),
            ("paragraph", "布洛芬每次5ml/kg。" * 12, ("发热护理", "张三医生谈用药")),
            ("table", "| 药 | 量 |\n|---|---|\n| 布洛芬 | 5 |", ("发热护理", "张三医生谈用药")),
            license="CC BY-SA 4.0",
        )
    )
    made.hide(guide, 2, "张三", "[姓名1]", "PII001")
    return made


# --- instruction ------------------------------------------------------------------------


def test_an_export_is_the_kept_conversations_with_their_edits(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    folder = export_instruction(workspace, recipe(), POLICY, plan)
    rows = exported(folder)
    assert len(rows) == 41
    row = next(r for r in rows if r["source"]["locator"] == "line 90")
    assert row["messages"] == [
        {"role": "user", "content": "我叫[姓名1]，电话[电话1]"},
        {"role": "assistant", "content": "好的[姓名1]，记下了。"},
    ]
    assert list(row) == ["id", "messages", "label", "lang", "source"]
    assert folder.parent / folder.name == folder
    assert (folder.parent / "latest").resolve() == folder.resolve()


def test_nothing_private_and_no_place_or_time_is_exported(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    for folder in (
        export_instruction(workspace, recipe(), POLICY, plan),
        export_rag(workspace, recipe(), POLICY, plan),
    ):
        for path in folder.iterdir():
            text = (
                str(pq.read_table(path).to_pylist())
                if path.suffix == ".parquet"
                else path.read_text("utf-8")
            )
            for banned in (
                "王小明",
                "13800138000",
                "张三",
                "SPEAKER",
                "META",
                "/somewhere",
                "2020-01",
            ):
                assert banned not in text, (path.name, banned)
            assert str(tmp_path) not in text


def test_jsonl_and_parquet_hold_the_same_rows(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    folder = export_instruction(workspace, recipe(), POLICY, plan)
    for split in ("train", "validation"):
        assert pq.read_table(folder / f"{split}.parquet").to_pylist() == rows_of(
            folder, f"{split}.jsonl"
        )
    corpus = export_rag(workspace, recipe(), POLICY, plan)
    assert pq.read_table(corpus / "chunks.parquet").to_pylist() == rows_of(corpus, "chunks.jsonl")


def test_every_record_is_accounted_for(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    manifest = json.loads(
        (export_instruction(workspace, recipe(), POLICY, plan) / "manifest.json").read_text("utf-8")
    )
    assert manifest["conservation"] == {
        "records": 46,
        "exported": 41,
        "left_out": {},
        "unusable": {"no question with an answer": 1},
        "not_routed": {"documents make no instruction rows": 1, "rule: stale-knowledge": 1},
        "review": 1,
        "dropped": 1,
    }
    corpus = json.loads(
        (export_rag(workspace, recipe(), POLICY, plan) / "manifest.json").read_text("utf-8")
    )
    assert corpus["conservation"]["exported"] == 43
    assert corpus["records_by_kind"] == {"conversation": 42, "document": 1}


def test_a_record_without_a_decision_stops_the_export(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    path = workspace.decisions / workspace.current_decision()["id"] / "decisions.parquet"  # type: ignore[index]
    write_table(path, pq.read_table(path).slice(1))
    with pytest.raises(GateError, match="accounted for"):
        export_instruction(workspace, recipe(), POLICY, plan)
    assert [p.name for p in (tmp_path / "exports" / "instruction").iterdir()] == []


def test_an_edit_that_nobody_proposed_stops_the_export(made: Made, tmp_path: Path) -> None:
    made.fates[made.records[0].id]["edits"] = ["no-such-finding"]
    workspace, plan = made.lay(tmp_path)
    with pytest.raises(GateError, match="1 edits"):
        export_instruction(workspace, recipe(), POLICY, plan)


def test_without_a_decision_there_is_no_export(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    (workspace.decisions / "current.json").unlink()
    with pytest.raises(GateError, match="nothing is decided"):
        export_rag(workspace, recipe(), POLICY, plan)


def test_two_runs_and_other_part_sizes_give_the_same_bytes(made: Made, tmp_path: Path) -> None:
    seen = []
    for name, size in (("a", 4), ("b", 4), ("c", 7)):
        workspace, plan = made.lay(tmp_path / name, part_size=size)
        folders = [
            export(workspace, recipe(), POLICY, plan) for export in (export_instruction, export_rag)
        ]
        seen.append({p.name: p.read_bytes() for f in folders for p in f.iterdir()})
    assert seen[0] == seen[1]
    texts = [{k: v for k, v in s.items() if k.endswith(".jsonl")} for s in seen]
    assert texts[0] == texts[2]


def test_a_version_that_lies_there_is_verified_and_not_written_again(
    made: Made, tmp_path: Path
) -> None:
    workspace, plan = made.lay(tmp_path)
    folder = export_instruction(workspace, recipe(), POLICY, plan)
    before = (folder / "train.jsonl").stat().st_mtime_ns
    assert export_instruction(workspace, recipe(), POLICY, plan) == folder
    assert (folder / "train.jsonl").stat().st_mtime_ns == before
    with (folder / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    with pytest.raises(WorkspaceError, match="not as it was exported"):
        export_instruction(workspace, recipe(), POLICY, plan)


def test_other_parameters_are_another_version(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    first = export_instruction(workspace, recipe(), POLICY, plan)
    second = export_instruction(
        workspace, recipe(instruction={"system_prompt": "你是医生。"}), POLICY, plan
    )
    assert first != second
    assert (second.parent / "latest").resolve() == second.resolve()
    assert all(
        r["messages"][0] == {"role": "system", "content": "你是医生。"} for r in exported(second)
    )


def test_manifest_tells_bytes_and_rows_of_each_file(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    folder = export_instruction(workspace, recipe(), POLICY, plan)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    files = {file["path"]: file for file in manifest["files"]}
    assert set(files) == {p.name for p in folder.iterdir()} - {"manifest.json"}
    assert files["train.jsonl"]["rows"] + files["validation.jsonl"]["rows"] == 41
    assert files["README.md"]["rows"] is None
    assert [c["name"] for c in manifest["checks"]] == ["pii", "near_duplicates", "quality"]


def test_load_instruction_gives_a_dataset_dict(made: Made, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    workspace, plan = made.lay(tmp_path)
    export_instruction(workspace, recipe(), POLICY, plan)
    loaded = load_instruction(tmp_path / "exports" / "instruction" / "latest")
    assert set(loaded) == {"train", "validation"}
    assert sum(split.num_rows for split in loaded.values()) == 41
    assert loaded["train"][0]["messages"][0]["role"] == "user"


def test_card_names_splits_sources_edits_and_gaps(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    text = (export_instruction(workspace, recipe(), POLICY, plan) / "README.md").read_text("utf-8")
    _, front, body = text.split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["language"] == ["en", "zh"]
    assert metadata["configs"][0]["data_files"][0] == {"split": "train", "path": "train.parquet"}
    assert metadata["license"] == "cc0-1.0"
    for wanted in ("chats.jsonl", "CC BY-SA 4.0", "| PII001 | 2 | 1 |", "Known gaps / 已知不足"):
        assert wanted in body


# --- dialogues --------------------------------------------------------------------------


def test_a_dialogue_begins_with_a_question_and_ends_with_an_answer() -> None:
    spoken = dialogue(
        conversation(
            "line 1",
            ("assistant", "您好，请问有什么可以帮您？"),
            ("user", "孩子发烧"),
            ("user", "39度"),
            ("assistant", "先物理降温。"),
            ("assistant", " "),
            ("assistant", "再就医。"),
            ("user", "谢谢"),
        )
    )
    assert [(t.role, t.text, t.first, t.last) for t in spoken.turns] == [
        ("user", "孩子发烧\n39度", 1, 2),
        ("assistant", "先物理降温。\n再就医。", 3, 5),
    ]
    assert dict(spoken.left_out) == {
        "before the first question": 1,
        "blank": 1,
        "after the last answer": 1,
    }


def test_what_a_tool_says_belongs_to_no_pair() -> None:
    spoken = dialogue(
        conversation(
            "line 1",
            ("system", "Be brief."),
            ("user", "Where is my parcel?"),
            ("assistant", "Let me look."),
            ("tool", "status: sent"),
            ("assistant", "It is on its way."),
        )
    )
    assert spoken.system == "Be brief."
    assert [t.role for t in spoken.turns] == ["user", "assistant", "tool", "assistant"]
    assert [(q.text, a.text) for q, a in answered(spoken)] == [
        ("Where is my parcel?", "Let me look.\nIt is on its way.")
    ]


# --- chunks -----------------------------------------------------------------------------


def test_rag_rows_cite_their_exact_place(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    rows = rows_of(
        export_rag(workspace, recipe(rag={"chunk_length": 60}), POLICY, plan), "chunks.jsonl"
    )
    guide = [r for r in rows if r["kind"] == "document"]
    assert guide[0]["citation"] == "《fever.md》› 发热护理 › 第 1 段"
    assert guide[0]["text"].startswith("发热护理\n发热时多饮水。")
    assert guide[-1]["heading_path"] == ["发热护理", "[姓名1]医生谈用药"]
    assert "| 布洛芬 | 5 |" in guide[-1]["text"]
    assert {r["license"] for r in guide} == {"CC BY-SA 4.0"}
    assert len({r["id"] for r in rows}) == len(rows)
    pair = next(r for r in rows if r["locator"] == "line 1")
    assert pair["text"] == "孩子发烧0度怎么办？\n第0条：多喝水，注意休息。"


@pytest.mark.parametrize("limit", [20, 35, 60, 300])
@pytest.mark.parametrize("overlap", [0, 1, 2])
def test_chunks_keep_sentences_whole_and_lose_nothing(limit: int, overlap: int) -> None:
    zh = "".join(f"第 {n} 句，说的是发热时怎样护理孩子。" for n in range(30))
    en = " ".join(f"Sentence {n} says how to care for a child with fever." for n in range(30))
    parts = [
        Part("heading", "发热 Fever"),
        Part("paragraph", zh, heading_path=("发热 Fever",)),
        Part("paragraph", en, heading_path=("发热 Fever",)),
    ]
    chunks = document_chunks(parts, limit, overlap)
    assert all(length(c.text) <= limit for c in chunks)
    joined = "".join(c.text for c in chunks)
    for n in range(30):
        assert f"第 {n} 句，说的是发热时怎样护理孩子。" in joined
        assert any(
            f"Sentence {n} says how to care for a child with fever." in c.text for c in chunks
        )
    assert all(c.text[-1] in "。." for c in chunks)
    if overlap == 1 and limit == 60:
        first, second = chunks[0].text, chunks[1].text
        assert second.startswith(first[first.rindex("。", 0, -1) + 1 :])


def test_a_sentence_longer_than_the_limit_is_cut_between_clauses() -> None:
    text = "，".join(["这一段没有句号只有逗号"] * 12)
    chunks = document_chunks([Part("paragraph", text)], 50, 1)
    assert all(length(c.text) <= 50 for c in chunks)
    assert "".join(c.text for c in chunks).count("这一段没有句号只有逗号") >= 12
    endless = "字" * 500 + "word" * 10
    cut = document_chunks([Part("paragraph", endless)], 100, 0)
    assert "".join(c.text for c in cut) == endless
    assert all(length(c.text) <= 100 for c in cut)


def test_a_table_stays_whole_or_repeats_its_header() -> None:
    head = "| 药 | 量 |\n|---|---|\n"
    rows = "".join(f"| 药品 {n} | {n} 毫克 |\n" for n in range(40))
    small = document_chunks(
        [Part("paragraph", "前言。" * 8), Part("table", head + "| 甲 | 1 |")], 40, 1
    )
    assert any((head + "| 甲 | 1 |") in c.text for c in small)
    big = document_chunks([Part("table", head + rows)], 60, 1)
    assert len(big) > 3
    assert all(c.text.startswith("| 药 | 量 |\n|---|---|\n") for c in big)
    assert all(sum(f"| 药品 {n} |" in c.text for c in big) == 1 for n in range(40))


def test_a_heading_goes_with_its_text_and_a_lone_heading_is_kept() -> None:
    parts = [
        Part("heading", "一"),
        Part("heading", "二", heading_path=("一",)),
        Part("paragraph", "正文。", heading_path=("一", "二")),
        Part("heading", "三"),
    ]
    chunks = document_chunks(parts, 50, 1)
    assert [(c.text, c.first, c.last, c.heading_path) for c in chunks] == [
        ("一\n\n二\n正文。".replace("\n\n", "\n"), 0, 2, ("一", "二")),
        ("三", 3, 3, ("三",)),
    ]


def test_a_long_answer_carries_its_question() -> None:
    answer = "".join(f"第 {n} 点，建议是多喝水。" for n in range(30))
    chunks = answer_chunks("孩子发烧怎么办？", answer, (0, 1), 60, 1)
    assert len(chunks) > 3
    assert all(c.text.startswith("孩子发烧怎么办？\n") and length(c.text) <= 60 for c in chunks)
    long_question = "孩子发烧三天了还在咳嗽。" * 5
    both = answer_chunks(long_question, answer, (0, 1), 60, 0)
    assert all(length(c.text) <= 60 for c in both)
    assert both[0].text.startswith("孩子发烧三天了")
    assert "第 29 点，建议是多喝水。" in both[-1].text


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("line 12", "line 20", "line 12–20"),
        ("line 12", "line 12", "line 12"),
        ("sheet 价格 row 3", "sheet 价格 row 9", "sheet 价格 row 3–9"),
        ("line 3-5", "line 9-12", "line 3–12"),
        ("page 1 box 2", "page 2 box 1", "page 1 box 2 – page 2 box 1"),
        ("", "line 2", "line 2"),
    ],
)
def test_locator_ranges(first: str, last: str, expected: str) -> None:
    assert locator_range(first, last) == expected


# --- merged provenance ------------------------------------------------------------------


def test_a_record_that_fell_leaves_its_source_and_licence_with_its_survivor(
    made: Made, tmp_path: Path
) -> None:
    survivor = made.records[0]
    lost = {"action": "drop", "instruction": False, "rag": False, "survivor_id": survivor.id}
    turns = [(part.role, part.text) for part in survivor.parts]
    for n, terms in ((200, "CC BY-NC 4.0"), (201, "MIT")):
        made.add(conversation(f"line {n}", *turns, uri=f"copies-{n}.jsonl", license=terms), **lost)
    workspace, plan = made.lay(tmp_path)
    for export in (export_instruction, export_rag):
        folder = export(workspace, recipe(), POLICY, plan)
        (row,) = rows_of(folder, "provenance.jsonl")
        assert row["survivor_id"] == survivor.id
        assert row["source"] == {"uri": "chats.jsonl", "locator": "line 1", "license": "CC0"}
        assert [(m["uri"], m["locator"], m["license"]) for m in row["merged"]] == [
            ("copies-200.jsonl", "line 200", "CC BY-NC 4.0"),
            ("copies-201.jsonl", "line 201", "MIT"),
        ]
        assert [m["record_id"] for m in row["merged"]] == [r.id for r in made.records[-2:]]
        text = (folder / "README.md").read_text("utf-8")
        assert "`provenance.jsonl` names each with its source and licence" in text
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        files = {file["path"]: file["rows"] for file in manifest["files"]}
        assert files["provenance.jsonl"] == 1


def test_where_nothing_fell_there_is_no_provenance_file(made: Made, tmp_path: Path) -> None:
    workspace, plan = made.lay(tmp_path)
    folder = export_instruction(workspace, recipe(), POLICY, plan)
    assert not (folder / "provenance.jsonl").exists()
    assert "provenance.jsonl" not in (folder / "README.md").read_text("utf-8")
