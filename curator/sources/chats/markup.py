"""HTML in messages, as help desks keep them, brought down to text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BREAKS = frozenset(
    (
        *("address", "article", "blockquote", "dd", "div", "dl", "dt", "figure", "footer", "form"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section"),
        *("table", "tr", "ul"),
    )
)
_SILENT = frozenset(("script", "style", "head", "title", "template"))
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_AROUND_BREAK = re.compile(r" *\n *")
_MANY_BREAKS = re.compile(r"\n{2,}")


def plain(html: str) -> str:
    """Return the text of a piece of HTML, a line for each block, links as their labels.

    Text without any markup comes out with its character references resolved.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    joined = _AROUND_BREAK.sub("\n", "".join(reader.pieces))
    return _MANY_BREAKS.sub("\n", joined).strip()


class _Reader(HTMLParser):
    """Collects what is to be read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0
        self._kept_as_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br" or tag in _BREAKS:
            self.pieces.append("\n")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag == "img" and (alt := dict(attrs).get("alt")):
            self.pieces.append(f"[{alt}]")
        if tag == "pre":
            self._kept_as_is += 1
        if tag == "li":
            self.pieces.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKS:
            self.pieces.append("\n")
        if tag == "pre":
            self._kept_as_is = max(0, self._kept_as_is - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data if self._kept_as_is else _SPACE.sub(" ", data))
