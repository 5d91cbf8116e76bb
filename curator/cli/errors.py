"""How errors are told: two lines on stderr, what and where, then what to do."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

from curator.cli.output import say
from curator.errors import CuratorWarning

if TYPE_CHECKING:
    from typing import TextIO

    from curator.errors import CuratorError

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the signal's number."""


def tell(error: CuratorError) -> None:
    """Print the error's two lines."""
    say(f"error: {error.message}", f"  try: {error.hint}")


def tell_of_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of curator's own in two lines; leave other packages' warnings as they are.

    The parameters are those of `warnings.showwarning`.
    """
    if isinstance(message, CuratorWarning):
        say(f"warning: {message.message}", f"  try: {message.hint}")
    else:
        shown = warnings.formatwarning(message, category, filename, lineno, line)
        print(shown, end="", file=file or sys.stderr)


def tell_of_interruption() -> None:
    """Say after Ctrl-C what comes next."""
    print("stopped; the same command goes on where it stopped", file=sys.stderr)


def tell_of_memory() -> None:
    """Say after memory ran out what comes next."""
    say(
        "error: memory ran out",
        "  try: the same command with --workers 1; it goes on where it stopped",
    )


def hang_up() -> None:
    """Close stdout quietly, since its reader (head, less) went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
