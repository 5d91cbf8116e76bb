"""Check: run the checks over the raw and the redacted view; keep what each found and how it ran."""

from __future__ import annotations

import inspect
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator import redact
from curator.checks import CHECKS, check_class, known
from curator.checks.against import contents, located
from curator.errors import CuratorError, GateError, RecipeError
from curator.models import model_sha
from curator.protocols import Scope, Step
from curator.rules import load_rules
from curator.schema import Recipe, load
from curator.tables import digest, findings_table
from curator.workspace import Workspace, read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

    from curator.protocols import Check, CorpusCheck, Engine
    from curator.rules import RuleSet

NO_RECORDS = "there are no records: nothing was read, or all of it was quarantined or set aside"
_RULES = ("pii_rules", "allow", "answer_rules", "volatility_rules", "redaction")
SLOTS = ("encoder", "ner_zh", "ner_en", "language_id")


@dataclass(frozen=True)
class CheckPlan:
    """One check as the recipe asks for it, with the id of the run that answers it.

    The id is a hash of the check's version, its parameters, its models, and the
    view that it looks at; for a corpus check, of all the parts too. So a run is
    fresh exactly if it lies there under the expected id.
    """

    name: str
    cls: type[Check]
    params: Mapping[str, Any]
    params_sha: str
    model_sha: str
    run_id: str
    folder: Path

    @property
    def is_corpus_check(self) -> bool:
        """Whether the check compares records with each other."""
        return hasattr(self.cls, "run")


@dataclass(frozen=True)
class Plan:
    """What is to run on which parts, and where it all lies."""

    parts: tuple[Path, ...]
    checks: tuple[CheckPlan, ...]
    view_id: str
    view: Path

    @property
    def view_parts(self) -> tuple[Path, ...]:
        """The parts of the redacted view."""
        return tuple(self.view / path.name for path in self.parts)

    @property
    def runs(self) -> tuple[Path, ...]:
        """The folders of the runs that the recipe asks for."""
        return tuple(check.folder for check in self.checks)


def enabled(recipe: Recipe) -> list[str]:
    """Return the names of the checks that the recipe asks for: all that it does not turn off.

    Raises:
        RecipeError: it names an unknown check.

    """
    known(recipe.checks)
    return [name for name in CHECKS if recipe.checks.get(name, True) is not False]


def comparing(recipe: Recipe, names: Sequence[str], against: Sequence[Path]) -> Recipe:
    """Return the recipe with the paths that the named checks are to compare the records with.

    Raises:
        RecipeError: no check is named, or one of them compares with nothing outside.

    """
    takers = [
        name for name in CHECKS if "against" in inspect.signature(check_class(name)).parameters
    ]
    wrong = [name for name in known(names) if name not in takers]
    if wrong or not names:
        raise RecipeError(
            f"--against: {wrong[0]} compares with nothing outside"
            if wrong
            else "--against: no check is named",
            f"name one of these: {', '.join(takers)}",
        )
    checks = dict(recipe.checks)
    for name in names:
        own = checks.get(name, {})
        paths = [str(path.absolute()) for path in against]
        checks[name] = {**(own if isinstance(own, dict) else {}), "against": paths}
    return recipe.model_copy(update={"checks": checks})


def plan(workspace: Workspace, recipe: Recipe, rules: RuleSet) -> Plan:
    """Work out which check runs the recipe, the rules and the active sources ask for."""
    parts, raw, view_id = _raw_view(workspace, recipe, rules)
    stems = [path.stem for path in parts]
    rest = [(name, check_class(name)) for name in enabled(recipe)]
    redacted = [
        _plan_check(workspace, recipe, rules, name, cls, view_id, stems, raw)
        for name, cls in rest
        if cls.view == "redacted"
    ]
    return Plan(parts, (*raw, *redacted), view_id, workspace.redacted / view_id)


def _raw_view(
    workspace: Workspace, recipe: Recipe, rules: RuleSet
) -> tuple[tuple[Path, ...], list[CheckPlan], str]:
    """Return the record parts, the checks of the raw view, and the redacted view's id."""
    parts = workspace.record_parts()
    stems = [path.stem for path in parts]
    raw = [
        _plan_check(workspace, recipe, rules, name, cls, "raw", stems, ())
        for name, cls in ((name, check_class(name)) for name in enabled(recipe))
        if cls.view == "raw"
    ]
    return parts, raw, digest("view", redact.VERSION, [check.run_id for check in raw])


