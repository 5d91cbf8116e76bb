"""TRL itself, asked: each file is loaded, tokenised, truncated and packed by the installed TRL.

That happens in a process of its own, which keeps TRL's globals, messages and temporary files
away. A model of a few parameters stands in for the user's, since the trainer prepares the data
as it is made. `python -m curator.exports.handshake.trl_itself` reads its task as JSON from
stdin and prints an answer as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from curator.errors import GateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.exports.measures import Ruler


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be loaded.

    path: of JSON lines.
    trained: whether it is for supervised training; pairs and labels are only rendered.
    skip: lines that are known to be refused, from 0; TRL stops at some of these.
    """

    path: str
    trained: bool
    skip: tuple[int, ...]


def installed() -> str | None:
    """Return TRL's version; None where it, or what it needs, is not there."""
    try:
        version("accelerate")
        return version("trl")
    except PackageNotFoundError:
        return None


def ask(tasks: Sequence[Task], ruler: Ruler, length: int, scratch: Path) -> list[dict[str, Any]]:
    """Return TRL's answer for each file.

    Args:
        tasks: the files.
        ruler: with the tokenizer and the template.
        length: the recipe's `max_length`.
        scratch: an empty folder for whatever TRL writes.

    Returns:
        `format` (what TRL detects), `dropped` (lines, from 0), and for supervised training
        `tokens` and `learnt` after truncation and `packed` (sequences of `length`).

    Raises:
        GateError: TRL stops at a file, so nobody could train with it.

    """
    task = {
        "tokenizer": ruler.name,
        "template": ruler.template,
        "length": length,
        "scratch": str(scratch),
        "files": [asdict(task) for task in tasks],
    }
    # The passphrase of the vault and Argilla's key are none of its business.
    own = {k: v for k, v in os.environ.items() if not k.startswith(("CURATOR_", "ARGILLA_"))}
    env = own | {
        "TMPDIR": str(scratch),
        "HF_HOME": str(scratch),
        "HF_DATASETS_CACHE": str(scratch),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "ACCELERATE_USE_CPU": "true",
        "CUDA_VISIBLE_DEVICES": "",
    }
    hub = os.environ.get("CURATOR_ALLOW_HUB")
    env |= {"CURATOR_ALLOW_HUB": "1"} if hub == "1" else {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(  # noqa: S603 - this module and nothing else
        [sys.executable, "-W", "ignore", "-m", __name__],
        input=json.dumps(task),
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answers: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise GateError(
            f"TRL {installed()} ended without an answer (exit {done.returncode})",
            "export again; or leave trl out of exports.instruction.trainers",
        ) from None
    for asked, answer in zip(tasks, answers, strict=True):
        if "stopped" in answer:
            raise GateError(
                f"TRL {installed()} cannot train with {asked.path}: {answer['stopped']}",
                "this is a bug, unless the tokenizer's own chat template is at fault; leave trl"
                " out of exports.instruction.trainers to export all the same",
            )
    return answers


# --- in the process of its own ------------------------------------------------------------------


def answer(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answers of a task, as `ask` gives it; no text of a row is in them."""
    from datasets import load_dataset  # noqa: PLC0415 - heavy

    from curator.models.tokenizers import load_tokenizer  # noqa: PLC0415 - heavy

    tokenizer = load_tokenizer(task["tokenizer"])
    tokenizer.chat_template = task["template"]
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    answers: list[dict[str, Any]] = []
    for file in task["files"]:
        data = load_dataset(
            "json", data_files=file["path"], split="train", cache_dir=task["scratch"]
        )
        lines = sorted(set(range(len(data))).difference(file["skip"]))
        data = data.add_column("line", list(range(len(data)))).select(lines)
        tell = _trained if file["trained"] else _rendered
        try:
            answers.append(tell(data, lines, tokenizer, task) if lines else {"dropped": []})
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            # What it says may quote a row, so its kind alone is told.
            answers.append({"stopped": type(error).__name__})
    return answers


def _trained(
    data: Any, lines: Sequence[int], tokenizer: Any, task: dict[str, Any]
) -> dict[str, Any]:
    """Let the trainer detect, tokenise, truncate and filter the rows, and pack what remains."""
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 - heavy
    from trl.data_utils import is_conversational, pack_dataset  # noqa: PLC0415 - an extra
    from trl.trainer.sft_config import SFTConfig  # noqa: PLC0415 - heavy, and an extra
    from trl.trainer.sft_trainer import SFTTrainer  # noqa: PLC0415 - heavy, and an extra

    prompted = "prompt" in data.column_names
    small = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
    )
    config = SFTConfig(
        output_dir=task["scratch"],
        max_length=task["length"],
        assistant_only_loss=not prompted,
        report_to="none",
        use_cpu=True,
        bf16=False,
    )
    trainer = SFTTrainer(
        model=LlamaForCausalLM(small),
        args=config,
        train_dataset=data,
        processing_class=tokenizer,
    )
    ready: Any = trainer.train_dataset
    packed = pack_dataset(ready.select_columns(["input_ids", "labels"]), task["length"], "bfd")
    kind = "prompt-completion" if prompted else "language modeling"
    return {
        "format": f"{'conversational' if is_conversational(data[0]) else 'standard'} {kind}",
        "dropped": sorted(set(lines).difference(ready["line"])),
        "tokens": sum(map(len, ready["input_ids"])),
        "learnt": sum(label != -100 for row in ready["labels"] for label in row),
        "packed": len(packed),
    }


def _rendered(data: Any, lines: Sequence[int], tokenizer: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Let TRL detect the format and render each row, as its trainers of preferences begin."""
    from trl.data_utils import (  # noqa: PLC0415 - heavy, and an extra
        apply_chat_template,
        is_conversational,
    )

    known = ("prompt", "completion", "chosen", "rejected", "label")
    columns = [name for name in known if name in data.column_names]
    kind = "preference" if "chosen" in columns else "unpaired preference"
    dropped = []
    for line, row in zip(lines, data.select_columns(columns), strict=True):
        rendered = apply_chat_template(row, tokenizer)
        answers = [rendered[name] for name in ("completion", "chosen", "rejected") if name in row]
        if not rendered["prompt"] or not all(answers):
            dropped.append(line)
    return {
        "format": f"{'conversational' if is_conversational(data[0]) else 'standard'} {kind}",
        "dropped": dropped,
    }


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))  # noqa: T201 - that is its answer
