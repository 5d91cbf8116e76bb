"""Messages as conversations: sessions, merged turns, roles, and nothing lost on the way."""

from __future__ import annotations

import string
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.pairs import pairs
from curator.schema import Chat, Recipe, Source, load
from curator.sources.chats import assembly
from curator.sources.chats.messages import Message
from curator.sources.chats.times import gap, minutes
from curator.sources.conversations import Shape
from curator.sources.formats import Reading
from curator.sources.tally import Tally
from curator.types import Part, Provenance, Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item


def assembled(said: Sequence[Said], *, whole: bool = False, **chat: Any) -> list[Item]:
    source = Source(path="x", chat=Chat(**chat))
    reading = Reading(Path("x"), "utf-8", source, Shape("x", "sha", source), Tally())
    return list(assembly.assemble(said, reading, whole=whole))


def told(*lines: str, **more: Any) -> list[Message]:
    """Messages of lines that read `10:05 name: text`; locators are line numbers."""
    found = []
    for number, line in enumerate(lines, 1):
        time, _, rest = line.partition(" ")
        speaker, _, text = rest.partition(": ")
        raw = f"{line}\n".encode()
        found.append(Message(f"line {number}", text, raw, speaker or None, time, **more))
    return found


def talks(found: Sequence[Item]) -> list[list[tuple[str, str]]]:
    """The conversations, each as roles and texts."""
    return [[(p.role, p.text) for p in r.parts] for r in found if isinstance(r, Record)]


# --- turns --------------------------------------------------------------------------------


def test_messages_in_a_row_are_one_turn_with_the_locator_of_the_first() -> None:
    (record,) = assembled(
        told(
            "9:00 小王: 你好",
            "9:01 小王: 有货吗",
            "9:02 客服: 有的",
            "9:02 客服: 要几件",
            "9:03 小王: 两件",
        )
    )
    assert isinstance(record, Record)
    assert [(p.role, p.speaker, p.locator, p.text) for p in record.parts] == [
        ("user", "小王", "line 1", "你好\n有货吗"),
        ("assistant", "客服", "line 3", "有的\n要几件"),
        ("user", "小王", "line 5", "两件"),
    ]
    assert (record.provenance.locator, record.timestamp, record.n_units) == ("line 1", "9:00", 5)


def test_notices_are_set_aside_unless_they_are_kept() -> None:
    said = [
        Message("line 1", "Ann joined", notice="system line"),
        Message("line 2", "[photo]", speaker="Ann", notice="media"),
        Message("line 3", "is this mould?", speaker="Ann"),
        Message("line 4", "yes", speaker="Bob"),
    ]
    out = assembled(said)
    assert [(i.locator, i.reason) for i in out if isinstance(i, SetAside)] == [
        ("line 1", "system line"),
        ("line 2", "media"),
    ]
    assert talks(out) == [[("user", "is this mould?"), ("assistant", "yes")]]
    kept = talks(assembled(said, keep=("system line", "media")))
    assert kept == [
        [("system", "Ann joined"), ("user", "[photo]\nis this mould?"), ("assistant", "yes")]
    ]


@pytest.mark.parametrize("name", ["系统", "系統消息", "System", "[system message]"])
def test_what_the_program_says_is_no_turn(name: str) -> None:
    out = assembled(told(f"9:00 {name}: Ann joined", "9:01 Ann: hello?"))
    assert [i.reason for i in out if isinstance(i, SetAside)] == ["system line"]
    assert talks(out) == [[("user", "hello?")]]


# --- sessions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chat", "more", "n"),
    [
        ({}, {}, 2),
        ({"gap_minutes": 600}, {}, 1),
        ({"gap_minutes": 3}, {}, 3),
        ({}, {"conversation": "a room"}, 2),
        ({"gap_minutes": 60}, {"conversation": "a room"}, 2),
        ({"line": "(?P<conversation>.)(?P<speaker>.)(?P<text>.)"}, {"conversation": "7"}, 1),
        ({"line": "(?P<speaker>.)(?P<text>.)"}, {}, 2),
    ],
)
def test_a_silence_ends_a_session(chat: dict[str, Any], more: dict[str, Any], n: int) -> None:
    said = told("9:00 Ann: is it open?", "9:05 Bob: yes", "15:30 Ann: and now?", **more)
    assert len(talks(assembled(said, **chat))) == n


