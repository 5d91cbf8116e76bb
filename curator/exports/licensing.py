"""Licences of what an export would hold: one that forbids the use stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.errors import GateError
from curator.licences import obstacles
from curator.redact import shown_sources

if TYPE_CHECKING:
    import duckdb

    from curator.schema import Recipe

_TERMS = """
SELECT r.source_uri, r.license, count(*) FROM records r JOIN decisions d ON d.record_id = r.id
WHERE d.action = 'keep' AND d.{route} AND (NOT r.replay OR {replay}) GROUP BY ALL ORDER BY ALL
"""
SHOWN = 10


def stop_licences(con: duckdb.DuckDBPyConnection, recipe: Recipe, route: str) -> None:
    """Make sure that the licences of all kept records allow the export.

    Args:
        con: with the views `records`, `findings` and `decisions`.
        recipe: which licences are allowed though they forbid it, and which are forbidden.
        route: the export.

    Raises:
        GateError: one forbids it, or none is stated and the recipe wants one.

    """
    rules = recipe.exports.licenses
    replay = route == "instruction" and recipe.exports.instruction.mix.replay > 0
    query = _TERMS.format(route=route, replay="true" if replay else "false")
    names = shown_sources(con, decided=True)
    found = []
    for uri, terms, n in con.execute(query).fetchall():
        if terms:
            why = "; ".join(map(str, obstacles(terms, rules.allow, rules.forbid)))
        else:
            why = "no licence is stated" if rules.unstated == "stop" else ""
        if why:
            found.append(f"  {names.get(uri, uri)} ({n:,} records): {why}")
    if not found:
        return
    lines = found[:SHOWN] + ([f"  … and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])
    raise GateError(
        f"export {route} is not written: licences forbid the use of {len(found)} sources\n"
        + "\n".join(lines),
        "take these sources out, or correct their `license:` (an SPDX identifier, LicenseRef-NAME"
        " for terms of your own); where you may use them all the same, say why:"
        " exports: {licenses: {allow: {LICENCE: the reason}}}",
    )


def licence_facts(recipe: Recipe) -> dict[str, Any]:
    """Return what a manifest says of licences that are allowed by name, and why."""
    allowed = recipe.exports.licenses.allow
    return {"licenses_allowed": dict(sorted(allowed.items()))} if allowed else {}
