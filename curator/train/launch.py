"""Launch: prepare a run's folder, let a child process train, follow it, and keep the run card.

The child is Python itself, or torchrun where several processes train together. Ctrl-C asks it to
save and stop; the same command goes on from the last whole checkpoint.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
from filelock import FileLock, Timeout

from curator.errors import TrainError
from curator.tables import digest, file_sha256
from curator.train import bases, card, checkpoints, hardware
from curator.train.inputs import open_export, open_general
from curator.train.plan import plan, prepare, too_big
from curator.train.runs import FOLDER, Run
from curator.train.tokens import IGNORED, SCHEMA
from curator.train.worker import FAILED, STOPPED, no_space
from curator.workspace import disk_error, read_json, write_json, write_table, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.protocols import Progress
    from curator.schema import Training
    from curator.train.inputs import Export, Row
    from curator.train.plan import Plan, Prepared

_PROMPTS = 4
"""Held-out rows of each set whose questions are answered before and after."""
_DPO_RATE = 5e-6
_POLL = 0.1
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_FULL = 2**26
"""Bytes: with fewer left, a disk is taken to be full."""
_WAITS = 120.0
"""Seconds that a worker is waited for to save and stop, before it is ended."""


class Watcher(Protocol):
    """Is told each line of the log as it comes, and how many steps there are."""

    def __call__(self, line: Mapping[str, Any], steps: int) -> None:
        """Show the line."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for.

    export: the instruction export's folder. stage: sft, or dpo on its preference pairs. parent:
    the run whose model is trained further. general: the general set's path.
    """

    export: Path
    training: Training
    stage: str = "sft"
    parent: Run | None = None
    general: Path | None = None
    processes: int | None = None
    anyway: bool = False


def ready(asked: Asked, progress: Progress | None = None) -> tuple[Export, Prepared, Plan]:
    """Return the export, the rows in tokens, and how the run would go; nothing is written.

    Raises:
        TrainError: what is asked for cannot be had here.
        ModelError: the base model cannot be found or loaded.
        WorkspaceError: the export is not as it was written.

    """
    lacking = [name for name in ("accelerate", "peft", "trl") if find_spec(name) is None]
    if lacking:
        raise TrainError(
            f"training needs {', '.join(lacking)}, which is not installed",
            "pip install 'curator-data[train]'",
        )
    export = open_export(asked.export)
    general = open_general(asked.general) if asked.general else None
    training = asked.training
    if asked.parent is not None:
        parent = asked.parent.card()
        named = training.base_model
        if named and bases.sha256(bases.find(named)) != parent["base"]["sha256"]:
            raise TrainError(
                f"the adapter of {asked.parent.id} was trained on another base than {named}",
                f"leave --base out: its base is {parent['base']['name']}",
            )
        update = {"base_model": named or parent["base"]["name"], "method": parent["plan"]["method"]}
        training = training.model_copy(update=update)
    prepared = prepare(training, export, general, progress)
    return export, prepared, plan(training, prepared, hardware.found(), asked.processes)


def run(
    root: Path, asked: Asked, watcher: Watcher | None = None, progress: Progress | None = None
) -> Run:
    """Train, and return the run; one that is done is returned as it is, others go on.

    Raises:
        TrainError: it cannot start, or ended early; the message says what to change.
        ModelError: the base model cannot be found or loaded.
        WorkspaceError: the export is not as it was written, or the disk is full.
        KeyboardInterrupt: it was stopped, after a checkpoint was saved.

    """
    export, prepared, planned = ready(asked, progress)
    if not planned.fits and not asked.anyway:
        raise too_big(planned, prepared, Path(prepared.source))
    job = _job(asked, export, prepared, planned)
    found = Run(root / FOLDER / job["id"])
    if found.result.exists() and found.card_path.exists():
        _point_latest(found)
        return found
    try:
        found.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, found.folder) from None
    with _locked(found):
        _write(found, job, asked, export, prepared)
        began = time.time()
        _rewind(found)
        counter = hardware.energy()
        try:
            _follow(found, job, watcher)
        finally:
            spent = hardware.energy()
            joules = (spent - counter) / 1e6 if counter is not None and spent else None
            card.write(found, asked, export, prepared, planned, job, began=began, joules=joules)
        _forget_tokens(found)
        _point_latest(found)
    return found


def _job(asked: Asked, export: Export, prepared: Prepared, planned: Plan) -> dict[str, Any]:
    """Return what the worker is asked to do, with the id that follows from it."""
    training = planned.training
    steps = planned.steps
    source, parent = prepared.source, asked.parent and asked.parent.model
    if parent and bases.adapter_facts(parent) is None:
        source, parent = str(parent), None
    rate = planned.learning_rate
    if asked.stage == "dpo":
        pairs = export.preferences("train")
        if not pairs:
            raise TrainError(
                f"{export.folder}: no preference pairs, since reviewers corrected no answer",
                "correct answers in a review (curator review serve), then export again",
            )
        epoch = -(-len(pairs) // training.batch_size)
        steps = training.max_steps or max(1, round(training.epochs * epoch))
        rate = training.learning_rate or _DPO_RATE
    facts = {
        "stage": asked.stage,
        "source": source,
        "base_sha256": bases.sha256(prepared.source),
        "parent": str(parent) if parent else None,
        "parent_id": asked.parent.id if asked.parent else None,
        "export_sha256": export.sha256,
        "general_sha256": file_sha256(asked.general)
        if asked.general and asked.general.is_file()
        else str(asked.general or ""),
        "method": planned.way.method,
        "precision": planned.way.precision,
        "device": planned.hardware.kind,
        "cores": planned.hardware.cores,
        "processes": planned.processes,
        "rows_at_a_time": planned.way.rows,
        "accumulated": planned.accumulated,
        "batch_size": training.batch_size,
        "checkpointing": planned.way.checkpointing,
        "steps": steps,
        "learning_rate": rate,
        "lora_rank": training.lora_rank,
        "max_length": min(training.max_length, prepared.shape.positions or training.max_length),
        "packing": training.packing,
        "replay": training.replay,
        "save_every": training.save_every or max(1, steps // 10),
        "early_stopping": training.early_stopping,
        "keep_checkpoints": training.keep_checkpoints,
        "seed": training.seed,
        "template": {
            "text": prepared.template.text,
            "marks": prepared.template.marks,
            "origin": prepared.template.origin,
            "replaces": prepared.template.replaces,
        },
    }
    unlike = {"source", "parent", "cores", "keep_checkpoints"}
    name = digest({k: v for k, v in facts.items() if k not in unlike})[:10]
    return {"id": f"{asked.stage}-{name}", **facts}


def _write(
    found: Run, job: Mapping[str, Any], asked: Asked, export: Export, prepared: Prepared
) -> None:
    """Write what the worker reads, unless it is there from before."""
    for left in (found.stop, found.error):
        left.unlink(missing_ok=True)
    if not (found.data / "prompts.json").exists():
        held_out = {"domain": prepared.validation, "general": prepared.held_out}
        sets = {n: e.table for n, e in held_out.items() if e is not None and e.account.used}
        for name, table in sets.items():
            write_table(found.data / f"{name}.parquet", table)
        if asked.stage == "dpo":
            pairs = export.preferences("train")
            text = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
            write_text(found.data / "preferences.jsonl", text)
            trained = [pair["id"] for pair in pairs]
        else:
            replayed = [prepared.replayed.table] if prepared.replayed is not None else []
            rows = pa.concat_tables([prepared.train.table, *replayed])
            trained = rows["id"].to_pylist()
            filled_up = rows if asked.training.packing else filled(rows, asked.training.batch_size)
            write_table(found.data / "train.parquet", filled_up)
        ids = {"train": trained, **{n: t["id"].to_pylist() for n, t in sets.items()}}
        write_table(found.rows, _held(ids, export.merged()))
        write_json(found.data / "prompts.json", _prompts(asked, export))
    write_json(found.job, dict(job))


def _held(ids: Mapping[str, Sequence[str]], merged: Mapping[str, Sequence[str]]) -> pa.Table:
    """Return which records a run holds and for what; `stands_in` is whose duplicate one is."""
    rows = [
        {"id": one, "set": name, "stands_in": whose}
        for name, some in ids.items()
        for i in some
        for one, whose in [(i, ""), *((other, i) for other in merged.get(i, ()))]
    ]
    schema = pa.schema([(name, pa.string()) for name in ("id", "set", "stands_in")])
    return pa.Table.from_pylist(rows, schema=schema)


def filled(rows: pa.Table, batch: int) -> pa.Table:
    """Return the rows and as many with nothing to learn as make the last batch a whole one.

    So an epoch has the same rows in each batch however many processes share it, and no row is
    seen twice or left out.
    """
    lacking = -len(rows) % batch
    nothing = {"id": "", "general": False, "input_ids": [0, 0], "labels": [IGNORED, IGNORED]}
    return pa.concat_tables([rows, pa.Table.from_pylist([nothing] * lacking, schema=SCHEMA)])


def _prompts(asked: Asked, export: Export) -> list[dict[str, Any]]:
    """Return the questions that are answered before and after: of each held-out set, the first."""
    sets: dict[str, Sequence[Row]] = {"domain": export.rows("validation")}
    if asked.general:
        sets["general"] = open_general(asked.general).held_out
    return [
        {"set": name, "id": row.id, "messages": row.messages[:-1], "reference": row.messages[-1]}
        for name, rows in sets.items()
        for row in sorted(rows, key=lambda row: digest(row.id))[:_PROMPTS]
    ]


@contextmanager
def _locked(found: Run) -> Iterator[None]:
    """Hold a run's folder; a worker whose launcher is gone is waited for."""
    held = FileLock(found.folder / "lock", timeout=5)
    try:
        held.acquire()
    except Timeout:
        raise TrainError(
            f"{found.id} is being trained by another process", "wait for it, or stop it there"
        ) from None
    try:
        with FileLock(found.folder / "worker.lock", timeout=_WAITS):
            pass
        yield
    except Timeout:
        raise TrainError(
            f"a process that trained {found.id} before does not end", "end it, and run again"
        ) from None
    finally:
        held.release()


