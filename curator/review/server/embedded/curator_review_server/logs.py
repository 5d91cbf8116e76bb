"""What the server writes into its log: what failed and where, and nothing that it was asked.

Argilla logs a refused request with all of its content, which is records.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path


class Discreet(logging.Formatter):
    """Tells of an exception its kind and the places that it passed, and not its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        when = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        if not record.exc_info or record.exc_info[0] is None:
            return f"{when} {record.levelname} {record.name}: {record.getMessage()}"
        kind, _, passed = record.exc_info
        places = " < ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in reversed(traceback.extract_tb(passed))
        )
        return f"{when} {record.levelname} {record.name}: {kind.__name__} at {places}"


def be_discreet() -> None:
    """Let all that is logged in this process go through `Discreet`, to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet())
    logging.root.handlers[:] = [handler]
