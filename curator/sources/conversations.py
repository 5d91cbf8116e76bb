"""Rows as records: messages, ShareGPT, Alpaca, prompt and completion, question and answer, texts.

All of them come down to a row (a mapping of names to values) and the columns
that say what its values are.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import TYPE_CHECKING, Any

from curator.schema import Columns
from curator.sources.documents.blocks import markdown
from curator.sources.tables.columns import is_title
from curator.sources.tables.preferences import (
    CHOSEN,
    PROMPT,
    is_transcript,
    plain_name,
    rejected,
    transcript,
)
from curator.tables import record_id
from curator.text import language
from curator.types import Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.schema import Source
    from curator.types import Kind

_ROLES = {
    "user": "user human customer client patient visitor prompter "
    "用户 客户 顾客 患者 病人 买家 用戶 客戶 顧客 人类",
    "assistant": "assistant gpt bot model chatgpt ai agent doctor staff support seller "
    "function_call 助手 助理 客服 医生 机器人 医师 卖家 店家 模型 醫生 機器人 醫師",
    "system": "system 系统 系統",
    "tool": "tool function observation ipython 工具 函数",
}
ROLES = {name: role for role, names in _ROLES.items() for name in names.split()}
"""The names that roles go by, and the role that each stands for."""

_ROLE_KEYS = ("role", "from", "sender", "author", "角色")
_TEXT_KEYS = ("content", "value", "text", "utterance", "message", "body", "内容", "內容")
_NAME_KEYS = ("name", "speaker")


class UnreadableError(Exception):
    """A unit that no record can be made of; the message is the reason, a stable phrase."""


class Shape:
    """Makes records of rows, by the columns of a source."""

    def __init__(self, uri: str, sha256: str, source: Source) -> None:
        """Take the source's name, its content's sha256, and its settings."""
        self.uri, self.sha256, self.license = uri, sha256, source.license
        self.columns = columns = source.columns or Columns.model_validate({})
        self._titled = bool(columns.user) and is_title(columns.user[0])
        answer = columns.messages or (columns.assistant[0] if columns.assistant else "")
        self._prefers = plain_name(answer) in CHOSEN
        self._used = {
            *columns.user,
            *columns.assistant,
            *(n for n in (columns.system, columns.text, columns.messages) if n),
            *(n for n in (columns.label, columns.timestamp) if n),
        }

    def row(self, row: Mapping[str, Any], locator: str) -> Record:
        """Return the record that a row makes.

        Raises:
            UnreadableError: there is no user turn, no text, or a value that is not text.

        """
        columns, meta = self.columns, self._meta(row)
        kind: Kind = "conversation"
        if columns.messages:
            parts = tuple(self._messages(row))
        elif columns.user or columns.assistant:
            parts = tuple(self._turns(row))
        else:
            kind, parts = "document", self._document(row)
            meta = meta if columns.text else {}
        if kind == "conversation":
            check_turns(parts)
        return self.record(
            kind,
            parts,
            locator,
            label=_scalar(row.get(columns.label)) if columns.label else None,
            timestamp=_scalar(row.get(columns.timestamp)) if columns.timestamp else None,
            meta=meta,
        )

    def record(
        self,
        kind: Kind,
        parts: tuple[Part, ...],
        locator: str,
        *,
        label: str | None = None,
        timestamp: str | None = None,
        meta: Mapping[str, str] | None = None,
        n_units: int = 1,
    ) -> Record:
        """Return a record of this source, with its id and its language."""
        return Record(
            id=record_id(self.uri, locator, parts),
            kind=kind,
            parts=parts,
            lang=language("\n".join(part.text for part in parts)),
            provenance=Provenance(self.uri, self.sha256, locator, self.license),
            label=label or None,
            timestamp=timestamp or None,
            meta=meta or {},
            n_units=n_units,
        )

    def _meta(self, row: Mapping[str, Any]) -> dict[str, str]:
        meta = {}
        if self._prefers or "rejected" in row:
            meta = rejected(row)
        for name, value in row.items():
            text = None if name in self._used else _scalar(value)
            if text:
                meta[name] = text
        return meta

    def _turns(self, row: Mapping[str, Any]) -> Iterator[Part]:
        columns = self.columns
        if columns.system and (system := _text(row.get(columns.system))).strip():
            yield Part("system", system)
        if "history" in row:
            yield from _history(row)
        texts = [_text(row.get(name)) for name in columns.user]
        yield Part("user", joined_user(texts, titled=self._titled))
        if columns.assistant:
            answers = [_text(row.get(n)) for n in columns.assistant]
            yield Part("assistant", "\n".join(a for a in answers if a.strip()))

    def _messages(self, row: Mapping[str, Any]) -> Iterator[Part]:
        columns = self.columns
        if columns.system and (system := _text(row.get(columns.system))).strip():
            yield Part("system", system)
        value = row.get(columns.messages or "")
        if self._prefers and isinstance(value, str) and not _is_many(value):
            value = [{"role": "assistant", "content": value}]
        messages = _listed(value)
        if self._prefers:
            messages = [*_asked(row, messages), *messages]
        elif isinstance(row.get("chosen"), dict) and "rejected" in row:
            messages = [*messages, row["chosen"]]
        for message in messages:
            yield _message(message)

    def _document(self, row: Mapping[str, Any]) -> tuple[Part, ...]:
        columns = self.columns
        if columns.text:
            text = _text(row.get(columns.text))
            parts = markdown(text, located=False) if "\n" in text else (Part("paragraph", text),)
        else:
            used = {columns.label, columns.timestamp}
            cells = [(n, _cell(v)) for n, v in row.items() if n not in used]
            parts = (Part("table", "\n".join(f"{n}: {v}" for n, v in cells if v.strip())),)
        if not any(part.text.strip() for part in parts):
            raise UnreadableError("no text at all")
        return parts


def check_turns(parts: Sequence[Part]) -> None:
    """Raise UnreadableError unless somebody asks something in the turns."""
    for part in parts:
        if part.role == "user" and part.text.strip():
            return
    said = any(part.text.strip() for part in parts)
    raise UnreadableError("no user turn" if said else "no text at all")


def joined_user(texts: Sequence[str], *, titled: bool) -> str:
    """Return the columns of a question as one text.

    The first is left out where it is a title (`titled`) that another repeats,
    and so is a text that comes twice.
    """
    if len(texts) == 1:
        return texts[0]
    kept: list[str] = []
    stripped = [text.strip() for text in texts]
    for i, text in enumerate(stripped):
        later = stripped[i + 1 :]
        told = bool(later) and titled and i == 0 and any(text in other for other in later)
        if text and not told and text not in later:
            kept.append(texts[i])
    return "\n".join(kept)


def _history(row: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the earlier turns of an Alpaca row: `history`, a list of question and answer."""
    history = row.get("history")
    for pair in history if isinstance(history, list) else ():
        texts = pair if isinstance(pair, list) else []
        if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
            raise UnreadableError("a history that is not pairs of texts")
        yield Part("user", texts[0])
        yield Part("assistant", texts[1])


