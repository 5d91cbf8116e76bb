"""The name under which a project's records are reviewed, on a server and in sheets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from curator.workspace import read_json, write_json

if TYPE_CHECKING:
    from curator.workspace import Workspace


def project_mark(workspace: Workspace) -> str:
    """Return what tells this project from others of its name; drawn once and kept.

    So nobody's answers about another project's records are taken for answers about these.
    """
    path = workspace.store / "review.json"
    if not path.exists():
        write_json(path, {"project": secrets.token_hex(4)})
    return str(read_json(path)["project"])


def prefix(workspace: Workspace, name: str) -> str:
    """Return how the names of all datasets of a recipe begin."""
    return f"{name}-{project_mark(workspace)}-"


def dataset_name(workspace: Workspace, name: str, policy_sha: str) -> str:
    """Return the name of the dataset of a recipe and a policy."""
    return prefix(workspace, name) + policy_sha[:8]
