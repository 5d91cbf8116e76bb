"""Knowledge that goes stale: dates, prices, versions, statutes of a year, opening hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from curator.phrases import Phrases
from curator.tables import records_from
from curator.text import length
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from curator.types import Part, View

_FLOOR = 0.3
_STATES = frozenset({"assistant", "paragraph", "list", "table"})
_WORDS_PER_SIGN = 150
"""One sign among so many words or Han characters weighs in full; the more there is beside it,
the less the text stands and falls with it."""


class Volatility:
    """VOL001 to VOL006: what is said holds for a time only.

    - VOL001, dated: bound to a date or a year.
    - VOL002, priced: a price, a fee, a discount.
    - VOL003, of the moment: "currently", "the latest", 目前, 今年.
    - VOL004, versioned: a version of a product, of software, an edition.
    - VOL005, of the law or a guideline: an article, a statute, a guideline of a year.
    - VOL006, of a place or a person in office: opening hours, who holds a post.

    Only what is stated counts: answers and the blocks of documents, not questions. The
    phrases lie in `rules/volatility.yaml`, with examples. The score is the rule's own; it
    grows where several are found, and shrinks where one stands alone in a long text. What
    is volatile is not wrong: it belongs into a corpus that can be updated, and by the
    bundled policy it stays out of the instruction dataset from 0.8 up.
    """

    name: ClassVar[str] = "volatility"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ("volatility_rules",)
    codes: ClassVar[tuple[Code, ...]] = (
        Code("VOL001", "dated", "与日期、年份绑定", "bound to a date or a year"),
        Code("VOL002", "priced", "含价格或费用", "names a price or a fee"),
        Code("VOL003", "of-the-moment", "含时效词", "speaks of the moment"),
        Code("VOL004", "versioned", "含版本号", "names a version"),
        Code("VOL005", "law-or-guideline", "引用法规或年度指南", "rests on a statute or guideline"),
        Code(
            "VOL006", "hours-or-office", "含营业时间或任职信息", "tells hours or who is in office"
        ),
    )

    def __init__(self, *, volatility_rules: Sequence[Mapping[str, Any]]) -> None:
        """Take the rules, as `PhraseRule.model_dump(mode="json")` gives them."""
        self._phrases = Phrases(volatility_rules)

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a part of the redacted view, one a code and part."""
        for record in records_from(records):
            for index, part in enumerate(record.parts):
                if part.role in _STATES:
                    for code, score, evidence in self._signs(part):
                        span = Span(index, 0, len(part.text))
                        yield Finding(
                            record.id, self.name, code, score, span=span, evidence=evidence
                        )

    def _signs(self, part: Part) -> Iterator[tuple[str, float, dict[str, Any]]]:
        said: dict[str, set[str]] = {}
        doubts: dict[str, float] = {}
        rules: dict[str, set[str]] = {}
        for rule, match in self._phrases.matches(part.text):
            words = match.group().casefold()
            if words not in said.setdefault(rule.code, set()):
                said[rule.code].add(words)
                doubts[rule.code] = doubts.get(rule.code, 1.0) * (1.0 - rule.score)
                rules.setdefault(rule.code, set()).add(rule.id)
        if not doubts:
            return
        units = max(1, length(part.text))
        for code, doubt in sorted(doubts.items()):
            weight = min(1.0, len(said[code]) * _WORDS_PER_SIGN / units)
            score = round((1.0 - doubt) * weight, 4)
            if score >= _FLOOR:
                yield code, score, {"rules": sorted(rules[code]), "signs": len(said[code])}
