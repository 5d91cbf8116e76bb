"""Cut documents and answers into chunks for retrieval, at the ends of sentences. Pure.

A length is what a measure says: by default Han characters and words (`curator.text.length`),
or a tokenizer's tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.text import length, measured_sentences, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from curator.types import Part

    Measure = Callable[[str], int]

_CLAUSE_END = re.compile(r"(?<=[，、,：:])|(?<=\s)")
_RULER = re.compile(r"[\s|:+=-]*-[\s|:+=-]*")
_WHOLE = ("table", "list", "code", "heading")
"""Blocks that are cut only where they alone are longer than a chunk."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a record.

    first, last: its parts. heading_path: the headings above it. within: which blocks of its
    section these are, counted from 1 without headings; (0, 0) where there is no section.
    asked: the question that its text begins with, and answers.
    """

    text: str
    first: int
    last: int
    heading_path: tuple[str, ...] = ()
    within: tuple[int, int] = (0, 0)
    asked: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut any further."""

    text: str
    part: int
    role: str
    units: int


def document_chunks(
    parts: Sequence[Part], limit: int, overlap: int, measure: Measure = length
) -> list[Chunk]:
    """Cut a document's blocks; a chunk never holds text of two sections.

    Tables, lists and code stay whole where they fit a chunk.

    Args:
        parts: the blocks, in order.
        limit: the length that no chunk exceeds.
        overlap: how many sentences a chunk repeats from the one before it, where they fit.
        measure: how long a text is.
    """
    found: list[Chunk] = []
    for indices, path in _sections(parts):
        bodies = [i for i in indices if parts[i].role != "heading"]
        place = {i: n for n, i in enumerate(bodies, 1)}
        pieces = _section_pieces(parts, indices, limit, measure)
        for packed in _pack(pieces, limit, overlap, measure):
            if all(p.role == "heading" and p.text.strip() in path for p in packed) and len(
                packed
            ) < len(pieces):
                continue  # the section's other chunks carry it in their path
            text = _join(packed)
            if text:
                held = [place[p.part] for p in packed if p.part in place] or [0]
                within = (held[0], held[-1])
                found.append(Chunk(text, packed[0].part, packed[-1].part, path, within))
    return found


