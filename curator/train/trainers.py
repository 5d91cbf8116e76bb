"""TRL's trainers, watched: each step is told, nothing that is no number goes unseen.

Here alone is TRL loaded.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.tables import digest
from curator.train.order import Order
from curator.train.tokens import IGNORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase


_OVERFLOWS = 20


class DivergedError(Exception):
    """The loss or a gradient is no number any more."""

    def __init__(self, step: int, what: str, records: list[str]) -> None:
        super().__init__(step, what, records)
        self.step = step
        self.what = what
        self.records = records


def training_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return TRL's training template of the tokenizer's family, if it knows it to the letter."""
    from trl.chat_template_utils import get_training_chat_template  # noqa: PLC0415 - heavy

    try:
        found = get_training_chat_template(tokenizer)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


@dataclass
class Watch:
    """What a run is watched with.

    log: where each step and evaluation is appended, a line of JSON each.
    stop: asked at each step's end whether to save and stop; all processes must agree.
    evaluate: returns the loss on held-out rows; none, and nothing is evaluated meanwhile.
    names: maps what stands for a row's tokens to its record's id.
    patience: evaluations without a lower loss until training ends; 0 for never.
    keep: how many of the latest checkpoints stay beside the best.
    """

    log: Path
    stop: Callable[[], bool]
    evaluate: Callable[[Any], float] | None
    names: Mapping[str, str]
    patience: int
    keep: int
    main: bool = True
    stopped: bool = False
    batch: list[Any] = field(default_factory=list)
    tokens: int = 0
    learnt: int = 0
    overflows: int = 0
    began: float = field(default_factory=time.monotonic)

    def tell(self, line: Mapping[str, Any]) -> None:
        """Append a line to the log."""
        if self.main:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, allow_nan=True) + "\n")

    def records(self) -> list[str]:
        """Return the ids of the records in the present batch."""
        found = [self.names.get(key) for ids in self.batch for key in _keys(ids)]
        return sorted({name for name in found if name})


def key_of(ids: Iterable[int]) -> str:
    """Return what stands for a row's tokens."""
    return digest([int(i) for i in ids])


def _keys(inputs: Mapping[str, Any]) -> Iterable[str]:
    """Yield what stands for each row of a batch, padded or packed."""
    ids = inputs["input_ids"].cpu().numpy()
    if "position_ids" in inputs:
        places = inputs["position_ids"].cpu().numpy()
        for row, at in zip(ids, places, strict=True):
            for part in np.split(row, np.flatnonzero(at == 0)[1:]):
                yield key_of(part)
    else:
        for row, mask in zip(ids, inputs["attention_mask"].cpu().numpy(), strict=True):
            yield key_of(row[mask.astype(bool)])


