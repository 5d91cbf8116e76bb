"""The readers: what each kind of file becomes, unit by unit."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curator.errors import SourceError
from curator.schema import Chat, Columns, Source
from curator.sources import Tally, read, sniff
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from pathlib import Path

Item = Record | Quarantined | SetAside


def items(path: Path, content: bytes | str | None = None, **settings: Any) -> list[Item]:
    """Write a file, read it, and check that no unit is lost on the way."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = sniff(path, Source(path=str(path), **settings)).source
    assert sniff(path, source).source == source
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read
    return found


def records(found: list[Item]) -> list[Record]:
    """Return the records alone."""
    return [item for item in found if isinstance(item, Record)]


def turns(record: Record) -> list[tuple[str, str]]:
    """Return a record's parts as role and text."""
    return [(part.role, part.text) for part in record.parts]


def told(found: list[Item]) -> list[tuple[str, str]]:
    """Return locator and reason of all that is no record."""
    return [(i.locator, i.reason) for i in found if not isinstance(i, Record)]


# --- JSON ---------------------------------------------------------------------------------


def test_json_lines_tell_each_bad_line_from_its_neighbours(tmp_path: Path) -> None:
    good = json.dumps({"question": "几点关门？", "answer": "晚上九点。"}, ensure_ascii=False)
    lines = [
        good.encode(),
        b"",
        b'{"question": "cut off',
        b'["a list"]',
        b'{"question": "\xff\xfe", "answer": "x"}',
        b'{"question": "", "answer": "an answer to nothing"}',
        b'{"question": "", "answer": ""}',
        b'{"question": "a", "question": "b", "answer": "c"}',
        b'{"question": "half \\ud83d", "answer": "c"}',
        b'{"question": {"deep": 1}, "answer": "c"}',
        b'{"question": "no reply", "answer": ""}',
        b'{"question": "no key"}',
    ]
    found = items(tmp_path / "a.jsonl", b"\n".join(lines))
    assert told(found) == [
        ("line 2", "blank line"),
        ("line 3", "broken JSON"),
        ("line 4", "not a JSON object"),
        ("line 5", "bytes that are not utf-8"),
        ("line 6", "no user turn"),
        ("line 7", "no text at all"),
        ("line 8", "a key that is there twice"),
        ("line 9", "half a surrogate pair"),
        ("line 10", "a value that is not text"),
    ]
    assert [r.provenance.locator for r in records(found)] == ["line 1", "line 11", "line 12"]
    assert turns(records(found)[0]) == [("user", "几点关门？"), ("assistant", "晚上九点。")]
    assert turns(records(found)[1])[1] == ("assistant", "")
    assert turns(records(found)[2])[1] == ("assistant", "")
    broken = next(i for i in found if isinstance(i, Quarantined))
    assert broken.raw == lines[2] + b"\n"


def test_a_record_carries_language_label_time_meta_and_licence(tmp_path: Path) -> None:
    row = {
        "科室": "儿科",
        "提问": "孩子发烧怎么办？",
        "回答": "先量体温。",
        "时间": "2024-05-01",
        "年龄": 3,
        "已付": True,
        "标记": [1, 2],
        "空": None,
    }
    found = items(tmp_path / "a.jsonl", json.dumps(row), license="CC-BY-4.0")
    (record,) = records(found)
    assert (record.lang, record.label, record.timestamp) == ("zh", "儿科", "2024-05-01")
    assert record.meta == {"年龄": "3", "已付": "true"}
    assert record.provenance.license == "CC-BY-4.0"
    assert (record.provenance.source_uri, record.provenance.source_sha256) == ("a.jsonl", "sha")


