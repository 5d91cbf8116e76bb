"""`curator init --from`: what is guessed of files whose columns and lines have names of their own."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from openpyxl import Workbook

from curator.errors import SourceError
from curator.project import Project
from curator.scaffold import scaffold
from curator.scaffold.contents import by_contents
from curator.scaffold.domains import domain_of
from curator.scaffold.log_lines import guess_line
from curator.schema import Columns, Recipe, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASKED = (
    ("空气炸锅的发票怎么开", "您好，电子发票在订单完成后可以自助开具。"),
    ("扫地机器人保修多久？", "亲，整机保修一年，凭订单号即可。"),
    ("耳机少了一个配件怎么办", "非常抱歉，配件今天给您补发。"),
    ("订单显示已签收，我没收到", "您好，已为您联系快递核实，请您耐心等待。"),
)


def write(path: Path, header: list[str], rows: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        out.writerows(rows)
    return path


def source(folder: Path, *paths: Path) -> dict[str, Any]:
    """Make a project; return the recipe's first source as the recipe says it."""
    made = scaffold(folder, list(paths), rules=False)
    load(made.recipe, Recipe)  # it runs as it is
    first: dict[str, Any] = yaml.safe_load(made.recipe.read_text("utf-8"))["sources"][0]
    return first


def test_columns_with_names_of_their_own_are_told_by_their_contents(tmp_path: Path) -> None:
    rows = [
        [f"GD{i}{k}", "天猫", f"{said}（{i}）", f"第{i}单，{asked}", f"2024/3/{i + 1} 9:0{k}"]
        for i in range(5)
        for k, (asked, said) in enumerate(ASKED)
    ]
    # The answer stands left of the question: the contents say so, not the order.
    names = ["流水", "渠道", "甲", "乙", "进线"]
    path = write(tmp_path / "记录.csv", names, rows, "gb18030")
    told = source(tmp_path / "p", path)
    assert told["columns"] == {"user": "乙", "assistant": "甲", "timestamp": "进线"}
    assert told["encoding"] == "gb18030"


def test_an_english_faq_under_a_title_in_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Acme Gym, what we are asked (May)"],
        [],
        ["Topic", "What members ask", "What we tell them"],
        ["Billing", "Why was I charged twice in March?", "A second charge is the joining fee."],
        ["Pool", "Is the pool heated?", "Yes, to 27 degrees, all through the year."],
        ["Access", "I lost my key card, what now?", "Please come to the desk with an ID."],
    ):
        sheet.append(row)
    book.save(tmp_path / "faq.xlsx")
    told = source(tmp_path / "p", tmp_path / "faq.xlsx")
    assert told["columns"] == {
        "user": "What members ask",
        "assistant": "What we tell them",
        "label": "Topic",
    }


def test_a_row_a_turn_with_names_of_their_own(tmp_path: Path, curator: Callable[..., Any]) -> None:
    rows = [
        [f"C{c}", who, said]
        for c in range(6)
        for who, said in (
            ("X1", f"Hi, where is my order {c}? It has not come."),
            ("X2", "Sorry to hear that. It left our warehouse yesterday."),
        )
    ]
    path = write(tmp_path / "calls.csv", ["ref", "party", "words of it"], rows)
    told = source(tmp_path / "p", path)
    assert told["format"] == "turns"
    assert told["columns"] == {"conversation": "ref", "speaker": "party", "text": "words of it"}
    assert told["chat"] == {"assistant": "^(?:X2)$"}
    read = json.loads(curator("ingest", "-p", tmp_path / "p", "--json").stdout)[0]
    assert (read["units_in_records"], read["parts"][0]["records"]) == (12, 6)


def test_a_row_a_turn_needs_all_three_columns(tmp_path: Path, curator: Callable[..., Any]) -> None:
    write(tmp_path / "t.csv", ["a", "b", "c"], [["1", "u", "hello there"]])
    recipe = "sources:\n  - {path: t.csv, columns: {conversation: a, text: c}}\n"
    (tmp_path / "curator.yaml").write_text(recipe, "utf-8")
    done = curator("ingest", "-p", tmp_path, code=2)
    assert "conversation, speaker, text" in done.stderr
    recipe = "sources:\n  - {path: t.csv, columns: {conversation: a, speaker: x, text: c}}\n"
    (tmp_path / "curator.yaml").write_text(recipe, "utf-8")
    assert "there is no column x" in curator("ingest", "-p", tmp_path, code=2).stderr


