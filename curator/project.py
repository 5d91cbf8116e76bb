"""The project: everything that can be done with a workspace, in the order of the main job.

>>> import curator
>>> project = curator.open("my-project")
>>> project.run()
>>> project.findings().to_pandas()
>>> project.export_instruction()
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.engine import LocalEngine, default_workers, engine_of
from curator.errors import DamagedError
from curator.protocols import silent
from curator.rules import RuleSet, load_rules
from curator.schema import Recipe, Source, load, with_engine, with_export
from curator.upgrade import upgrade
from curator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import datasets
    import pyarrow as pa

    from curator.advise import Advice
    from curator.changes import Changes
    from curator.check import Plan
    from curator.decide import Decided
    from curator.erase import Erased, Wanted
    from curator.exports.diff import Difference
    from curator.exports.stale import Stale
    from curator.exports.sync import Synced
    from curator.integrity import Damaged
    from curator.pace import Expected
    from curator.protocols import Progress
    from curator.retrieval.bar import Bar
    from curator.retrieval.corpus import Corpus, Filters, Found
    from curator.retrieval.evaluation import Evaluated
    from curator.retrieval.hybrid import Mode
    from curator.review.client import Target
    from curator.review.pull import Pulled
    from curator.review.push import Pushed
    from curator.review.sheet import Exported
    from curator.train.compare import Comparison
    from curator.train.launch import Asked, Watcher
    from curator.train.runs import Run
    from curator.types import Record


@dataclass
class RunSummary:
    """What a run did: seconds per stage, where its outputs lie, damaged files made again."""

    seconds: dict[str, float] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    decided: dict[str, Any] = field(default_factory=dict)
    synced: list[Synced] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the block's wall time to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 3)


class Project:
    """One project folder: its recipe, its rules and its workspace."""

    def __init__(
        self,
        root: str | Path = ".",
        *,
        workers: int | None = None,
        engine: str | None = None,
        progress: Progress | None = None,
        expect: Callable[[Expected], None] | None = None,
    ) -> None:
        """Open the project at `root` or above it.

        Args:
            root: the project's folder, or one inside it.
            workers: how many; the recipe's by default.
            engine: `local`, `ray` or `ray://HOST:PORT`; the recipe's by default.
            progress: is told how far each stage is.
            expect: is told before long steps how long they may take.

        Raises:
            WorkspaceError: there is no project, or its workspace is of a format that cannot
                be brought to the present one.
            RecipeError: the recipe, a rule file or the engine's name is wrong.

        """
        self.workspace = Workspace.find(Path(root))
        upgrade(self.workspace)
        self.recipe: Recipe = load(self.workspace.recipe_path, Recipe)
        self.rules: RuleSet = load_rules(self.workspace.root)
        if engine is not None:
            self.recipe = with_engine(self.recipe, engine)
        asked = workers if workers is not None else self.recipe.workers
        on_cluster = self.recipe.engine.startswith("ray://")
        suiting = None if on_cluster else default_workers()
        self.workers = suiting if asked == "auto" else int(asked)
        """How many; None: as many as the cluster has free CPUs."""
        self._progress: Progress = progress or silent
        self._expect = expect

    def _engine(self) -> LocalEngine:
        return engine_of(self.recipe.engine, self.workers, self.workspace.store, self._progress)

    # --- verbs that write -------------------------------------------------------------

    def ingest(self, extra: Sequence[Source] = ()) -> list[dict[str, Any]]:
        """Read the recipe's sources, and `extra` ones; return the sources' manifests."""
        from curator.ingest import ingest  # noqa: PLC0415

        with self.workspace.lock():
            return ingest(self.workspace, self.recipe, extra, self._progress)

    def check(self, only: Sequence[str] = (), against: Sequence[Path] = ()) -> list[dict[str, Any]]:
        """Run the checks that are not fresh; return the runs' manifests.

        With `against`, the checks that are named compare the records with these paths, which
        start at the present folder, and not with the recipe's; `held` is then in how many
        records something of them was found.

        Raises:
            RecipeError: an unknown check; with `against`, none that is named, or one that
                compares with nothing outside.

        """
        from curator.check import check, comparing, plan  # noqa: PLC0415

        recipe = comparing(self.recipe, only, against) if against else self.recipe
        summary = RunSummary()
        with self.workspace.lock(), self._engine() as engine:
            everything, waiting = self._waiting(recipe, only)
            with self._paced(everything, waiting, summary):
                runs = check(self.workspace, recipe, self.rules, engine, only, timer=summary.stage)
        if not against:
            return runs
        everything = plan(self.workspace, recipe, self.rules)
        files = {c.name: everything.files(c) for c in everything.checks}
        return [
            run | {"held": self._held(files[run["check"]])} for run in runs if run["check"] in only
        ]

    def redacted(self, records: Sequence[Record]) -> list[Record]:
        """Return records from outside as the project's checks would redact them; nothing is kept.

        Raises:
            ModelError: a model that finds names is not installed, or not the pinned one.

        """
        from curator.check import plan, redaction_of  # noqa: PLC0415
        from curator.checks.redaction import redaction  # noqa: PLC0415

        checks = plan(self.workspace, self.recipe, self.rules).checks
        return redaction(redaction_of(checks))(records)

    def _waiting(self, recipe: Recipe, only: Sequence[str] = ()) -> tuple[Plan, list[str]]:
        """Return the plan, and the checks of it (all, or `only` some) that are to run."""
        from curator.check import freshness, plan  # noqa: PLC0415

        everything = plan(self.workspace, recipe, self.rules)
        states = freshness(everything)
        return everything, [
            name
            for name, state in states.items()
            if state != "fresh" and (not only or name in only)
        ]

    @contextmanager
    def _paced(
        self, plan: Plan, steps: Sequence[str], summary: RunSummary, after: Sequence[str] = ()
    ) -> Iterator[None]:
        """Tell how long steps, and what comes after, may take; keep what the steps took."""
        from curator.pace import expected, remember, size  # noqa: PLC0415
        from curator.tables import n_rows  # noqa: PLC0415

        if self.workers is None:  # nothing is known of the cluster's machines
            yield
            return
        megabytes = size(plan.parts)
        known_as = {check.name: check.pace for check in plan.checks}
        if steps and self._expect:
            records = sum(n_rows(path) for path in plan.parts)
            waiting = [known_as.get(step, step) for step in (*steps, *after)]
            told = expected(waiting, megabytes, records, self.workers)
            if told:
                self._expect(told)
        yield
        took = {known_as.get(step, step): summary.seconds.get(step, 0.0) for step in steps}
        remember(took, megabytes, self.workers)

    def _held(self, findings: Sequence[Path]) -> int:
        """Return about how many records a run found something that lies outside the project."""
        con = self.workspace.sql(findings)
        held = "SELECT DISTINCT record_id FROM findings WHERE peer_id IS NULL"
        return len(con.execute(held).fetchall())

    def decide(self, *, dry_run: bool = False) -> Decided:
        """Decide on every record; with `dry_run` only tell what would change."""
        from curator.decide import decide  # noqa: PLC0415

        with self.workspace.lock():
            return decide(self.workspace, self.recipe, self.rules, dry_run=dry_run)

    def export_instruction(self) -> datasets.DatasetDict:
        """Export the instruction dataset and return it.

        Raises:
            GateError: a check is missing, failed or stale, or no decision rests on it.

        """
        from curator.exports.instruction import load_instruction  # noqa: PLC0415

        return load_instruction(self.export("instruction"))

    def export_rag(self) -> datasets.Dataset:
        """Export the RAG corpus and return it; raises as `export_instruction` does."""
        from curator.exports.rag import load_rag  # noqa: PLC0415

        return load_rag(self.export("rag"))

    def export(self, name: str, **instead: Any) -> Path:
        """Export `instruction` or `rag`; return the folder of the version.

        Args:
            name: which.
            instead: keys of `exports.NAME` in the recipe, with what is to hold instead this time.

        Raises:
            RecipeError: a key or a value is not one that the recipe could have.
            GateError: a check is missing, failed or stale, no decision rests on it, or nothing
                is selected.

        """
        from curator.decide import ready  # noqa: PLC0415
        from curator.exports import exporter  # noqa: PLC0415

        recipe = with_export(self.recipe, name, instead)
        with self.workspace.lock():
            plan = ready(self.workspace, recipe, self.rules)
            step, summary = f"export {name}", RunSummary()
            with self._paced(plan, [step], summary), summary.stage(step):
                return exporter(name)(
                    self.workspace, recipe, self.rules.policy, plan, self._progress
                )

    def sync(self, folder: Path, *, rebuild: bool = False) -> list[Synced]:
        """Let the recipe's vector tables follow an exported corpus; return what each got.

        Args:
            folder: a version of the RAG corpus, as `export` returns it.
            rebuild: make the tables anew, as after a change of the encoder.

        Raises:
            TargetError: a table is down, in use, or made with another model.

        """
        from curator.exports.sync import sync  # noqa: PLC0415

        with self.workspace.lock(), self._engine() as engine:
            return sync(
                self.workspace, self.recipe, engine, folder, self._progress, rebuild=rebuild
            )

    def review_push(self, target: Target, *, limit: int | None = None) -> Pushed:
        """Send the records that are held for review to an Argilla server, once each.

        Raises:
            GateError: there is no current decision, or a text would show a private detail.
            ReviewError: the server does not answer or refuses.

        """
        from curator.review.push import push  # noqa: PLC0415

        with self.workspace.lock():
            return push(
                self.workspace, self.recipe, self.rules, target, self._progress, limit=limit
            )

    def review_pull(self, target: Target) -> tuple[Pulled, Decided, int]:
        """Bring back what people said, decide again, and put the queue into its new order.

        Returns:
            What came back, the decision, and how many records on the server have another
            place or state now.

        Raises:
            GateError: a check is missing, failed or stale.
            ReviewError: the server does not answer or refuses.

        """
        from curator.decide import decide  # noqa: PLC0415
        from curator.review.pull import pull, reorder  # noqa: PLC0415

        with self.workspace.lock():
            pulled = pull(self.workspace, self.recipe, self.rules, target)
            decided = decide(self.workspace, self.recipe, self.rules)
            return pulled, decided, reorder(self.workspace, self.recipe, self.rules, target)

    def review_sheet(self, path: Path, *, limit: int | None = None) -> Exported:
        """Write the records that are held for review as a spreadsheet.

        Raises:
            GateError: there is no current decision, or a text would show a private detail.
            ReviewError: the file is there already.

        """
        from curator.review.sheet import export_sheet  # noqa: PLC0415

        with self.workspace.lock():
            return export_sheet(self.workspace, self.recipe, self.rules, path, limit)

    def review_filled(self, path: Path, reviewer: str) -> tuple[Pulled, Decided]:
        """Keep the answers of a filled sheet, and decide again.

        Raises:
            GateError: a check is missing, failed or stale.
            ReviewError: it is no sheet of this project, or not as it was exported.

        """
        from curator.decide import decide  # noqa: PLC0415
        from curator.review.sheet import import_sheet  # noqa: PLC0415

        with self.workspace.lock():
            pulled = import_sheet(self.workspace, self.recipe, self.rules, path, reviewer)
            return pulled, decide(self.workspace, self.recipe, self.rules)

    def report(self, out: Path | None = None, changes: Changes | None = None) -> Path:
        """Write the HTML report; return its path.

        Args:
            out: where; `report.html` in the project's folder by default.
            changes: since an earlier decision (see `changes`), to be shown too.

        Raises:
            GateError: a check is not fresh, or no decision rests on what they say.

        """
        from curator.decide import ready  # noqa: PLC0415
        from curator.report import write_report  # noqa: PLC0415

        with self.workspace.lock():
            plan = ready(self.workspace, self.recipe, self.rules)
            decision = self.workspace.current_decision() or {}
            target = out or self.workspace.root / "report.html"
            return write_report(
                self.workspace,
                self.recipe,
                self.rules.policy,
                plan,
                self.status(),
                decision,
                target,
                changes,
            )

    def run(self) -> RunSummary:
        """Do all of it: ingest, check, decide, export, report; what is done is not redone.

        A file of the workspace that is damaged or gone is made again from what it follows from.

        Raises:
            WorkspaceError: one follows from nothing else, or is damaged as often as it is made.

        """
        from curator.integrity import discard  # noqa: PLC0415

        summary = RunSummary()
        with self.workspace.lock():
            while True:
                try:
                    self._run(summary)
                except DamagedError as error:
                    file = discard(self.workspace, error)
                    if file in summary.mended:
                        raise
                    summary.mended.append(file)
                else:
                    return summary

    def _run(self, summary: RunSummary) -> None:
        from curator.check import check  # noqa: PLC0415
        from curator.decide import decide, ready  # noqa: PLC0415
        from curator.exports import EXPORTS, exporter  # noqa: PLC0415
        from curator.exports.sync import sync  # noqa: PLC0415
        from curator.ingest import ingest  # noqa: PLC0415
        from curator.report import write_report  # noqa: PLC0415

        workspace, recipe, rules = self.workspace, self.recipe, self.rules
        with self._engine() as engine:  # first, since it may not be there
            with summary.stage("ingest"):
                ingest(workspace, recipe, (), self._progress)
            after = ["decide", *(f"export {name}" for name in EXPORTS), "report"]
            with self._paced(*self._waiting(recipe), summary, after):
                check(workspace, recipe, rules, engine, timer=summary.stage)
            with summary.stage("decide"):
                decided = decide(workspace, recipe, rules)
            summary.decided = decided.manifest
            plan = ready(workspace, recipe, rules)
            exported = engine.side_by_side(
                [
                    partial(_unless_empty, exporter(e), workspace, recipe, rules.policy, plan)
                    for e in EXPORTS
                ]
            )
            for name in EXPORTS:
                with summary.stage(f"export {name}"):
                    folder = next(exported)
                if folder is not None:
                    summary.outputs[name] = str(folder)
        with summary.stage("report"):
            target = workspace.root / "report.html"
            report = write_report(
                workspace, recipe, rules.policy, plan, self.status(), decided.manifest, target
            )
        summary.outputs["report"] = str(report)
        # Last: a server that is down keeps nothing else from being done.
        if recipe.exports.rag.targets and "rag" in summary.outputs:
            with summary.stage("sync"), self._engine() as engine:
                corpus = Path(summary.outputs["rag"])
                summary.synced = sync(workspace, recipe, engine, corpus, self._progress)

    def train(self, asked: Asked, watcher: Watcher | None = None) -> Run:
        """Fine-tune a model as asked, or go on with it; return the run.

        Raises:
            TrainError: it cannot start, or ended early.
            KeyboardInterrupt: it was stopped, after a checkpoint was saved.

        """
        from curator.train.launch import run  # noqa: PLC0415

        return run(self.workspace.root, asked, watcher, self._progress)

    def compare(
        self,
        asked: Asked,
        *,
        seeds: int = 3,
        raw: Path | None = None,
        held_out: Path | None = None,
        watcher: Watcher | None = None,
    ) -> Comparison:
        """Train on what came in and on the export, and measure both on the same clean rows.

        Args:
            asked: export, base model and settings.
            seeds: how many runs of each.
            raw: JSONL to train on in place of what came in.
            held_out: JSONL to measure with in place of the export's validation rows.
            watcher: is told the steps.

        Raises:
            GateError: a check is not fresh.
            TrainError: there is nothing to train on, or to measure with.

        """
        from curator.decide import ready  # noqa: PLC0415
        from curator.train.compare import compare  # noqa: PLC0415

        plan = ready(self.workspace, self.recipe, self.rules)
        return compare(
            self.workspace,
            self.recipe,
            plan,
            asked,
            seeds=seeds,
            raw=raw,
            held_out=held_out,
            watcher=watcher,
        )

    # --- verbs that read --------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the funnel: what came in, where it went, and whether it adds up."""
        from curator.check import freshness, plan  # noqa: PLC0415
        from curator.funnel import funnel  # noqa: PLC0415
        from curator.reviews import figures  # noqa: PLC0415

        everything = plan(self.workspace, self.recipe, self.rules)
        result = funnel(self.workspace, self.rules.policy)
        result["stale"] = [asdict(one) for one in self.stale()]
        result["checks"] = freshness(everything)
        result["reviews"] = figures(self.workspace, self.recipe, everything)
        return result

    def stale(self) -> list[Stale]:
        """Return which records of the latest instruction dataset rest on a source that changed."""
        from curator.exports.stale import stale  # noqa: PLC0415

        latest = self.workspace.exports / "instruction" / "latest"
        return stale(self.workspace, latest) if latest.exists() else []

    def damaged(self, *, take_out: bool = False) -> list[Damaged]:
        """Return the files of the workspace that are not as they were written; all are read.

        Args:
            take_out: take out those that the next run makes again.

        """
        from curator.integrity import damage, damaged, discard  # noqa: PLC0415

        if not take_out:
            return [damaged(self.workspace, error) for error in damage(self.workspace)]
        with self.workspace.lock():
            found = [(damaged(self.workspace, e), e) for e in damage(self.workspace)]
            for one, error in found:
                if one.is_made_again:
                    discard(self.workspace, error)
        return [one for one, _ in found]

    def advise(self, parameters: float = 7e9) -> list[Advice]:
        """Return for each topic whether fine-tuning, retrieval or both suits it, and the cost.

        Args:
            parameters: of the model that would be trained.

        Raises:
            GateError: a check is not fresh, or no decision rests on what they say.

        """
        from curator.advise import advise  # noqa: PLC0415
        from curator.decide import ready  # noqa: PLC0415
        from curator.topics import figures  # noqa: PLC0415

        plan = ready(self.workspace, self.recipe, self.rules)
        encoder = self.recipe.models.encoder
        found = figures(self.workspace, plan, self.rules.policy, encoder)
        return advise(found, parameters)

    def diff(self, a: str, b: str, *, text: bool = False) -> Difference:
        """Return what differs between two versions of an export, and why.

        Args:
            a: the earlier version: a folder, an id or its beginning, or `rag/latest`.
            b: the later one.
            text: whether to tell the lines that changed, as they were exported.

        Raises:
            WorkspaceError: there is no such version, or they are not of one kind.

        """
        from curator.exports.diff import diff  # noqa: PLC0415
        from curator.exports.versions import written  # noqa: PLC0415

        versions = [written(self.workspace, asked) for asked in (a, b)]
        return diff(self.workspace, *versions, text=text)

    def changes(self, against: str) -> Changes:
        """Return what the decision that holds does otherwise than another one, and why.

        Args:
            against: `previous`, the beginning of a decision's id, or another project's folder.

        Raises:
            WorkspaceError: there is no such decision.

        """
        from curator.changes import changes, earlier, standing  # noqa: PLC0415

        return changes(
            earlier(self.workspace, against), standing(self.workspace, self.rules.policy)
        )

    def why(self, asked: str) -> dict[str, Any]:
        """Return a record's story; `asked` is an id, its beginning, or `SOURCE#LOCATOR`."""
        from curator.check import plan  # noqa: PLC0415
        from curator.why import why  # noqa: PLC0415

        everything = plan(self.workspace, self.recipe, self.rules)
        story = why(self.workspace, everything, self.rules, asked)
        if story["fate"] != "record":
            return story
        from curator.train.origins import held  # noqa: PLC0415

        return story | {"runs": list(held(self.workspace.root, [story["record"]["id"]]))}

    def why_model(self, asked: str) -> dict[str, Any]:
        """Return which records a model was made from; `asked` is a run or a model's folder."""
        from curator.train.origins import records  # noqa: PLC0415

        return records(self.workspace, asked)

    def erase(self, wanted: Wanted) -> Erased:
        """Take records out of the workspace for good; tell which exports held them.

        Raises:
            WorkspaceError: nothing of the kind is there.
            VaultError: there is a vault, and its key is not at hand.

        """
        from curator.erase import erase  # noqa: PLC0415

        with self.workspace.lock():
            return erase(self.workspace, self.recipe, wanted)

    def reveal(self, file: Path) -> Iterator[str]:
        """Yield the rows of an exported file, as JSON, with what its pseudonyms stand for.

        Args:
            file: JSONL or Parquet, in whatever format of an export.

        Raises:
            VaultError: there is no key, or the wrong one.
            SourceError: the file is not there, or holds no rows of an export.

        """
        from curator.reveal import reveal  # noqa: PLC0415

        return reveal(self.workspace, self.recipe, file)

    def corpus(self) -> Corpus:
        """Return the latest RAG corpus, to be searched; its index is built at the first time.

        Raises:
            WorkspaceError: nothing is exported yet, or it was changed.

        """
        from curator.retrieval import open_corpus  # noqa: PLC0415

        return open_corpus(self.workspace, self.recipe.models.encoder, self._engine)

    def search(
        self,
        question: str,
        top: int = 10,
        filters: Filters | None = None,
        mode: Mode = "hybrid",
    ) -> Found:
        """Return the chunks of the latest RAG corpus that fit a question best; see `corpus`."""
        return self.corpus().search(question, top, filters, mode)

    def eval_rag(
        self,
        questions: Path | None = None,
        lengths: Sequence[int] = (),
        fixed: Sequence[int] = (),
        encoders: Sequence[str] = (),
    ) -> tuple[list[Evaluated], Bar | None]:
        """Measure how well the corpus answers; return what each setting reaches, and the bar.

        Args:
            questions: the user's; by default the recipe's, else the corpus's own, held out.
            lengths: of chunks, to compare; by default the recipe's.
            fixed: lengths of chunks that are cut anywhere, to compare.
            encoders: to compare; by default the recipe's.

        Raises:
            GateError: a check is not fresh, nothing is decided, or nothing can be asked.
            SourceError: the file of questions is wrong.

        """
        from curator.decide import ready  # noqa: PLC0415
        from curator.retrieval.asked import read_questions  # noqa: PLC0415
        from curator.retrieval.bar import bar_of  # noqa: PLC0415
        from curator.retrieval.evaluation import evaluate, exported, settings  # noqa: PLC0415

        params = self.recipe.exports.rag
        named = params.recall.questions if params.recall else None
        if questions is None and named is not None:
            questions = self.workspace.root / named
        asked = None if questions is None else read_questions(questions)
        compared = settings(params, self.recipe.models.encoder, lengths, fixed, encoders)
        with self.workspace.lock():
            plan = ready(self.workspace, self.recipe, self.rules)
            records = exported(self.workspace, self.recipe, plan)
            with self._engine() as engine:
                found = evaluate(self.workspace, records, compared, asked, engine)
        return found, bar_of(params.recall, found[0])

    def answering_model(self, asked: str | None = None) -> str:
        """Return who answers questions: who is asked for, else the recipe's; a folder or a URL.

        Raises:
            ModelError: nobody is named.

        """
        from curator.errors import ModelError  # noqa: PLC0415

        named = asked or self.recipe.models.answers
        if named is None:
            raise ModelError(
                "no model is named to answer with",
                "--model FOLDER or URL, or `models: {answers: ...}` in curator.yaml;"
                " curator search shows the passages alone",
            )
        inside = self.workspace.root / named
        return str(inside) if asked is None and inside.is_dir() else named

    def records(self) -> pa.Table:
        """Return the records' facts: source, locator, language, lengths; no text."""
        return self.workspace.sql().sql("SELECT * FROM records").to_arrow_table()

    def findings(self) -> pa.Table:
        """Return the findings of the runs that the recipe asks for."""
        from curator.check import plan  # noqa: PLC0415

        files = plan(self.workspace, self.recipe, self.rules).findings
        return self.workspace.sql(files).sql("SELECT * FROM findings").to_arrow_table()

    def decisions(self) -> pa.Table:
        """Return the current decisions."""
        return self.workspace.sql().sql("SELECT * FROM decisions").to_arrow_table()


def _unless_empty(export: Callable[..., Path], *given: object) -> Path | None:
    """Export, or return None where nothing is selected: documents alone make no instructions."""
    from curator.errors import EmptyError  # noqa: PLC0415

    try:
        return export(*given)
    except EmptyError:
        return None
