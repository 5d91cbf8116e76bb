"""What training does on CUDA devices that are only pretended: plans, memory, environments, fp16."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from curator.errors import TrainError
from curator.train import bases, hardware, memory
from curator.train.hardware import Hardware
from curator.train.inputs import open_export
from curator.train.launch import _environment
from curator.train.memory import Way
from curator.train.plan import Prepared, plan, prepare
from curator.train.trainers import DivergedError, Watch, _callback, _widened
from tests.training import settings, talks, tiny, write_export

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["tiny"]
GIB = 2**30
FOUR = Hardware(
    "cuda", "NVIDIA A100", 4, 78 * GIB, 80 * GIB, 312e12, bf16=True, cores=8, quantises=True
)
T4 = Hardware("cuda", "Tesla T4", 1, 14 * GIB, 15 * GIB, 65e12, bf16=False, cores=8, quantises=True)
SHAPE = bases.Shape(
    parameters=8_000_000_000,
    linear=((4096, 4096),) * 4 * 32 + ((4096, 13312),) * 3 * 32,
    hidden=4096,
    intermediate=13312,
    layers=32,
    vocabulary=100_000,
    positions=8192,
    kind="llama",
)


@pytest.fixture(scope="module")
def prepared(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("export") / "instruction"
    export = open_export(write_export(folder, talks(30), talks(5, name="v")))
    return prepare(settings(tiny), export, None)


def pretend(
    monkeypatch: pytest.MonkeyPatch, *free: int, major: int = 8, name: str = "NVIDIA A10G"
) -> None:
    """Let torch tell of as many CUDA devices as there are figures, with so much free memory."""

    def bf16(*, including_emulation: bool = True) -> bool:
        return including_emulation or major >= 8

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free[device], 24 * GIB))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: name)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", bf16)


def test_the_fullest_of_several_devices_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 22 * GIB, 9 * GIB)
    here = hardware.found()
    assert (here.kind, here.count, here.free, here.bf16) == ("cuda", 2, 9 * GIB, True)
    assert here.peak == 70e12


def test_a_device_that_only_imitates_bf16_computes_in_fp16(
    monkeypatch: pytest.MonkeyPatch, prepared: Prepared, tiny: Path
) -> None:
    pretend(monkeypatch, 14 * GIB, major=7, name="Tesla T4")
    here = hardware.found()
    assert not here.bf16
    assert plan(settings(tiny), prepared, here).way.precision == "fp16"
    with pytest.raises(TrainError, match="Tesla T4 does not compute in it"):
        plan(settings(tiny, precision="bf16"), prepared, here)


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA GeForce GTX 1080", None),
    ],
)
def test_a_device_is_known_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, peak: float | None
) -> None:
    pretend(monkeypatch, GIB, name=name)
    assert hardware.found().peak == peak


def test_a_batch_is_shared_by_as_many_devices_as_it_can_be(prepared: Prepared, tiny: Path) -> None:
    made = plan(settings(tiny, batch_size=8), prepared, FOUR)
    assert (made.processes, made.way.rows * made.accumulated) == (4, 2)
    assert plan(settings(tiny, batch_size=6), prepared, FOUR).processes == 3
    with pytest.raises(TrainError, match="6 rows cannot be shared by 4 processes"):
        plan(settings(tiny, batch_size=6), prepared, FOUR, 4)
    with pytest.raises(TrainError, match="8 processes are asked for, and there are 4 CUDA"):
        plan(settings(tiny, batch_size=8), prepared, FOUR, 8)


def test_hours_are_those_of_one_device_and_unknown_in_32_bits(
    prepared: Prepared, tiny: Path
) -> None:
    training = settings(tiny, batch_size=8)
    alone = plan(training, prepared, FOUR, 1)
    shared = plan(training, prepared, FOUR, 4)
    assert alone.seconds is not None
    assert shared.seconds == pytest.approx(alone.seconds / 4)
    assert shared.facts(2.0)["hours"] == alone.facts(2.0)["hours"]
    slow = plan(training.model_copy(update={"precision": "fp32"}), prepared, FOUR, 1)
    assert slow.facts(2.0)["hours"] is None
    laptop = replace(FOUR, kind="cpu", count=1, peak=1e11, bf16=False, quantises=False)
    hours = [plan(training, prepared, laptop, n).facts()["hours"] for n in (1, 2)]
    assert hours[0] == hours[1]


def test_a_small_device_gets_four_bits(prepared: Prepared, tiny: Path) -> None:
    large = replace(prepared, shape=SHAPE)
    made = plan(settings(tiny, batch_size=8), large, T4)
    assert (made.fits, made.way.method, made.way.precision) == (True, "qlora", "fp16")


def test_memory_counts_what_peft_widens_and_what_processes_exchange() -> None:
    def needs(method: str, processes: int = 1) -> memory.Memory:
        way = Way(method, "bf16", 1, 512, checkpointing=True, lora_rank=16)
        return memory.estimate(SHAPE, way, "cuda", processes)

    rest = SHAPE.parameters - sum(a * b for a, b in SHAPE.linear)
    linear = SHAPE.parameters - rest
    adapter = SHAPE.lora_parameters(16)
    assert needs("qlora").weights == int(linear * (0.5 + 4 / 64)) + 4 * rest + 4 * adapter
    assert needs("full", 2).gradients == 2 * needs("full").gradients


def job(**more: Any) -> dict[str, Any]:
    return {"device": "cuda", "processes": 1, "cores": 4} | more


def test_one_process_sees_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert _environment(job())["CUDA_VISIBLE_DEVICES"] == "0"
    assert "CUDA_VISIBLE_DEVICES" not in _environment(job(processes=2))
    assert "CUDA_VISIBLE_DEVICES" not in _environment(job(device="cpu"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert _environment(job())["CUDA_VISIBLE_DEVICES"] == "2"
    assert _environment(job(processes=2))["CUDA_VISIBLE_DEVICES"] == "2,3"


def layer(gradient: float) -> torch.nn.Linear:
    made = torch.nn.Linear(2, 1)
    made.weight.grad = torch.full((1, 2), gradient)
    return made


def step(watching: Any, model: torch.nn.Module, *, fp16: bool) -> None:
    state = SimpleNamespace(global_step=4)
    watching.on_pre_optimizer_step(SimpleNamespace(fp16=fp16), state, None, model=model)


def test_overflows_of_a_scaled_loss_are_not_taken_for_divergence(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "log", lambda: False, None, {}, 0, 1)
    watching = _callback(watch)
    for _ in range(20):
        step(watching, layer(float("inf")), fp16=True)
    step(watching, layer(1.0), fp16=True)
    assert watch.overflows == 0
    for _ in range(20):
        step(watching, layer(float("inf")), fp16=True)
    with pytest.raises(DivergedError):
        step(watching, layer(float("inf")), fp16=True)
    with pytest.raises(DivergedError):
        step(_callback(watch), layer(float("nan")), fp16=False)


def test_what_is_trained_in_fp16_is_kept_in_32_bits() -> None:
    model = torch.nn.Linear(2, 1, dtype=torch.bfloat16)
    model.bias.requires_grad_(requires_grad=False)
    trainer = SimpleNamespace(args=SimpleNamespace(fp16=False), model=model)
    assert _widened(trainer).model.weight.dtype == torch.bfloat16
    trainer.args.fp16 = True
    assert _widened(trainer).model.weight.dtype == torch.float32
    assert model.bias.dtype == torch.bfloat16