def _rewind(found: Run) -> None:
    """Take the steps out of the log that come after the checkpoint that is gone on from."""
    there = checkpoints.latest(found.checkpoints)
    step = there[1]["step"] if there else 0
    lines = [line for line in found.lines() if line["step"] <= step]
    write_text(found.log, "".join(json.dumps(line) + "\n" for line in lines))


def _follow(found: Run, job: Mapping[str, Any], watcher: Watcher | None) -> None:
    """Start the worker, pass its log on, and wait for its end."""
    with (found.folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            _command(found, job["processes"]),
            cwd=found.folder,
            env=_environment(job),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process, which asks the worker to stop
        )
    seen = len(found.lines())
    interrupted = False
    try:
        with _until_asked() as asked:
            while process.poll() is None:
                if asked and not found.stop.exists():
                    interrupted = True
                    found.stop.touch()
                if len(asked) > 1:
                    break
                seen = _tell(found, seen, job["steps"], watcher)
                time.sleep(_POLL)
    finally:
        if process.poll() is None:
            _end(process)
    _tell(found, seen, job["steps"], watcher)
    found.stop.unlink(missing_ok=True)
    if interrupted or process.returncode == STOPPED:
        raise KeyboardInterrupt
    if process.returncode != 0 or not found.result.exists():
        raise _failure(found, process.returncode)