def _plan_check(
    workspace: Workspace,
    recipe: Recipe,
    rules: RuleSet,
    name: str,
    cls: type[Check],
    view_id: str,
    stems: Sequence[str],
    raw: Sequence[CheckPlan],
) -> CheckPlan:
    params = dict(_own_params(recipe, name, cls))
    slots = [need for need in cls.needs if need in SLOTS]
    for slot in slots:
        params[slot] = getattr(recipe.models, slot)
    if "languages" in cls.needs:
        params["languages"] = list(recipe.languages)
    if "pii_rules" in cls.needs:
        params["pii_rules"] = [rule.model_dump(mode="json", by_alias=True) for rule in rules.pii]
    if "allow" in cls.needs:
        params["allow"] = list(rules.allow)
    if "answer_rules" in cls.needs:
        params["answer_rules"] = [rule.model_dump(mode="json") for rule in rules.answers]
    if "volatility_rules" in cls.needs:
        params["volatility_rules"] = [rule.model_dump(mode="json") for rule in rules.volatility]
    params_sha = digest(params)
    if "redaction" in cls.needs:
        # The raw view's own checks: part of `view_id`, so they are in every run's id as it is.
        params["redaction"] = [(c.name, dict(c.params)) for c in raw]
    if params.get("against"):
        params["against"] = located(workspace.root, params["against"], name, _view_of)
        params_sha = digest(params_sha, contents(params["against"], name))
    models = digest([model_sha(slot, params[slot]) for slot in slots])
    scope = stems if hasattr(cls, "run") else []
    run_id = digest(name, cls.version, params_sha, models, view_id, scope)
    return CheckPlan(
        name, cls, params, params_sha, models, run_id, workspace.findings / name / run_id
    )


def _view_of(root: Path) -> Sequence[Path]:
    """Return the parts of another project's redacted view.

    Raises:
        RecipeError: they are not all there.

    """
    other = Workspace(root)
    parts, _, view_id = _raw_view(other, load(other.recipe_path, Recipe), load_rules(root))
    view = [other.redacted / view_id / path.name for path in parts]
    if not view or not all(path.exists() for path in view):
        raise RecipeError(
            f"{root}: a project whose records have no redacted view yet",
            f"make it first: curator check --project {root}",
        )
    return view


def _own_params(recipe: Recipe, name: str, cls: type[Check]) -> dict[str, Any]:
    given = recipe.checks.get(name, True)
    if isinstance(given, bool):
        given = {}
    allowed = {
        p.name: p.default
        for p in inspect.signature(cls.__init__).parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.default is not p.empty and p.name not in cls.needs
    }
    for key, value in given.items():
        if key not in allowed:
            raise RecipeError(
                f"{name}: unknown parameter {key}", f"known: {', '.join(sorted(allowed)) or 'none'}"
            )
        wanted = type(allowed[key])
        if wanted is tuple:
            wanted = list
        if not isinstance(value, wanted) and not (wanted is float and isinstance(value, int)):
            raise RecipeError(
                f"{name}.{key}: {type(value).__name__} given", f"give a {wanted.__name__}"
            )
    return allowed | given


@contextmanager
def _untimed(_: str) -> Iterator[None]:
    """Time nothing."""
    yield


