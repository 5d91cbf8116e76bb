"""One change to Argilla's code: what it builds again for every value is built once.

Argilla 2.8 makes a pydantic TypeAdapter each time it looks at the settings of a question
or of a metadata property, so for every suggestion and every piece of metadata of every
record that comes in: three quarters of the time that a push takes.
"""

from __future__ import annotations

from typing import Any


def keep_type_adapters() -> None:
    """Let Argilla's models use one TypeAdapter for each of the two kinds of settings."""
    from argilla_server.models import database

    kinds = (database.QuestionSettings, database.MetadataPropertySettings)
    made = {id(kind): database.TypeAdapter(kind) for kind in kinds}

    def kept(kind: Any) -> Any:
        return made[id(kind)]

    database.TypeAdapter = kept
