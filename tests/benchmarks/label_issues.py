"""Wrong answers: planted and judged by people, beside single signals and cleanlab's Datalab.

Every pair gets the check's own score. AUROC, average precision, precision among
the first 50, 100 and 500, and on planted errors the expected calibration error
(Naeini et al. 2015, ten bins) of the scores. What the evidence is worth: each signal
alone, and all but that one. With `--lm` a language model reads some of the pairs. Outliers are strange conversations among those of a clinic; the cost
is that of 10,000 pairs of 120 Chinese characters, beside embedding them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks import labelled
from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.matching import Described, Halves
    from tests.benchmarks.labelled import Pairs

    Scores = NDArray[np.float64]
    Wrong = NDArray[np.bool_]

FIRST = (50, 100, 500)
AIMS = {
    "toyhom, random swaps": {"AUROC": 0.97, "AP": 0.85, "P@50": 0.98},
    "toyhom, hard swaps": {"AUROC": 0.88, "AP": 0.30},
    "medquad, random swaps": {"AUROC": 0.99},
    "liveqa": {"AUROC": 0.90},
}
CALIBRATION = 0.05
SURE = 0.3
"""From this score the policy sends a finding to reviewers."""
OTHER_SHARES = (0.01, 0.2)
OUTLIER = 0.9
"""From this score the policy sends outliers to reviewers."""
SIGNALS = ("wording", "asked", "said", "meaning", "map", "answers", "questions", "length")
"""What the names of the figures begin with: see `curator.matching`."""
ABLATED = ("toyhom, random swaps", "toyhom, hard swaps", "medquad, hard swaps")
READ_SHARE = 0.1
"""Of a sample few are swapped; AUROC does not depend on the share."""
STRANGE = 40
COST_PAIRS, COST_LENGTH, COST = 10_000, 120, 1.3
AHEAD = 0.05
"""How far the check's AUROC is to lie above Datalab's and that of the best single signal."""


def vectors(pairs: Pairs) -> list[NDArray[np.float32]]:
    """Embed questions and answers."""
    from curator.checks.embeddings import CAP
    from curator.models.encoders import embed, load_encoder

    encoder = load_encoder("use-multilingual")
    return [embed(encoder, texts, CAP) for texts in (pairs.questions, pairs.answers)]


def halves(pairs: Pairs, embedded: list[NDArray[np.float32]] | None = None) -> Halves:
    """Describe the pairs as the check does: vectors, TF-IDF rows, keys and lengths."""
    from curator.checks.judged_pairs import text_key
    from curator.matching import Halves
    from curator.terms import counts, tfidf
    from curator.text import length

    sides = (pairs.questions, pairs.answers)
    terms = tfidf([counts(texts) for texts in sides])
    keys = [np.array([text_key(t) for t in texts], np.uint64) for texts in sides]
    lengths = [np.array([length(t) for t in texts], np.float32) for texts in sides]
    return Halves(*(embedded or vectors(pairs)), *terms, *keys, *lengths)


def swapped(whole: Halves, takes: NDArray[np.int64]) -> Halves:
    """Return the pairs with the answers of other rows."""
    names = ("answer", "answer_terms", "answer_key", "answer_length")
    return replace(whole, **{name: getattr(whole, name)[takes] for name in names})


def checked(described: Described, length: NDArray[np.float32]) -> tuple[Scores, dict[str, Scores]]:
    """Return the check's score of each pair, and those of its single signals."""
    from curator.matching import judge, wrong_answer_scores

    found = judge(described)
    beside = described.own[:, described.names.index("wording_mean_nearest")]
    single = {
        "the embeddings' cosine": -found.cosine,
        "overlap of wording": -found.overlap,
        "rank of the own answer": found.answer_rank,
        "rank of the own question": found.question_rank,
        "wording beside similar questions": beside,
        "length of the answer": -length,
        "chance": np.random.default_rng(3).random(len(length)),
    }
    scores = wrong_answer_scores(found.match, found.wrong, found.wrong_near)
    return scores, {name: np.asarray(s, np.float64) for name, s in single.items()}


def ablation(described: Described, wrong: Wrong) -> Iterator[tuple[str, float, float]]:
    """Yield (what counts, AUROC, AP) of the check with each signal alone, and without it."""
    from curator.matching import judge

    for signal in SIGNALS:
        mine = [name for name in described.names if name.startswith(signal)]
        others = [name for name in described.names if name not in mine]
        for told, names in ((f"{signal} alone", mine), (f"without {signal}", others)):
            found = figures(wrong, -judge(described, names).match)
            yield told, found["AUROC"], found["AP"]


def datalab(whole: Halves) -> Scores:
    """Return cleanlab Datalab's outlier score over question and answer vectors, side by side."""
    from cleanlab import Datalab

    features = np.column_stack([whole.question, whole.answer])
    lab = Datalab({"row": list(range(len(features)))}, verbosity=0)
    lab.find_issues(features=features, issue_types={"outlier": {}})
    return 1.0 - lab.get_issues("outlier")["outlier_score"].to_numpy()


