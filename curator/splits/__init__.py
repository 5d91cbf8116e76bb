"""Train, validation and test: records that belong together are never parted. Pure.

`keys` says what belongs together, `settle` what was settled by earlier exports, `allot`
where the rest goes, `leakage` what still lies on both sides of a border.
"""

from __future__ import annotations

NAMES = ("train", "validation", "test")
"""The splits, by their number."""
TRAIN, VALIDATION, TEST = range(3)
NEW, BETWEEN = -1, -2
"""Of a record: settled by nothing yet; related to records on two sides."""
