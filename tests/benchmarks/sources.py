"""Documents beside their expected text, chats beside human links, and readers beside others.

Four parts: `files` (token recall and precision, beside markitdown), `scans` (characters
that OCR reads right), `chats` (threads of an IRC channel, beside a baseline) and
`reading` (megabytes a second and memory, beside pandas and datasets).
"""

from __future__ import annotations

from tests.benchmarks import chats, files, reading, scans
from tests.benchmarks.harness import arguments, report


def main() -> None:
    """Measure all four and print the figures."""
    given = arguments(__doc__ or "")
    data = given.data.resolve()
    rows = [row for part in (files, scans, chats, reading) for row in part.rows(data)]
    report("sources", rows, as_json=given.json)


if __name__ == "__main__":
    main()
