from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from curator.checks.category_labels import CategoryLabels, leave_one_out
from curator.checks.label_issues import LabelIssues
from curator.confident import FLAGGED, least_skill, odds_scores
from curator.engine import LocalEngine
from curator.matching import wrong_answer_scores
from curator.protocols import Scope
from curator.tables import findings_table, records_table
from curator.terms import counts, tfidf
from curator.types import Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ZH_TOPICS = {
    "冰箱": "冷藏室", "洗衣机": "滚筒", "空调": "滤网", "电饭煲": "内胆", "吸尘器": "尘袋",
    "自行车": "链条", "手机": "电池", "打印机": "墨盒", "雨伞": "伞骨", "皮鞋": "鞋油",
    "毛衣": "羊毛", "沙发": "坐垫", "台灯": "灯泡", "眼镜": "镜片", "手表": "表带",
    "书包": "拉链", "钢琴": "琴键", "鱼缸": "水泵", "帐篷": "支架", "滑板": "轮子",
}  # fmt: skip
EN_TOPICS = {
    "fridge": "cooling", "bicycle": "chain", "piano": "keys", "tent": "poles", "printer": "ink",
    "kettle": "limescale", "sofa": "cushions", "watch": "strap", "lamp": "bulb", "drone": "rotors",
}  # fmt: skip


def zh_pairs() -> list[tuple[str, str]]:
    found = []
    for thing, part in ZH_TOPICS.items():
        found += [
            (
                f"我家的{thing}用了三年，怎么保养比较好？",
                f"{thing}要定期检查{part}，脏了就擦干净再用。",
            ),
            (
                f"新买的{thing}坏了，可以退货吗？",
                f"{thing}七天内可以退货，{part}损坏的话先拍照给客服。",
            ),
            (
                f"请问{thing}的{part}多少钱一个？",
                f"原厂的{part}一个五十元，适合各种型号的{thing}。",
            ),
            (
                f"{thing}放在阳台上会不会晒坏？",
                f"长期暴晒会让{part}老化，{thing}最好放在阴凉的地方。",
            ),
            (
                f"第一次用{thing}应该注意什么？",
                f"先看说明书，装好{part}以后再试用{thing}，不要太用力。",
            ),
        ]
    return found


def en_pairs() -> list[tuple[str, str]]:
    found = []
    for thing, part in EN_TOPICS.items():
        found += [
            (f"How do I look after my {thing}?", f"Clean the {part} of your {thing} once a month."),
            (f"Can I return a broken {thing}?", f"A {thing} with damaged {part} can be sent back."),
            (f"What do new {part} cost?", f"Original {part} for the {thing} cost about ten euros."),
            (f"May the {thing} stand in the sun?", f"No, sunlight ages the {part} of any {thing}."),
            (
                f"What should I know about the {thing}?",
                f"Fit the {part} first, then try the {thing}.",
            ),
        ]
    return found


def records(pairs: Sequence[tuple[str, str]], labels: Sequence[str] = ()) -> list[Record]:
    return [
        Record(
            f"r{i:04d}",
            "conversation",
            (Part("user", question), Part("assistant", answer)),
            "und",
            Provenance("u", "s", f"line {i}"),
            label=labels[i] if labels else None,
        )
        for i, (question, answer) in enumerate(pairs)
    ]


