"""The same run for LLaMA-Factory and axolotl: their configurations, and the keys side by side.

The export has a configuration for each trainer, which tells of its files. What is asked for under
`training` is put into it here: base model, method, lengths and rates. Keys after LLaMA-Factory's
`examples/train_lora` and axolotl's configuration reference
(https://docs.axolotl.ai/docs/config-reference.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from curator.errors import TrainError
from curator.train import bases
from curator.train.adapters import DROPOUT
from curator.train.inputs import open_export
from curator.train.plan import RATES
from curator.workspace import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curator.schema import Training
    from curator.train.inputs import Export

_AT_A_TIME = 4
_TEMPLATES = {
    "<|start_header_id|>": "llama3",
    "<|im_start|>": "chatml",
    "<start_of_turn>": "gemma",
    "<|end|>": "phi",
    "[INST]": "mistral",
}
"""What LLaMA-Factory calls a chat template, by what that is known by. `chatml` for Qwen too:
`qwen` would put a system prompt in where there is none."""
_NAMES = (
    ("base model", "base_model", "model_name_or_path", "base_model"),
    ("method", "method", "finetuning_type", "adapter"),
    ("LoRA rank", "lora_rank", "lora_rank", "lora_r"),
    ("template", "template", "template", "chat_template"),
    ("length", "max_length", "cutoff_len", "sequence_len"),
    ("packing", "packing", "packing", "sample_packing"),
    ("rows at a time", "(chosen)", "per_device_train_batch_size", "micro_batch_size"),
    ("rows a step", "batch_size", *["gradient_accumulation_steps"] * 2),
    ("learning rate", *["learning_rate"] * 3),
    ("epochs", "epochs", "num_train_epochs", "num_epochs"),
    ("most steps", *["max_steps"] * 3),
    ("seed", *["seed"] * 3),
    ("checkpoints", "keep_checkpoints", *["save_total_limit"] * 2),
)
"""What a setting is called here, in LLaMA-Factory and in axolotl."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files, and for each setting its name and value here, in LLaMA-Factory and in axolotl."""

    files: tuple[Path, ...]
    keys: list[tuple[str, str, str, str]]


