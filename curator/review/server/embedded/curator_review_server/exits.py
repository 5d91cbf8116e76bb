"""Why the server did not start, in a number for the process that started it."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of this program beside 0; any other is a bug."""

    PORT_IN_USE = 71
    ALREADY_RUNNING = 72
    FOREIGN_DATABASE = 73
    NO_SUCH_ADDRESS = 74
    DAMAGED_ENVIRONMENT = 75
