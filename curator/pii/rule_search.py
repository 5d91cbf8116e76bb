"""What the rules find in a text. A rule is only tried where the text may hold a match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.pii.candidates import Candidate
from curator.pii.needs import stock
from curator.pii.prefilter import Prefilter
from curator.schema import PiiRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.pii.needs import Stock
    from curator.pii.recognisers import RuleRecogniser


class RuleSearch:
    """The rules of `rules/pii`, as `PiiRule.model_dump(mode="json", by_alias=True)` gives them.

    Each is compiled when the first text comes that it may match in.
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules = [PiiRule.model_validate(rule) for rule in rules]
        self._recognisers: dict[int, RuleRecogniser] = {}
        self._prefilter = Prefilter([rule.regex for rule in self._rules])

    def candidates(self, text: str, before: str = "") -> Iterator[Candidate]:
        """Yield what the rules find in a text in half width; `before` ends the text before it."""
        possible = self._prefilter.candidates(text)
        if not possible:
            return
        held: Stock | None = None
        is_ascii = text.isascii()
        for number in possible:
            recogniser = self._recogniser(number)
            pattern = recogniser.pattern
            if is_ascii and pattern.needs.han:
                continue
            held = held or stock(text)
            if not held.suffices(pattern.needs) or not pattern.regex.search(text):
                continue
            for result in recogniser.analyze(text, before=before):
                why = result.analysis_explanation
                yield Candidate(
                    start=result.start,
                    end=result.end,
                    entity=result.entity_type,
                    code=recogniser.rule.code,
                    score=result.score,
                    rule=recogniser.rule.id,
                    recogniser="rule",
                    validated=bool(why.validation_result),
                    context=why.score_context_improvement > 0,
                )

    def _recogniser(self, number: int) -> RuleRecogniser:
        from curator.pii.recognisers import RuleRecogniser  # noqa: PLC0415 - Presidio

        if number not in self._recognisers:
            self._recognisers[number] = RuleRecogniser(self._rules[number])
        return self._recognisers[number]
