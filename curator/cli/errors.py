"""How errors are told: two lines on stderr, what and where, then what to do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from curator.cli.output import say

if TYPE_CHECKING:
    from curator.errors import CuratorError

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the signal's number."""


def tell(error: CuratorError) -> None:
    """Print the error's two lines."""
    say(f"error: {error.message}", f"  try: {error.hint}")


def tell_of_interruption() -> None:
    """Say after Ctrl-C what comes next."""
    print("stopped; the same command goes on where it stopped", file=sys.stderr)


def hang_up() -> None:
    """Close stdout quietly, since its reader (head, less) went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