def _callback(watch: Watch) -> Any:
    """Return the callback that tells steps, evaluates, stops, and keeps checkpoints by rule."""
    from transformers import TrainerCallback  # noqa: PLC0415 - heavy

    class Watching(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            """Stop before a gradient that is no number spoils the weights."""
            if _finite(more["model"]):
                watch.overflows = 0
                return
            watch.overflows += 1
            # In fp16 the loss is scaled until gradients overflow: such a step is left out, and
            # the scale halved. 2^16, where it begins, is used up after so many in a row.
            if not args.fp16 or watch.overflows > _OVERFLOWS:
                raise DivergedError(state.global_step + 1, "a gradient", watch.records())

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            watch.batch.clear()
            if watch.stop():
                watch.stopped = True
                control.should_save = True
                control.should_training_stop = True
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                watch.tell(
                    {
                        "step": state.global_step,
                        "loss": logs["loss"],
                        "grad_norm": logs.get("grad_norm"),
                        "learning_rate": logs.get("learning_rate"),
                        "tokens": watch.tokens,
                        "learnt": watch.learnt,
                        "seconds": round(time.monotonic() - watch.began, 3),
                    }
                )

        def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            losses = [h["eval_loss"] for h in state.log_history if "eval_loss" in h]
            watch.tell({"step": state.global_step, "eval_loss": losses[-1]})
            since_best = len(losses) - 1 - int(np.argmin(losses))
            if watch.patience and since_best >= watch.patience:
                watch.tell({"step": state.global_step, "stopped_early": True})
                control.should_training_stop = True
            return control

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if watch.main:
                keep_checkpoints(args.output_dir, state, watch)

    return Watching()


def _finite(model: Any) -> bool:
    """Whether all gradients are numbers."""
    import torch  # noqa: PLC0415 - heavy

    return all(
        bool(torch.isfinite(parameter.grad).all())
        for parameter in model.parameters()
        if parameter.grad is not None
    )


def _widened(trainer: Any) -> Any:
    """Return the trainer, with what it trains in 32 bits where it computes in fp16.

    TRL puts adapters of quantised models into bf16, whose gradients cannot be scaled.
    """
    if trainer.args.fp16:
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    return trainer


def keep_checkpoints(folder: str, state: Any, watch: Watch) -> None:
    """Mark the newest checkpoint as whole; remove what the rule does not keep."""
    from curator.train.checkpoints import mark, prune  # noqa: PLC0415 - with the run alone

    seconds = round(time.monotonic() - watch.began, 3)
    facts = {"tokens": watch.tokens, "learnt": watch.learnt, "seconds": seconds}
    mark(folder, state.global_step, facts)
    prune(folder, watch.keep, state.best_model_checkpoint)


def sft(
    *,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    rows: pa.Table,
    arguments: Mapping[str, Any],
    packed_to: int | None,
    watch: Watch,
) -> Any:
    """Return TRL's trainer for supervised fine-tuning on rows in tokens.

    Args:
        model: the model, with its adapter where there is one.
        tokenizer: of the base model.
        rows: as `tokens.SCHEMA`; what is not learnt has the label -100.
        arguments: of transformers' TrainingArguments.
        packed_to: the length that rows share, or None.
        watch: what the run is watched with.

    """
    import trl  # noqa: PLC0415 - heavy
    from datasets import Dataset  # noqa: PLC0415 - heavy
    from datasets.table import InMemoryTable  # noqa: PLC0415 - heavy

    library: Any = trl
    columns = rows.select(["input_ids", "labels"])
    dataset = Dataset(InMemoryTable(columns.combine_chunks()))
    keys = [key_of(ids) for ids in columns["input_ids"].to_pylist()]
    order = Order(keys, arguments["seed"])
    if packed_to is not None:
        dataset = library.pack_dataset(dataset.select(list(order)), packed_to)
    watch.names = dict(zip(keys, rows["id"].to_pylist(), strict=True))
    trainer = _watched(library.SFTTrainer, watch, order if packed_to is None else None)(
        model=model,
        args=library.SFTConfig(
            **arguments,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=packed_to,
            packing=packed_to is not None,
        ),
        train_dataset=dataset,
        eval_dataset=dataset.select([0]) if watch.evaluate else None,
        processing_class=tokenizer,
        callbacks=[_callback(watch)],
    )
    return _widened(trainer)


def dpo(
    *,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    pairs: list[dict[str, Any]],
    arguments: Mapping[str, Any],
    max_length: int,
    watch: Watch,
) -> Any:
    """Return TRL's trainer for direct preference optimisation.

    The reference is the model as it is now: with an adapter, TRL keeps a frozen copy of that.

    Args:
        model: what supervised fine-tuning made.
        tokenizer: of the base model, with the template to render with.
        pairs: rows of `id`, `prompt`, `chosen` and `rejected`, each a list of messages.
        arguments: of transformers' TrainingArguments.
        max_length: tokens of a prompt with its answer.
        watch: what the run is watched with.

    """
    import trl  # noqa: PLC0415 - heavy
    from datasets import Dataset  # noqa: PLC0415 - heavy

    library: Any = trl
    columns = ("prompt", "chosen", "rejected")
    dataset = Dataset.from_list([{name: pair[name] for name in columns} for pair in pairs])
    trainer = _watched(library.DPOTrainer, watch)(
        model=model,
        args=library.DPOConfig(**arguments, max_length=max_length),
        train_dataset=dataset,
        eval_dataset=dataset.select([0]) if watch.evaluate else None,
        processing_class=tokenizer,
        callbacks=[_callback(watch)],
    )
    watch.names = {
        key_of([*row["prompt_ids"], *row[side]][:max_length]): pair["id"]
        for row, pair in zip(trainer.train_dataset, pairs, strict=False)
        for side in ("chosen_ids", "rejected_ids")
    }
    return _widened(trainer)


def _watched(base: type[Any], watch: Watch, order: Order | None = None) -> type[Any]:
    """Return a trainer that counts each batch, looks at its loss, and evaluates our way.

    It takes the rows in the given order, or in the library's own.
    """
    import torch  # noqa: PLC0415 - heavy

    class Watched(base):  # type: ignore[misc]
        def _get_train_sampler(self, *given: Any) -> Any:
            return order or super()._get_train_sampler(*given)

        def training_step(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
            seen = ("input_ids", "attention_mask", "position_ids")
            watch.batch.append({name: inputs[name] for name in seen if name in inputs})
            self._count(inputs)
            loss = super().training_step(model, inputs, *more, **named)
            if not torch.isfinite(loss).all():
                raise DivergedError(self.state.global_step + 1, "the loss", watch.records())
            return loss

        def _count(self, inputs: Any) -> None:
            if "labels" in inputs:
                learnt = inputs["labels"] != IGNORED
                # A row that only fills the last batch has nothing to learn.
                real = learnt.any(dim=1, keepdim=True)
            else:
                learnt = inputs["completion_mask"].bool()
                real = learnt.any(dim=1, keepdim=True)
            mask = inputs.get("attention_mask")
            filled = torch.ones_like(inputs["input_ids"]) if mask is None else mask
            counts = torch.stack([(filled * real).sum(), learnt.sum()])
            if self.accelerator.num_processes > 1:
                counts = self.accelerator.reduce(counts, "sum")
            watch.tokens += int(counts[0])
            watch.learnt += int(counts[1])

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            assert watch.evaluate is not None
            metrics = {"eval_loss": watch.evaluate(self.model)}
            self.log(metrics)
            self.control: Any = self.callback_handler.on_evaluate(
                self.args, self.state, self.control, metrics
            )
            return metrics

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """Leave the model card to the run card."""

    return Watched
