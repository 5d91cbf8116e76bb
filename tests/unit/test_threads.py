"""Interleaved threads come apart by replies, mentions, time and who speaks with whom."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.sources.chats import threads
from curator.sources.chats.messages import Message
from curator.sources.chats.threads import BEGINS, GOES_ON, WINDOW, Threads

if TYPE_CHECKING:
    from pathlib import Path

Line = tuple[float, str, str]


def placed(*lines: Line, within: float = 360) -> list[int]:
    """The thread of each line (minute, speaker, text), named by the thread's first line."""
    room = Threads()
    return [
        room.place(Message("", text, speaker=speaker), minute, number, within=within)
        for number, (minute, speaker, text) in enumerate(lines)
    ]


@pytest.mark.parametrize(
    "lines",
    [
        [
            (0, "ann", "my wifi drops every hour"),
            (0, "bob", "how do i mount an ntfs disk?"),
            (1, "cat", "ann: which card is it?"),
            (1, "dan", "bob, sudo mount -t ntfs-3g /dev/sdb1 /mnt"),
            (2, "ann", "cat: intel ax200"),
            (2, "bob", "dan: thanks, that worked"),
        ],
        [
            (0, "阿芳", "宝宝发烧38.5要吃药吗？"),
            (1, "王大明", "物业的电话是多少？"),
            (2, "李姐", "@阿芳先物理降温"),
            (3, "老周", "王大明：88886666"),
            (4, "阿芳", "@李姐 烧到39了呢"),
            (5, "王大明", "谢谢老周"),
        ],
        [
            (0, "Ann Lee", "who is on call tonight?"),
            (0, "Bob", "is the lift broken?"),
            (1, "Cat", "@Ann Lee Kim is"),
            (1, "Dan", "@bob yes, since noon"),
            (2, "Ann Lee", "@Cat thanks"),
            (2, "Bob", "@Dan oh no"),
        ],
    ],
)
def test_who_is_addressed_tells(lines: list[Line]) -> None:
    assert placed(*lines) == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "lines",
    [
        [
            (0, "ann", "the printer on floor two prints blank pages"),
            (1, "bob", "is the canteen open on friday?"),
            (2, "cat", "change the printer cartridge, blank pages mean it is empty"),
            (3, "dan", "the canteen closes at two on friday"),
        ],
        [
            (0, "阿芳", "二楼打印机打出来都是空白"),
            (1, "大明", "周五食堂开门吗？"),
            (2, "李姐", "打印机墨盒空白了就要换"),
            (3, "老周", "周五食堂两点关门"),
        ],
    ],
)
def test_rare_words_that_come_again_tell(lines: list[Line]) -> None:
    assert placed(*lines) == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "lines",
    [
        [
            (0, "阿芳", "请问宝宝发烧38.5要吃药吗？"),
            (2, "李姐", "可以先物理降温，多喝水"),
            (3, "大明", "明天的团购谁要？"),
            (4, "小陈", "我要一份"),
        ],
        [
            (0, "Ann", "Does anyone know a good dentist nearby?"),
            (3, "Bob", "I go to the one on Mill Street, very gentle"),
            (5, "Cat", "Who is bringing the tent on Saturday?"),
            (8, "Dan", "I can bring mine"),
        ],
    ],
)
def test_in_a_quiet_group_an_answer_follows_its_question(lines: list[Line]) -> None:
    assert placed(*lines) == [0, 0, 2, 2]


def test_friends_who_plan_one_thing_stay_together() -> None:
    lines = [
        (0, "A君", "周末去爬山吗"),
        (1, "B君", "去啊"),
        (1, "C君", "我也去"),
        (2, "A君", "那八点集合"),
        (3, "B君", "好"),
    ]
    assert placed(*lines) == [0] * 5


def test_nothing_said_before_the_silence_is_gone_on_from() -> None:
    lines = [(0, "ann", "is it raining?"), (61, "bob", "ann: yes"), (62, "ann", "bob: thanks")]
    assert placed(*lines, within=60) == [0, 1, 1]
    assert placed(*lines, within=90) == [0, 0, 0]


