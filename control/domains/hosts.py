"""The registered hosts in memory, for who asks often and for names that nobody has registered."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from control.db import Database
from control.domains.models import DomainRow

FRESH_S: Final = 1.0


class RegisteredHosts:
    """The registered hosts, never older than `FRESH_S` while the database answers."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the configuration database and a clock in seconds."""
        self._db = db
        self._clock = clock
        self._reading = asyncio.Lock()
        self._hosts: frozenset[str] | None = None
        self._read_at = -FRESH_S

    async def holds(self, host: str) -> bool:
        """Tell whether `host` is registered. Raises SQLAlchemyError, OSError where that was never known."""
        async with self._reading:
            if self._hosts is None or self._clock() - self._read_at >= FRESH_S:
                self._hosts = await self._read()
                self._read_at = self._clock()
            return host in self._hosts

    async def _read(self) -> frozenset[str]:
        """Return the hosts in the database, or those known so far while it does not answer."""
        try:
            async with self._db.read() as session:
                return frozenset(await session.scalars(select(DomainRow.host)))
        except (SQLAlchemyError, OSError):
            if self._hosts is None:
                raise
            return self._hosts
