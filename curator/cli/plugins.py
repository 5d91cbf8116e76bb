"""`curator plugins`: what other packages bring."""

from __future__ import annotations

from curator.cli.output import Json, data, say, table


def plugins(*, json: Json = False) -> None:
    """List the checks, sources, encoders and targets of other packages, and whether they load."""
    from curator.errors import PluginError
    from curator.plugins import GROUPS
    from curator.plugins import plugins as found

    rows = []
    for group in GROUPS:
        for brought in found(group).values():
            try:
                brought.load()
                state = "loads"
            except PluginError as error:
                state = error.message
            rows.append((group, brought.name, brought.package, brought.version, state))
    columns = ("kind", "name", "package", "version", "state")
    if json:
        data([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        table(columns, rows)
        say("a check runs where the recipe names it: `checks: {NAME: true}`")
    else:
        say("no package here brings any; how to write one: docs/plugins.md")
