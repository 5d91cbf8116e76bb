"""The server's own database: brought up to date, given its accounts, read for the index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .engine import Engine
    from .index import Index

_BATCH = 200


class ForeignDatabaseError(Exception):
    """The database was made by another version of the server, and cannot be brought up to date."""


def migrate(path: Path) -> None:
    """Make the database or bring it up to date.

    Raises:
        ForeignDatabaseError: it comes from a version that this one does not know.

    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from argilla_server.database import ALEMBIC_CONFIG_FILE

    config = Config(ALEMBIC_CONFIG_FILE)
    scripts = ScriptDirectory.from_config(config)
    with closing(sqlite3.connect(path)) as con:
        # Reviewers read while others write; kept in the file.
        con.execute("PRAGMA journal_mode = WAL")
        tables = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'alembic_version'"
        told = con.execute(tables).fetchone()[0]
        found = con.execute("SELECT version_num FROM alembic_version").fetchone() if told else None
    if found and found[0] == scripts.get_current_head():
        return
    if found and found[0] not in {script.revision for script in scripts.walk_revisions()}:
        raise ForeignDatabaseError(found[0])
    command.upgrade(config, "head")


async def make_accounts(accounts: Mapping[str, Any]) -> None:
    """Let the accounts be as they are told: who is missing is made, a new key replaces an old."""
    from argilla_server.contexts.accounts import hash_password
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import User, UserRole, Workspace

    roles = [(accounts["owner"], UserRole.owner)]
    roles += [(reviewer, UserRole.annotator) for reviewer in accounts["reviewers"]]
    async with AsyncSessionLocal() as db:
        name = accounts["workspace"]
        room = await Workspace.get_by(db, name=name) or await Workspace.create(db, name=name)
        for account, role in roles:
            user = await User.get_by(db, username=account["username"])
            if user is not None and user.api_key == account["api_key"]:
                continue
            secrets = {
                "api_key": account["api_key"],
                "password_hash": hash_password(account["password"]),
            }
            if user is not None:
                await user.update(db, **secrets)
                continue
            await User.create(
                db,
                username=account["username"],
                first_name=account["username"],
                role=role,
                workspaces=[room],
                **secrets,
            )


async def fill(index: Index, engine: Engine) -> int:
    """Bring an index that is not whole to what the database holds; return the records written.

    The statuses of records are worked out anew as well, since a process that was killed
    between an answer and what follows from it left them as they were.
    """
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.jobs.dataset_jobs import update_dataset_records_status_job
    from argilla_server.models import Dataset
    from sqlalchemy import select
    from sqlalchemy.orm import selectinload

    async with AsyncSessionLocal() as db:
        chosen = select(Dataset).options(selectinload(Dataset.fields))
        datasets = [one for one in (await db.scalars(chosen)).all() if not one.is_draft]
    written = 0
    for dataset in datasets:
        if index.is_whole and await _agrees(index, dataset):
            continue
        await update_dataset_records_status_job(dataset.id)
        await engine.delete_index(dataset)
        await engine.create_index(dataset)
        written += await _fill(engine, dataset)
    index.is_whole = True
    return written


async def _agrees(index: Index, dataset: Any) -> bool:
    """Return whether the index knows as many records and responses as the database."""
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import Record, Response
    from sqlalchemy import func, select

    of_dataset = Record.dataset_id == dataset.id
    responses = select(func.count(Response.id)).join(Record).where(of_dataset)
    async with AsyncSessionLocal() as db:
        records = await db.scalar(select(func.count(Record.id)).where(of_dataset))
        return index.sizes(str(dataset.id)) == (records, await db.scalar(responses))


async def _fill(engine: Engine, dataset: Any) -> int:
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import Record, Suggestion
    from sqlalchemy import select
    from sqlalchemy.orm import selectinload

    in_order = select(Record.id).where(Record.dataset_id == dataset.id)
    async with AsyncSessionLocal() as db:
        ids = (await db.scalars(in_order.order_by(Record.inserted_at, Record.id))).all()
    whole = select(Record).options(
        selectinload(Record.responses),
        selectinload(Record.suggestions).selectinload(Suggestion.question),
        selectinload(Record.vectors),
    )
    for at in range(0, len(ids), _BATCH):
        part = ids[at : at + _BATCH]
        async with AsyncSessionLocal() as db:  # a batch is all that memory has to hold
            found = {r.id: r for r in await db.scalars(whole.where(Record.id.in_(part)))}
            await engine.index_records(dataset, [found[id_] for id_ in part])
    return len(ids)
