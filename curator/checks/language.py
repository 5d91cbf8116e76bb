"""Answers in another language than their question, and languages that are not wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from curator.models.language_id import load_language_id
from curator.pairs import pairs
from curator.tables import records_from
from curator.text import PLACEHOLDER, length, script
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from curator.types import Record, View

_FLOOR = 0.3
_NOISE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|<[^<>\n]{1,80}>", re.DOTALL
)
_LETTER = re.compile(r"[^\W\d_]")
_LATIN_RUN = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_ASKS_FOR_LANGUAGE = re.compile(
    r"翻译|翻譯|译成|译为|譯成|[中英日韩韓法德俄西外][文语語]|双语|雙語|漢語|汉语|怎么[说說]|怎麼說|拼音|"
    r"translat|bilingual|(?<![a-z])(?:chinese|mandarin|cantonese|english|japanese|korean|french|german|"
    r"russian|spanish|portuguese|italian|arabic|latin)(?![a-z])",
    re.IGNORECASE,
)
_READ = 2000
_ENOUGH = 6
_SURE = 12
_SPOKEN = ("user", "assistant", "heading", "paragraph", "list")
_SAME = {
    "yue": "zh", "wuu": "zh", "zh-yue": "zh", "sco": "en", "nn": "no", "nb": "no", "da": "no",
    "hr": "sh", "bs": "sh", "sr": "sh", "ms": "id", "gl": "pt",
}  # fmt: skip
"""Languages that the model mixes up because they are so close; each pair counts as one."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A text's language, how sure that is (0 to 1), and whether another script is mixed in."""

    lang: str
    sure: float
    mixed: bool = False


class Language:
    """LNG001 and LNG002: the language of answers and texts.

    LNG001: the answer is in another language than the question. Not where the question
    asks for another language (a translation), or mixes both itself.

    LNG002: a turn or a block is in a language that is not among the project's `languages`.

    The script decides first: Han without kana is Chinese, simplified and traditional
    alike, with any number of Latin terms in it; kana is Japanese, hangul Korean. Other
    texts go to a language model (fastText lid.176), short ones in plain letters count as
    English. Code, links, addresses and placeholders of redacted details do not count, nor
    do texts of fewer than six Han characters or words: a drug's name has no language. The
    first 2,000 characters decide. The score is how sure the languages are, less for texts
    of fewer than twelve units.
    """

    name: ClassVar[str] = "language"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "LNG001",
            "answer-in-another-language",
            "答案与问题的语言不同",
            "the answer is in another language than the question",
        ),
        Code(
            "LNG002",
            "unwanted-language",
            "语言不在项目范围内",
            "the language is not among the project's",
        ),
    )
    needs: ClassVar[tuple[str, ...]] = ("language_id", "languages")

    def __init__(self, *, language_id: str, languages: Sequence[str]) -> None:
        """Load the language model."""
        self.identify = load_language_id(language_id)
        self.languages = tuple(lang.lower().split("-")[0] for lang in languages)
        self._wanted = {_SAME.get(lang, lang) for lang in self.languages}

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a part of the redacted view."""
        for record in records_from(records):
            tell = cache(self._tell)  # the halves of a pair are parts, most of them
            for index, part in enumerate(record.parts):
                if part.role in _SPOKEN:
                    yield from self._unwanted(record, index, tell(part.text))
            yield from self._mismatched(record, tell)

    def _unwanted(self, record: Record, index: int, told: _Told | None) -> Iterator[Finding]:
        if told is not None and told.lang not in self._wanted and told.sure >= _FLOOR:
            yield Finding(
                record_id=record.id,
                check=self.name,
                code="LNG002",
                score=told.sure,
                span=Span(index, 0, len(record.parts[index].text)),
                evidence={"language": told.lang},
            )

    def _mismatched(self, record: Record, tell: Callable[[str], _Told | None]) -> Iterator[Finding]:
        for pair in pairs(record):
            answer = tell(pair.answer)
            question = tell(pair.question) if answer is not None else None
            if answer is None or question is None or answer.lang == question.lang:
                continue
            score = min(answer.sure, question.sure)
            if question.mixed or answer.mixed or score < _FLOOR:
                continue
            if _ASKS_FOR_LANGUAGE.search(pair.question):
                continue
            yield Finding(
                record_id=record.id,
                check=self.name,
                code="LNG001",
                score=score,
                span=Span(pair.part, 0, len(record.parts[pair.part].text)),
                evidence={"question": question.lang, "answer": answer.lang},
            )

    def _tell(self, text: str) -> _Told | None:
        """Return the language of a text, or None where there is too little to tell."""
        plain = PLACEHOLDER.sub(" ", _NOISE.sub(" ", text[:_READ]))
        carrier = script(plain)
        # Scripts without spaces, such as Thai, have few "words": count letters instead.
        units = len(_LETTER.findall(plain)) // 4 if carrier == "none" else length(plain)
        if units < _ENOUGH:
            return None
        sure = 0.5 + 0.5 * min(1.0, units / _SURE)
        by_script = {"han": "zh", "mixed": "zh", "kana": "ja", "hangul": "ko"}.get(carrier)
        if by_script is not None:
            mixed = carrier == "mixed" or len(_LATIN_RUN.findall(plain)) >= _SURE
            return _Told(by_script, sure, mixed)
        if plain.isascii() and len(_LATIN_RUN.findall(plain)) < 4:
            return _Told("en", _FLOOR)
        lang, probability = self.identify(" ".join(plain.split()))
        return _Told(_SAME.get(lang, lang), sure * probability)
