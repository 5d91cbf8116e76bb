"""Semantic duplicates: wordings, what conflicts, the score, and whole records."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curator.checks.embeddings import CAP
from curator.checks.semantic_duplicates import SemanticDuplicates
from curator.engine import LocalEngine
from curator.models.encoders import embed, load_encoder
from curator.protocols import Scope
from curator.semantic.comparison import compare, conflicts
from curator.semantic.neighbours import Near, Rows, near, nearest
from curator.semantic.order import longest_fall, longest_rise, places, replaced
from curator.semantic.score import COEFFICIENTS, CONFLICTING, FEATURES, least_cosine, likeness
from curator.semantic.wording import Kind, wording
from curator.tables import records_table
from curator.types import Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT = 0.94


# --- wordings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("请问怎么购买三张票？", "如何买3张票"),
        ("你好，手机怎么没有声音", "手机为什么没有声音"),
        ("能不能退货", "可不可以退货"),
        ("喜不喜欢喝茶", "是否喜欢喝茶"),
        ("一共两万元", "一共20000元"),
        ("宝宝发烧怎么办", "小孩发热如何处理"),
        ("How can I purchase 3 of them?", "how do i buy three of them"),
        ("Could you tell me how to delete an account?", "How do I remove accounts"),
        ("It can't be fixed", "it cannot be repaired"),
        ("They havent opened", "they haven't opened"),
        ("twenty-five euros", "25 euros"),
        ("酒吧几点关门吧", "请问酒吧几点关门呢？"),
        ("你在干嘛", "你在做什么呀"),
        ("Ｗｉ－Ｆｉ 连不上怎么办", "wi-fi连不上怎么处理"),
    ],
)
def test_two_ways_of_putting_it_are_one_wording(one: str, other: str) -> None:
    def said(text: str) -> list[str]:
        found = wording(text)
        quiet = {Kind.LIGHT, Kind.MODAL, Kind.PRONOUN}
        return sorted(
            unit for unit, kind in zip(found.units, found.kinds, strict=True) if kind not in quiet
        )

    assert said(one) == said(other)


def test_a_wording_tells_what_each_unit_does() -> None:
    found = wording("ofree 耳机不能连接 a79 吗，我等了3天")
    kinds = dict(zip(found.units, found.kinds, strict=True))
    assert kinds["ofree"] == Kind.NAME
    assert kinds["a79"] == Kind.CODE
    assert kinds["not"] == Kind.NEGATION
    assert kinds["能"] == Kind.MODAL
    assert kinds["whether"] == Kind.ASKS
    assert kinds["我"] == Kind.PRONOUN
    assert kinds["#3"] == Kind.NUMBER
    assert wording("[姓名1]在[k]").kinds[0] == Kind.CODE
    told = wording("他就住在半路的酒吧旁边，我去过了")
    kinds = dict(zip(told.units, told.kinds, strict=True))
    assert kinds["就"] == Kind.SCOPE
    assert kinds["半路"] == kinds["吧"] == Kind.CONTENT
    assert kinds["过"] == kinds["了"] == Kind.ASPECT


@pytest.mark.parametrize("text", ["", "？？", "[", "的", "。" * 5000, "一" * 5000, "\ud800", "no"])
def test_odd_texts_have_a_wording(text: str) -> None:
    found = wording(text)
    assert len(found.units) == len(found.kinds)
    assert likeness(text, text + "x", 0.5, CAP).score <= 1


# --- order ------------------------------------------------------------------------------


def test_repeated_units_are_matched_with_their_neighbours() -> None:
    assert places("abXcd", "cdXab") == [3, 4, 2, 0, 1]
    assert places("aXbaYb", "aYbaXb") == [3, 4, 5, 0, 1, 2]
    assert places("abc", "xyz") == []


def test_what_is_in_the_place_of_something_else() -> None:
    assert replaced("abXcd", "abYcd")
    assert not replaced("abcd", "cdab")
    assert not replaced("abcd", "abXcd")
    assert not replaced("aXbcd", "abcdY")


@given(st.lists(st.integers(0, 8), max_size=9))
def test_rises_are_brute_force(numbers: list[int]) -> None:
    best = 0
    for mask in range(1 << len(numbers)):
        chosen = [n for i, n in enumerate(numbers) if mask >> i & 1]
        if chosen == sorted(set(chosen)):
            best = max(best, len(chosen))
    assert longest_rise(numbers) == best
    assert longest_fall(numbers) == longest_rise([-n for n in numbers])


# --- conflicts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        ("体温38.5度要吃药吗", "体温39.5度要吃药吗", "numbers"),
        ("Take 5 mg twice a day", "Take 50 mg twice a day", "numbers"),
        ("东莞为什么禁烟", "东莞为什么不禁烟", "negation"),
        ("Is coffee good for me?", "Is coffee not good for me?", "negation"),
        ("Is it small cell cancer?", "Is it non-small cell cancer?", "negation"),
        ("左膝疼怎么办", "右膝疼怎么办", "opposite"),
        ("红色外套配什么裤子", "蓝色外套配什么裤子", "opposite"),
        ("How do I lose weight?", "How do I gain weight?", None),
        ("What should I eat before a run?", "What should I eat after a run?", "opposite"),
        ("为什么安装插件", "怎么安装插件", "question"),
        ("When does it open?", "Why does it open?", "question"),
        ("我的手机在哪", "你的手机在哪", "person"),
        ("你能给我发吗", "我能给你发吗", "person"),
        ("上海比北京大吗", "北京比上海大吗", "roles"),
        ("柯南喜欢小兰吗", "小兰喜欢柯南吗", "roles"),
        ("从北京到上海要多久", "从上海到北京要多久", "roles"),
        ("Did Brazil beat Argentina?", "Did Argentina beat Brazil?", "roles"),
        ("How do I convert PDF to Word?", "How do I convert Word to PDF?", "roles"),
        ("Who defeated Germany?", "Who did Germany defeat?", "roles"),
        ("Can I use it in Japan?", "Can I use it in Korea?", "names"),
        ("SCP3166是什么", "SCP3199是什么", "names"),
    ],
)
def test_what_conflicts(one: str, other: str, conflict: str | None) -> None:
    found = conflicts(one, other)
    if conflict:
        assert conflict in found
    assert found == conflicts(other, one)
    assert likeness(one, other, 0.99, CAP).score < (CONFLICTING + 0.001 if conflict else 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("为什么打不开相机", "相机打不开是为什么"),
        ("生物和地理难吗", "地理和生物难吗"),
        ("每天吃 1 g", "每天吃 1000 mg"),
        ("我一次吃两片", "我一次吃2片"),
        ("能不能开发票", "可以开发票吗"),
        ("When does the shop open on Sunday?", "On Sunday, when does the shop open?"),
        ("Take 0.5 g", "Take 500 mg"),
    ],
)
def test_what_does_not_conflict(one: str, other: str) -> None:
    assert conflicts(one, other) == ()
    assert compare(one, other).alone == (0, 0)


@given(
    st.lists(st.sampled_from(["怎么", "发烧", "3", "不", "我", "to", "A", "比", "?"]), max_size=9),
    st.lists(st.sampled_from(["如何", "发热", "三", "没", "你", "to", "B", "比", "?"]), max_size=9),
    st.floats(0, 1),
)
@example(["发烧", "我", "3", "发烧", "3", "to"], ["to", "发热", "三", "发热"], 0.0)
def test_a_score_does_not_depend_on_the_order(a: list[str], b: list[str], cosine: float) -> None:
    one, other = " ".join(a), " ".join(b)
    assert likeness(one, other, cosine, CAP) == likeness(other, one, cosine, CAP)


@given(
    st.lists(
        st.sampled_from(["怎么", "发烧", "3", "不", "mg", "iPhone", "a", "比", "了"]), max_size=9
    ),
    st.lists(
        st.sampled_from(["如何", "发热", "三", "没", "g", "iphone", "A", "比", "?"]), max_size=9
    ),
    st.floats(0, 1),
    st.sampled_from([0.5, 0.7, 0.94]),
    st.sampled_from([4, CAP]),
)
def test_a_floor_takes_nothing_away(
    a: list[str], b: list[str], cosine: float, floor: float, cap: int
) -> None:
    one, other = " ".join(a), " ".join(b)
    whole, quick = (likeness(one, other, cosine, cap, f) for f in (0.0, floor))
    assert quick == whole if whole.score >= floor else quick.score < floor


def test_a_higher_cosine_never_lowers_a_score() -> None:
    for weights in COEFFICIENTS.values():
        assert set(weights) <= {"constant", *FEATURES}
        raises = {name for name in FEATURES if name.endswith(("cosine", "high"))}
        assert all((v >= 0) == (k in raises) for k, v in weights.items() if k != "constant")


DRUG = (
    "If you have a headache, take one tablet of ibuprofen after a meal with a glass of water, rest "
    "in a dark room, and call your doctor if it is not better in three days."
)
TOUR = (
    "The museum in the old town opens at ten in the morning and closes at six in the evening, and "
    "the guided tours in french begin every hour at the main gate."
)
PAIN = (
    "对乙酰氨基酚可以缓解轻度到中度的疼痛，也可以退烧，每次吃药要间隔六个小时以上，"
    "如果三天还不好就去医院看医生。"
)


@pytest.mark.parametrize(
    ("text", "word", "other"),
    [
        (DRUG, "ibuprofen", "naproxen"),
        (TOUR, "french", "polish"),
        (PAIN, "对乙酰氨基酚", "布洛芬"),
        ("这家店的毛衣可以用洗衣机洗，水温不要太高，洗完平铺晾干就行。", "毛衣", "皮衣"),
    ],
)
def test_another_word_in_its_place_stays_below_the_default(
    text: str, word: str, other: str
) -> None:
    assert likeness(text, text.replace(word, other), 0.995, CAP).score < DEFAULT


def test_of_long_texts_what_was_not_embedded_counts() -> None:
    start = "这台机器的说明书很长，" * 20
    same = likeness(start + "请关机。", start + "请拔电源。", 1.0, CAP)
    other = likeness(start + "请关机。", start + "北京的天气在秋天最舒服" * 20, 1.0, CAP)
    assert other.score < 0.5 < DEFAULT
    assert other.score < same.score
    assert likeness("a" * 5000, "a" * 4999 + "b", 1.0, CAP).score == 0


# --- neighbours -------------------------------------------------------------------------


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def rows(questions: np.ndarray, answers: np.ndarray, keys: Sequence[int], least: float) -> Rows:
    n = len(questions)
    return Rows(unit(questions), unit(answers), np.array(keys, np.uint64), np.full(n, least))


def cut(r: Rows, part: slice) -> Rows:
    return Rows(r.questions[part], r.answers[part], r.keys[part], r.least[part])


def brute_force(mine: Rows, floor: float) -> dict[tuple[int, int], float]:
    asked, answered = mine.questions @ mine.questions.T, mine.answers @ mine.answers.T
    return {
        (a, b): (asked[a, b] + answered[a, b]) / 2
        for a in range(len(mine.keys))
        for b in range(a + 1, len(mine.keys))
        if mine.keys[a] == mine.keys[b]
        and asked[a, b] + answered[a, b] >= 2 * floor
        and min(asked[a, b], answered[a, b]) >= mine.least[a]
    }


def told(found: Near, shift: int = 0) -> dict[tuple[int, int], float]:
    pairs = zip(found.left.tolist(), (found.right + shift).tolist(), strict=True)
    return dict(zip(pairs, found.cosine.tolist(), strict=True))


@pytest.mark.parametrize("least", [0.0, 0.3])
def test_neighbours_are_brute_force(monkeypatch: pytest.MonkeyPatch, least: float) -> None:
    monkeypatch.setattr("curator.semantic.neighbours._BLOCK", 7)
    rng = np.random.default_rng(1)
    mine = rows(
        rng.normal(size=(40, 6)), rng.normal(size=(40, 6)), (np.arange(40) % 3).tolist(), least
    )
    truth = brute_force(mine, 0.3)
    assert truth
    assert told(near(mine, None, 0.3, 40)) == pytest.approx(truth)
    across = told(near(cut(mine, slice(20)), cut(mine, slice(20, 40)), 0.3, 40), 20)
    assert across == pytest.approx({p: v for p, v in truth.items() if p[0] < 20 <= p[1]})


def test_of_a_crowd_the_nearest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.semantic.neighbours._BLOCK", 32)
    rng = np.random.default_rng(3)
    vectors = np.ones((300, 8)) + 0.3 * rng.normal(size=(300, 8))
    mine = rows(vectors, vectors, [0] * 300, 0.0)
    truth = brute_force(mine, 0.5)
    left, right = np.array(list(truth)).T
    kept = nearest(left, right, np.array(list(truth.values())), 5)
    found = near(mine, None, 0.5, 5)
    assert set(told(found)) == set(zip(left[kept].tolist(), right[kept].tolist(), strict=True))
    same = near(rows(np.ones((300, 4)), np.ones((300, 4)), [0] * 300, 0.0), None, 0.9, 5)
    counts = np.bincount(np.concatenate([same.left, same.right]), minlength=300)
    assert len(same.left) <= 300 * 5
    assert counts.min() >= 5
    empty = np.zeros(0, np.int64)
    assert nearest(empty, empty, np.zeros(0), 5).tolist() == []


@pytest.mark.parametrize("tongue", ["zh", "other"])
@pytest.mark.parametrize("floor", [0.5, 0.7, 0.9])
def test_below_the_least_cosine_no_pair_reaches_the_floor(tongue: str, floor: float) -> None:
    one, other = (
        ("怎么申请退货", "请问如何申请退货")
        if tongue == "zh"
        else ("how do I return a shoe", "How can I return the shoe?")
    )
    least = least_cosine(floor, tongue)
    assert likeness(one, other, least - 0.01, CAP).score < floor or least == -1
    assert likeness(one, one + "x", least - 0.01, CAP).score < floor or least == -1


# --- records ----------------------------------------------------------------------------

PAIRS = [
    ("怎么申请退货", "在订单页面点击申请退货。"),
    ("如何申请退货？", "请在订单页面点击申请退货。"),
    ("怎么申请退货", "请带身份证到柜台办理。"),
    ("How do I reset my password?", "Click on forgot password in the settings."),
    ("How can I reset my password?", "In the settings, click on forgot password."),
    ("How do I change my picture?", "Click on the picture in the settings."),
    ("When does the museum open on Sunday?", "The museum opens at ten on Sunday."),
    ("On Sunday, when does the museum open?", "On Sunday the museum opens at ten."),
    ("On Monday, when does the museum open?", "On Monday the museum opens at ten."),
    ("怎么申请退货", "在订单页面点击申请退货。"),
]
SAME = {frozenset(p) for p in ((0, 1), (3, 4), (6, 7))}


def records(pairs: Sequence[tuple[str, str]], order: Sequence[int] | None = None) -> list[Record]:
    return [
        Record(
            f"r{i:04d}",
            "conversation",
            (Part("user", pairs[i][0]), Part("assistant", pairs[i][1])),
            "und",
            Provenance("u", "s", f"line {i}"),
        )
        for i in (order or range(len(pairs)))
    ]


def run(
    given: Sequence[Record], folder: Path, n_parts: int = 1, *, floor: float = 0.7
) -> list[Finding]:
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(given) // n_parts)
    parts = []
    for n in range(n_parts):
        path = folder / f"part-{n:05d}.parquet"
        pq.write_table(records_table(given[n * size : (n + 1) * size]), path)
        parts.append(path)
    with LocalEngine() as engine:
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases")
        check = SemanticDuplicates(encoder="use-multilingual", floor=floor)
        return list(check.run(scope))


def merged(found: Sequence[Finding]) -> set[frozenset[int]]:
    return {
        frozenset({int(f.record_id[1:]), int(str(f.peer_id)[1:])})
        for f in found
        if f.score >= DEFAULT
    }


def test_records_that_say_the_same_in_other_words_are_found(tmp_path: Path) -> None:
    found = run(records(PAIRS), tmp_path)
    assert merged(found) == SAME
    for f in found:
        assert f.code == "DUP005"
        assert int(str(f.peer_id)[1:]) < int(f.record_id[1:])
        assert set(f.evidence) == {"question", "answer", "cosine"}
        assert f.score == pytest.approx(min(f.evidence["question"], f.evidence["answer"]), abs=1e-4)


@pytest.mark.parametrize("n_parts", [2, 3, 4, 10])
def test_parts_find_what_the_whole_finds(tmp_path: Path, n_parts: int) -> None:
    whole = run(records(PAIRS), tmp_path / "whole")
    assert run(records(PAIRS), tmp_path / "parts", n_parts) == whole


def test_blocks_find_what_the_whole_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(records(PAIRS), tmp_path / "whole")
    monkeypatch.setattr("curator.checks.semantic_duplicates._ROWS_IN_MEMORY", 3)
    assert run(records(PAIRS), tmp_path / "blocks", 5) == whole
    with LocalEngine(2) as engine:
        parts = tuple(sorted((tmp_path / "blocks").glob("part-*.parquet")))
        scope = Scope(engine, parts, tmp_path / "cache", tmp_path / "phases")
        check = SemanticDuplicates(encoder="use-multilingual")
        assert list(check.run(scope)) == whole


def test_what_came_before_makes_no_difference(tmp_path: Path) -> None:
    whole = run(records(PAIRS), tmp_path / "whole")
    run(records(PAIRS), tmp_path / "parts", 4)
    parts = tuple(sorted((tmp_path / "parts").glob("part-*.parquet")))
    check = SemanticDuplicates(encoder="use-multilingual")
    with LocalEngine() as engine:
        for n in (2, 4):  # a first batch of two parts, then two more
            scope = Scope(engine, parts[:n], tmp_path / "cache", tmp_path / f"phases-{n}")
            found = list(check.run(scope))
    assert found == whole


@settings(max_examples=3, deadline=None)
@given(st.permutations(range(len(PAIRS))), st.integers(1, 4))
def test_the_order_of_records_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], n_parts: int
) -> None:
    folder = tmp_path_factory.mktemp("order")
    found = merged(run(records(PAIRS, order), folder, n_parts))
    # Of the exact copies 0 and 9 the first in the order takes part.
    copy = {0: 0, 9: 0}
    assert {frozenset(copy.get(i, i) for i in pair) for pair in found} == SAME


def test_nothing_to_compare(tmp_path: Path) -> None:
    assert run([], tmp_path / "none") == []
    alone = Record(
        "r0000", "document", (Part("paragraph", "文"),), "zh", Provenance("u", "s", "line 1")
    )
    assert run([alone], tmp_path / "document") == []
    with LocalEngine() as engine:
        scope = Scope(engine, (), tmp_path / "c", tmp_path / "p")
        assert list(SemanticDuplicates(encoder="use-multilingual").run(scope)) == []


def test_a_labelled_text_is_compared_with_those_of_its_label(tmp_path: Path) -> None:
    def utterance(i: int, text: str, label: str) -> Record:
        where = Provenance("u", "s", f"line {i}")
        return Record(
            f"r{i:04d}", "document", (Part("paragraph", text),), "und", where, label=label
        )

    rows_ = [
        utterance(0, "How can I activate my card?", "card"),
        utterance(1, "How do I activate my card?", "card"),
        utterance(2, "How do i activate the card?", "phone"),
    ]
    assert merged(run(rows_, tmp_path)) == {frozenset({0, 1})}


def test_a_turn_beside_the_pairs_has_to_be_equal(tmp_path: Path) -> None:
    def with_system(i: int, system: str, question: str) -> Record:
        parts = (
            Part("system", system),
            Part("user", question),
            Part("assistant", "点击忘记密码。"),
        )
        return Record(f"r{i:04d}", "conversation", parts, "zh", Provenance("u", "s", f"line {i}"))

    rows_ = [
        with_system(0, "你是客服。", "怎么重置密码"),
        with_system(1, "你是客服", "如何重置密码"),
        with_system(2, "你是医生。", "如何重置密码"),
    ]
    assert merged(run(rows_, tmp_path)) == {frozenset({0, 1})}


def dialogue(i: int, *turns: str) -> Record:
    parts = tuple(Part("assistant" if n % 2 else "user", text) for n, text in enumerate(turns))
    return Record(f"r{i:04d}", "conversation", parts, "und", Provenance("u", "s", f"line {i}"))


def test_every_turn_of_a_longer_conversation_counts(tmp_path: Path) -> None:
    rows_ = [
        dialogue(0, "怎么重置密码", "点击忘记密码。", "多久生效", "立即生效。"),
        dialogue(1, "如何重置密码？", "请点击忘记密码", "请问多久生效？", "立即生效"),
        dialogue(2, "如何重置密码？", "请点击忘记密码", "要收费吗", "不收费。"),
        dialogue(3, "如何重置密码？", "请点击忘记密码"),
        dialogue(4, "How do I cancel?", "Open the menu.", "How long does it take?", "Two days."),
        dialogue(5, "How can I cancel?", "Open the menu", "How much time does it take", "2 days."),
        dialogue(6, "How can I cancel?", "Open the menu", "How much time does it take", "3 days."),
    ]
    assert merged(run(rows_, tmp_path)) == {frozenset({0, 1}), frozenset({4, 5})}


@pytest.mark.parametrize(
    ("question", "sentence", "end", "other"),
    [
        (
            ("怎么保养木地板", "请问如何保养木地板？"),
            "室内的湿度要保持稳定，地板上不要留水渍，重的家具下面垫上软垫，每个季度打一次蜡。",
            "夏天拉上窗帘，避免暴晒。",
            "装修之前先找物业登记。",
        ),
        (
            ("How do I look after a wooden floor?", "How can I look after a wooden floor?"),
            "Keep the air in the room humid, wipe up water at once, and wax the boards in spring. ",
            "Draw the curtains in summer.",
            "Call the landlord before you move out.",
        ),
    ],
)
def test_of_long_answers_the_end_counts_too(
    tmp_path: Path, question: tuple[str, str], sentence: str, end: str, other: str
) -> None:
    rows_ = [
        dialogue(0, question[0], sentence * 8 + end),
        dialogue(1, question[1], sentence * 8 + end + ("谢谢" if end[0] > "z" else " Thanks!")),
        dialogue(2, question[1], sentence * 8 + other),
    ]
    assert merged(run(rows_, tmp_path)) == {frozenset({0, 1})}


def test_documents_without_a_label_are_left_to_the_other_checks(tmp_path: Path) -> None:
    def document(i: int, text: str, label: str | None) -> Record:
        where = Provenance("u", "s", f"line {i}")
        parts = (Part("heading", "退货"), Part("paragraph", text))
        return Record(f"r{i:04d}", "document", parts, "zh", where, label=label)

    texts = ("请问怎么申请退货？先联系客服。", "如何申请退货？请先联系客服。")
    assert run([document(i, t, None) for i, t in enumerate(texts)], tmp_path / "without") == []
    found = run([document(i, t, "help") for i, t in enumerate(texts)], tmp_path / "with")
    assert merged(found) == {frozenset({0, 1})}


# --- real pairs -------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "least"), [("lcqmc", 0.95), ("bq", 0.95), ("msrp", 0.95)])
def test_what_reaches_the_default_is_what_people_call_the_same(
    real_data: Path, name: str, least: float
) -> None:
    with gzip.open(real_data / "pairs" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines][:500]
    left, right = ([row[side] for row in pairs] for side in ("text_a", "text_b"))
    vectors = embed(load_encoder("use-multilingual"), left + right, CAP)
    cosines = (vectors[: len(pairs)] * vectors[len(pairs) :]).sum(axis=1).tolist()
    same = [
        bool(row["is_duplicate"])
        for row, a, b, cosine in zip(pairs, left, right, cosines, strict=True)
        if likeness(a, b, cosine, CAP).score >= DEFAULT
    ]
    assert same
    assert sum(same) / len(same) >= least


def test_sentences_with_words_changed_round_are_not_merged(real_data: Path) -> None:
    with gzip.open(real_data / "pairs" / "pawsx_zh.jsonl.gz", "rt", encoding="utf-8") as lines:
        pairs = [row for row in map(json.loads, lines) if not row["is_duplicate"]]
    different = [row for row in pairs if row["text_a"] != row["text_b"]]
    # Even with the highest cosine that there is.
    wrong = [
        row
        for row in different
        if likeness(row["text_a"], row["text_b"], 0.98, CAP).score >= DEFAULT
    ]
    assert len(wrong) <= 0.02 * len(different)
