"""Which column of a table, or key of a JSON object, holds what: given by the user, or guessed.

The guess knows the names that people give such columns, in Chinese and English.
A name that could be meant twice is not guessed: then the user is asked.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING

from curator.errors import SourceError
from curator.schema import Columns
from curator.sources.tables.preferences import CHOSEN, REJECTED, is_transcript

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

SAMPLE_ROWS = 200
"""How many rows are looked at before the columns are settled."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MESSAGES = _words("messages conversations conversation dialogue dialog turns 对话 對話 消息 会话")
_TITLE = _words("title 标题 標題 主题 主題 问题标题 questiontitle")
_INSTRUCTION = _words("instruction 指令")
_INPUT = _words("input 输入 輸入")
_ASK = _words(
    "ask question query prompt userquestion customerquestion usermessage usertext userinput "
    "inquiry enquiry questiontext user human customer "
    "问题 提问 咨询 用户问题 用户提问 客户问题 客户提问 客户咨询 用户咨询 "
    "咨询内容 提问内容 问题内容 "
    "问题描述 病情描述 疑问 问句 问 用户输入 用户 客户 顾客 患者 患者提问 題目 题目 "
    "問題 提問 諮詢 詢問 用戶問題 客戶問題 諮詢內容 問題描述 用戶 客戶 顧客"
)
_ANSWER = _words(
    "answer reply response output completion assistant answertext botreply botresponse agentreply "
    "bestanswer goldanswer bot gpt agent "
    "回答 答复 回复 答案 医生回答 医生回复 医生答复 客服回复 客服回答 客服答复 "
    "回答内容 回复内容 答复内容 最佳答案 最佳回答 标准答案 参考答案 标准回复 "
    "解答 答 助手 客服 机器人 输出 "
    "回覆 答覆 回復 客服回覆 標準答案 回答內容 回覆內容 輸出 醫生回答 醫師回覆"
)
_DETAIL = _words("content description detail text body 内容 描述 详情 正文 文本 內容 詳情")
_TEXT = _words(
    "text content body passage document article paragraph markdown "
    "正文 内容 文本 全文 段落 文章 文档 原文 內容 文檔 文件內容"
)
_SYSTEM = _words("system systemprompt 系统 系统提示 系统提示词 系統提示")
_LABEL = _words(
    "department category label intent class categoryname labelname topic tag queue "
    "科室 类型 问题类型 类别 意图 分类 标签 类目 所属科室 就诊科室 问题类别 问题分类 业务类别 "
    "科別 類別 意圖 分類 標籤 問題類別"
)
_TIME = _words(
    "timestamp time datetime date createdat createtime creationtime createddate sentat asktime "
    "时间 日期 提问时间 咨询时间 创建时间 发布时间 发送时间 時間 提問時間 諮詢時間 建立時間"
)

