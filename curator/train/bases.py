"""Base models: found by name, told by their facts, loaded. Here alone is transformers loaded."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import ModelError, TrainError
from curator.models import base as small
from curator.tables import file_sha256

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_WEIGHTS = (".safetensors", ".bin", ".gguf")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model's size is worked out from; all that plans need, without loading weights.

    parameters: all of them. linear: (inputs, outputs) of each linear layer but the output's.
    """

    parameters: int
    linear: tuple[tuple[int, int], ...]
    hidden: int
    intermediate: int
    layers: int
    vocabulary: int
    positions: int
    kind: str

    def lora_parameters(self, rank: int) -> int:
        """Return how many parameters LoRA trains on all linear layers."""
        return sum(rank * (inputs + outputs) for inputs, outputs in self.linear)


def find(name: str | None) -> str:
    """Return what transformers loads a base model from: a folder, or an allowed hub id.

    Raises:
        TrainError: no base model is named.
        ModelError: there is no such model here.

    """
    if name is None:
        raise TrainError(
            "no base model is named",
            "name one: --base FOLDER (or tiny, smollm2), or training.base_model in curator.yaml",
        )
    if (here := small.place(name)) is not None:
        return str(here)
    if os.environ.get("CURATOR_ALLOW_HUB") == "1":
        os.environ.update(HF_HUB_OFFLINE="0", TRANSFORMERS_OFFLINE="0")
        return name
    raise ModelError(
        f"no such base model here: {name}",
        f"name a folder, or one of {', '.join(small.NAMES)}; CURATOR_ALLOW_HUB=1 allows a hub id",
    )


def sha256(source: str) -> str:
    """Return one hash of a base model's weights and configuration; of a hub id, of its name."""
    folder = Path(source)
    if not folder.is_dir():
        return hashlib.sha256(source.encode()).hexdigest()
    files = sorted(p for p in folder.iterdir() if p.suffix in _WEIGHTS or p.name == "config.json")
    listed = "".join(f"{file_sha256(p)}  {p.name}\n" for p in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def shape(source: str) -> Shape:
    """Return a base model's shape, without its weights.

    Raises:
        ModelError: it has no configuration of a causal language model.

    """
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoConfig, AutoModelForCausalLM  # noqa: PLC0415 - heavy

    _quiet()
    auto: Any = AutoModelForCausalLM
    try:
        config = AutoConfig.from_pretrained(source)
        with torch.device("meta"):
            model = auto.from_config(config)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise _unloadable(source, error) from None
    text = config.get_text_config()
    output = model.get_output_embeddings()
    linear = tuple(
        (m.in_features, m.out_features)
        for m in model.modules()
        if isinstance(m, torch.nn.Linear) and m is not output
    )
    return Shape(
        parameters=sum(p.numel() for p in model.parameters()),
        linear=linear,
        hidden=text.hidden_size,
        intermediate=getattr(text, "intermediate_size", 4 * text.hidden_size),
        layers=text.num_hidden_layers,
        vocabulary=text.vocab_size,
        positions=getattr(text, "max_position_embeddings", 0) or 0,
        kind=str(config.model_type),
    )


def tokenizer(source: str) -> PreTrainedTokenizerBase:
    """Return a base model's tokenizer.

    Raises:
        ModelError: there is none, or it does not tell where its tokens lie in a text.

    """
    from transformers import AutoTokenizer  # noqa: PLC0415 - heavy

    _quiet()
    try:
        found: Any = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        raise _unloadable(source, error) from None
    if not getattr(found, "is_fast", False):
        raise ModelError(
            f"{source}: its tokenizer does not tell where tokens lie in a text",
            "name a model with a tokenizer.json",
        )
    return found  # type: ignore[no-any-return]


def model(source: str, *, precision: str, quantised: bool = False) -> Any:
    """Return a base model with its weights.

    Args:
        source: what `find` returned.
        precision: of the weights: fp32, bf16 or fp16.
        quantised: whether the weights are loaded in four bits (QLoRA).

    """
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig  # noqa: PLC0415 - heavy

    _quiet()
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    more: dict[str, Any] = {}
    if quantised:
        bits: Any = BitsAndBytesConfig
        more["quantization_config"] = bits(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    try:
        return AutoModelForCausalLM.from_pretrained(source, dtype=dtype, **more)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _unloadable(source, error) from None


def _unloadable(source: str, error: Exception) -> ModelError:
    return ModelError(
        f"{source}: holds no language model that can be loaded ({type(error).__name__})",
        "name the folder that save_pretrained wrote, with config.json, weights and tokenizer",
    )


def _quiet() -> None:
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def adapter_facts(folder: Path) -> dict[str, Any] | None:
    """Return what PEFT wrote of an adapter in a folder; None where there is none.

    Raises:
        ModelError: the file is damaged.

    """
    path = folder / "adapter_config.json"
    if not path.is_file():
        return None
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ModelError(f"{path}: damaged", "train again, or take an earlier checkpoint") from None
    return facts
