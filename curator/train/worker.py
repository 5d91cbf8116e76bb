"""What runs in the child process: load, measure, train, measure again. One job, one folder.

Started by `launch`, once or by torchrun several times; reads `job.json`, tells its steps in
`log.jsonl`, and ends with `result.json` or `error.json`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from curator.errors import CuratorError, TrainError
from curator.tables import read_table
from curator.train import bases, checkpoints, losses
from curator.train.runs import Run
from curator.train.templates import Template
from curator.workspace import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

STOPPED = 75
"""The exit code of a worker that saved and stopped because it was asked to."""
FAILED = 70
"""The exit code of one that wrote `error.json`."""


def main(folder: str) -> int:
    """Do the job in a folder; return the exit code."""
    run = Run(Path(folder))
    rank = int(os.environ.get("RANK", "0"))
    try:
        if rank == 0:
            with FileLock(run.folder / "worker.lock"):
                write_json(run.folder / "worker.json", {"pid": os.getpid()})
                return _work(run, rank)
        return _work(run, rank)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in two lines
        traceback.print_exc()
        said = told(error, read_json(run.job))
        write_json(run.error, {"message": said.message, "hint": said.hint})
        return FAILED


def _work(run: Run, rank: int) -> int:
    import torch  # noqa: PLC0415 - heavy

    job = read_json(run.job)
    if job["device"] == "cpu":
        threads = max(1, job["cores"] // job["processes"])
        torch.set_num_threads(threads)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not torch.distributed.is_initialized():
        if job["device"] == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        torch.distributed.init_process_group("nccl" if job["device"] == "cuda" else "gloo")
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    work = _Work(run, job, rank, world)
    try:
        return work.do()
    finally:
        if world > 1:
            torch.distributed.destroy_process_group()


class _Work:
    """One process's part of a run."""

    def __init__(self, run: Run, job: Mapping[str, Any], rank: int, world: int) -> None:
        self.run, self.job, self.rank, self.world = run, job, rank, world
        self.template = Template(**job["template"])
        self.tokenizer = bases.tokenizer(job["source"])
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.held_out = {
            name: read_table(path)
            for name in ("domain", "general")
            if (path := run.data / f"{name}.parquet").exists()
        }

    def do(self) -> int:
        """Measure, train, measure; return the exit code."""
        model = self._model()
        before = self._measured(model, "before", {})
        trainer, watch = self._trainer(model)
        there = checkpoints.latest(self.run.checkpoints) if self.rank == 0 else None
        there = self._shared(there)
        if there is not None:
            watch.tokens, watch.learnt = there[1]["tokens"], there[1]["learnt"]
            watch.began -= there[1]["seconds"]
        trainer.train(resume_from_checkpoint=str(there[0]) if there else None)
        if watch.stopped:
            return STOPPED
        after = self._measured(trainer.model, "after", self._just_measured(trainer.state))
        if self.rank == 0:
            self._save(trainer)
            self._end(trainer, watch, before, after)
        self._wait()
        return 0

    def _model(self) -> Any:
        """Return the base model, with the adapter that is trained where there is one."""
        import torch  # noqa: PLC0415 - heavy
        from transformers import set_seed  # noqa: PLC0415 - heavy

        from curator.train import adapters  # noqa: PLC0415 - heavy

        job = self.job
        set_seed(job["seed"])
        # Weights that are trained stay in 32 bits: steps are too small for 16, and mixed
        # precision computes in 16 all the same.
        precision = "fp32" if job["method"] == "full" else job["precision"]
        model = bases.model(job["source"], precision=precision, quantised=job["method"] == "qlora")
        if job["device"] != "cpu" and job["method"] != "qlora":
            model.to(torch.device(job["device"], int(os.environ.get("LOCAL_RANK", "0"))))
        if job["parent"]:
            return adapters.loaded(model, Path(job["parent"]), trainable=True)
        if job["method"] == "full":
            return model
        return adapters.added(model, job["lora_rank"], quantised=job["method"] == "qlora")

    def _trainer(self, model: Any) -> tuple[Any, Any]:
        from curator.train import trainers  # noqa: PLC0415 - heavy

        job = self.job
        domain = self.held_out.get("domain")
        # Preferences have a loss of their own, so it is not what tells the best checkpoint.
        during = domain is not None and job["stage"] == "sft"
        watch = trainers.Watch(
            log=self.run.log,
            stop=self._asked_to_stop,
            evaluate=(lambda m: losses.loss(m, domain, rank=self.rank, world=self.world))
            if during
            else None,
            names={},
            patience=job["early_stopping"],
            keep=job["keep_checkpoints"],
            main=self.rank == 0,
        )
        arguments = self._arguments(evaluating=during)
        if job["stage"] == "dpo":
            tokenizer = self.tokenizer
            tokenizer.chat_template = self.template.text
            lines = (self.run.data / "preferences.jsonl").read_text(encoding="utf-8").splitlines()
            pairs = [json.loads(line) for line in lines]
            trainer = trainers.dpo(
                model=model,
                tokenizer=tokenizer,
                pairs=pairs,
                arguments=arguments,
                max_length=job["max_length"],
                watch=watch,
            )
        else:
            trainer = trainers.sft(
                model=model,
                tokenizer=self.tokenizer,
                rows=read_table(self.run.data / "train.parquet"),
                arguments=arguments,
                packed_to=job["max_length"] if job["packing"] else None,
                watch=watch,
            )
        return trainer, watch

    def _arguments(self, *, evaluating: bool) -> dict[str, Any]:
        job = self.job
        choosing = evaluating and job["early_stopping"] > 0
        return {
            "output_dir": str(self.run.checkpoints),
            "per_device_train_batch_size": job["rows_at_a_time"],
            "gradient_accumulation_steps": job["accumulated"],
            "max_steps": job["steps"],
            "learning_rate": job["learning_rate"],
            "lr_scheduler_type": "cosine",
            "warmup_steps": max(1, job["steps"] // 20),
            "max_grad_norm": 1.0,
            "gradient_checkpointing": job["checkpointing"],
            "bf16": job["precision"] == "bf16",
            "fp16": job["precision"] == "fp16",
            "use_cpu": job["device"] == "cpu",
            "seed": job["seed"],
            "data_seed": job["seed"],
            "logging_steps": 1,
            "logging_nan_inf_filter": False,
            "eval_strategy": "steps" if evaluating else "no",
            "eval_steps": job["save_every"],
            "save_strategy": "steps",
            "save_steps": job["save_every"],
            "load_best_model_at_end": choosing,
            "metric_for_best_model": "eval_loss" if choosing else None,
            "greater_is_better": False if choosing else None,
            "report_to": "none",
            "disable_tqdm": True,
            "dataloader_pin_memory": job["device"] == "cuda",
            "ddp_backend": None
            if self.world == 1
            else "nccl"
            if job["device"] == "cuda"
            else "gloo",
            "ddp_find_unused_parameters": False if self.world > 1 else None,
        }

    def _just_measured(self, state: Any) -> dict[str, float]:
        """Return the held-out loss of the weights as they are, where the last step told it.

        With early stopping they may be those of an earlier step.
        """
        told = [line for line in state.log_history if "eval_loss" in line]
        if self.job["early_stopping"] or not told or told[-1]["step"] != state.global_step:
            return {}
        return {"domain": told[-1]["eval_loss"]}

    def _measured(self, model: Any, when: str, known: Mapping[str, float]) -> dict[str, Any]:
        """Return losses and answers; what was measured before is kept over a resume."""
        path = self.run.folder / f"{when}.json"
        if self._shared(path.exists() if self.rank == 0 else None):
            return dict(read_json(path))
        found: dict[str, Any] = {
            name: known[name]
            if name in known
            else losses.loss(model, rows, rank=self.rank, world=self.world)
            for name, rows in self.held_out.items()
        }
        if self.rank == 0:
            prompts = read_json(self.run.data / "prompts.json")
            found["answers"] = losses.answers(
                model, self.tokenizer, self.template.text, [p["messages"] for p in prompts]
            )
            write_json(path, found)
        self._wait()
        return found

    def _save(self, trainer: Any) -> None:
        """Save what came out, with the template that chats are to be rendered with."""
        from curator.train import adapters  # noqa: PLC0415 - heavy

        adapters.save(trainer.accelerator.unwrap_model(trainer.model), self.run.model)
        tokenizer = bases.tokenizer(self.job["source"])
        if self.template.replaces:
            tokenizer.chat_template = self.template.kept
        tokenizer.save_pretrained(self.run.model)

    def _end(
        self, trainer: Any, watch: Any, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        state = trainer.state
        best = state.best_model_checkpoint
        write_json(
            self.run.result,
            {
                "before": before,
                "after": after,
                "steps": state.global_step,
                "best_step": int(best.rpartition("-")[2]) if best else state.global_step,
                "tokens": watch.tokens,
                "learnt": watch.learnt,
                "seconds": round(time.monotonic() - watch.began, 2),
                "peak_memory": _peak(self.job["device"]),
            },
        )

    def _asked_to_stop(self) -> bool:
        """Whether the launcher asks for it, or is gone."""
        asked = self.rank == 0 and (self.run.stop.exists() or _orphaned(self.run))
        return bool(self._shared(asked if self.rank == 0 else None))

    def _shared(self, value: Any) -> Any:
        """Return the first process's value in each."""
        if self.world == 1:
            return value
        import torch  # noqa: PLC0415 - heavy

        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def _wait(self) -> None:
        if self.world > 1:
            import torch  # noqa: PLC0415 - heavy

            torch.distributed.barrier()


def _orphaned(run: Run) -> bool:
    """Whether the launcher, which holds this lock while it waits, is gone."""
    try:
        with FileLock(run.folder / "lock", timeout=0):
            return True
    except Timeout:
        return False


def _peak(device: str) -> int:
    """Return the most memory that was in use, in bytes."""
    if device == "cuda":
        import torch  # noqa: PLC0415 - heavy

        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def told(error: Exception, job: Mapping[str, Any]) -> CuratorError:
    """Return an error as two lines that say what to change."""
    from curator.train.trainers import DivergedError  # noqa: PLC0415 - heavy

    if isinstance(error, CuratorError):
        return error
    if isinstance(error, DivergedError):
        return TrainError(
            f"{error.what} is not a number at step {error.step};"
            f" the records of that batch: {', '.join(error.records) or 'unknown'}",
            f"lower training.learning_rate (now {job['learning_rate']:g}), look at the records"
            " (curator why ID); the last good checkpoint is kept",
        )
    text = str(error)
    if isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text:
        return TrainError(
            "out of memory",
            "lower training.max_length or training.batch_size, or use --set method=lora"
            " (curator train plan tells what fits)",
        )
    if (isinstance(error, OSError) and error.errno in {28, 122}) or "No space left" in text:
        return no_space("training")
    return TrainError(
        f"the training process failed ({type(error).__name__})", "see what it said: worker.log"
    )


def no_space(what: str) -> TrainError:
    """Return the error of a full disk."""
    return TrainError(
        f"{what}: no space left for a checkpoint",
        "free some space, lower training.keep_checkpoints, and run the same command again:"
        " it goes on from the last whole checkpoint",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
