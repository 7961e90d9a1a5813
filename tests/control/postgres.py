"""One PostgreSQL database for all tests of a process, put back before each of them: a new one takes a hundred times
as long."""

import asyncio
import os
from typing import Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

URL: Final = os.environ.get("TURNOUT_TEST_POSTGRES_URL", "")
"""The server under test; empty: SQLite is."""

_OTHERS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class PostgresDatabase:
    """A database of this process's own: `create`, fill it, `keep`, and `put_back` as often as wanted."""

    def __init__(self) -> None:
        self._name = f"turnout_test_{os.getpid()}"
        self._put_back = ""

    @property
    def url(self) -> str:
        """Where it is."""
        return make_url(URL).set(database=self._name).render_as_string(hide_password=False)

    def create(self) -> None:
        """Make it, empty."""
        asyncio.run(_execute(URL, f"DROP DATABASE IF EXISTS {self._name}", f"CREATE DATABASE {self._name}"))

    def keep(self) -> None:
        """Remember what is in it."""
        tables = asyncio.run(_tables(self.url))
        copies = (f'CREATE TABLE kept."{table}" AS TABLE public."{table}"' for table in tables)
        asyncio.run(_execute(self.url, "CREATE SCHEMA kept", *copies))
        steps = (
            f"{_OTHERS} AND pid <> pg_backend_pid()",
            "SET session_replication_role = replica",  # foreign keys do not say in which order
            *(f'DELETE FROM public."{table}"' for table in tables),
            *(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"' for table in tables),
        )
        self._put_back = ";".join(steps)

    def put_back(self) -> None:
        """Have in it what was kept, and nobody else connected."""
        asyncio.run(_execute(self.url, self._put_back))

    def drop(self) -> None:
        """Remove it."""
        asyncio.run(_execute(URL, f"DROP DATABASE {self._name} WITH (FORCE)"))


async def _execute(url: str, *statements: str) -> None:
    """Run each on one connection; several in one string are one transaction, and one way there and back."""
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def _tables(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(_TABLES)
    await connection.close()
    return [row[0] for row in rows]
