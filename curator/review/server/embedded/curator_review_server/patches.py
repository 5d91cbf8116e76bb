"""Changes to Argilla's code: work is left out that leads to nothing here.

Both are exact: what is answered and what is stored stays the same. `tests/benchmarks/review.py`
compares with Argilla as it comes.
"""

from __future__ import annotations

from typing import Any


def apply_all() -> None:
    """Apply every change; Argilla must be imported and not yet asked for anything."""
    keep_type_adapters()
    build_no_events()


def keep_type_adapters() -> None:
    """Let Argilla's models use one TypeAdapter for each of the two kinds of settings.

    Argilla 2.8 makes one each time it looks at the settings of a question or of a metadata
    property: for every suggestion and every piece of metadata of every record.
    """
    from argilla_server.models import database

    kinds = (database.QuestionSettings, database.MetadataPropertySettings)
    made = {id(kind): database.TypeAdapter(kind) for kind in kinds}

    def kept(kind: Any) -> Any:
        return made[id(kind)]

    database.TypeAdapter = kept


def build_no_events() -> None:
    """Let Argilla build no events for webhooks, of which the guard lets none be made.

    Argilla 2.8 reads a dataset with all its settings for each record that is written, to
    tell webhooks of it, before it looks whether there is any.
    """
    from argilla_server.webhooks.v1 import datasets, records, responses

    async def build(*_: Any) -> _Event:
        return _Event()

    datasets.build_dataset_event = build
    records.build_record_event = build
    responses.build_response_event = build


class _Event:
    async def notify(self, _: Any) -> list[Any]:
        """Tell nobody."""
        return []
