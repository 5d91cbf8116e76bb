"""The runs of a project, as the report shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from curator.train.card import picture
from curator.train.runs import runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trained:
    """A run's card, and its loss as a drawing."""

    card: Mapping[str, Any]
    drawing: Markup


def trained(root: Path) -> list[Trained]:
    """Return the runs of a project, by id; none where nothing was trained."""
    # The drawing escapes what it says itself.
    return [Trained(run.card(), Markup(picture(run))) for run in runs(root)]  # noqa: S704
