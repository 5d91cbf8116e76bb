"""The export of ChatGPT: `conversations.json`, where each conversation is a tree of messages.

The branch that ends at `current_node` is the conversation as its user left it; it
becomes the record. What lies on other branches (answers made again, questions
rewritten) is set aside, as are hidden messages and the model's own thoughts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.schema import Chat
from curator.sources.chats.exports_json import (
    Piece,
    identifier,
    instant,
    listed,
    mapped,
    read_pieces,
    said_text,
    storable,
)
from curator.sources.conversations import UnreadableError, check_turns
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.json_text import has_half, key_paths
from curator.types import Part, Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from curator.sources.formats import Item, Reading, Start

_ROLES = ("user", "assistant", "system", "tool")
_THOUGHTS = ("thoughts", "reasoning_recap")
_CONTEXT = ("user_editable_context", "model_editable_context")


def read_export(reading: Reading) -> Iterator[Item]:
    """Yield what each conversation becomes, and each node that is not part of one.

    A unit is a node of a tree, so that branches are counted; a conversation that
    has none is one unit.
    """
    for piece in read_pieces(reading, ()):
        mapping = piece.fields.get("mapping") if isinstance(piece, Piece) else None
        if isinstance(piece, Quarantined):
            yield from reading.tally.count([piece])
        elif isinstance(mapping, dict) and mapping:
            yield from _conversation(piece, mapping, reading)
        elif mapping == {}:
            empty = SetAside(_locator(piece), "a conversation without messages")
            yield from reading.tally.count([empty])
        else:
            broken = Quarantined(_locator(piece), "a conversation without a tree", piece.raw)
            yield from reading.tally.count([broken])


def _locator(piece: Piece) -> str:
    number = identifier(piece.fields.get("conversation_id")) or identifier(piece.fields.get("id"))
    named = f"conversation {number}" if number else f"conversation at element {piece.index}"
    return f"{named} ({piece.place})"


def _conversation(piece: Piece, mapping: Mapping[str, Any], reading: Reading) -> Iterator[Item]:
    fields, where = piece.fields, _locator(piece)
    keep = (reading.source.chat or Chat()).keep
    branch = _branch(mapping, fields.get("current_node"))
    parts, models, pictures = list[Part](), list[str](), 0
    for node in reading.tally.count(mapping):
        if node not in branch:
            aside = mapped(mapping[node]).get("message")
            reason = "a branch that was left" if aside else "a node without a message"
            yield SetAside(f"{where} node {storable(node)}", reason)
    for node in branch:
        message = mapped(mapped(mapping[node]).get("message"))
        locator = f"message {identifier(message.get('id')) or storable(node)}"
        silent = _no_utterance(message)
        text = "" if silent else content(mapped(message.get("content")))
        raw = text.encode("utf-8", "surrogatepass")
        seen = len([p for p in _pieces(message) if isinstance(p, dict) and not _spoken(p)])
        role = mapped(message.get("author")).get("role")
        if not silent and not text.strip():
            silent = "media" if seen else "an empty message"
            text = "[image]" if seen else ""
        if silent and not (silent == "media" and "media" in keep):
            yield SetAside(f"{where} {locator}", silent)
            continue
        if role not in _ROLES:
            yield Quarantined(f"{where} {locator}", "a message without a known role", raw)
            continue
        if has_half(text):
            yield Quarantined(f"{where} {locator}", "half a surrogate pair", raw)
            continue
        pictures += seen
        model = storable(said_text(mapped(message.get("metadata")).get("model_slug")))
        if model and model not in models and role == "assistant":
            models.append(model)
        speaker = storable(said_text(mapped(message.get("author")).get("name")))
        parts.append(Part(role, text, speaker or None, locator))
    if not parts:
        return
    meta = {
        "title": storable(said_text(fields.get("title"))),
        "model": ", ".join(models),
        "pictures": str(pictures) if pictures else "",
    }
    try:
        check_turns(parts)
    except UnreadableError as error:
        yield Quarantined(where, str(error), piece.raw, len(parts))
        return
    yield reading.shape.record(
        "conversation",
        tuple(parts),
        where,
        timestamp=instant(fields.get("create_time")),
        meta={key: value for key, value in meta.items() if value},
        n_units=len(parts),
    )


def _branch(mapping: Mapping[str, Any], current: object) -> dict[str, None]:
    """Return the nodes from the root to the current one, in that order.

    Without a current node it is the last leaf. A tree that is a ring ends where it closes.
    """
    if not isinstance(current, str) or current not in mapping:
        leaves = [n for n, node in mapping.items() if not listed(mapped(node).get("children"))]
        current = leaves[-1] if leaves else list(mapping)[-1]
    way: dict[str, None] = {}
    node: object = current
    while isinstance(node, str) and node in mapping and node not in way:
        way[node] = None
        node = mapped(mapping[node]).get("parent")
    return dict.fromkeys(reversed(way))


def _no_utterance(message: Mapping[str, Any]) -> str | None:
    """Return why nobody says anything by a message, if so."""
    if not message:
        return "a node without a message"
    metadata, kind = mapped(message.get("metadata")), mapped(message.get("content"))
    if metadata.get("is_visually_hidden_from_conversation") or message.get("weight") == 0:
        return "a hidden message"
    if kind.get("content_type") in _CONTEXT:
        return "a hidden message"
    return "the model's thoughts" if kind.get("content_type") in _THOUGHTS else None


def _pieces(message: Mapping[str, Any]) -> list[Any]:
    return listed(mapped(message.get("content")).get("parts"))


def _spoken(piece: Mapping[str, Any]) -> str:
    """Return the words of a piece that is no plain text: what was dictated or said aloud."""
    return said_text(piece.get("text"))


def content(body: Mapping[str, Any]) -> str:
    """Return the text of a message's content, of whichever type it is."""
    texts = [
        part if isinstance(part, str) else _spoken(mapped(part))
        for part in listed(body.get("parts"))
    ]
    # code and execution_output: text; quotes and browsing: title, text, result, summary.
    texts += [said_text(body.get(key)) for key in ("title", "text", "result", "summary")]
    return "\n".join(text for text in texts if text.strip())


def _recognise(start: Start) -> float:
    keys = key_paths(start.text)
    tree = any(key.startswith("mapping.") and key.endswith(".children") for key in keys)
    said = any(key.startswith("mapping.") and key.endswith(".message") for key in keys)
    return PROVEN * ("mapping" in keys and (tree or said))


FORMATS = (
    Format(
        "chatgpt",
        "chat",
        "ChatGPT's export: conversations.json",
        "ChatGPT 导出：conversations.json",
        _recognise,
        read_export,
    ),
)
