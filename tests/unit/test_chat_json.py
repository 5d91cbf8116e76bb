"""Chats exported as JSON: recognised by their content, and what each message becomes."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.schema import Chat, Source
from curator.sources import Tally, beside, read, sniff
from curator.tables import file_sha256, records_table
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent.parent / "data" / "chats_json"
Item = Record | Quarantined | SetAside


def items(path: Path, content: str | bytes | None = None, **settings: Any) -> list[Item]:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = sniff(path, Source(path=str(path), **settings)).source
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read
    ids = [record.id for record in records(found)]
    assert len(set(ids)) == len(ids)
    assert records_table(records(found)).num_rows == len(ids)  # they can be stored
    assert all("\n" not in item.locator for item in found if not isinstance(item, Record))
    return found


def records(found: list[Item]) -> list[Record]:
    return [item for item in found if isinstance(item, Record)]


def turns(record: Record) -> list[tuple[str, str | None, str]]:
    return [(part.role, part.speaker, part.text) for part in record.parts]


def told(found: list[Item]) -> list[tuple[str, str]]:
    return [(i.locator, i.reason) for i in found if not isinstance(i, Record)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conversations.json", "chatgpt"),
        ("telegram.json", "telegram"),
        ("telegram_account.json", "telegram"),
        ("slack/售后/2024-05-01.json", "slack"),
        ("slack/users.json", "slack-list"),
        ("slack/channels.json", "slack-list"),
        ("discord.json", "discord"),
        ("zendesk.json", "tickets"),
        ("intercom.jsonl", "tickets"),
    ],
)
def test_known_by_content_whatever_the_layout(tmp_path: Path, name: str, kind: str) -> None:
    path = DATA / name
    assert sniff(path, Source(path=name)).source.format == kind
    if kind == "slack-list":  # which go by their names too
        return
    other = tmp_path / "export"
    if path.suffix == ".json":
        for indent in (None, 4):
            other.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=indent))
            assert sniff(other, Source(path="export")).source.format == kind
    other.write_text(path.read_text("utf-8"), encoding="utf-16")
    assert sniff(other, Source(path="export")).source.format == kind


@pytest.mark.parametrize(
    "content",
    [
        '[{"type": "message", "text": "hi", "ts": "today"}]',
        '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}',
        '[{"question": "a", "comments": [{"text": "no ticket"}], "answer": "b"}]',
        '[{"prompt": "draw {\\"mapping\\": {}}", "completion": "no"}]',
    ],
)
def test_what_only_looks_like_an_export_is_a_table(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    columns = {"columns": {"user": "text"}} if "today" in content else {}
    assert sniff(path, Source(path="a.json", **columns)).source.format in ("json", "jsonl")


# --- ChatGPT ------------------------------------------------------------------------------


def test_chatgpt_follows_the_branch_of_the_current_node() -> None:
    found = items(DATA / "conversations.json")
    assert told(found) == [
        ("conversation c-1 (line 1) node a1", "a branch that was left"),
        ("conversation c-1 (line 1) message root", "a node without a message"),
        ("conversation c-1 (line 1) message s1", "a hidden message"),
        ("conversation c-1 (line 1) message t1", "the model's thoughts"),
        ("conversation c-2 (line 2) message r", "a node without a message"),
        ("conversation c-3 (line 3)", "a conversation without messages"),
    ]
    menu, count = records(found)
    assert turns(menu) == [
        ("user", None, "番茄炒蛋怎么做？"),
        ("assistant", None, "先炒蛋，盛出；再炒番茄，合炒。"),
        ("user", None, "这样对吗？"),
        ("assistant", None, "对。"),
    ]
    assert menu.meta == {"title": "周末菜谱", "model": "gpt-4o", "pictures": "1"}
    assert (menu.timestamp, menu.lang, menu.n_units) == ("2024-05-01T08:00:00+00:00", "zh", 4)
    assert turns(count)[1:3] == [
        ("assistant", None, "len('to be or not'.split())"),
        ("tool", "python", "4"),
    ]


def test_chatgpt_trees_that_are_damaged(tmp_path: Path) -> None:
    def node(name: str, parent: str | None, role: str, text: str) -> dict[str, Any]:
        body = {"content_type": "text", "parts": [text]}
        message = {"id": name, "author": {"role": role}, "content": body}
        return {"id": name, "message": message, "parent": parent, "children": []}

    ring = {"a": node("a", "b", "user", "round"), "b": node("b", "a", "assistant", "and round")}
    strange = {"q": node("q", None, "narrator", "who?"), "r": node("r", "q", "user", "half \ud83d")}
    alone = {"x": node("x", None, "assistant", "nobody asked")}
    export = [
        {"title": "ring \ud83d", "mapping": ring, "current_node": "b"},
        {"mapping": strange, "current_node": "gone"},
        {"mapping": alone, "current_node": "x"},
        {"title": "no tree", "mapping": None},
        "no object",
    ]
    found = items(tmp_path / "conversations.json", json.dumps(export, indent=1))
    (record,) = records(found)
    assert turns(record) == [("user", None, "round"), ("assistant", None, "and round")]
    assert record.meta == {"title": "ring ?"}
    assert [reason for _, reason in told(found)] == [
        "a message without a known role",
        "half a surrogate pair",
        "no user turn",
        "a conversation without a tree",
        "not a JSON object",
    ]


# --- Telegram -----------------------------------------------------------------------------


def test_telegram_one_chat() -> None:
    found = items(DATA / "telegram.json")
    assert told(found) == [
        ("message 1 (line 6)", "system line"),
        ("message 4 (line 39)", "media"),
        ("line 1", "about the export"),
    ]
    (record,) = records(found)
    assert turns(record) == [
        ("user", "林小满", "路线见 地图 (https://maps.example/r7)，@zhoutong 能来吗？"),
        ("assistant", "周同", "能，几点集合？"),
        ("assistant", "id 903", "Seven, at the bridge."),
    ]
    assert (record.timestamp, record.meta) == ("2024-05-01T09:00:00", {"conversation": "周六骑行"})
    assert record.provenance.locator == "message 2 (line 18)"


def test_what_nobody_said_is_kept_where_the_recipe_says_so() -> None:
    found = items(DATA / "telegram.json", chat=Chat(keep=("media",)))
    (record,) = records(found)
    assert turns(record)[1] == ("assistant", "周同", "能，几点集合？\n[voice_message]")
    assert record.n_units == 4
    assert ("message 1 (line 6)", "system line") in told(found)


def test_telegram_a_whole_account() -> None:
    found = items(DATA / "telegram_account.json")
    assert [(r.meta, [p.text for p in r.parts]) for r in records(found)] == [
        ({"conversation": "Tong"}, ["Is the shop open?", "Until nine."]),
        ({"conversation": "saved_messages"}, ["记得买链条油"]),
    ]
    assert [reason for _, reason in told(found)] == ["about the export"] * 4


def test_a_broken_message_costs_no_other_and_a_cut_is_told(tmp_path: Path) -> None:
    text = (DATA / "telegram.json").read_text("utf-8")
    broken = text.replace('"id": 3,\n', '"id": 3\n')
    found = items(tmp_path / "a.json", broken)
    assert told(found)[1] == ("line 28 (broken at line 30 column 4)", "broken JSON")
    assert [p.speaker for r in records(found) for p in r.parts] == ["林小满", "id 903"]
    assert told(items(tmp_path / "b.json", text[: text.index('"photo"')]))[-2:] == [
        ("line 51 (broken at line 59 column 4)", "broken JSON"),
        ("line 1", "broken JSON"),
    ]


def test_a_long_export_is_streamed_message_by_message() -> None:
    from curator.sources.tables.json_values import inside

    one = {"id": 1, "type": "message", "date": "2024-05-01T09:00:00", "from": "a", "text": "b" * 90}
    text = json.dumps({"name": "n", "type": "personal_chat", "id": 1, "messages": [one] * 5000})
    taken = 0

    def pieces() -> Any:
        nonlocal taken
        for start in range(0, len(text), 1000):
            taken += 1
            yield text[start : start + 1000]

    stream = inside(pieces(), ("messages",))
    assert next(stream).value == one
    assert taken < 5
    assert sum(1 for _ in stream) == 5000  # the other messages, and the chat itself


# --- Slack --------------------------------------------------------------------------------


def test_slack_threads_names_and_marks() -> None:
    found = items(DATA / "slack/售后/2024-05-01.json")
    assert told(found) == [
        ("message 1714550300.000100 (line 2)", "system line"),
        ("message 1714550430.000500 (line 6)", "media"),
        ("message 1714550450.000700 (line 8)", "recalled message"),
    ]
    thread, rest = records(found)
    assert turns(thread) == [
        (
            "user",
            "阿文",
            "@Dana Reyes 订单 A17 & A18 能退吗？见 订单页 (https://shop.example/a17)",
        ),
        ("assistant", "Dana Reyes", "可以，七天内。"),
    ]
    assert thread.meta == {"conversation": "售后 1714550400.000200"}
    assert turns(rest) == [
        ("user", "阿文", "Lunch at #售后, @here?"),
        ("assistant", "deploybot", "Build 7\ngreen"),
    ]


@pytest.mark.parametrize("users", [None, "[{broken", '{"no": "list"}', '[{"id": 7}, "x"]'])
def test_slack_without_a_list_of_users(tmp_path: Path, users: str | None) -> None:
    (tmp_path / "c").mkdir()
    shutil.copy(DATA / "slack/售后/2024-05-01.json", tmp_path / "c/2024-05-01.json")
    if users is not None:
        (tmp_path / "users.json").write_text(users)
    thread, _ = records(items(tmp_path / "c/2024-05-01.json"))
    assert [part.speaker for part in thread.parts] == ["U01", "U02"]


def day(folder: Path, date: str, *said: tuple[str, str, str, str | None]) -> Path:
    """Write a day of a channel: stamp, user, text, thread."""
    folder.mkdir(exist_ok=True)
    messages = [
        {"type": "message", "ts": ts, "user": user, "text": text}
        | ({"thread_ts": thread} if thread else {})
        for ts, user, text, thread in said
    ]
    path = folder / f"{date}.json"
    path.write_text(json.dumps(messages, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def slack_weeks(folder: Path) -> list[Path]:
    a, b, c = "1714550400.000100", "1714550500.000100", "1714636900.000100"
    return [
        day(folder, "2024-05-01", (a, "U1", "怎么退货？", a), (b, "U2", "Is the shop open?", b),
            ("1714550600.000100", "U1", "中午吃什么？", None)),
        day(folder, "2024-05-02", ("1714636800.000100", "U3", "七天内都可以退。", a), (c, "U1", "When is lunch?", c)),
        day(folder, "2024-05-20", ("1716192000.000100", "U2", "Found it: open from nine.", b),
            ("1716192100.000100", "U1", "谢谢，已经退了。", a), ("1716192200.000100", "U2", "", a)),
    ]  # fmt: skip


def folder_items(path: Path) -> list[Item]:
    """Read a file as one of a folder that is the source."""
    source = sniff(path, Source(path=str(path.parent.parent))).source
    tally = Tally()
    found = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in found) == tally.units_read
    return found


def test_a_slack_thread_over_several_days_is_one(tmp_path: Path) -> None:
    first, second, third = slack_weeks(tmp_path / "售后")
    found = folder_items(first)
    threads = sorted(records(found), key=lambda r: str(r.timestamp))
    assert [(turns(r), r.n_units) for r in threads] == [
        ([("user", "U1", "怎么退货？"), ("assistant", "U3", "七天内都可以退。"), ("user", "U1", "谢谢，已经退了。")], 1),
        ([("user", "U2", "Is the shop open?\nFound it: open from nine.")], 1),
        ([("user", "U1", "中午吃什么？")], 1),
    ]  # fmt: skip
    assert threads[0].parts[1].locator == "2024-05-02.json message 1714636800.000100 (line 2)"
    assert told(folder_items(second)) == [
        ("message 1714636800.000100 (line 2)", "told in the thread that begins in 2024-05-01.json")
    ]
    assert [reason for _, reason in told(folder_items(third))] == [
        "told in the thread that begins in 2024-05-01.json",
        "told in the thread that begins in 2024-05-01.json",
        "an empty message",
    ]
    assert not records(folder_items(third))


def test_a_slack_day_that_is_named_alone_keeps_what_it_says(tmp_path: Path) -> None:
    *_, third = slack_weeks(tmp_path / "售后")
    assert [turn for r in records(items(third)) for turn in turns(r)] == [
        ("user", "U2", "Found it: open from nine."),
        ("user", "U1", "谢谢，已经退了。"),
    ]


def test_a_slack_day_is_read_again_when_its_threads_go_on(tmp_path: Path) -> None:
    first, second, _ = slack_weeks(tmp_path / "售后")
    source = Source(path=str(tmp_path))
    before, other = beside(first, source), beside(second, source)
    assert len(before) == 2
    day(
        tmp_path / "售后",
        "2024-05-21",
        ("1716278400.000100", "U3", "不客气。", "1714550400.000100"),
    )
    assert len(beside(first, source)) == 3
    assert len(other) == 2
    assert len(beside(second, source)) == 3
    assert beside(first, Source(path=str(first))) == []


# --- Discord ------------------------------------------------------------------------------


def test_discord() -> None:
    found = items(DATA / "discord.json")
    assert told(found) == [
        ("message 9000 (line 7)", "system line"),
        ("message 9004 (line 11)", "media"),
        ("line 1", "about the export"),
    ]
    (record,) = records(found)
    assert turns(record) == [
        ("user", "Mika", "Can I trade on another player's turn?"),
        ("assistant", "老李", "只有轮到的人可以发起交易。"),
        ("assistant", "rulesbot", "Trading\nRule 7.2\nPage: 12"),
    ]
    assert record.meta == {"conversation": "rules-help"}


# --- tickets ------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [True, False])
def test_names_of_zendesk_users_come_from_the_list_beside(tmp_path: Path, listed: bool) -> None:  # noqa: FBT001
    shutil.copy(DATA / "zendesk.json", tmp_path / "tickets.json")
    more = {"time_zone": "Beijing", "email": "x@example.org"}
    users: Any = [
        {"id": 31, "name": "林小雨", "role": "end-user", **more},
        {"id": 77, "name": "Dana Reyes", "role": "agent", **more},
        {"id": 78},
        "x",
    ]
    path = tmp_path / "users.json"
    path.write_text(
        json.dumps(users if listed else {"users": users, "count": 4}, ensure_ascii=False)
    )
    assert turns(records(items(tmp_path / "tickets.json"))[0]) == [
        ("user", "林小雨", "发票抬头写错了，能改吗？"),
        ("assistant", "Dana Reyes", "可以改。\n请发正确的抬头 & 税号。"),
    ]
    assert sniff(path, Source(path="users.json")).source.format == "ticket-users"
    found = items(path)
    assert not records(found)
    assert [reason for _, reason in told(found)][:3] == ["about the export"] * 3
    assert beside(tmp_path / "tickets.json", Source(path=str(tmp_path))) == [file_sha256(path)]


def test_zendesk() -> None:
    found = items(DATA / "zendesk.json")
    assert told(found) == [
        ("ticket 501 (line 2) comment 2", "a note that the customer does not see"),
        ("line 1", "about the export"),
    ]
    invoice, parcel = records(found)
    assert turns(invoice) == [
        ("user", "31", "发票抬头写错了，能改吗？"),
        ("assistant", "77", "可以改。\n请发正确的抬头 & 税号。"),
    ]
    assert invoice.meta == {"ticket": "501", "status": "solved", "tags": "invoice, zh"}
    assert turns(parcel) == [("user", None, "Late parcel\nMy parcel has not come.")]


def test_intercom_a_ticket_a_line() -> None:
    found = items(DATA / "intercom.jsonl")
    assert told(found) == [
        ("ticket 8801 (line 1) comment p2", "system line"),
        ("ticket 8801 (line 1) comment p3", "a note that the customer does not see"),
    ]
    first, second = records(found)
    assert turns(first) == [
        ("user", "Ola Berg", "How do I reset my password?"),
        ("assistant", "Fin", "Open Settings.\nPress “Reset”."),
        ("user", "Ola Berg", "It worked, thanks!"),
    ]
    assert first.timestamp == "2024-05-01T08:00:00+00:00"
    assert turns(second) == [
        ("user", "许一", "怎么开发票？"),
        ("assistant", "Ines", "订单页里点“开票”。"),
    ]


def test_one_ticket_and_tickets_in_all_wrappings(tmp_path: Path) -> None:
    ticket = json.loads((DATA / "zendesk.json").read_text("utf-8"))["tickets"][0]
    for content in (ticket, [ticket], {"results": [ticket]}):
        (record,) = records(items(tmp_path / "a.json", json.dumps(content)))
        assert [part.role for part in record.parts] == ["user", "assistant"]
    lines = json.dumps(ticket) + '\n{"id": 9, "comments": [{"bo\n' + json.dumps(ticket | {"id": 7})
    found = items(tmp_path / "a.jsonl", lines)
    assert [r.meta["ticket"] for r in records(found)] == ["501", "7"]
    assert told(found)[1][1] == "broken JSON"


# --- preference rows ----------------------------------------------------------------------

TALK = "\n\nHuman: 能退货吗？\n\nAssistant: 几天前买的？\n\nHuman: 三天。\n\nAssistant: "


@pytest.mark.parametrize(
    ("row", "expected", "rejected"),
    [
        (
            {"prompt": "2+2?", "chosen": "4", "rejected": "5"},
            [("user", "2+2?"), ("assistant", "4")],
            "5",
        ),
        (
            {"question": "你好吗", "chosen": "很好", "rejected": "不好"},
            [("user", "你好吗"), ("assistant", "很好")],
            "不好",
        ),
        (
            {"chosen": f"{TALK}能。", "rejected": f"{TALK}不能。"},
            [("user", "能退货吗？"), ("assistant", "几天前买的？"), ("user", "三天。"),
             ("assistant", "能。")],
            f"{TALK}不能。",
        ),
        (
            {"prompt": "Hi", "chosen": [{"role": "user", "content": "Hi"},
                                        {"role": "assistant", "content": "Hello"}],
             "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go"}]},
            [("user", "Hi"), ("assistant", "Hello")],
            '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go"}]',
        ),
        (
            {"prompt": [{"role": "user", "content": "Hi"}],
             "chosen": [{"role": "assistant", "content": "Hello"}],
             "rejected": [{"role": "assistant", "content": "走开"}]},
            [("user", "Hi"), ("assistant", "Hello")],
            '[{"role": "assistant", "content": "走开"}]',
        ),
        (
            {"conversations": [{"from": "human", "value": "几点？"}],
             "chosen": {"from": "gpt", "value": "九点。"}, "rejected": {"from": "gpt", "value": "不知道"}},
            [("user", "几点？"), ("assistant", "九点。")],
            '{"from": "gpt", "value": "不知道"}',
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["jsonl", "array"])
def test_preference_rows_keep_what_was_rejected(
    tmp_path: Path, row: dict[str, Any], expected: list[tuple[str, str]], rejected: str, form: str
) -> None:
    content = json.dumps([row] if form == "array" else row, ensure_ascii=False)
    (record,) = records(items(tmp_path / "a.json", content))
    assert [(p.role, p.text) for p in record.parts] == expected
    assert record.meta["rejected"] == rejected


# --- damage -------------------------------------------------------------------------------

SAMPLES = {
    name: (DATA / name).read_bytes()
    for name in (
        *("conversations.json", "telegram.json", "telegram_account.json", "discord.json"),
        *("zendesk.json", "intercom.jsonl", "slack/售后/2024-05-01.json"),
    )
}
FORMAT_OF = {
    "conversations.json": "chatgpt",
    "telegram.json": "telegram",
    "telegram_account.json": "telegram",
    "discord.json": "discord",
    "zendesk.json": "tickets",
    "intercom.jsonl": "tickets",
    "slack/售后/2024-05-01.json": "slack",
}
JUNK = [b"", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\\", b"\xff", b"null", b'"\\ud800"',
        b"1e999", b'{"id": 1}', b'[{"text": 3}]', b'"x": 1,', b"\xef\xbb\xbf", b"NaN"]  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 60), st.sampled_from(JUNK)),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_is_cut_out_or_put_in_no_unit_is_lost(
    name: str, wounds: list[tuple[float, int, bytes]]
) -> None:
    content = SAMPLES[name]
    for where, length, junk in wounds:
        at = int(where * len(content))
        content = content[:at] + junk + content[at + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.json"
        items(path, content or b" ", format=FORMAT_OF[name], encoding="utf-8")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.integers(0, 10_000),
    st.sampled_from(
        [
            None,
            True,
            -7,
            1e300,
            "",
            "\x00",
            [],
            {},
            [None],
            [[]],
            {"a": None},
            "2" * 40,
            [{}],
            10**30,
        ]
    ),
)
def test_whatever_type_a_value_has_nothing_breaks(name: str, which: int, strange: Any) -> None:
    lines = [SAMPLES[name]] if name.endswith(".json") else SAMPLES[name].splitlines()
    values = [json.loads(line) for line in lines]
    places = list(_places(values))
    inside, key = places[which % len(places)]
    inside[key] = strange
    text = "\n".join(json.dumps(value) for value in values)
    with tempfile.TemporaryDirectory() as folder:
        items(Path(folder) / "strange.json", text, format=FORMAT_OF[name], encoding="utf-8")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def test_an_empty_list_of_a_slack_export_holds_nothing(tmp_path: Path) -> None:
    assert items(tmp_path / "groups.json", "[]\n") == []


def test_an_answer_alone_among_whole_talks_is_answered_to_its_prompt(tmp_path: Path) -> None:
    rows = [{"prompt": None, "chosen": f"{TALK}能。", "rejected": f"{TALK}不能。"}] * 3
    rows.append({"prompt": "Open on Sunday?", "chosen": "Yes.", "rejected": "No."})
    found = records(items(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))))
    assert [len(record.parts) for record in found] == [4, 4, 4, 2]
    assert turns(found[3]) == [("user", None, "Open on Sunday?"), ("assistant", None, "Yes.")]
