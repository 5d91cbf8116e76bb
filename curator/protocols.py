"""What a check and an engine promise each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from curator.types import Code, Finding, View


@dataclass(frozen=True)
class Step:
    """A pure function over Arrow tables, named so that any worker can build it.

    `target` is `module:Class`; the class is built once per worker with `params`
    as keyword arguments, so models load once, and is then called with one
    `pa.Table` per input file. A class that needs few columns of its first table
    names them in `columns` (`parts.list.element.text` is one inside others), and
    gets those alone.
    """

    target: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Progress(Protocol):
    """Told how far a stage is."""

    def __call__(self, label: str, done: int, total: int) -> None:
        """`done` of `total` parts of the stage `label` are finished."""
        ...


def silent(label: str, done: int, total: int) -> None:
    """Report no progress."""


class Engine(Protocol):
    """Runs steps over parts. Whatever the engine, the files that it writes are the same."""

    workers: int

    def map(
        self,
        step: Step,
        inputs: Sequence[tuple[Path, ...]],
        out: Path,
        *,
        label: str,
        names: Sequence[str] | None = None,
    ) -> list[Path]:
        """Call `step` with the tables of each tuple of files, write one file per tuple to `out`.

        An output takes its name from `names`, or that of the tuple's first file. Outputs that
        lie there already are left alone, which is what makes work resumable.
        """
        ...

    def begin(
        self,
        step: Step,
        inputs: Sequence[tuple[Path, ...]],
        out: Path,
        names: Sequence[str] | None = None,
    ) -> None:
        """Let idle workers start on what a later `map` will ask for; return at once.

        An input may itself be underway. What waits for anything else is left to `map`.
        """
        ...

    def shuffle(self, parts: Sequence[Path], key: str, out: Path, *, buckets: int) -> list[Path]:
        """Gather the rows whose integer column `key` is equal modulo `buckets` in one file each."""
        ...

    def collect(self, parts: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
        """Return all the parts' rows, or some columns of them, in the order of the parts."""
        ...


@dataclass(frozen=True)
class Scope:
    """What a corpus check works with: an engine, the parts of its view, and places to write.

    `shared(name, key)` is a folder of files that depend on one part of this view alone
    (an embedding, a signature), so a new part costs only itself; `phase(name)` is a
    folder of this run alone. In the raw view, `findings` are what the record checks
    found in each part.
    """

    engine: Engine
    parts: tuple[Path, ...]
    cache: Path
    folder: Path
    findings: tuple[tuple[Path, ...], ...] = ()

    def shared(self, name: str, key: str) -> Path:
        """Return the folder for files that depend on one part and on `key` alone."""
        return self.cache / name / key

    def with_findings(self) -> Iterator[tuple[Path, tuple[Path, ...]]]:
        """Yield each part of the raw view with the files of what was found in it."""
        yield from zip(self.parts, self.findings, strict=True)

    def phase(self, name: str) -> Path:
        """Return the folder for one phase of this run."""
        return self.folder / name


@dataclass(frozen=True)
class PartStep:
    """What is done with each part by itself, and kept in `Scope.shared(name, key)`."""

    step: Step
    name: str
    key: str
    label: str

    def begin(self, scope: Scope) -> None:
        """Let idle workers start on it."""
        scope.engine.begin(self.step, self._inputs(scope), scope.shared(self.name, self.key))

    def files(self, scope: Scope) -> list[Path]:
        """Return one file per part of the scope, made where it was missing."""
        folder = scope.shared(self.name, self.key)
        return scope.engine.map(self.step, self._inputs(scope), folder, label=self.label)

    @staticmethod
    def _inputs(scope: Scope) -> list[tuple[Path, ...]]:
        return [(part,) for part in scope.parts]


class Check(Protocol):
    """What every check class tells about itself."""

    name: ClassVar[str]
    version: ClassVar[str]
    view: ClassVar[View]
    codes: ClassVar[tuple[Code, ...]]
    needs: ClassVar[tuple[str, ...]]
    """What the project gives it beside its own parameters, as keyword arguments:
    model slots (`encoder`, `ner_zh`, `ner_en`, `language_id`), `languages`,
    `pii_rules`, `allow`."""


class RecordCheck(Check, Protocol):
    """A check that judges each record by itself."""

    def __init__(self, **params: Any) -> None:
        """Load what the check needs, once per worker."""
        ...

    def __call__(self, records: pa.Table) -> Iterable[Finding]:
        """Return the findings about a table of records."""
        ...


class CorpusCheck(Check, Protocol):
    """A check that compares records with each other."""

    def __init__(self, **params: Any) -> None:
        """Take the parameters; models are loaded in the steps."""
        ...

    def part_steps(self) -> Sequence[PartStep]:
        """Return what `run` will ask for of each part by itself: it may begin before."""
        ...

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Work through the check's phases and return the findings."""
        ...
