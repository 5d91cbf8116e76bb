"""How far the reviewers are, asked of a running server."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from curator.errors import ReviewError

if TYPE_CHECKING:
    from curator.review.server.state import Server


@dataclass(frozen=True, slots=True)
class DatasetProgress:
    """One dataset of the server: its records, and how many of them are answered."""

    name: str
    records: int
    completed: int


def progress(server: Server) -> list[DatasetProgress]:
    """Return the progress of every published dataset, by name.

    Raises:
        ReviewError: the server gives no answer.

    """
    counted = []
    for dataset in _get(server, "/api/v1/me/datasets")["items"]:
        if dataset["status"] == "ready":
            told = _get(server, f"/api/v1/datasets/{dataset['id']}/progress")
            counted.append(DatasetProgress(dataset["name"], told["total"], told["completed"]))
    return sorted(counted, key=lambda one: one.name)


def _get(server: Server, path: str) -> Any:
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    try:
        connection.request("GET", path, headers={"X-Argilla-Api-Key": server.api_key})
        answer = connection.getresponse()
        if answer.status == http.client.OK:
            return json.load(answer)
        why = f"status {answer.status}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = type(error).__name__
    finally:
        connection.close()
    raise ReviewError(
        f"the review server at {server.url} gives no answer ({why})",
        "stop it and start it again: curator review stop, curator review serve",
    )
