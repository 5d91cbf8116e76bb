"""A review server for tests, and what a reviewer does in the browser, done by its interface.

Until the project's own server can be started here, one that runs is named by
CURATOR_ARGILLA_URL and CURATOR_ARGILLA_KEY (an owner's); tests that need it skip without.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
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


@pytest.fixture(scope="session")
def review_server() -> ReviewServer:
    """A real server; swap this for one that is started here."""
    url, key = os.environ.get("CURATOR_ARGILLA_URL"), os.environ.get("CURATOR_ARGILLA_KEY")
    if not url or not key:
        pytest.skip("no review server (CURATOR_ARGILLA_URL, CURATOR_ARGILLA_KEY)")
    return ReviewServer(url.rstrip("/"), key)
