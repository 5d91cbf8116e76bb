"""How an export hides private details: by the placeholders of the checks, or by pseudonyms."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from curator.edits import apply
from curator.originals import hidden
from curator.partly import left_of
from curator.pseudonymise import Pseudonymiser, mentions
from curator.pseudonyms import NUMBERED
from curator.redact import edits_of
from curator.vault import Vault, load_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from curator.schema import Recipe
    from curator.types import Edit, Record
    from curator.vault import Keys
    from curator.workspace import Workspace


def _left(record: Record, findings: Iterable[Mapping[str, Any]]) -> tuple[list[Any], set[str]]:
    """Return the rows with what the policy leaves of details put in; and all that is left."""
    rows, left = [], set()
    for row in findings:
        said = None
        # Where one stretch holds several details, placeholders stand for all of them.
        alone = row["part"] is not None and NUMBERED.fullmatch(str(row["replacement"]))
        if row["how"] != "replace" and alone:
            text = record.parts[row["part"]].text[row["start"] : row["end"]]
            said = left_of(row["how"], json.loads(row["evidence"])["entity"], text)
        rows.append(row if said is None else {**row, "replacement": said})
        left |= set() if said is None else {said}
    return rows, left


class Hide(Protocol):
    """Turns the findings of a record that are to be edited, as rows, into edits."""

    @property
    def surrogates(self) -> frozenset[str]:
        """What it put in place of details and may look like one itself."""
        ...

    def __call__(self, record: Record, findings: Iterable[Mapping[str, Any]]) -> list[Edit]:
        """Return the edits."""
        ...


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
def hiding(workspace: Workspace, recipe: Recipe, route: str) -> Iterator[Hide]:
    """Give the way in which the recipe hides details; what pseudonyms hide goes to the vault.

    `route` is where the records go: each hides what the policy says of it.

    Raises:
        VaultError: there is no key, or it is not the vault's.
    """
    if recipe.pseudonyms.style == "numbered":
        yield _Placeholders()
        return
    keys = project_keys(workspace, recipe)
    pseudonymiser = Pseudonymiser(recipe.pseudonyms, keys)
    with Vault(workspace.vault, keys) as vault:
        yield _Pseudonyms(pseudonymiser, vault, route)


class _Placeholders:
    """Puts in the placeholders that the checks propose."""

    surrogates: frozenset[str] = frozenset()

    def __call__(self, record: Record, findings: Iterable[Mapping[str, Any]]) -> list[Edit]:
        return edits_of(_left(record, findings)[0]).get(record.id, [])


class _Pseudonyms:
    """Puts in pseudonyms, and keeps in the vault what they hide."""

    def __init__(self, pseudonymiser: Pseudonymiser, vault: Vault, route: str) -> None:
        self._pseudonymiser, self._vault, self._route = pseudonymiser, vault, route
        self._made: set[str] = set()

    @property
    def surrogates(self) -> frozenset[str]:
        return frozenset(self._made)

    def __call__(self, record: Record, findings: Iterable[Mapping[str, Any]]) -> list[Edit]:
        rows, left = _left(record, findings)
        edits = self._pseudonymiser.edits(record, rows)
        # What is only left of a detail is no pseudonym: it leads back to nobody.
        known = [m for m in mentions(record, edits) if m.surrogate not in left]
        if edits:
            shown = [part.text for part in apply(record.parts, edits)]
            self._vault.add(record.id, self._route, hidden(shown, known))
        self._made.update(m.surrogate for m in known)
        return edits
