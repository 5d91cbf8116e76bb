"""Which encoding a text file has, decided by what its bytes say in each.

UTF-8 proves itself. The legacy encodings of Chinese do not: GB18030 decodes
nearly anything, Big5 included, so each candidate is judged by how common the
characters are that come out. That needs no more than a few of them.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from curator.errors import SourceError
from curator.sources.files.lines import chunks

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = 1 << 16
"""How many bytes of lines that are not plain ASCII are judged."""

_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之"
    "年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样"
    "理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将"
    "两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信"
    "表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔"
    "更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统"
    "区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品"
    "住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运病吃药医吗呢请"
    "您谢元买店单码费款货退客服务订号电话手机京地址姓名答案标签户询咨复"
    "這個們來為國說時會對過發後裡種經麼學現當沒動還進樣開從實無與長機並將兩間問應戰頭體見話"
    "給門員東聲論處義認條氣題爾別變總電數報結務場計統區隊決馬書則聽達強難權萬許傳師觀讓識帶導爭"
    "運藥醫嗎請您謝買單碼費貨號詢復點關業產區業長線議錢選寫讀訂購員聯絡質題訊顧"
    "，。？！、：；“”‘’（）《》「」『』【】—…·％～　"
)
_KANA = re.compile("[\u3041-\u30fe]")
_OTHER_SCRIPT = re.compile("[\u0370-\u058f\uac00-\ud7a3\u2500-\u257f\uff61-\uff9f]")
_LOST = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WESTERN_RUN = re.compile("[\u00a0-\u024f\u2010-\u203a\u20ac\u2122]+")
_SURE, _POOR = 0.45, 0.3


def sniff_encoding(path: Path) -> str:
    """Return the encoding of a text file: utf-8, utf-8-sig, utf-16-le, gb18030, big5, ….

    Raises:
        SourceError: the file holds no text.

    """
    first = next(chunks(path), b"")
    if not first:
        raise SourceError(f"{path}: the file is empty", "remove it, or name another file")
    for bom, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if first.startswith(bom):
            return name
    if b"\x00" in first and not _stray_zeros(first):
        return _wide(path, first[:SAMPLE])
    return judge(_sample(path))


def check_encoding(name: str, path: Path) -> str:
    """Return the name that Python knows the encoding by; `utf-16` gets its byte order.

    Raises:
        SourceError: there is no such encoding.

    """
    try:
        known = codecs.lookup(name)
        "a".encode(known.name)
    except (LookupError, TypeError, UnicodeError):
        raise SourceError(
            f"{path}: there is no encoding called {name}",
            "use one of utf-8, utf-16, gb18030, big5, or leave `encoding:` out",
        ) from None
    if known.name == "utf-16":
        big = next(chunks(path), b"").startswith(codecs.BOM_UTF16_BE)
        return "utf-16-be" if big else "utf-16-le"
    return known.name


def judge(sample: bytes) -> str:
    """Return the encoding in which bytes (no UTF-16 with zero bytes) say the most."""
    if sample.isascii() or _is_utf8(sample):
        return "utf-8"
    chinese = {name: _score(sample, name) for name in ("gb18030", "big5", "cp950", "big5hkscs")}
    best = max(chinese, key=lambda name: chinese[name])
    others = {
        "cp932": _score(sample, "cp932"),
        "cp1252": _western(sample),
        "utf-16-le": _score(sample, "utf-16-le"),
        "utf-16-be": _score(sample, "utf-16-be"),
    }
    other = max(others, key=lambda name: others[name])
    if others[other] > max(chinese[best] + 0.1, _SURE):
        return other
    if chinese[best] >= _POOR:
        return best
    return _guessed(sample) or best


def _guessed(sample: bytes) -> str | None:
    """Ask charset-normalizer (Ahmed Tahri) about what is neither Chinese nor western."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - only where all else fails

    found = from_bytes(sample).best()
    return codecs.lookup(found.encoding).name if found is not None else None


def _sample(path: Path) -> bytes:
    """Return lines that are not ASCII, from wherever in the file they are."""
    kept, size = [], 0
    for chunk in chunks(path):
        if chunk.isascii():
            continue
        for line in chunk.split(b"\n"):
            if not line.isascii():
                kept.append(line[:SAMPLE])
                size += len(kept[-1])
                if size >= SAMPLE:
                    return b"\n".join(kept)
    return b"\n".join(kept)


