"""Memory that a run needs, worked out before anything runs.

Weights, gradients and AdamW's two moments follow from the parameters (Rajbhandari et al. 2020,
"ZeRO", §3.1). What a layer keeps for the way back is counted as Korthikanti et al. 2022 ("Reducing
Activation Recomputation", §4) count it, for layers with a gated feed-forward part and attention
that does not keep its scores: 21 times the hidden size and 4 times the intermediate one, for each
token. An adapter with dropout keeps three more of what each linear layer takes in. TRL's head
works on tiles, of which torch without Triton has nine at a time. These three figures were
fitted to steps of small models on a CPU, and were 6 % too high for one of another shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.train.bases import Shape

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
_OVERHEAD = {"cpu": 550 * 2**20, "mps": 700 * 2**20, "cuda": 800 * 2**20}
"""What the libraries take themselves before any weight is loaded."""
_HIDDEN, _INTERMEDIATE, _DROPPED = 21, 4, 3
_TILE = (4096, 32768)
"""Tokens and words whose logits TRL's head works on at a time, at most."""
_TILES = {"cpu": 9, "mps": 9, "cuda": 2}
MARGIN = 0.9
"""A run is said to fit if it needs at most this share of the free memory."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is trained: what decides on memory.

    rows: sequences at a time on a device. length: tokens of the longest.
    """

    method: str
    precision: str
    rows: int
    length: int
    checkpointing: bool
    lora_rank: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one device, by what they are for."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    overhead: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.overhead

    def facts(self) -> dict[str, int]:
        """Return the parts and the sum."""
        names = ("weights", "gradients", "optimizer", "activations", "overhead")
        return {**{name: getattr(self, name) for name in names}, "total": self.total}


def estimate(shape: Shape, way: Way, device: str, processes: int = 1) -> Memory:
    """Return the memory that training a model in this way needs on one device.

    Several processes keep the gradients twice: as they are, and in the buckets that they exchange.
    """
    size = BYTES[way.precision]
    if way.method == "full":
        trained, weights = shape.parameters, shape.parameters * size
        # Mixed precision keeps the weights that it changes in 32 bits, and a copy in 16.
        master = 0 if size == 4 else trained * 4
    else:
        trained = shape.lora_parameters(way.lora_rank)
        frozen = _quantised(shape) if way.method == "qlora" else shape.parameters * size
        weights, master = frozen + trained * 4, 0
    return Memory(
        weights=weights + master,
        gradients=trained * (4 if processes == 1 else 8),
        optimizer=trained * 8,
        activations=_activations(shape, way, size, device),
        overhead=_OVERHEAD[device],
    )


def _quantised(shape: Shape) -> int:
    """Return the bytes of linear layers in four bits and their scales, and of the rest.

    PEFT turns what is not quantised, the embeddings above all, into 32 bits.
    """
    linear = sum(inputs * outputs for inputs, outputs in shape.linear)
    return int(linear * (0.5 + 4 / 64)) + (shape.parameters - linear) * 4


def _activations(shape: Shape, way: Way, size: int, device: str) -> int:
    tokens = way.rows * way.length
    kept = _HIDDEN * shape.hidden + _INTERMEDIATE * shape.intermediate
    if way.method != "full":
        taken = sum(inputs for inputs, _ in shape.linear) + len(shape.linear) * way.lora_rank
        kept += _DROPPED * taken // shape.layers
    layer = tokens * kept * size
    between = shape.layers * tokens * shape.hidden * size
    tile = min(tokens, _TILE[0]) * min(shape.vocabulary, _TILE[1]) * 4 * _TILES[device]
    return tile + (between + layer if way.checkpointing else shape.layers * layer)
