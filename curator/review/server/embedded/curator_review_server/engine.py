"""Argilla's search engine on the index: its objects in, its answers out.

Argilla's objects belong to a database session, so everything is read from them before
the work goes to a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from argilla_server.enums import MetadataPropertyType, SimilarityOrder, SortOrder
from argilla_server.search_engine.base import (
    AndFilter,
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    MetadataFilterScope,
    RangeFilter,
    RecordFilterScope,
    ResponseFilterScope,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    SuggestionFilterScope,
    TermsFilter,
    TermsMetrics,
    TextQuery,
)

from . import conditions
from .conditions import Sql, all_of
from .query import parse
from .rows import Response, Row
from .vectors import as_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .index import Found, Index
    from .query import Match

NAME = "curator"
QUEUE = "queue"
"""The metadata that tells a record's place, the first first, where a reviewer asks for no order."""

_MOST_TERMS = 2**14  # as many as Argilla's own engines give
_TIMES = ("inserted_at", "updated_at")
_READERS = 4


class Engine(SearchEngine):  # type: ignore[misc]  # argilla_server is not installed beside curator
    """One engine for the whole process: Argilla asks for a new one at each request."""

    def __init__(self, index: Index) -> None:
        """Answer from an index, whose owner closes it."""
        self._index = index
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="search")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index")

    async def new_instance(self) -> Engine:
        """Return this engine: what is registered is the engine itself, not its class."""
        return self

    async def close(self) -> None:
        """Do nothing: the engine outlives the request."""

    async def ping(self) -> bool:
        """Return True: a file needs no connection."""
        return True

    async def info(self) -> dict[str, Any]:
        """Return what Argilla's pages tell of the engine, in the form of its own engines."""
        version = {"number": sqlite3.sqlite_version, "distribution": "sqlite"}
        return {"name": NAME, "version": version}

    async def finish(self) -> None:
        """Wait for what is being written."""
        await self._write(lambda: None)

    # --- datasets ----------------------------------------------------------------------

    async def create_index(self, dataset: Any) -> None:
        """Make room for a dataset's records."""
        await self._write(self._index.create, str(dataset.id), _text_fields(dataset))

    async def delete_index(self, dataset: Any) -> None:
        """Forget a dataset."""
        await self._write(self._index.drop, str(dataset.id))

    async def configure_metadata_property(self, dataset: Any, metadata_property: Any) -> None:
        """Do nothing: all metadata are indexed, told beforehand or not."""

    async def configure_index_vectors(self, vector_settings: Any) -> None:
        """Do nothing: vectors are kept under the id of their settings."""

    # --- records -----------------------------------------------------------------------

    async def index_records(self, dataset: Any, records: Iterable[Any]) -> None:
        """Write records, in place of what was known of them."""
        fields = _text_fields(dataset)
        rows = [_row(record, fields) for record in records]
        await self._write(self._index.put, str(dataset.id), fields, rows)

    async def partial_record_update(self, record: Any, **update: Any) -> None:
        """Change columns of a record."""
        columns = {
            name: _time(value) if name in _TIMES else None if value is None else str(value)
            for name, value in update.items()
        }
        unknown = columns.keys() - set(conditions.COLUMNS)
        if unknown:
            raise ValueError(f"no column of a record: {', '.join(sorted(unknown))}")
        if columns:
            await self._write(self._index.update, str(record.id), columns)

    async def delete_records(self, dataset: Any, records: Iterable[Any]) -> None:
        """Forget records."""
        ids = [str(record.id) for record in records]
        await self._write(self._index.remove, str(dataset.id), ids)

    async def update_record_response(self, response: Any) -> None:
        """Write a response, in place of what was known of it."""
        await self._write(self._index.put_response, str(response.record_id), _response(response))

    async def delete_record_response(self, response: Any) -> None:
        """Forget a response."""
        await self._write(self._index.remove_response, str(response.id))

    async def update_record_suggestion(self, suggestion: Any) -> None:
        """Write a suggestion, in place of the one to the same question."""
        facts = _suggestion_facts(suggestion)
        await self._write(
            self._index.put_facts, str(suggestion.record_id), _prefix(suggestion), facts
        )

    async def delete_record_suggestion(self, suggestion: Any) -> None:
        """Forget a suggestion."""
        await self._write(self._index.put_facts, str(suggestion.record_id), _prefix(suggestion), {})

    # --- progress ----------------------------------------------------------------------

    async def get_dataset_progress(self, dataset: Any) -> dict[str, int]:
        """Return how many records there are, in all and of each status."""
        if dataset.is_draft:
            return {}
        counts = await self._read(self._index.statuses, str(dataset.id))
        return {"total": sum(counts.values()), **counts}

    async def get_dataset_user_progress(self, dataset: Any, user: Any) -> dict[str, int]:
        """Return how many responses of one user there are, in all and of each status."""
        if dataset.is_draft:
            return {}
        counts = await self._read(self._index.response_statuses, str(dataset.id), str(user.id))
        return {"total": sum(counts.values()), **counts}

    async def compute_metrics_for(self, metadata_property: Any) -> Any:
        """Return the values of a metadata property and their counts, or its bounds."""
        dataset, name = str(metadata_property.dataset_id), f"metadata.{metadata_property.name}"
        if metadata_property.type == MetadataPropertyType.terms:
            terms = await self._read(self._index.terms, dataset, name, _MOST_TERMS)
            return TermsMetrics(
                total=sum(count for _, count in terms),
                values=[TermsMetrics.TermCount(term=term, count=count) for term, count in terms],
            )
        low, high = await self._read(self._index.bounds, dataset, name)
        if metadata_property.type == MetadataPropertyType.integer:
            return IntegerMetadataMetrics(min=low, max=high)
        return FloatMetadataMetrics(min=low, max=high)

    # --- searching ---------------------------------------------------------------------

    async def search(
        self,
        dataset: Any,
        query: Any = None,
        filter: Any = None,  # noqa: A002 - Argilla's name
        sort: Sequence[Any] | None = None,
        offset: int = 0,
        limit: int = 100,
        user_id: Any = None,  # noqa: ARG002 - Argilla shuffles the queue by it; here it has an order
    ) -> Any:
        """Return a page of what a text and filters find, sorted."""
        known = str(dataset.id)
        match, field, where = _wanted(known, query, filter)
        order = [_order(known, one) for one in sort or ()]
        if not order and match is None:
            order = [conditions.by_fact(known, f"metadata.{QUEUE}", descending=False)]

        def search() -> Found:
            return self._index.search(
                known, where, match=match, field=field, order=order, offset=offset, limit=limit
            )

        return _responses(await self._read(search))

    async def similarity_search(
        self,
        dataset: Any,
        vector_settings: Any,
        value: Sequence[float] | None = None,
        record: Any = None,
        query: Any = None,
        filter: Any = None,  # noqa: A002 - Argilla's name
        max_results: int = 100,
        order: Any = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> Any:
        """Return the records nearest to a vector or to another record, which is left out."""
        if bool(value) == bool(record):
            raise ValueError("a vector or a record is needed, and not both")
        vector = value or record.vector_value_by_vector_settings(vector_settings)
        if not vector:
            raise ValueError("the record has no such vector")
        match, field, where = _wanted(str(dataset.id), query, filter)
        without = str(record.id) if record is not None else None

        def search() -> Found:
            return self._index.similar(
                str(dataset.id),
                str(vector_settings.id),
                vector,
                where,
                match=match,
                field=field,
                without=without,
                least=order == SimilarityOrder.least_similar,
                threshold=threshold,
                limit=max_results,
            )

        return _responses(await self._read(search))

    async def _read(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, *args)

    async def _write(self, function: Callable[..., None], *args: Any) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, function, *args)
        except BaseException:
            self._index.is_whole = False
            raise


