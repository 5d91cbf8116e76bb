"""Which format a file is in, by its content first and its name second."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Literal

from curator.errors import SourceError
from curator.sources.documents import MARKDOWN
from curator.sources.jsonl import is_array
from curator.sources.lines import head

if TYPE_CHECKING:
    from pathlib import Path

    from curator.schema import Source

Format = Literal["jsonl", "json", "csv", "tsv", "parquet", "xlsx", "chatlog", "document"]

_BY_SUFFIX: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".txt": "document",
    ".text": "document",
    ".log": "chatlog",
    **dict.fromkeys(MARKDOWN, "document"),
}
_KNOWN = "JSON, JSON lines, CSV, TSV, Parquet, XLSX, Markdown, text, chat logs"


def suffix(path: Path) -> str:
    """Return the last suffix of a name, that of compression left out, in lower case."""
    suffixes = [s.lower() for s in path.suffixes]
    while suffixes and suffixes[-1] in (".gz", ".gzip"):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def sniff_format(path: Path, source: Source, start: bytes) -> Format:
    """Return the format of a file from its name and its first bytes.

    Raises:
        SourceError: it is of no kind that can be read, or a log without `chat:`.

    """
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path)
    by_name = _BY_SUFFIX.get(suffix(path))
    if start.startswith((b"%PDF", b"\xd0\xcf\x11\xe0")) or by_name in ("parquet", "xlsx"):
        raise _unknown(path)
    if source.chat is not None and by_name in ("chatlog", "document", None):
        return "chatlog"
    if by_name == "chatlog":
        raise SourceError(
            f"{path}: a log, and nothing says how its lines read",
            "give a `chat:` with the regexes `line:` and `assistant:`, or `format: document`",
        )
    if by_name is None:
        if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            return "jsonl"
        raise _unknown(path)
    return by_name


def json_format(path: Path, encoding: str) -> Literal["jsonl", "json"]:
    """Tell an array, or objects over several lines, from one object a line."""
    return "json" if is_array(head(path).decode(encoding, "ignore")) else "jsonl"


def _workbook(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            if any(name.startswith("xl/") for name in archive.namelist()):
                return "xlsx"
    except (zipfile.BadZipFile, OSError):
        raise SourceError(
            f"{path}: a damaged workbook or zip file", "save it again from where it came"
        ) from None
    raise _unknown(path)


def _unknown(path: Path) -> SourceError:
    return SourceError(
        f"{path}: not a kind of file that can be read", f"known kinds: {_KNOWN}; or set `format:`"
    )
