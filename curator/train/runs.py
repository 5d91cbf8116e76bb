"""Where runs lie, and what lies in one.

    runs/<id>/
      run.json            the run card; README.md is the same for people
      job.json            what the worker was asked to do
      rows.parquet        the ids of the records that were trained on or measured with
      log.jsonl           a line a step: loss, tokens, seconds
      loss.svg            the same as a picture
      answers.jsonl       what fixed prompts were answered with, before and after
      checkpoints/        to go on from; see `checkpoints`
      model/              what came out: an adapter, or a whole model
      data/               rows in tokens, until the run is done
      worker.log          what the libraries said; worker.json: the last worker's number

A run's id follows from what it is made from, so the same command finds the same run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import TrainError
from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "runs"
CARD = "run.json"


@dataclass(frozen=True, slots=True)
class Run:
    """Paths of one run."""

    folder: Path

    @property
    def id(self) -> str:
        """What it goes by."""
        return self.folder.name

    @property
    def job(self) -> Path:
        """What the worker is asked to do."""
        return self.folder / "job.json"

    @property
    def data(self) -> Path:
        """Rows in tokens."""
        return self.folder / "data"

    @property
    def rows(self) -> Path:
        """Ids of the records."""
        return self.folder / "rows.parquet"

    @property
    def log(self) -> Path:
        """A line a step."""
        return self.folder / "log.jsonl"

    @property
    def checkpoints(self) -> Path:
        """What to go on from."""
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        """What came out."""
        return self.folder / "model"

    @property
    def card_path(self) -> Path:
        """The run card."""
        return self.folder / CARD

    @property
    def stop(self) -> Path:
        """Is there while the worker is asked to save and stop."""
        return self.folder / "stop"

    @property
    def result(self) -> Path:
        """What the worker measured in the end."""
        return self.folder / "result.json"

    @property
    def error(self) -> Path:
        """Why the worker ended early, in two lines."""
        return self.folder / "error.json"

    def card(self) -> dict[str, Any]:
        """Return the run card.

        Raises:
            TrainError: there is none.

        """
        if not self.card_path.is_file():
            raise TrainError(
                f"{self.folder}: no run (there is no {CARD})", "see the runs: curator train runs"
            )
        card: dict[str, Any] = read_json(self.card_path)
        return card

    def lines(self) -> list[dict[str, Any]]:
        """Return the log; a line that a kill cut short is left out."""
        if not self.log.is_file():
            return []
        found = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


def runs(root: Path) -> Iterator[Run]:
    """Yield the runs of a project, by id."""
    for path in sorted((root / FOLDER).glob(f"*/{CARD}")):
        if not path.parent.is_symlink():
            yield Run(path.parent)


def find(root: Path, asked: str) -> Run:
    """Return a run by its id, the beginning of one, `latest`, or its folder or one in it.

    Raises:
        TrainError: there is none, or more than one.

    """
    path = Path(asked).expanduser()
    for folder in (path, path.parent, path.parent.parent):
        if (folder / CARD).is_file():
            return Run(folder.resolve())
    if asked == "latest" and (root / FOLDER / "latest" / CARD).is_file():
        return Run((root / FOLDER / "latest").resolve())
    found = [run for run in runs(root) if run.id.startswith(asked)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(run.id for run in (found or runs(root))) or "none yet"
    raise TrainError(
        f"{'more than one run goes' if found else 'no run goes'} by {asked}",
        f"give an id or a run's folder; there are: {known}",
    )
