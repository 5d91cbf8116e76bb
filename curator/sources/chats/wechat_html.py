"""WeChat chats as the web page of WeChatMsg (留痕) and MemoTrace: the messages stand in a script.

Older versions write JavaScript objects (`{ type:1, text: '…' },`), newer ones JSON; both
are JSON5.
"""

from __future__ import annotations

import codecs
import html
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.sources.chats.assembly import assemble
from curator.sources.chats.messages import Message
from curator.sources.chats.wechat_tables import iso_time, standing_for
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading, Start

_BEGINS = re.compile(r"\bchatMessages\s*=\s*\[")
_BEGINS_SAMPLE = 1 << 22
_TOKEN = re.compile(
    r"""[{}\[\]]|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|`(?:[^`\\]|\\.)*+`""", re.DOTALL
)
_NEXT = re.compile(r"""\{\s*["']?type["']?\s*:""")
_BETWEEN = re.compile(r"[\s,]*")
_OBJECT_LIMIT = 1 << 20
_CHUNK = 1 << 18
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_EMOJI = re.compile(
    r"""<img\b[^<>]*?\b(?:id|alt|title)\s*=\s*["']\[?([^"'\]]{1,20})\]?["'][^<>]*>"""
)
_TAG = re.compile(r"</?(?:a|img|span|b|i|font|_wc_cus\w*|revo\w*)\b[^<>]*>")


class _Object(NamedTuple):
    """One message as it stands in the script."""

    number: int
    line: int
    text: str

    @property
    def locator(self) -> str:
        return f"message {self.number} (line {self.line})"


def read_page(reading: Reading) -> Iterator[Item]:
    """Yield the conversation of a page."""
    return assemble(said(reading), reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a page."""
    import pyjson5  # noqa: PLC0415 - only these pages need it

    for found in reading.tally.count(_objects(reading)):
        raw = found.text.encode(reading.encoding, "surrogateescape")
        try:
            raw.decode(reading.encoding)
            value = pyjson5.decode(found.text)
        except UnicodeDecodeError:
            yield Quarantined(found.locator, f"bytes that are not {reading.encoding}", raw)
            continue
        except (pyjson5.Json5Exception, RecursionError):
            yield Quarantined(found.locator, "a broken message", raw)
            continue
        yield _message(value, found.locator, raw)


def _message(value: Any, locator: str, raw: bytes) -> Said:
    if not isinstance(value, dict):
        return Quarantined(locator, "a message that is not an object", raw)

    def told(*names: str) -> str:
        return next((str(value[n]) for n in names if value.get(n) not in (None, "", "None")), "")

    kind, text = told("type"), _plain(told("text"))
    if kind == "49":
        kind = f"49/{told('sub_type')}"
    voice = _plain(told("voice_to_text"))
    text, standing = (voice, None) if voice else standing_for(kind, text)
    if not text.strip() and standing is None:
        return SetAside(locator, "a message without text")
    return Message(
        locator=locator,
        text=text,
        raw=raw,
        speaker=html.unescape(told("displayname", "display_name")) or None,
        time=iso_time(told("timestamp")),
        id=told("server_id") or None,
        notice=standing,
    )


def _plain(text: str) -> str:
    """Return the text of a message without the page's markup."""
    if "<" in text:
        text = _TAG.sub("", _EMOJI.sub(r"[\1]", _BREAK.sub("\n", text)))
    return html.unescape(text)


def _objects(reading: Reading) -> Iterator[_Object]:
    """Yield the objects of the list of messages, each from its brace to the one that closes it.

    One that is never closed ends where the next one begins.
    """
    window = _Window(reading)
    if not window.skip_to(_BEGINS):
        return
    number = 0
    while window.at_object():
        number += 1
        line, end = window.line, window.closing()
        yield _Object(number, line, window.take(end))


class _Window:
    """A piece of a text that moves on; `line` is that at which its rest begins."""

    def __init__(self, reading: Reading) -> None:
        self._chunks = _decoded(reading)
        self._text, self._at, self.line = "", 0, 1

    def _more(self) -> bool:
        """Read on, and forget what is taken; False at the end of the file."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._text, self._at = self._text[self._at :] + chunk, 0
        return True

    def skip_to(self, pattern: re.Pattern[str]) -> bool:
        """Go behind the first match; False where there is none."""
        while (match := pattern.search(self._text, self._at)) is None:
            self.take(max(self._at, len(self._text) - 64))
            if not self._more():
                return False
        self.take(match.end())
        return True

    def at_object(self) -> bool:
        """Go to the next object; False where the list ends before.

        What stands between two objects and is none is taken for a broken one.
        """
        while True:
            between = _BETWEEN.match(self._text, self._at)
            self.take(between.end() if between else self._at)
            if self._at < len(self._text):
                return self._text[self._at] != "]"
            if not self._more():
                return False

    def closing(self) -> int:
        """Return where the object ends that the text begins with."""
        while True:
            depth = 0
            for token in _TOKEN.finditer(self._text, self._at):
                depth += (token[0] in "{[") - (token[0] in "}]")
                if depth == 0 and self._text[self._at] == "{":
                    return token.end()
                if depth < 0:
                    break
            too_long = len(self._text) - self._at > _OBJECT_LIMIT
            # Something may be cut at the window's edge: then look at all of it again.
            if depth < 0 or too_long or not self._more():
                following = _NEXT.search(self._text, self._at + 1)
                return following.start() if following else len(self._text)

    def take(self, end: int) -> str:
        """Return the text up to a place, and go there."""
        taken, self._at = self._text[self._at : end], end
        self.line += taken.count("\n")
        return taken


def _decoded(reading: Reading) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(reading.encoding)("surrogateescape")
    with opened(reading.path) as file:
        while chunk := file.read(_CHUNK):
            yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _recognise(start: Start) -> float:
    if start.suffix not in (".html", ".htm") or start.text.lstrip()[:1] != "<":
        return 0.0
    # The page's own style and script may stand before the messages.
    if _BEGINS.search(start.text) is None:
        with opened(start.path) as file:
            if _BEGINS.search(file.read(_BEGINS_SAMPLE).decode("utf-8", "ignore")) is None:
                return 0.0
    # As sure as the reader of any page, which stands further down in the list.
    return PROVEN


FORMATS = (
    Format(
        "wechat-html",
        "chat",
        "WeChat, exported chat (HTML): WeChatMsg, MemoTrace",
        "微信聊天记录（HTML）：留痕、MemoTrace",
        _recognise,
        read_page,
    ),
)
