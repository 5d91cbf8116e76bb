"""Presidio recognisers: one for each rule.

Presidio (Microsoft, https://microsoft.github.io/presidio) is used for its
recogniser classes, results and explanations. Its engine is not: that tokenises
every text, and its context words need lemmas that Chinese does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.importing import without
from curator.models.ner import spacy_alone
from curator.pii.matching import Pattern

# Presidio looks for these for engines that are not used here: four fifths of its import.
with spacy_alone(), without("gliner", "stanza", "transformers"):
    from presidio_analyzer import (
        AnalysisExplanation,
        PatternRecognizer,
        RecognizerResult,
    )
    from presidio_analyzer import Pattern as PresidioPattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.schema import PiiRule


class RuleRecogniser(PatternRecognizer):
    """A rule from `rules/pii` as Presidio sees it.

    Other than Presidio's own, it hides the group `pii` where the pattern has one,
    matches case as written, and looks for context words in the plain text.
    """

    def __init__(self, rule: PiiRule) -> None:
        super().__init__(
            supported_entity=rule.entity,
            name=rule.id,
            patterns=[PresidioPattern(name=rule.id, regex=rule.regex, score=rule.score)],
            context=list(rule.context),
            supported_language="any",
        )
        self.pattern = Pattern(rule)
        self.rule = rule

    def validate_result(self, pattern_text: str) -> bool | None:
        """Return what the rule's checksum says of a match (None: nothing for certain)."""
        return self.pattern.agrees(pattern_text)

    def analyze(
        self,
        text: str,
        entities: Sequence[str] = (),  # noqa: ARG002 - Presidio's signature
        nlp_artifacts: Any = None,  # noqa: ARG002
        regex_flags: int | None = None,  # noqa: ARG002
        before: str = "",
    ) -> list[RecognizerResult]:
        """Return the rule's results for a text in half width; `before` ends the text before."""
        results = []
        for found in self.pattern.scored(text, before):
            explanation = AnalysisExplanation(
                recognizer=type(self).__name__,
                original_score=found.score,
                pattern_name=self.rule.id,
                validation_result=found.match.strong,
            )
            if found.near:
                explanation.set_improved_score(found.raised)
            results.append(
                RecognizerResult(
                    entity_type=self.rule.entity,
                    start=found.match.start,
                    end=found.match.end,
                    score=explanation.score,
                    analysis_explanation=explanation,
                )
            )
        return results
