"""Training, before anything runs: tokens, templates, plans, settings, and what is refused."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from curator.errors import ModelError, RecipeError, TrainError, WorkspaceError
from curator.schema import Training
from curator.train import bases, memory, templates
from curator.train.hardware import Hardware
from curator.train.inputs import open_export, open_general
from curator.train.launch import filled
from curator.train.memory import Way
from curator.train.plan import plan, prepare, too_big
from curator.train.settings import changed
from curator.train.tokens import IGNORED, encode
from tests.training import asked, settings, talks, tiny, write_export

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["tiny"]
GIB = 2**30
LAPTOP = Hardware(
    "cpu", "a laptop", 1, 8 * GIB, 16 * GIB, 1e11, bf16=False, cores=4, quantises=False
)
GPU = Hardware(
    "cuda", "NVIDIA A100", 1, 78 * GIB, 80 * GIB, 312e12, bf16=True, cores=8, quantises=True
)


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    return bases.tokenizer(str(tiny))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "instruction"
    return write_export(folder, talks(30), talks(5, name="v"))


# --- templates ---------------------------------------------------------------------------

TALK = [
    {"role": "system", "content": "你是医生。"},
    {"role": "user", "content": "发烧怎么办?"},
    {"role": "assistant", "content": "多喝水。"},
    {"role": "user", "content": "And then?"},
    {"role": "assistant", "content": "Rest."},
]


def learnt(tokenizer: Any, template: templates.Template, talk: Any = TALK) -> str:
    ids, mask = template.encode(tokenizer, [talk])[0]
    return str(tokenizer.decode(ids[mask].tolist()))


def test_ours_is_used_where_the_base_renders_the_same(tokenizer: Any) -> None:
    template = templates.choose(tokenizer, "auto")
    assert (template.origin, template.marks, template.replaces) == ("ours", True, False)
    assert learnt(tokenizer, template) == "多喝水。<|im_end|>Rest.<|im_end|>"


def test_another_template_is_read_turn_by_turn(tiny: Path) -> None:
    other = bases.tokenizer(str(tiny))
    other.chat_template = (
        "{% for m in messages %}{% if loop.first and m.role != 'system' %}"
        "<|im_start|>system\nBe kind<|im_end|>\n{% endif %}"
        "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    template = templates.choose(other, "auto")
    assert (template.origin, template.marks) == ("base", False)
    assert learnt(other, template) == "多喝水。<|im_end|>Rest.<|im_end|>"
    ids, _ = template.encode(other, [TALK[1:]])[0]
    assert "Be kind" in other.decode(ids.tolist())


def test_a_template_of_its_own_with_marks_is_kept(tiny: Path) -> None:
    own = bases.tokenizer(str(tiny))
    own.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}"
        "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
        "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    )
    template = templates.choose(own, "auto")
    assert template.origin == "base"
    assert learnt(own, template) == "多喝水。<|im_end|>Rest.<|im_end|>"


def test_qwen3s_template_is_trained_as_trl_has_it(tiny: Path) -> None:
    from trl.chat_template_utils import qwen3_chat_template

    qwen = bases.tokenizer(str(tiny))
    qwen.chat_template = qwen3_chat_template
    template = templates.choose(qwen, "auto")
    assert template.origin == "trl"
    assert learnt(qwen, template).endswith("Rest.<|im_end|>\n")


def test_the_kept_template_renders_the_same_without_marks(tokenizer: Any) -> None:
    template = templates.choose(tokenizer, "chatml")
    assert template.replaces
    assert "generation %}" not in template.kept
    for asking in (False, True):
        texts = {
            tokenizer.apply_chat_template(
                TALK, chat_template=text, tokenize=False, add_generation_prompt=asking
            )
            for text in (template.text, template.kept)
        }
        assert len(texts) == 1


def test_a_base_without_a_template_is_offered_ours(tiny: Path) -> None:
    bare = bases.tokenizer(str(tiny))
    bare.chat_template = None
    with pytest.raises(TrainError, match="no chat template") as error:
        templates.choose(bare, "auto")
    assert "template=chatml" in error.value.hint
    assert learnt(bare, templates.choose(bare, "chatml")).startswith("多喝水")


def test_a_vocabulary_without_control_tokens_is_told() -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    lacking: Any = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
    with pytest.raises(TrainError, match=r"no <\|im_start\|> and no <\|im_end\|>"):
        templates.choose(lacking, "chatml")


def test_a_template_that_forgets_what_ends_an_answer_is_refused(tiny: Path) -> None:
    own = bases.tokenizer(str(tiny))
    own.chat_template = (
        "{% for m in messages %}{% if m.role == 'assistant' %}"
        "{% generation %}{{ m.content }}{% endgeneration %}<|im_end|>"
        "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    )
    with pytest.raises(TrainError, match="does not let answers be told"):
        templates.choose(own, "auto")


# --- tokens ------------------------------------------------------------------------------


def rows_of(folder: Path) -> Any:
    return open_export(folder).rows("train")


def test_rows_that_are_cut_or_masked_whole_are_counted_and_named(
    tokenizer: Any, tmp_path: Path
) -> None:
    rows = talks(3)
    rows[1]["messages"][0]["content"] = "问 " * 200
    rows[2]["messages"][1]["content"] = "答 " * 200
    found = rows_of(write_export(tmp_path / "e", rows, talks(1)))
    made = encode(found, tokenizer, templates.choose(tokenizer, "auto"), 100)
    account = made.account
    assert (account.rows, account.used, account.cut, account.masked) == (3, 2, 1, 1)
    assert [(n["id"], n["reason"]) for n in account.named] == [
        ("r001", "nothing to learn is left"),
        ("r002", "its end is cut off"),
    ]
    assert account.tokens == sum(map(len, made.table["input_ids"].to_pylist()))
    labels = [np.array(row) for row in made.table["labels"].to_pylist()]
    assert account.learnt == sum(int((row != IGNORED).sum()) for row in labels)
    assert account.lost > 0
    assert max(map(len, labels)) == 100


def test_filled_rows_make_whole_batches_and_teach_nothing(tokenizer: Any, export: Path) -> None:
    made = encode(rows_of(export), tokenizer, templates.choose(tokenizer, "auto"), 96)
    rows = filled(made.table, 8)
    assert len(rows) == 32
    assert rows["labels"].to_pylist()[-1] == [IGNORED, IGNORED]
    assert rows.slice(0, 30).equals(made.table)


# --- plans -------------------------------------------------------------------------------


def test_parameters_are_those_that_peft_trains(tiny: Path) -> None:
    from curator.train import adapters

    shape = bases.shape(str(tiny))
    model = adapters.added(bases.model(str(tiny), precision="fp32"), 4, quantised=False)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert shape.lora_parameters(4) == trained
    whole = bases.model(str(tiny), precision="fp32")
    assert shape.parameters == sum(p.numel() for p in whole.parameters())


def test_a_plan_tells_steps_flops_time_and_cost(tiny: Path, export: Path) -> None:
    training = settings(tiny, max_steps=None, epochs=2)
    prepared = prepare(training, open_export(export), None)
    made = plan(training, prepared, LAPTOP)
    assert made.steps == 16  # 30 rows, 4 a step, twice
    assert made.seen == 2 * prepared.tokens
    assert made.flops == 4 * prepared.shape.parameters * made.seen
    assert made.seconds == pytest.approx(made.flops / (1e11 * 0.35))
    assert made.fits
    assert made.facts(price=2.0)["cost"] == pytest.approx(2 * made.seconds / 3600, abs=0.01)
    full = plan(training.model_copy(update={"method": "full"}), prepared, LAPTOP)
    assert full.flops == pytest.approx(1.5 * made.flops)
    assert full.needs.optimizer == 8 * prepared.shape.parameters
    assert full.learning_rate == training.learning_rate


BIG = bases.Shape(
    parameters=8_000_000_000,
    linear=((4096, 4096),) * 4 * 32 + ((4096, 14336),) * 3 * 32,
    hidden=4096,
    intermediate=14336,
    layers=32,
    vocabulary=128_000,
    positions=8192,
    kind="llama",
)


def test_what_is_too_big_is_told_with_what_would_fit(tiny: Path, export: Path) -> None:
    training = settings(tiny, max_length=2048, packing=True)
    prepared = replace(prepare(training, open_export(export), None), shape=BIG)
    no = plan(training, prepared, LAPTOP)
    assert not no.fits
    assert no.fitting == "a base model of up to about 1.4B parameters"
    error = too_big(no, prepared, tiny)
    assert "8.00B parameters need about" in error.message
    assert "this would fit: a base model of up to about" in error.hint
    yes = plan(training, prepared, GPU)
    assert (yes.fits, yes.way.method, yes.way.precision) == (True, "lora", "bf16")
    small = replace(GPU, free=12 * GIB)
    assert plan(training, prepared, small).way.method == "qlora"
    full = plan(training.model_copy(update={"method": "full"}), prepared, small)
    assert not full.fits
    assert "method=qlora" in (full.fitting or "")


def test_memory_of_an_8b_model_is_of_the_known_size() -> None:
    """Full: 2 + 4 (master) + 4 + 8 bytes a parameter; LoRA: the weights and little more."""

    def way(method: str) -> Way:
        return Way(method, "bf16", 1, 1024, checkpointing=True, lora_rank=16)

    full = memory.estimate(BIG, way("full"), "cuda")
    assert 120 * GIB < full.total < 150 * GIB
    lora = memory.estimate(BIG, way("lora"), "cuda")
    assert 15 * GIB < lora.total < 19 * GIB
    four = memory.estimate(BIG, way("qlora"), "cuda")
    assert four.total < 9 * GIB


@pytest.mark.parametrize(
    ("more", "here", "message"),
    [
        ({"precision": "bf16"}, LAPTOP, "bf16 is asked for, and a laptop does not compute in it"),
        ({"precision": "fp16"}, LAPTOP, "there is no CUDA device"),
        ({"method": "qlora"}, LAPTOP, "qlora needs bitsandbytes"),
    ],
)
def test_what_the_hardware_lacks_is_told(
    tiny: Path, export: Path, more: dict[str, Any], here: Hardware, message: str
) -> None:
    training = settings(tiny, **more)
    with pytest.raises(TrainError, match=message):
        plan(training, prepare(training, open_export(export), None), here)


def test_a_batch_that_cannot_be_shared_is_told(tiny: Path, export: Path) -> None:
    training = settings(tiny)
    prepared = prepare(training, open_export(export), None)
    with pytest.raises(TrainError, match="4 rows cannot be shared by 3 processes"):
        plan(training, prepared, LAPTOP, 3)


# --- losses ------------------------------------------------------------------------------


def test_the_loss_is_that_of_all_learnt_tokens(tiny: Path) -> None:
    import pyarrow as pa
    import torch

    from curator.train import adapters, losses

    model = bases.model(str(tiny), precision="fp32")
    ids = [list(range(10, 10 + n)) for n in (9, 20, 70, 120, 121, 30, 5, 40, 41, 12)]
    said = [[IGNORED] * 4 + row[4:] for row in ids]
    rows = pa.table({"input_ids": ids, "labels": said})
    total, count = 0.0, 0
    with torch.no_grad():
        for row, labels in zip(ids, said, strict=True):
            logits = model(input_ids=torch.tensor([row])).logits[0, :-1]
            wanted = torch.tensor(labels[1:])
            total += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
            count += int((wanted != IGNORED).sum())
    assert losses.loss(model, rows) == pytest.approx(total / count, rel=1e-5)
    adapted = adapters.added(model, 4, quantised=False)
    assert losses.loss(adapted, rows) == pytest.approx(total / count, rel=1e-5)


def test_answers_are_the_same_one_by_one_and_together(tokenizer: Any, tiny: Path) -> None:
    from curator.train.losses import answers

    model = bases.model(str(tiny), precision="fp32")
    template = templates.choose(tokenizer, "auto").text
    asked = [[{"role": "user", "content": "怎么办？" * n}] for n in (1, 9, 300)]
    alone = [answers(model, tokenizer, template, [one], longest=8)[0] for one in asked]
    assert answers(model, tokenizer, template, asked, longest=8) == alone
    assert answers(model, tokenizer, template, []) == []


def test_an_answer_that_is_context_is_not_learnt(tokenizer: Any, tiny: Path) -> None:
    talk = [dict(m) for m in TALK]
    talk[2]["weight"], talk[4]["weight"] = 0, 1
    assert learnt(tokenizer, templates.choose(tokenizer, "auto"), talk) == "Rest.<|im_end|>"
    own = bases.tokenizer(str(tiny))
    own.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}"
        "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
        "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    )
    assert learnt(own, templates.choose(own, "auto"), talk) == "Rest.<|im_end|>"
    own.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant: {% endif %}"
    )
    assert learnt(own, templates.choose(own, "auto"), talk).strip() == "Rest.<|im_end|>"


# --- what is not there, or not right -----------------------------------------------------


def test_no_export(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no export in"):
        open_export(tmp_path)


def test_an_export_of_another_kind(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "e", talks(2), talks(1))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"instruction"', '"rag"'))
    with pytest.raises(TrainError, match="a rag export cannot be trained on"):
        open_export(folder)


def test_an_export_whose_files_were_changed(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "e", talks(2), talks(1))
    with (folder / "train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(WorkspaceError, match=r"train\.jsonl: not as it was exported"):
        open_export(folder)


def test_no_row_is_left(tiny: Path, tmp_path: Path) -> None:
    rows = talks(2)
    for row in rows:
        row["messages"][0]["content"] = "问 " * 300
    folder = write_export(tmp_path / "e", rows, talks(1))
    with pytest.raises(TrainError, match="of 2 rows none is left to train on"):
        prepare(settings(tiny), open_export(folder), None)


@pytest.mark.parametrize(
    ("name", "message"),
    [(None, "no base model is named"), ("no/such", "no such base model here: no/such")],
)
def test_no_base_model(name: str | None, message: str) -> None:
    with pytest.raises((TrainError, ModelError), match=message):
        bases.find(name)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        bases.find(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "no-such-kind"}')
    with pytest.raises(ModelError, match="holds no language model that can be loaded"):
        bases.shape(bases.find(str(tmp_path)))


def test_smollm2_that_was_not_got(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="smollm2 is not here yet") as error:
        bases.find("smollm2")
    assert error.value.hint == "get it once: curator models get smollm2"


# --- the general set ---------------------------------------------------------------------


def general_file(path: Path, n: int = 60) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in talks(n, name="g"))
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_what_is_held_out_is_never_replayed_and_stays_the_same(tmp_path: Path) -> None:
    general = open_general(general_file(tmp_path / "g.jsonl.gz"))
    held = {row.id for row in general.held_out}
    assert len(held) == 6
    replayed = general.replayed(30, 0.25, 0)
    assert len(replayed) == 10
    assert not held & {row.id for row in replayed}
    fewer = general.replayed(30, 0.1, 0)
    assert {r.id for r in fewer} <= {r.id for r in replayed}
    other = {row.id for row in open_general(general_file(tmp_path / "h.jsonl", 70)).held_out}
    assert len(held & other) >= 4


def test_too_few_to_replay(tmp_path: Path) -> None:
    general = open_general(general_file(tmp_path / "g.jsonl"))
    with pytest.raises(TrainError, match="needs 270 general rows, and 54 are there"):
        general.replayed(30, 0.9, 0)


def test_replay_without_general_rows(tiny: Path, export: Path) -> None:
    with pytest.raises(TrainError, match="a replay share needs general conversations"):
        prepare(settings(tiny, replay=0.1), open_export(export), None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: no row of messages"),
        ('{"text": "a"}', "line 2: no row of messages"),
        (
            '{"messages": [{"role": "human", "content": "a"}]}',
            "a role that chat templates do not know",
        ),
        ('{"messages": [{"role": "user", "content": "a"}]}', "no answer to learn from"),
        ('{"messages": []}', "line 2"),
    ],
)
def test_a_general_row_that_is_none_is_told_with_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "g.jsonl"
    path.write_text(json.dumps(talks(1)[0], ensure_ascii=False) + "\n" + line + "\n")
    with pytest.raises(TrainError, match=message):
        open_general(path)


def test_a_general_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no such file"):
        open_general(tmp_path / "none.jsonl")


# --- settings ----------------------------------------------------------------------------


def test_settings_from_the_command_line() -> None:
    made = changed(Training(), ["learning_rate=1e-4", "max_steps=5", "packing=true"], "tiny")
    assert (made.learning_rate, made.max_steps, made.packing) == (1e-4, 5, True)
    assert made.base_model == "tiny"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("epoch=3", "no setting of training"),
        ("epochs", "no setting of training"),
        ("epochs=many", "training.epochs: input should be a valid number"),
        ("replay=1.5", "training.replay: input should be less than 1"),
        ("method=dora", "training.method"),
    ],
)
def test_settings_that_are_none(pair: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        changed(Training(), [pair])


def test_without_the_extra(tiny: Path, export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from curator.train import launch

    monkeypatch.setattr(launch, "find_spec", lambda name: None if name == "trl" else object())
    with pytest.raises(TrainError, match="training needs trl") as error:
        launch.ready(asked(export, settings(tiny)))
    assert error.value.hint == "pip install 'curator-data[train]'"


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (MemoryError(), "out of memory", "lower training.max_length"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "out of memory", "method=lora"),
        (OSError(28, "No space left on device"), "no space left", "keep_checkpoints"),
        (ZeroDivisionError(), r"failed \(ZeroDivisionError\)", "worker.log"),
    ],
)
def test_what_goes_wrong_in_the_worker_says_what_to_change(
    error: Exception, message: str, hint: str
) -> None:
    from curator.train.worker import told

    found = told(error, {"learning_rate": 1.0})
    assert re.search(message, found.message)
    assert hint in found.hint
