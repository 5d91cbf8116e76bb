"""The command line as a whole: JSON everywhere, readable help, completion, no colour unasked."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from curator.cli.app import app
from tests.conftest import clean_env, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLAIN_DATA = {"reveal", "rules schema", "train chat"}
"""What they print is JSON as it is, or a talk."""


def verbs(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, by its words."""
    below = getattr(group, "commands", None)
    if below is None:
        yield path, group
        return
    for name, one in below.items():
        yield from verbs(one, f"{path} {name}".strip())


VERBS = dict(verbs(get_command(app)))


@pytest.mark.parametrize("words", sorted(set(VERBS) - PLAIN_DATA))
def test_every_command_has_json(words: str) -> None:
    options = {option for parameter in VERBS[words].params for option in parameter.opts}
    assert "--json" in options


def test_completion_knows_the_verbs() -> None:
    env = clean_env(_CURATOR_COMPLETE="complete_bash", COMP_WORDS="curator re", COMP_CWORD="1")
    done = subprocess.run([command()], env=env, capture_output=True, text=True, check=False)
    assert {"report", "reveal", "review"} <= set(done.stdout.split())


@pytest.mark.parametrize("no_color", [True, False])
def test_colours_are_for_terminals_and_can_be_turned_off(demo: Path, *, no_color: bool) -> None:
    env = clean_env(TERM="xterm-256color", COLUMNS="120")
    env.pop("NO_COLOR", None)
    if no_color:
        env["NO_COLOR"] = "1"
    shown = in_terminal(["status", "-p", str(demo)], env)
    assert "units read" in shown
    assert "█" in shown
    coloured = re.search(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38)[;m]", shown)
    assert not (no_color and coloured)
    piped = subprocess.run(
        [command(), "status", "-p", demo], env=env, capture_output=True, text=True, check=True
    )
    assert "\x1b" not in piped.stdout + piped.stderr


def in_terminal(arguments: list[str], env: dict[str, str]) -> str:
    """Run a command whose output is a terminal; return what it showed."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        [command(), *arguments], env=env, stdout=follower, stderr=follower, close_fds=True
    )
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # the other side is closed
        pass
    os.close(leader)
    assert done.wait() == 0
    return shown.decode("utf-8", "replace")


def test_each_step_tells_the_next(curator: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "qa.csv"
    path.write_text("question,answer\nWhen do you ship?,On Monday morning.\n", "utf-8")
    assert (
        f"next: curator run {tmp_path / 'p'}"
        in curator("init", tmp_path / "p", "--from", path).stderr
    )
    done = curator("ingest", "-p", tmp_path / "p")
    assert "next: curator check" in done.stderr
    assert "report.html" in curator("run", tmp_path / "p").stderr
