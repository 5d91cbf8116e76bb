"""Chats as tables: call centres' turns, and what WeChat's exporters write as CSV, Excel and HTML."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest
import xlwt

from curator.schema import Columns, Source
from curator.sources import Tally, read, sniff
from curator.sources.chats import turns, wechat_html, wechat_tables
from curator.sources.chats.messages import Message
from curator.sources.conversations import Shape
from curator.sources.formats import Reading
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from curator.sources.chats.messages import Said

CHATS = Path(__file__).parents[1] / "data/chats"


def said(path: Path, reader: Callable[[Reading], Iterator[Said]]) -> list[Said]:
    """Return what a reader yields, and check that no unit is lost."""
    source = sniff(path, Source(path=str(path))).source
    encoding = source.encoding.removesuffix("-sig")
    work = Reading(path, encoding, source, Shape(path.name, "sha", source), Tally())
    found = list(reader(work))
    assert sum(unit.n_units for unit in found) == work.tally.units_read > 0
    return found


def told(found: list[Said]) -> list[tuple[str, str | None, str | None, str, str | None]]:
    """Return line, conversation, speaker, text and notice of the messages."""
    return [
        (m.locator, m.conversation, m.speaker, m.text, m.notice)
        for m in found
        if isinstance(m, Message)
    ]


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    """Write a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


# --- a row a turn ---------------------------------------------------------------------------


def test_turns_in_chinese_belong_together_where_they_are_not_adjacent() -> None:
    found = said(CHATS / "turns_zh.csv", turns.said)
    assert told(found) == [
        ("line 2", "C-1001", "林小雨", "水壶漏水怎么办？", None),
        ("line 3", "C-1002", "阿杰", "几点开门？", None),
        ("line 4", "C-1001", "小陈", "您好，请问是\n壶底漏水吗？", None),
        ("line 6", "C-1001", "林小雨", "[图片]", "media"),
        ("line 7", "C-1002", "小王", "上午九点。", None),
        ("line 8", "C-1001", "系统", "会话已转接至人工", "system line"),
        ("line 11", "C-1002", "阿杰", "谢谢", None),
    ]
    roles = [m.role for m in found if isinstance(m, Message)]
    assert roles == ["user", "user", "assistant", "user", "assistant", None, "user"]
    assert [(u.locator, u.reason) for u in found if isinstance(u, Quarantined | SetAside)] == [
        ("line 1", "header"),
        ("line 9", "a message without text"),
        ("line 10", "no conversation id"),
    ]


def test_turns_in_english_become_conversations_by_their_roles() -> None:
    path = CHATS / "turns_en.tsv"
    source = sniff(path, Source(path=str(path))).source
    assert source.format == "turns"
    found = list(read(path, path.name, "sha", source, Tally()))
    records = [item for item in found if isinstance(item, Record)]
    assert [[(p.role, p.text) for p in record.parts] for record in records] == [
        [("user", "My kettle leaks."), ("assistant", "We send a new one.")],
        [("user", "Do you open on Sunday?"), ("assistant", "Yes, from 8 to noon.")],
    ]


def test_turns_of_a_workbook(tmp_path: Path) -> None:
    at = dt.datetime(2024, 5, 12, 21, 14)  # noqa: DTZ001 - a workbook knows no zones
    rows = [
        ["五月通话记录"],
        ["通话编号", "说话人", "内容", "时间"],
        [1, "客户", "水壶漏水", at],
        [1, "坐席", "给您换新的", at + dt.timedelta(minutes=1)],
        [],
        [2, "客户", "几点开门", at + dt.timedelta(hours=1)],
        [2, "坐席", "九点", None],
    ]
    path = workbook(tmp_path / "a.xlsx", 通话=rows, 说明=[["只是说明"]])
    assert sniff(path, Source(path=str(path))).source.format == "turns-xlsx"
    found = said(path, turns.said_in_sheets)
    assert told(found) == [
        ("sheet 通话 row 3", "1", "客户", "水壶漏水", None),
        ("sheet 通话 row 4", "1", "坐席", "给您换新的", None),
        ("sheet 通话 row 6", "2", "客户", "几点开门", None),
        ("sheet 通话 row 7", "2", "坐席", "九点", None),
    ]
    assert [(u.locator, u.reason) for u in found if not isinstance(u, Message)] == [
        ("sheet 通话 row 1", "above the header"),
        ("sheet 通话 row 2", "header"),
        ("sheet 通话 row 5", "blank row"),
        ("sheet 说明 row 1", "a sheet without the named columns"),
    ]
    first = next(m for m in found if isinstance(m, Message))
    assert (first.time, first.role) == ("2024-05-12T21:14:00", "user")


