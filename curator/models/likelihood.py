"""How likely a language model holds an answer: after its question, or by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import ModelError
from curator.models import base
from curator.models.generators import Local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

QUESTION, ANSWER = 64, 48
"""So many tokens of a question (its end) and of an answer (its start) are read.

What an answer is about is said early, and the cost grows with the tokens.
"""
_AT_ONCE = 1024
_LONGEST_TOKEN = 16
"""Characters; what lies beyond so many times the cap need not be cut into tokens."""


def located(name: str) -> Path:
    """Return where a language model lies.

    Raises:
        ModelError: there is none: a name that is not known, or not got yet, or no model's folder.

    """
    found = base.place(name)
    if found is None:
        raise ModelError(
            f"no such language model here: {name}",
            f"name a folder of a transformers model, or one of: {', '.join(base.NAMES)}",
        )
    return found


class Likelihood:
    """A causal language model that reads answers and writes none."""

    def __init__(self, name: str) -> None:
        """Load the model: a folder of transformers, or one of `base.NAMES`.

        Raises:
            ModelError: there is no such model here, or it cannot be loaded.

        """
        self._tokenizer, model = Local(located(name)).loaded
        import torch  # noqa: PLC0415 - heavy

        if os.environ.get("CURATOR_WORKER") == "1":
            torch.set_num_threads(1)
        # In full: what is half as wide is slower on most processors, and differs among them.
        self._model = model.float()

    def __call__(self, questions: Sequence[str], answers: Sequence[str]) -> Floats:
        """Return the mean log-likelihood of each answer's tokens, in nats, shape (answers,).

        An answer is read after its question; after an empty one, by itself.

        Equal pairs are read once, longest first, so that a batch holds pairs of about one
        length. What else is in a batch moves a mean by less than 1e-4.
        """
        both = list(zip(questions, answers, strict=True))
        distinct = sorted(set(both))
        asked = self._ids([q[-QUESTION * _LONGEST_TOKEN :] for q, _ in distinct])
        said = self._ids([a[: ANSWER * _LONGEST_TOKEN] for _, a in distinct])
        first = self._tokenizer.bos_token_id
        start = [self._tokenizer.eos_token_id or 0 if first is None else first]
        read = [
            ([*start, *(q[-QUESTION:] if text else ())], a[:ANSWER])
            for (text, _), q, a in zip(distinct, asked, said, strict=True)
        ]
        mean = np.zeros(len(read), np.float32)
        for rows in _batches([len(q) + len(a) for q, a in read]):
            mean[rows] = self._read([read[row] for row in rows])
        place = {pair: row for row, pair in enumerate(distinct)}
        return mean[[place[pair] for pair in both]]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        # A line's end parts them, in every language and whatever template a model may have.
        found: list[list[int]] = (
            self._tokenizer([f"{text}\n" for text in texts], add_special_tokens=False)["input_ids"]
            if texts
            else []
        )
        return found

    def _read(self, batch: Sequence[tuple[list[int], list[int]]]) -> list[float]:
        import torch  # noqa: PLC0415 - heavy

        longest = max(len(asked) + len(said) for asked, said in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, (asked, said) in enumerate(batch):
            # What follows is not seen by what comes before, so any token may fill the end.
            ids[row, : len(asked) + len(said)] = torch.tensor([*asked, *said])
            mask[row, : len(asked) + len(said)] = 1
        with torch.inference_mode():
            # Each place tells of the next token; those of the questions are not asked for.
            least = min(len(asked) for asked, _ in batch) - 1
            scores: Any = self._model(
                ids, attention_mask=mask, logits_to_keep=longest - least
            ).logits
            told = scores.float().log_softmax(-1)[:, :-1]
            own = told.gather(2, ids[:, least + 1 :, None])[..., 0]
        found = []
        for row, (asked, said) in enumerate(batch):
            begin = len(asked) - 1 - least
            found.append(float(own[row, begin : begin + len(said)].mean()) if said else 0.0)
        return found


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows, longest first, as many at once as `_AT_ONCE` tokens are."""
    batch: list[int] = []
    for row in np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist():
        if batch and lengths[batch[0]] * (len(batch) + 1) > _AT_ONCE:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
