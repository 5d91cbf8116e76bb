"""How long rows are in the tokens of a named tokenizer, and how much of each is learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.models.chat_templates import control_tokens, tokenised, training_template
from curator.models.tokenizers import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Messages = Sequence[Mapping[str, Any]]

STEPS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""Where the bars of a histogram end, in tokens; what is longer has the last bar."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A conversation in tokens, as a trainer cuts it up.

    pairs: for each answer how many tokens come before it since the last one, and how many it
        has with what ends it, shape (answers, 2).
    tokens: of the whole, with what comes after the last answer.
    exact: whether what would be learnt is what the answers say.
    control: whether a message holds a control token, which would end or begin a turn.
    """

    pairs: NDArray[np.int64]
    tokens: int
    exact: bool
    control: bool

    @property
    def learnt(self) -> int:
        """How many tokens the answers have."""
        return int(self.pairs[:, 1].sum())


class Ruler:
    """Measures conversations with one tokenizer and the template to train with."""

    def __init__(self, name: str) -> None:
        """Load the tokenizer.

        Raises:
            ModelError: there is none of that name, or no template fits it.
        """
        self.name = name
        self.tokenizer = load_tokenizer(name)
        self.template = training_template(self.tokenizer)
        self._control = control_tokens(self.tokenizer)
        self._known: dict[int, Measure] = {}

    def measures(self, conversations: Sequence[Messages]) -> list[Measure]:
        """Return what each conversation measures, all its answers learnt."""
        keys = [hash(tuple((m["role"], m["content"]) for m in c)) for c in conversations]
        new = {key: c for key, c in zip(keys, conversations, strict=True) if key not in self._known}
        plain = [[{"role": m["role"], "content": m["content"]} for m in c] for c in new.values()]
        found = tokenised(self.tokenizer, self.template, plain)
        for key, said, seen in zip(new, plain, found, strict=True):
            ends = np.append(np.zeros(1, np.int64), seen.answers[:, 1])[:-1]
            self._known[key] = Measure(
                pairs=np.stack(
                    [seen.answers[:, 0] - ends, seen.answers[:, 1] - seen.answers[:, 0]], axis=1
                ),
                tokens=len(seen.ids),
                exact=seen.exact,
                control=any(self._control.search(m["content"]) for m in said),
            )
        return [self._known[key] for key in keys]

    def fits(self, messages: Messages, most: int) -> bool:
        """Whether messages have at most so many tokens."""
        return self.measures([messages])[0].tokens <= most


def lengths(measures: Sequence[Measure], *, last_alone: bool = False) -> dict[str, Any]:
    """Return the figures of rows' lengths: total, learnt, quantiles and a histogram.

    `last_alone`: whether only the last answer of each row is learnt.
    """
    tokens = np.array([m.tokens for m in measures], np.int64)
    if not len(tokens):
        return {"rows": 0, "tokens": 0, "learnt": 0}
    places = np.searchsorted(np.array(STEPS), tokens, "left")
    counts = np.bincount(places, minlength=len(STEPS) + 1)
    quantiles = np.quantile(tokens, [0.5, 0.9, 0.99], method="higher")
    return {
        "rows": len(tokens),
        "tokens": int(tokens.sum()),
        "learnt": sum(int(m.pairs[-1, 1]) if last_alone else m.learnt for m in measures),
        "median": int(quantiles[0]),
        "p90": int(quantiles[1]),
        "p99": int(quantiles[2]),
        "longest": int(tokens.max()),
        "histogram": [
            {"up_to": step, "rows": int(n)} for step, n in zip((*STEPS, None), counts, strict=True)
        ],
    }
