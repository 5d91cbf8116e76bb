"""Rows of preference: one question, the answer that was chosen, and the one that was rejected.

The chosen answer makes the record; the rejected one stays in its meta data, under
its own name, so that pairs can be made of them again.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CHOSEN = ("chosen", "chosenresponse", "chosenanswer", "选中", "选中回答", "优选回答", "偏好回答")
REJECTED = (
    *("rejected", "rejectedresponse", "rejectedanswer"),
    *("拒绝", "拒绝回答", "落选回答", "非偏好回答"),
)
PROMPT = ("prompt", "question", "instruction", "问题", "提示")
_TURN = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant|人类|用户|助手)[:：][ \t]?")
_OPENING = re.compile(r"\s*(?:Human|人类|用户)[:：]")


def is_transcript(value: object) -> bool:
    r"""Whether a text is a whole talk, as `\n\nHuman: … \n\nAssistant: …`."""
    return isinstance(value, str) and bool(_OPENING.match(value) and len(_TURN.findall(value)) > 1)


def transcript(text: str) -> list[dict[str, Any]]:
    """Return the turns of a talk that `is_transcript`."""
    pieces = _TURN.split(text)
    return [
        {"role": role.casefold(), "content": said.strip()}
        for role, said in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


def rejected(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the rejected answer by its name, as text; what has messages in it, as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in row.items()
        if value and plain_name(name) in REJECTED
    }


def plain_name(name: str) -> str:
    """Return a column's name as names are compared here."""
    return re.sub(r"[\W_]+", "", name).casefold()
