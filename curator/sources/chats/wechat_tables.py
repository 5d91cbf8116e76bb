"""WeChat chats as tables: WeChatMsg (留痕), MemoTrace, PyWxDump and WeFlow, as CSV or Excel."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

from curator.sources.chats.assembly import assemble
from curator.sources.chats.messages import Message
from curator.sources.chats.placeholders import notice
from curator.sources.chats.transcripts import SURE
from curator.sources.formats import PROVEN, Format
from curator.sources.tables import table_rows
from curator.sources.tables.table_rows import NamedRow
from curator.types import SetAside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from curator.sources.chats.messages import Notice, Said
    from curator.sources.formats import Item, Reading, Start
    from curator.types import Quarantined


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Layout(NamedTuple):
    """The columns of one exporter: which have to be there, and which says what, best first."""

    proof: frozenset[str]
    kind: str
    text: tuple[str, ...]
    speaker: tuple[str, ...]
    time: tuple[str, ...]
    conversation: tuple[str, ...]
    id: str | None = None
    subkind: str | None = None


LAYOUTS = (
    Layout(
        _words("localId TalkerId Type SubType IsSender StrContent StrTime"),
        kind="Type",
        subkind="SubType",
        text=("StrContent",),
        speaker=("Remark", "NickName", "Sender"),
        time=("StrTime", "CreateTime"),
        conversation=("TalkerId",),
    ),
    Layout(
        _words("消息ID 类型 发送人 时间 内容"),
        kind="类型",
        text=("内容",),
        speaker=("发送人", "备注", "昵称"),
        time=("时间",),
        conversation=(),
        id="消息ID",
    ),
    Layout(
        _words("MsgSvrID type_name is_sender talker CreateTime"),
        kind="type_name",
        text=("msg", "content"),
        speaker=("talker",),
        time=("CreateTime",),
        conversation=("room_name",),
        id="MsgSvrID",
    ),
    Layout(
        _words("时间 发送者 聊天对象 消息类型 内容"),
        kind="消息类型",
        text=("内容",),
        speaker=("发送者",),
        time=("时间",),
        conversation=("聊天对象",),
    ),
)
_SAID = _words(
    "1 2 49/57 244813135921 文本 文本消息 文字 引用 引用消息 引用回复 回复 回复消息 text quote"
)
_BY_APP = _words("0 10000 10002 系统 系统消息 系统通知 撤回 撤回消息 拍一拍 266287972401 system")
_VOICE = re.compile(r"[【\[]语音(?:消息)?[】\]][:：]?\s*(?P<words>\S.*)", re.DOTALL)
_SECONDS = re.compile(r"(\d{10})(?:\d{3})?(?:\.\d+)?")


def read_csv(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a CSV export."""
    return assemble(said(reading), reading)


def read_workbook(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of an Excel export."""
    return assemble(_messages(table_rows.sheet_rows(reading, _fits)), reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a CSV export."""
    return _messages(table_rows.delimited_rows(reading))


def standing_for(kind: str, text: str) -> tuple[str, Notice | None]:
    """Return what a message of a kind (a number or a name) says, or what stands for words.

    A voice message that the exporter has put into words says them.
    """
    if kind in _BY_APP:
        return text, notice(text, sent=False) or "system line"
    if kind in _SAID:
        is_markup = text.startswith(("<?xml", "<msg"))
        return text, "media" if is_markup else notice(text)
    voice = _VOICE.match(text)
    return (voice["words"], None) if voice else (text or f"[{kind}]", "media")


def iso_time(value: str) -> str | None:
    """Return a time as it is written; seconds since 1970 as ISO 8601 in UTC."""
    seconds = _SECONDS.fullmatch(value.strip())
    if seconds:
        return dt.datetime.fromtimestamp(int(seconds[1]), dt.UTC).isoformat().replace("+00:00", "Z")
    return value.strip() or None


def _messages(rows: Iterable[NamedRow | Quarantined | SetAside]) -> Iterator[Said]:
    for row in rows:
        found = layout(list(row.cells)) if isinstance(row, NamedRow) else None
        yield _message(row, found) if isinstance(row, NamedRow) and found else _unread(row)


def _unread(row: NamedRow | Quarantined | SetAside) -> Quarantined | SetAside:
    return SetAside(row.locator, "no chat's columns") if isinstance(row, NamedRow) else row


def _message(row: NamedRow, found: Layout) -> Message | SetAside:
    def first(names: Sequence[str]) -> str:
        return next((row.cells[name] for name in names if row.cells.get(name, "").strip()), "")

    kind = row.cells[found.kind].strip().removesuffix(".0").casefold()
    if found.subkind and kind == "49":
        kind = f"49/{row.cells[found.subkind].strip()}"
    text, standing = standing_for(kind, first(found.text))
    if not text.strip() and standing is None:
        return SetAside(row.locator, "a message without text")
    return Message(
        locator=row.locator,
        text=text,
        raw=row.raw,
        speaker=None if kind in _BY_APP else first(found.speaker).strip() or None,
        time=iso_time(first(found.time)),
        conversation=first(found.conversation).strip() or None,
        id=row.cells[found.id].strip() or None if found.id else None,
        notice=standing,
    )


def layout(names: Sequence[str]) -> Layout | None:
    """Return the exporter's layout that the names of the columns show."""
    there = {name.strip("\ufeff ") for name in names}
    return next((one for one in LAYOUTS if one.proof <= there and set(one.text) & there), None)


def _fits(names: Sequence[str]) -> bool:
    return layout(names) is not None


def _recognise(start: Start) -> float:
    if start.source.columns is not None or start.suffix not in table_rows.DELIMITED:
        return 0.0
    first = start.lines[0] if start.text and start.lines else ""
    names = [name.strip('" \ufeff') for name in re.split(r"[,;\t|]", first)]
    return SURE + 0.04 if _fits(names) else 0.0


def _recognise_workbook(start: Start) -> float:
    if start.source.columns is not None or not table_rows.is_workbook(start):
        return 0.0
    # As sure as the reader of any workbook, which stands further down in the list.
    return PROVEN * bool(table_rows.sheet_sample(start.path, _fits)[0])


FORMATS = (
    Format(
        "wechat-csv",
        "chat",
        "WeChat, exported chat (CSV): WeChatMsg, MemoTrace, PyWxDump, WeFlow",
        "微信聊天记录（CSV）：留痕、MemoTrace、PyWxDump、WeFlow",
        _recognise,
        read_csv,
    ),
    Format(
        "wechat-xlsx",
        "chat",
        "WeChat, exported chat (Excel): MemoTrace",
        "微信聊天记录（Excel）：MemoTrace",
        _recognise_workbook,
        read_workbook,
        binary=True,
    ),
)