@pytest.mark.parametrize(
    ("title", "ask", "user"),
    [
        ("高血压", "能吃党参吗？", "高血压\n能吃党参吗？"),
        ("能吃党参吗？", "您好，能吃党参吗？谢谢", "您好，能吃党参吗？谢谢"),
        ("same", "same", "same"),
        ("only a title", "", "only a title"),
    ],
)
def test_a_title_leads_the_question_unless_it_repeats_it(
    tmp_path: Path, title: str, ask: str, user: str
) -> None:
    row = {"title": title, "ask": ask, "answer": "x"}
    (record,) = records(items(tmp_path / "a.jsonl", json.dumps(row)))
    assert turns(record)[0] == ("user", user)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"messages": [{"role": "system", "content": "Be kind."},
                          {"role": "user", "content": "Hi"},
                          {"role": "assistant", "content": "Hello!"}]},
            [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello!")],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "two"},
                                                       {"type": "text", "text": "pieces"}]},
                          {"role": "assistant", "content": None,
                           "tool_calls": [{"name": "look", "id": 1}]},
                          {"role": "tool", "content": "found"}]},
            [("user", "two\npieces"), ("assistant", '[{"id": 1, "name": "look"}]'),
             ("tool", "found")],
        ),
        (
            {"conversations": [{"from": "human", "value": "你好"},
                               {"from": "gpt", "value": "您好"}],
             "system": "你是客服"},
            [("system", "你是客服"), ("user", "你好"), ("assistant", "您好")],
        ),
        (
            {"对话": [{"角色": "患者", "内容": "头疼"}, {"角色": "医生", "内容": "多久了？"}]},
            [("user", "头疼"), ("assistant", "多久了？")],
        ),
        (
            {"instruction": "翻译成英文", "input": "苹果", "output": "apple",
             "history": [["你好", "您好"]]},
            [("user", "你好"), ("assistant", "您好"), ("user", "翻译成英文\n苹果"),
             ("assistant", "apple")],
        ),
        ({"instruction": "Say hi.", "input": "", "output": "Hi."},
         [("user", "Say hi."), ("assistant", "Hi.")]),
        ({"prompt": "2+2?", "completion": "4"}, [("user", "2+2?"), ("assistant", "4")]),
        ({"客户问题": "能退吗", "客服回复": "能"}, [("user", "能退吗"), ("assistant", "能")]),
        ({"标题": "退货", "内容": "七天内能退吗", "答复": "能"},
         [("user", "退货\n七天内能退吗"), ("assistant", "能")]),
    ],
)  # fmt: skip
def test_shapes_of_conversations(
    tmp_path: Path, row: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    (record,) = records(items(tmp_path / "a.jsonl", json.dumps(row)))
    assert turns(record) == expected
    assert record.kind == "conversation"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"role": "narrator", "content": "x"}], "a message without a known role"),
        (["hi"], "a message that is not an object"),
        ("[{broken", "messages that are not a list"),
        ([{"role": "assistant", "content": "x"}], "no user turn"),
        ([], "no text at all"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "a value that is not text"),
    ],
)
def test_messages_that_are_none(tmp_path: Path, messages: object, reason: str) -> None:
    good = {"messages": [{"role": "user", "content": "hi"}]}
    lines = "\n".join(json.dumps(row) for row in (good, {"messages": messages}))
    assert told(items(tmp_path / "a.jsonl", lines)) == [("line 2", reason)]


def test_a_json_array_loses_only_its_broken_elements(tmp_path: Path) -> None:
    text = """[
  {"instruction": "一", "output": "1"},
  {"instruction": "二" "output": "2"},
  {"instruction": "三", "output": "3"},
  {"instruction": "四", "output": "4",
  {"instruction": "五", "output": "a quote " that breaks"},
  {"instruction": "六", "output": ["x", {"y": [1, 2}]},
  {"instruction": "七", "output": "7"}
  {"instruction": "八", "output": "brackets ]}{[ in a text \\" and a quote"},
  oops,
  {"instruction": "九", "output": "9"},
]
"""
    found = items(tmp_path / "a.json", text)
    assert [turns(r)[0][1] for r in records(found)] == ["一", "三", "七", "八", "九"]
    assert told(found) == [
        ("element 1 (line 3, broken at line 3 column 23)", "broken JSON"),
        ("element 3 (line 5, broken at line 6 column 3)", "broken JSON"),
        ("element 4 (line 6, broken at line 6 column 45)", "broken JSON"),
        ("element 5 (line 7, broken at line 7 column 51)", "broken JSON"),
        ("element 8 (line 10, broken at line 10 column 3)", "broken JSON"),
    ]
    assert [i.raw for i in found if isinstance(i, Quarantined)][-1] == b"oops"


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_in_any_layout_and_larger_than_a_chunk(
    tmp_path: Path, indent: int | None
) -> None:
    rows = [{"question": f"第{i}个问题" * 40, "answer": "答" * 300} for i in range(2000)]
    text = json.dumps(rows, ensure_ascii=False, indent=indent)
    bad = text.replace("第1000个问题", '第1000"个问题', 1).encode()
    bad = bad.replace("第1500个问题".encode(), b"\xff\xff", 1)
    found = items(tmp_path / "a.json", bad)
    assert len(records(found)) == len(rows) - 2
    reasons = [reason for _, reason in told(found)]
    assert reasons == ["broken JSON", "bytes that are not utf-8"]
    assert b"\xff\xff" in [i.raw for i in found if isinstance(i, Quarantined)][1]


