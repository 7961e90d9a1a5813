"""SQLite's thread: how often it is asked, and that nothing is lost by asking it less."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from control.db import Database
from control.sqlite import Connection

T = TypeVar("T")


class Counted(Connection):
    """A connection that counts the turns of its thread that somebody waits for."""

    turns = 0

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        self.turns += 1
        return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-any-return]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a table `pears` of two rows."""
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("CREATE TABLE pears (id INTEGER PRIMARY KEY); INSERT INTO pears VALUES (1), (2)")
    connection.close()
    return path


def on_connection(path: Path, scenario: Callable[[Counted], Awaitable[T]]) -> T:
    async def inside() -> T:
        connection = await Counted.open(str(path), check_same_thread=False)
        try:
            return await scenario(connection)  # type: ignore[arg-type]  # aiosqlite calls it its own class
        finally:
            await connection.close()

    return asyncio.run(inside())


def on_engine(path: Path, scenario: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    async def inside() -> T:
        arguments = {"async_creator_fn": Counted.open}
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args=arguments)
        try:
            return await scenario(engine)
        finally:
            await engine.dispose()

    return asyncio.run(inside())


def on_database(path: Path, scenario: Callable[[Database], Awaitable[T]]) -> T:
    async def inside() -> T:
        db = Database.open(f"sqlite:///{path}")
        try:
            return await scenario(db)
        finally:
            await db.close()

    return asyncio.run(inside())


async def pears(db: Database) -> int:
    async with db.read() as session:
        return int(await session.scalar(text("SELECT count(*) FROM pears")) or 0)


LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT count(*) FROM n"


@pytest.mark.parametrize(
    ("turns", "statement", "parameters", "rows"),
    [
        pytest.param(0, "SELECT id FROM pears ORDER BY id", {}, [(1,), (2,)], id="a short read"),
        pytest.param(1, f"SELECT * FROM ({LONG})", {}, [(300_000,)], id="a long read"),
        pytest.param(1, LONG, {}, [(300_000,)], id="not plainly a read"),
        pytest.param(0, "INSERT INTO pears VALUES (:id) RETURNING id", {"id": 3}, [(3,)], id="a row is added"),
        pytest.param(1, "INSERT INTO pears SELECT id + 10 FROM pears", {}, None, id="rows are added from others"),
        pytest.param(0, "UPDATE pears SET id = 9 WHERE id = :id", {"id": 1}, None, id="a row is changed"),
        pytest.param(1, "UPDATE pears SET id = id + 10", {}, None, id="rows are changed"),
        pytest.param(1, "UPDATE pears SET id = id + 10 WHERE id > :id", {"id": 0}, None, id="some rows are changed"),
        pytest.param(1, "DELETE FROM pears WHERE id = :id", {"id": 1}, None, id="a row is deleted"),
        pytest.param(1, "INSERT INTO pears VALUES (:id)", [{"id": 3}, {"id": 4}], None, id="one statement many times"),
    ],
)
def test_what_may_take_long_takes_one_turn_and_the_rest_none(
    path: Path, turns: int, statement: str, parameters: Any, rows: Any
) -> None:
    async def scenario(engine: AsyncEngine) -> tuple[int, Any]:
        async with engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            before = driver.turns
            result = await connection.execute(text(statement), parameters)
            found = [tuple(row) for row in result] if result.returns_rows else None
            return driver.turns - before, found

    assert on_engine(path, scenario) == (turns, rows)


def test_many_rows_of_one_statement_are_not_added_on_the_loop(path: Path) -> None:
    async def scenario(connection: Counted) -> int:
        statement = f"INSERT INTO pears VALUES {', '.join(['(?)'] * 100)}"
        await connection.cursor().execute(statement, list(range(100, 200)))
        return connection.turns

    assert on_connection(path, scenario) == 1


def test_a_read_that_is_left_to_the_thread_is_not_stopped_there(path: Path) -> None:
    async def scenario(connection: Counted) -> list[Any]:
        found = []
        for _ in range(3):  # SQLite counts steps of a statement that it remembers from the first time on
            cursor = connection.cursor()
            await cursor.execute(f"SELECT * FROM ({LONG})")
            found.append(await cursor.fetchall())
        return found

    assert on_connection(path, scenario) == [[(300_000,)]] * 3


def test_a_short_read_is_done_at_once_however_often_it_is_asked(path: Path) -> None:
    async def scenario(connection: Counted) -> int:
        for _ in range(3_000):
            await connection.cursor().execute("SELECT id FROM pears")
        return connection.turns

    assert on_connection(path, scenario) == 0


