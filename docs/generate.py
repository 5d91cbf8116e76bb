"""Write the pages that come from the code: finding codes, command line, formats.

python -m docs.generate          write them
python -m docs.generate --check  exit 1 where one is out of date
"""

from __future__ import annotations

import inspect
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from typer.main import get_command
from typer.testing import CliRunner

import curator
from curator.checks import CHECKS, check_class
from curator.cli.app import app
from curator.project import Project
from curator.rules import load_rules
from curator.sources import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.schema import Policy

HERE = Path(__file__).resolve().parent
CASES = HERE.parent / "tests" / "cases"


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    out: dict[Path, str] = {}
    index = ["# Finding codes", "", "| code | name | 中文 | English |", "| --- | --- | --- | --- |"]
    policy = load_rules().policy
    for name in CHECKS:
        cls = check_class(name)
        for code in cls.codes:
            out[HERE / "codes" / f"{code.id}.md"] = _code_page(name, cls, code, policy)
            index.append(f"| [{code.id}]({code.id}.md) | {code.name} | {code.zh} | {code.en} |")
    out[HERE / "codes" / "index.md"] = "\n".join(index) + "\n"
    out[HERE / "cli.md"] = _cli_page()
    out[HERE / "formats.md"] = _formats_page()
    out[HERE / "api.md"] = _api_page()
    return out


def _code_page(name: str, cls: Any, code: Any, policy: Policy) -> str:
    lines = [f"# {code.id}: {code.name}", "", f"{code.zh}。{code.en[:1].upper()}{code.en[1:]}.", ""]
    lines += [
        f"Found by the check `{name}` (version {cls.version}), which sees the {cls.view} view.",
        "",
    ]
    lines += [inspect.cleandoc(cls.__doc__ or ""), "", "## What follows", ""]
    lines += [
        f"- `{rule.id}`: {rule.then} from score {rule.when.score_at_least:g}."
        f" {rule.because.zh}。{rule.because.en}."
        for rule in policy.rules
        if _speaks_of(rule.when.code, code.id)
    ] or ["- nothing in the bundled policy: it is told, and kept."]
    path = CASES / f"{code.id}.yaml"
    if path.exists():
        lines += ["", "## Examples", "", "| | case | text |", "| --- | --- | --- |"]
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            verdict = "fires" if case["expect"] else "stays quiet"
            lines.append(f"| {verdict} | {_cell(case['name'])} | {_cell(_shown(case))} |")
    return "\n".join(lines) + "\n"


def _speaks_of(wanted: str | tuple[str, ...] | None, code: str) -> bool:
    codes = (wanted,) if isinstance(wanted, str) else wanted or ()
    return any(c == code or (c.endswith("*") and code.startswith(c[:-1])) for c in codes)


def _shown(case: dict[str, Any]) -> str:
    turns = [f"{role}: {text}" for turn in case["records"][0] for role, text in turn.items()]
    more = f" (and {len(case['records']) - 1} more)" if len(case["records"]) > 1 else ""
    shown = " / ".join(turns)
    return (shown if len(shown) <= 160 else shown[:160] + "…") + more


def _cell(text: str) -> str:
    shown = "".join(map(_visible, str(text)))
    return " ".join(shown.split()).replace("|", "\\|").replace("<", "&lt;")


def _visible(char: str) -> str:
    """Return a character, or the name of one that nobody could see in a page."""
    unseen = unicodedata.category(char) in {"Cc", "Cf", "Cn", "Zl", "Zp", "Zs"} or char == "\ufffc"
    return f"⟨U+{ord(char):04X}⟩" if unseen and char not in "\n " else char


def _cli_page() -> str:
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    lines = ["# The command line", ""]
    for verb in _verbs(get_command(app)):
        told = runner.invoke(
            app, [*verb.split(), "--help"], prog_name="curator", catch_exceptions=False
        ).stdout
        shown = "\n".join(line.rstrip() for line in told.strip().splitlines())
        lines += [f"## {('curator ' + verb).strip()}", "", "```text", shown, "```", ""]
    return "\n".join(lines)


def _verbs(command: Any, path: str = "") -> Iterator[str]:
    """Yield the command itself and everything under it, in the order of its help."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from _verbs(below, f"{path} {name}".strip())


def _api_page() -> str:
    """Return the page about `curator.open` and what a project can do, from their docstrings."""
    lines = ["# In Python", "", inspect.cleandoc(curator.__doc__ or "").splitlines()[0], ""]
    lines += ["```python", "import curator", "", 'project = curator.open("my-project")']
    lines += ["project.run()", "project.findings().to_pandas()", "```", ""]
    members = [("curator.open", curator.open)]
    members += [
        (f"Project.{name}", member)
        for name, member in vars(Project).items()
        if not name.startswith("_") and inspect.isfunction(member)
    ]
    for name, member in members:
        told = str(inspect.signature(member)).replace("(self, ", "(").replace("(self)", "()")
        text = inspect.cleandoc(member.__doc__ or "")
        lines += [f"## {name}", "", "```text", f"{name.rpartition('.')[2]}{told}", "```", ""]
        lines += [_sections(text), ""]
    return "\n".join(lines).rstrip() + "\n"


def _sections(text: str) -> str:
    """Return a docstring as Markdown: its sections as bold words and lists."""
    out = []
    for line in text.splitlines():
        if line in ("Args:", "Returns:", "Raises:"):
            out += [f"**{line[:-1]}**", ""]
        elif line.startswith("    ") and not line.startswith("     "):
            out.append(f"- {line.strip()}")
        elif line.startswith("     "):
            out.append(f"  {line.strip()}")
        else:
            out.append(line)
    return "\n".join(out)


def _formats_page() -> str:
    lines = [
        "# Formats / 格式",
        "",
        "A file is recognised by its content; `curator ingest` says what it took each file for and",
        "how sure it is, and `--as NAME` (or `format: NAME` in the recipe) overrules it.",
        "",
        "文件按内容识别；`curator ingest` 会说明识别结果与把握，",
        "`--as 名称`（或配方中的 `format: 名称`）可指定格式。",
        "",
        "| name | family | English | 中文 |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| `{f.name}` | {f.family} | {_cell(f.en)} | {_cell(f.zh)} |" for f in FORMATS]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the pages, or with --check tell which are out of date."""
    wanted = pages()
    if "--check" in sys.argv:
        stale = [
            p
            for p, text in wanted.items()
            if not p.exists() or p.read_text(encoding="utf-8") != text
        ]
        for path in stale:
            print(f"out of date: {path.relative_to(HERE.parent)} (make docs)", file=sys.stderr)
        return 1 if stale else 0
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
