"""The two databases: sessions for readers, and for one writer at a time.

SQLite and PostgreSQL behave alike here. A write holds the database's writer lock from its first statement (SQLite:
`BEGIN IMMEDIATE`; PostgreSQL: an advisory lock), so that what a writer read is still true when it commits, and so that
the order in which numbers are taken is the order of commits.
"""

import ssl
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import JSON, URL, BigInteger, Connection, Integer, MetaData, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from control import sqlite

BUSY_TIMEOUT_MS: Final = 10_000
_READERS: Final = 5
_JSON_READ: Final[dict[str, Any]] = {"json_deserializer": orjson.loads}
"""A page of history reads forty revisions of a hundred rules: Python's own reader takes longer than the database."""
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_TLS_WORDS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_TLS_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

RowNumber: Final = BigInteger().with_variant(Integer, "sqlite")
"""Type of an automatic row number: SQLite numbers only an INTEGER PRIMARY KEY."""


class Base(DeclarativeBase):
    """Tables of the configuration database. Times are integers: milliseconds since 1970 UTC."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012  # SQLAlchemy reads it from the class


class ClicksBase(DeclarativeBase):
    """Tables of the clicks database, a file of its own under SQLite; same conventions as `Base`."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012  # SQLAlchemy reads it from the class


class UnusableDatabase(Exception):
    """A database URL that names nothing this program can open; the text says why in one sentence."""


def now_ms() -> int:
    """Return the time as it is stored: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Database:
    """One database and its doors: `read`, `glance` for one question, and `write`."""

    def __init__(self, readers: AsyncEngine, writer: AsyncEngine, lock: str) -> None:
        """Take the engines (over one pool under PostgreSQL) and the name of the writer lock."""
        self._readers = readers
        self.writer = writer
        self.dialect = writer.dialect.name
        self._lock_id = zlib.crc32(lock.encode())
        self._reading = async_sessionmaker(readers, expire_on_commit=False, autoflush=False)
        self._writing = async_sessionmaker(writer, expire_on_commit=False)

    @classmethod
    def open(cls, url: str, lock: str = "turnout:config") -> "Database":
        """Return the database at `url` (`sqlite:///path` or `postgresql://...`). Raises UnusableDatabase.

        Nothing is connected yet. `lock` names the writer lock where several databases share one PostgreSQL.
        """
        parsed = _parse(url)
        if parsed.get_backend_name() == "postgresql":
            parsed, tls = _tls(parsed)
            engine = create_async_engine(
                parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, connect_args=tls, **_JSON_READ
            )
            moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            return cls(moment, engine, lock)
        _require_folder(parsed)
        given: dict[str, Any] = {"connect_args": {"async_creator_fn": sqlite.Connection.open}, **_JSON_READ}
        readers = create_async_engine(parsed, pool_size=_READERS, max_overflow=_READERS, **given)
        writer = create_async_engine(parsed, pool_size=1, max_overflow=0, **given)
        for engine, begin in ((readers, sqlite.BEGIN_READING), (writer, sqlite.BEGIN_WRITING)):
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_with(begin))
        return cls(readers, writer, lock)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Give a session that sees one moment's state and is never to write; it is rolled back."""
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for one question of columns: without a session it is a third cheaper."""
        async with self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give the writer's session: committed on leaving, rolled back on any error.

        One writer at a time: keep it short, do no network in it, and never open a second one inside it.
        """
        async with self._writing() as session, session.begin():
            await self.lock_writers(session)
            yield session

    async def lock_writers(self, session: AsyncSession) -> None:
        """Hold the writer lock until the end of the transaction; SQLite's first statement takes it by itself."""
        if self.dialect == "postgresql":
            await session.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": self._lock_id})

    async def close(self) -> None:
        """Close every connection."""
        await self._readers.dispose()
        await self.writer.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except Exception as exc:
        raise UnusableDatabase("the database URL is not a URL such as sqlite:///path or postgresql://...") from exc
    driver = _DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise UnusableDatabase(f"{parsed.drivername} is no database that control runs on: sqlite or postgresql is")
    return parsed.set(drivername=driver)


def _tls(url: URL) -> tuple[URL, dict[str, Any]]:
    """Take libpq's words for TLS out of a URL; return it, and what the driver takes instead. Raises UnusableDatabase.

    `sslmode` disable, allow, prefer, require, verify-ca or verify-full; `sslrootcert` (authorities that are believed,
    in place of the system's), `sslcert` and `sslkey` (who we are).
    """
    words = {name: str(url.query[name]) for name in _TLS_WORDS if name in url.query}
    url = url.difference_update_query(_TLS_WORDS)
    mode = words.pop("sslmode", "verify-full" if "sslrootcert" in words else "")
    if mode and mode not in _TLS_MODES:
        raise UnusableDatabase(f"the database URL has sslmode {mode!r}, which is none of {', '.join(_TLS_MODES)}")
    if not words and not mode.startswith("verify"):
        return url, {"ssl": mode} if mode else {}
    if mode not in ("require", "verify-ca", "verify-full"):
        raise UnusableDatabase(
            "the database URL names certificates, which need sslmode require, verify-ca or verify-full"
        )
    try:
        context = ssl.create_default_context(cafile=words.get("sslrootcert"))
        if "sslcert" in words:
            context.load_cert_chain(words["sslcert"], words.get("sslkey"))
    except (OSError, ssl.SSLError) as exc:
        raise UnusableDatabase(
            f"the database URL names certificates that cannot be used: {exc.strerror or exc}"
        ) from exc
    context.check_hostname = mode == "verify-full"
    if mode == "require" and "sslrootcert" not in words:
        context.verify_mode = ssl.CERT_NONE
    return url, {"ssl": context}


def _require_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise UnusableDatabase("SQLite needs a file: several connections share it")
    folder = Path(url.database).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise UnusableDatabase(f"the folder {folder} cannot be made: {exc.strerror}") from exc


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Make commits survive power loss, as the outbox must."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_with(statement: str) -> Any:
    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite.Connection)
        driver.begin_with(statement)

    return begin
