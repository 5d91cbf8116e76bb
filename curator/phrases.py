"""Phrases from the rules, looked for in texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from curator.schema import PhraseRule
from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile(r"[A-Za-z]{2}")


class Phrases:
    """Rules, compiled, that know in which texts there is no need to look."""

    def __init__(self, rules: Sequence[Mapping[str, Any]], *codes: str) -> None:
        """Take rules as `PhraseRule.model_dump(mode="json")` gives them; of some codes, or all."""
        parsed = [PhraseRule.model_validate(rule) for rule in rules]
        self._rules = [(rule, compiled(rule)) for rule in parsed if not codes or rule.code in codes]

    def matches(self, text: str) -> Iterator[tuple[PhraseRule, re.Match[str]]]:
        """Yield every match of every rule in a text."""
        for rule, regex in self._worth_a_look(text):
            for match in regex.finditer(text):
                yield rule, match

    def without(self, text: str) -> tuple[str, bool]:
        """Return the text with all matches taken out, and whether there was any."""
        rest, taken = text, False
        for _, regex in self._worth_a_look(text):
            rest, n = regex.subn(" ", rest)
            taken |= n > 0
        return rest, taken

    def _worth_a_look(self, text: str) -> Iterator[tuple[PhraseRule, re.Pattern[str]]]:
        has_han, has_latin = _HAN.search(text) is not None, _LATIN.search(text) is not None
        for rule, regex in self._rules:
            if {"zh": has_han, "en": has_latin, None: True}[rule.lang]:
                yield rule, regex


def compiled(rule: PhraseRule) -> re.Pattern[str]:
    """Return a rule's regex as it is used: whatever the case, `^` and `$` at every line."""
    return re.compile(rule.regex, re.IGNORECASE | re.MULTILINE)


def broken_examples(rules: Sequence[PhraseRule]) -> Iterator[tuple[str, str, str]]:
    """Yield rule, kind and text of each example that its own rule does not fulfil."""
    for rule in rules:
        looks = Phrases([rule.model_dump(mode="json")])
        for kind, examples in (
            ("match", rule.examples.match),
            ("no_match", rule.examples.no_match),
        ):
            for example in examples:
                if any(looks.matches(example)) != (kind == "match"):
                    yield rule.id, kind, example
