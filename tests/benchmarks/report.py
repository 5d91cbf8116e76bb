"""The report of 100,000 records: what it costs to write, and how soon it can be used in a browser.

The records are those of the duplicate benchmark, Chinese and English in halves, through the checks
that need no model. Usable is a page whose document is loaded, that shows the list of codes, and that
has answered a search: from the navigation on, the median of five loads in headless Chromium.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.generate import invented, planted, real
from tests.benchmarks.harness import Row, arguments, measured, report
from tests.browser.test_report import CHROMIUM, DRIVER, driver

if TYPE_CHECKING:
    from collections.abc import Iterator

N = 100_000
LOADS = 5
RECIPE = """\
name: many
sources: [{path: chats.jsonl}]
checks: {pii: false, mentions: false, semantic_duplicates: false, contradictions: false,
  label_issues: false, category_labels: false, outliers: false, volatility: false,
  contamination: false}
"""
_USABLE = """
const done = arguments[arguments.length - 1];
const ask = () => {
  const loaded = performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
  const field = document.getElementById("find-text");
  field.value = arguments[0];
  const began = performance.now();
  field.dispatchEvent(new Event("input", {bubbles: true}));
  requestAnimationFrame(() => setTimeout(() => done({
    loaded, searched: performance.now() - began, usable: performance.now(),
    said: document.getElementById("found").textContent,
  }), 0));
};
const wait = () => document.readyState === "complete" ? ask() : setTimeout(wait, 1);
wait();
"""


def rows(data: Path) -> Iterator[str]:
    """Yield the records as lines of JSON, a Chinese one and an English one by turns."""
    pools = {lang: real(data, lang) for lang in ("zh", "en")}
    for lang, pool in pools.items():
        if not pool.questions:
            pools[lang] = invented(lang, N // 4)
    made = [planted(pools[lang], lang, N // 2) for lang in ("zh", "en")]
    for pair in zip(*made, strict=True):
        for row in pair:
            yield json.dumps({"question": row.question, "answer": row.answer}, ensure_ascii=False)


def prepare(root: Path, data: Path) -> None:
    """Make a project of 100,000 records and do all that comes before a report."""
    (root / "chats.jsonl").write_text("\n".join(rows(data)) + "\n", encoding="utf-8")
    (root / "curator.yaml").write_text(RECIPE, encoding="utf-8")
    for verb in ("ingest", "check", "decide"):
        command = [sys.executable, "-m", "curator", verb, "--project", str(root)]
        subprocess.run(command, capture_output=True, check=True)


def write(root: Path) -> None:
    """Write the report in a process of its own, as a user does."""
    command = [sys.executable, "-m", "curator", "report", "--project", str(root)]
    subprocess.run(command, capture_output=True, check=True)


def opened(page: Path) -> list[dict[str, Any]]:
    """Open the page in headless Chromium again and again; return the milliseconds of each time."""
    browser = driver()
    try:
        found = []
        for _ in range(LOADS):
            browser.get("about:blank")
            browser.get(page.as_uri())
            told = browser.execute_async_script(_USABLE, "ab")
            if not told["said"]:
                sys.exit("the search was not answered")
            found.append(told)
        return found
    finally:
        browser.quit()


def main() -> None:
    """Measure and report."""
    given = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root, given.data.resolve())
        rows_of_page(root, as_json=given.json)


def rows_of_page(root: Path, *, as_json: bool) -> None:
    """Measure a project that is decided."""
    written = measured(write, root)
    page = root / "report.html"
    # Without a browser there is no figure of it, rather than none at all.
    loads = opened(page) if CHROMIUM and DRIVER else []
    told = subprocess.run(
        [sys.executable, "-m", "curator", "status", "--json", "--project", str(root)],
        capture_output=True,
        check=True,
    )
    first = round(loads[0]["usable"] / 1000, 3) if loads else None
    loaded, searched, usable = (
        round(median(load[key] for load in loads) / 1000, 3) if loads else None
        for key in ("loaded", "searched", "usable")
    )
    report(
        "report",
        [
            Row("records", json.loads(told.stdout)["records"]),
            Row("size of the page, MB", round(page.stat().st_size / 1e6, 2)),
            Row("write it, CPU seconds", written.cpu_seconds),
            Row("write it, wall seconds", written.wall_seconds),
            Row("write it, peak MB", written.peak_mb),
            Row("usable at the first load, seconds", first),
            Row("document loaded, seconds", loaded),
            Row("a search answered, seconds", searched),
            Row("usable after the navigation, seconds", usable, aim="<= 2"),
        ],
        as_json=as_json,
    )


if __name__ == "__main__":
    main()
