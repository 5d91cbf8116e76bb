"""`curator review`: look at what is doubtful in the browser, and bring the answers back."""

from __future__ import annotations

import typer

app = typer.Typer(help="Look at what is doubtful in the browser.", no_args_is_help=True)
