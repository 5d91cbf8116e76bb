"""From when and until when a text says that it holds: 自2024年1月1日起施行, valid until May 2025.

Pure. A date is told as in ISO 8601, as exactly as the text tells it: 2024, 2024-01, 2024-01-01.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = (
    r"(?:(?P<yN>(?:19|20)\d\d)\s?(?:年|[-/.])\s?(?:(?P<mN>\d{1,2})\s?(?:月|[-/.]|\b)"
    r"\s?(?:(?P<dN>\d{1,2})\s?[日号]?)?)?"
    rf"|(?:(?P<aN>\d{{1,2}})(?:st|nd|rd|th)? )?(?P<wN>{_MONTH})"
    r"(?: (?P<bN>\d{1,2})(?:st|nd|rd|th)?)?,? (?P<vN>(?:19|20)\d\d)"
    r"|(?P<zN>(?:19|20)\d\d)(?!\d|[-/.]\d))"
)


def _pattern(*forms: str) -> re.Pattern[str]:
    """Compile the forms as alternatives; the groups of each date get a number of their own."""
    dates = [form.replace("DATE", _DATE.replace("N>", f"{n}>")) for n, form in enumerate(forms)]
    return re.compile("|".join(dates), re.IGNORECASE)


_FROM = _pattern(
    r"(?:自|从|于)\s{0,3}DATE\s{0,3}(?:起|开始)?\s{0,3}(?:正式)?(?:施行|实施|生效|执行|启用)",
    r"(?:生效日期|施行日期|实施日期|生效时间|有效期自)\s{0,3}[:：为]?\s{0,3}DATE",
    r"\b(?:effective|valid|in force|applies)(?: date)?(?: as)?(?: of| from| on| since)?:? DATE",
    r"\b(?:takes?|took|comes?|came|enters?) (?:in)?(?:to )?(?:effect|force) (?:on |from )?DATE",
)
_UNTIL = _pattern(
    r"(?:有效期|有效|截止|失效)(?:日期|时间)?\s{0,3}(?:至|到|为|[:：])\s{0,3}DATE",
    r"有效期\s{0,3}[自从为:：]?.{4,16}?[至到—-]\s{0,3}DATE",
    r"(?:至|到)\s{0,3}DATE\s{0,3}(?:失效|前?有效|到期)",
    r"DATE\s{0,3}(?:起)?(?:失效|废止|停止使用|到期)",
    r"\b(?:valid|effective|good|applies|in force) (?:until|till|through|to):? DATE",
    r"\b(?:expires?|expiry date|expiration date|withdrawn|superseded)(?: on| in)?:? DATE",
)
_WHOLE = re.compile(
    r"本(?:办法|规定|政策|标准|通知|指南|条例|细则|制度|协议|方案|规范|法|公告|手册|规则)"
    r"|^\W*(?:(?:生效|施行|实施)(?:日期|时间)|有效期)"
    r"|\bthis (?:policy|guideline|guide|document|regulation|notice|agreement|standard|manual"
    r"|procedure|version|edition)\b|^\W*(?:effective|expiry|expiration) date\b",
    re.IGNORECASE,
)
"""What speaks of the document that it stands in: 有效期至…, not 优惠券有效期至…"""
_LONGEST = 200
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Validity:
    """From when and until when something holds, both included; empty where it is not known."""

    since: str = ""
    until: str = ""

    def over(self, wider: Validity) -> Validity:
        """Return this, and what only the wider one tells."""
        return Validity(self.since or wider.since, self.until or wider.until)


def validity(text: str) -> Validity:
    """Return what a text says: of several dates the latest beginning and the earliest end."""
    if not _YEAR.search(text):
        return Validity()
    since = [date for match in _FROM.finditer(text) if (date := _iso(match))]
    until = [date for match in _UNTIL.finditer(text) if (date := _iso(match))]
    return Validity(max(since, default=""), min(until, default=""))


def document_validity(texts: Iterable[str]) -> Validity:
    """Return what a document says of itself, not of one thing in it."""
    found = Validity()
    for text in filter(_YEAR.search, texts):
        for sentence in re.split(r"[。；;\n]|(?<=[a-z0-9])\. ", text):
            if len(sentence) <= _LONGEST and _YEAR.search(sentence) and _WHOLE.search(sentence):
                found = found.over(validity(sentence))
    return found


def _iso(match: re.Match[str]) -> str:
    said = {key[0]: value for key, value in match.groupdict().items() if value}
    year = said.get("y") or said.get("v") or said.get("z", "")
    month = int(said["m"]) if "m" in said else 0
    if "w" in said:
        month = _MONTHS.index(said["w"][:3].lower()) + 1
    day = int(said.get("d") or said.get("a") or said.get("b") or 0)
    if month > 12 or day > 31:
        return ""
    return "-".join([year, *([f"{month:02}"] if month else []), *([f"{day:02}"] if day else [])])
