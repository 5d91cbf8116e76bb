"""Any file of the workspace damaged or gone: it is noticed, named, and made again as it was.

`CURATOR_FAULTS=1000` tries every file in every way; the suite tries two of each kind.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

import curator as api
from curator.errors import CuratorError, DamagedError
from curator.tables import read_table
from tests.faults.harm import HARMS, harm
from tests.integration.test_resume import CHEAP, digests, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAULTS = int(os.environ.get("CURATOR_FAULTS", "0"))
LOST_FOR_GOOD = ("given.json",)
"""What was read beside the recipe's sources: it follows from nothing else."""
OUTCOMES = ("named", "made again", "unread", "told")


def files(root: Path) -> list[str]:
    store = root / ".curator"
    found = (p for p in sorted(store.rglob("*")) if p.is_file() and p.stat().st_size)
    return [p.relative_to(store).as_posix() for p in found]


def kind(file: str) -> str:
    """What a file is, whatever its project: its folder and its form."""
    top, _, rest = file.partition("/")
    return f"{top}/*{file[file.rindex('.') :]}" if rest else file


def chosen(everything: list[str], draw: random.Random) -> list[tuple[str, str]]:
    """The faults to try: of all, as many as are asked for, or two of each kind of file."""
    if FAULTS:
        every = [(file, how) for file in everything for how in HARMS]
        return draw.sample(every, min(FAULTS, len(every)))
    groups: dict[str, list[str]] = defaultdict(list)
    for file in everything:
        groups[kind(file)].append(file)
    return [
        (draw.choice(group), how)
        for at, group in enumerate(groups.values())
        for how in (HARMS[at % len(HARMS)], HARMS[(at + 2) % len(HARMS)])
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that ran, with something refused, set aside and decided."""
    with_vectors = CHEAP.replace("semantic_duplicates: false, ", "")
    folder = project(tmp_path_factory.mktemp("whole") / "p", with_vectors)
    with (folder / "zh.jsonl").open("a", encoding="utf-8") as file:
        file.write("{not JSON\n\n")
    api.open(folder).run()
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        shutil.rmtree(tmp_path / "p", ignore_errors=True)
        shutil.copytree(whole, tmp_path / "p", symlinks=True)
        return tmp_path / "p"

    return make


def test_what_is_damaged_is_made_again(
    whole: Path, copy: Callable[[], Path], record_property: Callable[[str, object], None]
) -> None:
    wanted, draw = digests(whole), random.Random("faults")
    outcome: dict[str, Counter[str]] = defaultdict(Counter)
    for file, how in chosen(files(whole), draw):
        root = copy()
        harm(root / ".curator" / file, how, draw)
        shutil.rmtree(root / "exports")
        if file.startswith(LOST_FOR_GOOD) and how != "gone":
            with pytest.raises(CuratorError) as stopped:
                api.open(root).run()
            assert file in stopped.value.message
            assert "backup" in stopped.value.hint
            outcome[kind(file)]["told"] += 1
            continue
        mended = api.open(root).run().mended
        assert digests(root) == wanted, (file, how)
        assert api.open(root).status()["conserved"], (file, how)
        # What nothing reads any more is found by who looks for it.
        left = [one.path for one in api.open(root).damaged(take_out=True)]
        assert left in ([], [file]), (file, how, left)
        assert not api.open(root).damaged()
        came = "named" if file in mended else "unread" if left else "made again"
        outcome[kind(file)][came] += 1
    lines = [f"| file | {' | '.join(OUTCOMES)} |", f"| --- |{' ---: |' * len(OUTCOMES)}"]
    lines += [
        f"| {what} | {' | '.join(str(found[name]) for name in OUTCOMES)} |"
        for what, found in sorted(outcome.items())
    ]
    record_property("table", "\n".join(lines))


def test_a_single_flipped_bit_is_noticed_or_does_no_harm(copy: Callable[[], Path]) -> None:
    root = copy()
    draw = random.Random("bits")
    noticed = 0
    for path in sorted((root / ".curator").rglob("*.parquet")):
        sound, said = path.read_bytes(), read_table(path)
        for _ in range(8):
            harm(path, "flipped", draw)
            try:
                assert read_table(path).equals(said), path
            except DamagedError:
                noticed += 1
            path.write_bytes(sound)
    assert noticed > 100


def test_the_command_names_it_and_run_tells_of_it(
    copy: Callable[[], Path], curator: Callable[..., Any]
) -> None:
    root = copy()
    assert "as it was written" in curator("verify", "-p", root).stderr
    (part, *_) = sorted((root / ".curator" / "records").glob("*.parquet"))
    harm(part, "flipped", random.Random(1))
    told = json.loads(curator("verify", "-p", root, "--json", code=1).stdout)
    (one,) = told["damaged"]
    assert (one["path"], one["is_made_again"]) == (f"records/{part.name}", True)
    stopped = curator("status", "-p", root, code=2).stderr.splitlines()
    assert stopped[0].startswith("error: ")
    assert part.name in stopped[0]
    assert stopped[1].startswith("  try: curator run")
    assert f"damaged, and made again: .curator/records/{part.name}" in curator("run", root).stderr
    curator("verify", "-p", root)


def test_a_damaged_review_is_not_forgotten_silently(copy: Callable[[], Path]) -> None:
    root = copy()
    damaged = root / ".curator" / "reviews" / "0.parquet"
    damaged.parent.mkdir()
    damaged.write_bytes(b"PAR1 broken")
    with pytest.raises(CuratorError) as stopped:
        api.open(root).run()
    assert "reviews/0.parquet" in stopped.value.message
    assert "backup" in stopped.value.hint
    (one,) = api.open(root).damaged(take_out=True)
    assert not one.is_made_again
    assert damaged.exists()
