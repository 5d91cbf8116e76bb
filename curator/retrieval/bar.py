"""The bar that the recipe sets for retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.retrieval.evaluation import Evaluated
    from curator.schema import RecallBar


@dataclass(frozen=True)
class Bar:
    """What is asked of recall among the first `at`, and what the recipe's own setting reached."""

    at: int
    at_least: float
    reached: float

    @property
    def is_met(self) -> bool:
        """Whether it is reached."""
        return self.reached >= self.at_least


def bar_of(asked: RecallBar | None, own: Evaluated) -> Bar | None:
    """Return the recipe's bar beside what its own setting reached; None where it sets none."""
    if asked is None:
        return None
    return Bar(asked.at, asked.at_least, own.scores["hybrid"].recall[asked.at])