def run(
    check: LabelIssues | CategoryLabels, rows: Sequence[Record], folder: Path, n_parts: int = 1
) -> list[Finding]:
    size = -(-len(rows) // n_parts)
    parts = []
    for n in range(n_parts):
        path = folder / f"part-{n}.parquet"
        pq.write_table(records_table(rows[n * size : (n + 1) * size]), path)
        parts.append(path)
    with LocalEngine() as engine:
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases")
        return list(check.run(scope))


def swapped(pairs: Sequence[tuple[str, str]], rows: Sequence[int]) -> list[tuple[str, str]]:
    """Give each of these rows the answer of the next of them."""
    answers = [answer for _, answer in pairs]
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        answers[row] = pairs[other][1]
    return [(question, answer) for (question, _), answer in zip(pairs, answers, strict=True)]


@pytest.mark.parametrize("pairs", [zh_pairs(), en_pairs()], ids=["zh", "en"])
def test_swapped_answers_are_found(pairs: list[tuple[str, str]], tmp_path: Path) -> None:
    wrong = list(range(3, len(pairs), 12))
    found = run(LabelIssues(encoder="use-multilingual"), records(swapped(pairs, wrong)), tmp_path)
    flagged = {f.record_id for f in found if f.score >= 0.5}
    truth = {f"r{i:04d}" for i in wrong}
    assert len(flagged & truth) >= 0.7 * len(truth)
    assert len(flagged - truth) <= 0.1 * len(pairs)
    for finding in found:
        assert finding.span is not None
        assert finding.span.part == 1
        assert set(finding.evidence) == {
            "p_match", "cosine", "overlap", "answer_rank", "question_rank", "neighbours",
        }  # fmt: skip
        assert all(isinstance(value, float) for value in finding.evidence.values())


def test_each_language_is_compared_with_itself_and_too_few_pairs_are_not_judged(
    tmp_path: Path,
) -> None:
    few_english = swapped(en_pairs()[:20], [0, 7, 12])
    found = run(
        LabelIssues(encoder="use-multilingual"), records([*few_english, *zh_pairs()]), tmp_path
    )
    assert all(f.record_id >= "r0020" for f in found)


def test_small_talk_is_not_judged(tmp_path: Path) -> None:
    talk = [("在吗", "您好，请问有什么可以帮您？"), ("这个多少钱一个呢？", "五十元")] * 30
    found = run(LabelIssues(encoder="use-multilingual"), records([*zh_pairs(), *talk]), tmp_path)
    assert all(f.record_id < "r0100" for f in found)


def test_an_empty_corpus_has_no_findings(tmp_path: Path) -> None:
    assert run(LabelIssues(encoder="use-multilingual"), [], tmp_path) == []
    assert run(CategoryLabels(encoder="use-multilingual"), [], tmp_path) == []


def test_the_findings_do_not_depend_on_the_parts_or_on_the_run(tmp_path: Path) -> None:
    rows = records(swapped(zh_pairs(), [1, 30, 60, 90]))
    tables = []
    for name, n_parts in (("a", 1), ("b", 1), ("c", 3)):
        folder = tmp_path / name
        folder.mkdir()
        found = run(LabelIssues(encoder="use-multilingual"), rows, folder, n_parts)
        tables.append(findings_table(found, "run"))
    assert tables[0].equals(tables[1])
    assert tables[0]["record_id"].equals(tables[2]["record_id"])
    assert np.allclose(tables[0]["score"].to_numpy(), tables[2]["score"].to_numpy(), atol=1e-3)


def test_a_wrong_category_is_found_with_the_right_one(tmp_path: Path) -> None:
    pairs = zh_pairs()
    aspects = ["保养", "退货", "价格", "存放", "使用"]
    labels = [aspects[i % 5] for i in range(len(pairs))]
    wrong = {6: "价格", 41: "存放", 88: "保养"}
    given = [wrong.get(i, label) for i, label in enumerate(labels)]
    found = run(CategoryLabels(encoder="use-multilingual"), records(pairs, given), tmp_path)
    surest = sorted(found, key=lambda f: -f.score)[:3]
    flagged = {f.record_id: f for f in surest}
    assert set(flagged) == {f"r{i:04d}" for i in wrong}
    assert sum(f.score >= FLAGGED for f in surest) >= 2
    for i in wrong:
        evidence = flagged[f"r{i:04d}"].evidence
        assert evidence["suggested"] == labels[i]
        assert evidence["p_suggested"] > evidence["p_given"]  # type: ignore[operator]


def test_sources_without_a_common_label_are_taxonomies_of_their_own(tmp_path: Path) -> None:
    aspects = ["保养", "退货", "价格", "存放", "使用"]
    kinds = ["care", "returns", "price", "storage", "use"]
    zh = records(zh_pairs(), [aspects[i % 5] for i in range(100)])
    en = records(en_pairs(), [kinds[i % 5] for i in range(50)])
    moved = [
        replace(r, id=f"e{i:04d}", provenance=replace(r.provenance, source_uri="other"))
        for i, r in enumerate(en)
    ]
    found = run(CategoryLabels(encoder="use-multilingual"), [*zh, *moved], tmp_path)
    assert all((f.evidence["suggested"] in kinds) == (f.record_id[0] == "e") for f in found)
    assert sum(f.score >= FLAGGED for f in found) <= 3


def test_labels_without_any_sense_are_not_judged(tmp_path: Path) -> None:
    labels = [f"类{k}" for k in np.random.default_rng(0).integers(0, 5, 100)]
    rows = records(zh_pairs(), labels)
    assert run(CategoryLabels(encoder="use-multilingual"), rows, tmp_path) == []


def test_the_odds_must_be_higher_with_more_classes_and_less_skill() -> None:
    few = np.array([[0.05, 0.95, 0.0, 0.0, 0.0, 0.0]])
    many = np.array([[0.05, 0.95, *[0.0] * 40]])
    label = np.array([0])
    assert odds_scores(label, few, 0.9) > odds_scores(label, few, 0.4)
    assert odds_scores(label, few, 0.9) > odds_scores(label, many, 0.9)


def test_skill_is_what_is_better_than_the_commonest_label() -> None:
    labels = np.repeat([0, 1], [60, 40])
    assert least_skill(labels, np.eye(2)[labels]) == 1.0
    assert least_skill(labels, np.eye(2)[np.zeros(100, int)]) <= 0.0


def test_records_without_labels_and_rare_labels_have_no_findings(tmp_path: Path) -> None:
    pairs = zh_pairs()[:12]
    check = CategoryLabels(encoder="use-multilingual")
    for name, labels in (("none", []), ("rare", [f"类{i // 2}" for i in range(12)])):
        folder = tmp_path / name
        folder.mkdir()
        assert run(check, records(pairs, labels), folder) == []


def test_leave_one_out_equals_fitting_without_each_row() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = rng.integers(0, 3, 30)
    fast = leave_one_out(vectors, given, 3)
    rows = np.column_stack([vectors, np.ones(30)]).astype(np.float64)
    target = np.eye(3)[given]
    slow = np.zeros((30, 3))
    for i in range(30):
        kept = np.arange(30) != i
        x = rows[kept]
        slow[i] = rows[i] @ np.linalg.solve(x.T @ x + np.eye(7), x.T @ target[kept])
    assert (fast.argmax(axis=1) == slow.argmax(axis=1)).all()
    # A softmax keeps differences of scores up to its temperature.
    ratio = np.log(fast[:, 0] / fast[:, 1]) / (slow[:, 0] - slow[:, 1])
    assert ratio == pytest.approx(ratio[0], rel=1e-4)


def normal_matches(rng: np.random.Generator, n: int, centre: float) -> np.ndarray:
    """Return matches whose log-odds lie normally about a centre: the odds are known exactly."""
    return 1.0 / (1.0 + np.exp(-3.4 * rng.normal(centre, 1.0, n)))


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1, 0.3])
def test_scores_of_wrong_answers_are_probabilities(share: float) -> None:
    rng = np.random.default_rng(1)
    n, m = 20_000, 6_000
    truth = rng.random(n) < share
    match = np.where(truth, normal_matches(rng, n, -1.7), normal_matches(rng, n, 1.7))
    scores = wrong_answer_scores(match, normal_matches(rng, m, -1.7), normal_matches(rng, m, 0.5))
    order = np.argsort(match)
    assert (np.diff(scores[order]) <= 0).all()
    assert scores.mean() == pytest.approx(share, abs=0.03)
    for low in (0.1, 0.4, 0.7):
        inside = (scores >= low) & (scores < low + 0.3)
        # Twice the standard error of a share of so many, beside what the estimate may be off.
        margin = 0.15 + 1.0 / np.sqrt(inside.sum())
        assert abs(truth[inside].mean() - scores[inside].mean()) < margin


