"""Adapters: added, continued, saved, merged. Here alone is PEFT loaded."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from curator.errors import TrainError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DROPOUT = 0.05


def added(model: Any, rank: int, *, quantised: bool) -> Any:
    """Return the model with a new LoRA adapter on every linear layer but the output's.

    Source: Hu et al. 2021 ("LoRA"); all layers after Dettmers et al. 2023 ("QLoRA"), §4.
    """
    from peft import (  # noqa: PLC0415 - heavy
        LoraConfig,
        get_peft_model,
        prepare_model_for_kbit_training,
    )

    if quantised:
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=False
        )
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=DROPOUT,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with _quietly():
        return get_peft_model(model, config)


def loaded(model: Any, folder: Path, *, trainable: bool = False) -> Any:
    """Return a base model with the adapter in a folder.

    Raises:
        TrainError: the adapter is of another base model.

    """
    from peft import PeftModel  # noqa: PLC0415 - heavy

    try:
        with _quietly():
            return PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    except (RuntimeError, ValueError, KeyError) as error:
        raise TrainError(
            f"{folder}: the adapter does not fit the base model ({type(error).__name__})",
            "name the base model that it was trained on; its adapter_config.json tells it",
        ) from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep from the terminal what PEFT and transformers announce to each other's authors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def save(model: Any, folder: Path) -> None:
    """Save an adapter, or a whole model."""
    if hasattr(model, "peft_config"):
        model.save_pretrained(str(folder), selected_adapters=["default"])
    else:
        model.save_pretrained(str(folder))