def test_a_json_array_that_is_cut_off_keeps_what_came_before(tmp_path: Path) -> None:
    found = items(tmp_path / "a.json", '[{"q": "a", "a": "b"}, {"q": "c", "a": "d')
    assert len(records(found)) == 1
    assert told(found) == [("element 1 (line 1, broken at line 1 column 40)", "broken JSON")]


def test_json_lines_by_the_name_of_json_and_the_other_way_round(tmp_path: Path) -> None:
    row = {"question": "a", "answer": "b"}
    lines = f"{json.dumps(row)}\n{json.dumps(row)}\n"
    assert records(items(tmp_path / "a.json", lines))[1].provenance.locator == "line 2"
    array = json.dumps([row, row], indent=1)
    assert len(records(items(tmp_path / "b.jsonl", array))) == 2
    spread = json.dumps(row, indent=1)
    assert len(records(items(tmp_path / "c.json", f"{spread}\n{spread}"))) == 2


# --- CSV, TSV -----------------------------------------------------------------------------


def test_csv_rows_keep_their_place_whatever_is_in_them(tmp_path: Path) -> None:
    text = (
        "问题,回答\r\n"
        '"几点, 关门？","九点。\n周末十点。"\r\n'
        "\r\n"
        "too,many,cells\r\n"
        "one\r\n"
        ",\r\n"
        ",an answer alone\r\n"
        '"say ""hi""",hi\r\n'
        "no answer,"
    )
    found = items(tmp_path / "a.csv", text)
    assert told(found) == [
        ("line 1", "header"),
        ("line 4", "blank row"),
        ("line 5", "3 columns where 2 are named"),
        ("line 6", "1 columns where 2 are named"),
        ("line 7", "blank row"),
        ("line 8", "no user turn"),
    ]
    assert [(r.provenance.locator, turns(r)) for r in records(found)] == [
        ("line 2", [("user", "几点, 关门？"), ("assistant", "九点。\n周末十点。")]),
        ("line 9", [("user", 'say "hi"'), ("assistant", "hi")]),
        ("line 10", [("user", "no answer"), ("assistant", "")]),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_line_that_does_not_decode_costs_its_own_row_only(tmp_path: Path, encoding: str) -> None:
    rows = [f"第{i}个问题怎么办？,这是第{i}个回答。" for i in range(6)]
    lines = ["问题,回答".encode(encoding), *(row.encode(encoding) for row in rows)]
    lines[3] = b"\xff\xff," + lines[3]
    found = items(tmp_path / "a.csv", b"\n".join(lines))
    assert len(records(found)) == 5
    assert told(found)[1:] == [("line 4", f"bytes that are not {encoding}")]
    assert next(i for i in found if isinstance(i, Quarantined)).raw == lines[3] + b"\n"


def test_a_quote_that_is_never_closed_costs_its_own_row_only(tmp_path: Path) -> None:
    good = [f"q{i},a{i}" for i in range(50)]
    lines = ["question,answer", *good[:20], '"oops,a', *good[20:]]
    found = items(tmp_path / "a.csv", "\n".join(lines))
    assert [turns(r)[0][1] for r in records(found)] == [f"q{i}" for i in range(50)]
    assert told(found)[1:] == [("line 22", "a quote that is never closed")]
    # The same, with a second stray quote that would close the first.
    lines.append('"again,a')
    found = items(tmp_path / "b.csv", "\n".join(lines))
    assert len(records(found)) == 50
    assert [locator for locator, _ in told(found)[1:]] == ["line 22", "line 53"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "question;answer\na, b;c\nd;e, f\n"),
        ("a.csv", "question\tanswer\na, b\tc\nd\te, f\n"),
        ("a.csv", "question|answer\na, b|c\nd|e, f\n"),
        ("a.tsv", 'question\tanswer\n"a, b\tc\nd\te, f\n'),
        ("a.csv", '\ufeffquestion,answer\n"a, b",c\nd,"e, f"\n'),
        ("a.csv", 'question,answer\r"a, b",c\rd,"e, f"\r'),
    ],
)
def test_delimiters_quotes_and_line_ends_are_found_out(
    tmp_path: Path, name: str, text: str
) -> None:
    found = records(items(tmp_path / name, text.encode()))
    assert [[t for _, t in turns(r)] for r in found] in (
        [["a, b", "c"], ["d", "e, f"]],
        [['"a, b', "c"], ["d", "e, f"]],
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5"])
def test_csv_in_other_encodings_by_their_physical_lines(tmp_path: Path, encoding: str) -> None:
    # U+0A0A and U+4E0A hold a byte 0x0A that ends no line in UTF-16.
    odd = "\u0a0a上" if encoding.startswith("utf") else "上"
    text = f'問題,回答\n這個{odd}多少錢？,"三百元，\n請問您要買嗎？"\n可以退嗎？,可以的，謝謝。\n'
    found = items(tmp_path / "a.csv", text.encode(encoding))
    assert [r.provenance.locator for r in records(found)] == ["line 2", "line 4"]
    assert turns(records(found)[0])[0] == ("user", f"這個{odd}多少錢？")


def test_a_cell_may_hold_a_whole_book(tmp_path: Path) -> None:
    text = f'question,answer\nq,"{"long " * 50_000}"\n'
    assert len(records(items(tmp_path / "a.csv", text))) == 1


def test_a_table_without_questions_becomes_one_document_a_row(tmp_path: Path) -> None:
    (record,) = records(items(tmp_path / "a.csv", "城市,人口\n杭州,1200万\n"))
    assert (record.kind, turns(record)) == ("document", [("table", "城市: 杭州\n人口: 1200万")])


# --- Parquet, XLSX ------------------------------------------------------------------------


def test_parquet_rows(tmp_path: Path) -> None:
    table = pa.table(
        {
            "messages": [
                [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "您好"}],
                None,
                [{"role": "assistant", "content": "alone"}],
            ],
            "intent": ["问候", None, "x"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    found = items(tmp_path / "a.parquet")
    assert told(found) == [("row 1", "blank row"), ("row 2", "no user turn")]
    (record,) = records(found)
    assert (record.provenance.locator, record.label) == ("row 0", "问候")
    assert turns(record) == [("user", "你好"), ("assistant", "您好")]


def test_parquet_text_that_is_not_utf8_costs_its_own_row_only(tmp_path: Path) -> None:
    raw = pa.array([b"fine", b"\xff\xfe", b"fine too"]).cast(pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"question": text, "answer": ["a", "b", "c"]}), tmp_path / "a.parquet")
    found = items(tmp_path / "a.parquet")
    assert told(found) == [("row 1", "bytes that are not utf-8")]


def test_xlsx_sheets_titles_blank_rows_and_displayed_row_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "咨询"
    for row in (["2024 年咨询记录"], [], ["问题", "回答", "日期"], ["能退吗？", "能。", 20240501.0],
                [], [], ["", "no question"], ["几点关门？", None, None, "a remark"]):  # fmt: skip
        first.append(row)
    second = book.create_sheet("more")
    second.append(["回答", "问题"])
    second.append(["九点。", "几点开门？"])
    notes = book.create_sheet("notes")
    notes.append(["nothing", "to see"])
    notes.append(["a", "b"])
    book.create_sheet("empty")
    book.save(tmp_path / "a.xlsx")
    found = items(tmp_path / "a.xlsx")
    assert told(found) == [
        ("sheet 咨询 row 1", "above the header"),
        ("sheet 咨询 row 2", "blank row"),
        ("sheet 咨询 row 3", "header"),
        ("sheet 咨询 rows 5-6", "blank row"),
        ("sheet 咨询 row 7", "no user turn"),
        ("sheet more row 1", "header"),
        ("sheet notes row 1", "header"),
        ("sheet notes row 2", "a sheet without the named columns"),
    ]
    assert [(r.provenance.locator, r.timestamp, r.meta) for r in records(found)] == [
        ("sheet 咨询 row 4", "20240501", {}),
        ("sheet 咨询 row 8", None, {"column 4": "a remark"}),
        ("sheet more row 2", None, {}),
    ]
    assert turns(records(found)[2]) == [("user", "几点开门？"), ("assistant", "九点。")]


# --- chat logs ----------------------------------------------------------------------------

SHOP = Chat(
    line=r"(?P<time>\d\d:\d\d) (?:#(?P<conversation>\d+) )?(?P<speaker>[^:：]+)[:：] ?(?P<text>.*)",
    assistant="客服.*|agent",
    system="系统|system",
    gap_minutes=None,
)


def test_a_chat_log_with_continued_messages_and_system_lines(tmp_path: Path) -> None:
    text = (
        "what is this line\n"
        "09:00 系统: 小王进入会话\n"
        "一条系统消息的下半\n"
        "09:01 小王: 你好\n"
        "在吗？\n"
        "09:01 小王: 有人吗\n"
        "\n"
        "09:02 客服01: 您好\n"
        "09:03 小李: 我也想问\n"
    )
    found = items(tmp_path / "a.log", text, chat=SHOP)
    assert told(found) == [
        ("line 1", "a line before any message"),
        ("line 2", "system line"),
        ("line 7", "blank line"),
    ]
    assert [i.n_units for i in found if isinstance(i, SetAside)] == [2, 1]
    (record,) = records(found)
    assert [(p.role, p.speaker, p.locator, p.text) for p in record.parts] == [
        ("user", "小王", "line 4", "你好\n在吗？\n有人吗"),
        ("assistant", "客服01", "line 8", "您好"),
        ("user", "小李", "line 9", "我也想问"),
    ]
    assert (record.provenance.locator, record.timestamp, record.n_units) == ("line 4", "09:01", 5)


def test_interleaved_conversations_are_told_apart(tmp_path: Path) -> None:
    text = (
        "09:00 #1 Ann: my parcel is late\n"
        "09:00 #2 Bob: can I return this?\n"
        "09:01 #1 agent: which order?\n"
        "09:01 #3 agent: is anybody there?\n"
        "09:02 #2 agent: yes, within 30 days\n"
        "09:03 #1 Ann: the blue one\n"
    )
    found = items(tmp_path / "a.txt", text, chat=SHOP)
    assert [(r.provenance.locator, len(r.parts), r.meta) for r in records(found)] == [
        ("line 1", 3, {"conversation": "1"}),
        ("line 2", 2, {"conversation": "2"}),
    ]
    (lonely,) = [i for i in found if isinstance(i, Quarantined)]
    assert (lonely.locator, lonely.reason) == ("line 4", "no user turn")
    assert lonely.raw == b"09:01 #3 agent: is anybody there?\n"


@pytest.mark.parametrize(
    ("times", "starts"),
    [
        (["09:00", "09:20", "10:00"], ["line 1", "line 3"]),
        (["23:50", "00:10", "00:45"], ["line 1", "line 3"]),
        (["2024-05-01 23:50", "2024-05-02 00:10", "2024-05-03 00:15"], ["line 1", "line 3"]),
        (
            ["2024年5月1日 上午9:00", "2024年5月1日 下午9:05", "2024/5/1 21:10"],
            ["line 1", "line 2"],
        ),
        (["5/1/24, 9:00 AM", "5/1/24, 9:29 AM", "5/1/24, 9:29 PM"], ["line 1", "line 3"]),
        (["1714550400", "1714550460", "1714554061"], ["line 1", "line 3"]),
        (["yesterday", "today", "10:00"], ["line 1"]),
    ],
)
def test_a_silence_starts_a_conversation(
    tmp_path: Path, times: list[str], starts: list[str]
) -> None:
    chat = Chat(
        line=r"\[(?P<time>[^\]]+)\] (?P<speaker>\w+): (?P<text>.*)",
        assistant="agent",
        system=None,
        gap_minutes=30,
    )
    text = "".join(f"[{time}] Ann: hello {i}\n" for i, time in enumerate(times))
    found = items(tmp_path / "a.log", text, chat=chat)
    assert [r.provenance.locator for r in records(found)] == starts


def test_a_log_line_that_does_not_decode_leaves_the_conversation_whole(tmp_path: Path) -> None:
    raw = (
        "09:00 小王: 你好，请问还有货吗\n".encode()
        + b"09:00 \xff: x\n"
        + "09:01 客服: 有\n".encode()
    )
    found = items(tmp_path / "a.log", raw, chat=SHOP)
    assert told(found) == [("line 2", "bytes that are not utf-8")]
    assert len(records(found)[0].parts) == 2


# --- documents ----------------------------------------------------------------------------


def test_markdown_blocks_with_their_headings_and_lines(tmp_path: Path) -> None:
    text = """---
title: 门店手册
tags: [a, b]
---
# 退货

七天内可以退。
凭小票。

## How
1. Call us.
   Or write.

2. Send it.

| 项目 | 天数 |
| --- | --- |
| 退货 | 7 |
```sh
# no heading
```
Setext
------
> a quote
***
# Other
last
"""
    (record,) = records(items(tmp_path / "a.md", text))
    assert record.kind == "document"
    assert record.meta == {"title": "门店手册", "tags": "a, b"}
    assert [(p.role, p.locator, p.heading_path, p.text) for p in record.parts] == [
        ("heading", "line 5", (), "退货"),
        ("paragraph", "line 7", ("退货",), "七天内可以退。\n凭小票。"),
        ("heading", "line 10", ("退货",), "How"),
        ("list", "line 11", ("退货", "How"), "1. Call us.\n   Or write.\n\n2. Send it."),
        ("table", "line 16", ("退货", "How"), "| 项目 | 天数 |\n| --- | --- |\n| 退货 | 7 |"),
        ("code", "line 19", ("退货", "How"), "```sh\n# no heading\n```"),
        ("heading", "line 22", ("退货",), "Setext"),
        ("paragraph", "line 24", ("退货", "Setext"), "> a quote"),
        ("heading", "line 26", (), "Other"),
        ("paragraph", "line 27", ("Other",), "last"),
    ]


def test_plain_text_paragraphs_and_chapters(tmp_path: Path) -> None:
    text = "第一章 总则\n第一条 为了规范……\n接上行\n\n第二条 适用范围。\n第二章 附则\n完。\n"
    (record,) = records(items(tmp_path / "a.txt", text))
    assert [(p.role, p.locator, p.heading_path, p.text) for p in record.parts] == [
        ("heading", "line 1", (), "第一章 总则"),
        ("paragraph", "line 2", ("第一章 总则",), "第一条 为了规范……\n接上行"),
        ("paragraph", "line 5", ("第一章 总则",), "第二条 适用范围。"),
        ("heading", "line 6", (), "第二章 附则"),
        ("paragraph", "line 7", ("第二章 附则",), "完。"),
    ]
    (record,) = records(items(tmp_path / "b.txt", "One line.\nAnother.\n"))
    assert [p.text for p in record.parts] == ["One line.", "Another."]


def test_documents_without_text_or_with_other_bytes_are_quarantined(tmp_path: Path) -> None:
    assert told(items(tmp_path / "a.md", " \n\n")) == [("line 1", "no text at all")]
    raw = "很多正常的中文内容。\n".encode() * 20 + b"\xff\xff"
    assert told(items(tmp_path / "b.txt", raw)) == [("line 1", "bytes that are not utf-8")]


def test_a_column_that_holds_a_document(tmp_path: Path) -> None:
    row = {"id": 7, "正文": "# 标题\n\n第一段。\n\n第二段。", "类别": "公告"}
    (record,) = records(items(tmp_path / "a.jsonl", json.dumps(row)))
    assert (record.kind, record.label, record.meta) == ("document", "公告", {"id": "7"})
    assert [p.role for p in record.parts] == ["heading", "paragraph", "paragraph"]


# --- sniffing -----------------------------------------------------------------------------


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"q": "a", "a": "b"}\n')
    assert len(records(items(tmp_path / "a.jsonl.gz", packed))) == 1
    assert len(records(items(tmp_path / "b.jsonl", packed))) == 1
    assert len(records(items(tmp_path / "c.csv.gz", gzip.compress(b"q,a\nx,y\n", mtime=0)))) == 1


