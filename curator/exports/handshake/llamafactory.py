"""LLaMA-Factory's rules, from its data README and its converters and processors of version 0.9.

It reads each file as `dataset_info.json` tells it. Turns must alternate between user or
observation and assistant or function call, and end with an answer (before it, in a ranking);
other rows are skipped with a warning that does not say which. Of a row that is longer than
`cutoff_len`, turn by turn: the longer of question and answer is cut, both if both are long;
turns after that are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.exports.handshake.conversations import Learnt, RefusedError, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Row = Mapping[str, Any]
    Entry = Mapping[str, Any]

_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
"""Its defaults where `dataset_info.json` says nothing."""


def read(row: Row, entry: Entry) -> Learnt:
    """Return what LLaMA-Factory makes of a row.

    Args:
        row: of the file that `entry` describes.
        entry: of `dataset_info.json`.

    Raises:
        RefusedError: it would skip the row, or learn nothing from it.

    """
    columns = entry.get("columns", {})
    if entry.get("formatting", "alpaca") == "alpaca":
        turns = _alpaca(row, columns)
    else:
        tags = _TAGS | entry.get("tags", {})
        system, turns = _sharegpt(row, columns, tags)
        odd = 1 if entry.get("ranking") else 0
        if len(turns) % 2 != odd:
            raise RefusedError("no answer at the end" if not odd else "no question at the end")
        if entry.get("ranking"):
            answers = [_message(row[columns[key]], tags) for key in ("chosen", "rejected")]
            if any(answer["role"] != "assistant" for answer in answers):
                raise RefusedError("a compared answer that is nobody's answer")
            if answers[0]["content"] == answers[1]["content"]:
                raise RefusedError("both answers are the same")
            return Learnt(tuple(sound([*system, *turns, a]) for a in answers), last=True)
        turns = [*system, *turns]
    kto = columns.get("kto_tag")
    if kto and not isinstance(row[kto], bool):
        raise RefusedError("a label that is neither true nor false")
    return Learnt((sound(turns),), last=bool(kto))


def kept(pairs: NDArray[Any], cutoff: int, *, last: bool, history: bool) -> int:
    """Return how many tokens are learnt after a row is cut to `cutoff`.

    Args:
        pairs: tokens of what comes before each answer and of the answer, shape (answers, 2).
        cutoff: the recipe's `cutoff_len`.
        last: whether only the last answer is learnt.
        history: whether earlier answers are masked and the last turns kept first (`mask_history`).

    """
    if last and not history:  # a comparison is one turn: all before the answer is its question
        answer = int(pairs[-1, 1])
        return _share(int(pairs.sum()) - answer, answer, cutoff)[1]
    total, learnt = 0, 0
    for at, (source, target) in enumerate(pairs[::-1] if history else pairs):
        if total >= cutoff:
            break
        before, answer = _share(int(source), int(target), cutoff - total)
        total += before + answer
        learnt += answer if at == 0 or not history else 0
    return learnt


def _share(source: int, target: int, budget: int) -> tuple[int, int]:
    """Return how many tokens of a question and its answer have room in a budget."""
    if target * 2 < budget:
        room = budget
    elif source * 2 < budget:
        room = budget - source
    else:
        room = budget * target // (source + target)
    answer = min(room, target)
    return min(max(budget - answer, 0), source), answer


def _alpaca(row: Row, columns: Row) -> list[dict[str, str]]:
    texts = [text for pair in row.get(columns.get("history", "")) or [] for text in pair]
    asked = [row.get(columns.get(key, default)) for key, default in _ASKED]
    texts += ["\n".join(filter(None, asked)), row[columns.get("response", "output")]]
    system: str | None = row.get(columns.get("system", ""))
    roles = ("user", "assistant")
    turns = [{"role": roles[at % 2], "content": str(t or "")} for at, t in enumerate(texts)]
    return _system(system) + turns


_ASKED = (("prompt", "instruction"), ("query", "input"))


def _sharegpt(
    row: Row, columns: Row, tags: Mapping[str, str]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    messages = [_message(m, tags) for m in row[columns.get("messages", "conversations")]]
    system = row.get(columns.get("system", ""))
    if messages and messages[0]["role"] == "system":
        system, messages = messages[0]["content"], messages[1:]
    if not messages:
        raise RefusedError("no turns")
    for at, message in enumerate(messages):
        if message["role"] not in (("user", "tool"), ("assistant",))[at % 2]:
            raise RefusedError("turns that do not alternate")
    return _system(system), messages


def _system(text: str | None) -> list[dict[str, str]]:
    return [{"role": "system", "content": text}] if text else []


def _message(message: Row, tags: Mapping[str, str]) -> dict[str, str]:
    """Return a message with the field's usual roles; one that no tag names is nobody's."""
    names = {
        tags["user_tag"]: "user",
        tags["assistant_tag"]: "assistant",
        tags["function_tag"]: "assistant",
        tags["observation_tag"]: "tool",
        tags["system_tag"]: "system",
    }
    role = names.get(message.get(tags["role_tag"], ""), "")
    return {"role": role, "content": str(message.get(tags["content_tag"]) or "")}
