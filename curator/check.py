"""Check: run the checks over the raw and the redacted view; keep what each found and how it ran."""

from __future__ import annotations

import inspect
import shutil
import time
from collections import defaultdict
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from curator import redact
from curator.checks import BROKEN, CHECKS, check_class, every, known, plugin
from curator.checks.against import contents, located
from curator.checks.unchecked import not_checked
from curator.errors import CuratorError, GateError, PluginError, RecipeError
from curator.models import model_sha
from curator.protocols import Scope, Step
from curator.rules import load_rules
from curator.schema import Recipe, load
from curator.tables import digest, findings_table, n_rows, read_table
from curator.workspace import Workspace, read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

    from curator.plugins import Plugin
    from curator.protocols import Check, CorpusCheck, Engine
    from curator.rules import RuleSet
    from curator.types import Finding

NO_RECORDS = "there are no records: nothing was read, or all of it was quarantined or set aside"
_RULES = ("pii_rules", "allow", "answer_rules", "volatility_rules", "redaction")
CORPUS = "corpus.parquet"
SLOTS = ("encoder", "ner_zh", "ner_en", "language_id", "language_model")


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

    @property
    def pace(self) -> str:
        """What its time is known under: to read with a language model takes far longer."""
        return f"{self.name}, read" if self.params.get("language_model") else self.name

    def files(self, parts: Sequence[Path]) -> list[Path]:
        """Return where its findings about these parts lie, or will: one file a part, or in all."""
        if self.is_corpus_check and self.cls.view == "redacted":
            return [self.folder / CORPUS]
        return [self.folder / path.name for path in parts]


@dataclass(frozen=True)
class Plan:
    """What is to run on which parts, and where it all lies.

    `view_parts` are the parts of the redacted view, one for each of `parts`.
    """

    parts: tuple[Path, ...]
    checks: tuple[CheckPlan, ...]
    view_id: str
    view_parts: tuple[Path, ...]

    def files(self, check: CheckPlan) -> list[Path]:
        """Return where a check's findings lie, or will lie: one file a part, or one in all."""
        return check.files(self.parts if check.cls.view == "raw" else self.view_parts)

    @property
    def findings(self) -> list[Path]:
        """Return where the findings of all checks lie."""
        return [path for check in self.checks for path in self.files(check)]


def enabled(recipe: Recipe) -> list[str]:
    """Return the checks that the recipe asks for: ours but those it turns off, plug-ins it names.

    What looks for mentions of private details rests on the check that finds them.

    Raises:
        RecipeError: it names an unknown check.

    """
    known(recipe.checks)
    # A plug-in runs where the recipe names it: what is installed beside changes no result.
    asked = [name for name in every() if recipe.checks.get(name, name in CHECKS) is not False]
    return [name for name in asked if name != "mentions" or "pii" in asked]


