"""SQLite beside an event loop: short statements are done at once, the others by a thread, each in one turn of it.

aiosqlite takes a turn of its thread for each call: four a statement, and on a machine that answers clicks meanwhile
each is a wait for a core. A statement that finds a row by its key takes less time than asking a thread to do it. So
what only reads is begun where it is asked for, and left to the thread where it proves long; one row is added, or
changed, at once. What has to wait for another writer, for a disk or for many rows is the thread's. A statement comes
back with all of its rows, the first one of a transaction begins it, and nobody waits for a rollback.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final, Self

import aiosqlite

BEGIN_READING: Final = "BEGIN"
BEGIN_WRITING: Final = "BEGIN IMMEDIATE"

_FETCH_CHUNK: Final = 64
"""aiosqlite's own; nothing here fetches by portions."""

_SHORT_STEPS: Final = 5_000
"""Steps of SQLite's machine after which a read is left to the thread, at the latest after twice as many: some 0.2 ms,
about as long as it takes to ask the thread and to hear from it."""

_BY_NUMBER: Final = "USING INTEGER PRIMARY KEY (rowid=?)"
"""In SQLite's plan for what concerns one row."""

_MOST_PLANS: Final = 1_000
"""Kept of a connection. This program has some tens of such statements; what is beyond is the thread's."""

_MOST_VALUES: Final = 64
"""In what is added at once: one row. SQLAlchemy adds hundreds by one statement, too."""


class Connection(aiosqlite.Connection):
    """One connection, as SQLAlchemy's adapter of aiosqlite uses it."""

    _opening: str | None = None
    _of_one_row: dict[str, bool]
    _asked = 0
    """Turns that the thread was asked for, counted by the loop's thread alone."""
    _taken = 0
    """Turns that it has taken, counted by itself alone: while they are fewer, the connection is its."""

    @classmethod
    def open(cls, path: str, **options: Any) -> Self:
        """Return a connection to be awaited, which begins only what `begin_with` says; `options` are sqlite3's."""
        options["check_same_thread"] = False
        connection = cls(partial(sqlite3.connect, path, **options, isolation_level=None), _FETCH_CHUNK)
        connection._of_one_row = {}
        connection._thread.daemon = True  # what was not closed must not hold up the end of the process
        return connection

    def begin_with(self, statement: str) -> None:
        """Begin a transaction with `statement`, together with the first one that follows."""
        self._opening = statement

    def cursor(self) -> "Cursor":  # type: ignore[override]  # only the adapter asks for it
        """Return a cursor for one statement; it costs nothing."""
        return Cursor(self)

    @property
    def is_idle(self) -> bool:
        """Whether the thread is not about anything, and so the connection may be used without it."""
        return self._asked == self._taken

    def write_at_once(self, work: Callable[[sqlite3.Cursor], None]) -> bool:
        """Do `work`, which writes a row; False where the thread is busy, or another writer has to be waited for."""
        if not self.is_idle or not self._begin_at_once():
            return False
        _with_cursor(self._conn, work)
        return True

    def read_at_once(self, work: Callable[[sqlite3.Cursor], None]) -> bool:
        """Do `work`, which only reads, if that is short; False where it is not, and nothing came of it."""
        if not self.is_idle or not self._begin_at_once():
            return False
        patience = _Patience()
        self._conn.set_progress_handler(patience, _SHORT_STEPS)
        try:
            _with_cursor(self._conn, work)
        except sqlite3.OperationalError:
            if not patience.is_lost:
                raise
            return False
        finally:
            self._conn.set_progress_handler(None, 0)
        return True

    def is_of_one_row(self, statement: str, parameters: Sequence[Any]) -> bool:
        """Tell whether `statement` changes one row, found by its number; SQLite is asked once for each."""
        known = self._of_one_row.get(statement)
        if known is None and self.is_idle and len(self._of_one_row) < _MOST_PLANS:
            plan = self._conn.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            known = self._of_one_row[statement] = len(plan) == 1 and plan[0][-1].endswith(_BY_NUMBER)
        return bool(known)

    def _begin_at_once(self) -> bool:
        """Begin what is due; False where that has to wait for another writer, which is the thread's to do."""
        if self._opening is None:
            return True
        if self._opening == BEGIN_READING:  # takes no lock yet, and in a write-ahead log a reader never waits for one
            self._conn.execute(self._opening)
        elif not self._begin_without_patience(self._opening):
            return False
        self._opening = None
        return True

    def _begin_without_patience(self, statement: str) -> bool:
        (patience_ms,) = self._conn.execute("PRAGMA busy_timeout").fetchone()
        self._conn.execute("PRAGMA busy_timeout=0")
        try:
            self._conn.execute(statement)
        except sqlite3.OperationalError:
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout={patience_ms}")
        return True

    async def turn(self, work: Callable[[sqlite3.Cursor], None]) -> None:
        """Have `work` done by the thread, in the transaction that is due. Raises sqlite3.Error."""
        opening, self._opening = self._opening, None
        await self._execute(_with_cursor, self._conn, work, opening)

    async def commit(self) -> None:
        """Commit what was begun; of a transaction without statements nothing was."""
        if self._opening is None:
            await super().commit()
        self._opening = None

    async def rollback(self) -> None:
        """Roll back before whatever comes next on this connection, without waiting for it."""
        if self._opening is None:
            if self.is_idle:
                self._conn.rollback()
            else:
                self._asked += 1
                self._tx.put_nowait((None, partial(self._take, self._conn.rollback)))
        self._opening = None

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._asked += 1
        return await super()._execute(self._take, fn, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _take(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        finally:
            self._taken += 1


class _Patience:
    """What SQLite asks every so many steps: the second time it is told to stop, for the first may come at once."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.is_lost

    @property
    def is_lost(self) -> bool:
        """Whether a statement was stopped."""
        return self.asked > 1


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
        work = partial(self._run, sqlite3.Cursor.execute, statement, parameters)
        if statement.startswith("SELECT"):
            is_done = self._connection.read_at_once(work)
        else:
            is_done = self._writes_a_row(statement, parameters) and self._connection.write_at_once(work)
        if not is_done:
            await self._connection.turn(work)

    async def executemany(self, statement: str, parameters: Sequence[Any]) -> None:
        """Run one statement for each of `parameters`. Raises sqlite3.Error."""
        await self._connection.turn(partial(self._run, sqlite3.Cursor.executemany, statement, parameters))

    async def fetchall(self) -> list[Any]:
        """Return the rows, which are here already."""
        return self.rows

    async def close(self) -> None:
        """Do nothing: SQLite's own cursor was closed in its turn."""

    def _writes_a_row(self, statement: str, parameters: Sequence[Any]) -> bool:
        if statement.startswith("UPDATE"):
            return self._connection.is_of_one_row(statement, parameters)
        return statement.startswith("INSERT INTO") and "SELECT" not in statement and len(parameters) <= _MOST_VALUES

    def _run(self, run: Callable[..., object], statement: str, parameters: Any, cursor: sqlite3.Cursor) -> None:
        run(cursor, statement, parameters)
        self.description, self.rows = cursor.description, cursor.fetchall()
        self.lastrowid, self.rowcount = cursor.lastrowid, cursor.rowcount


def _with_cursor(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Cursor], None], opening: str | None = None
) -> None:
    with closing(connection.cursor()) as cursor:
        if opening:
            cursor.execute(opening)
        work(cursor)
