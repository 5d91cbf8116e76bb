"""The hardware that is here: what computes, how fast, and how much memory is free."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PEAKS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "H800": 989.0,
    "H20": 148.0,
    "A100": 312.0,
    "A800": 312.0,
    "L40": 362.0,
    "L4": 121.0,
    "A10G": 70.0,
    "A10": 125.0,
    "V100": 125.0,
    "T4": 65.0,
    "4090": 165.0,
    "3090": 71.0,
}
"""Dense TFLOP/s in 16 bits, without sparsity, from the makers' data sheets; the first name that a
device's name holds counts."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a run computes on.

    kind: cpu, cuda or mps. count: devices. free, total: bytes of memory of one device, of the
    fullest where there are several. bf16: whether it computes in it, rather than imitates it.
    peak: floating-point operations a second of one device, None where it is not known.
    cores: threads that a process may use. quantises: whether bitsandbytes is here.
    """

    kind: str
    name: str
    count: int
    free: int
    total: int
    peak: float | None
    bf16: bool
    cores: int
    quantises: bool


def found() -> Hardware:
    """Return the hardware of this machine; a CPU's speed is measured for a moment."""
    import torch  # noqa: PLC0415 - heavy

    cores = _cores()
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        free, total = min(torch.cuda.mem_get_info(device) for device in range(count))
        name = torch.cuda.get_device_name()
        return Hardware(
            "cuda",
            name,
            count,
            free,
            total,
            next((tera * 1e12 for key, tera in PEAKS.items() if key in name), None),
            bf16=torch.cuda.is_bf16_supported(including_emulation=False),
            cores=cores,
            quantises=find_spec("bitsandbytes") is not None,
        )
    free, total = _memory()
    peak: float | None
    if torch.backends.mps.is_available():
        kind, name, peak = "mps", "Apple GPU", None
    else:
        kind, name, peak = "cpu", _cpu_name(), _measured()
    return Hardware(kind, name, 1, free, total, peak, bf16=False, cores=cores, quantises=False)


def _measured() -> float:
    """Return the operations a second of products of matrices in fp32, on all threads."""
    import torch  # noqa: PLC0415 - heavy

    size, best = 1024, 0.0
    left = torch.rand(size, size)
    for _ in range(5):
        began = time.perf_counter()
        left @ left
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def _cores() -> int:
    """Return how many threads may compute: what OMP_NUM_THREADS says, else the cores."""
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> tuple[int, int]:
    """Return the free and the whole memory, in bytes, within this process's group."""
    import psutil  # noqa: PLC0415 - comes with accelerate

    seen: Any = psutil.virtual_memory()
    free, total = int(seen.available), int(seen.total)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
        free = min(free, int(text) - int(used.read_text()))
    return free, total


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="ignore").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    import platform  # noqa: PLC0415 - rarely needed

    return platform.processor() or platform.machine()


def energy() -> int | None:
    """Return the processor's energy counter in microjoules (RAPL); None where none may be read."""
    counters = sorted(Path("/sys/class/powercap").glob("intel-rapl:?/energy_uj"))
    try:
        return sum(int(path.read_text()) for path in counters) if counters else None
    except (OSError, ValueError):
        return None