def test_turns_of_an_old_workbook(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("calls")
    rows = [["Call ID", "Speaker", "Text"], [7, "caller", "It leaks."], [7, "agent", "Sorry!"]]
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            sheet.write(i, j, cell)
    path = tmp_path / "a.xls"
    book.save(str(path))
    assert sniff(path, Source(path=str(path))).source.format == "turns-xlsx"
    assert told(said(path, turns.said_in_sheets)) == [
        ("sheet calls row 2", "7", "caller", "It leaks.", None),
        ("sheet calls row 3", "7", "agent", "Sorry!", None),
    ]


def test_a_system_turn_is_a_prompt_where_a_model_answers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "conversation_id,role,content\n"
        "1,system,You are a shop.\n1,user,Open?\n1,assistant,Yes.\n"
        "2,system,You are a shop.\n2,user,Closed?\n2,assistant,No.\n"
    )
    found = said(path, turns.said)
    assert [(m.role, m.notice) for m in found if isinstance(m, Message)][:2] == [
        ("system", None),
        ("user", None),
    ]


def test_an_id_over_joined_cells_holds_for_the_rows_below(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["会话编号", "说话人", "内容"],
        ["A1", "客户", "水壶漏水"],
        [None, "客服", "给您换新的"],
        ["A2", "客户", "几点开门"],
        [None, "客服", "九点"],
    ]
    path = workbook(tmp_path / "a.xlsx", 通话=rows)
    assert sniff(path, Source(path=str(path))).source.format == "turns-xlsx"
    found = told(said(path, turns.said_in_sheets))
    assert [conversation for _, conversation, *_ in found] == ["A1", "A1", "A2", "A2"]