def test_conversations_with_names_of_their_own_are_whole() -> None:
    said = told("9:00 Ann: is it open?", "17:00 Bob: no", conversation="ticket 1")
    assert len(talks(assembled(said))) == 2
    assert len(talks(assembled(said, whole=True))) == 1
    assert len(talks(assembled(said, whole=True, gap_minutes=60))) == 2


def test_an_answer_that_names_its_message_comes_back_after_a_silence() -> None:
    said = [
        Message("1", "may I return it?", speaker="Ann", time="2024-05-01 09:00", id="a"),
        Message(
            "2", "yes, in 30 days", speaker="Bob", time="2024-05-02 12:00", id="b", reply_to="a"
        ),
        Message("3", "lovely weather", speaker="Bob", time="2024-05-03 12:00", id="c"),
    ]
    assert [len(talk) for talk in talks(assembled(said))] == [2, 1]


def test_channels_go_on_side_by_side_and_come_in_the_order_of_their_beginnings() -> None:
    said = [
        Message(str(i), f"{room} {i}", speaker="Ann", conversation=room, time=f"9:{i:02}")
        for i, room in enumerate(["退货", "parcels", "parcels", "退货"])
    ]
    out = assembled(said)
    assert talks(out) == [[("user", "退货 0\n退货 3")], [("user", "parcels 1\nparcels 2")]]
    assert [r.meta for r in out if isinstance(r, Record)] == [
        {"conversation": "退货"},
        {"conversation": "parcels"},
    ]


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "HELD", 3_000)
    said = [
        Message(str(i), "x" * 50, b"y" * 50, speaker="Ann", conversation=str(i % 50))
        for i in range(200)
    ]
    source = Source(path="x")
    reading = Reading(Path("x"), "utf-8", source, Shape("x", "sha", source), Tally())
    taken, out, most = 0, 0, 0

    def counted() -> Any:
        nonlocal taken
        for message in said:
            taken += 1
            yield message

    for item in assembly.assemble(counted(), reading):
        most = max(most, taken - out)
        out += item.n_units
    assert out == 200
    assert most <= 12


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ("2024-05-01 23:50", "2024-05-02T00:10:00+08:00", 20),
        ("2024年5月1日 上午9:00", "2024/5/1 21:10", 730),
        ("11/05/2024, 23:59", "12/05/2024, 00:01", 2),  # day first or month first, but a night
        ("5/11/24, 11:59 PM", "5/12/24, 12:01 AM", 2),
        ("12/05/2024 10:00", "13/05/2024 10:00", 1440),
        ("May 1, 2024 at 9:00 AM", "1 May 2024 09:30", 30),
        ("Wed, 01 May 2024 10:00:00 +0000", "Thu, 2 May 2024 10:00", 1440),
        ("23:55", "00:05", 10),
        ("10:05", "10:00", 0),
        ("10:00", "2024-05-01 11:00", 0),
        ("1714550400", "1714550460000", 1),
        ("31/31/2024 10:00", "2024-05-01 11:00", 0),
        ("昨天", "今天", 0),
    ],
)
def test_the_time_between_two_messages(before: str, after: str, between: float) -> None:
    assert gap(minutes(before), minutes(after)) == pytest.approx(between)


# --- roles --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("staff", "asker"),
    [
        ("客服小美", "小王"),
        ("张医生", "阿芳"),
        ("李大夫", "李四"),
        ("王醫師", "陳太太"),
        ("Dr. Smith", "Ann"),
        ("DrLee", "Ann"),
        ("Support Agent 2", "Drew"),
        ("support_bot", "Ann"),
        ("智能机器人", "小王"),
        ("阳光旗舰店", "tb_8842"),
        ("店主老周", "小王"),
        ("卖家", "小王"),
        ("客户经理小陈", "小王"),
        ("Linda", "Customer"),
        ("Linda", "访客3021"),
        ("小美", "患者家属"),
        ("Patient Support", "Ann"),
    ],
)
def test_names_tell_who_answers_whoever_speaks_first(staff: str, asker: str) -> None:
    greeting = told(f"9:00 {staff}: 您好", f"9:01 {asker}: 在吗", f"9:02 {staff}: 在的")
    assert talks(assembled(greeting)) == [
        [("assistant", "您好"), ("user", "在吗"), ("assistant", "在的")]
    ]
    asking = told(f"9:00 {asker}: anybody there?", f"9:01 {staff}: yes")
    assert talks(assembled(asking)) == [[("user", "anybody there?"), ("assistant", "yes")]]


