"""A review server for tests, and what a reviewer does in the browser, done by its interface."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import ReviewError
from curator.review.server import environment
from curator.review.server.process import end, start
from curator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx


@dataclass(frozen=True)
class ReviewServer:
    """Where a real Argilla server is, and an owner's key."""

    url: str
    key: str

    def client(self, key: str | None = None) -> httpx.Client:
        import httpx

        headers = {"X-Argilla-Api-Key": key or self.key}
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers=headers, timeout=60, trust_env=False
        )

    def dataset(self, name: str) -> dict[str, Any]:
        with self.client() as client:
            found = client.get("/me/datasets").json()["items"]
        return next(d for d in found if d["name"] == name)

    def records(self, name: str) -> list[dict[str, Any]]:
        """The records of a dataset in the order of the queue."""
        path = f"/datasets/{self.dataset(name)['id']}/records"
        params = {"limit": 1000, "include": ["responses", "suggestions", "vectors"]}
        with self.client() as client:
            found = client.get(path, params=params).json()["items"]
        return sorted(found, key=lambda r: r["metadata"]["queue"])

    def answer(self, record: dict[str, Any], key: str | None = None, status: str = "submitted",
               **values: Any) -> None:  # fmt: skip
        body = {"status": status, "values": {n: {"value": v} for n, v in values.items()}}
        with self.client(key) as client:
            client.post(f"/records/{record['id']}/responses", json=body).raise_for_status()

    def delete(self, record: dict[str, Any]) -> None:
        with self.client() as client:
            client.delete(f"/records/{record['id']}").raise_for_status()

    def person(self, role: str, workspace: str = "curator") -> dict[str, Any]:
        """A new user of the workspace, with a key."""
        name = f"{role}-{secrets.token_hex(3)}"
        body = {
            "username": name,
            "first_name": name,
            "role": role,
            "password": secrets.token_hex(8),
        }
        with self.client() as client:
            made = client.post("/users", json=body)
            made.raise_for_status()
            spaces = client.get("/me/workspaces").json()["items"]
            space = next(s["id"] for s in spaces if s["name"] == workspace)
            client.post(
                f"/workspaces/{space}/users", json={"user_id": made.json()["id"]}
            ).raise_for_status()
            return made.json()


def server_python() -> Path:
    """The Python of the server's own environment; the test skips where it cannot be made."""
    try:
        return environment.python(lambda _: None)
    except ReviewError as error:
        pytest.skip(f"{error.message}; {error.hint}")


@pytest.fixture(scope="session")
def review_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewServer]:
    """The server that `review serve` starts, in a project of its own."""
    folder = tmp_path_factory.mktemp("review-server")
    (folder / "curator.yaml").write_text("sources: []\n", encoding="utf-8")
    server_python()
    started = start(Workspace(folder), port=0, tell=lambda _: None)
    try:
        yield ReviewServer(started.server.url, started.server.api_key)
    finally:
        end(started.process)
