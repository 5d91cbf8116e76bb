"""`curator review`: people look at what is doubtful, and what they say counts."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Review doubtful records in the browser or in a sheet; what reviewers say wins.",
    no_args_is_help=True,
)