@pytest.mark.parametrize("name", ["Talbot", "Agentha", "Aidan", "Adrian", "Supporto", "小玉"])
def test_names_that_only_look_like_a_role_tell_nothing(name: str) -> None:
    assert talks(assembled(told(f"9:00 {name}: a?", "9:01 Kim: b"))) == [
        [("user", "a?"), ("assistant", "b")]
    ]


def test_the_recipe_and_the_export_stand_above_names() -> None:
    said = told("9:00 客服: 请问", "9:01 小王: 答")
    assert talks(assembled(said, assistant="小王")) == [[("user", "请问"), ("assistant", "答")]]
    said = [
        Message("1", "you are kind", role="system"),
        Message("2", "q", speaker="Support", role="user"),
        Message("3", "{}", role="tool"),
        Message("4", "a", speaker="Ann", role="assistant"),
    ]
    assert talks(assembled(said)) == [
        [("system", "you are kind"), ("user", "q"), ("tool", "{}"), ("assistant", "a")]
    ]


@pytest.mark.parametrize(
    "greeting",
    [
        "您好，很高兴为您服务",
        "请问有什么可以帮您？",
        "歡迎光臨！",
        "Hello, how can I help you today?",
        "Thank you for contacting us.",
    ],
)
def test_who_offers_service_answers_and_is_known_from_then_on(greeting: str) -> None:
    said = told(
        f"9:00 Lily: {greeting}", "9:01 Ann: it broke", "19:00 Lily: is it fixed?", "19:01 Ann: yes"
    )
    assert talks(assembled(said)) == [
        [("assistant", greeting), ("user", "it broke")],
        [("assistant", "is it fixed?"), ("user", "yes")],
    ]


@pytest.mark.parametrize(
    "question",
    [
        "how can I help my child sleep?",
        "蜂蜜对咳嗽有什么帮助吗？",
        "有什么可以帮助睡眠的食物",
        "thank you for calling me back",
    ],
)
def test_a_question_about_help_is_no_offer_of_service(question: str) -> None:
    said = told(f"9:00 Ann: {question}", "9:01 Bob: warm milk")
    assert talks(assembled(said)) == [[("user", question), ("assistant", "warm milk")]]


def test_of_two_who_both_ask_and_answer_the_first_is_the_user() -> None:
    said = told("9:00 Ann: a?", "9:01 Bob: b. And c?", "9:02 Ann: d. And e?", "9:03 Bob: f")
    assert [role for role, _ in talks(assembled(said))[0]] == ["user", "assistant"] * 2


def test_colleagues_among_themselves_and_an_untouched_greeting() -> None:
    said = told("9:00 王医生: 这个片子怎么看", "9:01 李医生: 像是肺炎")
    assert talks(assembled(said)) == [[("user", "这个片子怎么看"), ("assistant", "像是肺炎")]]
    (lonely,) = assembled(told("9:00 客服: 您好", "9:01 客服: 在吗"))
    assert isinstance(lonely, Quarantined)
    assert (lonely.locator, lonely.reason, lonely.n_units) == ("line 1", "no user turn", 2)
    assert lonely.raw.decode() == "9:00 客服: 您好\n9:01 客服: 在吗\n"


# --- groups -------------------------------------------------------------------------------


def test_threads_of_a_group_come_apart_and_in_each_the_first_asks() -> None:
    said = told(
        "9:00 阿芳: 请问宝宝发烧38.5要吃药吗？",
        "9:01 大明: 物业的电话是多少？",
        "9:02 李姐: @阿芳 先物理降温",
        "9:03 老周: @大明 88886666",
        "9:04 阿芳: @李姐 烧到39了呢",
        "9:05 大明: 谢谢老周",
    )
    out = assembled(said)
    assert talks(out) == [
        [
            ("user", "请问宝宝发烧38.5要吃药吗？"),
            ("assistant", "@阿芳 先物理降温"),
            ("user", "@李姐 烧到39了呢"),
        ],
        [("user", "物业的电话是多少？"), ("assistant", "@大明 88886666"), ("user", "谢谢老周")],
    ]
    assert [r.provenance.locator for r in out if isinstance(r, Record)] == ["line 1", "line 2"]
    assert len(talks(assembled(said, threads=False))) == 1


