"""How errors are told: two lines on stderr, what and where, then what to do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.errors import CuratorError


def tell(error: CuratorError) -> None:
    """Print the error's two lines."""
    print(f"error: {error.message}", file=sys.stderr)
    print(f"  try: {error.hint}", file=sys.stderr)


def exit_code(error: BaseException) -> int:
    """Return the exit code after an interruption, having told what comes next."""
    if isinstance(error, BrokenPipeError):
        # The reader (head, less) went away; close stdout so that Python does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    print("\nstopped; the same command goes on where it stopped", file=sys.stderr)
    return 130
