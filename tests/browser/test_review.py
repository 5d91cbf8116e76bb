"""A review from end to end, in the real Argilla and a real browser: what is clicked is what is exported."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from curator.review.server.state import running
from curator.workspace import Workspace, read_json
from tests.browser.test_report import driver
from tests.review_server import server_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Curator = Callable[..., Any]

HELD = 500
REFUSED = 30
WITHIN = 40.0
CORRECTED = "蚕豆病的孩子不要用这类药，请让医生另开。"
ASKED = {
    "fix": "孩子有蚕豆病，发烧能吃这种药吗？",
    "drop": "孩子起了荨麻疹，要不要忌口？",
    "keep": "孩子查出川崎病，还能打疫苗吗？",
}
REFUSAL = (
    "作为一个人工智能语言模型，我不能看病。一般来说，先让孩子休息，少量多次喝温水，衣服不要穿得太厚；"
    "房间里每天开窗两次，每次二十分钟。如果精神变差、尿少、呼吸急促，或者三天后仍不见好，请带上病历去儿科门诊，"
    "由医生听诊之后再决定是否用药。"
)
SOUND = "How long may my son stay at home with a cold?"
CHECKS = ("semantic_duplicates", "near_duplicates", "contradictions", "category_labels", "outliers")


def conversations() -> list[tuple[str, str]]:
    """Questions and answers: all but the last are cut off in the middle, or refuse."""
    draw = random.Random(5)
    said = [
        (question, "先看精神和尿量，每四小时量一次体温并记下来，") for question in ASKED.values()
    ]
    trouble = ("发烧", "咳嗽", "腹泻", "湿疹", "呕吐", "便秘", "流鼻涕", "耳朵疼")
    asked: set[str] = set()
    while len(asked) < HELD - len(said):
        who = draw.choice(("宝宝", "孩子", "我家女儿", "小外甥"))
        asked.add(f"{who}{draw.randrange(3, 40)}个月，{draw.choice(trouble)}三天了怎么办？")
    for n, question in enumerate(sorted(asked)):
        if n < REFUSED:
            answer = REFUSAL
            said.append((question, answer))
        else:
            said.append((question, f"可以在家观察{draw.randrange(2, 48)}小时，注意有没有加重，"))
    return [*said, (SOUND, "Until he has been free of fever for a day; then he may go out again.")]


@pytest.fixture
def project(tmp_path: Path, curator: Curator) -> Path:
    """A project with 500 records held for review, and one that is sound."""
    chats = tmp_path / "chats.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in conversations()
    ]
    chats.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = tmp_path / "project"
    curator("init", folder, "--from", chats)
    recipe = folder / "curator.yaml"
    off = "".join(f"\n  {name}: false" for name in CHECKS)
    recipe.write_text(recipe.read_text("utf-8").replace("checks: {}", f"checks:{off}"), "utf-8")
    curator("run", folder, "--workers", "2")
    return folder


@pytest.fixture
def served(project: Path, curator: Curator) -> Iterator[Any]:
    """The project's own server, started as its user would."""
    server_python()
    curator("review", "serve", "-p", project, "--port", "0", "--reviewer", "anna", "--detach")
    try:
        yield running(Workspace(project))
    finally:
        curator("review", "stop", "-p", project)


