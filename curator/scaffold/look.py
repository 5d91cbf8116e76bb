"""Look at sources before a project is made of them: how each would be read, and what is in it.

Nothing is written. What the readers' recognisers leave open (which column is the question, how
the lines of a log read, who answers) is guessed from the contents, and told as a guess.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import SourceError
from curator.scaffold.contents import Guess, answering, by_contents, header_is_data
from curator.scaffold.domains import domain_of
from curator.scaffold.log_lines import guess_line
from curator.schema import Chat, Columns, Source
from curator.sources import Tally, format_named, read, sniff
from curator.sources.chats.messages import Message
from curator.sources.chats.roles import Roles
from curator.sources.conversations import ROLES
from curator.sources.files.archives import archive_kind
from curator.sources.files.folders import is_pattern
from curator.sources.files.listing import Listing, SourceFile
from curator.sources.formats import Start
from curator.sources.tables.columns import says_what
from curator.types import Quarantined, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.sources.formats import Format

MOST_RECORDS, MOST_FILES, MOST_SECONDS = 400, 60, 5.0
"""How much of a source is looked at; what comes first of these ends the look."""
SHOWN = 2
_MOST_CHARACTERS = 2_000
_MOST_SPEAKERS = 40

Note = tuple[str, str]
"""A sentence in Chinese and in English."""

_LINES_GUESSED: Note = (
    "日志各行的读法是猜出来的，请核对 `line:`",
    "how a line of the log reads is a guess: look at `line:`",
)
_HEADER_IS_DATA: Note = (
    "第一行像是内容而不是列名，因此按一条记录读入（header: false）；若它是列名，请删去这一行设置",
    (
        "the first row reads like a record, not like names of columns, so it is read as one"
        " (header: false); if it does name them, take that line out"
    ),
)
_NO_SENTENCES: Note = (
    "没有一列是句子：每行将作为一段表格文档读入。若不对，请在 columns 下写明列名",
    (
        "no column holds sentences: each row will be read as a piece of a table."
        " If that is wrong, name the columns under `columns:`"
    ),
)
_UNSURE: Note = (
    "哪一列是提问、哪一列是回答拿不准：请看样例，必要时对调",
    "which column asks and which answers is not clear: look at the examples, swap them if need be",
)


@dataclass
class Look:
    """What was seen of one source.

    source: as the recipe will name it; its path is that which was given.
    columns: the names of a table's columns, in order; none for anything else.
    guess: what the contents told of the columns, where their names did not.
    mapped: files of a folder that need a mapping of their own.
    examples: the first records, as they will be read.
    """

    path: Path
    source: Source
    sure: float = 1.0
    columns: tuple[str, ...] = ()
    guess: Guess | None = None
    names_told: Columns | None = None
    mapped: list[Look] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[Record] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)
    is_partial: bool = False
    notes: list[Note] = field(default_factory=list)
    """What a person should see to, in Chinese and in English."""

    @property
    def records(self) -> int:
        """How many records were made of what was looked at."""
        return sum(self.kinds.values())


@dataclass(frozen=True)
class Seen:
    """All the sources, and what follows for the project as a whole."""

    looks: tuple[Look, ...]
    languages: tuple[str, ...]
    domain: str
    domain_share: float

    @property
    def language_shares(self) -> dict[str, float]:
        """The share of each language among the records looked at, the most first."""
        total: Counter[str] = Counter()
        for one in self.looks:
            total.update(one.languages)
        count = sum(total.values())
        return {lang: n / count for lang, n in total.most_common()} if count else {}


def look_at(paths: Sequence[Path]) -> Seen:
    """Look at files, folders, archives and patterns.

    Raises:
        SourceError: one is missing, empty, or nothing of it can be read.

    """
    looks = tuple(_look(path) for path in paths)
    total: Counter[str] = Counter()
    texts: list[str] = []
    for one in looks:
        total.update(one.languages)
        texts += one.texts
    count = max(sum(total.values()), 1)
    # Both languages stay wanted, the more frequent first: a sample may miss the other.
    ranked = sorted({"zh", "en", *total} - {"und"}, key=lambda lang: (-total[lang], lang != "zh"))
    languages = tuple(
        lang for lang in ranked if lang in ("zh", "en") or total[lang] / count >= 0.05
    )
    domain, share = domain_of(texts)
    return Seen(looks, languages, domain, share)


def _look(path: Path) -> Look:
    path = path.expanduser()
    if not is_pattern(path) and not path.exists():
        raise SourceError(f"{path}: no such file or folder", "check the path after --from")
    if is_pattern(path) or path.is_dir() or archive_kind(path):
        return _look_inside(path)
    return _look_at_file(path, Source(path=str(path)))


def _look_at_file(path: Path, source: Source) -> Look:
    try:
        settled, sure = sniff(path, source)
    except SourceError:
        line = guess_line(Start(path, source).lines)
        if line is None:
            raise
        source = source.model_copy(update={"chat": Chat(line=line)})
        settled, sure = sniff(path, source)
        found = Look(path, settled, sure)
        found.notes.append(_LINES_GUESSED)
    else:
        found = Look(path, settled, sure)
        _look_at_columns(found)
    _read_some(found)
    _look_at_speakers(found)
    return found


def _look_at_columns(found: Look) -> None:
    """Settle the columns of a table by what they hold, where their names do not say it."""
    source = found.source
    kind = format_named(source.format, found.path)
    if kind.table is None:
        return
    encoding = source.encoding.removesuffix("-sig")
    rows = list(kind.table.sample(found.path, encoding, source))
    names = kind.table.header(found.path, encoding, source)
    known = source.columns or Columns.model_validate({})
    if kind.table.headed and header_is_data(names, rows):
        found.notes.append(_HEADER_IS_DATA)
        known = Columns.model_validate({})
        found.source = source = source.model_copy(update={"header": False, "columns": known})
        rows = list(kind.table.sample(found.path, encoding, source))
        names = kind.table.header(found.path, encoding, source)
    found.columns = tuple(names)
    found.names_told = known
    if known.user and known.assistant:
        return
    guess = by_contents(names, rows, known)
    if guess is None:
        if not says_what(known):
            found.notes.append(_NO_SENTENCES)
        return
    if guess.columns == known:
        return
    found.guess = guess
    found.source = _mapped(source, guess, kind)
    if not guess.sure:
        found.notes.append(_UNSURE)


def _mapped(source: Source, guess: Guess, kind: Format) -> Source:
    """Return the source with the guessed columns, read as turns where they say so."""
    name = source.format
    if guess.columns.is_turns:
        name = "turns" if not kind.binary else "turns-xlsx"
    return source.model_copy(update={"columns": guess.columns, "format": name})


def _look_at_speakers(found: Look) -> None:
    """Tell who answers, where a table of turns or a log names speakers whose role is not known."""
    chat = found.source.chat or Chat.model_validate({})
    columns = found.source.columns
    is_guessed = chat.line is not None or (columns is not None and columns.is_turns)
    names = tuple(found.said)
    if not is_guessed or chat.assistant or not 2 <= len(names) <= _MOST_SPEAKERS:
        return
    roles = Roles(chat)
    if any(name.strip().casefold() in ROLES or roles.answers(_spoken(name)) for name in names):
        return
    who = answering(found.said)
    if not who:
        return
    regex = "^(?:" + "|".join(re.escape(name) for name in who) + ")$"
    found.source = found.source.model_copy(
        update={"chat": chat.model_copy(update={"assistant": regex})}
    )
    listed = who[:4]
    found.notes.append(
        (
            f"谁在回答是按内容猜的：{'、'.join(listed)}",
            f"who answers is guessed from what is said: {', '.join(listed)}",
        )
    )
    _read_some(found)


def _spoken(name: str) -> Message:
    return Message(locator="", text="", speaker=name)


def _read_some(found: Look) -> None:
    """Read the first records as ingest will, and count what they are."""
    for counted in (found.kinds, found.languages, found.refused):
        counted.clear()
    found.examples, found.texts, found.said = [], [], defaultdict(list)
    began = time.monotonic()
    items = read(found.path, found.path.name, "", found.source, Tally())
    found.formats[found.source.format] = 1
    for item in items:
        if isinstance(item, Record):
            _count(found, item)
        elif isinstance(item, Quarantined):
            found.refused[item.reason] += item.n_units
        if found.records >= MOST_RECORDS or time.monotonic() - began > MOST_SECONDS:
            found.is_partial = True
            return


def _count(found: Look, record: Record) -> None:
    text = "\n".join(part.text for part in record.parts)
    found.kinds[record.kind] += 1
    found.languages[record.lang] += 1
    found.texts.append(text[:_MOST_CHARACTERS])
    if len(found.examples) < SHOWN:
        found.examples.append(record)
    for part in record.parts:
        if part.speaker:
            found.said[part.speaker].append(part.text)


def _look_inside(path: Path) -> Look:
    """Look at the files of a folder, an archive or a pattern, one by one."""
    found = Look(path, Source(path=str(path)))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="curator-look-") as folder:
        listing = Listing(Path.cwd(), Path(folder), {})
        with closing(listing.files(found.source)) as files:
            for number, file in enumerate(files):
                if number >= MOST_FILES or time.monotonic() - began > 2 * MOST_SECONDS:
                    found.is_partial = True
                    break
                if isinstance(file, SourceFile):
                    _look_at_member(found, file)
                else:
                    for unit in file.refused:
                        if isinstance(unit, Quarantined):
                            found.refused[unit.reason] += 1
    if not found.formats:
        why = ", ".join(found.refused) or "it is empty"
        raise SourceError(
            f"{path}: nothing in it can be read ({why})", "list what can be: curator sources"
        )
    return found


def _look_at_member(found: Look, file: SourceFile) -> None:
    try:
        one = _look_at_file(file.path, file.source)
    except SourceError as error:
        found.refused[error.message.rpartition(": ")[2]] += 1
        return
    found.formats[one.source.format] += 1
    found.kinds.update(one.kinds)
    found.languages.update(one.languages)
    found.refused.update(one.refused)
    found.texts += one.texts
    found.examples += one.examples[: SHOWN - len(found.examples)]
    if one.guess or one.source.chat:
        if file.member is None:
            found.mapped.append(one)
        else:
            found.notes.append(
                (
                    f"{file.member}：列的含义需写明，请解压后单独列出",
                    f"{file.member}: its columns need a mapping; unpack it and name it by itself",
                )
            )
    found.notes += [(f"{file.path.name}：{zh}", f"{file.path.name}: {en}") for zh, en in one.notes]
