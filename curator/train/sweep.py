"""The sweep: a run for each replay share, what the domain gains and what is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from curator.errors import TrainError
from curator.tables import digest
from curator.train.inputs import open_export, open_general
from curator.train.launch import run
from curator.train.plots import Line, chart
from curator.train.runs import FOLDER
from curator.workspace import write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.train.launch import Asked, Watcher


@dataclass(frozen=True, slots=True)
class Sweep:
    """A row a share, and the picture of them."""

    rows: list[dict[str, Any]]
    picture: Path

    def facts(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"rows": self.rows, "picture": str(self.picture)}


def sweep(
    root: Path, asked: Asked, shares: Sequence[float], watcher: Watcher | None = None
) -> Sweep:
    """Train once a replay share; every run sees the domain's rows as often as the others.

    Raises:
        TrainError: there is no general set, or a share that it has too few rows for.

    """
    if asked.general is None:
        raise TrainError(
            "a sweep needs general conversations",
            "name them: --general FILE, or training.general in curator.yaml",
        )
    if not shares or not all(0 <= share < 1 for share in shares):
        raise TrainError("a replay share is no share", "give shares from 0 to below 1")
    # Before an hour goes into the smaller shares.
    n_domain = len(open_export(asked.export).rows("train"))
    open_general(asked.general).replayed(n_domain, max(shares), asked.training.seed)
    rows = []
    for share in shares:
        one = replace(asked, training=asked.training.model_copy(update={"replay": share}))
        card = run(root, one, watcher).card()
        result = card["result"]
        if "general" not in result["losses"] or "domain" not in result["losses"]:
            raise TrainError(
                f"{card['id']}: a held-out set is empty",
                "export with exports.instruction.validation above 0",
            )
        rows.append(
            {
                "replay": share,
                "run": card["id"],
                "domain": result["losses"]["domain"],
                "general": result["losses"]["general"],
                "tokens": result["tokens"],
                "forgot": result["forgetting"]["forgot"],
            }
        )
    name = f"sweep-{digest([row['run'] for row in rows])[:10]}"
    picture = root / FOLDER / f"{name}.svg"
    write_text(picture, _picture(rows))
    write_json(root / FOLDER / f"{name}.json", {"rows": rows})
    return Sweep(rows, picture)


def _picture(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        Line(
            f"{name} {words}",
            [(row["replay"], row[name]["after"] - row[name]["before"]) for row in rows],
            dots=True,
        )
        for name, words in (("domain", "领域"), ("general", "通用"))
    ]
    return chart(
        "Change of the held-out loss / 留出损失的变化", "replay share / 回放比例", "nats", lines
    )