def test_a_reply_that_names_its_message_stands_above_all_else() -> None:
    room = Threads()
    said = [
        Message("", "which printer?", speaker="ann", id="1"),
        Message("", "which scanner?", speaker="bob", id="2"),
        Message("", "ann: that printer", speaker="cat", id="3", reply_to="2"),
        Message("", "no, which?", speaker="bob", id="4", reply_to="3"),
        Message("", "the grey one", speaker="cat", id="5", reply_to="unknown"),
    ]
    found = [room.place(one, minute, minute, within=360) for minute, one in enumerate(said)]
    assert found == [0, 1, 1, 1, 1]
    assert room.place(Message("", "oh", speaker="dan", reply_to="1"), 9_999, 5, within=1) == 0


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("bob: hi", "bob"),
        ("Bob, hi", "bob"),
        ("小李：在吗", "小李"),
        ("小李，在吗", "小李"),
        ("hi @bob", "bob"),
        ("问下@小李在吗", "小李"),
        ("@Ann Lee hello", "ann lee"),
        ("@Ann Leeds hello", "ann"),
        ("@bobby hello", None),
        ("mail me at x@bob please", None),
        ("kim: hi", None),
        ("10:30, then", None),
        ("me: hi", None),
        ("@me @bob hi", "bob"),
    ],
)
def test_only_known_speakers_are_addressed(text: str, to: str | None) -> None:
    room = Threads()
    for number, name in enumerate(["Bob", "小李", "Ann", "Ann Lee", "me"]):
        room.place(Message("", "hello", speaker=name), 0, number, within=9)
    assert room._addressed(text, "me")[0] == to


def test_names_in_running_text_unless_they_are_everyday_words() -> None:
    room = Threads()
    for number, name in enumerate(["张医生", "home", "阿芳"]):
        room.place(Message("", "好", speaker=name), 0, number, within=9)
    assert room._look(Message("", "谢谢张医生和阿芳", speaker="x"), 0).names == {"张医生", "阿芳"}
    assert room._look(Message("", "drive home now", speaker="x"), 0).names == {"home"}
    for number in range(4):
        room.place(Message("", "my home folder", speaker="kim"), 0, number, within=9)
    assert room._look(Message("", "drive home now", speaker="x"), 0).names == set()


def test_each_weight_has_its_feature() -> None:
    room = Threads()
    room.place(Message("", "hello", speaker="ann"), 0, 0, within=9)
    here = room._look(Message("", "hello", speaker="bob"), 0)
    assert len(room.begins(here)) == len(BEGINS)
    assert len(room.goes_on(here, room._recent[0])) == len(GOES_ON)


def test_memory_does_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "REMEMBERED", 100)
    room = Threads()

    def say(number: int) -> None:
        one = Message(
            "", f"alike word{number} @n{number - 1}", speaker=f"n{number}", id=str(number)
        )
        room.place(one, number, number, within=360)

    for number in range(3000):
        say(number)
        assert len(room._words) <= 1000
        assert max(map(len, (room._people, room._ids))) <= 100
        assert max(map(len, (room._recent, room._threads))) <= WINDOW
    assert max(len(thread.words) for thread in room._threads.values()) <= 102
    assert room._words["alike"] > 100


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 500),
            st.sampled_from(["ann", "bob", "小李", "", None]),
            st.text(max_size=12) | st.sampled_from(["@ann", "bob: ", "小李：", "?"]),
            st.sampled_from([None, "1", "2"]),
            st.sampled_from([None, "1", "2"]),
        ),
        max_size=80,
    )
)
def test_whatever_is_said_a_thread_is_one_that_was_begun(lines: list[tuple]) -> None:  # type: ignore[type-arg]
    room, begun, now = Threads(), set(), 0.0
    for number, (wait, speaker, text, own_id, reply_to) in enumerate(lines):
        now += wait
        one = Message("", text, speaker=speaker, id=own_id, reply_to=reply_to)
        thread = room.place(one, now, number, within=360)
        assert thread == number or thread in begun
        begun.add(thread)


def test_human_links_of_real_logs_are_found_far_better_than_by_order(real_data: Path) -> None:
    from tests.benchmarks.chats import _gold, _links, _previous, scores

    with gzip.open(real_data / "chat" / "ubuntu_irc_raw.jsonl.gz", "rt", encoding="utf-8") as file:
        logs = [json.loads(line)["messages"] for line in file]
    gold = [_gold(log) for log in logs]
    ours = scores(gold, [_links(log) for log in logs])
    peer = scores(gold, [_previous(log) for log in logs])
    assert ours.f1 > 0.55 > peer.f1
    assert ours.one_to_one > 0.65 > peer.one_to_one
    assert ours.vi > 0.8 > peer.vi


def test_the_measures_on_links_done_by_hand() -> None:
    from tests.benchmarks.chats import scores

    gold = [(1, 1), (2, 1), (3, 3), (4, 3)]
    right = scores([gold], [gold])
    assert right == (1, 1, 1, pytest.approx(1), 1, 1)
    one = scores([gold], [[(1, 1), (2, 1), (3, 2), (4, 3)]])
    assert one[:3] == (0.75, 0.75, 0.75)
    assert (one.vi, one.one_to_one, one.exact) == (pytest.approx(0.5), 0.5, 0)
