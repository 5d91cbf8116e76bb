"""What LLaMA-Factory and axolotl take, written from their documentation.

LLaMA-Factory: `examples/train_lora/*.yaml` and its arguments' help (model, data, fine-tuning,
and those of transformers). axolotl: https://docs.axolotl.ai/docs/config-reference.html and
https://docs.axolotl.ai/docs/dataset-formats/conversation.html. An unknown key is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from curator.workspace import read_json

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LlamaFactory(Strict):
    model_name_or_path: str
    quantization_bit: Literal[4, 8] | None = None
    quantization_method: Literal["bnb", "hqq", "eetq"] | None = None
    stage: Literal["pt", "sft", "rm", "ppo", "dpo", "kto"]
    do_train: bool
    finetuning_type: Literal["lora", "freeze", "full"]
    lora_rank: Positive | None = None
    lora_alpha: Positive | None = None
    lora_dropout: float | None = None
    lora_target: str | None = None
    dataset_dir: str
    dataset: str
    eval_dataset: str | None = None
    template: Literal["chatml", "llama3", "gemma", "phi", "mistral", "qwen", "default"]
    cutoff_len: Positive
    packing: bool | None = None
    mask_history: bool = False
    neat_packing: bool = False
    per_device_train_batch_size: Positive
    per_device_eval_batch_size: Positive | None = None
    gradient_accumulation_steps: Positive
    learning_rate: Rate
    num_train_epochs: float
    max_steps: Positive | None = None
    lr_scheduler_type: Literal["linear", "cosine", "constant"]
    warmup_ratio: float
    bf16: bool = False
    fp16: bool = False
    seed: int
    output_dir: str
    logging_steps: Positive | None = None
    save_steps: Positive | None = None
    save_total_limit: Positive | None = None
    eval_strategy: Literal["no", "steps", "epoch"] = "no"
    eval_steps: Positive | None = None
    report_to: Literal["none", "wandb", "tensorboard", "swanlab", "mlflow"]

    @model_validator(mode="after")
    def _data_are_described(self) -> LlamaFactory:
        """The names stand in `dataset_info.json`, and their files would be taken."""
        folder = Path(self.dataset_dir)
        info = read_json(folder / "dataset_info.json")
        for name in filter(None, (self.dataset, self.eval_dataset)):
            assert (folder / info[name]["file_name"]).is_file(), name
        assert not (self.finetuning_type == "full" and self.lora_rank)
        assert not (self.bf16 and self.fp16)
        return self


class AxolotlRows(Strict):
    path: str
    ds_type: Literal["json", "arrow", "parquet", "csv", "text"]
    split: str
    type: Literal["chat_template"]
    field_messages: str
    message_property_mappings: dict[str, str] | None = None
    message_field_training: str | None = None
    roles_to_train: list[Literal["assistant", "user", "system", "tool"]]
    train_on_eos: Literal["all", "turn", "last"]

    @model_validator(mode="after")
    def _is_there(self) -> AxolotlRows:
        assert Path(self.path).is_file()
        return self


class Axolotl(Strict):
    base_model: str
    adapter: Literal["lora", "qlora"] | None = None
    lora_r: Positive | None = None
    lora_alpha: Positive | None = None
    lora_dropout: float | None = None
    lora_target_linear: bool | None = None
    load_in_4bit: bool = False
    chat_template: str | None = None
    chat_template_jinja: str | None = None
    datasets: list[AxolotlRows]
    test_datasets: list[AxolotlRows] | None = None
    val_set_size: float = 0.0
    sequence_len: Positive
    sample_packing: bool
    micro_batch_size: Positive
    gradient_accumulation_steps: Positive
    learning_rate: Rate
    num_epochs: float
    max_steps: Positive | None = None
    lr_scheduler: Literal["linear", "cosine", "constant"]
    warmup_ratio: float
    optimizer: Literal["adamw_torch", "adamw_torch_fused", "adamw_bnb_8bit"]
    bf16: bool | Literal["auto"] = False
    fp16: bool = False
    seed: int
    output_dir: str
    logging_steps: Positive | None = None
    save_steps: Positive | None = None
    save_total_limit: Positive | None = None
    eval_steps: Positive | None = None

    @model_validator(mode="after")
    def _fits(self) -> Axolotl:
        assert not (self.test_datasets and self.val_set_size)
        return self
