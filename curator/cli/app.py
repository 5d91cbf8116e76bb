"""The command `curator`: its verbs, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import warnings

import typer
from typer.core import TyperArgument

from curator.cli import (
    advise,
    ask,
    check,
    decide,
    demo,
    diff,
    erase,
    evaluate,
    export,
    ingest,
    init,
    models,
    plugins,
    report,
    reveal,
    review,
    review_records,  # noqa: F401 - puts its verbs into review.app
    review_server,  # noqa: F401 - puts its verbs into review.app
    rules,
    run,
    search,
    sources,
    status,
    train,
    vault,
    verify,
    version,
    why,
)
from curator.cli.errors import (
    INTERRUPTED,
    hang_up,
    tell,
    tell_of_interruption,
    tell_of_memory,
    tell_of_warning,
)
from curator.errors import CuratorError

# An argument's name says what it is; typer would add its type as Python writes it: <list[Path]>.
TyperArgument.display_type_rich = lambda *_, **__: None  # type: ignore[method-assign]

app = typer.Typer(
    name="curator",
    help="Curate raw chat logs and documents into clean training data, in Chinese and English. "
    "Start with: curator init FOLDER --from FILE, then: curator run FOLDER",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (init, run, ingest, sources, check, decide, status, verify, why):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(review.app, name="review")
app.add_typer(export.app, name="export")
for verb in (search, ask):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(evaluate.app, name="eval")
app.command()(diff.diff)
for verb in (report, advise, reveal, erase, plugins, demo):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.add_typer(rules.app, name="rules")
app.add_typer(vault.app, name="vault")
app.command()(version.version)


def main() -> None:
    """Run the command line; a user's mistake ends in two lines and its exit code."""
    # Nothing may ask the network unless the user names a remote thing (promise P7).
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    warnings.showwarning = tell_of_warning
    try:
        app()
    except CuratorError as error:
        tell(error)
        sys.exit(error.exit_code)
    except MemoryError:
        tell_of_memory()
        sys.exit(CuratorError.exit_code)
    except BrokenPipeError:
        hang_up()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            tell_of_interruption()
        raise