# --- Argilla's objects as the index's -------------------------------------------------


def _text_fields(dataset: Any) -> list[str]:
    return [field.name for field in dataset.fields if not field.is_image]


def _row(record: Any, fields: Sequence[str]) -> Row:
    facts = {f"metadata.{name}": value for name, value in (record.metadata_ or {}).items()}
    for suggestion in record.suggestions or ():
        facts |= _suggestion_facts(suggestion)
    return Row(
        id=str(record.id),
        external_id=record.external_id,
        status=str(record.status) if record.status else None,
        inserted_at=_time(record.inserted_at),
        updated_at=_time(record.updated_at),
        texts={name: _text((record.fields or {}).get(name)) for name in fields},
        facts=facts,
        responses=tuple(_response(response) for response in record.responses or ()),
        vectors={str(v.vector_settings_id): as_bytes(v.value) for v in record.vectors or ()},
    )


def _text(value: Any) -> str:
    """Return what is read of a field: of a chat what was said, of anything else its text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(
            str(turn.get("content") or "") if isinstance(turn, dict) else str(turn)
            for turn in value
        )
    return str(value)


def _prefix(suggestion: Any) -> str:
    return f"suggestion.{suggestion.question.name}."


def _suggestion_facts(suggestion: Any) -> dict[str, Any]:
    names = ("value", "score", "agent", "type")
    told = {f"{_prefix(suggestion)}{name}": getattr(suggestion, name) for name in names}
    return {name: value for name, value in told.items() if value is not None}


def _response(response: Any) -> Response:
    values = {
        question: answer.get("value") if isinstance(answer, dict) else answer
        for question, answer in (response.values or {}).items()
    }
    return Response(str(response.id), str(response.user_id), str(response.status), values)


def _time(value: Any) -> float:
    """Return seconds since 1970; Argilla's times are UTC, whether they say so or not."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return float(value.timestamp())


