"""What the training tests share: a tiny model, and exports made by hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from curator.exports.folder import Lines, RowFiles, write_manifest
from curator.schema import Training
from curator.train.launch import Asked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOPICS = ["发烧", "咳嗽", "腹泻", "皮疹", "退款", "发票", "物流", "fever", "cough", "refund"]
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA = pa.schema([("id", pa.string()), ("messages", _MESSAGES)])


def talks(n: int, *, name: str = "r", words: int = 12) -> list[dict[str, Any]]:
    """Short conversations, Chinese and English, each with an id."""
    return [
        {
            "id": f"{name}{i:03d}",
            "messages": [
                {"role": "user", "content": f"{TOPICS[i % 10]} {i} 怎么办? What shall I do?"},
                {"role": "assistant", "content": f"{TOPICS[i % 10]}: " + "多喝水 rest. " * words},
            ],
        }
        for i in range(n)
    ]


def write_export(
    folder: Path,
    train: Sequence[dict[str, Any]],
    validation: Sequence[dict[str, Any]],
    preferences: Sequence[dict[str, Any]] = (),
) -> Path:
    """Write an instruction export by hand."""
    folder.mkdir(parents=True)
    for split, rows in (("train", train), ("validation", validation)):
        with RowFiles(folder, split, _SCHEMA) as files:
            files.add(list(rows))
    if preferences:
        with Lines(folder / "train.preferences.jsonl") as lines:
            lines.add(*preferences)
    facts = {
        "name": "instruction",
        "version": "v1",
        "project": "hand-made",
        "policy_sha": "p",
        "splits": {"train": len(train), "validation": len(validation)},
    }
    write_manifest(folder, facts, {})
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model with a vocabulary, as `curator models get tiny` makes it."""
    from curator.models.base import make_tiny

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(folder, [m["content"] for row in talks(20) for m in row["messages"]])
    return folder


def settings(tiny: Path, **more: Any) -> Training:
    """Settings of a run of a few seconds."""
    base = {
        "base_model": str(tiny),
        "max_steps": 6,
        "batch_size": 4,
        "max_length": 96,
        "learning_rate": 5e-3,
        "save_every": 2,
        "lora_rank": 4,
    }
    return Training.model_validate(base | more)


def asked(export: Path, training: Training, **more: Any) -> Asked:
    """What a run is asked for."""
    return Asked(export=export, training=training, **more)