def comparing(recipe: Recipe, names: Sequence[str], against: Sequence[Path]) -> Recipe:
    """Return the recipe with the paths that the named checks are to compare the records with.

    Raises:
        RecipeError: no check is named, or one of them compares with nothing outside.

    """
    takers = [
        name for name in every() if "against" in inspect.signature(check_class(name)).parameters
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
    parts, raw, view_id, view_parts = _raw_view(workspace, recipe, rules)
    stems = [path.stem for path in view_parts]
    rest = [(name, check_class(name)) for name in enabled(recipe)]
    redacted = [
        _plan_check(workspace, recipe, rules, name, cls, view_id, stems, raw)
        for name, cls in rest
        if cls.view == "redacted"
    ]
    return Plan(parts, (*raw, *redacted), view_id, view_parts)


def _raw_view(
    workspace: Workspace, recipe: Recipe, rules: RuleSet
) -> tuple[tuple[Path, ...], list[CheckPlan], str, tuple[Path, ...]]:
    """Return the record parts, the checks of the raw view, the redacted view's id and its parts.

    The view's id is made of what the checks ask, whatever the parts. A part of it is named
    by its record part and by what the corpus checks found in that: so a new source, in which
    a name is found, changes the parts alone that mention the name.
    """
    parts = workspace.record_parts()
    stems = [path.stem for path in parts]
    classes = [(name, check_class(name)) for name in enabled(recipe)]
    raw: list[CheckPlan] = []
    for is_corpus in (False, True):
        below = digest("raw", [check.run_id for check in raw]) if is_corpus else "raw"
        raw += [
            _plan_check(workspace, recipe, rules, name, cls, below, stems, ())
            for name, cls in classes
            if cls.view == "raw" and hasattr(cls, "run") is is_corpus
        ]
    view_id = digest(
        "view", redact.VERSION, [(c.name, c.cls.version, c.params_sha, c.model_sha) for c in raw]
    )
    view = workspace.redacted / view_id
    across = [_changed(check) for check in raw if check.is_corpus_check]
    names = []
    for stem in stems:
        changes = [changed[stem] for changed in across if stem in changed]
        names.append(f"{stem}-{digest(changes)}" if changes else stem)
    return parts, raw, view_id, tuple(view / f"{name}.parquet" for name in names)


def redaction_of(checks: Iterable[CheckPlan]) -> list[tuple[str, dict[str, Any]]]:
    """Return the checks of the raw view that look at a record by itself, with their parameters."""
    own = (c for c in checks if c.cls.view == "raw" and not c.is_corpus_check)
    return [(check.name, dict(check.params)) for check in own]


def _changed(check: CheckPlan) -> dict[str, str]:
    """Return for each part in which a corpus check of the raw view found something, a hash of it.

    Before it ran, that is nothing: nor can what rests on it be fresh.
    """
    path = check.folder / "run.json"
    return dict(read_json(path).get("changed", {})) if path.exists() else {}


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
    # A slot that is left empty is as if it were not there: nor does it change the run's id.
    filled = [slot for slot in SLOTS if getattr(recipe.models, slot) is not None]
    slots = [need for need in cls.needs if need in filled]
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
        # Part of `view_id`, so it is in every run's id as it is.
        params["redaction"] = redaction_of(raw)
    if params.get("against"):
        params["against"] = located(workspace.root, params["against"], name, _view_of)
        params_sha = digest(params_sha, contents(params["against"], name))
    models = digest([model_sha(slot, params[slot]) for slot in slots])
    scope = stems if hasattr(cls, "run") else []
    brought = plugin(name)
    version = f"{cls.version} {brought.sha}" if brought else cls.version
    run_id = digest(name, version, params_sha, models, view_id, scope)
    return CheckPlan(
        name, cls, params, params_sha, models, run_id, workspace.findings / name / run_id
    )


def _view_of(root: Path) -> Sequence[Path]:
    """Return the parts of another project's redacted view.

    Raises:
        RecipeError: they are not all there.
        WorkspaceError: a newer curator wrote them.

    """
    other = Workspace.find(root)
    _, _, _, view = _raw_view(other, load(other.recipe_path, Recipe), load_rules(root))
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
    if cls.version == BROKEN:
        return given
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
        self.plugin = plugin(check)
        with _blamed(self.plugin):
            self.check = check_class(check)(**params)
        self.run_id = run_id

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return the findings table of the part."""
        with _blamed(self.plugin):
            return findings_table(self._found(records), self.run_id)

    def _found(self, records: pa.Table) -> list[Finding]:
        """Return the findings; where memory runs out, of half the records at a time.

        A record for which memory does not do by itself gets the finding that it was not checked.
        """
        try:
            return list(self.check(records))  # type: ignore[operator]
        except MemoryError:
            if len(records) == 1:
                return list(not_checked(records, self.check.name, self.check.view))
        half = len(records) // 2
        return [*self._found(records.slice(0, half)), *self._found(records.slice(half))]


def _blamed(brought: Plugin | None) -> AbstractContextManager[None]:
    """Return a context whose errors name the plug-in, if it is one's work."""
    return brought.blamed("failed") if brought else nullcontext()


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
        PluginError: a plug-in's check failed; all others are done.

    """
    asked = known(only) if only else enabled(recipe)
    for name in asked:
        if plugin(name) and name not in enabled(recipe):
            raise RecipeError(
                f"the plug-in {name} is not in the recipe",
                f"put it there: `checks: {{{name}: true}}` in {workspace.recipe_path}",
            )
    everything = plan(workspace, recipe, rules)
    if not everything.parts:
        raise GateError(
            NO_RECORDS, "read some with: curator ingest; what was read is in: curator status"
        )
    raw = [c for c in everything.checks if c.cls.view == "raw"]
    found = [c.folder for c in raw if not c.is_corpus_check]
    runs = []
    # What is done part by part begins at once, so that no worker waits for a stage to end.
    scope = partial(_scope, workspace, engine, everything.parts, found)
    for planned in raw:
        _begin(planned, scope(planned))
    for planned in raw:
        with timer(planned.name):
            runs.append(_run_check(planned, scope(planned)))
    # Again, since what the view's parts are follows from what was found.
    everything = plan(workspace, recipe, rules)
    rest = [c for c in everything.checks if c.cls.view == "redacted" and c.name in asked]
    if not rest:
        return runs
    view = everything.view_parts
    redaction = Step("curator.redact:Redact")
    inputs = [(part, *(c.folder / part.name for c in raw)) for part in everything.parts]
    shown = [path.name for path in view]
    engine.begin(redaction, inputs, view[0].parent, shown)
    scope = partial(_scope, workspace, engine, view, ())
    for planned in rest:
        if not plugin(planned.name):
            _begin(planned, scope(planned))
    with timer("redact"):
        engine.map(redaction, inputs, view[0].parent, label="redact", names=shown)
    failed: list[PluginError] = []
    for planned in rest:
        with timer(planned.name):
            try:
                runs.append(_run_check(planned, scope(planned)))
            except PluginError as error:  # the others go on; what rests on all of them is blocked
                failed.append(error)
    if failed:
        raise failed[0]
    return runs


def _begin(planned: CheckPlan, scope: Scope) -> None:
    """Let idle workers start on what a check does part by part."""
    if _finished(planned, scope.parts):
        return
    if not planned.is_corpus_check:
        scope.engine.begin(*_judging(planned, scope.parts))
        return
    checker: CorpusCheck = planned.cls(**planned.params)  # type: ignore[assignment]
    for work in checker.part_steps():
        work.begin(scope)


def _run_check(planned: CheckPlan, scope: Scope) -> dict[str, Any]:
    parts = scope.parts
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
        **({"plugin": brought.sha} if (brought := plugin(planned.name)) else {}),
        "params": {k: v for k, v in planned.params.items() if k not in _RULES},
        "params_sha": planned.params_sha,
        "model_sha": planned.model_sha,
        "inputs": inputs,
        "inputs_sha": digest(inputs),
    }
    try:
        outputs = _work(planned, scope)
    except BaseException as error:
        # Where even this cannot be written, the run is missing, which blocks exports just as well.
        with suppress(CuratorError):
            write_json(
                manifest_path, manifest | {"status": "failed", "error": type(error).__name__}
            )
        raise

    manifest |= {
        "status": "succeeded",
        "n_findings": sum(n_rows(path) for path in outputs),
        "n_records": sum(n_rows(path) for path in parts),
        "seconds": round(time.perf_counter() - began, 3),
    }
    if planned.cls.view == "raw" and planned.is_corpus_check:
        ids = {path.stem: read_table(path, columns=["id"])["id"].to_pylist() for path in outputs}
        manifest["changed"] = {stem: digest(some) for stem, some in ids.items() if some}
    write_json(manifest_path, manifest)
    return manifest


def _inputs(parts: tuple[Path, ...]) -> list[str]:
    return sorted(path.stem for path in parts)


def _finished(planned: CheckPlan, parts: tuple[Path, ...]) -> dict[str, Any] | None:
    """Return the manifest of the check's run over these parts, where it has succeeded."""
    path = planned.folder / "run.json"
    manifest: dict[str, Any] = read_json(path) if path.exists() else {"status": "missing"}
    succeeded = manifest["status"] == "succeeded" and manifest["inputs"] == _inputs(parts)
    return manifest if succeeded and _all_there(planned, parts) else None


def _all_there(planned: CheckPlan, parts: Sequence[Path]) -> bool:
    return all(path.exists() for path in planned.files(parts))


def _judging(
    planned: CheckPlan, parts: tuple[Path, ...]
) -> tuple[Step, list[tuple[Path, ...]], Path]:
    """Return step, inputs and folder of a record check."""
    params = {"check": planned.name, "run_id": planned.run_id, "params": planned.params}
    return Step("curator.check:Judge", params), [(p,) for p in parts], planned.folder


def _scope(
    workspace: Workspace,
    engine: Engine,
    parts: tuple[Path, ...],
    found: Sequence[Path],
    planned: CheckPlan,
) -> Scope:
    """Return what a check works with; `found`: the folders of what is known of the raw view."""
    return Scope(
        engine=engine,
        parts=parts,
        # By view: a part keeps its name in every redacted view, and its text may differ.
        cache=workspace.cache / parts[0].parent.name,
        folder=workspace.cache / "phases" / planned.run_id,
        findings=tuple(tuple(folder / path.name for folder in found) for path in parts),
    )


def _work(planned: CheckPlan, scope: Scope) -> list[Path]:
    """Write the findings of a run."""
    parts = scope.parts
    if not planned.is_corpus_check:
        return scope.engine.map(*_judging(planned, parts), label=planned.name)
    is_raw = planned.cls.view == "raw"
    outputs = planned.files(parts)
    if _all_there(planned, parts):
        return outputs
    with _blamed(plugin(planned.name)):
        checker = planned.cls(**planned.params)
        findings = list(checker.run(scope))  # type: ignore[attr-defined]
    if is_raw:
        about: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            about[finding.record_id].append(finding)
        for path, output in zip(parts, outputs, strict=True):
            ids = read_table(path, columns=["id"])["id"].to_pylist()
            own = (finding for i in ids for finding in about.get(i, ()))
            write_table(output, findings_table(own, planned.run_id))
    else:
        write_table(outputs[0], findings_table(findings, planned.run_id))
    shutil.rmtree(scope.folder, ignore_errors=True)
    return outputs


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
            parts = everything.parts if planned.cls.view == "raw" else everything.view_parts
            covered = set(manifest["inputs"]) >= {path.stem for path in parts}
            whole = covered and _all_there(planned, parts)
            states[planned.name] = "fresh" if whole else "stale"
    return states