class Page:
    """Argilla's page as a reviewer uses it: by what stands on it."""

    def __init__(self, browser: Any, shots: Path) -> None:
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        self.browser, self.shots = browser, shots
        self._css, self.keys = By.CSS_SELECTOR, Keys

    def one(self, selector: str) -> Any:
        return self.browser.find_element(self._css, selector)

    @property
    def text(self) -> str:
        return " ".join(self.one("body").text.split())

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait for the page to be as it is said to become."""
        from selenium.common.exceptions import WebDriverException

        end = time.monotonic() + WITHIN
        while True:
            try:
                if got := holds():
                    return got
            except (WebDriverException, StopIteration):
                pass
            assert time.monotonic() < end, f"the page did not become so: {self.text[:400]}"
            time.sleep(0.2)

    def click(self, selector: str, begins: str = "") -> None:
        """Click what begins so."""

        def clicked() -> bool:
            found = self.browser.find_elements(self._css, selector)
            next(e for e in found if e.text.strip().startswith(begins)).click()
            return True

        self.until(clicked)

    def becomes(self, *told: str) -> None:
        """Wait until the page says all of this."""
        self.until(lambda: all(part in self.text for part in told))

    def shot(self, name: str) -> None:
        assert self.browser.save_screenshot(str(self.shots / f"{name}.png"))

    def afresh(self, left: int = HELD) -> None:
        """Open the whole queue of the dataset again."""
        self.browser.get(self.browser.current_url.partition("?")[0])
        self.becomes(f"1 of {left}")

    def search(self, words: str) -> None:
        field = self.until(lambda: self.one("input.search-area__input"))
        if not field.is_displayed():
            self.click("button[data-title=Search]")
        self.until(field.is_displayed)
        field.clear()
        field.send_keys(words, self.keys.ENTER)

    def answer(self, verdict: str) -> None:
        """Choose a verdict and submit."""
        self.click(f"label[for=verdict_{verdict}]")
        self.until(lambda: self.one("button.button--submit").is_enabled())
        self.click("button.button--submit")


def test_what_is_clicked_is_what_is_exported(
    project: Path, served: Any, curator: Curator, tmp_path: Path
) -> None:
    pushed = json.loads(curator("review", "push", "-p", project, "--json").stdout)
    assert (pushed["held"], pushed["sent"]) == (HELD, HELD)
    account = read_json(served.password_file)["reviewers"][0]
    browser = driver()
    page = Page(browser, tmp_path)
    try:
        browser.get(served.url)
        page.until(lambda: page.one("input")).send_keys(account["username"])
        page.one("input[type=password]").send_keys(account["password"], page.keys.ENTER)
        page.becomes("Your datasets", pushed["dataset"])
        page.click("a, .dataset-card, [class*=dataset] h1, [class*=card]", pushed["dataset"])
        page.becomes(f"1 of {HELD}")
        page.shot("queue")
        _looks_for(page)
        _answers(page)
    finally:
        browser.quit()
    pulled = json.loads(curator("review", "pull", "-p", project, "--json").stdout)
    assert pulled["decision"]["counts"]["review"] == HELD - 3
    curator("export", "instruction", "-p", project)
    latest = project / "exports" / "instruction" / "latest"
    rows = [
        json.loads(line)
        for split in ("train", "validation")
        for line in (latest / f"{split}.jsonl").read_text("utf-8").splitlines()
    ]
    told = {row["messages"][0]["content"]: row["messages"][1]["content"] for row in rows}
    given = dict(conversations())
    kept, sound = ASKED["keep"], SOUND
    assert told == {ASKED["fix"]: CORRECTED, kept: given[kept], sound: given[sound]}
    (path,) = latest.glob("*.preferences.jsonl")
    pairs = path.read_text("utf-8").splitlines()
    assert [json.loads(p)["chosen"][0]["content"] for p in pairs] == [CORRECTED]


def _looks_for(page: Page) -> None:
    """Search a Chinese word, filter by a code, sort by the score, find similar ones."""
    page.search("湿疹")
    page.until(lambda: f"of {HELD}" not in page.text and "湿疹" in page.text)
    page.shot("search")
    page.afresh()

    page.click("button.filter-button__button", "Filters")
    page.click("button", "Metadata")
    page.click("button.category__item", "发现")
    page.click(".dropdown__content label", "LBL004")
    page.becomes(f"1 of {REFUSED}", "(LBL004")
    page.shot("filter")
    page.afresh()

    page.click("button.filter-button__button", "Sort")
    page.click("button.sort-categories__item", "可疑程度")
    page.becomes(f"1 of {HELD}", "(LBL004 0.")
    page.click("button.sort-selector-item__direction")
    page.becomes(f"1 of {HELD}", "(LBL006 0.75")
    page.shot("sort")
    page.one("body").send_keys(page.keys.ESCAPE)

    page.click("button", "Find similar")
    page.click(".similarity-filter__buttons button", "Find")
    page.becomes("50 Most Similar to", "1 of 50", "%")
    page.shot("similar")


def _answers(page: Page) -> None:
    """Correct an answer, drop one record, keep one."""
    for n, (verdict, asked) in enumerate(ASKED.items()):
        page.afresh(HELD - n)
        page.search(f'"{asked[3:7]}"')
        page.becomes("1 of 1 ", asked)
        if verdict == "fix":
            page.click("p#contentId[contenteditable]")
            page.one("p#contentId[contenteditable]").send_keys(CORRECTED)
            page.becomes(CORRECTED)
        page.shot(verdict)
        page.answer(verdict)
        page.becomes(f"Submitted {n + 1}")