def _stray_zeros(data: bytes) -> bool:
    """Whether zero bytes are damage in UTF-8 (holes that a crash leaves), not half of UTF-16."""
    rest = data.replace(b"\x00", b"")
    text = rest[:SAMPLE].decode("utf-8", "replace")
    is_utf8 = rest.isascii() or _is_utf8(rest[:SAMPLE])
    return len(rest) * 10 > len(data) * 9 and is_utf8 and len(_LOST.findall(text)) * 50 < len(text)


def _wide(path: Path, sample: bytes) -> str:
    """Tell UTF-16 without a mark from a binary file, and its byte order.

    Where the zero bytes stand says most of it; not all, since 一 and 退 hold one too.
    """
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    sense = {name: _sense(sample, name) for name in ("utf-16-le", "utf-16-be")}
    name = max(sense, key=lambda name: (sense[name], (odd > even) == (name == "utf-16-le")))
    one_sided = min(even, odd) * 10 <= max(even, odd)
    text = sample[: len(sample) // 2 * 2].decode(name, "replace")
    if len(_LOST.findall(text)) * 50 > len(text) or not (sense[name] > _SURE or one_sided):
        raise SourceError(
            f"{path}: not a text file", "name a text, CSV, JSON, Parquet, XLSX or Markdown file"
        )
    return name


def _sense(sample: bytes, encoding: str) -> float:
    """Return the share of characters that are ASCII or common."""
    text = sample[: len(sample) // 2 * 2].decode(encoding, "replace")
    plain = sum(char.isascii() and (char.isprintable() or char in "\t\r\n") for char in text)
    beyond = sum(_weight(char, japanese=False) for char in text if not char.isascii())
    return (plain + beyond) / max(1, len(text))


def _is_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    lost = text.count("\ufffd") - sample.count(b"\xef\xbf\xbd")
    beyond = [char for char in text if char >= "\x80" and char != "\ufffd"]
    if len(beyond) < 3 * lost or not beyond:
        return False
    # Two-byte characters alone, and few of them, are just as well Chinese in GBK (联通).
    doubtful = len(beyond) < 8 and all("\xff" < char < "\u0800" for char in beyond)
    return not (doubtful and _score(sample, "gb18030") >= 0.5)


def _score(sample: bytes, encoding: str) -> float:
    """Return how common the characters beyond ASCII are, from below 0 to 1."""
    text = sample.decode(encoding, "replace")
    beyond = [char for char in text if char >= "\x80"]
    if not beyond:
        return 0.0
    japanese = encoding == "cp932"
    return sum(_weight(char, japanese=japanese) for char in beyond) / len(beyond)


@lru_cache(maxsize=65536)
def _weight(char: str, *, japanese: bool) -> float:
    if char in _FREQUENT:
        return 1.0
    if _LOST.match(char):
        return -1.0
    if _KANA.match(char):
        return 1.0 if japanese else 0.0
    if _OTHER_SCRIPT.match(char):
        return 0.0
    if japanese:
        return 0.7 if _lead(char, "cp932", 0x88, 0x97) else 0.1
    common = _lead(char, "gb2312", 0xB0, 0xD7) or _lead(char, "big5", 0xA4, 0xC6)
    return 0.5 if common else 0.0


def _lead(char: str, encoding: str, low: int, high: int) -> bool:
    """Whether the character is in the rows that its standard keeps for common ones."""
    try:
        raw = char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return len(raw) > 1 and low <= raw[0] <= high


def _western(sample: bytes) -> float:
    """Return the share of accented letters and marks that stand alone or in twos in Latin text."""
    text = sample.decode("cp1252", "replace")
    beyond = sum(char >= "\x80" for char in text)
    letters = sum(char.isascii() and char.isalpha() for char in text)
    if not beyond or letters < 2 * beyond:
        return 0.0
    runs = [len(m.group()) for m in _WESTERN_RUN.finditer(text)]
    return 0.9 * sum(n for n in runs if n <= 2) / beyond
