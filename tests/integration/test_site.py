"""The site builds without a warning, its links lead somewhere, and it fetches nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag

import pytest

from tests.conftest import ROOT, run_line

if TYPE_CHECKING:
    from pathlib import Path

PAGES = sorted(
    path
    for folder in ("docs/jobs", "docs")
    for path in (ROOT / folder).glob("*.md")
    if folder == "docs/jobs" or path.name.startswith("first-hour")
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return folder


class Links(HTMLParser):
    """The ids of a page, where it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.ids.update(given[key] for key in ("id", "name") if key in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("img", "script", "iframe") and "src" in given:
            self.loads.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            self.loads.append(given["href"])


def test_every_internal_link_leads_to_a_page_and_a_place(site: Path) -> None:
    pages = {path: Links(path.read_text("utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 80
    broken = []
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            if re.match(r"[a-z]+:", link) or path.name == "404.html":
                continue
            name, anchor = urldefrag(link)
            target = (path.parent / unquote(name)).resolve() if name else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists() or (
                anchor and target in pages and unquote(anchor) not in pages[target].ids
            ):
                broken.append((str(path.relative_to(site)), link))
    assert broken == []


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for loaded in Links(path.read_text("utf-8")).loads:
            assert not re.match(r"(?:https?:)?//", loaded), (path, loaded)
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", path.read_text("utf-8")), path


def test_every_finding_code_has_a_page(site: Path) -> None:
    from curator.checks import codes

    for code in codes():
        assert (site / "codes" / f"{code}.html").is_file()


def test_the_pages_about_jobs_come_in_both_languages_with_the_same_commands() -> None:
    names = {path.name for path in PAGES}
    for path in PAGES:
        if path.name.endswith(".zh-CN.md"):
            continue
        other = path.with_name(path.name.replace(".md", ".zh-CN.md"))
        assert other.name in names
        assert shell(path) == shell(other)


def shell(path: Path) -> list[str]:
    blocks = re.findall(
        r"^ *```sh\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_every_command_of_these_pages_runs(tmp_path: Path) -> None:
    from tests.integration.test_readme import chat

    chat(tmp_path)
    ran: set[str] = set()
    # A project first, then what is done with it; to erase comes last.
    order = ["first-hour.md", "clean-chats.md", "rules.md", "audit.md", "erase.md"]
    for name in order:
        page = next(path for path in PAGES if path.name == name)
        assert shell(page)
        for line in shell(page):
            if line in ran:
                continue
            ran.add(line)
            run_line(line, tmp_path)