# --- Argilla's queries as the index's -------------------------------------------------


def _wanted(dataset: str, query: Any, filters: Any) -> tuple[Match | None, str | None, Sql]:
    where = _filter(dataset, filters) if filters else Sql("1")
    if query is None:
        return None, None, where
    asked = TextQuery(q=query) if isinstance(query, str) else query
    match = parse(asked.q)
    # A query without a word finds nothing.
    return match, asked.field, where if match else Sql("0")


def _filter(dataset: str, asked: Any) -> Sql:
    if isinstance(asked, AndFilter):
        return all_of([_filter(dataset, one) for one in asked.filters])
    scope = asked.scope
    terms = isinstance(asked, TermsFilter)
    if not terms and not isinstance(asked, RangeFilter):
        raise TypeError(f"no such filter: {asked}")
    if isinstance(scope, RecordFilterScope):
        column = str(scope.property)
        if terms:
            return conditions.column_in(column, [_end(column, v) for v in asked.values])
        ends = [None if end is None else _end(column, end) for end in (asked.ge, asked.le)]
        return conditions.column_between(column, *ends)
    if isinstance(scope, ResponseFilterScope):
        user = str(scope.user.id) if scope.user else None
        if scope.question and terms:
            return conditions.answer_in(scope.question, user, asked.values)
        if scope.question:
            return conditions.answer_between(scope.question, user, asked.ge, asked.le)
        if terms:
            return conditions.response_status_in(user, [str(v) for v in asked.values])
        raise TypeError(f"no such filter: {asked}")
    name = _fact(scope)
    if terms:
        return conditions.fact_in(dataset, name, asked.values)
    return conditions.fact_between(dataset, name, asked.ge, asked.le)


def _order(dataset: str, asked: Any) -> Sql:
    scope, descending = asked.scope, asked.order == SortOrder.desc
    if isinstance(scope, RecordFilterScope):
        return conditions.by_column(str(scope.property), descending=descending)
    if isinstance(scope, ResponseFilterScope):
        user = str(scope.user.id) if scope.user else None
        if scope.question:
            return conditions.by_answer(scope.question, user, descending=descending)
        return conditions.by_response_status(user, descending=descending)
    return conditions.by_fact(dataset, _fact(scope), descending=descending)


def _fact(scope: Any) -> str:
    if isinstance(scope, MetadataFilterScope):
        return f"metadata.{scope.metadata_property}"
    if isinstance(scope, SuggestionFilterScope):
        return f"suggestion.{scope.question}.{scope.property}"
    raise TypeError(f"nothing to filter or sort by: {scope}")


def _end(column: str, value: Any) -> str | float:
    return _time(value) if column in _TIMES else str(value)


def _responses(found: Found) -> Any:
    items = [SearchResponseItem(record_id=UUID(id_), score=score) for id_, score in found.items]
    return SearchResponses(items=items, total=found.total)
