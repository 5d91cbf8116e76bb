"""Find broken encodings and left-over markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from curator.repair import repairs
from curator.tables import records_from
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from curator.repair import Repair
    from curator.types import View

_MOJIBAKE, _MARKUP, _LOST = "QLT001", "QLT002", "QLT003"
_SCORES = {_MOJIBAKE: 0.95, _MARKUP: 0.9}
_REPAIRABLE = {"mojibake": _MOJIBAKE, "markup": _MARKUP}


class Encoding:
    """Finds text that was damaged on its way here.

    - QLT001: mojibake that can be undone: UTF-8 that was read as GBK (`浣犲ソ` is
      `你好`) or as Latin-1 (`cafÃ©` is `café`). The finding carries the repaired text.
    - QLT002: HTML entities and tags that stand for characters or line breaks
      (`&amp;`, `<br>`). The finding carries what they stand for.
    - QLT003: characters that are gone for good (`�`, `锟斤拷`). One finding for each
      part; its score grows with the share of the part that is lost.
    """

    name: ClassVar[str] = "encoding"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "raw"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            _MOJIBAKE,
            "mojibake",
            "乱码，可以还原",
            "text read in the wrong encoding; it can be undone",
        ),
        Code(_MARKUP, "markup", "残留的 HTML 实体或标签", "left-over HTML entities or tags"),
        Code(_LOST, "lost_characters", "有字符已经丢失，无法还原", "characters are lost for good"),
    )

    def __call__(self, records: pa.Table) -> Iterator[Finding]:
        """Yield the findings about a table of records."""
        for record in records_from(records):
            for index, part in enumerate(record.parts):
                found = repairs(part.text)
                if found:
                    yield from self._findings(record.id, index, part.text, found)

    def _findings(
        self, record_id: str, part: int, text: str, found: list[Repair]
    ) -> Iterator[Finding]:
        for repair in found:
            if repair.replacement is not None:
                code = _REPAIRABLE[repair.kind]
                yield Finding(
                    record_id=record_id,
                    check=self.name,
                    code=code,
                    score=_SCORES[code],
                    span=Span(part, repair.start, repair.end),
                    replacement=repair.replacement,
                    evidence={"kind": repair.kind},
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
