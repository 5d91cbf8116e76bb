"""The page about Ray tells the same in both languages, and only what there is."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.integration.test_docs import blocks
from tests.ray.clusters import starts


def test_both_pages_show_the_same_commands() -> None:
    assert blocks("docs/ray.md", "sh") == blocks("docs/ray.zh-CN.md", "sh") != []
    sections = [
        len(re.findall(r"^## ", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE))
        for name in ("docs/ray.md", "docs/ray.zh-CN.md")
    ]
    assert sections[0] == sections[1]


def test_the_page_starts_a_head_without_a_dashboard_and_without_telemetry() -> None:
    head, other = starts()
    assert "--head" in head
    assert "--include-dashboard=false" in head
    assert "--disable-usage-stats" in head
    assert "--disable-usage-stats" in other
