"""`curator version`."""

from __future__ import annotations

from curator.cli.output import Json, data


def version(*, json: Json = False) -> None:
    """Print the version."""
    from curator import __version__

    if json:
        data({"version": __version__})
    else:
        print(__version__)
