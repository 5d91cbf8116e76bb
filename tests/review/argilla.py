"""A client of Argilla's HTTP interface, for tests and benchmarks, and a dataset of every kind."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Argilla:
    """One user of a server; keeps its connection."""

    def __init__(self, url: str, api_key: str | None, **headers: str) -> None:
        self.where = urlsplit(url)
        self.headers = {"X-Argilla-Api-Key": api_key, **headers} if api_key else headers
        self.connection = http.client.HTTPConnection(
            self.where.hostname or "", self.where.port, timeout=120
        )
        self.used = 0.0

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        """Ask once; the answer may be a refusal."""
        headers, sent = dict(self.headers), None
        if isinstance(body, bytes):
            sent = body
        elif body is not None:
            sent = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if time.monotonic() - self.used > 2:  # the server may have closed it
            self.connection.close()
        target = path + (f"?{urlencode(query)}" if query else "")
        try:
            self.connection.request(method, target, body=sent, headers=headers)
            got = self.connection.getresponse()
            self.used = time.monotonic()
            told = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, told, got.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def do(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Ask, and return what is answered; a refusal is an error."""
        answer = self.ask(method, f"/api/v1{path}", body, **query)
        assert answer.status < 300, (method, path, answer.status, answer.body[:1000])
        return answer.json if answer.body else None

    # --- datasets --------------------------------------------------------------------

    def dataset(
        self,
        name: str,
        *,
        fields: Mapping[str, Mapping[str, Any]],
        questions: Mapping[str, Mapping[str, Any]],
        metadata: Mapping[str, str] | None = None,
        vectors: Mapping[str, int] | None = None,
        min_submitted: int = 1,
    ) -> Dataset:
        """Make a dataset and publish it."""
        room = self.do("GET", "/me/workspaces")["items"][0]["id"]
        made = self.do(
            "POST",
            "/datasets",
            {
                "name": name,
                "workspace_id": room,
                "distribution": {"strategy": "overlap", "min_submitted": min_submitted},
            },
        )
        base = f"/datasets/{made['id']}"
        for field, settings in fields.items():
            what = {"name": field, "title": field, "required": False, "settings": settings}
            self.do("POST", f"{base}/fields", what)
        ids = {}
        for question, settings in questions.items():
            what = {"name": question, "title": question, "settings": settings}
            what["required"] = not ids  # Argilla wants one that is
            ids[question] = self.do("POST", f"{base}/questions", what)["id"]
        for prop, kind in (metadata or {}).items():
            what = {"name": prop, "title": prop, "settings": {"type": kind}}
            self.do("POST", f"{base}/metadata-properties", what)
        for vector, dimensions in (vectors or {}).items():
            what = {"name": vector, "title": vector, "dimensions": dimensions}
            self.do("POST", f"{base}/vectors-settings", what)
        self.do("PUT", f"{base}/publish")
        return Dataset(self, made["id"], ids)


@dataclass
class Dataset:
    """A dataset as one user sees it."""

    user: Argilla
    id: str
    questions: dict[str, str]

    def seen_by(self, user: Argilla) -> Dataset:
        return Dataset(user, self.id, self.questions)

    def suggestion(self, question: str, value: Any, **more: Any) -> dict[str, Any]:
        return {"question_id": self.questions[question], "value": value, **more}

    def push(
        self, records: Sequence[Mapping[str, Any]], *, batch: int = 250, method: str = "POST"
    ) -> list[str]:
        """Send records; return their ids."""
        ids: list[str] = []
        for at in range(0, len(records), batch):
            body = {"items": records[at : at + batch]}
            told = self.user.do(method, f"/datasets/{self.id}/records/bulk", body)
            ids += [record["id"] for record in told["items"]]
        return ids

    def search(
        self,
        text: str | None = None,
        *,
        field: str | None = None,
        filters: Sequence[Mapping[str, Any]] = (),
        sort: Sequence[Mapping[str, Any]] = (),
        vector: Mapping[str, Any] | None = None,
        limit: int = 1000,
        offset: int = 0,
        everybody: bool = False,
        **query: Any,
    ) -> tuple[list[str], int]:
        """Search as a reviewer does; return the records' own ids, in order, and how many."""
        told = self.raw_search(
            text,
            field=field,
            filters=filters,
            sort=sort,
            vector=vector,
            limit=limit,
            offset=offset,
            everybody=everybody,
            **query,
        )
        return [item["record"]["external_id"] for item in told["items"]], told["total"]

    def raw_search(
        self,
        text: str | None = None,
        *,
        field: str | None = None,
        filters: Sequence[Mapping[str, Any]] = (),
        sort: Sequence[Mapping[str, Any]] = (),
        vector: Mapping[str, Any] | None = None,
        limit: int = 1000,
        offset: int = 0,
        everybody: bool = False,
        **query: Any,
    ) -> Any:
        body: dict[str, Any] = {}
        if text is not None:
            body["query"] = {"text": {"q": text} | ({"field": field} if field else {})}
        if vector is not None:
            body.setdefault("query", {})["vector"] = vector
        if filters:
            body["filters"] = {"and": list(filters)}
        if sort:
            body["sort"] = list(sort)
        who = "" if everybody else "/me"
        path = f"{who}/datasets/{self.id}/records/search"
        return self.user.do("POST", path, body, limit=limit, offset=offset, **query)

    def respond(self, record: str, values: Mapping[str, Any], status: str = "submitted") -> Any:
        """Answer a record by its id of the server."""
        answers = {question: {"value": value} for question, value in values.items()}
        body = {"status": status, "values": answers}
        return self.user.do("POST", f"/records/{record}/responses", body)

    def progress(self) -> Any:
        return self.user.do("GET", f"/datasets/{self.id}/progress")

    def own_progress(self) -> Any:
        return self.user.do("GET", f"/me/datasets/{self.id}/metrics")["responses"]

    def records(self, **query: Any) -> Iterator[Any]:
        """Yield all records, page by page."""
        offset = 0
        while True:
            path = f"/datasets/{self.id}/records"
            told = self.user.do("GET", path, limit=500, offset=offset, **query)
            yield from told["items"]
            offset += len(told["items"])
            if not told["items"]:
                return


def scope(entity: str, **more: Any) -> dict[str, Any]:
    """Return what a filter or a sort is about."""
    return {"entity": entity, **more}


def terms(about: Mapping[str, Any], *values: Any) -> dict[str, Any]:
    return {"type": "terms", "scope": dict(about), "values": list(values)}


def between(about: Mapping[str, Any], ge: Any = None, le: Any = None) -> dict[str, Any]:
    ends = {name: end for name, end in (("ge", ge), ("le", le)) if end is not None}
    return {"type": "range", "scope": dict(about), **ends}


def ordered(about: Mapping[str, Any], order: str = "asc") -> dict[str, Any]:
    return {"scope": dict(about), "order": order}


TEXT = {"type": "text"}
CHAT = {"type": "chat"}
LABELS = ("keep", "fix", "drop")


def choice(*labels: str) -> dict[str, Any]:
    """A question with one answer of several."""
    options = [{"value": label, "text": label} for label in labels or LABELS]
    return {"type": "label_selection", "options": options}


def choices(*labels: str) -> dict[str, Any]:
    """A question with any of several answers."""
    return choice(*labels) | {"type": "multi_label_selection"}


def rating() -> dict[str, Any]:
    return {"type": "rating", "options": [{"value": n} for n in range(6)]}
