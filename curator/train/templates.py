"""Chat templates: which one a run renders with, and which tokens of it are learnt.

The format that the base model knows is kept wherever it can be: its own template if it marks
answers; ours if it renders the same; TRL's training template of the family; else the answers are
found in what its own template renders, turn by turn. Ours replaces another only where asked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import TrainError
from curator.models.chat_templates import TEMPLATES, tokenised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from curator.models.chat_templates import Tokenised

    Messages = Sequence[Mapping[str, Any]]

_MARKS = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
_CONTROL = ("<|im_start|>", "<|im_end|>")
_PROBES: tuple[Messages, ...] = (
    (
        {"role": "user", "content": "退烧药多久吃一次？"},
        {"role": "assistant", "content": "间隔四到六小时。"},
        {"role": "user", "content": "And at night?"},
        {"role": "assistant", "content": "The same."},
    ),
    (
        {"role": "system", "content": "You are a nurse."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "你好"},
    ),
)
"""Conversations that templates are tried on."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that trains.

    text: Jinja. marks: whether answers stand in `{% generation %}`; if not, they are found by
    rendering turn by turn. origin: base, ours or trl. replaces: whether the model is to keep it
    in place of the template that it came with.
    """

    text: str
    marks: bool
    origin: str
    replaces: bool

    @property
    def sha256(self) -> str:
        """The hash of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def kept(self) -> str:
        """The template without the marks of answers, which few programs but transformers read."""
        return _MARKS.sub("", self.text)

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, conversations: Sequence[Messages]
    ) -> list[tuple[NDArray[np.int32], NDArray[np.bool_]]]:
        """Return the tokens of each conversation, and whether each is learnt.

        Raises:
            TrainError: the template renders earlier turns anew when later ones come.

        """
        if self.marks:
            made = tokenised(tokenizer, self.text, conversations)
            return [
                (one.ids, _without_context(one, messages))
                for one, messages in zip(made, conversations, strict=True)
            ]
        return [_turn_by_turn(tokenizer, self.text, messages) for messages in conversations]


def choose(tokenizer: PreTrainedTokenizerBase, asked: str) -> Template:
    """Return the template to train with.

    Args:
        tokenizer: of the base model.
        asked: auto, or chatml for ours in place of the model's.

    Raises:
        TrainError: there is none that fits, or the tokenizer lacks ours' control tokens.

    """
    ours = (TEMPLATES / "chatml.jinja").read_text(encoding="utf-8")
    own = tokenizer.chat_template
    if asked == "chatml":
        lacking = [t for t in _CONTROL if tokenizer.convert_tokens_to_ids(t) in _unknown(tokenizer)]
        if lacking:
            raise TrainError(
                f"the tokenizer has no {' and no '.join(lacking)}, which the template needs",
                "name a base model whose vocabulary has them (Qwen, SmolLM2)",
            )
        return _tried(tokenizer, Template(ours, marks=True, origin="ours", replaces=True))
    if not isinstance(own, str):
        raise TrainError(
            "the base model has no chat template",
            "use ours, if its vocabulary has <|im_start|>: --set template=chatml",
        )
    if "{% generation" in own or "{%- generation" in own:
        return _tried(tokenizer, Template(own, marks=True, origin="base", replaces=False))
    if all(_rendered(tokenizer, own, p) == _rendered(tokenizer, ours, p) for p in _PROBES):
        return _tried(tokenizer, Template(ours, marks=True, origin="ours", replaces=False))
    known = _of_trl(tokenizer)
    if known is not None:
        return _tried(tokenizer, Template(known, marks=True, origin="trl", replaces=False))
    return _tried(tokenizer, Template(own, marks=False, origin="base", replaces=False))


def _tried(tokenizer: PreTrainedTokenizerBase, template: Template) -> Template:
    """Return the template, after making sure that answers and what ends them are learnt."""
    for probe in _PROBES:
        ids, learnt = template.encode(tokenizer, [probe])[0]
        told = tokenizer.decode(ids[learnt].tolist(), skip_special_tokens=True)
        answers = [m["content"] for m in probe if m["role"] == "assistant"]
        known = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
        # A line break may follow what ends an answer.
        said = [int(i) for i in ids[learnt] if str(tokenizer.decode([int(i)])).strip()]
        ends = bool(said) and said[-1] in known
        asked = [m["content"] for m in probe if m["role"] != "assistant"]
        if not all(a in told for a in answers) or any(q in told for q in asked) or not ends:
            raise TrainError(
                "the base model's chat template does not let answers be told from questions",
                "use ours, if its vocabulary has <|im_start|>: --set template=chatml",
            )
    return template


def _rendered(tokenizer: PreTrainedTokenizerBase, template: str, messages: Messages) -> str | None:
    from jinja2 import TemplateError  # noqa: PLC0415 - with the template alone

    try:
        return str(
            tokenizer.apply_chat_template(
                [dict(m) for m in messages], chat_template=template, tokenize=False
            )
        )
    except (TemplateError, TypeError, KeyError):
        return None


def _of_trl(tokenizer: PreTrainedTokenizerBase) -> str | None:
    from curator.train.trainers import training_template  # noqa: PLC0415 - heavy

    return training_template(tokenizer)


def _without_context(made: Tokenised, messages: Messages) -> NDArray[np.bool_]:
    """Return what is learnt, but for answers of `weight` 0 that the template marks all the same."""
    said = [m for m in messages if m["role"] == "assistant"]
    learnt = made.learnt
    if len(made.answers) == len(said):
        for (first, last), message in zip(made.answers, said, strict=True):
            if message.get("weight") == 0:
                learnt[first:last] = False
    return learnt


def _turn_by_turn(
    tokenizer: PreTrainedTokenizerBase, template: str, messages: Messages
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    said = [dict(m) for m in messages]

    def render(upto: int, *, asking: bool) -> str:
        return str(
            tokenizer.apply_chat_template(
                said[:upto], chat_template=template, tokenize=False, add_generation_prompt=asking
            )
        )

    whole = render(len(said), asking=False)
    spans = []
    for index, message in enumerate(said):
        if message["role"] == "assistant" and message.get("weight") != 0:
            before, after = render(index, asking=True), render(index + 1, asking=False)
            if not whole.startswith(after.rstrip()) or not after.startswith(before):
                raise TrainError(
                    "the base model's chat template renders earlier turns anew when later ones"
                    " come, so answers cannot be told apart",
                    "use ours, if its vocabulary has <|im_start|>: --set template=chatml",
                )
            spans.append((len(before), len(after.rstrip())))
    encoded: Any = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    places = np.array(encoded["offset_mapping"], np.int64).reshape(-1, 2)
    learnt = np.zeros(len(places), np.bool_)
    for start, end in spans:
        learnt |= (places[:, 0] >= start) & (places[:, 1] <= end)
    return np.array(encoded["input_ids"], np.int32), learnt


def _unknown(tokenizer: PreTrainedTokenizerBase) -> tuple[Any, ...]:
    return (None, tokenizer.unk_token_id)
