"""One version of an export: what it is made from, and where it lies.

A version is a hash of the decision and of the export's parameters, and nothing
in its folder tells time, place or machine: the same version is the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from curator.errors import GateError
from curator.exports.folder import point_latest, verify
from curator.exports.hiding import hiding_facts
from curator.exports.licensing import licence_facts
from curator.tables import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curator.check import Plan
    from curator.schema import Recipe
    from curator.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Version:
    """What an export is to be made of.

    facts: what its manifest begins with: name, version, decision, parameters.
    """

    workspace: Workspace
    recipe: Recipe
    plan: Plan
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Which export it is: instruction or rag."""
        return str(self.facts["name"])

    @property
    def target(self) -> Path:
        """The folder of this version."""
        return self.workspace.exports / self.name / str(self.facts["version"])

    def after(self, earlier: str) -> Version:
        """Return the version as it is on top of what earlier exports settled; empty for nothing."""
        if not earlier:
            return self
        changed = {"version": digest(self.facts["version"], earlier), "splits_after": earlier}
        return replace(self, facts={**self.facts, **changed})

    def is_there(self) -> bool:
        """Whether the version lies there already; if so, it is verified, and the latest again.

        Raises:
            WorkspaceError: one of its files is missing or was changed.
        """
        if not self.target.exists():
            return False
        verify(self.target)
        point_latest(self.target)
        return True


def version_of(
    workspace: Workspace,
    recipe: Recipe,
    plan: Plan,
    *,
    name: str,
    exporter_version: str,
    params: Mapping[str, Any],
) -> Version:
    """Return the version that the current decision and the parameters make.

    Raises:
        GateError: nothing was decided yet.
        VaultError: the recipe asks for pseudonyms, and there is no key.
    """
    params = {**params, **hiding_facts(workspace, recipe), **licence_facts(recipe)}
    decision = workspace.current_decision()
    if decision is None:
        raise GateError("nothing is decided yet", "run: curator decide")
    facts = {
        "name": name,
        "version": digest(name, exporter_version, decision["id"], recipe.name, params),
        "exporter_version": exporter_version,
        "project": recipe.name,
        "decision": decision["id"],
        "policy_sha": decision["policy_sha"],
        "params": params,
    }
    return Version(workspace, recipe, plan, facts)
