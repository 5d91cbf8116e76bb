"""The questions that retrieval is evaluated with: the user's, or the corpus's own, held out."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST_HELD_OUT = 500
_FORM = 'a line is {"question": "…", "answer": "…"} or has source, record or chunk in its place'


@dataclass(frozen=True)
class Asked:
    """A question, and what tells which chunks are relevant: all that is given must fit.

    answer: words that the chunk holds, however they are written. source: its source's name.
    record: its record's id. chunk: its own id. key: the question that it answers.
    """

    question: str
    answer: str = ""
    source: str = ""
    record: str = ""
    chunk: str = ""
    key: str = ""


class Relevance:
    """Tells which rows are relevant to a question."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Read the rows of a corpus."""
        self._rows = rows
        self._folded = [fold(row["text"]) for row in rows]

    def __call__(self, asked: Asked) -> frozenset[int]:
        """Return the numbers of the relevant rows."""
        answer = fold(asked.answer)
        return frozenset(
            number
            for number, row in enumerate(self._rows)
            if (not asked.record or row["record_id"].startswith(asked.record))
            and (not asked.chunk or row["id"] == asked.chunk)
            and (not asked.key or row["key"] == asked.key)
            and (not asked.source or _is_named(row["source_uri"], asked.source))
            and (not answer or answer in self._folded[number])
        )


def _is_named(uri: str, source: str) -> bool:
    return uri == source or uri.endswith(f"/{source}")


def read_questions(path: Path) -> list[Asked]:
    """Read the user's questions: JSONL, or CSV with a header.

    Raises:
        SourceError: the file cannot be read, or a line is no question.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file", _FORM) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path}: cannot be read ({type(error).__name__})", "save it as UTF-8 text"
        ) from None
    rows: list[tuple[int, Any]]
    if path.suffix.lower() in (".csv", ".tsv"):
        reader = csv.DictReader(
            text.splitlines(keepends=True), delimiter="\t" if path.suffix == ".tsv" else ","
        )
        rows = [(reader.line_num, row) for row in reader]
    else:
        rows = [(n, _parsed(path, n, line)) for n, line in _lines(text)]
    found = [_asked(path, n, row) for n, row in rows]
    if not found:
        raise SourceError(f"{path}: holds no question", _FORM)
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]


def _parsed(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise SourceError(f"{path}:{number}: not valid JSON", _FORM) from None


def _asked(path: Path, number: int, row: Any) -> Asked:
    told = (
        {name: str(row[name]).strip() for name in Asked.__dataclass_fields__ if row.get(name)}
        if isinstance(row, dict)
        else {}
    )
    if not told.get("question"):
        raise SourceError(f"{path}:{number}: no question", _FORM)
    if len(told) == 1:
        raise SourceError(f"{path}:{number}: nothing tells which chunk is relevant", _FORM)
    return Asked(**told)


def held_out(rows: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """Return questions of the corpus's own pairs, at most so many, chosen by their hashes.

    They are to be asked of a corpus that shows the answers alone.
    """
    keys = sorted(
        {row["key"] for row in rows if row["key"]},
        key=lambda key: blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
    )
    return [Asked(key, key=key) for key in keys[:MOST_HELD_OUT]]


def without_question(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row that shows the answer alone."""
    text = row["text"]
    if row["key"]:
        text = text.removeprefix(row["key"]).strip() or text
    return {**row, "text": text}
