r"""What a reviewer types into the search box, as an expression of SQLite's FTS5.

The language is that of Argilla's documentation (Elasticsearch's simple query string):
words are joined by "and"; `+` and, `|` or, `-` not, `"…"` a phrase, `word*` a beginning,
`( )` groups, `\` takes the next character as it is. Nothing that is typed is an error:
what makes no sense is read as well as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .words import phrase

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEPTH = 50  # groups inside groups; a reviewer needs two


@dataclass(frozen=True, slots=True)
class Match:
    """An FTS5 expression, or with `negated` all records that it does not match."""

    expression: str
    negated: bool = False


def parse(text: str) -> Match | None:
    """Return what a query matches, None where it holds no word."""
    tokens = _tokens(text)
    at, parts = 0, []
    while at < len(tokens):
        match, at = _alternatives(tokens, at, 0)
        parts.append(match)
        at += 1  # a closing bracket that nothing opened
    return _all([part for part in parts if part is not None])


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: str  # one of + | - ( ) and word, phrase, prefix


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        before = text[at - 1] if at else " "
        if char == '"':
            said, at = _until_quote(text, at + 1)
            tokens.append(_Token(said, "phrase"))
        elif char in "+|()" or (char == "-" and (before.isspace() or before in "+|(-")):
            tokens.append(_Token(char, char))
            at += 1
        elif char.isspace():
            at += 1
        else:
            said, kind, at = _word(text, at)
            tokens.append(_Token(said, kind))
    return tokens


def _until_quote(text: str, at: int) -> tuple[str, int]:
    """Read a phrase, and the `~2` that may follow it: how far apart words may be is not kept."""
    said = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
        said.append(text[at : at + 1])
        at += 1
    at += 1
    if text[at : at + 1] == "~":
        at += 1
        while text[at : at + 1].isdigit():
            at += 1
    return "".join(said), at


def _word(text: str, at: int) -> tuple[str, str, int]:
    said, kind = [], "word"
    while at < len(text) and not text[at].isspace() and text[at] not in '"+|()':
        if text[at] == "\\":
            at += 1
            said.append(text[at : at + 1])
            kind = "word"
        elif text[at] == "~" and said:
            at += 1
            while text[at : at + 1].isdigit():
                at += 1
            break
        else:
            said.append(text[at])
            kind = "prefix" if text[at] == "*" else "word"
        at += 1
    return "".join(said), kind, at


def _alternatives(tokens: Sequence[_Token], at: int, depth: int) -> tuple[Match | None, int]:
    """Read up to the closing bracket; return what matches, and where the bracket is."""
    groups: list[list[Match]] = [[]]
    negated = False
    while at < len(tokens) and tokens[at].kind != ")":
        token = tokens[at]
        match: Match | None = None
        if token.kind == "|":
            groups.append([])
        elif token.kind == "-":
            negated = not negated
        elif token.kind == "(" and depth < _DEPTH:
            match, at = _alternatives(tokens, at + 1, depth + 1)
        elif token.kind in {"word", "phrase", "prefix"}:
            said = phrase(token.text, prefix=token.kind == "prefix")
            match = Match(said) if said else None
        if match is not None:
            groups[-1].append(Match(match.expression, match.negated != negated))
        if token.kind != "-":
            negated = False
        at += 1
    return _any([joined for group in groups if (joined := _all(group)) is not None]), at


def _all(parts: Sequence[Match]) -> Match | None:
    """Join by "and"."""
    if len(parts) < 2:
        return parts[0] if parts else None
    wanted = [part.expression for part in parts if not part.negated]
    refused = [part.expression for part in parts if part.negated]
    if not wanted:
        return Match(_joined(refused, "OR"), negated=True)
    found = _joined(wanted, "AND")
    return Match(f"({found} NOT {_joined(refused, 'OR')})" if refused else found)


def _any(parts: Sequence[Match]) -> Match | None:
    """Join by "or"; FTS5 knows no "not" by itself, so `a | -b` is all but `b` without `a`."""
    if len(parts) < 2:
        return parts[0] if parts else None
    wanted = [part.expression for part in parts if not part.negated]
    refused = [part.expression for part in parts if part.negated]
    if not refused:
        return Match(_joined(wanted, "OR"))
    but = _joined(refused, "AND")
    return Match(f"({but} NOT {_joined(wanted, 'OR')})" if wanted else but, negated=True)


def _joined(expressions: Sequence[str], word: str) -> str:
    return expressions[0] if len(expressions) == 1 else f"({f' {word} '.join(expressions)})"
