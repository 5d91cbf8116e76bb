"""Chats as plain text, as people have them: recognised by their lines, message by message."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.schema import Chat, Source
from curator.sources import Tally, read, sniff
from curator.sources.chats import irc, qq, wechat, whatsapp
from curator.sources.chats.messages import Message
from curator.sources.conversations import Shape
from curator.sources.formats import Reading
from curator.types import Quarantined, Record, SetAside

CHATS = Path(__file__).parents[1] / "data/chats"
READERS = {"whatsapp": whatsapp, "wechat": wechat, "qq": qq, "irc": irc}

Told = tuple[str, str | None, str | None, str, str | None]
"""Line, time, speaker, text, notice."""


def reading(path: Path, **settings: str) -> Reading:
    """Return what a reader works with, everything about the file recognised."""
    source = sniff(path, Source.model_validate({"path": str(path)} | settings)).source
    encoding = source.encoding.removesuffix("-sig")
    return Reading(path, encoding, source, Shape(path.name, "sha", source), Tally())


def said(path: Path, format_name: str) -> list[Message | Quarantined | SetAside]:
    """Return what the reader of a format yields, and check that no line is lost."""
    work = reading(path)
    assert work.source.format == format_name
    found = list(READERS[format_name].said(work))
    assert sum(unit.n_units for unit in found) == work.tally.units_read
    assert work.tally.units_read == len(path.read_bytes().splitlines())
    return found


def told(path: Path, format_name: str) -> list[Told]:
    """Return the messages of a file."""
    return [
        (m.locator.removeprefix("line "), m.time, m.speaker, m.text, m.notice)
        for m in said(path, format_name)
        if isinstance(m, Message)
    ]


def written(path: Path, text: str) -> Path:
    """Write a file and return where."""
    path.write_text(text, encoding="utf-8")
    return path


# --- WhatsApp -------------------------------------------------------------------------------


def test_whatsapp_from_android_in_english() -> None:
    path = CHATS / "whatsapp_android_en.txt"
    first = path.read_text().splitlines()[0].partition(" - ")[2]
    assert told(path, "whatsapp") == [
        ("1", "2024-05-12T21:14", None, first, "system line"),
        (
            "2",
            "2024-05-12T21:14",
            "Priya Nair",
            "Hi, my kettle leaks. Order 4711.\nIt started yesterday:\n\ndrops under the base.",
            None,
        ),
        ("6", "2024-05-12T21:15", "Priya Nair", "<Media omitted>", "media"),
        (
            "7",
            "2024-05-12T21:16",
            "Teapot Support",
            "Sorry to hear that! We send a new one.",
            None,
        ),
        (
            "8",
            "2024-05-12T21:17",
            "Teapot Support",
            "This message was deleted",
            "recalled message",
        ),
        (
            "9",
            "2024-05-13T08:02",
            "Priya Nair",
            "IMG-20240513-WA0001.jpg (file attached)",
            "media",
        ),
        ("10", "2024-05-13T08:02", "Priya Nair", "The crack is here.", None),
        (
            "11",
            "2024-05-13T08:03",
            None,
            'Teapot Support changed the subject from "Help: kettle" to "Kettle"',
            "system line",
        ),
        ("12", "2024-05-13T08:04", "Priya Nair", "Note: I am home after 5.", None),
    ]


def test_whatsapp_from_ios_in_chinese() -> None:
    found = told(CHATS / "whatsapp_ios_zh.txt", "whatsapp")
    assert [(line, time, who, notice) for line, time, who, _, notice in found] == [
        ("1", "2024-05-12T21:14:03", None, "system line"),
        ("2", "2024-05-12T21:14:20", "林小雨", None),
        ("4", "2024-05-12T21:15:00", "林小雨", "media"),
        ("5", "2024-05-12T21:16:41", "茶壶客服", None),
        ("6", "2024-05-12T21:17:02", "茶壶客服", "recalled message"),
        ("7", "2024-05-12T21:17:30", "林小雨", "media"),
        ("8", "2024-05-13T00:05:09", "林小雨", None),
    ]
    texts = [text for *_, text, notice in found if notice is None]
    assert texts == ["你好，我的水壶漏水了\n订单号 4711", "您好，给您换一个新的", "谢谢！"]


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        # A day above 12 decides for the whole file, wherever it stands.
        (["03/04/2024, 09:00", "13/04/2024, 09:00"], ["2024-04-03T09:00", "2024-04-13T09:00"]),
        (["4/3/24, 9:00 AM", "4/13/24, 9:00 PM"], ["2024-04-03T09:00", "2024-04-13T21:00"]),
        # Time does not run backwards: 5 April, then 4 May.
        (["05/04/2024, 09:00", "04/05/2024, 09:00"], ["2024-04-05T09:00", "2024-05-04T09:00"]),
        (["04/05/2024, 09:00", "05/04/2024, 09:00"], ["2024-04-05T09:00", "2024-05-04T09:00"]),
        # A chat of three days is likelier than one of two months.
        (
            ["05/01/2024, 09:00", "05/02/2024, 09:00", "05/03/2024, 09:00"],
            ["2024-05-01T09:00", "2024-05-02T09:00", "2024-05-03T09:00"],
        ),
        # Written as in the United States.
        (["5/9/24, 12:05 AM", "5/9/24, 12:05 PM"], ["2024-05-09T00:05", "2024-05-09T12:05"]),
        # As in India, in Spanish, in German, Dutch and Japanese; the year in front.
        (["09/05/24, 9:05 pm", "09/05/24, 9:06 pm"], ["2024-05-09T21:05", "2024-05-09T21:06"]),
        (["9/5/24, 9:05 p. m.", "9/5/24, 9:06 p. m."], ["2024-05-09T21:05", "2024-05-09T21:06"]),
        (["09.05.24, 21:05", "09.05.24, 21:06"], ["2024-05-09T21:05", "2024-05-09T21:06"]),
        (["09-05-2024 21:05", "09-05-2024 21:06"], ["2024-05-09T21:05", "2024-05-09T21:06"]),
        (["2024/05/09, 21:05", "2024/5/9 21:06"], ["2024-05-09T21:05", "2024-05-09T21:06"]),
        (["9/5/2024 下午9:05", "9/5/2024 上午12:06"], ["2024-05-09T21:05", "2024-05-09T00:06"]),
        (
            ["5/9/24, 9:05\u202fPM", "5/10/24, 9:06\u202fAM"],
            ["2024-05-09T21:05", "2024-05-10T09:06"],
        ),
    ],
)
def test_whatsapp_dates_are_settled_over_the_whole_file(
    tmp_path: Path, lines: list[str], times: list[str]
) -> None:
    chat = "".join(
        f"{line} - {'Ana' if i % 2 else 'Ben'}: text {i}\n" for i, line in enumerate(lines)
    )
    assert [m[1] for m in told(written(tmp_path / "a.txt", chat), "whatsapp")] == times


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("<Media omitted>", "media"),
        ("image omitted", "media"),
        ("report.pdf • 3 pages document omitted", "media"),
        ("<attached: 00000012-PHOTO-2024-05-12-21-14-03.jpg>", "media"),
        ("<省略影音内容>", "media"),
        ("<省略多媒體檔案>", "media"),
        ("<已忽略媒体文件>", "media"),
        ("省略影音內容", "media"),
        ("圖片已略去", "media"),
        ("音频已忽略", "media"),
        ("IMG-1.jpg (文件附件)", "media"),
        ("location: https://maps.google.com/?q=1.5,2.5", "media"),
        ("This message was deleted", "recalled message"),
        ("You deleted this message", "recalled message"),
        ("此消息已删除", "recalled message"),
        ("您已删除此消息", "recalled message"),
        ("你已刪除這則訊息", "recalled message"),
        ("the image was omitted from the report", None),
        ("he changed the subject quickly", None),
        ("不要忽略图片里的字", None),
        ("此消息已删除了吗？", None),
    ],
)
def test_whatsapp_tells_what_stands_for_words(
    tmp_path: Path, text: str, notice: str | None
) -> None:
    chat = f"12/05/2024, 21:14 - Ana: {text}\n12/05/2024, 21:15 - Ben: ok\n"
    assert told(written(tmp_path / "a.txt", chat), "whatsapp")[0][3:] == (text, notice)


def test_whatsapp_on_ios_sets_its_own_words_behind_a_mark(tmp_path: Path) -> None:
    chat = (
        "[12/05/2024, 21:14:03] Kettles: \u200eAna added Ben\n"
        "[12/05/2024, 21:15:03] Ana: hi \u200e<This message was edited>\n"
        "[12/05/2024, 21:16:03] Ben: \u200ePOLL:\nTea or coffee?\n\u200eOPTION: Tea (1 vote)\n"
        "[12/05/2024, 21:17:03] \u202a+86 138 0000 0000\u202c: @\u2068Ana\u2069 ok\n"
    )
    found = told(written(tmp_path / "a.txt", chat), "whatsapp")
    assert [(who, text, notice) for _, _, who, text, notice in found] == [
        (None, "Kettles: Ana added Ben", "system line"),
        ("Ana", "hi", None),
        ("Ben", "POLL:\nTea or coffee?\nOPTION: Tea (1 vote)", None),
        ("+86 138 0000 0000", "@Ana ok", None),
    ]


@pytest.mark.parametrize(
    "event",
    [
        "Ana added you",
        "Ana created group “Kettles: all”",
        "Ben left",
        "您的安全码已更改",
        "林小雨将群组名称从“水壶: 一”更改为“二”",
        "未接语音通话",
    ],
)
def test_whatsapp_lines_without_a_sender_are_system_lines(tmp_path: Path, event: str) -> None:
    chat = (
        f"12/05/2024, 21:14 - Ana: hi\n12/05/2024, 21:15 - {event}\n12/05/2024, 21:16 - Ben: ok\n"
    )
    found = told(written(tmp_path / "a.txt", chat), "whatsapp")
    assert found[1][2:] == (None, event, "system line")


# --- WeChat and QQ --------------------------------------------------------------------------


def test_wechat_as_exporters_write_it() -> None:
    assert told(CHATS / "wechat_export.txt", "wechat") == [
        ("1", "2024-05-12T21:14:03", "林小雨", "你好，我的水壶漏水了\n订单号 4711", None),
        ("5", "2024-05-12T21:14:40", "林小雨", "[图片]", "media"),
        ("8", "2024-05-12T21:15:02", "茶壶客服", "您好，是壶底漏水吗？", None),
        ("11", "2024-05-12T21:15:10", None, '"林小雨" 撤回了一条消息', "recalled message"),
        (
            "13",
            "2024-05-12T21:15:30",
            "林小雨",
            "是的\n\n麻烦换一个\n引用:茶壶客服:您好，是壶底漏水吗？",
            None,
        ),
        ("19", "2024-05-12T21:16:00", None, "以上是打招呼的内容", "system line"),
        ("21", "2024-05-12T21:16:20", "茶壶客服", "[语音]", "media"),
        ("24", "2024-05-12T21:17:00", "茶壶客服", "明天给您寄新的[微笑]", None),
    ]


def test_wechat_as_the_pc_client_copies_it() -> None:
    assert told(CHATS / "wechat_copied.txt", "wechat") == [
        ("1", "2024-05-12T21:14:03", "林小雨", "你好，几点开门？", None),
        ("4", "2024-05-12T21:15:40", "茶壶客服", "上午九点。\n周末十点。", None),
        ("8", "2024-05-12T21:16:02", "林小雨", "[动画表情]", "media"),
    ]


def test_wechat_as_it_is_mailed() -> None:
    found = said(CHATS / "wechat_shared.txt", "wechat")
    assert [m.time for m in found if isinstance(m, Message)] == [
        "2024-05-12T21:14",
        "2024-05-12T21:15",
        "2024-05-13T08:02",
    ]
    assert [m.notice for m in found if isinstance(m, Message)] == [None, None, "media"]
    reasons = [unit.reason for unit in found if isinstance(unit, SetAside)]
    assert (reasons.count("header"), reasons.count("date line")) == (1, 2)


def test_wechat_on_one_line_each() -> None:
    assert told(CHATS / "wechat_lines.txt", "wechat") == [
        ("1", "2024-05-12T21:14:03", "林小雨", "你好，几点开门？", None),
        ("2", "2024-05-12T21:15:40", "茶壶客服", "上午九点。\n周末十点。", None),
        ("4", "2024-05-12T21:16:02", "林小雨", "[图片]", "media"),
        ("5", "2024-05-12T21:16:30", "林小雨", "收到：谢谢", None),
    ]


def test_qq_keeps_its_chats_apart_and_knows_people_by_their_numbers() -> None:
    found = said(CHATS / "qq_groups.txt", "qq")
    messages = [m for m in found if isinstance(m, Message)]
    assert [(m.conversation, m.speaker, m.text, m.notice) for m in messages] == [
        ("林小雨", "林小雨", "你好，在吗？", None),
        ("林小雨", "茶壶客服", "在的，请说。", None),
        ("茶友群", "阿杰", "新壶到了吗？\n图在这里", None),
        ("茶友群", "阿杰", "[图片][图片]", "media"),
        ("茶友群", "小雨", "明天到。", None),
        ("茶友群", None, "小陈加入本群。", "system line"),
        ("茶友群", "阿杰", "好的", None),
        ("茶友群", None, "小雨撤回了一条消息", "recalled message"),
        ("茶友群", "小雨", "", "media"),
    ]
    assert messages[2].time == "2024-05-12T21:20:00"
    assert [m.locator for m in messages[:3]] == ["line 9", "line 12", "line 22"]


def test_qq_without_its_header_and_two_people_of_one_name(tmp_path: Path) -> None:
    chat = (
        "2024-05-12 21:14:03 小雨(10023456)\n在吗？\n\n2024-05-12 21:14:40 小雨(10029999)\n在\n\n"
        "2024-05-12 21:15:00 大雨(10023456)\n[图片]\n"
    )
    found = told(written(tmp_path / "a.txt", chat), "qq")
    assert [m[2] for m in found] == ["小雨", "小雨(10029999)", "小雨"]


# --- IRC ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("irc_irssi.log", ("2024-05-12T21:14", "2024-05-12T21:15", "2024-05-12T21:15")),
        ("irc.weechatlog", ("2024-05-12T21:14:03", "2024-05-12T21:15:00", "2024-05-12T21:15:30")),
        ("irc_mirc.log", ("2024-05-12T21:14", "2024-05-12T21:15", "2024-05-12T21:15")),
        ("irc_ubuntu.txt", ("21:14", "21:15", "21:15")),
        ("irc_znc.log", ("21:14:03", "21:15:00")),
    ],
)
def test_irc_as_its_clients_write_it(name: str, days: tuple[str, ...]) -> None:
    found = told(CHATS / name, "irc")
    spoken = [m for m in found if m[4] is None]
    assert [(who, text) for _, _, who, text, _ in spoken][:3] == [
        ("moth", "anyone know why my kettle leaks?"),
        ("tea_bot", "moth: check the seal"),
        ("moth", "* moth checks"),
    ][: len(days)]
    assert tuple(m[1] for m in spoken)[: len(days)] == days
    assert {m[4] for m in found} == {None, "system line"}
    assert all(m[2] is None for m in found if m[4])


def test_irc_knows_the_day_after_it_has_changed() -> None:
    found = told(CHATS / "irc_irssi.log", "irc")
    assert found[6] == ("7", "2024-05-13T00:02", "moth", "换了密封圈就好了，谢谢", None)


def test_irc_of_hexchat_and_of_mirc_with_the_words_of_the_client(tmp_path: Path) -> None:
    hexchat = (
        "**** BEGIN LOGGING AT Tue Dec 31 23:50:00 2024\n\n"
        "Dec 31 23:50:01 *\tNow talking on #kettles\n"
        "Dec 31 23:59:58 <moth>\tit leaks\n"
        "Jan 01 00:00:10 <tea_bot>\t新年好\n"
        "Jan 01 00:00:20 *\tmoth has quit (bye)\n"
    )
    found = told(written(tmp_path / "a.log", hexchat), "irc")
    assert [(time, who, text) for _, time, who, text, notice in found if notice is None] == [
        ("2024-12-31T23:59:58", "moth", "it leaks"),
        ("2025-01-01T00:00:10", "tea_bot", "新年好"),
    ]
    mirc = "[21:14] * Now talking in #kettles\n[21:14] * Topic is 'tea'\n[21:15] <moth> hi\n[21:16] <tea> hi\n"
    found = told(written(tmp_path / "b.log", mirc), "irc")
    assert [who for _, _, who, _, notice in found if notice is None] == ["moth", "tea"]


def test_irc_of_the_ubuntu_archive(real_data: Path) -> None:
    path = real_data / "raw/irc_2005-06-27_12.raw.txt"
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found = said(path, "irc")
    system = [m for m in found if isinstance(m, Message) and m.notice]
    assert len(system) == sum(line.startswith("===") for line in lines)
    spoken = [m for m in found if isinstance(m, Message) and not m.notice]
    for message in spoken:
        line = lines[int(message.locator.removeprefix("line ")) - 1]
        assert message.time == line[1:6]
        act = f"[{message.time}] {message.text}"
        assert line.rstrip() in (
            f"[{message.time}] <{message.speaker}> {message.text}".rstrip(),
            act,
        )
    others = [unit for unit in found if not isinstance(unit, Message)]
    assert {unit.reason for unit in others} <= {"a message without text"}
    assert len(spoken) > 1000


def test_irc_quarantines_a_line_that_no_client_writes(tmp_path: Path) -> None:
    log = "[21:14] <moth> hi\n[21:15] <tea> hello\nsomething else\n[21:16] <moth> bye\n"
    found = said(written(tmp_path / "a.log", log), "irc")
    assert [u for u in found if isinstance(u, Quarantined)] == [
        Quarantined("line 3", "a line of no known form", b"something else\n")
    ]


# --- all of them ----------------------------------------------------------------------------


SAMPLES = {
    "whatsapp_android_en.txt": "whatsapp",
    "whatsapp_android_de.txt": "whatsapp",
    "whatsapp_ios_zh.txt": "whatsapp",
    "whatsapp_ios_us.txt": "whatsapp",
    "wechat_export.txt": "wechat",
    "wechat_copied.txt": "wechat",
    "wechat_shared.txt": "wechat",
    "wechat_lines.txt": "wechat",
    "wechat_v1.csv": "wechat-csv",
    "wechat_v2.csv": "wechat-csv",
    "wechat_wxdump.csv": "wechat-csv",
    "wechat_v1.html": "wechat-html",
    "wechat_v2.html": "wechat-html",
    "qq_groups.txt": "qq",
    "irc_irssi.log": "irc",
    "irc.weechatlog": "irc",
    "irc_mirc.log": "irc",
    "irc_ubuntu.txt": "irc",
    "irc_znc.log": "irc",
    "mail.mbox": "mbox",
    "mail.eml": "eml",
    "turns_zh.csv": "turns",
    "turns_en.tsv": "turns",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_recognised_and_becomes_conversations(name: str) -> None:
    path = CHATS / name
    source = sniff(path, Source(path=str(path))).source
    assert source.format == SAMPLES[name]
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read > 0
    records = [item for item in found if isinstance(item, Record)]
    assert records
    assert all(record.kind == "conversation" for record in records)
    assert all(part.text.strip() and part.speaker for record in records for part in record.parts)


def test_what_nobody_said_is_kept_where_the_recipe_says_so() -> None:
    path = CHATS / "wechat_export.txt"
    kept = Source(path=str(path), chat=Chat(keep=("media", "recalled message")))
    source = sniff(path, kept).source
    found = list(read(path, path.name, "sha", source, Tally()))
    texts = "\n".join(p.text for item in found if isinstance(item, Record) for p in item.parts)
    assert "[图片]" in texts
    assert "撤回了一条消息" in texts
    assert "以上是打招呼的内容" not in texts


@pytest.mark.parametrize("name", ["whatsapp_android_en.txt", "wechat_export.txt", "irc_irssi.log"])
def test_a_line_that_does_not_decode_is_quarantined_alone(tmp_path: Path, name: str) -> None:
    good = (CHATS / name).read_bytes().splitlines(keepends=True)
    bad = b"\xff\xfe\xfd broken\n"
    path = tmp_path / name
    path.write_bytes(b"".join([*good[:4], bad, *good[4:]]))
    work = reading(path, encoding="utf-8")
    found = list(READERS[work.source.format].said(work))
    assert [u for u in found if isinstance(u, Quarantined)] == [
        Quarantined("line 5", "bytes that are not utf-8", bad)
    ]
    whole = reading(CHATS / name)
    texts = [m.text for m in READERS[work.source.format].said(whole) if isinstance(m, Message)]
    assert [m.text for m in found if isinstance(m, Message)] == texts


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    ("name", "kind"), [("wechat_export.txt", "wechat"), ("qq_groups.txt", "qq")]
)
def test_chats_come_in_the_encodings_of_windows(
    tmp_path: Path, name: str, kind: str, encoding: str
) -> None:
    path = tmp_path / name
    text = (CHATS / name).read_text(encoding="utf-8").replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding))
    work = reading(path)
    assert work.source.format == kind
    found = [m for m in READERS[kind].said(work) if isinstance(m, Message)]
    assert [tuple(m)[1:] for m in told(CHATS / name, kind)] == [
        (m.time, m.speaker, m.text, m.notice) for m in found
    ]


def test_a_short_talk_of_many_is_a_chat_and_one_without_placeholders_is(tmp_path: Path) -> None:
    group = "".join(
        f"2024-05-12 21:1{i}:03 {who}\n{text}\n\n"
        for i, (who, text) in enumerate(
            [("林小雨", "壶到了吗"), ("阿杰", "[图片]"), ("小陈", "到了"), ("小王", "好")]
        )
    )
    assert len(told(written(tmp_path / "a.txt", group), "wechat")) == 4
    english = (
        "2024-05-12 21:14:03 Ana Ruiz\nDoes it leak?\n\n2024-05-12 21:15:03 Tea Shop\nNo.\n\n"
        "2024-05-12 21:16:03 Ana Ruiz\nThanks.\n"
    )
    assert [m[2:4] for m in told(written(tmp_path / "b.txt", english), "wechat")] == [
        ("Ana Ruiz", "Does it leak?"),
        ("Tea Shop", "No."),
        ("Ana Ruiz", "Thanks."),
    ]


OTHERS = {
    "weather.txt": "2024-05-12 21:14 晴\n今天去了公园。\n\n2024-05-13 20:10 晴\n在家看书。\n\n"
    "2024-05-14 20:30 雨\n没什么事。\n\n2024-05-15 20:00 晴\n散步。\n",
    "changelog.txt": "2024-06-01  10:00  Ana Ruiz <ana@example.com>\n\n\t* Fix the lid.\n\n"
    "2024-05-12  21:14  Ana Ruiz <ana@example.com>\n\n\t* New spout.\n\n"
    "2024-05-10 21:14 Ana Ruiz\n\n\t* Paint.\n\n2024-05-09 20:10 Ana Ruiz\n\n\t* Glue.\n",
    "notes.md": "# 2024-05-12 Meeting\n\n2024-05-12 21:14 we met.\n\n- 12/05/2024, 21:14 - Ana: hi\n\nEnd.\n",
    "diary.txt": "2024-05-12 21:14 晴\n今天去了公园。\n\n2024-05-13 20:10 雨\n在家看书。\n\n"
    "2024-05-14 20:30 阴\n没什么事。\n\n2024-05-15 20:00 多云\n散步。\n",
    "app.txt": "2024-05-12 21:14:03 INFO Starting up\n2024-05-12 21:14:04 WARN low disk\n"
    "2024-05-12 21:14:05 ERROR failed: timeout\n2024-05-12 21:14:06 INFO done\n",
    "laravel.txt": "[2024-05-12 21:14:03] production.ERROR: boom\n[2024-05-12 21:14:04] production.INFO: ok\n"
    "[2024-05-12 21:14:05] production.INFO: ok\n",
    "python.txt": "2024-05-12 21:14:03,120 - root - INFO - started\n"
    "2024-05-12 21:14:04,121 - root - INFO - stopped\n",
    "short.txt": "12/05/2024, 21:14 - INFO: started\n12/05/2024, 21:15 - ERROR: stopped\n",
    "sys.txt": "May 12 21:14:03 host sshd[12]: Accepted\nMay 12 21:14:04 host cron[13]: run\n",
    "server.txt": "2024-05-12 21:14:03 nginx: GET /\n2024-05-12 21:14:04 nginx: GET /a\n"
    "2024-05-12 21:14:05 worker: job done\n2024-05-12 21:14:06 nginx: GET /b\n",
    "page.txt": "<p> one\n<b> two\n<i> three\n",
    "prose.txt": "From the start it was clear.\n\nTo: the sea. Subject: none.\n",
    "dialogue.txt": "Ana: hi\nBen: hello\nAna: bye\n",
    "schedule.txt": "10:00 <break>\n10:15 talk\n11:00 talk\n12:00 lunch\n13:00 talk\n",
    "changes.txt": "2024-05-12 21:14:03 Ana Ruiz\n\n* Fix the lid.\n\n2024-06-01 10:00:00 Ben Cole\n\n"
    "* New handle.\n* New spout, at last, after a long time\n  of trying.\n\n2024-07-01 10:00:00 Ed Fox\n\n"
    "* Paint.\n\n2024-08-01 10:00:00 Di Hu\n\n* Glue.\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_chat_is_not_taken_for_one(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, OTHERS[name])
    assert sniff(path, Source(path=str(path))).source.format == "document"


PIECES = [
    b"",
    b"   ",
    b"\xff\xfe",
    b"12/05/2024, 21:14 - Ana: hi",
    "\u200e[2024/5/12 下午9:14:03] 客服: \u200e图片已忽略".encode(),
    b"31/31/2024, 21:14 - Ana: no such day",
    b"IMG-1.jpg (file attached)",
    "2024-05-12 21:14:03 林小雨".encode(),
    "林小雨 2024/5/12 25:99:03".encode(),
    "—————  2024-05-12  —————".encode(),
    "林小雨  21:14".encode(),
    "消息对象:茶友群".encode(),
    b"================",
    "[图片]".encode(),
    b"[21:14] <moth> hi",
    b"--- Day changed Mon Feb 30 2024",
    b"=== moth has joined",
    "x\u2028y\x85z".encode(),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=24), st.sampled_from(sorted(READERS)))
def test_whatever_a_file_holds_every_line_comes_out_once(lines: list[bytes], kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_bytes(b"\n".join([*lines, b"end"]))
        work = reading(path, format=kind, encoding="utf-8")
        found = list(READERS[kind].said(work))
        tally = Tally()
        items = list(read(path, "a.txt", "sha", work.source, tally))
    assert sum(unit.n_units for unit in found) == work.tally.units_read == len(lines) + 1
    assert sum(item.n_units for item in items) == tally.units_read
    places = [int(unit.locator.removeprefix("line ")) for unit in found]
    assert len(set(places)) == len(places)
    assert max(places) <= len(lines) + 1


@pytest.mark.parametrize(
    "line",
    [
        "12/05/2024, 21:14 - " + "a" * 200_000,
        "[12/05/2024, 21:14:03] " + "a:" * 100_000,
        "2024-05-12 21:14:03 " + "【" * 100_000,
        "[21:14] <" + "n" * 200_000,
        "[图片]" * 40_000,
        " " * 200_000 + "x",
        "林" + " " * 200_000 + "x",
        "hi " + "<" * 200_000,
        "张" * 200_000 + "撤回了一条消息",
    ],
)
@pytest.mark.parametrize("kind", READERS)
def test_a_hostile_line_costs_no_more_than_its_length(tmp_path: Path, kind: str, line: str) -> None:
    head = {
        "whatsapp": "12/05/2024, 21:14 - Ana: hi",
        "wechat": "2024-05-12 21:14:03 林小雨",
        "qq": "2024-05-12 21:14:03 林小雨(10023456)",
        "irc": "[21:14] <moth> hi",
    }[kind]
    path = written(tmp_path / "a.txt", f"{head}\n{line}\n{line}\n")
    work = reading(path, format=kind)
    began = time.process_time()
    found = list(READERS[kind].said(work))
    assert time.process_time() - began < 3
    assert sum(unit.n_units for unit in found) == 3
