"""Tables with one row a turn: a call centre's transcripts, a ticket system's messages.

They are told from tables of questions and answers by their columns: an id that comes
again in other rows, somebody who speaks (few names, or roles), one text, and no pair of
question and answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from curator.sources.chats.assembly import assemble
from curator.sources.chats.messages import Message
from curator.sources.chats.placeholders import notice
from curator.sources.chats.transcripts import SURE
from curator.sources.conversations import ROLES
from curator.sources.formats import PROVEN, Format
from curator.sources.tables import table_rows
from curator.sources.tables.columns import guess_columns
from curator.sources.tables.table_rows import NamedRow
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from curator.schema import Columns
    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading, Start


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ID = _words(
    "sessionid conversationid dialogid dialogueid callid ticketid chatid threadid caseid "
    "contactid interactionid conversationkey sessionkey convid sessid callguid session "
    "conversation dialogue dialog ticketnumber ticketno ticket callnumber call chat thread case "
    "会话id 会话编号 会话标识 会话号 对话id 对话编号 对话标识 对话号 通话id 通话编号 通话标识 "
    "通话流水号 工单id 工单编号 工单号 咨询id 咨询编号 咨询单号 录音编号 录音id 流水号 "
    "会话 对话 通话 工单 會話id 會話編號 對話id 對話編號 通話id 通話編號 工單id 工單編號 "
    "諮詢編號 錄音編號"
)
_WHO = _words(
    "speakerrole senderrole participantrole sendertype speakertype participanttype authorrole "
    "role usertype fromtype speaker sender participant author from who party fromuser fromname "
    "speakername sendername fromid senderid speakerid userid "
    "说话人角色 发言角色 发送者角色 发送方类型 发送者类型 角色 身份 说话人 说话者 讲话人 "
    "发言人 发言者 发送人 发送者 发送方 说话方 说话人姓名 发送人姓名 "
    "说话人id 发送人id 发送者id 用户id "
    "說話人角色 發言角色 身分 說話人 說話者 講話人 發言人 發言者 發送人 發送者 發送方 寄件者"
)
_NAME = _words(
    "speakername sendername authorname participantname username agentname name nickname speaker "
    "sender author from 说话人姓名 发送人姓名 姓名 昵称 用户名 说话人 发言人 发送人 发送者 暱稱"
)
_TEXT = _words(
    "utterance messagetext messagecontent messagebody message text content body transcript "
    "transcription sentence turntext turncontent words said msg asrtext "
    "消息内容 对话内容 会话内容 聊天内容 发言内容 通话内容 转写文本 转写内容 转写结果 "
    "识别文本 识别结果 话语 内容 消息 文本 语句 发言 "
    "訊息內容 對話內容 會話內容 聊天內容 發言內容 轉寫文本 內容 訊息 文字 發言"
)
_TIME = _words(
    "timestamp senttime messagetime turntime starttime sentat createdat createtime createdtime "
    "datetime time date start begin offset "
    "发送时间 消息时间 发言时间 开始时间 时间戳 创建时间 时间 日期 "
    "發送時間 訊息時間 開始時間 時間戳 建立時間 時間"
)
_LIKE_ID = re.compile(
    r"(?:session|conversation|dialog|call|ticket|chat|thread|case|interaction|contact|"
    r"会话|对话|通话|工单|录音|咨询|會話|對話|通話|工單|錄音|諮詢).*"
    r"(?:id|no|num|number|key|guid|ref|编号|标识|号|号码|流水|文件名?|編號|標識|號|檔名)$"
)
_LIKE_TEXT = re.compile(
    r"(?:text|message|content|transcript|utterance|内容|文本|结果|內容|文字|結果|訊息)$"
)
_LIKE_WHO = re.compile(
    r"(?:role|speaker|sender|角色|身份|说话人|发言人|发送人|发送者|发送方|身分|說話人|發送者)$|^声道$|^channel$"
)
_MORE_ROLES = {
    "assistant": "operator rep representative advisor consultant csr 坐席 座席 话务员 客服人员 "
    "人工客服 智能客服 商家 顾问 話務員 客服人員 坐席人员 座席人员",
    "user": "caller guest enduser end-user consumer buyer member requester 来电者 来电人 访客 "
    "客人 会员 买方 咨询者 來電者 訪客 會員",
}
_SPEAKS = ROLES | {name: role for role, names in _MORE_ROLES.items() for name in names.split()}
"""Whom a table may name instead of a person, and the role that each has."""
_MODELS = frozenset(("assistant", "gpt", "model", "chatgpt", "ai", "助手", "模型"))
"""Who answers in a table of what a model was asked."""


class Layout(NamedTuple):
    """Which column says what."""

    conversation: str
    who: str
    text: str
    name: str | None = None
    time: str | None = None
    label: str | None = None

    @property
    def used(self) -> frozenset[str]:
        """The columns that say something of a turn; the others are about the conversation."""
        return frozenset(name for name in self if name)


def read_delimited(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a CSV or TSV file."""
    return assemble(said(reading), reading, whole=True)