def write(export_folder: Path, training: Training, out: Path) -> Written:
    """Write `llamafactory.yaml` and `axolotl.yaml` for an export.

    Raises:
        TrainError: there is no such export, it was written for other trainers, or a trainer has
            no name for the chat template.
        ModelError: the base model cannot be found.
        WorkspaceError: the folder cannot be written.

    """
    export = open_export(export_folder)
    source = bases.find(training.base_model)
    own = bases.tokenizer(source).chat_template
    template = "<|im_start|>" if training.template == "chatml" or own is None else str(own)
    name = next((n for sign, n in _TEMPLATES.items() if sign in template), None)
    if name is None:
        raise TrainError(
            "LLaMA-Factory has no name for the base model's chat template",
            "set training.template to chatml if its vocabulary has <|im_start|>",
        )
    at_a_time = next(n for n in range(_AT_A_TIME, 0, -1) if training.batch_size % n == 0)
    shared = _Shared(
        base=source,
        training=training,
        at_a_time=at_a_time,
        rate=training.learning_rate or RATES.get(training.method, RATES["lora"]),
        template=name,
    )
    kinds = {
        "llamafactory.yaml": _llama_factory(export, shared),
        "axolotl.yaml": _axolotl(export, shared),
    }
    for file, config in kinds.items():
        head = f"# {export.manifest['project']} {export.manifest['version']}\n"
        write_text(out / file, head + yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
    return Written(tuple(out / file for file in kinds), _side_by_side(shared, *kinds.values()))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both are told. rate: the learning rate. template: what LLaMA-Factory calls it."""

    base: str
    training: Training
    at_a_time: int
    rate: float
    template: str

    @property
    def accumulated(self) -> int:
        """Batches that make a step, on one device."""
        return self.training.batch_size // self.at_a_time


def _exported(export: Export, file: str) -> dict[str, Any]:
    """Return the configuration that the export has for a trainer."""
    path = export.folder / file
    if not path.is_file():
        raise TrainError(
            f"{export.folder}: has no {file}",
            "name the trainer in exports.instruction.trainers, and export again",
        )
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return config


def _llama_factory(export: Export, shared: _Shared) -> dict[str, Any]:
    asked = shared.training
    config = _exported(export, "llamafactory.yaml")
    return config | {
        "model_name_or_path": shared.base,
        "finetuning_type": "full" if asked.method == "full" else "lora",
        **_lora(asked, "lora_rank", "lora_alpha", "lora_dropout", {"lora_target": "all"}),
        **(
            {"quantization_bit": 4, "quantization_method": "bnb"} if asked.method == "qlora" else {}
        ),
        "dataset_dir": str(export.folder),
        "template": shared.template,
        "cutoff_len": asked.max_length,
        **({"packing": True, "neat_packing": True} if asked.packing else {}),
        "per_device_train_batch_size": shared.at_a_time,
        "gradient_accumulation_steps": shared.accumulated,
        "learning_rate": shared.rate,
        "num_train_epochs": asked.epochs,
        **({"max_steps": asked.max_steps} if asked.max_steps else {}),
        "lr_scheduler_type": "cosine",
        "warmup_ratio": 0.05,
        "bf16": asked.precision in {"auto", "bf16"},
        "fp16": asked.precision == "fp16",
        "seed": asked.seed,
        "save_total_limit": asked.keep_checkpoints,
        "report_to": "none",
    }


def _axolotl(export: Export, shared: _Shared) -> dict[str, Any]:
    asked = shared.training
    config = _exported(export, "axolotl.yaml")
    for name in ("adapter", "lora_r", "lora_alpha", "lora_target_linear"):
        config.pop(name, None)
    for name in ("datasets", "test_datasets"):
        for rows in config.get(name, ()):
            rows["path"] = str(export.folder / rows["path"])
    if "chat_template_jinja" in config:
        config["chat_template_jinja"] = str(export.folder / config["chat_template_jinja"])
    elif asked.template == "chatml":
        config["chat_template"] = "chatml"
    four = {"load_in_4bit": True} if asked.method == "qlora" else {}
    adapter = {} if asked.method == "full" else {"adapter": "qlora" if four else "lora"}
    return config | {
        "base_model": shared.base,
        **adapter,
        **_lora(asked, "lora_r", "lora_alpha", "lora_dropout", {"lora_target_linear": True}),
        **four,
        "sequence_len": asked.max_length,
        "sample_packing": asked.packing,
        "micro_batch_size": shared.at_a_time,
        "gradient_accumulation_steps": shared.accumulated,
        "learning_rate": shared.rate,
        "num_epochs": asked.epochs,
        **({"max_steps": asked.max_steps} if asked.max_steps else {}),
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.05,
        "bf16": "auto" if asked.precision == "auto" else asked.precision == "bf16",
        "fp16": asked.precision == "fp16",
        "seed": asked.seed,
        "save_total_limit": asked.keep_checkpoints,
    }


def _lora(
    asked: Training, rank: str, alpha: str, dropout: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the keys of an adapter as ours is made, by what a trainer calls them."""
    if asked.method == "full":
        return {}
    return {rank: asked.lora_rank, alpha: 2 * asked.lora_rank, dropout: DROPOUT, **more}


def _side_by_side(
    shared: _Shared, factory: Mapping[str, Any], other: Mapping[str, Any]
) -> list[tuple[str, str, str, str]]:
    values = shared.training.model_dump() | {
        "(chosen)": shared.at_a_time,
        "learning_rate": shared.rate,
    }
    return [
        (
            what,
            f"{own}: {values[own]}",
            f"{first}: {factory.get(first, '–')}",
            f"{second}: {other.get(second, '–')}",
        )
        for what, own, first, second in _NAMES
    ]
