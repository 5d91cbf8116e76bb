"""What holds for any text: sets as by brute force, estimates near the truth, parts as the whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.checks.exact_duplicates import ExactDuplicates
from curator.checks.near_duplicates import NearDuplicates
from curator.engine import LocalEngine
from curator.protocols import Scope
from curator.similarity.components import components
from curator.similarity.jaccard import jaccard
from curator.similarity.minhash import minhash
from curator.similarity.scanning import folded, shingle_sets
from curator.similarity.shingles import Sets
from curator.survivors import survivors
from curator.tables import records_table
from curator.text import fold
from curator.types import Part, Provenance, Record
from curator.workspace import write_table

WORDS = [
    "感冒",
    "发烧",
    "吃药",
    "can",
    "I",
    "take",
    "it",
    "38.5",
    "度",
    "，",
    "。",
    " ",
    "不",
    "😀",
    "ﬁ",
    "\n",
]
TEXT = st.lists(st.sampled_from(WORDS), max_size=24).map("".join)
SETS = st.lists(st.frozensets(st.integers(0, 40), max_size=30), min_size=2, max_size=12)


def csr(sets: list[frozenset[int]]) -> Sets:
    values = np.array([v for s in sets for v in sorted(s)], np.uint32)
    return Sets(values, np.cumsum([0, *map(len, sets)]))


@given(SETS)
def test_jaccard_is_brute_force(sets: list[frozenset[int]]) -> None:
    left, right = np.triu_indices(len(sets), 1)
    found = jaccard(csr(sets), left.astype(np.int64), right.astype(np.int64))
    truth = [
        len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b]))
        for a, b in zip(left, right, strict=True)
    ]
    assert found.tolist() == pytest.approx(truth)


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=60))
def test_components_are_brute_force(n: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [(a % n, b % n) for a, b in pairs]
    truth = list(range(n))
    for _ in range(n):
        for a, b in pairs:
            truth[a] = truth[b] = min(truth[a], truth[b])
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    assert components(n, edges[:, 0], edges[:, 1]).tolist() == truth


@pytest.mark.parametrize("truth", [0.2, 0.5, 0.8])
def test_minhash_estimates_jaccard(truth: float) -> None:
    rng = np.random.default_rng(7)
    estimates = []
    for _ in range(40):
        pool = rng.choice(2**32, 300, replace=False).astype(np.uint32)
        common = round(300 * truth)
        half = common + (300 - common) // 2
        a, b = np.sort(pool[:half]), np.sort(np.concatenate([pool[:common], pool[half:]]))
        found = minhash(Sets(np.concatenate([a, b]), np.array([0, len(a), len(a) + len(b)])))
        estimates.append(float((found[0] == found[1]).mean()))
    # The mean of 40 estimates of 128 permutations has a standard error under 0.007.
    assert np.mean(estimates) == pytest.approx(truth, abs=0.03)


@settings(deadline=None)  # the first call makes the tables
@given(st.lists(st.lists(st.text(max_size=30), max_size=3), max_size=6))
def test_shingles_of_any_text_do_not_depend_on_the_company(texts: list[list[str]]) -> None:
    turns = [[("user", t) for t in text] for text in texts]
    together = shingle_sets(turns)
    assert len(together) == len(turns)
    for i, text in enumerate(turns):
        alone = shingle_sets([text])
        own = together.values[together.bounds[i] : together.bounds[i + 1]]
        assert own.tolist() == alone.values.tolist() == list(dict.fromkeys(own.tolist()))


@settings(deadline=None)
@given(st.lists(TEXT, max_size=8))
def test_folding_in_bulk_is_folding(texts: list[str]) -> None:
    # Two texts have one key if they fold to the same, and only then.
    assert len(set(zip(folded(texts)[0], map(fold, texts), strict=True))) == len(
        set(map(fold, texts))
    )
    assert len(set(folded(texts)[0])) == len(set(map(fold, texts)))


def findings(
    texts: list[str], size: int, folder: Path, *, earlier: int = 0, workers: int = 1
) -> list[tuple[object, ...]]:
    """What both checks tell; with `earlier`, after they ran on so many parts alone."""
    records = [
        Record(f"r{i}", "conversation", (Part("user", t),), "und", Provenance("s", "0", str(i)))
        for i, t in enumerate(texts)
    ]
    parts = []
    for low in range(0, len(records), size):
        part = folder / "view" / f"s-{low:04d}.parquet"
        write_table(part, records_table(records[low : low + size]))
        parts.append(part)
    found: list[tuple[object, ...]] = []
    for check in (ExactDuplicates(), NearDuplicates()):
        with LocalEngine(workers) as engine:
            if earlier:
                phases = folder / "earlier" / check.name
                list(check.run(Scope(engine, tuple(parts[:earlier]), folder / "cache", phases)))
            scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases" / check.name)
            found += [
                (f.record_id, f.peer_id, f.code, f.score, tuple(f.evidence.items()))
                for f in check.run(scope)
            ]
    return found


LONG = [
    "平时要注意保湿，洗澡水温不要太高，洗完及时涂抹润肤霜，衣物选择纯棉宽松的。",
    "Turn off the machine and let it cool down, then pull out the old filter and rinse the holder with clean water before use. ",
    "请先检查 WiFi 是否正常，再到设置里清理 cache，然后重启 App，仍然不行请联系 support 人员。",
    "体温超过38.5度时可以服用布洛芬，不要超过每天4次，饭后服用，多喝温水，注意休息。",
]
LONGER = st.lists(st.sampled_from([*LONG, *WORDS]), min_size=1, max_size=6).map("".join)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(LONGER, min_size=2, max_size=16), st.integers(1, 5))
def test_containment_is_true_and_does_not_depend_on_parts_or_on_what_came_before(
    texts: list[str], size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = findings(texts, len(texts), Path(folder) / "one")
        assert findings(texts, size, Path(folder) / "many") == whole
        assert findings(texts, size, Path(folder) / "again", earlier=1) == whole
    sets = shingle_sets([[("user", t)] for t in texts])
    for record, peer, code, _, evidence in whole:
        if code == "DUP003":
            inner, outer = (
                set(sets.values[sets.bounds[i] : sets.bounds[i + 1]].tolist())
                for i in (int(str(record)[1:]), int(str(peer)[1:]))
            )
            share = len(inner & outer) / len(inner)
            assert dict(evidence)["containment"] == round(share, 4)  # type: ignore[call-overload]
            assert share >= 0.8
            assert 20 <= len(inner) < len(outer)


def test_workers_make_no_difference(tmp_path: Path) -> None:
    texts = [
        "".join((LONG[i % 4], "然后" * (i % 3), LONG[(i * 3 + 1) % 4] * (i % 2), str(i % 5)))
        for i in range(60)
    ]
    texts += texts[:5]
    one = findings(texts, 7, tmp_path / "one")
    assert {f[2] for f in one} == {"DUP001", "DUP002", "DUP003"}
    assert findings(texts, 7, tmp_path / "two", workers=2) == one


NODES = "abcdefg"
EDGES = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.booleans()), max_size=9
)
INSIDE = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=6)


@given(st.permutations(NODES), EDGES, INSIDE)
def test_every_record_that_falls_is_near_or_inside_its_survivor(
    ranked: list[str], edges: list[tuple[str, str, bool]], inside: list[tuple[str, str]]
) -> None:
    fallen = survivors(ranked, edges, inside)
    assert not set(fallen.values()) & set(fallen), "a survivor stands"
    assert survivors(ranked, edges[::-1], inside[::-1]) == fallen
    equal = {x: {x} for x in NODES}
    for _ in NODES:
        for a, b, exact in edges:
            if exact:
                equal[a] = equal[b] = equal[a] | equal[b]
    for record, survivor in fallen.items():
        ours, theirs = equal[record], equal[survivor]
        near = any((a in ours and b in theirs) or (b in ours and a in theirs) for a, b, _ in edges)
        within = any(a in ours and b in theirs for a, b in inside)
        assert survivor in ours or near or within
    plain = survivors(ranked, edges)
    longest = {outer for _, outer in inside} - {inner for inner, _ in inside}
    for record in longest - set(plain):
        if not any(record in equal[inner] for inner, _ in inside):
            assert record not in fallen, "a longer record never falls to what it holds"


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(TEXT, min_size=1, max_size=14), st.integers(1, 5))
def test_sharded_is_unsharded_and_scores_are_true(texts: list[str], size: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        whole = findings(texts, len(texts), Path(one))
        assert findings(texts, size, Path(many)) == whole
    sets = shingle_sets([[("user", t)] for t in texts])
    for record, peer, code, _, evidence in whole:
        a, b = (np.array([int(str(x)[1:])]) for x in (peer, record))
        if code == "DUP003":
            continue
        if code == "DUP002":
            assert dict(evidence)["jaccard"] == round(float(jaccard(sets, a, b)[0]), 4)  # type: ignore[call-overload]
        else:
            assert fold(texts[a[0]]) == fold(texts[b[0]])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(TEXT, min_size=2, max_size=12))
def test_no_pair_of_at_least_seven_tenths_is_missed(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = findings(texts, 100, Path(folder))
    told = {(f[1], f[0]) for f in found if f[2] == "DUP002"}
    copies = {f[0] for f in found if f[2] == "DUP001"}
    sets = shingle_sets([[("user", t)] for t in texts])
    left, right = np.triu_indices(len(texts), 1)
    score = jaccard(sets, left.astype(np.int64), right.astype(np.int64))
    for a, b, j in zip(left.tolist(), right.tolist(), score.tolist(), strict=True):
        if j >= 0.7 and not {f"r{a}", f"r{b}"} & copies:
            assert (f"r{a}", f"r{b}") in told