@pytest.mark.parametrize(
    "header",
    [
        "session_id,speaker,text",
        "Call ID,Speaker Role,Transcript",
        "conversationId,from,message",
        "dialogue_id,role,utterance",
        "ticket,author,body",
        "客服会话唯一标识,发送者角色,消息内容",
        "通话流水号,说话人,转写文本",
        "錄音編號,說話人,轉寫文本",
    ],
)
def test_the_columns_of_turns_go_by_many_names(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    rows = ["1,x1,几点开门？", "1,x2,九点。", "2,x3,open?", "2,x2,at nine", "2,x3,thanks"]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    assert sniff(path, Source(path=str(path))).source.format == "turns"
    found = told(said(path, turns.said))
    assert [(conversation, who) for _, conversation, who, *_ in found] == [
        ("1", "x1"),
        ("1", "x2"),
        ("2", "x3"),
        ("2", "x2"),
        ("2", "x3"),
    ]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("id,question,answer", ["1,几点开门？,九点。", "2,几点关门？,八点。"]),
        ("ticket_id,from,message", ["1,Ana,hi", "2,Ben,hello", "3,Ana,help"]),
        ("session_id,question,answer,role", ["1,a?,b,x", "1,c?,d,x", "1,e?,f,y"]),
        ("会话ID,提问,回答", ["1,几点开门？,九点。", "1,几点关门？,八点。"]),
        ("date,author,text", ["2024,Ana,hi", "2024,Ben,hello"]),
        ("session,url,text", ["1,/a,hi", "1,/b,hello", "1,/c,bye"]),
        ("thread,author,title,content", [f"1,author {i},t,c" for i in range(12)]),
    ],
)
def test_other_tables_are_not_taken_for_turns(tmp_path: Path, header: str, rows: list[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    assert sniff(path, Source(path=str(path))).source.format == "csv"


def test_columns_that_the_recipe_names_make_a_row_a_record() -> None:
    path = CHATS / "turns_en.tsv"
    columns = Columns.model_validate({"text": "text"})
    assert sniff(path, Source(path=str(path), columns=columns)).source.format == "tsv"


# --- WeChat ---------------------------------------------------------------------------------


def test_wechat_csv_of_the_first_exporter() -> None:
    found = said(CHATS / "wechat_v1.csv", wechat_tables.said)
    assert [(place, who, text, notice) for place, _, who, text, notice in told(found)] == [
        ("line 2", "林小雨", "水壶漏水了\n怎么办？", None),
        ("line 4", "林小雨", '<?xml version="1.0"?><msg><img/></msg>', "media"),
        ("line 5", None, '"林小雨" 撤回了一条消息', "recalled message"),
        ("line 6", "茶壶客服", "给您换一个", None),
        ("line 7", "茶壶客服", "[49/6]", "media"),
    ]
    assert {m.conversation for m in found if isinstance(m, Message)} == {"7"}


def test_wechat_csv_of_the_later_exporter_puts_voice_into_words() -> None:
    found = said(CHATS / "wechat_v2.csv", wechat_tables.said)
    assert [(who, text, notice) for _, _, who, text, notice in told(found)] == [
        ("林小雨", "几点开门？", None),
        ("林小雨", "周末也开吗", None),
        ("林小雨", "【表情包】 ", "media"),
        ("茶壶客服", "上午九点。", None),
        (None, "你已添加了林小雨，现在可以开始聊天了。", "system line"),
    ]


def test_wechat_csv_of_pywxdump_counts_seconds() -> None:
    found = said(CHATS / "wechat_wxdump.csv", wechat_tables.said)
    assert [m.time for m in found if isinstance(m, Message)] == [
        "2024-05-12 21:14:03",
        "2024-05-12 21:14:20",
        "2024-05-12T13:15:20Z",
    ]
    assert told(found)[1] == ("line 3", "茶友群@chatroom", "wxid_a1", "[图片]", "media")


def test_wechat_as_a_workbook(tmp_path: Path) -> None:
    rows = [
        ["消息ID", "类型", "发送人", "时间", "内容", "备注", "昵称", "更多信息"],
        ["881", "文本", "林小雨", "2024-05-12 21:14:03", "几点开门？", "", "", "more"],
        ["882", "图片", "林小雨", "2024-05-12 21:14:10", "【图片】", "", "", "more"],
        ["883", "文本", "茶壶客服", "2024-05-12 21:15:02", "上午九点。", "", "", "more"],
    ]
    path = workbook(tmp_path / "a.xlsx", 聊天记录=rows)
    source = sniff(path, Source(path=str(path))).source
    assert source.format == "wechat-xlsx"
    found = list(read(path, path.name, "sha", source, Tally()))
    (record,) = [item for item in found if isinstance(item, Record)]
    assert [(p.role, p.text) for p in record.parts] == [
        ("user", "几点开门？"),
        ("assistant", "上午九点。"),
    ]


def test_wechat_page_of_the_first_exporter() -> None:
    found = said(CHATS / "wechat_v1.html", wechat_html.said)
    assert [(place, who, text, notice) for place, _, who, text, notice in told(found)] == [
        ("message 1 (line 5)", "林小雨", "水壶漏水了\n怎么办？ it's urgent", None),
        ("message 2 (line 5)", "林小雨", "./image/1.jpg", "media"),
        ("message 3 (line 5)", None, '"林小雨" 撤回了一条消息', "recalled message"),
        ("message 5 (line 7)", "茶壶客服", "给您换一个 & 免费", None),
        ("message 6 (line 8)", "茶壶客服", "明天寄出", None),
    ]
    (broken,) = [unit for unit in found if isinstance(unit, Quarantined)]
    assert (broken.locator, broken.reason) == ("message 4 (line 6)", "a broken message")
    assert broken.raw.startswith(b"{ type:1, text: 'broken")


def test_wechat_page_of_the_later_exporter() -> None:
    found = said(CHATS / "wechat_v2.html", wechat_html.said)
    assert [(m.locator, m.speaker, m.text, m.id) for m in found if isinstance(m, Message)] == [
        ("message 1 (line 5)", "林小雨", "几点开门？", "881"),
        ("message 2 (line 14)", "林小雨", "[81604378673]", "882"),
        ("message 3 (line 23)", "茶壶客服", "上午九点。", "883"),
    ]


def test_a_large_page_is_read_piece_by_piece(tmp_path: Path) -> None:
    head, body = "<!DOCTYPE html><style>" + "x" * 300_000 + "</style>\n<script>", []
    for i in range(9000):
        who = "甲" if i % 2 else "乙"
        body.append(
            f"{{ type:1, text: '第{i}句{{[',timestamp:{1715519643 + i},displayname:'{who}'}},"
        )
    path = tmp_path / "a.html"
    path.write_text(f"{head}const chatMessages = [{''.join(body)}];</script>", encoding="utf-8")
    found = said(path, wechat_html.said)
    assert [m.text for m in found if isinstance(m, Message)] == [f"第{i}句{{[" for i in range(9000)]


@pytest.mark.parametrize("name", ["wechat_v1.html", "wechat_v2.html"])
def test_a_cut_page_gives_its_whole_messages(tmp_path: Path, name: str) -> None:
    raw = (CHATS / name).read_bytes()
    path = tmp_path / name
    for end in range(raw.index(b"[") + 1, len(raw), 17):
        path.write_bytes(raw[:end])
        source = Source(path=str(path), format="wechat-html", encoding="utf-8")
        tally = Tally()
        found = list(read(path, name, "sha", sniff(path, source).source, tally))
        assert sum(item.n_units for item in found) == tally.units_read


def test_what_a_table_says_beside_the_turns_goes_with_the_conversation(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        "会话ID,角色,内容,时间,科室,技能组\n"
        "a1,客户,请问几点开门？,2024-05-01 09:00,门诊,一线\n"
        "a1,客服,九点。,2024-05-01 09:01,门诊,一线\n"
        "b2,客户,怎么退费？,2024-05-01 09:02,,二线\n"
        "b2,客服,请带收据到窗口。,2024-05-01 09:03,收费处,\n",
        encoding="utf-8",
    )
    source = sniff(path, Source(path=str(path))).source
    assert source.format == "turns"
    found = [i for i in read(path, path.name, "sha", source, Tally()) if isinstance(i, Record)]
    assert [(r.label, r.meta) for r in found] == [
        ("门诊", {"conversation": "a1", "技能组": "一线"}),
        ("收费处", {"conversation": "b2", "技能组": "二线"}),
    ]
