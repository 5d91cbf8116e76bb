"""The report in a real browser: nothing fails, nothing strange runs, nothing is fetched."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from curator.report import write_report
from tests.synthetic import POLICY, Made, conversation, document, recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
SYMPTOMS_ZH = ("发烧", "咳嗽", "腹泻", "湿疹", "呕吐", "便秘")
SYMPTOMS_EN = ("fever", "a cough", "diarrhoea", "eczema", "vomiting", "constipation")


def many() -> Made:
    """Return a workspace of some hundred records, with findings of every kind."""
    draw = random.Random(7)
    made = Made()
    for n in range(240):
        zh = n % 3 != 0
        i = draw.randrange(6)
        more = "".join(
            f"第 {k} 天时体温 {37 + k / 10:.1f} 度，精神尚可。" for k in range(draw.randrange(14))
        )
        if zh:
            asked = f"我叫王小明，电话13800138000。孩子{SYMPTOMS_ZH[i]} {n % 9 + 1} 天了。{more}"
            said = (
                f"王小明您好，{SYMPTOMS_ZH[i]}先观察体温，多饮水；超过 38.5℃ 用退热药，不退请就诊。"
            )
        else:
            asked = f"My son has had {SYMPTOMS_EN[i]} for {n % 9 + 1} days. Should we see a doctor?"
            said = (
                f"Watch how he drinks and plays. With {SYMPTOMS_EN[i]} that lasts, do see a doctor."
                * draw.randrange(1, 4)
            )
        fate: dict[str, Any] = {}
        if n % 11 == 0:
            fate = {"action": "review", "rule_ids": ["doubtful-answer"]}
        elif n % 7 == 0:
            fate = {"action": "drop", "rule_ids": ["near-duplicates"]}
        elif n % 23 == 0:
            fate = {"action": "drop", "rule_ids": ["no-answer"]}
        elif n % 19 == 0:
            fate = {"instruction": False, "rule_ids": ["stale-knowledge"]}
        if fate.get("action"):
            fate |= {"instruction": False, "rag": False}
        record = made.add(
            conversation(
                f"line {n + 2}", ("user", asked), ("assistant", said), lang="zh" if zh else "en"
            ),
            **fate,
        )
        if zh:
            made.hide(record, 0, "王小明", "[姓名1]", "PII001")
            made.hide(record, 0, "13800138000", "[电话1]", "PII002")
            made.hide(record, 1, "王小明", "[姓名1]", "PII001")
        if n % 11 == 0 or n % 5 == 0:
            score = round(draw.betavariate(2, 2.4), 3)
            evidence = {"cosine": round(draw.random(), 3), "answer_rank": draw.randrange(900)}
            made.find("quality", record, "LBL001", score, evidence=evidence)
        if n % 7 == 0 and n:
            made.find(
                "near_duplicates",
                record,
                "DUP002",
                round(draw.uniform(0.5, 1), 3),
                peer_id=made.records[n - 6 if n >= 6 else 0].id,
                evidence={"jaccard": round(draw.uniform(0.5, 1), 3), "numbers_differ": True},
            )
        if n % 40 == 1:
            made.find(
                "near_duplicates",
                record,
                "LBL002",
                0.8,
                peer_id=made.records[n - 1].id,
                evidence={"kinds": ["number", "negation"]},
            )
    hostile = made.add(
        conversation(
            "line 900",
            ("user", "<script>alert(1)</script>"),
            ("assistant", "<img src=x onerror=alert(1)>"),
            lang="en",
        ),
        action="drop",
        instruction=False,
        rag=False,
        rule_ids=["no-answer"],
    )
    made.find("quality", hostile, "QLT010", 0.97)
    for name in ("fever.md", "cough.md"):
        made.add(document(name, ("heading", "护理", ()), ("paragraph", "多饮水。" * 40, ("护理",))))
    made.quarantine = [
        {"source_uri": uri, "locator": f"line {n}", "reason": why, "raw": b"", "n_units": 1}
        for uri, n, why in (
            ("chats.jsonl", 31, "broken JSON"),
            ("chats.jsonl", 77, "no user turn"),
            ("fever.md", 3, "bytes that are not gb18030"),
        )
    ]
    made.set_aside = [
        {"source_uri": "chats.jsonl", "locator": f"line {n}", "reason": "blank line", "n_units": 1}
        for n in range(17)
    ]
    return made


def funnel_of(made: Made) -> dict[str, Any]:
    fates = [fate.get("action", "keep") for fate in made.fates.values()]
    conversations = sum(
        1
        for record in made.records
        if record.kind == "conversation"
        and made.fates[record.id].get("action", "keep") == "keep"
        and made.fates[record.id].get("instruction", True)
    )
    sources = []
    for uri in dict.fromkeys(r.provenance.source_uri for r in made.records):
        counts = {
            "units_in_records": sum(r.provenance.source_uri == uri for r in made.records),
            "units_set_aside": sum(row["source_uri"] == uri for row in made.set_aside),
            "units_quarantined": sum(row["source_uri"] == uri for row in made.quarantine),
        }
        sources.append(
            {
                "uri": uri,
                "units_read": sum(counts.values()),
                "records": counts["units_in_records"],
                **counts,
            }
        )
    units = {
        k: sum(s[f"units_{k}"] for s in sources)
        for k in ("read", "in_records", "set_aside", "quarantined")
    }
    return {
        "sources": sources,
        "units": units,
        "set_aside_reasons": {"blank line": 17},
        "quarantine_reasons": {
            "broken JSON": 1,
            "no user turn": 1,
            "bytes that are not gb18030": 1,
        },
        "records": len(made.records),
        "decisions": {a: fates.count(a) for a in ("keep", "review", "drop")},
        "drop_rules": {"near-duplicates": 30},
        "routes": {"instruction": conversations, "rag": fates.count("keep")},
        "exports": [
            {
                "name": "instruction",
                "version": "9f3c1d20ab7e4c55",
                "rows": {"train.jsonl": 160, "validation.jsonl": 18},
            },
            {"name": "rag", "version": "51d07be9a2c8f310", "rows": {"chunks.jsonl": 204}},
        ],
        "conserved": True,
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    made = many()
    workspace, plan = made.lay(folder, part_size=100)
    return write_report(
        workspace,
        recipe(),
        POLICY,
        plan,
        funnel_of(made),
        workspace.current_decision(),
        folder / "report.html",
    )


def driver(*, scripts: bool = True, logs: dict[str, str] | None = None) -> Any:
    if not CHROMIUM or not DRIVER:
        pytest.skip("chromium or chromedriver is absent")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1280,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", logs or {"browser": "ALL"})
    if not scripts:
        setting = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", setting)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    started = driver()
    yield started
    started.quit()


def script(browser: Any, code: str, *values: object) -> Any:
    return browser.execute_script(f"return {code}", *values)


def test_it_opens_without_an_error_and_runs_no_text_of_a_record(
    browser: Any, page: Path, tmp_path: Path
) -> None:
    browser.get(page.as_uri())
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    assert script(browser, "performance.getEntriesByType('resource').length") == 0
    text = browser.find_element("tag name", "main").text
    assert "<script>alert(1)</script>" in text
    assert "<img src=x onerror=alert(1)>" in text
    assert script(browser, "document.scripts.length") == 1
    assert script(browser, "document.images.length") == 0
    assert browser.save_screenshot(str(tmp_path / "report.png"))
    assert (tmp_path / "report.png").stat().st_size > 10_000


def test_style_and_drawings_are_there(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    sizes = script(
        browser,
        "[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect())"
        ".map(r => [r.width, r.height])",
    )
    assert len(sizes) > 8
    assert all(width > 50 and height >= 8 for width, height in sizes)
    assert script(browser, "getComputedStyle(document.querySelector('.page')).display") == "grid"
    assert script(browser, "document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("switch", "shown", "hidden"), [("in-en", "en", "zh"), ("in-zh", "zh", "en")]
)
def test_one_language_is_shown_at_a_time(
    browser: Any, page: Path, switch: str, shown: str, hidden: str
) -> None:
    browser.get(page.as_uri())
    script(browser, "document.getElementById(arguments[0]).click()", switch)
    visible = (
        "[...document.querySelectorAll('.' + arguments[0])]"
        ".filter(e => e.getClientRects().length).length"
    )
    assert script(browser, visible, shown) > 40
    assert script(browser, visible, hidden) == 0


def test_dark_and_light_differ(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    paper = []
    for switch in ("as-light", "as-dark"):
        script(browser, "document.getElementById(arguments[0]).click()", switch)
        paper.append(script(browser, "getComputedStyle(document.body).backgroundColor"))
    assert paper[0] != paper[1]


def test_the_slider_shows_the_figures_of_the_table(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    box = browser.find_element("id", "explore-DUP002")
    slide = box.find_element("css selector", "input[type=range]")
    assert slide.is_displayed()
    shown = "[...arguments[0].querySelectorAll('[data-shows]')].map(e => e.textContent)"
    at = "arguments[0].querySelector('.cursor').getAttribute('transform')"
    before, place = script(browser, shown, box), script(browser, at, box)
    assert before[0] == "0.7", "the policy's threshold comes first"
    slide.send_keys(*["\ue012"] * 10)  # ten times to the left
    after = script(browser, shown, box)
    rows = script(
        browser,
        "[...arguments[0].querySelectorAll('tbody tr')]"
        ".map(r => [...r.cells].map(c => c.textContent))",
        box,
    )
    assert after[0] == "0.6"
    assert after in rows
    assert after != before
    assert script(browser, at, box) != place
    more = int(after[3].replace(",", "")) - int(before[3].replace(",", ""))
    change = script(browser, "arguments[0].querySelector('[data-change]').textContent", box)
    assert change == f"+{more}"


def test_without_scripts_the_table_is_there(page: Path) -> None:
    plain = driver(scripts=False)
    try:
        plain.get(page.as_uri())
        box = plain.find_element("id", "explore-DUP002")
        assert not box.find_element("css selector", "input[type=range]").is_displayed()
        cells = box.find_elements("css selector", "tbody tr:first-child td")
        assert cells[0].text == "0.5"
        assert all(c.text for c in cells)
    finally:
        plain.quit()


def test_examples_can_be_searched_and_filtered(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    shown = (
        "[...document.querySelectorAll('#findings .example')]"
        ".filter(e => e.getClientRects().length).map(e => e.textContent)"
    )
    codes = (
        "[...document.querySelectorAll('#findings article.code')]"
        ".filter(e => e.getClientRects().length).map(e => e.id)"
    )
    everything = script(browser, codes)
    box = browser.find_element("id", "find-text")
    assert box.is_displayed()
    box.send_keys("湿疹")
    found = script(browser, shown)
    assert found
    assert all("湿疹" in text for text in found)
    assert int(browser.find_element("id", "found").text) == len(found)
    box.clear()
    box.send_keys("no such words anywhere")
    assert script(browser, shown) == []
    box.clear()
    box.send_keys(" ")
    script(browser, "document.getElementById('find-family').value = 'DUP'")
    box.send_keys(" ")
    assert set(script(browser, codes)) == {c for c in everything if c.startswith("DUP")}
    script(browser, "document.getElementById('find-family').value = ''")
    score = browser.find_element("id", "find-score")
    score.clear()
    score.send_keys("0.9")
    scores = "[...document.querySelectorAll('#findings .example')].filter(e => e.getClientRects().length).map(e => +e.dataset.score)"
    assert script(browser, scores)
    assert min(script(browser, scores)) >= 0.9
