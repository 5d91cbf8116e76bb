"""Pure functions that spoil a text in a known way."""

from __future__ import annotations

import re
import unicodedata

_SENTENCE = re.compile(r".+?[。！？；.!?;]+\s*|.+$", re.DOTALL)
_ZH_EDITS = (
    ("孩子", "小朋友"), ("宝宝", "小宝宝"), ("建议", "推荐"), ("可以", "能够"), ("如果", "假如"),
    ("怎么", "如何"), ("不要", "别"), ("马上", "立刻"), ("需要", "要"), ("通常", "一般"),
    ("公司", "单位"), ("我们", "我方"), ("请", "麻烦"),
)  # fmt: skip
_EN_EDITS = (
    ("usually", "normally"), ("because", "since"), ("children", "kids"), ("doctor", "physician"),
    ("need", "require"), ("Keep", "Hold on to"), ("may", "might"), ("send", "post"),
    ("ask", "request"), ("within", "inside"), ("after", "following"), ("can", "could"),
)  # fmt: skip


def is_chinese(text: str) -> bool:
    """Whether the text has Chinese characters."""
    return any("一" <= char <= "鿿" for char in text)


def sentences(text: str) -> list[str]:
    """The text cut after its sentence ends; joined again it is the same."""
    return _SENTENCE.findall(text)


def utf8_as_cp1252(text: str) -> str:
    """UTF-8 read as Windows-1252; bytes without a character there stay as they are."""
    out = []
    for byte in text.encode():
        raw = bytes([byte])
        try:
            out.append(raw.decode("cp1252"))
        except UnicodeDecodeError:
            out.append(raw.decode("latin-1"))
    return "".join(out)


def curly_as_cp1252(text: str) -> str:
    """English with typographic quotes and dashes, whose UTF-8 was read as Windows-1252."""
    curly = text.replace("'", "’").replace(" - ", " — ")
    if curly == text:
        first, rest = text.split(" ", 1)
        curly = f"“{first}” {rest.replace(', ', ' – ', 1)}"
    return utf8_as_cp1252(curly)


def _gbk_run(text: str) -> int:
    """How many characters from the start, two at least, can be read as GBK and read back; or 0."""
    for length in range(len(text), 1, -1):
        raw = text[:length].encode()
        try:
            if raw.decode("gbk").encode("gbk") == raw:
                return length
        except UnicodeError:
            continue
    return 0


def utf8_as_gbk(text: str) -> str:
    """UTF-8 read as GBK, in the longest runs that can be undone."""
    out, start = "", 0
    while start < len(text):
        length = _gbk_run(text[start:])
        piece = text[start : start + max(1, length)]
        out += piece.encode().decode("gbk") if length else piece
        start += len(piece)
    return out


def with_html(text: str, style: int) -> str:
    """Tags and entities left over from a web page."""
    if is_chinese(text):
        text = text.replace("，", "，&nbsp;", 2).replace("。", "。<br>", 1)
    else:
        text = text.replace(", ", ",&nbsp;", 2).replace(". ", ".<br>", 1).replace("'", "&#39;")
    frames = ("<p>{}</p>", "&lt;div&gt;{}&lt;/div&gt;", "&quot;{}&quot;<br/>")
    return frames[style % len(frames)].format(text)


def with_lost_characters(text: str, style: int) -> str:
    """Characters that no repair brings back."""
    middle = len(text) // 3
    chinese = "锟斤拷锟斤拷锟斤拷" if style % 2 == 0 else "\ufffd" * 6
    hole = chinese if is_chinese(text) else "\ufffd" * 7
    return text[:middle] + hole + text[middle + 9 :]


def repeated(text: str, times: int) -> str:
    """The first sentence again and again."""
    joint = "" if is_chinese(text) else " "
    return joint.join([sentences(text)[0].strip()] * times)


def refolded(text: str, style: int) -> str:
    """Other width, case, spaces or punctuation, and the same words."""
    if is_chinese(text):
        forms = (
            text,
            unicodedata.normalize("NFKC", text).replace("。", ". ").strip(),
            text.replace("，", "， ").replace("。", "。 ").rstrip("。 "),
            text.replace("，", ",").replace("？", "?").replace("。", "！"),
        )
    else:
        forms = (
            text,
            text.lower(),
            text.replace(". ", ".  ").replace(", ", " , ").rstrip("."),
            text.upper().replace(". ", "! "),
        )
    return forms[style % len(forms)]


def edited(text: str, limit: int) -> str:
    """At most `limit` words changed for others of the same sense."""
    chinese = is_chinese(text)
    done = 0
    for old, new in _ZH_EDITS if chinese else _EN_EDITS:
        pattern = re.escape(old) if chinese else rf"\b{old}\b"
        text, count = re.subn(pattern, new, text, count=1)
        done += count
        if done == limit:
            break
    return text


def shingles(text: str) -> set[str]:
    """Five-character pieces of Chinese, three-word pieces of anything else."""
    folded = unicodedata.normalize("NFKC", text).lower()
    if is_chinese(folded):
        joined = re.sub(r"\s+", "", folded)
        return {joined[i : i + 5] for i in range(max(1, len(joined) - 4))}
    words = re.findall(r"\w+", folded)
    return {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def jaccard(one: str, other: str) -> float:
    """How much two texts share, 0 to 1."""
    left, right = shingles(one), shingles(other)
    return len(left & right) / len(left | right)
