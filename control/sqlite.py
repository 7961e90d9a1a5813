"""SQLite beside an event loop: a statement, its rows and its end are one turn of the connection's thread.

aiosqlite takes a turn for each call: four a statement, and on a machine that answers clicks meanwhile each is a wait
for a core. So here a statement comes back with all of its rows, the first one of a transaction begins it, and nobody
waits for a rollback.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final, Self

import aiosqlite

_FETCH_CHUNK: Final = 64
"""aiosqlite's own; nothing here fetches by portions."""


class Connection(aiosqlite.Connection):
    """One connection, as SQLAlchemy's adapter of aiosqlite uses it."""

    _opening: str | None = None

    @classmethod
    def open(cls, path: str, **options: Any) -> Self:
        """Return a connection to be awaited, which begins only what `begin_with` says; `options` are sqlite3's."""
        connection = cls(partial(sqlite3.connect, path, **options, isolation_level=None), _FETCH_CHUNK)
        connection._thread.daemon = True  # what was not closed must not hold up the end of the process
        return connection

    def begin_with(self, statement: str) -> None:
        """Begin a transaction with `statement`, in the turn of the first one that follows."""
        self._opening = statement

    def cursor(self) -> "Cursor":  # type: ignore[override]  # only the adapter asks for it
        """Return a cursor for one statement; it costs nothing."""
        return Cursor(self)

    async def turn(self, work: Callable[[sqlite3.Cursor], None]) -> None:
        """Have `work` done by the thread, in the transaction that is due. Raises sqlite3.Error."""
        opening, self._opening = self._opening, None
        await self._execute(_with_cursor, self._conn, opening, work)  # type: ignore[no-untyped-call]

    async def commit(self) -> None:
        """Commit what was begun; of a transaction without statements nothing was."""
        if self._opening is None:
            await super().commit()
        self._opening = None

    async def rollback(self) -> None:
        """Roll back before whatever comes next on this connection, without waiting for it."""
        if self._opening is None:
            self._tx.put_nowait((None, self._conn.rollback))
        self._opening = None


class Cursor:
    """One statement, and all that came of it: as much of an asynchronous DBAPI cursor as the adapter asks for."""

    __slots__ = ("_connection", "description", "lastrowid", "rowcount", "rows")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1
        self.rows: list[Any] = []

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        """Run one statement. Raises sqlite3.Error."""
        await self._connection.turn(partial(self._run, sqlite3.Cursor.execute, statement, parameters))

    async def executemany(self, statement: str, parameters: Sequence[Any]) -> None:
        """Run one statement for each of `parameters`. Raises sqlite3.Error."""
        await self._connection.turn(partial(self._run, sqlite3.Cursor.executemany, statement, parameters))

    async def fetchall(self) -> list[Any]:
        """Return the rows, which are here already."""
        return self.rows

    async def close(self) -> None:
        """Do nothing: SQLite's own cursor was closed in its turn."""

    def _run(self, run: Callable[..., object], statement: str, parameters: Any, cursor: sqlite3.Cursor) -> None:
        run(cursor, statement, parameters)
        self.description, self.rows = cursor.description, cursor.fetchall()
        self.lastrowid, self.rowcount = cursor.lastrowid, cursor.rowcount


def _with_cursor(connection: sqlite3.Connection, opening: str | None, work: Callable[[sqlite3.Cursor], None]) -> None:
    with closing(connection.cursor()) as cursor:
        if opening:
            cursor.execute(opening)
        work(cursor)