def test_staff_that_serves_two_customers_at_once() -> None:
    said = told(
        "9:00 小王: 我的快递三天没动了",
        "9:01 小李: 请问这个可以退货吗",
        "9:02 客服01: @小王 单号发我看看",
        "9:03 客服01: @小李 七天内可以退",
        "9:04 小王: SF123456",
        "9:05 小李: 运费谁出？",
        "9:06 客服01: @小李 运费我们出",
        "9:07 客服01: @小王 已经帮您催了",
    )
    assert [[text for _, text in talk] for talk in talks(assembled(said))] == [
        ["我的快递三天没动了", "@小王 单号发我看看", "SF123456", "@小王 已经帮您催了"],
        ["请问这个可以退货吗", "@小李 七天内可以退", "运费谁出？", "@小李 运费我们出"],
    ]


def test_one_customer_handed_from_staff_to_staff_is_no_group() -> None:
    said = told(
        "9:00 小王: 想退货",
        "9:01 客服01: 帮您转接",
        "9:02 客服02: 您好，请说",
        "9:03 机器人: 请评价",
    )
    ((*roles,),) = [[role for role, _ in talk] for talk in talks(assembled(said))]
    assert roles == ["user", "assistant", "assistant", "assistant"]


def test_replies_that_name_their_message_are_followed_however_late() -> None:
    asked = [
        Message(str(i), text, speaker=name, time=f"2024-05-01 09:0{i}", id=str(i))
        for i, (name, text) in enumerate([("Ann", "roof?"), ("Bob", "lawn?"), ("Cat", "door?")])
    ]
    late = [
        Message(
            f"{i}+",
            f"answer {i}",
            speaker="Dan",
            time=f"2024-05-03 1{i}:00",
            id=f"{i}+",
            reply_to=str(i),
        )
        for i in (2, 0, 1)
    ]
    found = [[text for _, text in talk] for talk in talks(assembled([*asked, *late]))]
    assert found == [["roof?", "answer 0"], ["lawn?", "answer 1"], ["door?", "answer 2"]]


@pytest.mark.parametrize(("word", "value"), [("on", True), ("off", False), ("auto", "auto")])
def test_threads_are_switched_in_the_recipe(tmp_path: Path, word: str, value: Any) -> None:
    recipe = tmp_path / "curator.yaml"
    recipe.write_text(f"sources:\n  - {{path: a.log, chat: {{threads: {word}}}}}\n")
    (source,) = load(recipe, Recipe).sources
    assert source.chat is not None
    assert source.chat.threads == value


def test_threads_that_are_switched_on_need_no_third_speaker() -> None:
    said = told("9:00 Ann: is the lift broken?", "9:30 Bob: Hello all! Who took my blue umbrella?")
    assert len(talks(assembled(said))) == 1
    assert len(talks(assembled(said, threads=True))) == 2


# --- conservation -------------------------------------------------------------------------

_NAMES = ["Ann", "Bob", "小李", "客服", "ubot", "系统", "Ann Lee", None]
_TIMES = st.one_of(
    st.none(),
    st.builds("{}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    st.builds(
        "2024-{:02}-{:02} {}:00".format, st.integers(1, 12), st.integers(1, 28), st.integers(0, 23)
    ),
    st.sampled_from(["3/4/24 9:00 PM", "13/04/2024 10:00", "soon", "1714550400"]),
)
_TEXTS = st.lists(
    st.sampled_from(["@Ann ", "小李：", "Bob: ", "谢谢", "how", "?", "发烧", "hello", " ", "\n"]),
    max_size=5,
).map("".join)


