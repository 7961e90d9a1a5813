"""A database with the tables of publishing alone, and what tests write into it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.db import Base, Database
from control.publishing import models
from control.publishing.journal import read_lineage
from control.publishing.outbox import Change, LineagePoint, append

_MODELS = (models.Lineage, models.PublishedTransaction, models.OutboxRow, models.RebuildLease)


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """An open database at `url`, its tables made where they are missing."""
    db = Database.open(url)
    try:
        await create_tables(db)
        yield db
    finally:
        await db.close()


def sqlite_url(folder: Path) -> str:
    """URL of a database file in `folder`."""
    return f"sqlite:///{folder / 'control.db'}"


async def create_tables(db: Database) -> None:
    """Make what is missing."""
    tables = [model.__table__ for model in _MODELS]
    assert all(isinstance(table, Table) for table in tables)
    async with db.write() as session:
        connection = await session.connection()
        await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=tables))  # type: ignore[arg-type]


async def commit(db: Database, *changes: Change) -> int:
    """Commit one transaction that publishes `changes`."""
    async with db.write() as session:
        return await append(session, changes)


def put(key: str, number: int = 1) -> Change:
    """A change whose body says which edit it is."""
    return Change(key, b'{"n":%d}' % number)


def drop(key: str) -> Change:
    """A change that deletes."""
    return Change(key, None)


async def lineage_of(db: Database) -> LineagePoint:
    """Where publishing stands."""
    async with db.read() as session:
        return await read_lineage(session)


async def truth_of(db: Database) -> dict[str, tuple[int, bytes | None]]:
    """The newest sequence and body of every key that SQL names."""
    async with db.read() as session:
        return await _truth(session)


async def _truth(session: AsyncSession) -> dict[str, tuple[int, bytes | None]]:
    row = models.OutboxRow
    rows = await session.execute(select(row.key, row.sequence, row.body).order_by(row.sequence, row.place))
    return {key: (sequence, body) for key, sequence, body in rows}


async def row_count(db: Database) -> int:
    """How many bodies SQL keeps."""
    async with db.read() as session:
        return await session.scalar(select(func.count()).select_from(models.OutboxRow)) or 0
