"""Argilla's own pages in a real browser, on our server: log in, search, filter, answer."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_report import driver
from tests.review.argilla import CHAT, TEXT, choice, scope, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.review.conftest import Served

WITHIN = 30.0


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    started = driver(logs={"browser": "ALL", "performance": "ALL"})
    yield started
    started.quit()


def until(holds: Callable[[], Any]) -> Any:
    """Wait for a page to be as it is said to become."""
    from selenium.common.exceptions import WebDriverException

    end = time.monotonic() + WITHIN
    while True:
        try:
            if got := holds():
                return got
        except WebDriverException:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "the page did not become so"
        time.sleep(0.2)


def asked_hosts(browser: Any) -> set[str]:
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    urls = [
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent"
    ]
    return {url.split("/")[2] for url in urls if url.startswith("http")}


def complaints(browser: Any) -> list[str]:
    """What the browser's console complains of since it was last asked."""
    return [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]


def test_a_reviewer_logs_in_searches_and_answers(
    served: Served, browser: Any, tmp_path: Path
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    owned = served.owner.dataset(
        "pages", fields={"question": TEXT, "chat": CHAT}, questions={"verdict": choice()}
    )
    hostile = (
        "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    )
    said = ("孩子发烧怎么办", "小儿湿疹能用激素药膏吗", f"refund {hostile}")
    owned.push(
        [
            {
                "external_id": f"r{n}",
                "fields": {"question": text, "chat": [{"role": "user", "content": text}]},
            }
            for n, text in enumerate(said)
        ]
    )
    account = next(a for a in served.accounts["reviewers"] if a["username"] == "anna")

    def one(selector: str) -> Any:
        return browser.find_element(By.CSS_SELECTOR, selector)

    def text() -> str:
        return " ".join(one("body").text.split())

    browser.get(served.server.url)
    until(lambda: one("input[name=username], input")).send_keys(account["username"])
    one("input[type=password]").send_keys(account["password"], Keys.ENTER)
    until(lambda: "pages" in text() and "Your datasets" in text())
    assert browser.save_screenshot(str(tmp_path / "datasets.png"))
    assert "Hugging" not in text()
    assert "imdb" not in text(), "no examples from elsewhere"

    browser.get(f"{served.server.url}/dataset/{owned.id}/annotation-mode")
    until(lambda: "1 of 3" in text())
    one("button[data-title=Search]").click()
    until(lambda: one("input.search-area__input").is_displayed())
    one("input.search-area__input").send_keys("湿疹", Keys.ENTER)
    until(lambda: "1 of 1" in text() and "小儿湿疹" in text())
    assert browser.save_screenshot(str(tmp_path / "search.png"))
    until(lambda: one("label[for=verdict_fix]")).click()
    until(lambda: one("button.button--submit, [class*=submit]").is_enabled())
    one("body").send_keys(Keys.ENTER)
    fixed = terms(scope("response", question="verdict"), "fix")
    anna = owned.seen_by(served.reviewer("anna"))
    assert until(lambda: anna.search(filters=[fixed])[0]) == ["r1"]

    assert complaints(browser) == []

    browser.get(f"{served.server.url}/dataset/{owned.id}/annotation-mode?page=2&status=pending")
    until(lambda: "refund" in text())
    kept_out = until(lambda: complaints(browser))
    assert browser.title != "hacked"
    assert [
        told for told in kept_out if "violates the following Content Security" not in told
    ] == []
    assert asked_hosts(browser) == {f"127.0.0.1:{anna.user.where.port}"}