def _message(message: Any) -> Part:
    if not isinstance(message, dict):
        raise UnreadableError("a message that is not an object")
    role = _role(message)
    if role is None:
        raise UnreadableError("a message without a known role")
    text = _content(_first(message, _TEXT_KEYS))
    if not text.strip() and message.get("tool_calls"):
        text = json.dumps(message["tool_calls"], ensure_ascii=False, sort_keys=True)
    speaker, locator = _first(message, _NAME_KEYS), message.get("id")
    return Part(
        role,
        text,
        speaker=speaker if isinstance(speaker, str) and speaker else None,
        locator=f"message {locator}" if isinstance(locator, str | int) else "",
    )


def _listed(value: Any) -> list[Any]:
    """Return messages, which may come as JSON in a text, or as a talk in a text."""
    if isinstance(value, str):
        if is_transcript(value):
            return transcript(value)
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise UnreadableError("messages that are not a list") from None
    if not isinstance(value, list):
        raise UnreadableError("messages that are not a list")
    return value


def _is_many(text: str) -> bool:
    """Whether a text holds messages rather than one answer."""
    return text.lstrip().startswith("[") or is_transcript(text)


def _asked(row: Mapping[str, Any], answer: list[Any]) -> list[Any]:
    """Return the question that stands beside a chosen answer, unless the answer holds it too."""
    if any(_role(message) == "user" for message in answer if isinstance(message, dict)):
        return []
    asked = next((row[name] for name in row if plain_name(name) in PROMPT and row[name]), None)
    if isinstance(asked, str) and not is_transcript(asked):
        return [{"role": "user", "content": asked}]
    return _listed(asked) if asked is not None else []


def _role(message: Mapping[str, Any]) -> str | None:
    given = _first(message, _ROLE_KEYS)
    return ROLES.get(given.strip().casefold()) if isinstance(given, str) else None


def _first(message: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((message[key] for key in keys if message.get(key) is not None), None)


def _content(value: Any) -> str:
    """Return a message's text, which may come as a list of typed pieces."""
    if not isinstance(value, list):
        return _text(value)
    pieces = []
    for piece in value:
        text = piece.get("text") if isinstance(piece, dict) else piece
        if not isinstance(text, str):
            raise UnreadableError("a value that is not text")
        pieces.append(text)
    return "\n".join(pieces)


def _text(value: Any) -> str:
    """Return a value that should be text; nothing is the empty text."""
    if isinstance(value, str):
        return value
    text = _scalar(value)
    if text is None:
        if value is None:
            return ""
        raise UnreadableError("a value that is not text")
    return text


def _cell(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return _scalar(value) or ""


def _scalar(value: Any) -> str | None:
    """Return a single value as a string; None for nothing and for what holds several."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | decimal.Decimal | dt.timedelta):
        return str(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return None
