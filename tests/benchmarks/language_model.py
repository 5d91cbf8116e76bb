"""What `label_issues` gains by a language model that reads answers with and without questions.

A sample of pairs, with and without the signal. Since the model reads some of the made wrong pairs
alone, the check without it is measured twice: as it is, and with those pairs alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from curator.matching import Gains, Halves
    from tests.benchmarks.labelled import Pairs

SIGNAL = "likelihood_gain"


class Reader:
    """A language model that reads each pair of texts once, whatever is asked."""

    def __init__(self, name: str) -> None:
        """Load the model: `smollm2`, `tiny`, or a folder of transformers."""
        from curator.models.likelihood import Likelihood

        self._model = Likelihood(name)
        self._known: dict[tuple[str, str], float] = {}

    def gains(self, pairs: Pairs, answers: Sequence[str], halves: Halves) -> Gains:
        """Return what the questions add to these answers, and to those of wrong pairs."""
        from curator.matching import Gains, to_be_read

        alone = self._read([""] * len(answers), answers)
        asked, answered = to_be_read(halves)
        wrong = self._read(
            [pairs.questions[row] for row in asked], [answers[row] for row in answered]
        )
        own = self._read(pairs.questions, answers)
        return Gains(own - alone, asked, answered, wrong - alone[answered])

    def _read(self, questions: Sequence[str], answers: Sequence[str]) -> NDArray[np.float32]:
        both = list(zip(questions, answers, strict=True))
        new = [pair for pair in dict.fromkeys(both) if pair not in self._known]
        if new:
            read = self._model([q for q, _ in new], [a for _, a in new])
            self._known |= dict(zip(new, read.tolist(), strict=True))
        return np.array([self._known[pair] for pair in both], np.float32)


def matches_with_and_without(
    halves: Halves, gains: Gains
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield (what counts, how probably each pair belongs together)."""
    from curator.matching import describe, judge

    read = describe(halves, gains)
    others = [name for name in read.names if name != SIGNAL]
    yield "with the language model", judge(read).match
    yield "without it", judge(describe(halves)).match
    yield "without it, by the wrong pairs that it has read", judge(read, others).match
    yield "the language model alone", np.asarray(gains.own, np.float64)


def sample(pairs: Pairs, size: int) -> Pairs:
    """Return some of the pairs, drawn at random: a model reads a few hundred tokens a second."""
    rows = np.random.default_rng(4).permutation(len(pairs))[:size]
    return replace(
        pairs,
        questions=[pairs.questions[row] for row in rows],
        answers=[pairs.answers[row] for row in rows],
        wrong=pairs.wrong[rows],
        group=[pairs.group[row] for row in rows],
    )
