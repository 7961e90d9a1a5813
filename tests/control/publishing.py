"""A database with the tables of publishing alone, and what tests write into it."""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Table, func, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from control.db import Base, Database
from control.publishing import models
from control.publishing.journal import read_lineage
from control.publishing.outbox import Appended, Change, LineagePoint, append

_POSTGRES = os.environ.get("TURNOUT_TEST_POSTGRES_URL", "")
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


async def database_url(folder: Path) -> str:
    """URL of the database that belongs to `folder`: a file in it, or one of the PostgreSQL under test."""
    if not _POSTGRES:
        return f"sqlite:///{folder / 'control.db'}"
    await _administer(f"CREATE DATABASE {_name(folder)}", unless_exists=_name(folder))
    return make_url(_POSTGRES).set(database=_name(folder)).render_as_string(hide_password=False)


async def copy_of(db: Database, folder: Path, target: Path) -> str:
    """Copy the database of `folder`, as a backup does, to `target`; return the copy's URL."""
    await db.close()  # PostgreSQL copies only what nobody is connected to
    if _POSTGRES:
        await _administer(f"CREATE DATABASE {_name(target)} TEMPLATE {_name(folder)}")
        return await database_url(target)
    _copy_sqlite(folder, target)
    return await database_url(target)


def _copy_sqlite(folder: Path, target: Path) -> None:
    target.mkdir()
    with (
        contextlib.closing(sqlite3.connect(folder / "control.db")) as source,
        contextlib.closing(sqlite3.connect(target / "control.db")) as copy,
    ):
        source.backup(copy)


def _name(folder: Path) -> str:
    return f"publishing_{zlib.crc32(str(folder).encode()):08x}"


async def _administer(statement: str, unless_exists: str = "") -> None:
    engine = create_async_engine(make_url(_POSTGRES).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        exists = text("SELECT 1 FROM pg_database WHERE datname = :name")
        if not await connection.scalar(exists, {"name": unless_exists}):
            await connection.execute(text(statement))
    await engine.dispose()


async def create_tables(db: Database) -> None:
    """Make what is missing."""
    tables = [model.__table__ for model in _MODELS]
    assert all(isinstance(table, Table) for table in tables)
    async with db.write() as session:
        connection = await session.connection()
        await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=tables))  # type: ignore[arg-type]


async def commit(db: Database, *changes: Change) -> int:
    """Commit one transaction that publishes `changes`; return its sequence."""
    return (await committed(db, *changes)).sequence


async def committed(db: Database, *changes: Change) -> Appended:
    """Commit one transaction that publishes `changes`, and return all that is known of it."""
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


async def bodies_of(db: Database) -> bytes:
    """All bodies that SQL keeps, one after the other."""
    async with db.read() as session:
        return b"".join(body or b"" for body in await session.scalars(select(models.OutboxRow.body)))


async def row_count(db: Database) -> int:
    """How many bodies SQL keeps."""
    async with db.read() as session:
        return await session.scalar(select(func.count()).select_from(models.OutboxRow)) or 0
