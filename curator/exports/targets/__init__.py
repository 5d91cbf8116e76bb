"""Vector tables that follow the RAG corpus: one file a kind, behind one protocol."""

from __future__ import annotations

import contextlib
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import TargetError
from curator.exports.targets.protocol import Place, in_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.exports.targets.protocol import Target
    from curator.schema import RagTarget

_CLASSES = {
    "lancedb": "curator.exports.targets.lance:Lance",
    "qdrant": "curator.exports.targets.qdrant:Qdrant",
    "chroma": "curator.exports.targets.chroma:Chroma",
    "faiss": "curator.exports.targets.flat:Faiss",
    "pgvector": "curator.exports.targets.postgres:Postgres",
}
_BROUGHT = "curator.exports.targets.brought:Brought"


def place_of(settings: RagTarget, root: Path, project: str) -> Place:
    """Return where a table lies; a relative folder starts at the project's `root`."""
    kind, table = settings.kind, settings.table or project
    if settings.url is not None:
        shown = re.sub(r"//[^/@]*@", "//", settings.url)
        return Place(kind, table, shown, url=settings.url, key_env=settings.key_env)
    shown = settings.path or f"exports/tables/{kind}"
    return Place(kind, table, shown, path=root / Path(shown).expanduser())


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Target]:
    """Give the table, held for writing: nobody else syncs a folder meanwhile.

    Raises:
        TargetError: its library is not installed, it cannot be reached, or is in use.

    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - reading verbs need no lock

    module, _, name = _CLASSES.get(place.kind, _BROUGHT).partition(":")
    with contextlib.ExitStack() as stack:
        if place.path is not None:
            try:
                place.path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(place.path.with_name(f"{place.path.name}.lock"), timeout=0)
                stack.enter_context(lock)
            except Timeout:
                raise in_use(place) from None
            except OSError as error:
                raise TargetError(
                    f"{place}: cannot be written ({error.strerror})",
                    "check the folder and its permissions, or name another with path:",
                ) from None
        try:
            cls = getattr(import_module(module), name)
            target: Target = stack.enter_context(cls(place))
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("curator"):
                raise
            raise TargetError(
                f"the target {place.kind} needs the package {error.name}",
                f"install it: pip install 'curator-data[rag-{place.kind}]'",
            ) from None
        yield target
