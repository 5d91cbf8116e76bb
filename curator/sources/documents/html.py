"""Web pages: the text that a reader sees, in blocks; navigation, scripts and ads are left out.

What is left out goes by what the markup says (`nav`, `role`, `hidden`, a page's own
header and footer), not by a guess at where the main text is: a guess loses text.
The elements are those of the HTML standard (WHATWG); lxml parses.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any

from curator.sources.conversations import UnreadableError
from curator.sources.documents.grids import markdown_table
from curator.sources.documents.outline import Outline
from curator.sources.documents.text import read_whole
from curator.sources.files.lines import opened, without_bom
from curator.sources.formats import NAMED, PROVEN, Format
from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.sources.formats import Item, Reading, Start
    from curator.types import Part

_SUFFIXES = (".html", ".htm", ".xhtml", ".shtml")
_BEGINS = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_AS_BROWSERS_DO = {
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "iso-8859-1": "cp1252", "us-ascii": "cp1252",
    "latin1": "cp1252", "shift_jis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SILENT = _words(
    "script style template noscript iframe object embed canvas svg audio video head link meta "
    "select option datalist button input textarea progress meter rt rp annotation "
    "annotation-xml noframes frameset map"
)
_BLOCKS = _words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hgroup hr html legend main menu nav ol p pre search "
    "section summary table tbody td tfoot th thead tr ul li h1 h2 h3 h4 h5 h6"
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LISTS = frozenset(("ul", "ol", "menu"))
_APART = frozenset(("navigation", "search", "menu", "menubar", "toolbar", "banner", "contentinfo",
                    "dialog", "alertdialog"))  # fmt: skip
_SECTIONS = frozenset(("article", "main", "section", "aside"))
_ADS = _words(
    "ad ads advert adverts advertising advertisement adsbygoogle adbox adslot sponsored guanggao"
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_HAN_BREAK = re.compile(f"(?<=[{HAN}，。、；：？！）】」』》])[ \t]*\n\\s*(?=[{HAN}（【「『《])")
_DEEPEST = 2048
_WIDEST, _LARGEST = 200, 1_000_000


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    return read_whole(reading, _blocks)


def _blocks(reading: Reading) -> tuple[Sequence[Part], dict[str, str]]:
    from lxml import etree  # noqa: PLC0415 - only web pages and office files need it

    with opened(reading.path) as stream:
        raw = stream.read()
    text = _decoded(without_bom(raw, reading.encoding), reading.encoding)
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    root = etree.fromstring(text.replace("\0", "").encode("utf-8", "replace"), parser)
    if root is None:
        raise UnreadableError("no text at all")
    if any(e.type_name == "ERR_RESOURCE_LIMIT" for e in parser.error_log):
        raise UnreadableError(f"elements nested deeper than {_DEEPEST}")
    page = _Page()
    page.walk(root, etree)
    meta = {}
    title = root.findtext(".//head/title") or root.findtext(".//title")
    if title and title.strip():
        meta["title"] = " ".join(title.split())
    if page.left_out:
        meta["left_out"] = f"{page.left_out} parts of navigation, page frame and advertising"
    return page.outline.parts, meta


def _decoded(raw: bytes, encoding: str) -> str:
    """Return the text; what the page says of its encoding holds where nothing proves it."""
    names = [encoding]
    said = _CHARSET.search(raw[:4096])
    if said and not encoding.startswith("utf"):
        name = said[1].decode("ascii", "ignore").lower()
        names.insert(0, _AS_BROWSERS_DO.get(name, name))
    for name in names:
        try:
            if codecs.lookup(name).name != "utf-7":
                return raw.decode(name)
        except (LookupError, UnicodeDecodeError, UnicodeError):
            continue
    raise UnreadableError(f"bytes that are not {encoding}")


class _Page:
    """Walks through the elements, without recursion: pages nest deeply."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.left_out = 0
        self._text: list[str] = []
        self._line = 0
        self._lists: list[_List] = []
        self._items: list[str] = []
        self._items_line = 0

    def walk(self, root: Any, etree: Any) -> None:
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            if not isinstance(element.tag, str):
                if event == "end":
                    self._say(element.tail)
                continue
            tag = element.tag
            if event == "end":
                self._end(element, tag)
                if element is not root:
                    self._say(element.tail)
            elif tag in _SILENT or _is_apart(element, tag):
                self.left_out += tag not in _SILENT and bool(_plain(element))
                walker.skip_subtree()
            elif tag == "pre":
                self._code(element)
                walker.skip_subtree()
            elif tag == "table" and (rows := _data_table(element)):
                self._flush()
                self._end_list()
                self.outline.add("table", markdown_table(rows), f"line {element.sourceline}")
                walker.skip_subtree()
            else:
                self._start(element, tag)
        self._flush()
        self._end_list()

    def _start(self, element: Any, tag: str) -> None:
        if tag == "br":
            self._text.append("\v")
        elif tag in _BLOCKS:
            self._flush()
            self._line = element.sourceline
            if tag in _LISTS:
                start = element.get("start") or ""
                first = int(start) if start.isdecimal() and len(start) < 10 else 1
                self._lists.append(_List(first if tag == "ol" else None))
            elif tag == "li" and self._lists:
                self._lists[-1].begin()
            elif tag in _HEADINGS:
                self._end_list()
        elif tag == "img" and "math" in (element.get("class") or ""):
            self._say(element.get("alt"))
        if not self._text:
            self._line = element.sourceline
        self._say(element.text)

    def _end(self, element: Any, tag: str) -> None:
        if tag in _HEADINGS:
            text = " ".join(self._taken().split())
            self.outline.heading(int(tag[1]), text, f"line {element.sourceline}")
        elif tag in _BLOCKS and not _skipped(element, tag):
            self._flush()
            if tag in _LISTS and self._lists:
                self._lists.pop()
                if not self._lists:
                    self._end_list()

    def _say(self, text: str | None) -> None:
        if text:
            self._text.append(text)

    def _taken(self) -> str:
        text, self._text = _collapsed("".join(self._text)), []
        return text

    def _flush(self) -> None:
        text = self._taken()
        if not text:
            return
        if not self._lists:
            self.outline.add("paragraph", text, f"line {self._line}")
            return
        self._items_line = self._items_line or self._line
        indent = "  " * (len(self._lists) - 1)
        mark = self._lists[-1].mark()
        lines = text.split("\n")
        self._items += [f"{indent}{mark}{lines[0]}", *(f"{indent}  {x}" for x in lines[1:])]

    def _end_list(self) -> None:
        self.outline.add("list", "\n".join(self._items), f"line {self._items_line}")
        self._items, self._items_line = [], 0

    def _code(self, element: Any) -> None:
        self._flush()
        self._end_list()
        text = _plain(element, keep=True).strip("\n")
        if text.strip():
            fence = "```" if "```" not in text else "~~~~"
            self.outline.add("code", f"{fence}\n{text}\n{fence}", f"line {element.sourceline}")


