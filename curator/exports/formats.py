"""The same rows as trainers want them: prompt and completion, ShareGPT, Alpaca, pairs, KTO.

Sources: TRL's dataset formats (https://huggingface.co/docs/trl/dataset_formats) and
LLaMA-Factory's data README. A row that a format has no place for (tools, in Alpaca) is left
out of that file alone, and counted with the reason.

LLaMA-Factory reads preferences and KTO labels in another shape than TRL, so each of the two
has a twin for it, `preferences.llamafactory` and `kto.llamafactory`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curator.exports.rows import in_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from curator.schema import InstructionExport

    Row = Mapping[str, Any]
    Pair = Mapping[str, Any]

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


class NoPlaceError(Exception):
    """A format has no place for a row; the message is the reason, a stable phrase."""


# --- of rows ------------------------------------------------------------------------------


def prompt_completion(row: Row) -> dict[str, Any]:
    """Return a row for TRL: all up to the last answer is the prompt, that answer the completion."""
    messages = _plain(row["messages"])
    return {**_whose(row), "prompt": messages[:-1], "completion": messages[-1:]}


def sharegpt(row: Row) -> dict[str, Any]:
    """Return a ShareGPT row: `conversations` of `from` and `value`, and the system prompt."""
    system, turns = _apart(row["messages"])
    said = [{"from": _SHAREGPT[turn["role"]], "value": turn["content"]} for turn in turns]
    return {**_whose(row), "conversations": said, "system": system}


def alpaca(row: Row) -> dict[str, Any]:
    """Return an Alpaca row: the last question and answer, and the earlier ones as `history`.

    Raises:
        NoPlaceError: somebody other than user and assistant speaks.

    """
    system, turns = _apart(row["messages"])
    if any(turn["role"] == "tool" for turn in turns):
        raise NoPlaceError("tools have no place in Alpaca rows")
    texts = [turn["content"] for turn in turns]
    pairs = [[texts[i], texts[i + 1]] for i in range(0, len(texts), 2)]
    question, answer = pairs[-1]
    return {
        **_whose(row),
        "instruction": question,
        "input": "",
        "output": answer,
        "system": system,
        "history": pairs[:-1],
    }


def kto(row: Row) -> dict[str, Any]:
    """Return a row for TRL's KTO: a kept answer is a wanted one."""
    return {**prompt_completion(row), "label": True}


# --- of corrections -------------------------------------------------------------------------


def preferences(pair: Pair) -> dict[str, Any]:
    """Return a pair for TRL's DPO and its kin: what a reviewer wrote, and what stood there."""
    return {key: pair[key] for key in ("id", "prompt", "chosen", "rejected", "lang")}


def rejected(pair: Pair) -> dict[str, Any]:
    """Return a row for TRL's KTO: an answer that a reviewer replaced is an unwanted one."""
    return {
        "id": pair["id"],
        "prompt": pair["prompt"],
        "completion": pair["rejected"],
        "label": False,
    }


# --- LLaMA-Factory's twins ------------------------------------------------------------------


def llamafactory_kto(row: Row) -> dict[str, Any]:
    """Return a KTO row in one list of messages."""
    messages = [*row["prompt"], *row["completion"]]
    return {**_whose(row), "messages": messages, "label": row["label"]}


def llamafactory_preferences(row: Row) -> dict[str, Any]:
    """Return a pair whose answers are messages and no lists of one."""
    return {
        "id": row["id"],
        "messages": row["prompt"],
        "chosen": row["chosen"][0],
        "rejected": row["rejected"][0],
    }


FORMATS: dict[str, Callable[[Row], dict[str, Any]]] = {
    "prompt_completion": prompt_completion,
    "sharegpt": sharegpt,
    "alpaca": alpaca,
    "kto": kto,
}
"""The formats of rows by the names that the recipe gives them; `messages` is always written."""

LAST_ALONE = frozenset({"prompt_completion", "kto"})
"""The formats that learn a row's last answer and no other."""

OF_CORRECTIONS: dict[str, Callable[[Pair], dict[str, Any]]] = {
    "preferences": preferences,
    "kto": rejected,
}
"""What a correction adds to a format; `preferences` has nothing else."""

TWINS: dict[str, tuple[str, Callable[[Row], dict[str, Any]]]] = {
    "preferences": ("preferences.llamafactory", llamafactory_preferences),
    "kto": ("kto.llamafactory", llamafactory_kto),
}
"""The formats that LLaMA-Factory reads in another shape: the twin's name and how it is made."""

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_TURN = pa.struct([("from", pa.string()), ("value", pa.string())])
_COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "prompt_completion": [("prompt", pa.list_(_MESSAGE)), ("completion", pa.list_(_MESSAGE))],
    "sharegpt": [("conversations", pa.list_(_TURN)), ("system", pa.string())],
    "alpaca": [
        *((name, pa.string()) for name in ("instruction", "input", "output", "system")),
        ("history", pa.list_(pa.list_(pa.string()))),
    ],
    "kto": [
        ("prompt", pa.list_(_MESSAGE)),
        ("completion", pa.list_(_MESSAGE)),
        ("label", pa.bool_()),
    ],
    "kto.llamafactory": [("messages", pa.list_(_MESSAGE)), ("label", pa.bool_())],
    "preferences": [
        *((name, pa.list_(_MESSAGE)) for name in ("prompt", "chosen", "rejected")),
        ("lang", pa.string()),
    ],
    "preferences.llamafactory": [
        ("messages", pa.list_(_MESSAGE)),
        ("chosen", _MESSAGE),
        ("rejected", _MESSAGE),
    ],
}


def format_schema(name: str, how: InstructionExport) -> pa.Schema:
    """Return the columns of a further format."""
    numbered = in_pieces(how) and not name.startswith("preferences")
    number = [("piece", pa.int32())] if numbered else []
    return pa.schema([("id", pa.string()), *number, *_COLUMNS[name]])


def _whose(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in ("id", "piece") if key in row}


def _plain(messages: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"role": m["role"], "content": m["content"]} for m in messages]


def _apart(messages: Sequence[Row]) -> tuple[str, Sequence[Row]]:
    """Return the system prompt and the turns after it."""
    if messages[0]["role"] == "system":
        return messages[0]["content"], messages[1:]
    return "", messages
