"""Training for real: a tiny model, child processes, kills, two processes, and what comes of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from curator.errors import TrainError
from curator.tables import read_table
from curator.train import bases, serve
from curator.train import losses as measured
from curator.train.card import page
from curator.train.inputs import open_export
from curator.train.launch import run
from curator.train.plan import prepare
from curator.train.runs import Run, find
from curator.train.sweep import sweep
from tests.conftest import ROOT, clean_env, command, run_line
from tests.training import asked, settings, talks, tiny, write_export

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]

__all__ = ["tiny"]


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pairs = [
        {
            "id": row["id"],
            "prompt": row["messages"][:1],
            "chosen": row["messages"][1:],
            "rejected": [{"role": "assistant", "content": "不知道。"}],
        }
        for row in talks(6)
    ]
    folder = tmp_path_factory.mktemp("hand") / "instruction"
    return write_export(folder, talks(23), talks(4, name="v"), pairs)


@pytest.fixture(scope="session")
def general(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("general") / "general.jsonl"
    rows = talks(40, name="g", words=5)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    return path


@pytest.fixture(scope="session")
def unbroken(
    tiny: Path, export: Path, general: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A run that nothing disturbed."""
    root = tmp_path_factory.mktemp("unbroken")
    return run(root, asked(export, settings(tiny), general=general))


def losses(done: Run) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in done.lines() if "loss" in line]


def test_a_run_learns_and_its_card_tells_from_what(
    unbroken: Run, export: Path, general: Path, tiny: Path
) -> None:
    card = unbroken.card()
    result = card["result"]
    assert result["losses"]["domain"]["after"] < result["losses"]["domain"]["before"] - 0.05
    assert set(result["losses"]) == {"domain", "general"}
    assert card["status"] == "done"
    assert len(card["export"]["manifest_sha256"]) == 64
    assert card["base"]["sha256"] == bases.sha256(str(tiny))
    assert card["general"]["path"] == str(general)
    assert card["packages"]["trl"] == "1.16.0"
    assert card["rows"]["train"]["used"] == 23
    assert result["tokens"] >= card["rows"]["train"]["tokens"]
    assert result["learnt"] < result["tokens"]
    assert result["peak_memory"] > 2**20
    text = (unbroken.folder / "README.md").read_text("utf-8")
    assert text == page(card)
    assert card["export"]["manifest_sha256"] in text
    assert "<svg" in (unbroken.folder / "loss.svg").read_text("utf-8")
    answers = [json.loads(a) for a in (unbroken.folder / "answers.jsonl").open(encoding="utf-8")]
    assert {a["set"] for a in answers} == {"domain", "general"}
    assert all({"before", "after", "reference"} <= set(a) for a in answers)
    assert not unbroken.data.exists()
    assert {row["set"] for row in read_table(unbroken.rows).to_pylist()} == {
        "train",
        "domain",
        "general",
    }
    # What is done is not done again.
    began = time.monotonic()
    again = run(unbroken.folder.parents[1], asked(export, settings(tiny), general=general))
    assert again == unbroken
    assert time.monotonic() - began < 30
    assert [p.name for p in unbroken.checkpoints.iterdir()] != []


def test_the_last_evaluation_is_that_of_what_came_out(
    tiny: Path, export: Path, tmp_path: Path
) -> None:
    """Without early stopping the last step's weights are the model's, and are measured once."""
    training = settings(tiny, early_stopping=0, max_steps=3)
    done = run(tmp_path, asked(export, training))
    after = done.card()["result"]["losses"]["domain"]["after"]
    assert after == [line["eval_loss"] for line in done.lines() if "eval_loss" in line][-1]
    held_out = prepare(training, open_export(export), None).validation.table
    model = serve.open_model(tmp_path, done.id).model
    assert measured.loss(model, held_out) == pytest.approx(after, abs=1e-4)


def test_only_some_checkpoints_stay(unbroken: Run) -> None:
    steps = {int(p.name.rpartition("-")[2]) for p in unbroken.checkpoints.iterdir()}
    best = unbroken.card()["result"]["best_step"]
    assert steps == {4, 6, best}


