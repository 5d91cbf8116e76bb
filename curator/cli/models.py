"""`curator models`: small base models to try training with."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.output import Json, data, say

app = typer.Typer(help="Get small base models to try training with.", no_args_is_help=True)


@app.command()
def get(
    name: Annotated[
        str, typer.Argument(help="smollm2 (135M, English) or tiny (random, zh and en).")
    ],
    *,
    json: Json = False,
) -> None:
    """Fetch or make a base model once, into the user's cache; print its folder."""
    from curator.models import base
    from curator.scaffold import sample_texts

    folder = base.get(name, sample_texts(), say)
    if json:
        data({"name": name, "folder": str(folder)})
    else:
        print(folder)
