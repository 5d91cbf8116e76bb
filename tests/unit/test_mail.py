"""Mailboxes and mails: threads, encodings, what is new in a reply, attachments."""

from __future__ import annotations

import datetime as dt
import gzip
import time
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator.schema import Source
from curator.sources import Tally, read, sniff
from curator.sources.chats.messages import Message
from curator.sources.conversations import Shape
from curator.sources.formats import Reading
from curator.sources.mail import mailbox, outlook
from curator.sources.mail.quotes import Words, words
from curator.types import Quarantined, Record, SetAside
from tests.unit.compound_file import outlook_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from curator.sources.chats.messages import Said

CHATS = Path(__file__).parents[1] / "data/chats"


def said(path: Path, reader: Callable[[Reading], Iterator[Said]]) -> list[Said]:
    """Return what a reader yields, and check that no piece is lost."""
    source = sniff(path, Source(path=str(path))).source
    work = Reading(path, "utf-8", source, Shape(path.name, "sha", source), Tally())
    found = list(reader(work))
    assert sum(unit.n_units for unit in found) == work.tally.units_read
    return found


def messages(found: list[Said]) -> list[Message]:
    """Return the messages alone."""
    return [unit for unit in found if isinstance(unit, Message)]


def written_mailbox(path: Path, *mails: bytes) -> Path:
    """Write mails as a mailbox."""
    lines = b"From someone@example.com Sun May 12 21:14:03 2024\n"
    path.write_bytes(b"".join(lines + one.rstrip(b"\n") + b"\n\n" for one in mails))
    return path


def letter(number: int, subject: str, text: str, **headers: str) -> bytes:
    """Return a mail from a customer (odd numbers) or the shop, an hour after the one before."""
    people = ["Ana Ruiz <ana@example.com>", "Shop <help@shop.example>"]
    one = EmailMessage()
    one["From"], one["To"] = people if number % 2 else people[::-1]
    one["Subject"] = subject
    one["Date"] = dt.datetime(2024, 5, 12, number, tzinfo=dt.UTC)
    one["Message-ID"] = f"<{number}@example.com>"
    for name, value in headers.items():
        one[name.replace("_", "-")] = value
    one.set_content(text)
    return one.as_bytes()


def test_a_mailbox_becomes_threads_in_the_order_of_time() -> None:
    found = said(CHATS / "mail.mbox", mailbox.said)
    assert [
        (m.locator, m.conversation, m.time, m.speaker, m.text, m.notice) for m in messages(found)
    ] == [
        (
            "message 1 (line 1)",
            "message 1",
            "2024-05-12T19:14:03Z",
            "Ana Ruiz",
            "My kettle leaks\nOrder 4711, bought in April.\nFrom day one it dripped.",
            None,
        ),
        (
            "message 4 (line 59)",
            "message 1",
            "2024-05-13T06:00:00Z",
            "Kettle Shop",
            "Sorry! We send a new one.",
            None,
        ),
        (
            "message 3 (line 48)",
            "message 3",
            "2024-05-12T13:30:00Z",
            "林小雨",
            "水壶漏水，怎么办？\n\n订单号 4712",
            None,
        ),
        (
            "message 2 (line 16)",
            "message 3",
            "2024-05-13T01:00:00Z",
            "茶壶客服",
            "您好，明天给您换一个新的。",
            None,
        ),
        (
            "message 2 (line 16)",
            "message 3",
            "2024-05-13T01:00:00Z",
            "茶壶客服",
            "[换货单.pdf]",
            "media",
        ),
    ]
    assert [(u.locator, u.reason) for u in found if isinstance(u, SetAside)] == [
        ("message 1 (line 1)", "signature"),
        ("message 4 (line 59)", "quoted text"),
        ("message 2 (line 16)", "quoted text"),
        ("message 2 (line 16)", "another form of the same text"),
    ]
    assert messages(found)[1].reply_to == messages(found)[0].id == "<1@example.com>"


def test_a_line_of_a_locator_is_where_the_mail_begins() -> None:
    lines = (CHATS / "mail.mbox").read_text().splitlines()
    for line in (1, 16, 48, 59):
        assert lines[line - 1].startswith("From ")