_ASK_CORE = _words("question query 提问 问题 咨询 输入 提問 問題 諮詢 輸入")
_ANSWER_CORE = _words("answer reply response 回答 答复 回复 答案 输出 回覆 答覆 輸出")
_LABEL_CORE = _words("category department intent label 科室 类别 分类 意图 類別 分類")
_TIME_CORE = _words("timestamp datetime time date 时间 日期 時間")
_CORES = frozenset((*_ASK_CORE, *_ANSWER_CORE, *_LABEL_CORE, *_TIME_CORE))
_BY_LENGTH = sorted(_CORES, key=lambda core: (-len(core), core))
_WORD = re.compile(r"[a-z]+|[^\x00-\x7f]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_SAME = ("text", "content", "body", "内容", "描述", "文本", "內容")
"""Words after the core of a name that leave its meaning: question_text, 提问内容."""


def resolve(
    given: Columns | None, names: Sequence[str], rows: Iterable[Mapping[str, object]], path: Path
) -> Columns:
    """Return the columns, with what was not given guessed from the names and a few rows.

    Raises:
        SourceError: a column was given that is not there.

    """
    given = given or Columns.model_validate({})
    named = [*given.user, *given.assistant]
    single = (given.system, given.text, given.messages, given.label, given.timestamp)
    named += [name for name in single if name]
    for name in named:
        if names and name not in names:
            raise missing(name, names, path)
    guess = guess_columns(names, tuple(rows), taken=named)
    if given.user or given.text or given.messages:
        guess = guess.model_copy(
            update={"user": (), "text": None, "messages": None}
            | ({} if given.user else {"assistant": (), "system": None})
        )
    said = {k: v for k, v in given.model_dump().items() if v}
    return guess.model_copy(update=said)


def missing(name: str, names: Sequence[str], path: Path) -> SourceError:
    """Return the error that a mapping names a column that is not there."""
    folded = {_plain(n): n for n in names}
    near = difflib.get_close_matches(_plain(name), list(folded), n=1)
    guess = f"did you mean {folded[near[0]]}? " if near else ""
    return SourceError(
        f"{path}: there is no column {name}", f"{guess}columns that are there: {', '.join(names)}"
    )


def unclear(names: Sequence[str], path: Path) -> SourceError:
    """Return the error that no column could be told to be a question, an answer or a text."""
    return SourceError(
        f"{path}: no column says which text is whose; columns that are there: {', '.join(names)}",
        "name them under the source, for example `columns: {user: …, assistant: …}` or `{text: …}`",
    )


def says_what(columns: Columns) -> bool:
    """Whether the columns name anything to make a record of."""
    return bool(columns.user or columns.text or columns.messages)


def is_title(name: str) -> bool:
    """Whether a column of this name holds the title of what another one says in full."""
    return _plain(name) in _TITLE


def distinct(cells: Sequence[object]) -> list[str]:
    """Return names for the columns of a header row: none empty, none twice."""
    names: list[str] = []
    for i, cell in enumerate(cells):
        base = str(cell).strip() if cell is not None else ""
        name = base = base or f"column {i + 1}"
        twin = 2
        while name in names:
            name, twin = f"{base} ({twin})", twin + 1
        names.append(name)
    return names


def named_by(cells: Sequence[object], *, header: bool) -> list[str]:
    """Return the names of a table's columns, given its first row; by number where that is data."""
    return distinct(cells if header else [None] * len(cells))


def guess_columns(
    names: Sequence[str], rows: Sequence[Mapping[str, object]] = (), taken: Collection[str] = ()
) -> Columns:
    """Return the columns by their names; `rows` say which of them hold lists."""
    free = [n for n in names if n not in taken]
    lists = {n for n in free if _mostly_lists(n, rows)}
    plain = [n for n in free if n not in lists]
    label = _pick(plain, _LABEL, _LABEL_CORE)
    timestamp = _pick(plain, _TIME, _TIME_CORE)
    common = {"label": label, "timestamp": timestamp, "system": _pick(plain, _SYSTEM)}
    rest = [n for n in plain if n not in common.values()]
    messages = _pick([n for n in free if n in lists], _MESSAGES)
    chosen, rejected = _pick(free, CHOSEN), _pick(free, REJECTED)
    if chosen and rejected and not messages:
        rest = [n for n in rest if n != rejected]
        user = () if chosen in lists or _talks(chosen, rows) else _user(rest, chosen)
        if not user:
            return Columns.model_validate({"messages": chosen} | common)
        return Columns.model_validate({"user": user, "assistant": (chosen,)} | common)
    if messages:
        return Columns.model_validate({"messages": messages} | common)
    answer = _pick(rest, _ANSWER, _ANSWER_CORE)
    if answer is None and _pick(rest, ("q",)):
        answer = _pick(rest, ("a",))
    user = _user(rest, answer)
    if user:
        turns = {"user": user, "assistant": (answer,) if answer else ()}
        return Columns.model_validate(turns | common)
    text = {"text": _pick(rest, _TEXT), "label": label, "timestamp": timestamp}
    return Columns.model_validate(text)


def _user(names: Sequence[str], answer: str | None) -> tuple[str, ...]:
    names = [n for n in names if n != answer]
    title, detail = _pick(names, _TITLE), _pick(names, _INPUT)
    instruction = _pick(names, _INSTRUCTION)
    if instruction:
        return (instruction, detail) if detail else (instruction,)
    ask = _pick(names, _ASK, _ASK_CORE)
    if ask is None and answer:
        ask = _pick(names, ("q", *_INPUT, *_DETAIL))
    if ask is None:
        return (title,) if title and answer else ()
    return (title, ask) if title else (ask,)


def _pick(names: Sequence[str], known: Sequence[str], core: Sequence[str] = ()) -> str | None:
    """Return the name that stands first in `known`, else the only one with a word of `core`."""
    folded = {_plain(name): name for name in reversed(names)}
    for word in known:
        if word in folded:
            return folded[word]
    near = [name for name in names if _core(name) in core]
    return near[0] if len(near) == 1 else None


def _core(name: str) -> str | None:
    """Return what a longer name is about: the question in 客户提问内容 or user_question_text.

    Its number, its source and its date are about something else (question_id,
    问题编号), and a name with two cores (问题类别) is about the last one.
    """
    folded = unicodedata.normalize("NFKC", _CAMEL.sub("_", _BRACKETS.sub("", name))).casefold()
    words = _WORD.findall(folded)
    while len(words) > 1 and words[-1] in _SAME:
        words.pop()
    last = words[-1] if words else ""
    if last.isascii():
        others = _CORES.intersection(words[:-1])
        return last if last in _CORES and not others else None
    for same in _SAME:  # 问题描述
        last = last.removesuffix(same) or last
    return next(
        (core for core in sorted(_CORES, key=len, reverse=True) if last.endswith(core)), None
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def _talks(name: str, rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether a column holds whole talks, turn after turn in one text."""
    values = [row[name] for row in rows if row.get(name) not in (None, "")]
    return sum(map(is_transcript, values)) * 2 > len(values)


def _mostly_lists(name: str, rows: Sequence[Mapping[str, object]]) -> bool:
    values = [row[name] for row in rows if row.get(name) not in (None, "")]
    lists = sum(
        isinstance(v, list) or (isinstance(v, str) and v.lstrip().startswith("[{")) for v in values
    )
    return lists * 2 > len(values)
