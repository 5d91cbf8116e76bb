"""The same run for LLaMA-Factory and axolotl: their configurations, and the keys side by side.

Keys after LLaMA-Factory's `examples/train_lora` and data README, and axolotl's configuration
reference (https://docs.axolotl.ai/docs/config-reference.html). Neither is ever needed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from curator.errors import TrainError
from curator.train import bases
from curator.train.inputs import open_export
from curator.workspace import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curator.schema import Training
    from curator.train.inputs import Export

_RATES = {"full": 2e-5}
_RATE = 2e-4
_AT_A_TIME = 4
_TEMPLATES = {
    "<|start_header_id|>": ("llama3", "llama3"),
    "<|im_start|>": ("chatml", "chatml"),
    "<start_of_turn>": ("gemma", "gemma"),
    "<|end|>": ("phi", "phi_3"),
    "[INST]": ("mistral", "mistral_v1"),
}
"""By what a chat template is known: its names in LLaMA-Factory and in axolotl."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files, and for each setting its name and value here, in LLaMA-Factory and in axolotl."""

    files: tuple[Path, ...]
    keys: list[tuple[str, str, str, str]]


def write(export_folder: Path, training: Training, out: Path) -> Written:
    """Write `llamafactory.yaml` and `axolotl.yaml` for an export.

    Raises:
        TrainError: there is no such export, or a trainer has no name for the chat template.
        ModelError: the base model cannot be found.
        WorkspaceError: the folder cannot be written.

    """
    export = open_export(export_folder)
    source = bases.find(training.base_model)
    tokenizer = bases.tokenizer(source)
    own = tokenizer.chat_template
    template = "<|im_start|>" if training.template == "chatml" or own is None else str(own)
    names = next((n for sign, n in _TEMPLATES.items() if sign in template), None)
    if names is None:
        raise TrainError(
            "LLaMA-Factory and axolotl have no name for the base model's chat template",
            "set training.template to chatml if its vocabulary has <|im_start|>",
        )
    at_a_time = next(n for n in range(_AT_A_TIME, 0, -1) if training.batch_size % n == 0)
    shared = _Shared(
        base=source,
        training=training,
        at_a_time=at_a_time,
        rate=training.learning_rate or _RATES.get(training.method, _RATE),
        validation=bool(export.manifest["splits"]["validation"]),
    )
    kinds = {
        "llamafactory.yaml": llama_factory(export, shared, names[0]),
        "axolotl.yaml": axolotl(export, shared, names[1] if training.template == "chatml" else ""),
    }
    for name, config in kinds.items():
        head = f"# {export.manifest['project']} {export.manifest['version']}\n"
        write_text(out / name, head + yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
    files = tuple(out / name for name in kinds)
    return Written(files, _side_by_side(shared, *kinds.values()))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both are told. rate: the learning rate. validation: whether there are such rows."""

    base: str
    training: Training
    at_a_time: int
    rate: float
    validation: bool

    @property
    def accumulated(self) -> int:
        """Batches that make a step, on one device."""
        return self.training.batch_size // self.at_a_time


def llama_factory(export: Export, shared: _Shared, template: str) -> dict[str, Any]:
    """Return LLaMA-Factory's configuration; the data's description lies beside the rows."""
    asked = shared.training
    name = export.manifest["project"]
    config: dict[str, Any] = {
        "model_name_or_path": shared.base,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full" if asked.method == "full" else "lora",
        **_lora(
            asked,
            {
                "lora_rank": asked.lora_rank,
                "lora_alpha": 2 * asked.lora_rank,
                "lora_dropout": 0.05,
                "lora_target": "all",
            },
        ),
        **(
            {"quantization_bit": 4, "quantization_method": "bnb"} if asked.method == "qlora" else {}
        ),
        "dataset_dir": str(export.folder),
        "dataset": f"{name}_train",
        "template": template,
        "cutoff_len": asked.max_length,
        "packing": asked.packing,
        **({"neat_packing": True} if asked.packing else {}),
        "per_device_train_batch_size": shared.at_a_time,
        "gradient_accumulation_steps": shared.accumulated,
        "learning_rate": shared.rate,
        "num_train_epochs": asked.epochs,
        **({"max_steps": asked.max_steps} if asked.max_steps else {}),
        "lr_scheduler_type": "cosine",
        "warmup_ratio": 0.05,
        **_precision(asked),
        "seed": asked.seed,
        "output_dir": "saves/llamafactory",
        "logging_steps": 1,
        "save_steps": asked.save_every or 100,
        "save_total_limit": asked.keep_checkpoints,
        "report_to": "none",
    }
    if shared.validation:
        config |= {
            "eval_dataset": f"{name}_validation",
            "eval_strategy": "steps",
            "eval_steps": asked.save_every or 100,
            "per_device_eval_batch_size": shared.at_a_time,
        }
    return config


def axolotl(export: Export, shared: _Shared, template: str) -> dict[str, Any]:
    """Return axolotl's configuration; an empty template name stands for the tokenizer's own."""
    asked = shared.training
    config: dict[str, Any] = {
        "base_model": shared.base,
        **(
            {}
            if asked.method == "full"
            else {"adapter": "qlora" if asked.method == "qlora" else "lora"}
        ),
        **_lora(
            asked,
            {
                "lora_r": asked.lora_rank,
                "lora_alpha": 2 * asked.lora_rank,
                "lora_dropout": 0.05,
                "lora_target_linear": True,
            },
        ),
        **({"load_in_4bit": True} if asked.method == "qlora" else {}),
        "chat_template": template or "tokenizer_default",
        "datasets": [_axolotl_rows(export, "train")],
        **({"test_datasets": [_axolotl_rows(export, "validation")]} if shared.validation else {}),
        "val_set_size": 0.0,
        "sequence_len": asked.max_length,
        "sample_packing": asked.packing,
        "micro_batch_size": shared.at_a_time,
        "gradient_accumulation_steps": shared.accumulated,
        "learning_rate": shared.rate,
        "num_epochs": asked.epochs,
        **({"max_steps": asked.max_steps} if asked.max_steps else {}),
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.05,
        "optimizer": "adamw_torch",
        **({"bf16": "auto"} if asked.precision == "auto" else _precision(asked)),
        "seed": asked.seed,
        "output_dir": "saves/axolotl",
        "logging_steps": 1,
        "save_steps": asked.save_every or 100,
        "save_total_limit": asked.keep_checkpoints,
    }
    if shared.validation:
        config |= {"eval_steps": asked.save_every or 100}
    return config


def _axolotl_rows(export: Export, split: str) -> dict[str, Any]:
    return {
        "path": str(export.folder / f"{split}.jsonl"),
        "ds_type": "json",
        "split": "train",
        "type": "chat_template",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    }


def _lora(asked: Training, keys: Mapping[str, Any]) -> dict[str, Any]:
    return {} if asked.method == "full" else dict(keys)


def _precision(asked: Training) -> dict[str, bool]:
    return (
        {"bf16": True}
        if asked.precision in {"auto", "bf16"}
        else ({"fp16": True} if asked.precision == "fp16" else {})
    )


def _side_by_side(
    shared: _Shared, factory: Mapping[str, Any], other: Mapping[str, Any]
) -> list[tuple[str, str, str, str]]:
    asked = shared.training
    names = (
        ("base model", "base_model", asked.base_model, "model_name_or_path", "base_model"),
        ("method", "method", asked.method, "finetuning_type", "adapter"),
        ("LoRA rank", "lora_rank", asked.lora_rank, "lora_rank", "lora_r"),
        ("template", "template", asked.template, "template", "chat_template"),
        ("length", "max_length", asked.max_length, "cutoff_len", "sequence_len"),
        ("packing", "packing", asked.packing, "packing", "sample_packing"),
        (
            "rows at a time",
            "(chosen)",
            shared.at_a_time,
            "per_device_train_batch_size",
            "micro_batch_size",
        ),
        (
            "rows a step",
            "batch_size",
            asked.batch_size,
            "gradient_accumulation_steps",
            "gradient_accumulation_steps",
        ),
        ("learning rate", "learning_rate", shared.rate, "learning_rate", "learning_rate"),
        ("epochs", "epochs", asked.epochs, "num_train_epochs", "num_epochs"),
        ("most steps", "max_steps", asked.max_steps, "max_steps", "max_steps"),
        ("seed", "seed", asked.seed, "seed", "seed"),
        (
            "checkpoints",
            "keep_checkpoints",
            asked.keep_checkpoints,
            "save_total_limit",
            "save_total_limit",
        ),
    )
    return [
        (
            what,
            f"{own}: {value}",
            f"{first}: {factory.get(first, '–')}",
            f"{second}: {other.get(second, '–')}",
        )
        for what, own, value, first, second in names
    ]