def test_a_packed_mailbox_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mail.mbox.gz"
    path.write_bytes(gzip.compress((CHATS / "mail.mbox").read_bytes()))
    assert said(path, mailbox.said) == said(CHATS / "mail.mbox", mailbox.said)


def test_a_packed_mailbox_that_is_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mail.mbox.gz"
    noise = "".join(f"line {i * 7919 % 10007}\n" for i in range(30_000))
    written_mailbox(tmp_path / "whole.mbox", letter(1, "Kettle", "one"), letter(3, "Pot", noise))
    packed = gzip.compress((tmp_path / "whole.mbox").read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    source = sniff(path, Source(path=str(path))).source
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read
    reasons = [item.reason for item in found if isinstance(item, Quarantined)]
    assert reasons == ["compressed data that are damaged or cut off"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_threads_are_found_in_any_order(tmp_path: Path, *, newest_first: bool) -> None:
    mails = [
        letter(1, "Kettle", "one"),
        letter(2, "Re: Kettle", "two", In_Reply_To="<1@example.com>"),
        letter(3, "Pot", "three"),
        letter(4, "回复：Kettle", "four", References="<1@example.com> <2@example.com>"),
        letter(5, "Kettle", "five"),
        letter(6, "RE: Pot", "six"),
        letter(8, "RE: something older", "eight", In_Reply_To="<gone@example.com>"),
        letter(9, "Re: something older", "nine", In_Reply_To="<gone@example.com>"),
    ]
    path = written_mailbox(tmp_path / "a.mbox", *(reversed(mails) if newest_first else mails))
    threads: dict[str | None, list[str]] = {}
    for message in messages(said(path, mailbox.said)):
        threads.setdefault(message.conversation, []).append(message.text.split("\n")[-1])
    assert sorted(threads.values()) == [
        ["eight", "nine"],
        ["five"],
        ["one", "two", "four"],
        ["three", "six"],
    ]


def test_a_subject_leads_the_first_mail_of_a_thread_alone(tmp_path: Path) -> None:
    path = written_mailbox(
        tmp_path / "a.mbox",
        letter(1, "Fwd: Does it leak?", ""),
        letter(2, "Re: Does it leak?", "No.", In_Reply_To="<1@example.com>"),
        letter(3, "Hello there", "Hello there, I have a question."),
    )
    assert [m.text for m in messages(said(path, mailbox.said))] == [
        "Does it leak?",
        "No.",
        "Hello there, I have a question.",
    ]


def test_a_mail_in_broken_bytes_is_quarantined_alone(tmp_path: Path) -> None:
    broken = (
        b"From: a@example.com\nSubject: x\nMessage-ID: <9@x>\n"
        b"Content-Type: text/plain; charset=x-unknown\n\n" + bytes(range(0x80, 0x100)) + b"\n"
    )
    path = written_mailbox(
        tmp_path / "a.mbox", letter(1, "Kettle", "one"), broken, letter(3, "Pot", "two")
    )
    found = said(path, mailbox.said)
    assert [m.text for m in messages(found)] == ["Kettle\none", "Pot\ntwo"]
    (lost,) = [unit for unit in found if isinstance(unit, Quarantined)]
    assert lost.reason == "bytes that are in no known encoding"
    assert lost.locator.startswith("message 2 ")


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("gb2312", "镕基您好，€5"),
        ("big5", "您好，裡面漏水"),
        ("iso-8859-1", "It’s “leaking” – café"),
        ("utf-8", "您好 ☕"),
        ("no-such-charset", "您好，水壶漏水了，怎么办？"),
    ],
)
def test_texts_are_read_as_they_were_meant(tmp_path: Path, charset: str, text: str) -> None:
    wide = {
        "gb2312": "gb18030",
        "big5": "cp950",
        "iso-8859-1": "cp1252",
        "no-such-charset": "utf-8",
    }
    raw = text.encode(wide.get(charset, charset))
    head = f"From: a@example.com\nTo: b@example.com\nMessage-ID: <1@x>\nContent-Type: text/plain; charset={charset}\n"
    path = tmp_path / "a.eml"
    path.write_bytes(head.encode() + b"Content-Transfer-Encoding: 8bit\n\n" + raw + b"\n")
    assert [m.text for m in messages(said(path, mailbox.said_in_one))] == [text]