@st.composite
def _said(draw: st.DrawFn) -> Said:
    units = draw(st.integers(1, 3))
    if draw(st.integers(0, 9)) == 0:
        return draw(
            st.sampled_from(
                [SetAside("s", "blank line", units), Quarantined("q", "no", b"?", units)]
            )
        )
    own = st.one_of(st.none(), st.sampled_from(string.ascii_lowercase[:9]))
    return Message(
        "",
        draw(_TEXTS),
        speaker=draw(st.sampled_from(_NAMES)),
        time=draw(_TIMES),
        role=draw(st.sampled_from([None, None, None, "user", "assistant", "system", "tool"])),
        conversation=draw(st.sampled_from([None, None, "a", "b"])),
        id=draw(own),
        reply_to=draw(own),
        notice=draw(
            st.sampled_from([None, None, None, "system line", "media", "recalled message"])
        ),
        n_units=units,
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(_said(), max_size=40),
    st.sampled_from([None, 5, 100_000]),
    st.sampled_from([True, False, "auto"]),
    st.sampled_from([(), ("system line",), ("media", "system line", "recalled message")]),
    st.booleans(),
    st.sampled_from([1_000, 1_000_000]),
)
def test_every_unit_and_every_text_comes_out_once(
    drawn: list[Said], gap_minutes: float | None, threads: Any, keep: Any, whole: Any, held: int
) -> None:
    # Each text is marked, so that it can be found again whatever it is merged with.
    said = [
        Message(
            **{f: getattr(m, f) for f in Message.__slots__}
            | {"locator": f"line {i}", "text": f"{m.text}⟦{i}⟧", "raw": f"⟦{i}⟧".encode()}
        )
        if isinstance(m, Message)
        else m
        for i, m in enumerate(drawn)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "HELD", held)
        out = assembled(said, whole=whole, gap_minutes=gap_minutes, threads=threads, keep=keep)
    assert sum(item.n_units for item in out) == sum(item.n_units for item in said)
    texts = "".join(p.text for r in out if isinstance(r, Record) for p in r.parts)
    raws = b"".join(i.raw for i in out if isinstance(i, Quarantined)).decode()
    aside = Counter(i.locator for i in out if isinstance(i, SetAside))
    for i, one in enumerate(said):
        if isinstance(one, Message):
            mark = f"⟦{i}⟧"
            assert texts.count(mark) + raws.count(mark) + aside[one.locator] == 1
            if texts.count(mark):
                assert one.text in texts
    for record in out:
        if isinstance(record, Record):
            assert record.provenance.locator == record.parts[0].locator
            assert all(part.locator for part in record.parts)
            assert any(part.role == "user" for part in record.parts)
    assert len({r.id for r in out if isinstance(r, Record)}) == len(talks(out))


# --- pairs --------------------------------------------------------------------------------


def _record(*turns: tuple[str, str, str]) -> Record:
    parts = tuple(Part(role, text, speaker=speaker) for role, speaker, text in turns)
    return Record("r1", "conversation", parts, "und", Provenance("s", "0", "1"))


def test_pairs_have_a_name_and_a_place() -> None:
    found = pairs(_record(("assistant", "B", "您好"), ("user", "A", "在吗"), ("user", "A", "退货"), ("assistant", "B", "可以"), ("user", "A", "谢"), ("assistant", "B", "不客气")))  # fmt: skip
    assert [(p.id, p.asked_at, p.part, p.question, p.answer) for p in found] == [
        ("r1#3", 1, 3, "在吗\n退货", "可以"),
        ("r1#5", 4, 5, "谢", "不客气"),
    ]


def test_an_answer_that_follows_several_questions_answers_whom_it_names() -> None:
    found = pairs(
        _record(
            ("user", "Ann", "where is my parcel?"),
            ("user", "小李", "可以退货吗"),
            ("assistant", "agent", "@小李 可以"),
            ("assistant", "agent", "七天内都可以"),
            ("assistant", "agent", "Ann: on its way"),
            ("user", "Ann", "thanks"),
            ("user", "小李", "运费呢"),
            ("assistant", "agent", "免运费"),
        )
    )
    assert [(p.question, p.answer, p.asked_at, p.part) for p in found] == [
        ("可以退货吗", "@小李 可以\n七天内都可以", 1, 2),
        ("where is my parcel?", "Ann: on its way", 0, 4),
        ("thanks\n运费呢", "免运费", 5, 7),
    ]


def test_a_name_within_another_name_is_not_meant() -> None:
    found = pairs(
        _record(("user", "Ann", "a?"), ("user", "Annie", "b?"), ("assistant", "x", "@Annie b"))
    )
    assert [(p.question, p.asked_at) for p in found] == [("b?", 1)]
