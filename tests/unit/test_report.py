"""The HTML report: what it says, what it must not say, and that it is one closed file."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from curator.report import write_report
from curator.report.comparison import compared
from curator.report.drawings import flow, percent
from curator.report.excerpts import moved
from curator.report.groups import duplicate_groups
from curator.report.page import render
from curator.reviews import append, contents
from curator.rules import load_rules
from curator.types import Edit, Review, Span
from tests.synthetic import POLICY, Made, conversation, document, recipe

if TYPE_CHECKING:
    from pathlib import Path


def funnel_of(made: Made) -> dict[str, Any]:
    fates = [fate.get("action", "keep") for fate in made.fates.values()]
    n = len(made.records)
    return {
        "sources": [
            {
                "uri": "chats.jsonl",
                "units_read": n + 3,
                "records": n,
                "units_in_records": n,
                "units_set_aside": 1,
                "units_quarantined": 2,
            }
        ],
        "units": {"read": n + 3, "in_records": n, "set_aside": 1, "quarantined": 2},
        "set_aside_reasons": {"blank line": 1},
        "quarantine_reasons": {"broken JSON": 2},
        "records": n,
        "decisions": {a: fates.count(a) for a in ("keep", "review", "drop")},
        "drop_rules": {"no-answer": 1},
        "routes": {"instruction": fates.count("keep") - 1, "rag": fates.count("keep")},
        "exports": [{"name": "instruction", "version": "abc123", "rows": {"train.jsonl": 9}}],
        "conserved": True,
    }


def eventful() -> Made:
    """Return a workspace where something of everything was found."""
    made = Made()
    private = made.add(
        conversation(
            "line 1",
            ("user", "我是王小明，手机号13800138000，孩子发烧三天了。"),
            ("assistant", "王小明您好，请先测量体温。"),
        )
    )
    made.hide(private, 0, "王小明", "[姓名1]", "PII001")
    made.hide(private, 0, "13800138000", "[电话1]", "PII002")
    made.hide(private, 1, "王小明", "[姓名1]", "PII001")
    hostile = made.add(
        conversation(
            "line 2",
            ("user", '<script>alert(1)</script> & "quotes" <img src=x onerror=alert(2)>'),
            ("assistant", "That is <b>markup</b>, not an answer."),
            lang="en",
        ),
        action="review",
        instruction=False,
        rag=False,
        rule_ids=["doubtful-answer"],
    )
    answer = hostile.parts[1].text
    whole = Span(1, 0, len(answer))
    made.find(
        "quality",
        hostile,
        "LBL001",
        0.81,
        span=whole,
        evidence={"cosine": 0.123456, "answer_rank": 812},
    )
    one = made.add(
        conversation(
            "line 3",
            ("user", "布洛芬一次吃多少？"),
            ("assistant", "按体重每公斤5毫升，每天不超过4次。"),
        )
    )
    two = made.add(
        conversation(
            "line 4",
            ("user", "布洛芬一次吃多少？"),
            ("assistant", "按体重每公斤10毫升，每天不超过4次。"),
        ),
        action="drop",
        instruction=False,
        rag=False,
        rule_ids=["near-duplicates"],
    )
    made.find(
        "near_duplicates",
        two,
        "DUP002",
        0.86,
        peer_id=one.id,
        evidence={"jaccard": 0.86, "numbers_differ": True},
    )
    empty = made.add(
        conversation("line 5", ("user", "在吗"), ("assistant", "在的")),
        action="drop",
        instruction=False,
        rag=False,
        rule_ids=["no-answer"],
    )
    made.find("quality", empty, "QLT010", 0.9, span=Span(1, 0, 2))
    made.add(document("guide.md", ("heading", "用药", ()), ("paragraph", "多喝水。", ("用药",))))
    made.quarantine = [
        {
            "source_uri": "chats.jsonl",
            "locator": f"line {n}",
            "reason": "broken JSON",
            "raw": b"{SECRET",
            "n_units": 1,
        }
        for n in (7, 9)
    ]
    return made


@pytest.fixture
def report(tmp_path: Path) -> str:
    made = eventful()
    workspace, plan = made.lay(tmp_path)
    out = write_report(
        workspace,
        recipe(),
        POLICY,
        plan,
        funnel_of(made),
        workspace.current_decision(),
        tmp_path / "report.html",
    )
    assert out == tmp_path / "report.html"
    return out.read_text("utf-8")


class Tags(HTMLParser):
    """Collects tags and attributes, and checks that tags are closed in order."""

    VOID = frozenset({"meta", "input", "br", "line", "path", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_one_closed_file(report: str) -> None:
    tags = Tags()
    tags.feed(report)
    assert tags.open == []
    names = {name for name, _ in tags.seen}
    assert not names & {"link", "img", "iframe", "object", "form"}
    for name, attributes in tags.seen:
        assert not [a for a in attributes if a.startswith("on") or a in {"style", "src"}], name
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(
        a["content"] for n, a in tags.seen if a.get("http-equiv") == "Content-Security-Policy"
    )
    style = re.search(r"<style>(.*?)</style>", report, re.DOTALL)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", report, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"; script-src 'sha256-{digest}'; base-uri 'none'" in policy
    assert "http://" not in report
    assert "https://" not in report


def test_text_is_escaped_and_private_details_are_not_there(report: str, tmp_path: Path) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in report
    assert report.count("<script") == 1
    for banned in (
        "王小明",
        "13800138000",
        "SPEAKER",
        "META",
        "SECRET",
        str(tmp_path),
        "2020-01-01",
    ):
        assert banned not in report


def test_the_placeholder_is_what_is_marked(report: str) -> None:
    assert "<mark>[姓名1]</mark>" in report
    assert "<mark>[电话1]</mark>" in report
    assert "<mark>在的</mark>" in report


def test_it_says_what_was_found_decided_and_changed_in_both_languages(report: str) -> None:
    for wanted in (
        "答案可能与问题不符",
        "the answer may not match the question",
        "doubtful-answer",
        "review ≥ 0.6",
        "broken JSON",
        "keep (instruction, rag)",
        '<b class="diff">10</b>',
        "numbers differ",
        "Looked for, and not found",
        "QLT013",
    ):
        assert wanted in report
    assert report.count('class="zh" lang="zh"') == report.count('class="en" lang="en"')


def test_the_same_workspace_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        made = eventful()
        workspace, plan = made.lay(tmp_path / name)
        out = write_report(
            workspace,
            recipe(),
            POLICY,
            plan,
            funnel_of(made),
            workspace.current_decision(),
            tmp_path / f"{name}.html",
        )
        texts.append(out.read_bytes())
    assert texts[0] == texts[1]


def test_a_check_that_did_not_run_says_nothing(tmp_path: Path) -> None:
    made = eventful()
    workspace, plan = made.lay(tmp_path)
    (plan.checks[2].folder / "run.json").unlink()
    out = write_report(
        workspace, recipe(), POLICY, plan, funnel_of(made), None, tmp_path / "r.html"
    )
    text = out.read_text("utf-8")
    assert "state-missing" in text
    assert 'id="QLT010"' not in text
    assert "QLT013" not in text
    assert "nothing is decided yet" in text


def test_an_empty_workspace_has_a_report_too(tmp_path: Path) -> None:
    made = Made()
    workspace, plan = made.lay(tmp_path)
    nothing = {
        "sources": [],
        "units": {"read": 0, "in_records": 0, "set_aside": 0, "quarantined": 0},
        "set_aside_reasons": {},
        "quarantine_reasons": {},
        "records": 0,
        "decisions": None,
        "drop_rules": {},
        "routes": {"instruction": 0, "rag": 0},
        "exports": [],
        "conserved": True,
    }
    text = write_report(
        workspace, recipe(), POLICY, plan, nothing, None, tmp_path / "r.html"
    ).read_text("utf-8")
    assert "there is no redacted view yet" in text


# --- duplicates -------------------------------------------------------------------------


def grouped() -> Made:
    """Return a workspace with a crowd of duplicates, and pairs that stand for several reasons."""
    made = Made()
    answer = "按体重每公斤{}毫升，每天不超过4次。饭后服用，多喝温水，注意休息。"

    def add(n: int, said: str, **fate: Any) -> Any:
        turns = (("user", "布洛芬一次吃多少？"), ("assistant", said))
        return made.add(conversation(f"line {n}", *turns), **fate)

    first = add(1, answer.format(5))
    lost = {"action": "drop", "instruction": False, "rag": False, "survivor_id": first.id}
    copies = [add(n, answer.format(5), **lost) for n in range(2, 12)]
    for copy in copies:
        made.find(
            "near_duplicates",
            copy,
            "DUP001",
            1.0,
            peer_id=first.id,
            evidence={"group_size": 11},
        )
    near = add(20, answer.format(5)[:-6], **lost, rule_ids=["near-duplicates"])
    # Its pair is with a copy, not with the survivor itself.
    made.find(
        "near_duplicates", near, "DUP002", 0.91, peer_id=copies[3].id, evidence={"jaccard": 0.91}
    )
    other = add(21, answer.format(9))
    made.find(
        "near_duplicates",
        other,
        "DUP002",
        0.64,
        peer_id=first.id,
        evidence={"jaccard": 0.93, "numbers_differ": True, "terms_differ": False},
    )
    less = add(22, "请咨询医生，按体重服用，多喝温水，注意休息。")
    made.find("near_duplicates", less, "DUP002", 0.55, peer_id=first.id, evidence={"jaccard": 0.55})
    return made


def test_groups_tell_who_fell_who_stands_and_why(tmp_path: Path) -> None:
    made = grouped()
    workspace, plan = made.lay(tmp_path)
    con = workspace.sql(plan.findings, plan.view_parts)
    exact, near = duplicate_groups(
        con, POLICY, {"DUP001": "near_duplicates", "DUP002": "near_duplicates"}
    )
    first = made.records[0].id
    assert (exact.code, exact.n_groups, exact.n_members) == ("DUP001", 1, 10)
    assert (exact.groups[0].record_id, exact.groups[0].fell) == (first, 10)
    assert {m.state for m in exact.groups[0].members} == {"fell"}
    assert exact.groups[0].hidden == 10 - len(exact.groups[0].members) > 0
    (group,) = near.groups
    assert (group.record_id, group.fell, group.total) == (first, 1, 3)
    told = {m.record_id: (m.state, m.score, m.reasons) for m in group.members}
    assert told == {
        made.records[11].id: ("fell", 0.91, ()),
        made.records[12].id: ("keep", 0.64, ("numbers_differ",)),
        made.records[13].id: ("keep", 0.55, ("under",)),
    }


def test_the_report_shows_groups_and_what_other_thresholds_would_do(tmp_path: Path) -> None:
    made = grouped()
    workspace, plan = made.lay(tmp_path)
    decision = workspace.current_decision()
    policy = load_rules().policy
    text = render(workspace, recipe(), policy, plan, funnel_of(made), decision)
    groups = text[text.index('id="groups-DUP002"') :]
    groups = groups[: groups.index("</article>")]
    for wanted in ("numbers differ", "数字不同", "under the policy", '<b class="diff">9</b>'):
        assert wanted in groups
    assert groups.count('class="member"') == 3
    explorer = text[text.index('id="explore-DUP002"') :]
    explorer = explorer[: explorer.index("</article>")]
    rows = re.findall(r"<tr data-x.*?</tr>", explorer)
    assert len(rows) == 46
    cells = [re.sub(r"<[^>]+>", " ", row).split() for row in rows]
    # At 0.64 the pair whose numbers differ would count, at 0.55 the third one too.
    assert {c[0]: c[1:4] for c in cells if c[0] in ("0.55", "0.64", "0.7")} == {
        "0.55": ["3", "1", "13"],
        "0.64": ["2", "1", "12"],
        "0.7": ["1", "1", "11"],
    }
    assert explorer.count('class="now"') == 1
    assert "policy ≥ 0.65" in explorer


def test_the_parts_that_belong_together_stand_beside_each_other() -> None:
    left = [{"role": "user", "text": "在吗"}, {"role": "user", "text": "发烧三天了怎么办"}]
    right = [{"role": "user", "text": "发烧五天了怎么办"}]
    ours, theirs = compared(left, right)
    assert [r.style for r in ours[0].runs] == ["diff"]
    assert [r.text for r in ours[1].runs if r.style == "diff"] == ["三"]
    assert [r.text for r in theirs[0].runs if r.style == "diff"] == ["五"]


def test_what_is_in_common_is_cut_short_and_the_difference_is_still_shown() -> None:
    common = "多喝水，注意休息，按时吃药，保持空气流通。" * 40
    texts = [f"{common}每天{n}次。{common}" for n in (3, 4)]
    ours, _ = compared(*([{"role": "assistant", "text": text}] for text in texts))
    shown = "".join(run.text for run in ours[0].runs)
    assert "每天3次" in shown
    assert len(shown) < 300
    assert [r.text for r in ours[0].runs if r.style == "diff"] == ["3"]


def test_case_and_width_alone_are_no_difference() -> None:
    ours, theirs = compared(
        [{"role": "user", "text": "Reset the ＷｉＦｉ Router, please"}],
        [{"role": "user", "text": "reset the WiFi router, please"}],
    )
    assert {r.style for r in ours[0].runs + theirs[0].runs} == {"plain"}


# --- excerpts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0, 2), (0, 2)),  # before every edit
        ((4, 7), (4, 9)),  # the very span of an edit: its replacement
        ((5, 6), (4, 9)),  # inside an edit: all of its replacement
        ((8, 10), (10, 12)),  # after the first
        ((4, 14), (4, 14)),  # over both
        ((14, 16), (14, 16)),  # after both
    ],
)
def test_spans_move_with_the_edits(span: tuple[int, int], expected: tuple[int, int]) -> None:
    edits = [Edit(Span(0, 4, 7), "[姓名1]"), Edit(Span(0, 11, 14), "x")]
    assert moved(*span, edits) == expected


def test_comparison_keeps_all_text_and_marks_only_what_differs() -> None:
    left = [{"role": "user", "text": "一次吃5毫升 twice a day"}]
    right = [
        {"role": "user", "text": "一次吃10毫升 twice a day"},
        {"role": "assistant", "text": "好"},
    ]
    ours, theirs = compared(left, right)
    assert "".join(r.text for r in ours[0].runs) == left[0]["text"]
    assert [r.text for r in theirs[0].runs if r.style == "diff"] == ["10"]
    assert [r.style for r in theirs[1].runs] == ["diff"]


# --- drawings ---------------------------------------------------------------------------


def test_small_shares_are_never_nothing() -> None:
    assert percent(1, 100_000) == "<0.1%"
    assert percent(99_999, 100_000) == "99.9%"
    assert percent(0, 10) == "0%"
    assert percent(10, 10) == "100%"


def test_the_flow_names_every_stage_and_escapes() -> None:
    made = eventful()
    drawn = flow(funnel_of(made))
    for wanted in (
        "进入记录",
        "set aside",
        "quarantined",
        "for review",
        "both exports",
        "RAG only",
    ):
        assert wanted in drawn
    assert drawn.count("<svg") == 1


def test_fates_are_told_in_chinese_too(report: str) -> None:
    assert "保留（指令集、检索库）" in report


def test_texts_that_have_nothing_in_common_are_not_painted_over() -> None:
    ours, theirs = compared(
        [{"role": "user", "text": "My son has a fever. What now?"}],
        [{"role": "user", "text": "孩子咳嗽三天了，怎么办？"}],
    )
    assert {r.style for r in ours[0].runs + theirs[0].runs} == {"plain"}


def test_a_judged_answer_is_shown_with_its_question_and_is_not_marked_whole(report: str) -> None:
    example = report[report.index('id="LBL001"') :]
    example = example[: example.index("</article>")]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in example
    assert "not an answer." in example
    assert "<mark>" not in example


# --- what reviewers confirmed ------------------------------------------------------------


def test_the_report_draws_how_often_findings_of_a_score_were_right(tmp_path: Path) -> None:
    made = Made()
    for n in range(12):
        turns = (("user", f"第{n}个孩子发烧怎么办？"), ("assistant", f"第{n}种方法：先量体温。"))
        record = made.add(conversation(f"line {n}", *turns))
        made.find("quality", record, "LBL001", 0.9 if n < 8 else 0.5, span=Span(1, 0, 4))
    workspace, plan = made.lay(tmp_path)
    ids = dict(workspace.sql(plan.findings).sql("SELECT record_id, id FROM findings").fetchall())
    shas = contents(plan, list(ids))
    append(
        workspace,
        [
            Review(r.id, shas[r.id], "verdict", "keep" if n in {0, 9, 10} else "drop",
                   "submitted", "ann", (ids[r.id],), "1")
            for n, r in enumerate(made.records)
        ],
    )  # fmt: skip
    rules = load_rules().policy
    decision = workspace.current_decision()
    text = render(workspace, recipe(), rules, plan, funnel_of(made), decision)
    panel = text[text.index('id="LBL001"') :]
    panel = panel[: panel.index("</article>")]
    drawing = panel[panel.index('<svg class="reliability"') :]
    assert re.findall(r"<title>(.*?)</title>", drawing) == ["0.50: 2 / 4", "0.90: 7 / 8"]
    assert "审核人看过 12 处，其中 9 处属实" in panel
    assert "Reviewers looked at 12 and confirmed 9" in panel
    # The point of 0.9 lies nearly on the diagonal, well above that of 0.5.
    heights = [float(y) for y in re.findall(r'<circle[^>]* cy="([\d.]+)"', drawing)]
    assert heights[0] == pytest.approx(26 + 150 * (1 - 2 / 4))
    assert heights[1] == pytest.approx(26 + 150 * (1 - 7 / 8), abs=0.1)
