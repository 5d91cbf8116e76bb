"""`curator vault`: the key of the pseudonyms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Json, data, say

app = typer.Typer(help="The key of the pseudonyms.", no_args_is_help=True)


@app.command()
def create(
    key_file: Annotated[Path, typer.Argument(help="Where to write the key: outside the project.")],
    *,
    json: Json = False,
) -> None:
    """Make a key for pseudonyms; without it nothing can be revealed, so keep a copy."""
    from curator.vault import create_key

    create_key(key_file.expanduser())
    if json:
        data({"key_file": str(key_file)})
        return
    say(
        f"made {key_file}",
        # The recipe counts from the project's folder, and the command from the present one.
        "next: in curator.yaml, pseudonyms: {style: coded, link: project, key_file:"
        f" {key_file.expanduser().resolve()}}}",
    )
