"""The pictures in the README and the docs: taken of the demo in a real browser.

With CURATOR_PICTURES=write they are put into docs/images; else they are only taken, so that
it is known that they can be.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from curator.review.server.state import running
from curator.workspace import Workspace, read_json
from tests.browser.test_report import driver, script
from tests.browser.test_review import Page
from tests.conftest import ROOT
from tests.review_server import server_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IMAGES = ROOT / "docs" / "images"
SIZE = (1280, 860)
BLANK = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    started = driver()
    started.set_window_size(SIZE[0], SIZE[1] + 140)
    yield started
    started.quit()


def keep(picture: bytes, name: str, tmp_path: Path) -> Path:
    """Write a picture in few colours, which is small."""
    image = pytest.importorskip("PIL.Image")
    write = os.environ.get("CURATOR_PICTURES") == "write"
    path = (IMAGES if write else tmp_path) / name
    with image.open(io.BytesIO(picture)) as opened:
        opened.convert("RGB").quantize(128).save(path, optimize=True)
    return path


@pytest.mark.parametrize(("name", "language"), [("report-zh.png", "zh"), ("report-en.png", "en")])
def test_the_report(browser: Any, demo: Path, name: str, language: str, tmp_path: Path) -> None:
    browser.get((demo / "report.html").as_uri())
    script(browser, "document.getElementById(arguments[0]).click()", f"in-{language}")
    path = keep(browser.get_screenshot_as_png(), name, tmp_path)
    assert 20_000 < path.stat().st_size < 200_000


def test_the_review_page(
    browser: Any, demo: Path, curator: Callable[..., Any], tmp_path: Path
) -> None:
    server_python()
    project = tmp_path / "sample"
    shutil.copytree(demo, project)
    curator("review", "serve", "-p", project, "--port", "0", "--reviewer", "anna", "--detach")
    try:
        server = running(Workspace(project))
        assert server is not None
        pushed = json.loads(curator("review", "push", "-p", project, "--json").stdout)
        account = read_json(server.password_file)["reviewers"][0]
        page = Page(browser, tmp_path)
        browser.get(server.url)
        page.until(lambda: page.one("input")).send_keys(account["username"])
        page.one("input[type=password]").send_keys(account["password"], page.keys.ENTER)
        page.becomes("Your datasets", pushed["dataset"])
        page.click("a, .dataset-card, [class*=dataset] h1, [class*=card]", pushed["dataset"])
        page.becomes(f"1 of {pushed['held']}", "为什么送审", "what becomes of it")
        # The questions slide in.
        page.until(lambda: page.one("button.button--submit").is_displayed())
        path = keep(browser.get_screenshot_as_png(), "review.png", tmp_path)
    finally:
        curator("review", "stop", "-p", project)
    assert 20_000 < path.stat().st_size < 200_000


def test_the_home_of_the_docs(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    pytest.importorskip("material", reason="the extra docs is not installed")
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", site],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        check=True,
    )
    browser.get((site / "index.html").as_uri())
    # A first picture of a busy machine is blank.
    WebDriverWait(browser, 60).until(lambda page: len(page.get_screenshot_as_png()) > BLANK)
    path = keep(browser.get_screenshot_as_png(), "docs-home.png", tmp_path)
    assert 20_000 < path.stat().st_size < 200_000


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readmes_show_pictures_that_are_there(page: str) -> None:
    import re

    shown = re.findall(r"!\[[^\]]+\]\((docs/images/[^)]+)\)", (ROOT / page).read_text("utf-8"))
    assert shown
    assert "docs/images/review.png" in shown
    for name in shown:
        start = (ROOT / name).read_bytes()[:12]
        assert start.startswith(b"\x89PNG") or start[8:] == b"WEBP", name
