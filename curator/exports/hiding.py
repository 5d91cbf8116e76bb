"""How an export hides private details: by the placeholders of the checks, or by pseudonyms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from curator.pseudonymise import Pseudonymiser, mentions
from curator.redact import edits_of
from curator.types import Edit, Record
from curator.vault import Vault, load_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.schema import Recipe
    from curator.vault import Keys
    from curator.workspace import Workspace

Hide: TypeAlias = Callable[[Record, Iterable[Mapping[str, Any]]], list[Edit]]
"""Takes a record and the rows of its findings that are to be edited; returns the edits."""


def project_keys(workspace: Workspace, recipe: Recipe) -> Keys:
    """Return the keys of a project's pseudonyms.

    Raises:
        VaultError: there is no key.
    """
    given = recipe.pseudonyms.key_file
    path = workspace.root / Path(given).expanduser() if given else None
    return load_keys(path, workspace.vault)


def hiding_facts(workspace: Workspace, recipe: Recipe) -> dict[str, Any]:
    """Return what a manifest says of the pseudonyms: nothing where there are only placeholders.

    Raises:
        VaultError: pseudonyms are asked for, and there is no key.
    """
    settings = recipe.pseudonyms
    if settings.style == "numbered":
        return {}
    keys = project_keys(workspace, recipe)
    return {"pseudonyms": {"style": settings.style, "link": settings.link, "key": keys.id}}


@contextmanager
def hiding(workspace: Workspace, recipe: Recipe) -> Iterator[Hide]:
    """Give the way in which the recipe hides details; what pseudonyms hide goes to the vault.

    Raises:
        VaultError: there is no key, or it is not the vault's.
    """
    if recipe.pseudonyms.style == "numbered":
        yield lambda record, findings: edits_of(findings).get(record.id, [])
        return
    keys = project_keys(workspace, recipe)
    pseudonymiser = Pseudonymiser(recipe.pseudonyms, keys)
    with Vault(workspace.vault, keys) as vault:

        def hide(record: Record, findings: Iterable[Mapping[str, Any]]) -> list[Edit]:
            edits = pseudonymiser.edits(record, findings)
            if edits:
                vault.add(record.id, mentions(record, edits))
            return edits

        yield hide