def test_how_the_lines_of_a_log_read_is_guessed(tmp_path: Path) -> None:
    lines = [
        f"2024-05-01T10:00:{i:02d}Z INFO session=s{i // 4} "
        + (f"USER> where is my parcel {i}?" if i % 2 == 0 else "BOT> It is on its way.")
        for i in range(12)
    ]
    (tmp_path / "bot.log").write_text("\n".join(lines), "utf-8")
    told = source(tmp_path / "p", tmp_path / "bot.log")
    assert told["format"] == "chatlog"
    assert "(?P<conversation>" in told["chat"]["line"]
    made = scaffold(tmp_path / "q", [tmp_path / "bot.log"], rules=False)
    assert made.seen is not None
    assert made.seen.looks[0].records == 3
    parts = made.seen.looks[0].examples[0].parts
    assert [part.role for part in parts] == ["user", "assistant"] * 2


@pytest.mark.parametrize(
    "lines",
    [
        ["starting service", "listening on 80", "done", "stopping", "stopped"],
        [f"key{i}: value" for i in range(20)],  # as many speakers as lines
    ],
)
def test_a_log_of_no_talk_is_not_guessed(lines: list[str]) -> None:
    assert guess_line(lines) is None


def test_a_table_without_sentences_says_so(tmp_path: Path, curator: Callable[..., Any]) -> None:
    rows = [[str(i), str(i * 3), f"A{i % 4}"] for i in range(20)]
    path = write(tmp_path / "dump.csv", ["id", "f1", "f2"], rows)
    done = curator("init", tmp_path / "p", "--from", path)
    assert "no column holds sentences" in done.stderr
    assert "没有一列是句子" in done.stderr
    recipe = (tmp_path / "p" / "curator.yaml").read_text("utf-8")
    assert "# columns: {user: id, assistant: f1}" in recipe


ASKED_EN = (
    ("Where is my parcel? It was due on Monday.", "We are sorry, it leaves the depot today."),
    ("Can I return the kettle without its box?", "Yes, you may; please enclose the receipt."),
    ("How long is the warranty on the vacuum?", "You have two years from the day of purchase."),
    ("Do you ship to Ireland?", "Yes, we do, and it takes about four days."),
)


