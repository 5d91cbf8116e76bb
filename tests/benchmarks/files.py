"""How much of a file's text comes out, file by file: ours beside markitdown's, on the same files.

Both texts are compared as bags of tokens with the text that a person, or a tool with
layout models, took from the file: a Han character or a word of other scripts is a token,
Markdown's marks and the addresses of links are none. Tables are compared by their cells.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from curator.schema import Source
from curator.sources import Tally, read, sniff
from curator.types import Record
from tests.benchmarks.harness import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = "rag/files"
PEER = "markitdown[docx,pdf,pptx,xlsx]==0.1.8"
PEER_NAME = "markitdown"
AIMS = {
    ("token", "all"): ">= 0.97",
    ("token", ".pdf"): "ratio >= 1.0",
    ("token", ".xlsx"): "ratio >= 1.0",
}
OTHER_TEXT = ("test.docx",)
"""Files whose expected text is that of another version of the document: shown, not in the means."""

_CONVERT = """
import json, sys
from markitdown import MarkItDown
convert = MarkItDown().convert
print(json.dumps({path: convert(path).text_content for path in sys.argv[1:]}))
"""
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\((?:[^()]|\([^()]*\))*\)")
_LINK = re.compile(
    r"\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"(?:[^\"\\]|\\.)*\")?\)"
)
_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]|[^\W_\u3040-\u9fff]+")
_UNNAMED = re.compile(r"column \d+")
_RULE = re.compile(r"[\s|:-]+")
_LIST_NUMBER = re.compile(r"^\s*\d{1,3}[.)]\s", re.MULTILINE)


def rows(data: Path) -> Iterator[Row]:
    """Yield recall and precision of each file's text and of its tables' cells, and the means."""
    folder = data / FILES
    manifest = json.loads((folder / "MANIFEST.json").read_text("utf-8"))
    files = [entry["file"] for entry in manifest if entry["expected_markdown"]]
    theirs = _peer([folder / file for file in files])
    recalls: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for file in files:
        expected = (folder / "expected" / f"{file}.md").read_text("utf-8")
        ours = text_of(folder / file)
        for what, bag in (("token", tokens), ("cell", cells)):
            wanted = bag(expected)
            if not wanted:
                continue
            own, peer = _measured(wanted, bag(ours)), _measured(wanted, bag(theirs[file]))
            yield Row(f"{file}: {what} recall", own[0], peer[0], PEER_NAME)
            yield Row(f"{file}: {what} precision", own[1], peer[1], PEER_NAME)
            if file not in OTHER_TEXT:
                recalls.setdefault((what, "all"), []).append((own[0], peer[0]))
                recalls.setdefault((what, Path(file).suffix), []).append((own[0], peer[0]))
    for (what, kind), pairs in sorted(recalls.items()):
        own_mean, peer_mean = (round(sum(side) / len(side), 4) for side in zip(*pairs, strict=True))
        aim = AIMS.get((what, kind))
        yield Row(f"mean {what} recall, {kind}", own_mean, peer_mean, PEER_NAME, aim)


def text_of(path: Path) -> str:
    """Return all text that our reader makes records of, as Markdown."""
    settled = sniff(path, Source(path=str(path))).source
    said: list[str] = []
    sheets: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for item in read(path, path.name, "0" * 64, settled, Tally()):
        if not isinstance(item, Record):
            continue
        if settled.columns is None or item.parts[-1].text.startswith("|"):
            said += [part.text for part in item.parts]
            continue
        sheet = item.provenance.locator.rsplit(" row ", 1)[0].rsplit("line ", 1)[0]
        row = dict(line.split(": ", 1) for line in item.parts[0].text.split("\n") if ": " in line)
        columns = settled.columns
        beside = ((columns.label, item.label), (columns.timestamp, item.timestamp))
        row |= {name: value for name, value in beside if name and value}
        sheets.setdefault((sheet, *item.parts[0].heading_path), []).append(row)
    for (_, *context), found in sheets.items():
        names = list(dict.fromkeys(name for row in found for name in row))
        shown = ["" if _UNNAMED.fullmatch(name) else name for name in names]
        table = [shown, *([row.get(name, "") for name in names] for row in found)]
        said += [*context, "\n".join(f"| {' | '.join(cells)} |" for cells in table)]
    return "\n\n".join(said)


def _measured(wanted: Counter[str], found: Counter[str]) -> tuple[float, float]:
    """Return recall and precision."""
    both = (wanted & found).total()
    return round(both / wanted.total(), 4), round(both / max(1, found.total()), 4)


def _peer(files: list[Path]) -> dict[str, str]:
    """Return what markitdown makes of the files, by their names.

    It runs in the interpreter at hand, or in an environment of its own, made on first use.
    """
    python = sys.executable
    if importlib.util.find_spec("markitdown") is None:
        home = Path(gettempdir()) / "curator-bench-markitdown"
        python = str(home / "bin" / "python")
        if not (home / "made").exists():
            venv.create(home, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True)
            (home / "made").touch()
    command = [python, "-W", "ignore", "-c", _CONVERT, *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, str] = json.loads(ran.stdout.splitlines()[-1])
    return {Path(path).name: text for path, text in told.items()}


def tokens(markdown: str) -> Counter[str]:
    """Return the tokens of a text with how often each comes."""
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", _IMAGE.sub(" ", _COMMENT.sub(" ", markdown))))
    return Counter(_TOKEN.findall(_LIST_NUMBER.sub(" ", text)))


def cells(markdown: str) -> Counter[str]:
    """Return the filled cells of a text's tables with how often each comes."""
    found: Counter[str] = Counter()
    for line in markdown.splitlines():
        if line.startswith("|") and not _RULE.fullmatch(line):
            texts = re.split(r"(?<!\\)\|", _LINK.sub(r"\1", line))
            found.update(" ".join(t.split()) for t in texts if t.strip())
    return found