def read_workbook(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a workbook."""
    return assemble(said_in_sheets(reading), reading, whole=True)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a CSV or TSV file."""
    header = reading.source.header
    _, sample = table_rows.delimited_sample(reading.path, reading.encoding, header=header)
    return _Turns(sample, reading.source.columns).messages(table_rows.delimited_rows(reading))


def said_in_sheets(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a workbook."""
    given = reading.source.columns
    fits = partial(_fits, given=given)
    _, sample = table_rows.sheet_sample(reading.path, fits, header=reading.source.header)
    return _Turns(sample, given).messages(table_rows.sheet_rows(reading, fits))


def layout(names: Sequence[str], given: Columns | None = None) -> Layout | None:
    """Return which column says what; None where the table is none of turns.

    What the recipe says of it (`given`) holds, and nothing else is guessed then.
    """
    if given is not None and given.is_turns:
        conversation, who, text = given.conversation, given.speaker, given.text
        if not (conversation in names and who in names and text in names):
            return None
        assert conversation
        assert who
        assert text
        return Layout(conversation, who, text, None, given.timestamp, given.label)
    plain = {_plain(name): name for name in reversed(names)}
    conversation = _pick(plain, _ID) or _only(plain, _LIKE_ID)
    text = _pick(plain, _TEXT) or _only(plain, _LIKE_TEXT)
    who = _pick(plain, _WHO) or _only(plain, _LIKE_WHO)
    guess = guess_columns(names)
    if conversation is None or who is None or text is None or (guess.user and guess.assistant):
        return None
    rest = {key: name for key, name in plain.items() if name not in (conversation, who, text)}
    label = guess.label if guess.label in rest.values() else None
    return Layout(conversation, who, text, _pick(rest, _NAME), _pick(rest, _TIME), label)


def _only(plain: Mapping[str, str], like: re.Pattern[str]) -> str | None:
    """Return the name that looks like what is meant, if there is only one."""
    names = [name for key, name in plain.items() if like.search(key)]
    return names[0] if len(names) == 1 else None


class _Turns:
    """Makes messages of rows, by what a few rows show of the whole table."""

    def __init__(self, sample: Sequence[Mapping[str, str]], given: Columns | None) -> None:
        """Look at the first rows.

        Where an id stands only in the first row of its conversation, as Excel shows
        cells that are joined, it holds for the rows below. A system turn is a prompt
        where a model answers; elsewhere it is an event.
        """
        self._given = given
        found = layout(list(sample[0]), given) if sample else None
        who = {row.get(found.who, "").strip().casefold() for row in sample} if found else set()
        self._prompts = {name for name in who if _SPEAKS.get(name) == "system" and who & _MODELS}
        self._joined = found is not None and _joined(
            [row.get(found.conversation) for row in sample]
        )
        self._above = ""

    def messages(self, rows: Iterable[NamedRow | Quarantined | SetAside]) -> Iterator[Said]:
        """Yield the message of each row, and what is none."""
        names: tuple[str, ...] = ()
        found: Layout | None = None
        for row in rows:
            if not isinstance(row, NamedRow):
                yield row
                continue
            if tuple(row.cells) != names:
                names = tuple(row.cells)
                found = layout(names, self._given)
            yield self._message(row, found)

    def _message(self, row: NamedRow, found: Layout | None) -> Said:
        if found is None:
            return Quarantined(row.locator, "no columns of a conversation", row.raw)
        cells = row.cells
        conversation, text = cells[found.conversation].strip(), cells[found.text]
        if self._joined:
            conversation = self._above = conversation or self._above
        if not conversation:
            return Quarantined(row.locator, "no conversation id", row.raw)
        if not text.strip():
            return SetAside(row.locator, "a message without text")
        who = cells[found.who].strip()
        role = _SPEAKS.get(who.casefold())
        name = cells[found.name].strip() if found.name else ""
        is_event = role == "system" and who.casefold() not in self._prompts
        return Message(
            locator=row.locator,
            text=text,
            raw=row.raw,
            speaker=name or who or None,
            time=(cells[found.time].strip() or None) if found.time else None,
            role=None if is_event else role,
            conversation=conversation,
            notice=notice(text, sent=not is_event),
            label=(cells[found.label].strip() or None) if found.label else None,
            meta={k: v for k, v in cells.items() if k not in found.used and v.strip()},
        )


def _joined(ids: Sequence[str | None]) -> bool:
    """Whether ids stand only where a conversation begins: the first is there, many are not."""
    there = [bool((name or "").strip()) for name in ids]
    filled = [name for name in ids if name and name.strip()]
    alone = len(set(filled)) == len(filled)
    return there[:1] == [True] and alone and there.count(False) * 3 >= len(there)


def _filled_down(ids: Sequence[str]) -> list[str]:
    filled: list[str] = []
    for name in ids:
        filled.append(name or (filled[-1] if filled else ""))
    return filled


def _fits(names: Sequence[str], given: Columns | None = None) -> bool:
    return layout(names, given) is not None


def _pick(plain: Mapping[str, str], known: Sequence[str]) -> str | None:
    return next((plain[word] for word in known if word in plain), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def _sure(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> float:
    found = layout(names)
    if found is None or len(rows) < 2:
        return 0.0
    cells = [row.get(found.conversation, "").strip() for row in rows]
    if _joined(cells):
        cells = _filled_down(cells)
    ids = Counter(cell for cell in cells if cell)
    who = Counter(row.get(found.who, "").strip().casefold() for row in rows)
    again = sum(count for count in ids.values() if count > 1)
    known = sum(count for name, count in who.items() if name in _SPEAKS)
    few = known * 2 > len(rows) or len(who) <= max(4, len(rows) // 4)
    if not few:
        # Or many people, but those of one conversation speak again in it.
        pairs = {(cell, row.get(found.who, "")) for cell, row in zip(cells, rows, strict=True)}
        few = len(pairs) * 10 <= len(rows) * 7
    return SURE if again * 2 >= len(rows) and few else 0.0


def _recognise(start: Start) -> float:
    if start.suffix not in table_rows.DELIMITED:
        return 0.0
    if start.source.columns is not None:
        return PROVEN * start.source.columns.is_turns
    first = start.lines[0] if start.lines else ""
    if not any(map(_could_be, re.split(r"[,;\t|]", first))):
        return 0.0
    encoding = start.encoding.removesuffix("-sig")
    return _sure(*table_rows.delimited_sample(start.path, encoding))


def _could_be(name: str) -> bool:
    plain = _plain(name)
    return plain in _ID or _LIKE_ID.search(plain) is not None


def _recognise_workbook(start: Start) -> float:
    if not table_rows.is_workbook(start):
        return 0.0
    if start.source.columns is not None:
        return PROVEN * start.source.columns.is_turns
    # As sure as the reader of any workbook, which stands further down in the list.
    return PROVEN * (_sure(*table_rows.sheet_sample(start.path, _fits)) > 0)


FORMATS = (
    Format(
        "turns",
        "chat",
        "a table with a row a turn (CSV, TSV)",
        "每行一轮对话的表格（CSV、TSV）",
        _recognise,
        read_delimited,
    ),
    Format(
        "turns-xlsx",
        "chat",
        "an Excel workbook with a row a turn",
        "每行一轮对话的 Excel 工作簿",
        _recognise_workbook,
        read_workbook,
        binary=True,
    ),
)