@contextmanager
def _until_asked() -> Iterator[list[int]]:
    """Collect the signals that ask to stop, in place of being ended by them."""
    asked: list[int] = []
    before = {}
    with suppress(ValueError):  # not in the main thread: whoever has it decides
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda got, _: asked.append(got))
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(found: Run, seen: int, steps: int, watcher: Watcher | None) -> int:
    lines = found.lines()
    if watcher:
        for line in lines[seen:]:
            watcher(line, steps)
    return len(lines)


def _command(found: Run, processes: int) -> list[str]:
    module = ["-m", "curator.train.worker", str(found.folder)]
    if processes == 1:
        return [sys.executable, *module]
    together = ["--standalone", "--local-addr", "127.0.0.1", f"--nproc-per-node={processes}"]
    return [sys.executable, "-m", "torch.distributed.run", *together, *module]


def _environment(job: Mapping[str, Any]) -> dict[str, str]:
    threads = str(max(1, job["cores"] // job["processes"]))
    kept = {k: v for k, v in os.environ.items() if k not in {"RANK", "WORLD_SIZE", "LOCAL_RANK"}}
    here = str(Path(__file__).resolve().parents[2])
    return {
        "HF_HUB_OFFLINE": "1",
        **kept,
        # The worker runs this very package, wherever it was imported from.
        "PYTHONPATH": os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH")))),
        "OMP_NUM_THREADS": threads if job["device"] == "cpu" else kept.get("OMP_NUM_THREADS", "1"),
        **_seen_devices(job, kept),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRL_EXPERIMENTAL_SILENCE": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "GLOO_SOCKET_IFNAME": kept.get("GLOO_SOCKET_IFNAME", _LOOPBACK),
    }


def _seen_devices(job: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, str]:
    """Return what shows one process a single CUDA device: given several, it would use them all.

    transformers would spread each batch over them (DataParallel), and make it so much larger.
    """
    if job["device"] != "cuda" or job["processes"] > 1:
        return {}
    return {"CUDA_VISIBLE_DEVICES": kept.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]}


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _failure(found: Run, code: int) -> TrainError:
    """Return why a worker ended early."""
    log = found.folder / "worker.log"
    if found.error.exists():
        told = read_json(found.error)
        hint = told["hint"].replace("worker.log", str(log))
        return TrainError(f"{found.id}: {told['message']}", hint)
    if shutil.disk_usage(found.folder).free < _FULL:
        return no_space(found.id)
    if code in {-signal.SIGKILL, 128 + signal.SIGKILL}:
        return TrainError(
            f"{found.id}: the training process was killed, most often since memory ran out",
            "run the same command again, it goes on; if it stays: lower training.max_length"
            " or training.batch_size",
        )
    return TrainError(
        f"{found.id}: the training process ended with code {code}"
        + (" before it could tell why" if code != FAILED else ""),
        f"see what it said: {log}",
    )


def _forget_tokens(found: Run) -> None:
    """Remove the rows in tokens: the export has them, and erasures need not look here."""
    for path in found.data.glob("*"):
        path.unlink()
    found.data.rmdir()


def _point_latest(found: Run) -> None:
    from curator.exports.folder import point_latest  # noqa: PLC0415 - at the end alone

    point_latest(found.folder)