def figures(wrong: Wrong, scores: Scores) -> dict[str, float]:
    """Return AUROC, AP and the precision among the first."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    order = np.argsort(-scores, kind="stable")
    first = {f"P@{k}": wrong[order[:k]].mean() for k in FIRST if k <= len(wrong) // 2}
    auroc, ap = roc_auc_score(wrong, scores), average_precision_score(wrong, scores)
    return {k: round(float(v), 4) for k, v in {"AUROC": auroc, "AP": ap, **first}.items()}


def calibration(wrong: Wrong, scores: Scores) -> float:
    """Return the expected calibration error: ten bins of equal width, weighted by their size."""
    bins = np.minimum((scores * 10).astype(int), 9)
    gaps = [
        abs(wrong[bins == b].mean() - scores[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return round(float(sum(gaps)), 4)


def rows_of(name: str, whole: Halves, wrong: Wrong) -> Iterator[Row]:
    """Compare the check on one set with Datalab and with the best single signal."""
    from curator.matching import describe

    described = describe(whole)
    scores, single = checked(described, whole.answer_length)
    ours, aims = figures(wrong, scores), AIMS.get(name, {})
    peers = {n: figures(wrong, s) for n, s in (single | {"Datalab": datalab(whole)}).items()}
    yield Row(f"{name}: share of wrong answers", round(float(wrong.mean()), 4))
    for peer, theirs in peers.items():
        yield Row(f"{name}: AUROC", ours["AUROC"], theirs["AUROC"], peer)
    best = max(theirs["AUROC"] for theirs in peers.values())
    yield Row(
        f"{name}: AUROC above the best of them", round(ours["AUROC"] - best, 4), aim=f">= {AHEAD}"
    )
    for metric, value in ours.items():
        aim = f">= {aims[metric]}" if metric in aims else None
        yield Row(
            f"{name}: {metric}", value, peers["the embeddings' cosine"][metric], "cosine", aim
        )
    if "swaps" in name:
        yield from kept(f"{name}, {labelled.SHARE:.0%}", wrong, scores)
    for told, auroc, ap in ablation(described, wrong) if name in ABLATED else ():
        yield Row(f"{name}: AUROC, {told}", auroc, ours["AUROC"], "all signals")
        yield Row(f"{name}: AP, {told}", ap, ours["AP"], "all signals")


def kept(name: str, wrong: Wrong, scores: Scores) -> Iterator[Row]:
    """Tell whether the scores keep their promise, over all pairs and from the policy's score."""
    yield Row(f"{name}: calibration error", calibration(wrong, scores), aim=f"<= {CALIBRATION}")
    sure = scores >= SURE
    yield Row(f"{name}: pairs with {SURE} or more", int(sure.sum()))
    if sure.any():
        said, true = (round(float(values[sure].mean()), 4) for values in (scores, wrong))
        yield Row(f"{name}: wrong among them", true, said, "mean score")


def embedded(data: Path, name: str) -> tuple[Pairs, Halves]:
    """Return a set's pairs and their halves."""
    pairs = getattr(labelled, name)(data)
    return pairs, halves(pairs)


def swaps(pairs: Pairs, whole: Halves, share: float) -> Iterator[tuple[str, Halves, Wrong]]:
    """Yield the set with random swaps and with hard ones."""
    for kind, (takes, wrong) in (
        ("random", labelled.swapped_at_random(pairs, share)),
        ("hard", labelled.swapped_nearby(pairs, whole.question, share)),
    ):
        yield f"{pairs.name}, {kind} swaps", swapped(whole, takes), wrong


def planted(data: Path, name: str) -> list[Row]:
    """Measure a set into which errors are planted, at several shares."""
    from curator.matching import describe

    pairs, whole = embedded(data, name)
    rows: list[Row] = []
    for told, made, wrong in swaps(pairs, whole, labelled.SHARE):
        rows += rows_of(told, made, wrong)
    as_it_is = (f"{pairs.name}, nothing planted", whole, np.zeros(len(pairs), bool))
    others = [
        (f"{told}, {share:.0%}", made, wrong)
        for share in OTHER_SHARES
        for told, made, wrong in swaps(pairs, whole, share)
    ]
    for told, made, wrong in [as_it_is, *others]:
        scores, _ = checked(describe(made), made.answer_length)
        rows += kept(told, wrong, scores)
    return rows


def judged(data: Path, name: str) -> list[Row]:
    """Measure a set whose answers others have judged."""
    pairs, whole = embedded(data, name)
    return list(rows_of(pairs.name, whole, pairs.wrong))


