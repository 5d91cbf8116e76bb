"""What each trainer needs beside the data: LLaMA-Factory, axolotl and TRL, ready to start.

  dataset_info.json    what LLaMA-Factory reads of each file (columns, roles)
  llamafactory.yaml    llamafactory-cli train llamafactory.yaml
  axolotl.yaml         axolotl train axolotl.yaml
  trl.yaml             trl sft --config trl.yaml --dataset_name "$PWD"
  chat_template.jinja  the template whose masks were tested, where a tokenizer is named

All are run in the export's folder, after the model is put in its place. Sources: the READMEs
of LLaMA-Factory's `data` and `examples`, axolotl's page on conversations, TRL's on SFT.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curator.exports.writing import Written
    from curator.schema import InstructionExport

MODEL = "YOUR_MODEL"
"""What stands where the user's model is to be put."""
TEMPLATE = "chat_template.jinja"
UNMEASURED = 4096
"""The length that configurations name where no tokenizer tells how long rows are."""
_STEP = 64

_ROLES = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "system_tag": "system",
}
_LLAMA_FACTORY: dict[str, dict[str, Any]] = {
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": _ROLES,
    },
    "sharegpt": {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system"},
    },
    "alpaca": {
        "formatting": "alpaca",
        "columns": {
            "prompt": "instruction",
            "query": "input",
            "response": "output",
            "system": "system",
            "history": "history",
        },
    },
    "preferences.llamafactory": {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
        "tags": _ROLES,
    },
    "kto.llamafactory": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "kto_tag": "label"},
        "tags": _ROLES,
    },
}


def dataset_info(name: str, formats: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Any]]:
    """Return what `dataset_info.json` says of the files of an export.

    Args:
        name: the project's, with which the data sets' names begin.
        formats: the file of each format and split.

    """
    return {
        f"{name}_{split}{'' if kind == 'messages' else '_' + kind.partition('.')[0]}": {
            "file_name": file,
            **_LLAMA_FACTORY[kind],
        }
        for kind, files in formats.items()
        if kind in _LLAMA_FACTORY
        for split, file in files.items()
    }


def length_of(how: InstructionExport, longest: int | None) -> int:
    """Return the length, in tokens, that configurations name.

    It is the recipe's; or else the longest row has room; or else nobody knows.
    """
    if how.max_tokens is not None:
        return how.max_tokens
    return -(-longest // _STEP) * _STEP if longest else UNMEASURED


def write_trainers(
    folder: Path,
    name: str,
    written: Written,
    how: InstructionExport,
    length: int,
    template: str | None,
) -> None:
    """Write the configurations of the trainers that the recipe names.

    Args:
        folder: the export.
        name: the project's.
        written: the files.
        how: which trainers, and whether earlier answers of a row are context.
        length: of a sequence, in tokens.
        template: to train with; None where no tokenizer is named.

    """
    splits = {s: file for s, file in written.formats["messages"].items() if written.rows[file]}
    if "llamafactory" in how.trainers:
        named = {kind: splits if kind == "messages" else f for kind, f in written.formats.items()}
        info = json.dumps(dataset_info(name, named), ensure_ascii=False, indent=2, sort_keys=True)
        (folder / "dataset_info.json").write_text(info + "\n", encoding="utf-8")
    if template is not None:
        (folder / TEMPLATE).write_text(template, encoding="utf-8")
    for trainer in how.trainers:
        command, config = _CONFIGS[trainer](name, splits, how, length, template)
        body = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
        head = f"# {command}   (in this folder / 在此目录下运行)\n"
        if template is None:
            head += f"# {length}: not measured; name a tokenizer in the recipe / 未测量长度\n"
        (folder / f"{trainer}.yaml").write_text(head + body, encoding="utf-8")


def _llamafactory(
    name: str,
    splits: Mapping[str, str],
    how: InstructionExport,
    length: int,
    template: str | None,
) -> tuple[str, dict[str, Any]]:
    config: dict[str, Any] = {
        "model_name_or_path": MODEL,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "dataset_dir": ".",
        "dataset": f"{name}_train",
        "template": "llama3" if template and "<|eot_id|>" in template else "chatml",
        "cutoff_len": length,
        "output_dir": "output-llamafactory",
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 16,
        "learning_rate": 1.0e-4,
        "num_train_epochs": 2.0,
        "bf16": True,
    }
    if how.turns != "whole":
        config["mask_history"] = True
    if "validation" in splits:
        config |= {"eval_dataset": f"{name}_validation", "eval_strategy": "epoch"}
    return "llamafactory-cli train llamafactory.yaml", config


def _axolotl(
    _: str,
    splits: Mapping[str, str],
    how: InstructionExport,
    length: int,
    template: str | None,
) -> tuple[str, dict[str, Any]]:
    def data(file: str) -> dict[str, Any]:
        entry = {
            "path": file,
            "ds_type": "json",
            "split": "train",
            "type": "chat_template",
            "field_messages": "messages",
            "roles_to_train": ["assistant"],
            "train_on_eos": "turn",
        }
        return entry | ({"message_field_training": "weight"} if how.turns != "whole" else {})

    config: dict[str, Any] = {
        "base_model": MODEL,
        "datasets": [data(splits["train"])] if "train" in splits else [],
        **({"test_datasets": [data(splits["validation"])]} if "validation" in splits else {}),
        "sequence_len": length,
        "adapter": "lora",
        "lora_r": 16,
        "lora_alpha": 32,
        "lora_target_linear": True,
        "micro_batch_size": 1,
        "gradient_accumulation_steps": 16,
        "learning_rate": 1.0e-4,
        "num_epochs": 2,
        "optimizer": "adamw_torch",
        "bf16": "auto",
        "output_dir": "output-axolotl",
    }
    if template is not None:
        config |= {"chat_template": "jinja", "chat_template_jinja": TEMPLATE}
    return "axolotl train axolotl.yaml", config


def _trl(
    _: str,
    splits: Mapping[str, str],
    __: InstructionExport,
    length: int,
    template: str | None,
) -> tuple[str, dict[str, Any]]:
    config: dict[str, Any] = {
        "model_name_or_path": MODEL,
        "max_length": length,
        "use_peft": True,
        "learning_rate": 1.0e-4,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 16,
        "report_to": "none",
        "output_dir": "output-trl",
    }
    if template is not None:
        config |= {"chat_template_path": TEMPLATE}
    config |= {"assistant_only_loss": True}
    if "validation" in splits:
        config |= {"dataset_test_split": "validation", "eval_strategy": "epoch"}
    # It takes no relative name of the folder that it is in.
    return 'trl sft --config trl.yaml --dataset_name "$PWD"', config


_CONFIGS = {"llamafactory": _llamafactory, "axolotl": _axolotl, "trl": _trl}
