"""The Argilla server: the one place that speaks to it. Its refusals become errors of two lines.

The SDK connects and makes datasets; records go over its HTTP client by the documented
interface, since the SDK neither tells when an answer was given nor sends a change alone.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from curator.errors import ReviewError
from curator.review.questions import FIELDS, QUESTIONS, TAG_WORDS, VERDICTS
from curator.review.settings import settings
from curator.verdicts import TAGS, VERDICT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAGE = 250
"""How many records are asked for or sent at a time; a server takes 500."""
_DEFAULT = "curator"
_RESUME = "then run the same command again: it goes on where it stopped"


@dataclass(frozen=True, slots=True)
class Target:
    """Where reviews happen. The key is never shown: it is left out of the representation."""

    url: str
    key: str
    workspace: str | None = None

    def __repr__(self) -> str:
        return f"Target({self.url!r}, workspace={self.workspace!r})"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset on the server; `vectors` are those that it takes, and how long they are."""

    id: str
    name: str
    url: str
    vectors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record on the server: its name there, what it carries, what people answered.

    `id` is the server's own, `responses` are as the server tells them.
    """

    id: str
    name: str
    metadata: Mapping[str, Any]
    responses: tuple[Mapping[str, Any], ...] = ()


class Server:
    """A connection to an Argilla server, and one of its workspaces.

    Raises:
        ReviewError: there is no answer, the key is wrong, its owner may not push and pull,
            or it is not clear which workspace is meant.

    """

    def __init__(self, target: Target) -> None:
        sdk = _sdk()
        if "@" in urlsplit(target.url).netloc:
            raise ReviewError(
                "--url holds a name or a password", "leave them out: the key is all that is needed"
            )
        self.url = target.url.rstrip("/")
        with self._asking():
            more = {"trust_env": False} if _is_here(self.url) else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._client = sdk.Argilla(
                    api_url=self.url, api_key=target.key, timeout=120, retries=2, **more
                )
            me = self._client.me
            if str(getattr(me.role, "value", me.role)) not in {"owner", "admin"}:
                raise ReviewError(
                    f"{self.url}: {me.username} is an annotator there and may not push or pull",
                    "use the key of an owner or of an admin of the workspace",
                )
            self._workspace = self._chosen(target.workspace)

    def _chosen(self, asked: str | None) -> Any:
        spaces = {space.name: space for space in self._client.workspaces}
        name = asked or (_DEFAULT if _DEFAULT in spaces else None)
        if name is None and len(spaces) == 1:
            (name,) = spaces
        if name not in spaces:
            raise ReviewError(
                f"{self.url}: no workspace {asked}" if asked else f"{self.url}: which workspace?",
                f"name one with --workspace: {', '.join(sorted(spaces)) or 'there is none yet'}",
            )
        return spaces[name]

    @property
    def workspace(self) -> str:
        """The name of the workspace."""
        return str(self._workspace.name)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what goes wrong between here and the server into two lines."""
        import argilla._exceptions as refusals  # noqa: PLC0415 - only reviewing needs it
        import httpx  # noqa: PLC0415 - as above

        try:
            yield
        except (refusals.ArgillaCredentialsError, refusals.UnauthorizedError):
            raise ReviewError(*_wrong_key(self.url)) from None
        except httpx.HTTPStatusError as error:
            raise ReviewError(*_refused(self.url, error.response.status_code)) from None
        except refusals.ForbiddenError:
            raise ReviewError(*_refused(self.url, 403)) from None
        except refusals.ArgillaAPIError as error:
            raise ReviewError(*_refused(self.url, error.status_code)) from None
        except refusals.ArgillaError as error:
            if isinstance(error.__cause__, httpx.TransportError):
                raise ReviewError(*_no_answer(self.url, error.__cause__)) from None
            raise ReviewError(
                f"{self.url}: Argilla's client refuses ({type(error).__name__})",
                "check --url: is an Argilla server of version 2 there?",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ReviewError(*_no_answer(self.url, error)) from None
        except ValueError as error:
            raise ReviewError(
                f"{self.url}: an answer that is no Argilla server's ({type(error).__name__})",
                "check --url: is an Argilla server of version 2 there?",
            ) from None

    def datasets(self, prefix: str) -> list[Dataset]:
        """Return the datasets whose name begins so, of those that are ready for records."""
        with self._asking():
            found = self._client.api.datasets.list(self._workspace.id)
        return [
            self._dataset(model)
            for model in sorted(found, key=lambda model: str(model.name))
            if model.name.startswith(prefix) and model.status == "ready"
        ]

    def _dataset(self, model: Any) -> Dataset:
        # The queue first: without a sort a server shows each person another order.
        page = f"{self.url}/dataset/{model.id}/annotation-mode?sort=metadata.queue.asc"
        return Dataset(str(model.id), str(model.name), page)

    def _with_vectors(self, dataset: Dataset) -> Dataset:
        told = self._call("GET", f"/datasets/{dataset.id}/vectors-settings")["items"]
        return replace(dataset, vectors={one["name"]: one["dimensions"] for one in told})

    def ensure(
        self, name: str, *, dimensions: int | None, language: str, min_submitted: int
    ) -> Dataset:
        """Return the dataset of this name, made where it is not there yet.

        Raises:
            ReviewError: a dataset of this name shows or asks something else.

        """
        with self._asking(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            there = [
                model
                for model in self._client.api.datasets.list(self._workspace.id)
                if model.name == name
            ]
            if there and there[0].status != "ready":
                # Half made by a push that was killed; records come after that, so it holds none.
                self._client.api.datasets.delete(there[0].id)
                there = []
            if not there:
                made = (
                    _sdk()
                    .Dataset(
                        name=name,
                        workspace=self._workspace,
                        settings=settings(_sdk(), dimensions, language, min_submitted),
                        client=self._client,
                    )
                    .create()
                )
                return self._with_vectors(self._dataset(made.api_model()))
            dataset = self._with_vectors(self._dataset(there[0]))
            held = {
                question.name: {o["value"] for o in (question.settings.options or [])}
                if hasattr(question.settings, "options")
                else set()
                for question in self._client.api.questions.list(there[0].id)
            }
            shown = {model.name for model in self._client.api.fields.list(there[0].id)}
        wrong = [n for n in QUESTIONS if n not in held] + [n for n in FIELDS if n not in shown]
        wrong += [VERDICT] if held.get(VERDICT, set(VERDICTS)) != set(VERDICTS) else []
        wrong += [TAGS] if held.get(TAGS, set(TAG_WORDS)) != set(TAG_WORDS) else []
        if wrong:
            raise ReviewError(
                f"{self.url}: the dataset {name} is not as curator makes it ({wrong[0]})",
                "pull, then delete that dataset there and push again: what was pulled stays",
            )
        return dataset

    def records(self, dataset: Dataset, *, responses: bool = False) -> Iterator[Stored]:
        """Yield the dataset's records, page by page, oldest first."""
        offset = 0
        while True:
            params: dict[str, Any] = {"offset": offset, "limit": PAGE}
            if responses:
                params["include"] = ["responses"]
            told = self._call("GET", f"/datasets/{dataset.id}/records", params=params)["items"]
            for record in told:
                yield Stored(
                    str(record["id"]),
                    str(record.get("external_id") or ""),
                    record.get("metadata") or {},
                    tuple(record.get("responses") or ()),
                )
            offset += len(told)
            if len(told) < PAGE:
                return

    def send(self, dataset: Dataset, records: Sequence[Mapping[str, Any]]) -> None:
        """Add records, or change what is given of those that are there under the same name."""
        if records:
            self._call("PUT", f"/datasets/{dataset.id}/records/bulk", json={"items": list(records)})

    def delete(self, dataset: Dataset, records: Sequence[Stored]) -> None:
        """Delete records for good."""
        for low in range(0, len(records), 100):
            ids = ",".join(record.id for record in records[low : low + 100])
            self._call("DELETE", f"/datasets/{dataset.id}/records", params={"ids": ids})

    def question_ids(self, dataset: Dataset) -> dict[str, str]:
        """Return the server's id of each question, by its name."""
        told = self._call("GET", f"/datasets/{dataset.id}/questions")["items"]
        return {question["name"]: question["id"] for question in told}

    def users(self) -> dict[str, str]:
        """Return the names of the people who may review, by the server's id."""
        told: list[dict[str, Any]] = []
        for path in ("/users", f"/workspaces/{self._workspace.id}/users"):
            # An admin may not list all users, but those of the workspace.
            try:
                told += self._call("GET", path)["items"]
            except ReviewError:
                continue
        return {user["id"]: user["username"] for user in told}

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        with self._asking():
            answer = self._client.http_client.request(method, f"/api/v1{path}", **more)
            answer.raise_for_status()
            told: dict[str, Any] = answer.json() if answer.content else {}
            return told


def moment(stamp: str) -> str:
    """Return a server's time stamp in one form: UTC, to the microsecond."""
    at = dt.datetime.fromisoformat(stamp)
    at = at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    return at.isoformat(timespec="microseconds")


def _sdk() -> Any:
    try:
        import argilla  # noqa: PLC0415 - an extra, and only reviewing needs it
    except ImportError:
        raise ReviewError(
            "Argilla's client is not installed",
            "run: pip install 'curator-data[review]'; without it: curator review sheet export",
        ) from None
    # It would tell of what goes wrong in words of its own, beside the two lines.
    logging.getLogger("argilla.sdk").setLevel(logging.CRITICAL)
    return argilla


def _is_here(url: str) -> bool:
    """Tell whether a server is on this machine; no proxy is asked for the way there."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_answer(url: str, error: Exception) -> tuple[str, str]:
    return (
        f"{url}: no answer ({type(error).__name__})",
        f"start the server (curator review serve) or check --url, {_RESUME}",
    )


def _wrong_key(url: str) -> tuple[str, str]:
    return (
        f"{url}: the key is not one of that server's",
        "give the key of an owner or admin: CURATOR_ARGILLA_KEY, --api-key-file, or --api-key",
    )


def _refused(url: str, status: int) -> tuple[str, str]:
    if status == 401:
        return _wrong_key(url)
    if status == 403:
        return (
            f"{url}: the owner of this key may not do that",
            "use the key of an owner or of an admin of the workspace",
        )
    if status == 404:
        return (
            f"{url}: that is not there (any more), or no Argilla server is (404)",
            f"check --url and --workspace, {_RESUME}",
        )
    if status >= 500:
        return (f"{url}: the server failed ({status})", f"look into its log, {_RESUME}")
    return (
        f"{url}: the server refuses what was sent ({status})",
        "is it of version 2.8? what was sent so far stays there, and nothing is sent twice",
    )
