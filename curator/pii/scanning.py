"""What the rules find in a short text on its own: a label, a file's name, a line of an export."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.intervals import Intervals
from curator.pii.matching import Pattern, allowed_spans, narrow
from curator.pii.prefilter import Prefilter
from curator.schema import PiiRule
from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LEFT_OPEN = ("LOCATION", "ORGANIZATION", "URL")
"""What is told and not hidden, unless a project wants it."""
_BLANK = "\u25a1"
_BESIDE = 3


class Found(NamedTuple):
    """What a rule found: half-open, in code points."""

    start: int
    end: int
    score: float
    rule: PiiRule


class RuleScan:
    """The rules alone, without models and without settling which of two is meant.

    Args:
        rules: as `PiiRule.model_dump(mode="json", by_alias=True)` gives them.
        allow: regexes of texts that are never private.
        left_open: entities that are not hidden.

    """

    def __init__(
        self,
        rules: Sequence[Mapping[str, Any]],
        allow: Sequence[str],
        left_open: Sequence[str] = LEFT_OPEN,
    ) -> None:
        read = [PiiRule.model_validate(rule) for rule in rules]
        self._patterns = [Pattern(rule) for rule in read if rule.entity not in left_open]
        self._prefilter = Prefilter([pattern.rule.regex for pattern in self._patterns])
        self._allow = [re.compile(pattern) for pattern in allow]

    def found(self, text: str) -> Iterator[Found]:
        """Yield what the rules find; placeholders and what is allowed are nothing."""
        # What a placeholder is called must not speak for the number beside it.
        blank = PLACEHOLDER.sub(lambda m: _BLANK * len(m.group()), narrow(text))
        allowed: Intervals | None = None
        for pattern in map(self._patterns.__getitem__, self._prefilter.candidates(blank)):
            for scored in pattern.scored(blank):
                start, end = scored.match.start, scored.match.end
                if allowed is None:
                    allowed = Intervals(allowed_spans(self._allow, blank))
                # What is left beside a hidden name is its title: "Mrs. [PERSON_1]".
                beside = _BESIDE if pattern.rule.entity == "PERSON" else 0
                near = blank[max(0, start - beside) : end + beside]
                if _BLANK not in near and not allowed.hold(start, end):
                    yield Found(start, end, scored.raised, pattern.rule)
