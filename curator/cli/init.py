"""`curator init`: make a project folder with a recipe and the rules."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.output import Json, data, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.scaffold import Made
    from curator.scaffold.look import Look
    from curator.types import Record

_WIDTH = 72
_MOST_PARTS = 4


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")] = Path(),
    source: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="PATH…",
            help="A file or folder to curate; may be given more than once.",
        ),
    ] = None,
    *,
    rules: Annotated[bool, typer.Option(help="Copy the rules, to change them.")] = True,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="DOMAIN[-LANG]",
            help="medical, service or legal rules too, or general for none; guessed by default.",
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option(help="Show the first records as they will be read.")
    ] = True,
    json: Json = False,
) -> None:
    """Make a project: look at the files, and write a commented curator.yaml and the rules."""
    from curator.scaffold import scaffold
    from curator.scaffold.domains import DOMAINS

    made = scaffold(folder, source or [], rules=rules, profile=profile)
    if json:
        data(_told(made))
        return
    if made.seen:
        looks = made.seen.looks
        for look, examples in zip(looks, _examples(folder, looks, shown=preview), strict=True):
            _tell(look, examples)
    say(f"made {made.recipe}")
    if made.domain:
        zh, en = DOMAINS[made.domain]
        say(
            f"with rules for this domain ({en}): {made.recipe.parent / 'rules' / 'domains'}",
            f"另加{zh}领域的规则；不需要可删去该文件夹",
        )
    where = "" if folder == Path() else f" {shlex.quote(str(folder))}"
    if made.seen is None:
        say("next: name your files under `sources:` there, then: curator run" + where)
        return
    doubtful = any(look.notes or look.guess or look.mapped for look in made.seen.looks)
    if doubtful:
        say(
            "what is guessed is marked in the recipe, to be changed there",
            "猜测之处已在配方中注明，可直接修改",
        )
    say(f"next: curator run{where}    (then open report.html / 然后打开 report.html)")


def _examples(folder: Path, looks: Sequence[Look], *, shown: bool) -> list[Sequence[Record]]:
    """Return each source's examples as training data would show them, if any are to be shown.

    What a terminal shows may be kept.
    """
    from curator.errors import ModelError
    from curator.project import Project

    if shown:
        try:
            project = Project(folder)
            return [project.redacted(look.examples) for look in looks]
        except ModelError as error:
            say(f"no examples: {error}", f"不显示样例：{error}")
    return [()] * len(looks)


def _tell(look: Look, examples: Sequence[Record]) -> None:
    """Print what was seen of one source, and its first records, redacted."""
    more = "+" if look.is_partial else ""
    formats = ", ".join(
        f"{name} × {n}" if n > 1 else name for name, n in look.formats.most_common()
    )
    kinds = ", ".join(f"{n:,}{more} {kind}s" for kind, n in look.kinds.items()) or "no records"
    languages = ", ".join(lang for lang, _ in look.languages.most_common(3))
    say(f"{look.path.name}: {formats}; {kinds}" + (f"; {languages}" if languages else ""))
    columns = look.source.columns
    why = look.guess.why if look.guess else {}
    for key, value in (columns.model_dump() if columns else {}).items():
        for name in (value,) if isinstance(value, str) else value or ():
            because = f"    guessed: {why[name][1]} / 猜测：{why[name][0]}" if name in why else ""
            say(f"  {key:13} ← {name}{because}")
    for reason, n in look.refused.most_common(4):
        say(f"  not readable: {n:,} × {reason}")
    for zh, en in look.notes:
        say(f"  ! {en}", f"  ! {zh}")
    for number, record in enumerate(examples, 1):
        _show(number, record)


def _show(number: int, record: Record) -> None:
    """Print a record as it will be read, with placeholders for private details."""
    label = f"  [{record.label}]" if record.label else ""
    show(f"  {number}. {record.provenance.locator} ({record.kind}){label}")
    for part in record.parts[:_MOST_PARTS]:
        show(f"     {part.role:9} {_short(part.text)}")
    if len(record.parts) > _MOST_PARTS:
        show(f"     … and {len(record.parts) - _MOST_PARTS:,} more")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _told(made: Made) -> dict[str, Any]:
    """Return what was made and seen; no text of a record."""
    seen = made.seen
    return {
        "recipe": str(made.recipe),
        "languages": list(seen.languages) if seen else [],
        "domain": seen.domain if seen else None,
        "rules_of": made.domain,
        "sources": [_look(look) for look in seen.looks] if seen else [],
    }


def _look(look: Look) -> dict[str, Any]:
    return {
        "path": str(look.path),
        "formats": dict(look.formats),
        "source": look.source.model_dump(mode="json", exclude_defaults=True),
        "kinds": dict(look.kinds),
        "languages": dict(look.languages),
        "not_readable": dict(look.refused),
        "is_partial": look.is_partial,
        "guessed": {
            name: {"zh": z, "en": e}
            for name, (z, e) in (look.guess.why if look.guess else {}).items()
        },
        "notes": [{"zh": zh, "en": en} for zh, en in look.notes],
        "mapped": [_look(one) for one in look.mapped],
    }