def test_columns_that_are_not_there_are_told_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Question,Answer,dept\na,b,c\n")
    with pytest.raises(SourceError) as error:
        sniff(
            path,
            Source(
                path="a.csv",
                columns=Columns.model_validate({"user": "question", "assistant": "Answer"}),
            ),
        )
    assert "question" in error.value.message
    assert "did you mean Question?" in error.value.hint
    assert "Question, Answer, dept" in error.value.hint


def test_given_columns_stand_and_the_rest_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("说的话,回复,问题,科室\n你好,您好,x,儿科\n")
    columns = sniff(
        path, Source(path="a.csv", columns=Columns.model_validate({"user": "说的话"}))
    ).source.columns
    assert columns is not None
    assert (columns.user, columns.assistant, columns.label) == (("说的话",), ("回复",), "科室")


@pytest.mark.parametrize(
    ("names", "user", "assistant"),
    [
        (["question_id", "question_type", "user_question", "best_answer", "answer_source"],
         ("user_question",), ("best_answer",)),
        (["问题编号", "问题类别", "客户提问内容", "坐席回复内容", "回复时间"],
         ("客户提问内容",), ("坐席回复内容",)),
        (["zh_question", "en_question", "zh_answer", "en_answer"], (), ()),
    ],
)  # fmt: skip
def test_names_that_say_more_than_one_word(
    tmp_path: Path, names: list[str], user: tuple[str, ...], assistant: tuple[str, ...]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(names) + "\n" + ",".join("x" for _ in names), encoding="utf-8")
    columns = sniff(path, Source(path="a.csv")).source.columns
    assert columns is not None
    assert (columns.user, columns.assistant) == (user, assistant)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.csv", None, "no such file"),
        ("empty.jsonl", b"", "empty"),
        ("empty.jsonl.gz", gzip.compress(b"", mtime=0), "empty"),
        ("cut.jsonl.gz", gzip.compress(b'{"q": "a", "a": "b"}\n' * 99, mtime=0)[:15], "gzip"),
        ("a.pdf", b"%PDF-1.7 ...", "a damaged PDF"),
        ("a.docx", b"PK\x03\x04 rest", "damaged"),
        ("a.bin", b"\x00\x01\x02\x03", "not a text file"),
        ("a.csv", bytes(range(256)) * 20, "not a text file"),
        ("a.parquet", b"PAR1 and no more", "Parquet"),
        ("a.xlsx", b"no workbook", "not a kind of file"),
        ("a.log", b"09:00 hello\n", "a log"),
        ("a.jsonl", b'{"x": 1, "y": 2}\n', "no column says"),
        ("a.jsonl", b"no json\nat all\n", "no JSON object"),
        ("blank.csv", b"\n\n", "no row"),
    ],
)
def test_files_that_cannot_be_read_at_all(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        sniff(path, Source(path=name))
    assert says in error.value.message
    assert str(path) in error.value.message
    assert error.value.hint


def test_an_encoding_that_is_given_is_taken_at_its_word(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("联通".encode("gbk"))
    assert sniff(path, Source(path="a", encoding="GBK")).source.encoding == "gbk"
    with pytest.raises(SourceError) as error:
        sniff(path, Source(path="a", encoding="utf-9"))
    assert "utf-9" in error.value.message


def test_reading_twice_gives_the_same_ids_and_no_two_alike(tmp_path: Path) -> None:
    lines = '{"q": "same", "a": "same"}\n' * 3
    first = records(items(tmp_path / "a.jsonl", lines))
    again = records(items(tmp_path / "a.jsonl", lines))
    assert first == again
    assert len({record.id for record in first}) == 3
