"""Retrieval: terms, both halves, their fusion, and what a corpus says of itself."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from curator.errors import SourceError, WorkspaceError
from curator.exports.rag import ROWS
from curator.retrieval.asked import Asked, Relevance, held_out, read_questions, without_question
from curator.retrieval.calibration import MEANING, Calibration, Searchable, calibrate
from curator.retrieval.corpus import Filters, chosen
from curator.retrieval.dense import Dense, means
from curator.retrieval.fusion import CANDIDATES, candidates
from curator.retrieval.hybrid import Hybrid
from curator.retrieval.lexical import K1, B, Lexical
from curator.retrieval.metrics import scores
from curator.retrieval.questions import content
from curator.retrieval.terms import Terms

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [
    "退货运费由商家承担，七天之内办理。",
    "发票在订单页面申请，三个工作日开出。",
    "Returns are free within seven days.",
    "The policies of shipping: policy one.",
    "运费按重量计算，偏远地区另加十元。",
]


def terms(text: str) -> list[int]:
    return sorted(Terms().of([text])[0].tolist())


def test_a_han_text_has_its_characters_and_pairs_and_a_word_its_stem() -> None:
    assert len(terms("退货")) == 3  # 退, 货, 退货
    assert len(terms("退，货")) == 2
    assert terms("policies") == terms("Policy")
    assert terms("ＡＢＣ 退货") == terms("abc退货")
    assert set(terms("运费")) <= set(terms("退货运费"))


def test_terms_of_many_texts_are_those_of_each() -> None:
    found, bounds = Terms().of([*TEXTS, "", "！"])
    assert len(bounds) == len(TEXTS) + 3
    for number, text in enumerate(TEXTS):
        assert sorted(found[bounds[number] : bounds[number + 1]].tolist()) == terms(text)
    assert bounds[-1] == bounds[-3]


def test_the_lexical_score_is_bm25_as_a_share_of_the_most_that_it_could_be() -> None:
    index, read = Lexical.of(TEXTS), Terms()
    query = "退货的运费是多少 policy xylophone"
    held = [Counter(terms(text)) for text in TEXTS]
    mean = sum(sum(counts.values()) for counts in held) / len(held)

    def rarity(term: int) -> float:
        n = sum(term in counts for counts in held)
        return math.log(1 + (len(held) - n + 0.5) / (n + 0.5))

    asked = set(terms(query))
    most = sum(map(rarity, asked))
    expected = [
        sum(
            rarity(t) * c[t] / (c[t] + K1 * (1 - B + B * sum(c.values()) / mean))
            for t in asked
            if t in c
        )
        / most
        for c in held
    ]
    found = index.query(query, read)
    assert np.allclose(index.scores(found), expected, atol=1e-5)
    assert found.known == pytest.approx(
        sum(rarity(t) for t in asked if any(t in c for c in held)) / most, abs=1e-5
    )
    for text, score in zip(TEXTS, expected, strict=True):
        assert index.score_of(found, text, read) == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("texts", [[], [""], ["！？"]])
def test_an_index_without_a_term_finds_nothing(texts: list[str]) -> None:
    index = Lexical.of(texts)
    assert not index.scores(index.query("退货 returns", Terms())).any()


def vectors(n: int, dimensions: int = 16, seed: int = 0) -> Any:
    made = np.random.default_rng(seed).standard_normal((n, dimensions)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_dense_score_is_that_of_the_best_window_and_the_whole() -> None:
    windows = vectors(7)
    bounds = np.array([0, 3, 3, 4, 7])
    dense = Dense(windows, bounds, means(windows, bounds))
    query = vectors(1, seed=5)[0]
    found = dense.scores(query, np.array([0, 1, 3]))
    for score, rows in zip(found, ([0, 1, 2], [], [4, 5, 6]), strict=True):
        if not rows:
            assert score == 0
            continue
        whole = windows[rows].sum(axis=0)
        whole /= np.linalg.norm(whole)
        assert score == pytest.approx(((windows[rows] @ query).max() + whole @ query) / 2, abs=1e-5)


def test_candidates_are_the_best_of_each_half() -> None:
    rng = np.random.default_rng(1)
    words, rough = rng.random(5000), rng.random(5000)
    found = candidates(words, rough)
    assert set(np.argsort(-words)[:CANDIDATES]) | set(np.argsort(-rough)[:CANDIDATES]) == set(found)
    assert list(candidates(words[:9], rough[:9])) == list(range(9))


def hybrid(texts: list[str], windows: Any, meaning: float = MEANING) -> Hybrid:
    bounds = np.arange(len(texts) + 1)
    dense = Dense(windows, bounds, means(windows, bounds))
    return Hybrid(Lexical.of(texts), dense, Calibration(meaning))


def test_what_is_asked_in_an_unknown_language_is_found_by_meaning() -> None:
    made = vectors(len(TEXTS))
    index = hybrid(TEXTS, made)
    # One word in common with a wrong text does not outweigh what the vectors say.
    found = index.search("¿Cuántos días? policy", made[2], 3)
    assert found.texts[0] == 2
    by_words = index.search("退货运费", made[2], 3)
    assert by_words.texts[0] == 0


def test_a_search_keeps_to_what_is_allowed_and_to_one_half_if_asked() -> None:
    made = vectors(len(TEXTS))
    index = hybrid(TEXTS, made)
    only = np.array([False, True, True, True, True])
    assert index.search("退货运费", made[0], 10, only=only).texts[0] == 4
    assert set(index.search("运费", made[1], 10, mode="lexical").texts) == {0, 4}
    assert index.search("运费", made[1], 10, mode="dense").texts[0] == 1
    assert not len(index.search("运费", made[1], only=np.zeros(5, bool)).texts)


def test_a_question_is_looked_for_without_what_makes_it_one() -> None:
    assert content("退货运费是多少？").split() == ["退货运费是", "？"]
    assert content("How many days do I have?").split() == ["days", "?"]
    assert content("what is it") == "what is it"
    assert content("怎么办") == "怎么办"


LETTERS = np.array(list("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃"))


def corpus(n: int) -> list[Searchable]:
    """Texts of nine sentences, each text out of twenty characters of its own choice."""
    rng = np.random.default_rng(2)
    texts = []
    for record in range(n):
        mine = rng.choice(LETTERS, 20, replace=False)
        said = "".join("".join(rng.choice(mine, 30)) + "。" for _ in range(9))
        texts.append(Searchable(said, "", record))
    return texts


def calibrated(texts: list[Searchable], *, telling: bool) -> Calibration:
    """Calibrate with vectors that tell the texts apart, or with four numbers by chance."""
    from curator.exports.vectors import windows

    rng = np.random.default_rng(4)
    of = {w: t.record for t in texts for w in windows(t.text)}
    topic = vectors(len(texts), 64 if telling else 4, 8)

    def embed(said: Any) -> Any:
        made = rng.standard_normal((len(said), topic.shape[1])).astype(np.float32) / 20
        if telling:
            made += topic[[next(r for w, r in of.items() if text in w) for text in said]]
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    cut = [windows(t.text) for t in texts]
    bounds = np.array([0, *np.cumsum([len(some) for some in cut])])
    made = embed([w for some in cut for w in some])
    dense = Dense(made, bounds, means(made, bounds))
    return calibrate(texts, Lexical.of([t.text for t in texts]), dense, embed)


def test_meaning_weighs_less_where_it_tells_nothing() -> None:
    texts = corpus(120)
    good, bad = calibrated(texts, telling=True), calibrated(texts, telling=False)
    assert good.asked >= 20
    assert bad.meaning < MEANING <= good.meaning
    assert calibrated(texts, telling=True) == good


def test_few_texts_say_nothing_of_themselves_and_confidence_grows_with_the_score() -> None:
    none = calibrated(corpus(3), telling=True)
    assert none == Calibration()
    told = calibrated(corpus(120), telling=True)
    for one in (none, told):
        sure = [one.confidence(score, 0.5, 1.0) for score in (0.0, 0.1, 0.2, 0.4, 0.9)]
        assert sure == sorted(sure)
        assert sure[0] < 0.1
        assert sure[-1] > 0.9


def rows(**columns: list[Any]) -> pa.Table:
    n = len(next(iter(columns.values())))
    return pa.table(
        {f.name: pa.array(columns.get(f.name, [None] * n), f.type) for f in ROWS}, schema=ROWS
    )


def test_filters() -> None:
    table = rows(
        source_uri=["docs/a.md", "chat.csv", "b.md"],
        lang=["zh", "en", "zh"],
        kind=["document", "conversation", "document"],
        valid_from=[None, "2025", "2024-05"],
        valid_until=["2024-12-31", None, "2025"],
    )

    def kept(**wanted: Any) -> list[int]:
        return np.flatnonzero(chosen(table, Filters(**wanted))).tolist()

    assert kept() == [0, 1, 2]
    assert kept(source="*.md") == [0, 2]
    assert kept(source="a.md") == [0]
    assert kept(lang=["en"]) == [1]
    assert kept(kind="document") == [0, 2]
    assert kept(valid_on="2024-06-01") == [0, 2]
    assert kept(valid_on="2025-03-01") == [1, 2]
    assert kept(valid_on="2026-01-01") == [1]
    for wrong in ("tomorrow", "2025-13-01"):
        with pytest.raises(WorkspaceError, match="no date"):
            kept(valid_on=wrong)


def test_metrics_of_a_ranking() -> None:
    found = scores([([False, True, True], 2), ([True], 1), ([False] * 12, 1), ([False] * 3, 0)])
    assert found.recall == {1: 0.25, 3: 0.5, 5: 0.5, 10: 0.5}
    assert found.mrr == pytest.approx((0.5 + 1) / 4)
    gain = (1 / math.log2(3) + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert found.ndcg == pytest.approx((gain + 1) / 4, abs=1e-4)


PAIRS = [
    {
        "id": "1",
        "text": "运费谁出？\n商家。",
        "key": "运费谁出？",
        "record_id": "aa1",
        "source_uri": "x/chat.csv",
    },
    {
        "id": "2",
        "text": "七天之内，ＡＢＣ。",
        "key": None,
        "record_id": "bb2",
        "source_uri": "a.md",
    },
]


def test_what_is_relevant_is_what_fits_all_that_is_told() -> None:
    told = Relevance(PAIRS)
    assert told(Asked("?", answer="商家")) == {0}
    assert told(Asked("?", answer="abc")) == {1}
    assert told(Asked("?", answer="商家", source="a.md")) == frozenset()
    assert told(Asked("?", source="chat.csv")) == {0}
    assert told(Asked("?", record="bb")) == {1}
    assert told(Asked("?", chunk="2")) == {1}
    assert held_out(PAIRS) == [Asked("运费谁出？", key="运费谁出？")]
    assert without_question(PAIRS[0])["text"] == "商家。"


def test_questions_are_read_or_their_line_is_told(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(
        '{"question": "谁？", "answer": "商家"}\n\n{"question": "b", "source": "a.md"}\n', "utf-8"
    )
    assert read_questions(file) == [Asked("谁？", answer="商家"), Asked("b", source="a.md")]
    table = tmp_path / "q.csv"
    table.write_text("question,answer\n谁？,商家\n", "utf-8-sig")
    assert read_questions(table) == [Asked("谁？", answer="商家")]
    for text, said in (
        ("{", "q.jsonl:1: not valid JSON"),
        ('{"question": "a"}', "q.jsonl:1: nothing tells"),
        ('{"answer": "a"}', "q.jsonl:1: no question"),
        ("\n", "holds no question"),
    ):
        file.write_text(text, "utf-8")
        with pytest.raises(SourceError, match=said):
            read_questions(file)
    with pytest.raises(SourceError, match="no such file"):
        read_questions(tmp_path / "none.jsonl")