def test_a_forwarded_text_stays_and_a_mail_without_words_says_its_subject(tmp_path: Path) -> None:
    (message,) = messages(said(CHATS / "mail.eml", mailbox.said_in_one))
    assert message.text.startswith("Are these right?\n\n---------- Forwarded message")
    assert "Open from 9 to 5." in message.text
    one = EmailMessage()
    one["From"], one["To"], one["Subject"] = "a@example.com", "b@example.com", "Label"
    one["Message-ID"] = "<1@x>"
    one.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="label.pdf")
    path = tmp_path / "a.eml"
    path.write_bytes(one.as_bytes())
    found = messages(said(path, mailbox.said_in_one))
    assert [(m.text, m.notice) for m in found] == [("Label", None), ("[label.pdf]", "media")]


QUOTES = {
    "gmail": (
        "Yes.\n\nOn Sun, May 12, 2024 at 9:14 PM Ana Ruiz <ana@example.com> wrote:\n\n> Open?\n",
        Words(
            "Yes.", "On Sun, May 12, 2024 at 9:14 PM Ana Ruiz <ana@example.com> wrote:\n> Open?", ""
        ),
    ),
    "inline": (
        "> Open on Sunday?\nYes.\n> And Monday?\nNo.",
        Words("Yes.\nNo.", "> Open on Sunday?\n> And Monday?", ""),
    ),
    "outlook": (
        "Yes.\n\n-----Original Message-----\nFrom: Ana\nOpen?",
        Words("Yes.", "-----Original Message-----\nFrom: Ana\nOpen?", ""),
    ),
    "outlook without a line": (
        "Yes.\n________________________________\nFrom: Ana\nSent: Sunday\nTo: Shop\nSubject: Hi\n\nOpen?",
        Words(
            "Yes.",
            "________________________________\nFrom: Ana\nSent: Sunday\nTo: Shop\nSubject: Hi\n\nOpen?",
            "",
        ),
    ),
    "outlook in Chinese": (
        "可以。\n\n发件人: 林小雨\n发送时间: 2024年5月12日 21:14\n收件人: 客服\n主题: 水壶\n\n能换吗？",
        Words(
            "可以。",
            "发件人: 林小雨\n发送时间: 2024年5月12日 21:14\n收件人: 客服\n主题: 水壶\n\n能换吗？",
            "",
        ),
    ),
    "qq": (
        "可以。\n\n------------------ 原始邮件 ------------------\n发件人: 林小雨\n能换吗？",
        Words(
            "可以。", "------------------ 原始邮件 ------------------\n发件人: 林小雨\n能换吗？", ""
        ),
    ),
    "gmail in Chinese": (
        "可以。\n\n林小雨 <xiaoyu@example.com> 于2024年5月12日周日 21:14写道：\n> 能换吗？",
        Words(
            "可以。", "林小雨 <xiaoyu@example.com> 于2024年5月12日周日 21:14写道：\n> 能换吗？", ""
        ),
    ),
    "apple in Chinese": (
        "可以。\n\n在 2024年5月12日，21:14，林小雨 <xiaoyu@example.com> 写道：\n\n> 能换吗？\n\n发自我的iPhone",
        Words(
            "可以。",
            "在 2024年5月12日，21:14，林小雨 <xiaoyu@example.com> 写道：\n> 能换吗？",
            "发自我的iPhone",
        ),
    ),
    "signature": ("Yes.\n-- \nAna\n+34 000", Words("Yes.", "", "-- \nAna\n+34 000")),
}


@pytest.mark.parametrize("name", QUOTES)
def test_what_is_new_in_a_reply(name: str) -> None:
    text, parts = QUOTES[name]
    assert words(text) == parts


def test_an_ordinary_text_is_not_taken_for_a_quote() -> None:
    text = "On Sunday I went home.\nFrom: here\n5 > 3, and 发自内心的感谢\n在2024年我写道这些\n"
    assert words(text) == Words(text.strip(), "", "")


@pytest.mark.parametrize(
    "line",
    [" " * 100_000 + "x", "> " * 50_000, "On " + "1 " * 50_000, "于2024年" * 20_000, "_" * 99_999],
)
def test_a_hostile_mail_costs_no_more_than_its_length(line: str) -> None:
    began = time.process_time()
    parts = words(f"{line}\n" * 20)
    assert time.process_time() - began < 2
    assert parts.new or parts.quoted


