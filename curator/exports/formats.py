"""The same conversations as other trainers want them: prompt and completion, ShareGPT, Alpaca.

Sources: TRL's dataset formats (https://huggingface.co/docs/trl/dataset_formats) and
LLaMA-Factory's data README. A conversation that a format has no place for (tools, in
Alpaca) is left out of that file alone, and counted with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = Mapping[str, Any]

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


class NoPlaceError(Exception):
    """A format has no place for a conversation; the message is the reason, a stable phrase."""


def prompt_completion(row: Row) -> dict[str, Any]:
    """Return a row for TRL: all up to the last answer is the prompt, that answer the completion."""
    messages = row["messages"]
    return {"id": row["id"], "prompt": messages[:-1], "completion": messages[-1:]}


def sharegpt(row: Row) -> dict[str, Any]:
    """Return a ShareGPT row: `conversations` of `from` and `value`, and the system prompt."""
    system, turns = _apart(row["messages"])
    said = [{"from": _SHAREGPT[turn["role"]], "value": turn["content"]} for turn in turns]
    return {"id": row["id"], "conversations": said, "system": system}


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
        "id": row["id"],
        "instruction": question,
        "input": "",
        "output": answer,
        "system": system,
        "history": pairs[:-1],
    }


FORMATS: dict[str, Callable[[Row], dict[str, Any]]] = {
    "prompt_completion": prompt_completion,
    "sharegpt": sharegpt,
    "alpaca": alpaca,
}
"""The formats by the names that the recipe gives them; `messages` is always written."""


def dataset_info(name: str, splits: Sequence[str], formats: Sequence[str]) -> dict[str, Any]:
    """Return what LLaMA-Factory's `dataset_info.json` says of the files of an export."""
    return {
        f"{name}_{split}{'' if kind == 'messages' else '_' + kind}": {
            "file_name": f"{split}.jsonl" if kind == "messages" else f"{split}.{kind}.jsonl",
            **_LLAMA_FACTORY[kind],
        }
        for kind in ("messages", *formats)
        if kind in _LLAMA_FACTORY
        for split in splits
    }


_LLAMA_FACTORY: dict[str, dict[str, Any]] = {
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "observation_tag": "tool",
            "system_tag": "system",
        },
    },
    "sharegpt": {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system"},
    },
    "alpaca": {
        "columns": {
            "prompt": "instruction",
            "query": "input",
            "response": "output",
            "system": "system",
            "history": "history",
        },
    },
}


def _apart(messages: Sequence[Mapping[str, str]]) -> tuple[str, Sequence[Mapping[str, str]]]:
    """Return the system prompt and the turns after it."""
    if messages[0]["role"] == "system":
        return messages[0]["content"], messages[1:]
    return "", messages
