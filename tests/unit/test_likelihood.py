"""A language model that reads answers: what it makes of them, and what comes of it in a check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from curator.check import plan
from curator.checks.label_issues import LabelIssues
from curator.engine import LocalEngine
from curator.errors import ModelError
from curator.evidence import told
from curator.matching import Gains, describe, judge, to_be_read
from curator.models import base
from curator.models.likelihood import Likelihood
from curator.protocols import Scope
from curator.rules import load_rules
from curator.scaffold import scaffold
from curator.schema import Models, Recipe, load
from curator.tables import records_table
from curator.workspace import Workspace
from tests.unit.test_label_issues import en_pairs, records, swapped, zh_pairs
from tests.unit.test_matching import halves

if TYPE_CHECKING:
    from pathlib import Path

    from curator.protocols import Progress
    from curator.types import Finding


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    base.make_tiny(folder, [text for pair in (*zh_pairs(), *en_pairs()) for text in pair])
    return folder


def by_hand(folder: Path, question: str, answer: str) -> float:
    """Return the mean log-likelihood of an answer's tokens, one token after the other."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = [tokenizer.eos_token_id]
    if question:
        ids += tokenizer(f"{question}\n")["input_ids"]
    found = []
    for token in tokenizer(f"{answer}\n")["input_ids"]:
        with torch.inference_mode():
            scores = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        found.append(float(scores[token]))
        ids.append(token)
    return float(np.mean(found))


def test_answers_are_read_after_their_questions_and_by_themselves(tiny: Path) -> None:
    pairs = [
        ("冰箱怎么保养？", "定期检查冷藏室，脏了就擦干净。"),
        ("How do I look after my piano?", "Clean the keys."),
        ("", "Clean the keys."),
        ("", "定期检查冷藏室，脏了就擦干净。"),
    ]
    read = Likelihood(str(tiny))(*zip(*pairs, strict=True))
    wanted = [by_hand(tiny, question, answer) for question, answer in pairs]
    assert read == pytest.approx(wanted, abs=1e-4)


def test_long_texts_are_read_up_to_the_cap_and_nothing_is_no_error(tiny: Path) -> None:
    likelihood = Likelihood(str(tiny))
    start, end = "冰箱不制冷，" * 100, "怎么办？" * 400
    once, again = likelihood([f"甲{end}", f"乙{end}"], [start, f"{start}别的"])
    assert once == pytest.approx(again, abs=1e-4)
    assert likelihood([], []).shape == (0,)


def run(check: LabelIssues, rows: list[Any], folder: Path, progress: Progress) -> list[Finding]:
    folder.mkdir()
    parts = []
    for n, some in enumerate((rows[:60], rows[60:])):
        parts.append(folder / f"part-{n}.parquet")
        pq.write_table(records_table(some), parts[-1])
    with LocalEngine(progress=progress) as engine:
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases")
        return list(check.run(scope))


@pytest.mark.parametrize("pairs", [zh_pairs(), en_pairs()], ids=["zh", "en"])
def test_what_the_question_adds_is_a_signal_and_evidence(
    pairs: list[tuple[str, str]], tiny: Path, tmp_path: Path
) -> None:
    wrong = list(range(3, len(pairs), 12))
    made = swapped(pairs, wrong)
    stages: set[str] = set()
    check = LabelIssues(encoder="use-multilingual", language_model=str(tiny))
    found = run(check, records(made), tmp_path / "on", lambda label, *_: stages.add(label))
    assert {"answers read", "wrong answers read"} <= stages
    truth = {f"r{i:04d}" for i in wrong}
    assert len({f.record_id for f in found if f.score >= 0.5} & truth) >= 0.6 * len(truth)
    for finding in found[:3]:
        question, answer = made[int(finding.record_id[1:])]
        gain = by_hand(tiny, question, answer) - by_hand(tiny, "", answer)
        assert finding.evidence["likelihood_gain"] == pytest.approx(gain, abs=2e-4)
    # Read again only where texts are new: the cache has one file a part.
    read = sorted((tmp_path / "on" / "cache" / "likelihoods").rglob("*.parquet"))
    assert [path.name for path in read] == ["part-0.parquet", "part-1.parquet"]


def test_without_a_model_nothing_changes_and_its_name_is_part_of_the_run(
    tiny: Path, tmp_path: Path
) -> None:
    scaffold(tmp_path, [])
    workspace, rules = Workspace(tmp_path), load_rules(tmp_path)
    recipe = load(tmp_path / "curator.yaml", Recipe)

    def of_label_issues(model: str | None) -> Any:
        models = Models(language_model=model)
        planned = plan(workspace, recipe.model_copy(update={"models": models}), rules)
        return next(one for one in planned.checks if one.name == "label_issues")

    off, on = of_label_issues(None), of_label_issues(str(tiny))
    assert "language_model" not in off.params
    assert (on.run_id, on.pace) != (off.run_id, off.pace)
    assert of_label_issues("smollm2").model_sha != on.model_sha


def test_a_signal_that_tells_wrong_pairs_is_learned() -> None:
    n = 400
    said = np.arange(n)
    wrong = np.arange(5, n, 20)
    said[wrong] = np.roll(wrong, 1)
    whole = halves(n, np.arange(n), said)
    asked, answered = to_be_read(whole)
    rng = np.random.default_rng(3)
    own = rng.normal(np.where(said == np.arange(n), 1.0, 0.0), 0.2).astype(np.float32)
    gains = Gains(own, asked, answered, rng.normal(0.0, 0.2, len(asked)).astype(np.float32))
    described = describe(whole, gains)
    match = judge(described, ["likelihood_gain"]).match
    assert match[wrong].max() < 0.5 < np.median(match)
    assert judge(described).gain == pytest.approx(own)
    # Of the made pairs those count that were read (some were made twice), and no others.
    fewer = replace(gains, asked=asked[::4], answered=answered[::4], wrong=gains.wrong[::4])
    left = describe(whole, fewer)
    assert len(asked[::4]) <= len(left.wrong) < len(described.wrong) / 3
    assert np.isin(left.wrong[:, -1], fewer.wrong).all()


def test_what_a_model_says_is_told_in_both_languages() -> None:
    [phrase] = told("LBL001", {"likelihood_gain": 0.693})
    assert phrase.en.endswith("each token of the answer 2 times as likely as without it")
    assert phrase.zh.endswith("每个词元出现的可能性是未看问题时的 2 倍")


def test_a_model_that_is_not_there_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "none"))
    for name, message, hint in (
        ("gpt-9", "no such language model here: gpt-9", "smollm2, tiny"),
        ("smollm2", "smollm2 is not here yet", "curator models get smollm2"),
        (str(tmp_path), "no model", "save_pretrained"),
    ):
        with pytest.raises(ModelError, match=message) as error:
            LabelIssues(encoder="use-multilingual", language_model=name)
        assert hint in error.value.hint


def test_what_is_not_installed_is_told_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    def without_gguf(*_: object, **__: object) -> None:
        raise ImportError("gguf")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", without_gguf)
    with pytest.raises(ModelError, match="without the package gguf") as error:
        base._converted(tmp_path / "weights.gguf", tmp_path)
    assert error.value.hint == "install it: pip install 'curator-data[train]'"
