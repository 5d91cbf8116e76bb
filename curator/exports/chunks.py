"""Cut documents and answers into chunks for retrieval, at the ends of sentences. Pure.

Lengths are `curator.text.length` units: Han characters and words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.text import length, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from curator.types import Part

_CLAUSE_END = re.compile(r"(?<=[，、,：:])|(?<=\s)")
_RULER = re.compile(r"[\s|:+=-]*-[\s|:+=-]*")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a record: its text, its first and last part, the headings above it."""

    text: str
    first: int
    last: int
    heading_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut any further."""

    text: str
    part: int
    role: str
    units: int


def document_chunks(parts: Sequence[Part], limit: int, overlap: int) -> list[Chunk]:
    """Cut a document's blocks; a chunk never holds text of two sections.

    Args:
        parts: the blocks, in order.
        limit: the length that no chunk exceeds.
        overlap: how many sentences a chunk repeats from the one before it, where they fit.
    """
    found: list[Chunk] = []
    for indices, path in _sections(parts):
        pieces = [piece for i in indices for piece in _pieces(parts[i], i, limit)]
        for packed in _pack(pieces, limit, overlap):
            if all(p.role == "heading" and p.text.strip() in path for p in packed) and len(
                packed
            ) < len(pieces):
                continue  # the section's other chunks carry it in their path
            text = _join(packed)
            if text:
                found.append(Chunk(text, packed[0].part, packed[-1].part, path))
    return found


def answer_chunks(
    question: str, answer: str, where: tuple[int, int], limit: int, overlap: int
) -> list[Chunk]:
    """Cut a question with its answer: one chunk where they fit, else several.

    Where the question is short enough, each chunk of a long answer begins with it.
    `where` is the first and the last part that they come from.
    """
    first, last = where
    if length(question) + length(answer) <= limit:
        return [Chunk(f"{question.strip()}\n{answer.strip()}", first, last)]
    asked = length(question)
    head = f"{question.strip()}\n" if asked <= limit // 3 else ""
    room = limit - asked if head else limit
    texts = [answer] if head else [question, answer]
    pieces = [piece for i, text in enumerate(texts) for piece in _prose(text, i, "paragraph", room)]
    return [
        Chunk(head + _join(packed, "\n"), first, last)
        for packed in _pack(pieces, room, overlap)
        if _join(packed)
    ]


def _sections(parts: Sequence[Part]) -> Iterator[tuple[list[int], tuple[str, ...]]]:
    """Yield each section's parts, and the path of headings that holds for it.

    A heading starts a section; so does a change of path. Headings that follow each
    other directly belong to the text below them.
    """
    section: list[int] = []
    for index, part in enumerate(parts):
        body = [i for i in section if parts[i].role != "heading"]
        if body and (part.role == "heading" or part.heading_path != parts[body[-1]].heading_path):
            yield section, parts[body[-1]].heading_path
            section = []
        section.append(index)
    if section:
        body = [i for i in section if parts[i].role != "heading"]
        yield section, _path(parts[body[-1] if body else section[-1]])


def _path(part: Part) -> tuple[str, ...]:
    own = part.text.strip()
    if part.role != "heading" or own in part.heading_path[-1:]:
        return part.heading_path
    return (*part.heading_path, own)


def _pieces(part: Part, index: int, limit: int) -> Iterator[_Piece]:
    if part.role in ("table", "code", "heading"):
        units = length(part.text)
        if units <= limit:
            yield _Piece(part.text, index, part.role, units)
        else:
            for text in _lines(part.text, limit, repeat_header=part.role == "table"):
                yield _Piece(text, index, part.role, length(text))
    else:
        yield from _prose(part.text, index, part.role, limit)


def _prose(text: str, index: int, role: str, limit: int) -> Iterator[_Piece]:
    for sentence in sentences(text):
        units = length(sentence)
        if units <= limit:
            yield _Piece(sentence, index, role, units)
        else:
            for piece in _cut(sentence, limit):
                yield _Piece(piece, index, role, length(piece))


def _lines(text: str, limit: int, *, repeat_header: bool) -> Iterator[str]:
    """Cut a long table or listing between lines; each piece of a table repeats its header."""
    lines = text.splitlines(keepends=True)
    ruled = len(lines) > 1 and _RULER.fullmatch(lines[1])
    header = "".join(lines[: 2 if ruled else 1]) if repeat_header else ""
    if length(header) > limit // 2:
        header = ""
    room = limit - length(header)
    body = lines[2 if ruled else 1 :] if header else lines
    short = [p for line in body for p in ([line] if length(line) <= room else _cut(line, room))]
    for group in _fill(short, room):
        yield header + group


def _cut(sentence: str, limit: int) -> Iterator[str]:
    """Cut an over-long sentence, between clauses where it has any."""
    clauses: list[str] = []
    for clause in _CLAUSE_END.split(sentence):
        rest = clause
        while length(rest) > limit:
            ends = range(1, len(rest) + 1)
            at = bisect_right(ends, limit, key=lambda end: length(rest[:end]))
            at = max(1, at)
            clauses.append(rest[:at])
            rest = rest[at:]
        if rest:
            clauses.append(rest)
    yield from _fill(clauses, limit)


def _fill(texts: Iterable[str], limit: int) -> Iterator[str]:
    """Join neighbours as long as they stay within the limit."""
    held, units = "", 0
    for text in texts:
        more = length(text)
        if held and units + more > limit:
            yield held
            held, units = "", 0
        held, units = held + text, units + more
    if held:
        yield held


def _pack(pieces: Sequence[_Piece], limit: int, overlap: int) -> Iterator[list[_Piece]]:
    """Put pieces together up to the limit; the last sentences of one begin the next."""
    held: list[_Piece] = []
    units = 0
    for piece in pieces:
        if held and units + piece.units > limit:
            yield held
            held = _tail(held, overlap, limit - piece.units)
            units = sum(p.units for p in held)
        held.append(piece)
        units += piece.units
    if held:
        yield held


def _tail(held: Sequence[_Piece], overlap: int, room: int) -> list[_Piece]:
    """Return the last sentences that fit the room; tables, code and headings are not repeated."""
    tail: list[_Piece] = []
    for piece in reversed(held):
        room -= piece.units
        if len(tail) == overlap or room < 0 or piece.role in ("table", "code", "heading"):
            break
        tail.insert(0, piece)
    return tail if len(tail) < len(held) else tail[1:]


def _join(pieces: Sequence[_Piece], between: str = "\n\n") -> str:
    """Return the pieces' text; blocks are set apart as they were."""
    text = ""
    before: _Piece | None = None
    for piece in pieces:
        if before is not None and piece.part != before.part:
            text = text.rstrip() + (between if before.role != "heading" else "\n")
        text += piece.text
        before = piece
    return text.strip()
