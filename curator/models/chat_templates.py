"""Chat templates for training: what a conversation looks like in tokens, and which are learnt.

A template that trains needs `{% generation %}` around each answer and the token that ends it
(TRL's `assistant_only_loss`, transformers' `return_assistant_tokens_mask`). Few models bring
one, so `templates/` has our own for the two families of control tokens that most models use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    Messages = Sequence[Mapping[str, Any]]

TEMPLATES = Path(__file__).parent / "templates"
_NEEDED = {
    "chatml": ("<|im_start|>", "<|im_end|>"),
    "llama3": ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
}
"""Our templates, and the control tokens that a tokenizer must have for each."""
_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")


@dataclass(frozen=True, slots=True)
class Tokenised:
    """A conversation in tokens.

    ids: the tokens, int32.
    learnt: for each token whether it is part of an answer, bool, of the same length.
    answers: the tokens of each answer that is learnt, as half-open ranges, shape (answers, 2).
    exact: whether the learnt tokens say the answers and what ends them, and nothing else.
    """

    ids: NDArray[np.int32]
    learnt: NDArray[np.bool_]
    answers: NDArray[np.int64]
    exact: bool


def training_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the template to train with: the tokenizer's own if it marks answers, else ours.

    Raises:
        ModelError: it marks none, and the tokenizer has the control tokens of no template of ours.

    """
    own = tokenizer.chat_template
    if isinstance(own, str) and _GENERATION.search(own):
        return own
    known = tokenizer.get_added_vocab().keys() | set(tokenizer.all_special_tokens)
    for name, needed in _NEEDED.items():
        if known.issuperset(needed):
            return (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")
    raise ModelError(
        "the tokenizer's chat template does not mark answers, and no template here fits it",
        "set {% generation %}…{% endgeneration %} around its answers and what ends them, in its"
        f" chat_template; templates here need {' or '.join(' '.join(n) for n in _NEEDED.values())}",
    )


def control_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Return what finds a control token in a text; one there would end or begin a turn."""
    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    words = sorted(special.union(tokenizer.all_special_tokens))
    return re.compile("|".join(re.escape(word) for word in words) or r"(?!)")


def tokenised(
    tokenizer: PreTrainedTokenizerBase, template: str, conversations: Sequence[Messages]
) -> list[Tokenised]:
    """Return the conversations in tokens, with what of them is learnt.

    Args:
        tokenizer: a fast one.
        template: with `{% generation %}` around answers.
        conversations: messages of `role`, `content` and maybe `weight` (0: not learnt).

    """
    from transformers.utils.chat_template_utils import (  # noqa: PLC0415 - heavy
        render_jinja_template,
    )

    if not conversations:
        return []
    special: Any = tokenizer.special_tokens_map
    rendered: Any = render_jinja_template(
        conversations=[list(map(dict, c)) for c in conversations],
        chat_template=template,
        return_assistant_tokens_mask=True,
        **special,
    )
    texts, spans = rendered
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    return [
        _marked(ids, offsets, text, ranges, said)
        for ids, offsets, text, ranges, said in zip(
            encoded["input_ids"],
            encoded["offset_mapping"],
            texts,
            spans,
            conversations,
            strict=True,
        )
    ]


def _marked(
    ids: Sequence[int],
    offsets: Sequence[tuple[int, int]],
    text: str,
    ranges: Sequence[tuple[int, int]],
    said: Messages,
) -> Tokenised:
    """Return the tokens, learnt where they lie inside the ranges of the rendered text."""
    places = np.array(offsets, np.int64).reshape(-1, 2)
    # A token that lies over the edge is learnt, as transformers has it.
    bounds = np.array(ranges, np.int64).reshape(-1, 2)
    answers = np.stack(
        [
            np.searchsorted(places[:, 1], bounds[:, 0], "right"),
            np.searchsorted(places[:, 0], bounds[:, 1], "left"),
        ],
        axis=1,
    )
    learnt = np.zeros(len(ids), np.bool_)
    for first, last in answers:
        learnt[first:last] = True
    wanted = [m["content"] for m in said if m["role"] == "assistant" and m.get("weight") != 0]
    exact = len(wanted) == len(answers) and all(
        first < last and _says(text[places[first, 0] : places[last - 1, 1]], content)
        for content, (first, last) in zip(wanted, answers, strict=True)
    )
    return Tokenised(np.array(ids, np.int32), learnt, answers, exact)


def _says(learnt: str, content: str) -> bool:
    """Whether what is learnt is the content and what ends it; space at its ends may be trimmed."""
    learnt, content = learnt.strip(), content.strip()
    return learnt.startswith(content) and learnt != content
