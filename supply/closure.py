"""The closure of what curator is installed with, and whether every bit of it is pinned.

    python -m supply.closure     exit 1, and a line for each thing that is not rightly pinned

Nothing is asked of any network: known vulnerabilities are asked for by `make audit`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from curator.errors import ModelError
from curator.models.pins import PINS, verified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;#]+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def pinned(path: Path = ROOT / "constraints.txt") -> dict[str, str]:
    """Return the version that each distribution is pinned to.

    Raises:
        ValueError: a line is no pin, or a distribution is pinned twice.

    """
    pins: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        said = line.partition("#")[0].partition(";")[0].strip()
        if not said:
            continue
        match = _PIN.fullmatch(said)
        if match is None:
            raise ValueError(f"{path.name}, line {number}: no pin: {said}")
        name = canonicalize_name(match[1])
        if name in pins:
            raise ValueError(f"{path.name}, line {number}: {name} is pinned twice")
        pins[name] = match[2]
    return pins


def wanted() -> dict[str, list[Requirement]]:
    """Return what curator itself asks for, by extra; that of everybody under the empty name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: [Requirement(line) for line in lines] for extra, lines in extras.items()}


def closure(roots: Sequence[Requirement]) -> tuple[dict[str, Distribution], set[str]]:
    """Return the installed distributions that these need, and the names that are not installed."""
    found: dict[str, Distribution] = {}
    absent: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(r, extra) for r in roots for extra in ("", *r.extras)]
    while waiting:
        asked, extra = waiting.pop()
        name = canonicalize_name(asked.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found[name] = distribution(asked.name)
        except PackageNotFoundError:
            absent.add(name)
            continue
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed, more) for more in ("", *needed.extras)]
    return found, absent


def amiss() -> Iterator[str]:
    """Yield what is not pinned as it should be."""
    try:
        pins = pinned()
    except ValueError as error:
        yield str(error)
        return
    roots = wanted()
    found, absent = closure([r for some in roots.values() for r in some])
    for name, held in sorted(found.items()):
        if name not in pins:
            yield f"{name} {held.version} is needed and not pinned in constraints.txt"
        elif held.version.partition("+")[0] != pins[name].partition("+")[0]:
            yield f"{name} {held.version} is installed, {pins[name]} is pinned"
    yield from (f"{name} is needed and not pinned" for name in sorted(absent - pins.keys()))
    exact = {canonicalize_name(r.name): str(r.specifier) for some in roots.values() for r in some}
    for slot, models in PINS.items():
        for model, pin in models.items():
            name, _, version = pin.distribution.partition("==")
            if exact.get(canonicalize_name(name)) != f"=={version}":
                yield f"{name} holds weights: pyproject.toml must name =={version} alone"
            if not all(_SHA256.fullmatch(sha) for sha in pin.files.values()) or not pin.files:
                yield f"{name} holds weights: each of its files needs a sha256"
            try:
                if canonicalize_name(name) in found:
                    verified(slot, model)
            except ModelError as error:
                yield error.message


def main() -> int:
    """Tell what is amiss; return 1 where anything is."""
    told = list(amiss())
    for line in told:
        print(line, file=sys.stderr)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