@pytest.mark.parametrize("asked", [ASKED, ASKED_EN], ids=["zh", "en"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx"])
def test_the_first_row_of_a_table_without_a_header_is_a_record(
    tmp_path: Path, kind: str, asked: tuple[tuple[str, str], ...]
) -> None:
    rows = [[f"2024-03-{i + 1:02}", *pair] for i, pair in enumerate(asked)]
    path = tmp_path / f"chat.{kind}"
    if kind == "xlsx":
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    elif kind == "tsv":
        path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
    else:
        write(path, rows[0], rows[1:])
    made = scaffold(tmp_path / "p", [path], rules=False)
    recipe = load(made.recipe, Recipe)
    assert not recipe.sources[0].header
    assert recipe.sources[0].columns is not None
    assert recipe.sources[0].columns.user == ("column 2",)
    assert recipe.sources[0].columns.timestamp == "column 1"
    assert made.seen is not None
    (look,) = made.seen.looks
    assert look.records == len(asked)
    assert look.examples[0].parts[0].text == asked[0][0]
    assert any("header: false" in en and "header: false" in zh for zh, en in look.notes)
    assert "第一行就是数据" in made.recipe.read_text("utf-8")


def test_a_header_is_not_taken_for_data(tmp_path: Path) -> None:
    rows = [[f"2024-03-{i + 1:02}", *pair] for i, pair in enumerate(ASKED)]
    path = write(tmp_path / "a.csv", ["日期", "买家说了什么？", "我们怎么回的"], rows)
    assert "header" not in source(tmp_path / "p", path)


def test_a_table_of_turns_without_a_header(tmp_path: Path) -> None:
    rows = [
        [f"c{n}", who, said]
        for n, pair in enumerate(ASKED)
        for who, said in zip(("买家", "客服"), pair, strict=True)
    ]
    write(tmp_path / "turns.csv", rows[0], rows[1:])
    (tmp_path / "curator.yaml").write_text(
        "sources: [{path: turns.csv, format: turns, header: false,\n"
        "  columns: {conversation: column 1, speaker: column 2, text: column 3}}]\n",
        "utf-8",
    )
    (told,) = Project(tmp_path).ingest()
    assert (told["units_in_records"], told["units_quarantined"]) == (8, 0)
    assert Project(tmp_path).records().num_rows == len(ASKED)


def test_a_folder_is_looked_into_and_an_odd_table_in_it_gets_its_own_mapping(
    tmp_path: Path, curator: Callable[..., Any]
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "手册.md").write_text("# 请假\n\n年假每年五天，须提前三天申请。\n", "utf-8")
    write(
        folder / "odd.csv",
        ["k", "甲", "乙"],
        [[str(i), f"第{i}单{q}", f"{a}{i}"] for i in range(3) for q, a in ASKED],
    )
    curator("init", tmp_path / "p", "--from", folder)
    sources = yaml.safe_load((tmp_path / "p" / "curator.yaml").read_text("utf-8"))["sources"]
    assert [s["path"] for s in sources] == ["../all", "../all/odd.csv"]
    assert sources[1]["columns"] == {"user": "甲", "assistant": "乙"}
    told = json.loads(curator("ingest", "-p", tmp_path / "p", "--json").stdout)
    counts = {m["uri"]: m["units_in_records"] for m in told}
    assert counts["odd.csv"] == 12
    assert sum(counts.values()) == 13


def test_the_preview_shows_how_records_will_be_read_and_no_numbers_of_people(
    tmp_path: Path, curator: Callable[..., Any]
) -> None:
    rows = [["我的电话13912345678，发票怎么开？", "您好，请您写信到 a.b@example.com 。"]] * 3
    path = write(tmp_path / "qa.csv", ["问题", "回答"], rows)
    done = curator("init", tmp_path / "p", "--from", path)
    assert "发票怎么开" in done.stdout
    shown = done.stdout + done.stderr + (tmp_path / "p" / "curator.yaml").read_text("utf-8")
    assert "13912345678" not in shown
    assert "a.b@example.com" not in shown
    told = json.loads(curator("init", tmp_path / "q", "--from", path, "--json").stdout)
    assert told["sources"][0]["source"]["columns"] == {"user": ["问题"], "assistant": ["回答"]}
    assert "发票" not in json.dumps(told, ensure_ascii=False)


def test_a_missing_or_unreadable_source_makes_no_project(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        scaffold(tmp_path / "p", [tmp_path / "not.csv"])
    (tmp_path / "x.heic").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(SourceError, match="not a text file"):
        scaffold(tmp_path / "p", [tmp_path / "x.heic"])
    assert not (tmp_path / "p").exists()


def test_a_name_that_yaml_would_read_otherwise_is_quoted(tmp_path: Path) -> None:
    rows = [[f"第{i}单{q}", f"{a}{i}"] for i in range(3) for q, a in ASKED]
    path = write(tmp_path / "qa: #1.csv", ["yes", "# 2: b"], rows)
    told = source(tmp_path / "p", path)
    assert told["columns"] == {"user": "yes", "assistant": "# 2: b"}
    assert told["path"].endswith("qa: #1.csv")


def test_names_that_tell_are_left_as_they_are() -> None:
    known = Columns(user="问题", assistant="回答")  # type: ignore[arg-type]
    rows = [{"问题": q, "回答": a, "备注": "好的好的好的好的"} for q, a in ASKED]
    guess = by_contents(["问题", "回答", "备注"], rows, known)
    assert guess is not None
    assert guess.columns == known


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        ("medical", "医生您好，孩子发烧咳嗽两天，需要用药吗？"),
        ("medical", "My doctor changed the dose of my medication, and the rash came back."),
        ("service", "我的订单还没发货，能退款吗？"),
        ("service", "Where is my order? The tracking says delivered. I want a refund."),
        ("legal", "合同违约后能否起诉要求赔偿？"),
        ("legal", "Can my landlord keep the deposit? The lease has no such clause."),
        ("general", "天空为什么是蓝色的？"),
        ("general", "Write a poem about the sea in autumn."),
    ],
)
def test_domains(domain: str, text: str) -> None:
    assert domain_of([text])[0] == domain