def test_killed_and_interrupted_it_goes_on_with_the_same_losses(
    unbroken: Run, tiny: Path, export: Path, general: Path, tmp_path: Path
) -> None:
    def kill(line: Any, _: int) -> None:
        if line["step"] == 3 and "loss" in line:
            worker = json.loads((path / "worker.json").read_text())
            os.kill(worker["pid"], signal.SIGKILL)

    path = tmp_path / "runs" / unbroken.id
    with pytest.raises(TrainError, match="the training process was killed"):
        run(tmp_path, asked(export, settings(tiny), general=general), kill)
    assert Run(path).card()["status"] == "stopped"
    project(tmp_path)
    (tmp_path / "exports").mkdir()
    shutil.copytree(export, tmp_path / "exports" / "instruction" / "latest")
    line = [command(), "train", "run", "--base", str(tiny), "--general", str(general)]
    for key, value in settings(tiny).model_dump(exclude_defaults=True).items():
        line += [] if key == "base_model" else ["--set", f"{key}={value}"]
    # A killed worker may have told of step 4 before: its number tells that another one runs.
    killed = (path / "worker.json").read_bytes()
    process = subprocess.Popen(
        line, cwd=tmp_path, env=clean_env(), stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 200
    while (path / "worker.json").read_bytes() == killed or not any(
        x["step"] >= 4 and "loss" in x for x in Run(path).lines()
    ):
        assert time.monotonic() < until
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=200)
    if process.returncode:  # else it was done before the signal came
        assert process.returncode == 130, said
        assert "the same command goes on" in said
        done = subprocess.run(
            line, cwd=tmp_path, env=clean_env(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    resumed = Run(path)
    assert losses(resumed) == losses(unbroken)
    assert (resumed.model / "adapter_model.safetensors").read_bytes() == (
        unbroken.model / "adapter_model.safetensors"
    ).read_bytes()


def project(folder: Path) -> None:
    (folder / "curator.yaml").write_text("version: 1\nname: hand-made\n")


def test_two_processes_train_on_the_same_tokens(
    unbroken: Run, tiny: Path, export: Path, general: Path, tmp_path: Path
) -> None:
    both = run(tmp_path, asked(export, settings(tiny), general=general, processes=2))
    mine, others = both.card()["result"], unbroken.card()["result"]
    assert (mine["tokens"], mine["learnt"]) == (others["tokens"], others["learnt"])
    for (_, one), (_, two) in zip(losses(unbroken), losses(both), strict=True):
        assert one == pytest.approx(two, abs=0.02)  # dropout differs, the rows do not
    for name in ("domain", "general"):
        assert mine["losses"][name]["before"] == pytest.approx(
            others["losses"][name]["before"], abs=1e-4
        )


def test_a_loss_that_is_no_number_stops_and_names_the_records(
    tiny: Path, export: Path, tmp_path: Path
) -> None:
    training = settings(tiny, learning_rate=1e30, packing=True, save_every=1)
    with pytest.raises(TrainError, match=r"is not a number at step \d") as error:
        run(tmp_path, asked(export, training))
    assert "r0" in error.value.message
    assert "training.learning_rate (now 1e+30)" in error.value.hint
    stopped = next((tmp_path / "runs").glob("sft-*"))
    assert Run(stopped).card()["status"] == "stopped"


def test_preferences_train_further_what_was_made(
    unbroken: Run, tiny: Path, export: Path, tmp_path: Path
) -> None:
    training = settings(tiny, max_steps=3, learning_rate=1e-3, save_every=3)
    done = run(tmp_path, asked(export, training, stage="dpo", parent=unbroken))
    found = losses(done)
    assert found[0][1] == pytest.approx(0.6931, abs=0.02)  # as sure of either at first
    assert found[-1][1] < found[0][1]
    assert done.card()["parent"] == unbroken.id
    ids = {r["id"] for r in read_table(done.rows).to_pylist() if r["set"] == "train"}
    assert ids == {f"r{i:03d}" for i in range(6)}
    other = tmp_path / "other"
    shutil.copytree(tiny, other)
    from curator.models.base import make_tiny

    make_tiny(other, ["另一个", "another"], seed=1)
    strange = training.model_copy(update={"base_model": str(other)})
    with pytest.raises(TrainError, match="was trained on another base"):
        run(tmp_path, asked(export, strange, stage="dpo", parent=unbroken))
    with pytest.raises(TrainError, match="was trained on another base"):
        serve.open_model(unbroken.folder.parents[1], unbroken.id, str(other))


def test_no_preferences(unbroken: Run, tiny: Path, tmp_path: Path) -> None:
    bare = write_export(tmp_path / "e", talks(8), talks(2, name="v"))
    with pytest.raises(TrainError, match="no preference pairs"):
        run(tmp_path, asked(bare, settings(tiny), stage="dpo", parent=unbroken))


def test_merged_it_answers_as_the_adapter_does(unbroken: Run, tmp_path: Path) -> None:
    root = unbroken.folder.parents[1]
    question = [{"role": "user", "content": "发烧 1 怎么办? What shall I do?"}]
    first = serve.open_model(root, unbroken.id).answer(question, 24)
    folder = serve.merge(unbroken, tmp_path / "merged")
    assert serve.open_model(root, str(folder)).answer(question, 24) == first
    assert json.loads((folder / "run.json").read_text())["id"] == unbroken.id
    assert not (tmp_path / "latest").exists()
    with pytest.raises(TrainError, match="is not empty"):
        serve.merge(unbroken, folder)
    project(root)
    done = subprocess.run(
        [command(), "train", "chat", unbroken.id],
        cwd=root,
        env=clean_env(),
        input="你好\n/new\n发烧 1 怎么办? What shall I do?\n\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout


def test_a_sweep_tells_and_draws_what_is_forgotten(
    unbroken: Run, tiny: Path, export: Path, general: Path
) -> None:
    root = unbroken.folder.parents[1]
    found = sweep(root, asked(export, settings(tiny), general=general), [0.0, 0.3])
    assert found.rows[0]["run"] == unbroken.id
    assert [row["replay"] for row in found.rows] == [0.0, 0.3]
    replayed = find(root, found.rows[1]["run"]).card()
    assert replayed["rows"]["replay"]["used"] == 10
    assert "<circle" in found.picture.read_text("utf-8")
    with pytest.raises(TrainError, match="a sweep needs general conversations"):
        sweep(root, asked(export, settings(tiny)), [0.0])


def test_two_at_once_are_refused(tiny: Path, export: Path, general: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    told = asked(export, settings(tiny, seed=9, max_steps=1), general=general)
    started: list[Any] = []
    thread = threading.Thread(target=lambda: started.append(run(tmp_path, told)))
    thread.start()
    until = time.monotonic() + 100
    while not list(tmp_path.glob("runs/*/job.json")) and time.monotonic() < until:
        time.sleep(0.05)
    with pytest.raises(TrainError, match="is being trained by another process"):
        run(tmp_path, told)
    thread.join()
    assert started
    with FileLock(next(tmp_path.glob("runs/sft-*")) / "lock", timeout=0):
        pass


# --- with a whole project: the commands of docs/training.md ------------------------------

PAGES = ("docs/training.md", "docs/training.zh-CN.md")


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_both_pages_tell_the_same_commands() -> None:
    assert commands(PAGES[0]) == commands(PAGES[1])


@pytest.fixture(scope="module")
def trained(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample project after every command of the page, with runs of a few steps."""
    above = tmp_path_factory.mktemp("documented")
    shutil.copytree(demo, above / "my-project", symlinks=True)
    rows = talks(160, name="g", words=3)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (above / "general.jsonl").write_text(text, encoding="utf-8")
    with (above / "my-project" / "curator.yaml").open("a", encoding="utf-8") as recipe:
        recipe.write("\ntraining: {max_steps: 3, batch_size: 8, max_length: 64, save_every: 3}\n")
    for line in commands(PAGES[0]):
        run_line(line, above)
    return above / "my-project"


def test_every_command_of_the_page_did_what_it_says(trained: Path) -> None:
    above = trained.parent
    assert (above / "my-model" / "model.safetensors").is_file()
    assert (above / "launchers" / "axolotl.yaml").is_file()
    assert list((trained / "runs").glob("sweep-*.svg"))


def test_other_launchers_get_the_same_run(trained: Path) -> None:
    from tests.launcher_schemas import Axolotl, LlamaFactory

    folder = trained.parent / "launchers"
    factory = yaml.safe_load((folder / "llamafactory.yaml").read_text("utf-8"))
    other = yaml.safe_load((folder / "axolotl.yaml").read_text("utf-8"))
    LlamaFactory.model_validate(factory)
    Axolotl.model_validate(other)
    assert factory["num_train_epochs"] == other["num_epochs"] == 3
    assert factory["lora_rank"] == other["lora_r"] == 16
    assert factory["per_device_train_batch_size"] * factory["gradient_accumulation_steps"] == 8
    assert factory["max_steps"] == other["max_steps"] == 3
    manifest = json.loads((trained / "exports/instruction/latest/manifest.json").read_text("utf-8"))
    asked = [told for told in manifest["handshake"]["told"] if told["trainer"] != "trl"]
    assert {told["trainer"] for told in asked} == {"llamafactory", "axolotl"}
    assert not any(told["refused"] for told in asked)


def test_both_sides_get_the_same_budget_and_the_raw_side_no_held_out_row(trained: Path) -> None:
    told = json.loads(next((trained / "runs").glob("compare-*.json")).read_text("utf-8"))
    sides = {row["arm"]: row for row in told["rows"]}
    assert sides["raw"]["rows"] > sides["curated"]["rows"]
    assert sides["raw"]["tokens"] == pytest.approx(sides["curated"]["tokens"], rel=0.2)
    assert sides["raw"]["before"] == sides["curated"]["before"]
    assert told["gain"] == pytest.approx(sides["raw"]["after"] - sides["curated"]["after"])
    held = trained / "exports/instruction/latest/validation.jsonl"
    n_held = len({json.loads(line)["id"] for line in held.read_text("utf-8").splitlines()})
    assert told["raw_left_out"]["held out"] == n_held
    assert told["raw_left_out"]["related to what is held out"] > 0
    rows = read_table(find(trained, sides["raw"]["run"]).rows).to_pylist()
    sets = {name: {r["id"] for r in rows if r["set"] == name} for name in ("train", "domain")}
    assert sets["domain"]
    assert not sets["train"] & sets["domain"]


def test_why_goes_from_a_model_to_its_records_and_back(trained: Path, curator: Command) -> None:
    name = first_run(trained)
    made = json.loads(curator("why", "--model", name, "-p", trained, "--json").stdout)
    assert made["export"]["version"] == (trained / "exports/instruction/latest").resolve().name
    assert {r["set"] for r in made["records"]} == {"train", "domain"}
    assert all(r["uri"] and r["locator"] for r in made["records"])
    assert any(r["stands_in"] for r in made["records"])
    one = made["records"][0]["id"]
    assert f"{name}: train" in curator("why", one, "-p", trained).stdout
    merged = curator("why", "--model", trained.parent / "my-model", "-p", trained)
    assert one in merged.stdout


def test_what_is_erased_tells_the_models_that_held_it(trained: Path, curator: Command) -> None:
    name = first_run(trained)
    rows = read_table(find(trained, name).rows).to_pylist()
    copied = next(row["id"] for row in rows if row["stands_in"])
    done = curator("erase", "-p", trained, "--record", copied, "--json")
    mine = next(r for r in json.loads(done.stdout)["runs"] if r["run"] == name)
    assert mine["as_duplicates"] == 1
    assert name in (trained / ".curator" / "erasures.jsonl").read_text("utf-8")


def first_run(trained: Path) -> str:
    """The run that the page's `curator train run` made: on the export, without general rows."""
    version = (trained / "exports" / "instruction" / "latest").resolve().name
    cards = [json.loads(p.read_text("utf-8")) for p in (trained / "runs").glob("*/run.json")]
    return next(
        c["id"] for c in cards if c["export"]["version"] == version and c["general"] is None
    )
