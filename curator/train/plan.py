"""The plan: how a model would be trained here, what it would take, and which rows suffer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from curator.advise import FLOPS_FULL, FLOPS_LORA, UTILISATION
from curator.errors import TrainError
from curator.train import bases, memory, templates, tokens
from curator.train.memory import MARGIN, Way

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from curator.protocols import Progress
    from curator.schema import Training
    from curator.train.bases import Shape
    from curator.train.hardware import Hardware
    from curator.train.inputs import Export, General, Row
    from curator.train.memory import Memory
    from curator.train.templates import Template
    from curator.train.tokens import Encoded

FLOPS_RECOMPUTED = 2
"""For a token and a parameter: with checkpointing the forward pass is made twice."""
_MOST_ROWS = 8
"""Rows at a time on a device, at most: more seldom make it faster, and padding grows."""
_BESIDE_WEIGHTS = 1.15
"""What an adapter takes altogether, beside its base's weights, roughly."""
RATES = {"lora": 2e-4, "qlora": 2e-4, "full": 2e-5}
"""Peak learning rates by method, where none is asked for: those of TRL's and QLoRA's examples."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's rows in tokens, and what they were made with."""

    source: str
    shape: Shape
    tokenizer: PreTrainedTokenizerBase
    template: Template
    train: Encoded
    validation: Encoded
    replayed: Encoded | None
    held_out: Encoded | None

    @property
    def rows(self) -> int:
        """Rows that are trained on in an epoch."""
        return self.train.account.used + (self.replayed.account.used if self.replayed else 0)

    @property
    def tokens(self) -> int:
        """Their tokens."""
        return self.train.account.tokens + (self.replayed.account.tokens if self.replayed else 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run would go.

    length: of the longest sequence. steps: optimizer steps. micro: rows at a time on a device;
    `accumulated` of them on each of `processes` make a step. seconds: None where the device's
    speed is not known. fitting: where it does not fit, a way that would, if there is one.
    """

    training: Training
    way: Way
    processes: int
    accumulated: int
    steps: int
    learning_rate: float
    seen: int
    flops: float
    seconds: float | None
    needs: Memory
    hardware: Hardware
    fits: bool
    fitting: str | None

    def facts(self, price: float | None = None) -> dict[str, Any]:
        """Return the plan for people and programs; `price` is for an hour of one device."""
        # Processes on a CPU share it: an hour of theirs is an hour of one device.
        devices = 1 if self.hardware.kind == "cpu" else self.processes
        hours = None if self.seconds is None else self.seconds * devices / 3600
        cost = None if price is None or hours is None else round(hours * price, 2)
        return {
            "method": self.way.method,
            "precision": self.way.precision,
            "device": self.hardware.kind,
            "device_name": self.hardware.name,
            "processes": self.processes,
            "batch": self.way.rows * self.accumulated * self.processes,
            "rows_at_a_time": self.way.rows,
            "length": self.way.length,
            "checkpointing": self.way.checkpointing,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "tokens_seen": self.seen,
            "flops": self.flops,
            "hours": None if hours is None else float(f"{hours:.3g}"),
            "cost": cost,
            "memory": self.needs.facts(),
            "memory_free": self.hardware.free,
            "fits": self.fits,
            "would_fit": self.fitting,
        }


def prepare(
    training: Training,
    export: Export,
    general: General | None,
    progress: Progress | None = None,
) -> Prepared:
    """Turn a run's rows into tokens.

    Raises:
        TrainError: no row is left to train on, or what is asked for does not fit together.
        ModelError: the base model cannot be found or loaded.

    """
    if training.replay and general is None:
        raise TrainError(
            "a replay share needs general conversations",
            "name them: --general FILE, or training.general in curator.yaml",
        )
    source = bases.find(training.base_model)
    shape = bases.shape(source)
    tokenizer = bases.tokenizer(source)
    template = templates.choose(tokenizer, training.template)
    if shape.positions and training.max_length > shape.positions:
        training = training.model_copy(update={"max_length": shape.positions})

    def encode(rows: list[Row], *, is_general: bool = False) -> Encoded:
        return tokens.encode(
            rows, tokenizer, template, training.max_length, general=is_general, progress=progress
        )

    train = encode(export.rows("train"))
    if not train.account.used:
        raise TrainError(
            f"{export.folder}: of {train.account.rows:,} rows none is left to train on",
            "raise training.max_length, or export more records: curator status",
        )
    replayed = held_out = None
    if general is not None:
        held_out = encode(general.held_out, is_general=True)
        if training.replay:
            chosen = general.replayed(train.account.used, training.replay, training.seed)
            replayed = encode(chosen, is_general=True)
    validation = encode(export.rows("validation"))
    return Prepared(source, shape, tokenizer, template, train, validation, replayed, held_out)


def plan(
    training: Training, prepared: Prepared, here: Hardware, processes: int | None = None
) -> Plan:
    """Return how a run would go on this hardware.

    Args:
        training: what is asked for.
        prepared: its rows.
        here: the hardware.
        processes: how many train together; if not given, one a device, of as many devices as a
            batch can be shared by.

    Raises:
        TrainError: the precision, the method or so many devices are not to be had here, or the
            batch cannot be shared by the processes.

    """
    together = processes or next(
        n for n in range(here.count, 0, -1) if training.batch_size % n == 0
    )
    if here.kind == "cuda" and together > here.count:
        raise TrainError(
            f"{together} processes are asked for, and there are {here.count} CUDA devices",
            f"use --processes {here.count}, or leave it out",
        )
    precision = _precision(training, here)
    if training.method == "qlora" and not here.quantises:
        raise TrainError(
            "qlora needs bitsandbytes and a CUDA device, and one of them is not here",
            "use --set method=lora, or: pip install bitsandbytes",
        )
    if training.batch_size % together:
        raise TrainError(
            f"a batch of {training.batch_size} rows cannot be shared by {together} processes",
            f"set training.batch_size to a multiple of {together}",
        )
    longest = training.max_length if training.packing else _longest(prepared, training)
    # On a CPU the processes share one memory.
    free = here.free // together if here.kind == "cpu" else here.free
    tried = [
        (way, memory.estimate(prepared.shape, way, here.kind, together))
        for way in _ways(training, precision, longest, training.batch_size // together, here)
    ]
    chosen = next((pair for pair in tried if pair[1].total <= MARGIN * free), None)
    way, needs = chosen or min(tried, key=lambda pair: pair[1].total)
    fitting = None if chosen else _fitting(prepared.shape, way, here, free)
    rows = _sequences(training, prepared)
    steps = _steps(training, rows)
    seen = round(prepared.tokens / max(1, rows) * training.batch_size * steps)
    seen = min(seen, round(prepared.tokens * training.epochs)) if not training.max_steps else seen
    per_token = FLOPS_FULL if way.method == "full" else FLOPS_LORA
    per_token += FLOPS_RECOMPUTED if way.checkpointing else 0
    flops = float(per_token) * prepared.shape.parameters * seen
    # The peaks of CUDA devices are those of 16 bits.
    known = here.peak if here.kind != "cuda" or way.precision != "fp32" else None
    speed = known and known * UTILISATION * (together if here.kind == "cuda" else 1)
    return Plan(
        training=training,
        way=way,
        processes=together,
        accumulated=training.batch_size // together // way.rows,
        steps=steps,
        learning_rate=training.learning_rate or RATES[way.method],
        seen=seen,
        flops=flops,
        seconds=flops / speed if speed else None,
        needs=needs,
        hardware=here,
        fits=chosen is not None,
        fitting=fitting,
    )


def _precision(training: Training, here: Hardware) -> str:
    asked = training.precision
    if asked == "auto":
        return "fp32" if here.kind != "cuda" else "bf16" if here.bf16 else "fp16"
    if asked == "bf16" and not here.bf16:
        raise TrainError(
            f"precision bf16 is asked for, and {here.name} does not compute in it",
            "use --set precision=auto",
        )
    if asked == "fp16" and here.kind != "cuda":
        raise TrainError(
            "precision fp16 is asked for, and there is no CUDA device", "use --set precision=auto"
        )
    return asked


def _longest(prepared: Prepared, training: Training) -> int:
    parts = [prepared.train, prepared.replayed]
    longest = max(part.account.longest for part in parts if part is not None)
    return min(training.max_length, longest)


def _ways(
    training: Training, precision: str, length: int, batch: int, here: Hardware
) -> Iterator[Way]:
    """Yield the ways that may be chosen, the best first: fast before small."""
    methods = [training.method]
    if training.method == "auto":
        methods = ["lora", "qlora"] if here.quantises else ["lora"]
    most = [rows for rows in range(min(batch, _MOST_ROWS), 0, -1) if batch % rows == 0]
    rows_at_a_time = [1] if training.packing else most
    for method in methods:
        for checkpointing in (False, True):
            for rows in rows_at_a_time:
                yield Way(method, precision, rows, length, checkpointing, training.lora_rank)


def _fitting(shape: Shape, way: Way, here: Hardware, free: int) -> str:
    """Return what would fit: less length, LoRA in place of full, four bits, or a smaller model."""
    for method in ("full", "lora", "qlora") if way.method == "full" else ("lora", "qlora"):
        if method == "qlora" and not here.quantises:
            continue
        for length in (way.length, 1024, 512, 256, 128):
            if length > way.length:
                continue
            other = replace(way, method=method, rows=1, checkpointing=True, length=length)
            if memory.estimate(shape, other, here.kind).total <= MARGIN * free:
                return f"--set method={method} --set max_length={length}"
    size = 0.6 if here.quantises else memory.BYTES[way.precision]
    most = max(0.0, (MARGIN * free - GIB) / (size * _BESIDE_WEIGHTS))
    return f"a base model of up to about {most / 1e9:.1f}B parameters"


def _sequences(training: Training, prepared: Prepared) -> int:
    if training.packing:
        return max(1, -(-prepared.tokens // training.max_length))
    return prepared.rows


def _steps(training: Training, rows: int) -> int:
    epoch = -(-rows // training.batch_size)
    steps = max(1, round(training.epochs * epoch))
    return min(steps, training.max_steps) if training.max_steps else steps


def too_big(made: Plan, prepared: Prepared, folder: Path) -> TrainError:
    """Return the error of a plan that does not fit, with what would."""
    free = made.hardware.free
    return TrainError(
        f"{folder.name}: {prepared.shape.parameters / 1e9:.2f}B parameters need about"
        f" {made.needs.total / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free"
        f" ({made.hardware.name})",
        f"this would fit: {made.fitting}; --anyway tries it nevertheless",
    )