class Judge:
    """The step that runs a record check on one part."""

    def __init__(self, check: str, run_id: str, params: Mapping[str, Any]) -> None:
        """Build the check, and so load its models."""
        self.check = check_class(check)(**params)
        self.run_id = run_id

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return the findings table of the part."""
        return findings_table(self.check(records), self.run_id)  # type: ignore[operator]


def check(
    workspace: Workspace,
    recipe: Recipe,
    rules: RuleSet,
    engine: Engine,
    only: Sequence[str] = (),
    timer: Callable[[str], AbstractContextManager[None]] = _untimed,
) -> list[dict[str, Any]]:
    """Run the checks that are not fresh; all of the recipe's, or `only` some.

    A check of the redacted view needs that view, so the raw-view checks run first
    whichever are asked for.

    Args:
        workspace: where the records lie and the findings go.
        recipe: which checks, with which parameters.
        rules: the PII rules.
        engine: where the steps run.
        only: names of checks; none means all.
        timer: gives a context for each stage's name, to time it.

    Returns:
        The manifests of the runs.

    Raises:
        RecipeError: an unknown check or parameter.

    """
    names = known(only) if only else enabled(recipe)
    everything = plan(workspace, recipe, rules)
    if not everything.parts:
        raise GateError(
            NO_RECORDS, "read some with: curator ingest; what was read is in: curator status"
        )
    raw = [c for c in everything.checks if c.cls.view == "raw"]
    rest = [c for c in everything.checks if c.cls.view == "redacted" and c.name in names]
    redaction = (
        Step("curator.redact:Redact"),
        [(part, *(c.folder / part.name for c in raw)) for part in everything.parts],
        everything.view,
    )
    # What is done part by part begins at once, so that no worker waits for a stage to end.
    for planned in raw:
        _begin(planned, everything.parts, workspace, engine)
    if rest:
        engine.begin(*redaction)
    for planned in rest:
        _begin(planned, everything.view_parts, workspace, engine)
    runs = []
    for planned in raw:
        with timer(planned.name):
            runs.append(_run_check(planned, everything.parts, workspace, engine))
    if rest:
        with timer("redact"):
            engine.map(*redaction, label="redact")
    for planned in rest:
        with timer(planned.name):
            runs.append(_run_check(planned, everything.view_parts, workspace, engine))
    return runs


def _begin(
    planned: CheckPlan, parts: tuple[Path, ...], workspace: Workspace, engine: Engine
) -> None:
    """Let idle workers start on what a check does part by part."""
    if _finished(planned, parts):
        return
    if not planned.is_corpus_check:
        engine.begin(*_judging(planned, parts))
        return
    checker: CorpusCheck = planned.cls(**planned.params)  # type: ignore[assignment]
    for work in checker.part_steps():
        work.begin(_scope(planned, parts, workspace, engine))


def _run_check(
    planned: CheckPlan, parts: tuple[Path, ...], workspace: Workspace, engine: Engine
) -> dict[str, Any]:
    finished = _finished(planned, parts)
    if finished:
        return finished
    manifest_path = planned.folder / "run.json"
    inputs = _inputs(parts)
    began = time.perf_counter()
    manifest: dict[str, Any] = {
        "id": planned.run_id,
        "check": planned.name,
        "version": planned.cls.version,
        "params": {k: v for k, v in planned.params.items() if k not in _RULES},
        "params_sha": planned.params_sha,
        "model_sha": planned.model_sha,
        "inputs": inputs,
        "inputs_sha": digest(inputs),
    }
    try:
        outputs = _work(planned, parts, workspace, engine)
    except BaseException as error:
        # Where even this cannot be written, the run is missing, which blocks exports just as well.
        with suppress(CuratorError):
            write_json(
                manifest_path, manifest | {"status": "failed", "error": type(error).__name__}
            )
        raise
    import pyarrow.parquet as pq  # noqa: PLC0415

    manifest |= {
        "status": "succeeded",
        "n_findings": sum(pq.read_metadata(path).num_rows for path in outputs),
        "n_records": sum(pq.read_metadata(path).num_rows for path in parts),
        "seconds": round(time.perf_counter() - began, 3),
    }
    write_json(manifest_path, manifest)
    return manifest


def _inputs(parts: tuple[Path, ...]) -> list[str]:
    return sorted(path.stem for path in parts)


def _finished(planned: CheckPlan, parts: tuple[Path, ...]) -> dict[str, Any] | None:
    """Return the manifest of the check's run over these parts, where it has succeeded."""
    path = planned.folder / "run.json"
    manifest: dict[str, Any] = read_json(path) if path.exists() else {"status": "missing"}
    succeeded = manifest["status"] == "succeeded" and manifest["inputs"] == _inputs(parts)
    return manifest if succeeded else None


def _judging(
    planned: CheckPlan, parts: tuple[Path, ...]
) -> tuple[Step, list[tuple[Path, ...]], Path]:
    """Return step, inputs and folder of a record check."""
    params = {"check": planned.name, "run_id": planned.run_id, "params": planned.params}
    return Step("curator.check:Judge", params), [(p,) for p in parts], planned.folder


def _scope(
    planned: CheckPlan, parts: tuple[Path, ...], workspace: Workspace, engine: Engine
) -> Scope:
    return Scope(
        engine=engine,
        parts=parts,
        # By view: a part keeps its name in every redacted view, and its text may differ.
        cache=workspace.cache / parts[0].parent.name,
        folder=workspace.cache / "phases" / planned.run_id,
    )


def _work(
    planned: CheckPlan, parts: tuple[Path, ...], workspace: Workspace, engine: Engine
) -> list[Path]:
    if not planned.is_corpus_check:
        return engine.map(*_judging(planned, parts), label=planned.name)
    output = planned.folder / "corpus.parquet"
    if not output.exists():
        scope = _scope(planned, parts, workspace, engine)
        checker = planned.cls(**planned.params)
        found = checker.run(scope)  # type: ignore[attr-defined]
        write_table(output, findings_table(found, planned.run_id))
        shutil.rmtree(scope.folder, ignore_errors=True)
    return [output]


def freshness(everything: Plan) -> dict[str, str]:
    """Return for each check of the plan: fresh, stale, failed or missing (promise P5)."""
    states = {}
    for planned in everything.checks:
        path = planned.folder / "run.json"
        if not path.exists():
            older = planned.folder.parent.exists() and any(planned.folder.parent.glob("*/run.json"))
            states[planned.name] = "stale" if older else "missing"
            continue
        manifest = read_json(path)
        if manifest["status"] != "succeeded":
            states[planned.name] = "failed"
        else:
            covered = set(manifest["inputs"]) >= {path.stem for path in everything.parts}
            states[planned.name] = "fresh" if covered else "stale"
    return states
