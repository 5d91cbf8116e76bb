"""WeChat chats as text: as the exporters write them, as the PC client copies them, as mailed.

- a head line of time and name, then the text (WeChatMsg, 留痕): `2024-05-12 21:14:03 名字`;
  a head line that nothing follows is WeChat's own word;
- a head line of name and time, then the text (copied from the PC): `名字 2024/5/12 21:14:03`;
- all on one line: `2024-05-12 21:14:03 名字: 你好`, `名字(2024-05-12 21:14:03): 你好`;
- sent by mail or shared: a line for each day, `名字  21:14`, then the text.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from curator.sources.chats.assembly import assemble
from curator.sources.chats.placeholders import notice
from curator.sources.chats.transcripts import SURE, Head, Held, clock, iso, messages
from curator.sources.files.lines import physical_lines
from curator.sources.formats import LIKELY, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.chats.messages import Message, Said
    from curator.sources.formats import Item, Reading, Start

_DAY = r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?"
_CLOCK = (
    r"(?:(?P<before>上午|下午|凌晨|早上|中午|晚上) ?)?(?P<h>\d{1,2})[:：](?P<min>\d{2})"
    r"(?:[:：](?P<s>\d{2}))?(?: (?P<after>[AaPp][Mm]))?"
)
_TIME = rf"{_DAY}[ T]+{_CLOCK}"
_NAME = r"[^\s:：\[\]](?:[^\n:：]{0,58}[^\s:：])?"
_SHARED = re.compile(
    r".{0,200}(?:聊天记录如下，请查收|聊天記錄如下，請查收|"
    r"chat history (?:between|in).{0,100}as follows).{0,10}",
    re.IGNORECASE,
)
_SHARED_DAY = re.compile(rf"\s*[—–-]{{2,}}\s*{_DAY}\s*[—–-]{{2,}}\s*")
_SHARED_HEAD = re.compile(rf"(?P<who>[^\s].{{0,60}}?) {{2,}}{_CLOCK}\s*")
_LOG_LEVEL = re.compile(
    r"(?:^|\W)(?:trace|debug|info|notice|warn(?:ing)?|error|critical|fatal)(?:$|\W)", re.IGNORECASE
)
_HAN = re.compile("[\u4e00-\u9fff]")


class _Form(NamedTuple):
    """One way in which a message is laid out."""

    head: re.Pattern[str]
    on_one_line: bool = False


_FORMS = {
    "time, name": _Form(re.compile(rf"{_TIME} (?P<who>[^\n]{{1,300}})")),
    "name, time": _Form(re.compile(rf"(?P<who>{_NAME})[:：]?[ \t]+[(（]?{_TIME}[)）]?[:：]?\s*")),
    "time, name: text": _Form(
        re.compile(rf"[\[(]?{_TIME}[\])]? ?(?P<who>{_NAME})[:：] ?(?P<text>[^\n]*)"),
        on_one_line=True,
    ),
    "name (time): text": _Form(
        re.compile(rf"(?P<who>{_NAME}) ?[\[(（]{_TIME}[\])）][:：] ?(?P<text>[^\n]*)"),
        on_one_line=True,
    ),
}
_SAMPLE_LINES = 400
_LONGEST_HEAD = 400


def read_text(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a chat."""
    return assemble(said(reading), reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a chat."""
    raw = itertools.islice(physical_lines(reading.path, reading.encoding), _SAMPLE_LINES)
    lines = [text for line in raw if (text := line.decode(reading.encoding, "replace")).strip()]
    sample = [line.strip("\ufeff\r\n") for line in lines]
    if _is_shared(sample):
        return messages(reading, _Shared(), _finish)
    form = _FORMS[_form(sample)]
    return messages(reading, lambda line: _head(line, form), _finish)


def _head(line: str, form: _Form) -> Head | None:
    if len(line) > _LONGEST_HEAD and not form.on_one_line:
        return None
    match = form.head.fullmatch(line)
    at = clock(match) if match else None
    if match is None or at is None:
        return None
    time = iso(int(match["year"]), int(match["month"]), int(match["day"]), at)
    if time is None:
        return None
    text = match["text"] if form.on_one_line else None
    return Head(_unquoted(match["who"].strip()), time, text)


def _unquoted(name: str) -> str:
    """Return a name without the quotes that one exporter sets around it."""
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] == "'" else name


class _Shared:
    """The lines of a chat that was sent by mail: the day stands on a line of its own."""

    def __init__(self) -> None:
        self._day: tuple[int, int, int] | None = None

    def __call__(self, line: str) -> Head | str | None:
        day = _SHARED_DAY.fullmatch(line)
        if day:
            self._day = int(day["year"]), int(day["month"]), int(day["day"])
            return "date line"
        if self._day is None:
            return "header" if _SHARED.fullmatch(line.strip()) else None
        match = _SHARED_HEAD.fullmatch(line)
        at = clock(match) if match else None
        if match is None or at is None:
            return None
        return Head(match["who"].strip(), iso(*self._day, at))


def _finish(held: Held) -> Iterator[Message]:
    head = held.head
    if not held.texts and head.speaker:
        # WeChat's own word stands where a name would, and nothing follows it.
        held.head = head._replace(speaker=None)
        yield held.message(notice(head.speaker, sent=False), text=head.speaker)
    else:
        yield held.message(notice("\n".join(held.texts)))


def _is_shared(lines: Sequence[str]) -> bool:
    has_day = any(_SHARED_DAY.fullmatch(line) for line in lines[:6])
    return has_day and sum(_SHARED_HEAD.fullmatch(line) is not None for line in lines) > 0


def _form(lines: Sequence[str]) -> str:
    """Return the form that most lines are heads of; those on one line need most of all lines."""
    found = {
        name: sum(_head(line, form) is not None for line in lines) for name, form in _FORMS.items()
    }
    for name, form in _FORMS.items():
        if form.on_one_line and found[name] * 2 >= len(lines):
            return name
    return max(("time, name", "name, time"), key=lambda name: found[name])


def _recognise(start: Start) -> float:
    lines = start.lines
    if not lines:
        return 0.0
    if _is_shared(lines):
        return SURE if any(_SHARED.fullmatch(line.strip()) for line in lines[:2]) else LIKELY
    name = _form(lines)
    form = _FORMS[name]
    if _head(lines[0], form) is None:
        return 0.0
    heads = [(at, head) for at, line in enumerate(lines) if (head := _head(line, form))]
    if form.on_one_line:
        spoken = [(head.speaker or "", head.text or "") for _, head in heads]
    else:
        # Only where a text follows is it surely a name that stands in the head line.
        places = {at for at, _ in heads}
        spoken = [
            (head.speaker or "", lines[at + 1])
            for at, head in heads
            if at + 1 < len(lines) and at + 1 not in places
        ]
    if len(spoken) < 2 or len(spoken) * 8 < len(lines) or not _are_people(spoken):
        return 0.0
    if any(notice(text) for _, text in spoken):
        return SURE + 0.01
    return LIKELY * _come_again(spoken, heads[0][1], name)


def _are_people(spoken: Sequence[tuple[str, str]]) -> bool:
    """Whether names are no levels of a log, and no authors above lists of changes."""
    names = [name for name, _ in spoken]
    levels = sum(_LOG_LEVEL.search(name) is not None for name in names)
    addresses = sum("@" in name for name in names)
    listed = sum(text.lstrip().startswith(("* ", "- ", "+ ")) for _, text in spoken)
    return max(map(len, names)) <= 60 and max(levels, addresses, listed) * 2 <= len(names)


def _come_again(spoken: Sequence[tuple[str, str]], first: Head, form: str) -> bool:
    """Whether nothing but names can stand there, though no text is WeChat's own.

    People speak again. On one line, programs write as well, so the most has to be
    Chinese; before a name, exporters write the seconds, and diaries do not.
    """
    names = [name for name, _ in spoken]
    again = len(names) - len(set(names))
    if len(names) >= 4 and again * 4 < len(names):
        return False
    if form == "time, name":
        return first.time is not None and first.time.count(":") == 2
    chinese = sum(_HAN.search(name + text) is not None for name, text in spoken)
    return not _FORMS[form].on_one_line or chinese * 2 >= len(names)


FORMATS = (
    Format(
        "wechat",
        "chat",
        "WeChat, exported, copied or mailed chat (TXT)",
        "微信聊天记录：导出、复制或邮件发送（TXT）",
        _recognise,
        read_text,
    ),
)
