"""A real review server for tests: its environment made once, a project of its own for each use."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from curator.review.server.process import end, start
from curator.review.server.state import home
from curator.workspace import Workspace, read_json
from tests.review.argilla import Argilla
from tests.review_server import server_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from curator.review.server.process import Started


def quiet(_: str) -> None:
    """Tell nothing."""


class Served:
    """A server that runs, and its users."""

    def __init__(self, workspace: Workspace, started: Started) -> None:
        self.workspace = workspace
        self.home = home(workspace)
        self.started = started
        self.server = started.server
        self.accounts = read_json(self.server.password_file)

    @property
    def owner(self) -> Argilla:
        return Argilla(self.server.url, self.server.api_key)

    def reviewer(self, name: str) -> Argilla:
        keys = {a["username"]: a["api_key"] for a in self.accounts["reviewers"]}
        return Argilla(self.server.url, keys[name])


@pytest.fixture(scope="session")
def server_environment() -> Path:
    """The Python of the server's own environment; made in the user's cache where it is missing."""
    return server_python()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workspace]:
    """Make an empty project."""

    def make() -> Workspace:
        folder = tmp_path_factory.mktemp("project")
        (folder / "curator.yaml").write_text("sources: []\n", encoding="utf-8")
        return Workspace(folder)

    return make


@pytest.fixture(scope="session")
def serving(
    server_environment: Path,
) -> Callable[..., AbstractContextManager[Served]]:
    """Serve a project for the length of a block, with two reviewers."""
    assert server_environment.exists()

    @contextmanager
    def serve(workspace: Workspace) -> Iterator[Served]:
        started = start(workspace, port=0, reviewers=("anna", "bo"), tell=quiet)
        try:
            yield Served(workspace, started)
        finally:
            end(started.process)

    return serve


@pytest.fixture(scope="session")
def served(
    serving: Callable[..., AbstractContextManager[Served]], project: Callable[[], Workspace]
) -> Iterator[Served]:
    """A server for all tests that ask nothing special of it."""
    with serving(project()) as server:
        yield server