def test_an_outlook_mail(tmp_path: Path) -> None:
    began = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
    sent = int((dt.datetime(2024, 5, 12, 13, 14, 3, tzinfo=dt.UTC) - began).total_seconds()) * 10**7
    texts = {
        0x0037: "水壶漏水",
        0x0C1A: "林小雨",
        0x0C1F: "xiaoyu@example.com",
        0x1000: "怎么办？\r\n\r\n-----原始邮件-----\r\n旧内容",
        0x1035: "<7@example.com>",
    }
    path = tmp_path / "a.msg"
    path.write_bytes(outlook_mail(texts, sent, ("图.png",)))
    found = said(path, outlook.said)
    assert [(m.speaker, m.time, m.text, m.notice, m.id) for m in messages(found)] == [
        ("林小雨", "2024-05-12T13:14:03Z", "水壶漏水\n怎么办？", None, "<7@example.com>"),
        ("林小雨", "2024-05-12T13:14:03Z", "[图.png]", "media", None),
    ]
    assert SetAside("message 1", "quoted text") in found


def test_an_outlook_mail_that_has_html_alone_and_one_that_is_broken(tmp_path: Path) -> None:
    page = "<html><body><p>It leaks.</p><blockquote>old</blockquote><p>Help!</p></body></html>"
    path = tmp_path / "a.msg"
    path.write_bytes(outlook_mail({0x0037: "Kettle", 0x0C1A: "Ana"}, page=page.encode()))
    (message,) = messages(said(path, outlook.said))
    assert (message.speaker, message.text) == ("Ana", "Kettle\nIt leaks.\n\nHelp!")
    path.write_bytes(path.read_bytes()[:700])
    found = said(path, outlook.said)
    assert [(u.locator, u.reason) for u in found if isinstance(u, Quarantined)] == [
        ("message 1", "a broken Outlook mail")
    ]


def test_a_mail_of_parts_without_end_and_names_of_no_charset(tmp_path: Path) -> None:
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(3000)
    )
    broken = b"From: =?\x00?q?a?= <a@example.com>\nSubject: =?x-none?b?!!?=\nMessage-ID: <1@x>\n"
    path = written_mailbox(
        tmp_path / "a.mbox",
        b"From: a@example.com\nMessage-ID: <8@x>\n" + deep,
        broken + b"Content-Type: text/plain; charset=\x00\n\nhi\n",
    )
    found = said(path, mailbox.said)
    assert [u.reason for u in found if isinstance(u, Quarantined)] == ["parts nested too deeply"]
    assert [m.text.split("\n")[-1] for m in messages(found)] == ["hi"]


@pytest.mark.parametrize("name", ["mail.mbox", "mail.eml"])
def test_a_cut_mail_gives_no_traceback(tmp_path: Path, name: str) -> None:
    raw = (CHATS / name).read_bytes()
    path = tmp_path / name
    kind = "mbox" if name.endswith("mbox") else "eml"
    for end in range(1, len(raw), 23):
        path.write_bytes(raw[:end])
        source = Source(path=str(path), format=kind)
        tally = Tally()
        found = list(read(path, name, "sha", sniff(path, source).source, tally))
        assert sum(item.n_units for item in found) == tally.units_read


@pytest.mark.parametrize(
    "text",
    [
        "From the start it was clear in 2024.\n\nTo: the sea.\n",
        "From: Ana\n\nA letter.\n",
        "Subject: x\nDate: y\nBody without an end of the head\nmore\n",
        "HTTP/1.1 200 OK\nDate: Sun\nContent-Type: text/html\n\n<p>",
    ],
)
def test_what_is_no_mail_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert sniff(path, Source(path=str(path))).source.format == "document"


def test_records_of_a_mailbox_are_its_threads() -> None:
    path = CHATS / "mail.mbox"
    source = sniff(path, Source(path=str(path))).source
    found = list(read(path, path.name, "sha", source, Tally()))
    records = [item for item in found if isinstance(item, Record)]
    assert [len(record.parts) for record in records] == [2, 2]
    assert [record.lang for record in records] == ["en", "zh"]
