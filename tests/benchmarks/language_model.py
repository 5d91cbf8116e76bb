"""How likely a language model holds an answer, after its question and without it.

What it takes a model to tell a wrong answer: the baseline of `label_issues`, and whether it
knows what embeddings don't.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import ModelError
from curator.models import base
from curator.models.generators import Local, prompt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

CAP = 192
"""So many tokens of a question (its end) and of an answer (its start) are read."""
ROWS = 90
_TOKENS = 1024
"""So many tokens are read at once: the scores of a whole vocabulary are kept for each."""


def language_model_folder(name: str) -> Path:
    """Return where a language model lies: a folder, or one that `curator models get` fetched."""
    folder = base.folder(name) if name in base.NAMES else Path(name).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"no such language model here: {name}",
            "name a folder of a transformers model, or smollm2 after `curator models get smollm2`",
        )
    return folder


class Likelihood:
    """A causal language model that reads answers and writes none."""

    def __init__(self, name: str) -> None:
        """Load the model: a folder of transformers, `smollm2` or `tiny`."""
        self._tokenizer, self._model = Local(language_model_folder(name)).loaded

    def __call__(self, questions: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Return the mean log-likelihood of each answer's tokens, in nats, shape (answers,).

        The question stands before it as the model's chat template wants it; an empty one says
        nothing. Equal pairs are read once.
        """
        both = list(zip(questions, answers, strict=True))
        distinct = list(dict.fromkeys(both))
        read = [self._tokens(question, answer) for question, answer in distinct]
        order = sorted(range(len(read)), key=lambda row: len(read[row][0]), reverse=True)
        found = np.zeros(len(read))
        for rows in _batches(order, [len(tokens) for tokens, _ in read]):
            found[rows] = self._read([read[row] for row in rows])
        place = {pair: row for row, pair in enumerate(distinct)}
        return found[[place[pair] for pair in both]]

    def _tokens(self, question: str, answer: str) -> tuple[list[int], int]:
        """Return the tokens of both, and where those of the answer begin."""
        # What lies beyond the cap need not be cut into tokens: no token is longer than this.
        before = prompt(self._tokenizer, [{"role": "user", "content": question[-CAP * 8 :]}])
        asked: list[int] = self._tokenizer(before, add_special_tokens=False)["input_ids"]
        said: list[int] = self._tokenizer(answer[: CAP * 8], add_special_tokens=False)["input_ids"]
        asked = asked[-CAP:] or [self._tokenizer.eos_token_id or 0]
        return [*asked, *said[:CAP]], len(asked)

    def _read(self, batch: Sequence[tuple[list[int], int]]) -> list[float]:
        import torch

        longest = max(len(tokens) for tokens, _ in batch)
        # What follows is not seen by what comes before, so any token may fill the end.
        ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens, _ in batch])
        mask = torch.tensor([[int(k < len(t)) for k in range(longest)] for t, _ in batch])
        device = self._model.device
        with torch.inference_mode():
            scores: Any = self._model(ids.to(device), attention_mask=mask.to(device)).logits
            found = []
            for row, (tokens, start) in enumerate(batch):
                # Each place tells of the next token.
                told = scores[row, start - 1 : len(tokens) - 1].float().log_softmax(-1)
                own = told.gather(1, ids[row, start : len(tokens), None].to(device))
                found.append(float(own.mean()) if len(own) else 0.0)
        return found


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows, longest first, as many at once as `_TOKENS` allow."""
    batch: list[int] = []
    for row in order:
        if batch and lengths[batch[0]] * (len(batch) + 1) > _TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def sample(wrong: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return rows to be read: at most `ROWS` wrong ones, and twice as many right ones.

    A model reads a few hundred tokens a second on a core. AUROC does not depend on the shares.
    """
    rng = np.random.default_rng(11)
    kinds = (rng.permutation(np.flatnonzero(wrong == kind)) for kind in (True, False))
    return np.concatenate([rows[: ROWS * n] for n, rows in enumerate(kinds, 1)])


def beside(scores: NDArray[np.float64], more: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Any:
    """Return scores that rest on both, by a logistic regression on the truth, cross-fitted.

    No corpus brings the truth along: this bounds from above what the model can add.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    both = np.column_stack([np.log(scores) - np.log1p(-scores), more])
    both = (both - both.mean(axis=0)) / both.std(axis=0)
    return cross_val_predict(LogisticRegression(), both, wrong, cv=10, method="predict_proba")[:, 1]