@pytest.mark.parametrize("tail", ["normal", "logistic", "laplace", "gumbel"])
@pytest.mark.parametrize("n", [100, 4_000])
def test_where_all_are_right_none_is_surely_wrong(tail: str, n: int) -> None:
    rng = np.random.default_rng(2)
    match = 1.0 / (1.0 + np.exp(getattr(rng, tail)(-4.0, 1.5, n)))
    scores = wrong_answer_scores(match, normal_matches(rng, n, -1.2), normal_matches(rng, n, 0.0))
    assert scores.mean() < 0.03
    assert (scores >= 0.5).mean() <= 0.005


def test_wording_is_compared_alike_in_both_languages() -> None:
    texts = [
        "冰箱不制冷怎么办",
        "冰箱不制冷的原因",
        "股票今天涨了",
        "股票今天跌了",
        "the fridge does not cool",
        "why a fridge does not cool",
        "shares rose",
        "shares fell",
    ]
    [rows] = tfidf([counts(texts)])
    likeness = (rows @ rows.T).toarray()
    assert likeness[0, 1] > 0.3 > likeness[0, 2]
    assert likeness[4, 5] > 0.3 > likeness[4, 6]
    assert counts(["[PERSON_1] [姓名2]"]).nnz == 0


@pytest.mark.parametrize("seed", [0])
def test_random_swaps_in_real_medical_pairs(real_data: Path, tmp_path: Path, seed: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    path = real_data / "medical" / "toyhom_neike_sample_raw.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:600]
    pairs = [(f"{row['title']}\n{row['ask']}", row["answer"]) for row in rows]
    wrong = np.random.default_rng(seed).choice(len(pairs), len(pairs) // 20, replace=False)
    found = run(
        LabelIssues(encoder="use-multilingual"), records(swapped(pairs, wrong.tolist())), tmp_path
    )
    score = {f.record_id: f.score for f in found}
    scores = [score.get(f"r{i:04d}", 0.0) for i in range(len(pairs))]
    truth = np.isin(np.arange(len(pairs)), wrong)
    assert roc_auc_score(truth, scores) >= 0.85
    assert average_precision_score(truth, scores) >= 0.6
