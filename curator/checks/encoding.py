"""Find broken encodings, left-over markup, and characters in another form than the usual one."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from curator.intervals import Intervals
from curator.pii.scanning import LEFT_OPEN, RuleScan
from curator.pii.search import Search
from curator.pii.texts import SearchText
from curator.repair import repaired, repairs
from curator.tables import records_from
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from curator.repair import Repair
    from curator.types import View

_MOJIBAKE, _MARKUP, _LOST = "QLT001", "QLT002", "QLT003"
_CONTROL, _INVISIBLE, _COMPOSED, _WIDTH, _SPACE = "QLT004", "QLT005", "QLT006", "QLT007", "QLT008"
_SCORES = {
    _MOJIBAKE: 0.95,
    _MARKUP: 0.9,
    _CONTROL: 0.95,
    _INVISIBLE: 0.95,
    # The same text by the Unicode standard, in another spelling.
    _COMPOSED: 1.0,
    # Somebody may have meant the look of it.
    _WIDTH: 0.9,
    _SPACE: 0.9,
}
_CODES = {
    "mojibake": _MOJIBAKE,
    "markup": _MARKUP,
    "control": _CONTROL,
    "invisible": _INVISIBLE,
    "composed": _COMPOSED,
    "width": _WIDTH,
    "space": _SPACE,
    "line-end": _SPACE,
    "blank-lines": _SPACE,
}
_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"}


class Encoding:
    r"""Finds text that was damaged on its way here, or that stands in more than one form.

    Every finding but QLT003 carries what the policy may put in place of its span. What it
    puts in never changes the value of a number, a unit or a dose: ½, m², ㎎, ℃, 10⁻³, ① and Ⅳ
    stay as they are, and so does a space between two digits.

    - QLT001: mojibake that can be undone: UTF-8 that was read as GBK (`浣犲ソ` is
      `你好`) or as Latin-1 (`cafÃ©` is `café`), and the quotation marks and dashes of
      Windows-1252 that became control characters.
    - QLT002: HTML entities and tags that stand for characters or line breaks
      (`&amp;`, `<br>`).
    - QLT003: characters that are gone for good (`�`, `锟斤拷`). One finding for each
      part; its score grows with the share of the part that is lost.
    - QLT004: control characters (U+0000 to U+001F but for tab and line ends, U+007F to
      U+009F), the colours of a terminal, U+FFFC and what is no character at all. They go;
      the separators U+001C to U+001F become a space.
    - QLT005: characters without width that do nothing where they stand: U+200B, joiners,
      U+FEFF inside a text, soft hyphens, marks of direction in a text without any
      right-to-left script, tags that carry hidden text. They go. What an emoji, Persian, an
      Indic language or Thai needs stays.
    - QLT006: text that is not in NFC: a letter with its accent apart (`e` + U+0301), Korean
      syllables in pieces, compatibility forms of Han characters.
    - QLT007: full-width letters and digits (`ＡＢＣ１２３` is `ABC123`) with the full stops,
      slashes and the like inside them, and half-width kana. Full-width punctuation stays in
      Chinese; in a part of Latin words alone it is narrowed too.
    - QLT008: line ends of other systems (CR LF, CR, NEL, U+2028, form feed) become `\n`; a
      space that is wider, narrower or without a break becomes a plain one; three blank lines
      and more become one. The U+3000 that indents a Chinese paragraph stays, and so do
      spaces at a line's end, for two of them are a line break in Markdown.

    What the check `pii` finds in the repaired text is repaired by that check alone, with the
    placeholder that hides it: a finding tells the replacement, and must tell nothing private.
    The rules look at every repair that tells something, the name models at letters alone.

    Args:
        ner_zh: the model that finds Chinese names.
        ner_en: the model that finds English names.
        pii_rules: the rules, as `PiiRule.model_dump(mode="json", by_alias=True)` gives them.
        allow: regexes of texts that are never private.
    """

    name: ClassVar[str] = "encoding"
    version: ClassVar[str] = "4"
    view: ClassVar[View] = "raw"
    needs: ClassVar[tuple[str, ...]] = ("ner_zh", "ner_en", "pii_rules", "allow")
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            _MOJIBAKE,
            "mojibake",
            "乱码，可以还原",
            "text read in the wrong encoding; it can be undone",
        ),
        Code(_MARKUP, "markup", "残留的 HTML 实体或标签", "left-over HTML entities or tags"),
        Code(_LOST, "lost_characters", "有字符已经丢失，无法还原", "characters are lost for good"),
        Code(_CONTROL, "control_characters", "混入了控制字符", "control characters in the text"),
        Code(
            _INVISIBLE,
            "invisible_characters",
            "零宽字符、方向标记等看不见的字符",
            "characters that nobody sees: zero-width ones, marks of direction",
        ),
        Code(
            _COMPOSED,
            "not_composed",
            "字符未采用 Unicode NFC 形式",
            "characters that are not in Unicode NFC",
        ),
        Code(
            _WIDTH,
            "width",
            "全角字母、数字或半角片假名",
            "full-width letters and digits, or half-width kana",
        ),
        Code(
            _SPACE,
            "spaces",
            "换行符、空格或空行不规范",
            "odd line ends, spaces or runs of blank lines",
        ),
    )

    def __init__(
        self,
        *,
        ner_zh: str,
        ner_en: str,
        pii_rules: Sequence[Mapping[str, Any]],
        allow: Sequence[str],
    ) -> None:
        self._private = (pii_rules, allow)
        self._models = (ner_zh, ner_en)

    @cached_property
    def _rules(self) -> RuleScan:
        return RuleScan(*self._private)

    @cached_property
    def _search(self) -> Search:
        ner_zh, ner_en = self._models
        pii_rules, allow = self._private
        return Search(ner_zh=ner_zh, ner_en=ner_en, pii_rules=pii_rules, allow=allow, floor=_FLOOR)

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a table of records."""
        for record in records_from(records):
            for index, part in enumerate(record.parts):
                found = self._told(part.text, repairs(part.text))
                if found:
                    yield from self._findings(record.id, index, part.text, found)

    def _told(self, text: str, found: list[Repair]) -> list[Repair]:
        """Leave out repairs of what the rules hold for private: a finding must not say it."""
        fixed = [r for r in found if r.replacement]
        if not any(_SAYS.search(str(r.replacement)) for r in fixed):
            return found
        shown = repaired(text, fixed)
        hidden = [shown.original(f.start, f.end) for f in self._rules.found(shown.text)]
        if any(_NAMES.search(str(r.replacement)) for r in fixed):
            hidden += self._names(text)
        private = Intervals(hidden)
        return [r for r in found if not r.replacement or not private.touch(r.start, r.end)]

    def _names(self, text: str) -> list[tuple[int, int]]:
        view = SearchText.of(text)
        chinese, english = self._search.names([view])
        found = self._search.candidates(
            view, "", chinese.get(view.text, ()), english.get(view.text, ())
        )
        return [view.original(c.start, c.end) for c in found if c.entity not in LEFT_OPEN]

    def _findings(
        self, record_id: str, part: int, text: str, found: list[Repair]
    ) -> Iterator[Finding]:
        for repair in found:
            if repair.replacement is not None:
                code = _CODES[repair.kind]
                unseen = _unseen(text[repair.start : repair.end])
                yield Finding(
                    record_id=record_id,
                    check=self.name,
                    code=code,
                    score=_SCORES[code],
                    span=Span(part, repair.start, repair.end),
                    replacement=repair.replacement,
                    evidence={"kind": repair.kind} | ({"characters": unseen} if unseen else {}),
                )
        lost = [r for r in found if r.replacement is None or "\ufffd" in r.replacement]
        if not lost:
            return
        n_lost = sum(
            r.end - r.start if r.replacement is None else r.replacement.count("\ufffd")
            for r in lost
        )
        share = n_lost / len(text)
        yield Finding(
            record_id=record_id,
            check=self.name,
            code=_LOST,
            # One lost character in a hundred is a blemish; one in ten spoils the sentence.
            score=0.3 + 0.7 * min(1.0, share * 10),
            span=Span(part, lost[0].start, lost[-1].end),
            evidence={"lost": n_lost, "share": round(share, 4)},
        )


_SAYS = re.compile(r"[^\W_]{2}")
"""Two letters or digits: what a replacement that tells something has."""
_NAMES = re.compile(r"[^\W\d_]{2}")
"""Two letters: what a replacement that tells a name has."""
_FLOOR = 0.4
"""Below this score nothing is told of a name either."""


def _unseen(text: str) -> str:
    """Name the code points that cannot be shown: U+200B, U+FEFF."""
    unseen = {char for char in text if unicodedata.category(char) in _UNSEEN} - {" ", "\t", "\n"}
    return " ".join(f"U+{ord(char):04X}" for char in sorted(unseen))