def test_what_the_thread_was_asked_first_comes_first(path: Path) -> None:
    async def scenario(connection: Counted) -> list[Any]:
        slow = asyncio.create_task(connection.cursor().execute(f"INSERT INTO pears SELECT 3 FROM ({LONG})"))
        await asyncio.sleep(0)
        cursor = connection.cursor()
        await cursor.execute("SELECT id FROM pears")
        await slow
        return await cursor.fetchall()

    assert on_connection(path, scenario) == [(1,), (2,), (3,)]


def test_what_a_statement_did_is_told(path: Path) -> None:
    async def scenario(engine: AsyncEngine) -> tuple[int, int]:
        async with engine.connect() as connection:
            added = await connection.execute(text("INSERT INTO pears VALUES (7)"))
            changed = await connection.execute(text("UPDATE pears SET id = id + 10"))
            return added.lastrowid, changed.rowcount

    assert on_engine(path, scenario) == (7, 3)


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_a_transaction_begins_with_its_first_statement(path: Path, begin: str) -> None:
    async def scenario(connection: Counted) -> tuple[bool, int, bool]:
        connection.begin_with(begin)
        before = connection.in_transaction
        await connection.cursor().execute("SELECT id FROM pears")
        return before, connection.turns, connection.in_transaction

    assert on_connection(path, scenario) == (False, 0, True)


def test_who_waits_for_another_writer_waits_in_the_thread(path: Path) -> None:
    async def scenario(connection: Counted) -> tuple[int, list[Any], Any]:
        with sqlite3.connect(path, isolation_level=None, check_same_thread=False) as other:
            other.execute("BEGIN IMMEDIATE")
            connection.begin_with("BEGIN IMMEDIATE")
            cursor, patience = connection.cursor(), connection.cursor()
            waiting = asyncio.create_task(cursor.execute("SELECT id FROM pears"))
            await asyncio.sleep(0)
            other.execute("INSERT INTO pears VALUES (3)")
            other.execute("COMMIT")
            await waiting
        other.close()
        turns = connection.turns
        await patience.execute("PRAGMA busy_timeout")
        return turns, await cursor.fetchall(), await patience.fetchall()

    assert on_connection(path, scenario) == (1, [(1,), (2,), (3,)], [(5_000,)])


@pytest.mark.parametrize("end", [Connection.commit, Connection.rollback])
def test_a_transaction_without_statements_takes_no_turn(
    path: Path, end: Callable[[Connection], Awaitable[None]]
) -> None:
    async def scenario(connection: Counted) -> int:
        connection.begin_with("BEGIN IMMEDIATE")
        await end(connection)
        waited = connection.turns
        await connection.cursor().execute("SELECT id FROM pears")
        assert not connection.in_transaction  # what was not begun is forgotten
        return waited

    assert on_connection(path, scenario) == 0


def test_a_rollback_is_not_waited_for_and_comes_before_what_follows(path: Path) -> None:
    async def scenario(connection: Counted) -> tuple[int, list[Any]]:
        connection.begin_with("BEGIN IMMEDIATE")
        await connection.cursor().execute("DELETE FROM pears")
        before = connection.turns
        await connection.rollback()
        waited = connection.turns - before
        cursor = connection.cursor()
        await cursor.execute("SELECT id FROM pears")
        return waited, await cursor.fetchall()

    assert on_connection(path, scenario) == (0, [(1,), (2,)])


def test_a_writer_who_cannot_begin_is_told_and_leaves_nothing_begun(path: Path) -> None:
    async def scenario(connection: Counted) -> bool:
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            await connection.cursor().execute("PRAGMA busy_timeout=0")
            connection.begin_with("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                await connection.cursor().execute("DELETE FROM pears")
            other.execute("ROLLBACK")
        other.close()
        return connection.in_transaction

    assert on_connection(path, scenario) is False


def test_a_write_that_fails_lets_the_next_writer_in(path: Path) -> None:
    async def scenario(db: Database) -> int:
        with pytest.raises(InterruptedError):
            await fail(db)
        other = Database.open(f"sqlite:///{path}")
        async with other.write() as session:
            await session.execute(text("INSERT INTO pears VALUES (3)"))
        await other.close()
        return await pears(db)

    async def fail(db: Database) -> None:
        async with db.write() as session:
            await session.execute(text("DELETE FROM pears"))
            raise InterruptedError

    assert on_database(path, scenario) == 3


def test_a_write_that_is_cancelled_in_a_statement_leaves_nothing(path: Path) -> None:
    async def scenario(db: Database) -> int:
        begun = asyncio.Event()

        async def write() -> None:
            async with db.write() as session:
                await session.execute(text("DELETE FROM pears"))
                begun.set()
                slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT 1 FROM n"
                await session.execute(text(slow))

        writing = asyncio.create_task(write())
        await begun.wait()
        writing.cancel()
        await asyncio.wait({writing})
        async with db.write() as session:
            await session.execute(text("INSERT INTO pears VALUES (3)"))
        return await pears(db)

    assert on_database(path, scenario) == 3