class _List:
    """A list that is being read: what its next item begins with."""

    def __init__(self, number: int | None) -> None:
        self._number, self._fresh = number, False

    def begin(self) -> None:
        self._fresh = True

    def mark(self) -> str:
        if not self._fresh:
            return "  "
        self._fresh = False
        if self._number is None:
            return "- "
        self._number += 1
        return f"{self._number - 1}. "


def _collapsed(text: str) -> str:
    """Return a text as it is shown: white space collapsed, a break where there is a `br`."""
    text = _HAN_BREAK.sub("", text)
    lines = [_SPACE.sub(" ", line).strip(" \u200b") for line in text.split("\v")]
    return "\n".join(line for line in lines if line)


def _skipped(element: Any, tag: str) -> bool:
    return tag in _SILENT or tag == "pre" or _is_apart(element, tag)


def _is_apart(element: Any, tag: str) -> bool:
    """Whether an element is hidden, an advertisement, or about the site and not its text."""
    role = (element.get("role") or "").strip().lower()
    if tag == "nav" or role in _APART or element.get("hidden") is not None:
        return True
    if _HIDDEN.search(element.get("style") or ""):
        return True
    if tag in ("body", "html"):
        return False
    names = re.split(r"[\s_-]+", f"{element.get('class') or ''} {element.get('id') or ''}".lower())
    if not _ADS.isdisjoint(names):
        return True
    if tag in ("header", "footer") and not any(a.tag in _SECTIONS for a in element.iterancestors()):
        return tag == "footer" or element.find(".//h1") is None
    return False


def _plain(element: Any, *, keep: bool = False) -> str:
    """Return the text in an element, white space collapsed unless it is to be kept."""
    out: list[str] = []
    stack: list[Any] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            out.append(node)
            continue
        if isinstance(node.tag, str) and (
            node is element or not (node.tag in _SILENT or _is_apart(node, node.tag))
        ):
            pieces: list[Any] = ["\n" if keep else "\v"] if node.tag == "br" else [node.text or ""]
            for child in node:
                pieces += [child, child.tail or ""]
            if node.tag in _BLOCKS and node is not element and not keep:
                pieces.append("\v")
            stack += reversed(pieces)
    text = "".join(out)
    return text if keep else _collapsed(text)


def _data_table(table: Any) -> list[list[str]]:
    """Return the cells of a table; nothing where it only lays out the page.

    A cell that reaches over rows or columns stands in each of them.
    """
    if table.get("role") in ("presentation", "none") or table.find(".//table") is not None:
        return []
    if any(table.find(f".//{tag}") is not None for tag in _HEADINGS):
        return []
    rows: list[list[str | None]] = []
    size = 0
    for y, tr in enumerate(table.iter("tr")):
        while len(rows) <= y:
            rows.append([])
        x = 0
        for cell in tr.iterchildren("td", "th"):
            while x < len(rows[y]) and rows[y][x] is not None:
                x += 1
            text = _plain(cell)
            size += _span(cell, "rowspan") * _span(cell, "colspan")
            if size > _LARGEST:
                return []
            for down in range(_span(cell, "rowspan")):
                while len(rows) <= y + down:
                    rows.append([])
                row = rows[y + down]
                for right in range(_span(cell, "colspan")):
                    row += [None] * (x + right + 1 - len(row))
                    row[x + right] = text
    if max(map(len, rows), default=0) < 2:
        return []
    grid = [[text or "" for text in row] for row in rows if any(row)]
    caption = table.find("caption")
    said = _plain(caption) if caption is not None else ""
    return [[said], *grid] if said else grid


def _span(cell: Any, name: str) -> int:
    said = (cell.get(name) or "1").strip()
    return min(max(int(said), 1), _WIDEST) if said.isdecimal() and len(said) < 6 else 1


def _recognise(start: Start) -> float:
    if _BEGINS.match(start.text[:8192]):
        return PROVEN
    return NAMED if start.suffix in _SUFFIXES and start.text else 0.0


FORMATS = (
    Format(
        "html",
        "document",
        "web page: headings, paragraphs, lists, tables, code",
        "网页：标题、段落、列表、表格与代码",
        _recognise,
        read_file,
    ),
)
