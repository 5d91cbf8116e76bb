"""Serve what was trained: merge an adapter into its base, and answer questions."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import TrainError
from curator.exports.folder import building
from curator.train import adapters, bases, losses
from curator.train.runs import CARD, Run, find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Model:
    """A model that answers, with the template that its conversations are rendered with."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    template: str

    def answer(
        self, messages: Sequence[Mapping[str, str]], longest: int = 256, temperature: float = 0.0
    ) -> str:
        """Return the answer to a conversation, at most `longest` tokens."""
        return losses.answers(
            self.model,
            self.tokenizer,
            self.template,
            [messages],
            longest=longest,
            temperature=temperature,
        )[0]


def open_model(root: Path, name: str, base: str | None = None) -> Model:
    """Load a run's model, or a folder's.

    Args:
        root: the project.
        name: a run, the folder of a run or of its model, or that of a whole model.
        base: the base model, where it does not lie where the run found it.

    Raises:
        TrainError: there is no such run, it is not done, or its adapter is of another base.
        ModelError: the model cannot be loaded.

    """
    path = Path(name).expanduser()
    if path.is_dir() and (path / "config.json").is_file():
        return _whole(path)
    run = find(root, name)
    return _of_run(run, base)


def _whole(folder: Path) -> Model:
    tokenizer = bases.tokenizer(str(folder))
    return Model(bases.model(str(folder), precision="fp32"), tokenizer, _template(tokenizer))


def _of_run(run: Run, base: str | None) -> Model:
    if bases.adapter_facts(run.model) is None:
        _done(run)
        return _whole(run.model)
    tokenizer = bases.tokenizer(str(run.model))
    return Model(_adapted(run, base), tokenizer, _template(tokenizer))


def _adapted(run: Run, base: str | None) -> Any:
    """Return a run's base model with its adapter, after making sure that they belong together."""
    card = _done(run)
    source = bases.find(base or card["base"]["name"])
    if bases.sha256(source) != card["base"]["sha256"]:
        raise TrainError(
            f"the adapter of {run.id} was trained on another base than {base or source}",
            f"name the one with the sha256 {card['base']['sha256']}: --base FOLDER",
        )
    return adapters.loaded(bases.model(source, precision="fp32"), run.model)


def _done(run: Run) -> dict[str, Any]:
    card = run.card()
    if card["status"] != "done" or not run.model.is_dir():
        raise TrainError(f"{run.id} is not done yet", "go on with the same curator train run")
    return card


def _template(tokenizer: PreTrainedTokenizerBase) -> str:
    if not isinstance(tokenizer.chat_template, str):
        raise TrainError(
            "the model has no chat template", "train it with --set template=chatml first"
        )
    return tokenizer.chat_template


def merge(run: Run, out: Path, base: str | None = None) -> Path:
    """Write a run's model as one whole model, with tokenizer, template and run card.

    Raises:
        TrainError: the run is not done, its adapter is of another base, or `out` is not empty.
        WorkspaceError: the folder cannot be written.

    """
    if out.exists() and any(out.iterdir()):
        raise TrainError(f"{out} is not empty", "name a folder that is not there yet: --out FOLDER")
    target = out.resolve()
    if target.exists():
        target.rmdir()
    whole = bases.adapter_facts(run.model) is None
    _done(run)
    with building(target, latest=False) as folder:
        if whole:
            shutil.copytree(run.model, folder, dirs_exist_ok=True)
        else:
            _adapted(run, base).merge_and_unload().save_pretrained(str(folder))
            bases.tokenizer(str(run.model)).save_pretrained(str(folder))
        card = run.card() | {"merged": True}
        text = json.dumps(card, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (folder / CARD).write_text(text, encoding="utf-8")
        shutil.copy(run.folder / "README.md", folder / "README.md")
    return target