def answer_chunks(
    question: str,
    answer: str,
    where: tuple[int, int],
    limit: int,
    overlap: int,
    measure: Measure = length,
) -> list[Chunk]:
    """Cut a question with its answer: one chunk where they fit, else several.

    Where the question is short enough, each chunk of a long answer begins with it.
    `where` is the first and the last part that they come from.
    """
    first, last = where
    question, answer = question.strip(), answer.strip()
    asked = measure(question)
    if asked + measure(answer) <= limit:
        return [Chunk(f"{question}\n{answer}", first, last, asked=question)]
    head = f"{question}\n" if asked <= limit // 3 else ""
    room = limit - asked if head else limit
    texts = [answer] if head else [question, answer]
    pieces = [
        piece
        for i, text in enumerate(texts)
        for piece in _prose(text, i, "paragraph", room, measure)
    ]
    return [
        Chunk(head + _join(packed, "\n"), first, last, asked=head.strip())
        for packed in _pack(pieces, room, overlap, measure)
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


def _section_pieces(
    parts: Sequence[Part], indices: Sequence[int], limit: int, measure: Measure
) -> list[_Piece]:
    """Return what a section's chunks are put together from: whole blocks, or their sentences."""
    units = {i: measure(parts[i].text) for i in indices}
    if sum(units.values()) <= limit:
        return [_Piece(parts[i].text, i, parts[i].role, units[i]) for i in indices]
    return [p for i in indices for p in _pieces(parts[i], i, units[i], limit, measure)]


def _pieces(part: Part, index: int, units: int, limit: int, measure: Measure) -> Iterator[_Piece]:
    if part.role not in _WHOLE:
        yield from _prose(part.text, index, part.role, limit, measure)
    elif units <= limit:
        yield _Piece(part.text, index, part.role, units)
    else:
        for text in _lines(part.text, limit, measure, repeat_header=part.role == "table"):
            yield _Piece(text, index, part.role, measure(text))


def _prose(text: str, index: int, role: str, limit: int, measure: Measure) -> Iterator[_Piece]:
    measured = (
        measured_sentences(text)
        if measure is length
        else ((sentence, measure(sentence)) for sentence in sentences(text))
    )
    for sentence, units in measured:
        if units <= limit:
            yield _Piece(sentence, index, role, units)
        else:
            for piece in _cut(sentence, limit, measure):
                yield _Piece(piece, index, role, measure(piece))


def _lines(text: str, limit: int, measure: Measure, *, repeat_header: bool) -> Iterator[str]:
    """Cut a long table, list or listing between lines; a table's pieces repeat its header."""
    lines = text.splitlines(keepends=True)
    ruled = len(lines) > 1 and _RULER.fullmatch(lines[1])
    header = "".join(lines[: 2 if ruled else 1]) if repeat_header else ""
    if measure(header) > limit // 2:
        header = ""
    room = limit - measure(header)
    body = lines[2 if ruled else 1 :] if header else lines
    short = [
        piece
        for line in body
        for piece in ([line] if measure(line) <= room else _cut(line, room, measure))
    ]
    for group in _fill(short, room, measure):
        yield header + group


def _cut(sentence: str, limit: int, measure: Measure) -> Iterator[str]:
    """Cut an over-long sentence, between clauses where it has any."""
    clauses: list[str] = []
    for clause in _CLAUSE_END.split(sentence):
        rest = clause
        while measure(rest) > limit:
            # A character is seldom more than one unit: what is far too long is not looked at.
            ends = range(1, min(len(rest), 16 * limit) + 1)
            at = bisect_right(ends, limit, key=lambda end: measure(rest[:end]))
            at = max(1, at)
            clauses.append(rest[:at])
            rest = rest[at:]
        if rest:
            clauses.append(rest)
    yield from _fill(clauses, limit, measure)


def _fill(texts: Iterable[str], limit: int, measure: Measure) -> Iterator[str]:
    """Join neighbours as long as they stay within the limit."""
    held, units = "", 0
    for text in texts:
        more = measure(text)
        if held and units + more > limit:
            yield held
            held, units = "", 0
        held, units = held + text, units + more
    if held:
        yield held


def _pack(
    pieces: Sequence[_Piece], limit: int, overlap: int, measure: Measure
) -> Iterator[list[_Piece]]:
    """Put pieces together up to the limit; the last sentences of one begin the next.

    The pieces' lengths add up to a text's for characters and words, and nearly so for tokens:
    there the text is measured.
    """
    exact = measure is length
    held: list[_Piece] = []
    units = 0
    for piece in pieces:
        if held and (
            units + piece.units > limit or (not exact and measure(_join([*held, piece])) > limit)
        ):
            yield held
            held = _tail(held, overlap, limit - piece.units)
            if not exact and held and measure(_join([*held, piece])) > limit:
                held = []
            units = sum(p.units for p in held)
        held.append(piece)
        units += piece.units
    if held:
        yield held


def _tail(held: Sequence[_Piece], overlap: int, room: int) -> list[_Piece]:
    """Return the last sentences that fit the room; what stays whole is not repeated."""
    tail: list[_Piece] = []
    for piece in reversed(held):
        room -= piece.units
        if len(tail) == overlap or room < 0 or piece.role in _WHOLE:
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


def fixed_chunks(text: str, size: int) -> list[str]:
    """Cut a text after so many characters, whatever stands there: what is to be compared with."""
    pieces = (text[at : at + size].strip() for at in range(0, len(text), size))
    return [piece for piece in pieces if piece]
