"""From a model to the records that made it, and back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from curator.tables import read_table
from curator.train.runs import Run, find, runs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from curator.workspace import Workspace


def held(root: Path, ids: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield each run that held one of the records: how many, and for what.

    A record counts that fell as a duplicate of one that was held; its text is that one's.
    """
    wanted = set(ids)
    for run in runs(root):
        rows = read_table(run.rows).to_pylist() if run.rows.is_file() else []
        found = [row for row in rows if row["id"] in wanted]
        if found:
            yield {
                "run": run.id,
                "sets": sorted({row["set"] for row in found}),
                "records": len({row["id"] for row in found}),
                "as_duplicates": len({row["id"] for row in found if row["stands_in"]}),
                "model": str(run.model),
            }


def forget_unfinished(root: Path, ids: Collection[str]) -> None:
    """Take rows and checkpoints out of runs that hold one of the records and are not done."""
    for told in held(root, ids):
        run = find(root, told["run"])
        if run.card()["status"] != "done":
            for folder in (run.data, run.checkpoints):
                shutil.rmtree(folder, ignore_errors=True)


def records(workspace: Workspace, asked: str) -> dict[str, Any]:
    """Return what a model was made from: the run's card in short, and each record's source.

    Args:
        workspace: where the records lie.
        asked: a run, its folder, or the folder of a model that was merged from it.

    Raises:
        TrainError: there is no such run here.

    """
    run = find(workspace.root, asked)
    card = run.card()
    if not run.rows.is_file():  # a merged model, which has the card alone
        run = find(workspace.root, card["id"])
    rows = read_table(run.rows).to_pylist()
    places = {
        row[0]: row[1:]
        for row in workspace.sql()
        .execute("SELECT id, source_uri, locator, license FROM records")
        .fetchall()
    }
    return {
        "run": card["id"],
        "status": card["status"],
        "base": card["base"],
        "export": card["export"],
        "general": card["general"],
        "parent": card["parent"],
        "records": [
            {
                "id": row["id"],
                "set": row["set"],
                "stands_in": row["stands_in"] or None,
                **dict(zip(("uri", "locator", "license"), places[row["id"]], strict=True)),
            }
            for row in rows
            if row["id"] in places
        ],
        "elsewhere": sum(row["id"] not in places for row in rows),
        "parents": _parents(run, workspace.root),
    }


def _parents(run: Run, root: Path) -> list[str]:
    """Return the runs that this one goes on from, the nearest first."""
    found: list[str] = []
    card = run.card()
    while card["parent"] and card["parent"] not in found:
        found.append(card["parent"])
        card = find(root, card["parent"]).card()
    return found