def outliers(data: Path, name: str, others: tuple[str, ...]) -> list[Row]:
    """Put some pairs of another set among those of one, and look for them."""
    from curator.confident import outlier_scores

    usual = vectors(getattr(labelled, name)(data))
    rows = []
    for strange in others:
        foreign_pairs = getattr(labelled, strange)(data)
        first = replace(
            foreign_pairs,
            questions=foreign_pairs.questions[:STRANGE],
            answers=foreign_pairs.answers[:STRANGE],
        )
        both = [np.concatenate(side) for side in zip(usual, vectors(first), strict=True)]
        scores = outlier_scores(np.column_stack(both))
        foreign = np.arange(len(scores)) >= len(scores) - STRANGE
        found, told = scores >= OUTLIER, f"outliers, {strange} in {name}"
        rows += [
            Row(f"{told}: AUROC", figures(foreign, scores)["AUROC"], aim=">= 0.95"),
            Row(f"{told}: recall from score {OUTLIER}", round(float(found[foreign].mean()), 4)),
            Row(f"{told}: others found", int(found[~foreign].sum())),
        ]
    return rows


def cost(data: Path) -> list[Row]:
    """Tell what judging costs beside embedding, in CPU seconds of one process."""
    from time import process_time

    from curator.matching import describe

    pairs = labelled.toyhom(data)
    text = "".join(pairs.questions + pairs.answers).replace("\n", "")
    step = len(text) // (2 * COST_PAIRS)
    cut = [text[i * step : i * step + COST_LENGTH] for i in range(2 * COST_PAIRS)]
    made = labelled.Pairs("cut", cut[::2], cut[1::2], np.zeros(COST_PAIRS, bool), [])
    start = process_time()
    embedded = vectors(made)
    embedding = process_time() - start
    whole = halves(made, embedded)
    checked(describe(whole), whole.answer_length)
    return [
        Row(
            f"{COST_PAIRS:,} pairs of {COST_LENGTH} characters, CPU seconds",
            *(round(process_time() - start, 1), round(embedding, 1)),
            *("embedding alone", f"ratio <= {COST}"),
        )
    ]


def read_by_model(data: Path, name: str, model: str, size: int) -> list[Row]:
    """Compare the check with and without a language model, on a sample of a set."""
    from tests.benchmarks.language_model import Reader, matches_with_and_without, sample

    pairs = sample(getattr(labelled, name)(data), size)
    whole, reader = halves(pairs), Reader(model)
    takes = np.arange(len(pairs))
    sets = (
        [(pairs.name, takes, pairs.wrong)]
        if pairs.wrong.any()
        else [
            (f"{pairs.name}, random swaps", *labelled.swapped_at_random(pairs, READ_SHARE)),
            (
                f"{pairs.name}, hard swaps",
                *labelled.swapped_nearby(pairs, whole.question, READ_SHARE),
            ),
        ]
    )
    rows = []
    for told, taken, wrong in sets:
        made = swapped(whole, taken)
        gains = reader.gains(pairs, [pairs.answers[row] for row in taken], made)
        (_, ours), *others = matches_with_and_without(made, gains)
        mine = figures(wrong, -ours)
        for peer, theirs in others:
            for metric in ("AUROC", "AP"):
                told_metric = f"{told}, {size} pairs read by {model}: {metric}"
                rows.append(Row(told_metric, mine[metric], figures(wrong, -theirs)[metric], peer))
    return rows


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--lm", help="a language model: smollm2, or a folder of transformers")
    parser.add_argument("--lm-pairs", type=int, default=600, help="so many pairs of a set it reads")
    parser.add_argument("--lm-only", action="store_true", help="measure nothing but that")


def main() -> None:
    """Measure all sets, two at a time, and print the figures."""
    given = arguments(__doc__ or "", _options)
    rows = [] if given.lm_only else _without_a_model(given.data)
    for name in ("medquad", "alpaca_en", "mmlu") if given.lm else ():
        done = measured(read_by_model, given.data, name, given.lm, given.lm_pairs)
        rows += [*done.result, Row(f"{name}, read by {given.lm}: CPU seconds", done.cpu_seconds)]
    report("label_issues", rows, as_json=given.json)


def _without_a_model(data: Path) -> list[Row]:
    """Measure what the check does by itself."""
    work: list[tuple[Callable[..., list[Row]], Any]] = [
        *((planted, name) for name in ("medquad", "toyhom", "alpaca_en")),
        *((judged, name) for name in ("translated", "reviewed", "mmlu", "liveqa")),
    ]
    with ThreadPoolExecutor(2) as pool:
        sets = [pool.submit(measured, measure, data, name) for measure, name in work]
        strange = pool.submit(measured, outliers, data, "toyhom", ("translated", "reviewed"))
    rows: list[Row] = []
    for (_, name), done in zip(work, sets, strict=True):
        rows += [
            *done.result().result,
            Row(f"{name}: CPU seconds", done.result().cpu_seconds),
            Row(f"{name}: peak memory MB", done.result().peak_mb),
        ]
    rows += strange.result().result
    # Alone, since it is a measurement of time.
    return rows + measured(cost, data).result


if __name__ == "__main__":
    main()
