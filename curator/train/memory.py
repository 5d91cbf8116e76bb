"""Memory that a run needs, worked out before anything runs.

Weights, gradients and AdamW's two moments follow from the parameters (Rajbhandari et al. 2020,
"ZeRO", §3.1). Activations follow Korthikanti et al. 2022 ("Reducing Activation Recomputation"),
§4, for layers with a gated feed-forward part and attention that does not keep its scores; TRL's
head works on slices, so logits are never there as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.train.bases import Shape

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
_OVERHEAD = {"cpu": 300 * 2**20, "mps": 500 * 2**20, "cuda": 800 * 2**20}
"""What the libraries take themselves before any weight is loaded."""
_HEAD_SLICE = 256
"""Tokens whose logits are there at a time, roughly."""
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


def estimate(shape: Shape, way: Way, device: str) -> Memory:
    """Return the memory that training a model in this way needs on one device."""
    size = BYTES[way.precision]
    if way.method == "full":
        trained, weights = shape.parameters, shape.parameters * size
        # Mixed precision keeps the weights that it changes in 32 bits.
        master = 0 if size == 4 else trained * 4
    else:
        trained = shape.lora_parameters(way.lora_rank)
        frozen = _quantised(shape, size) if way.method == "qlora" else shape.parameters * size
        weights, master = frozen + trained * 4, 0
    return Memory(
        weights=weights + master,
        gradients=trained * 4,
        optimizer=trained * 8,
        activations=_activations(shape, way, size),
        overhead=_OVERHEAD[device],
    )


def _quantised(shape: Shape, size: int) -> int:
    """Return the bytes of linear layers in four bits and their scales, and of the rest."""
    linear = sum(inputs * outputs for inputs, outputs in shape.linear)
    return int(linear * (0.5 + 4 / 64)) + (shape.parameters - linear) * size


def _activations(shape: Shape, way: Way, size: int) -> int:
    tokens = way.rows * way.length
    # Two norms and residuals, queries, keys, values, what attention gives; gate, up and product.
    layer = tokens * size * (12 * shape.hidden + 4 * shape.intermediate)
    if way.method != "full":
        layer += tokens * size * len(shape.linear) // shape.layers * way.lora_rank
    between = tokens * size * shape.hidden
    kept = shape.layers * between + layer if way.checkpointing else shape.layers * layer
    head = min(tokens, _HEAD_SLICE) * shape.vocabulary * 4 * 2
    return kept + head + 4 * between
