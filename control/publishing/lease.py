"""One rebuild at a time, whatever number of control processes: a row in SQL that lapses when its holder dies."""

import time
from secrets import token_hex
from typing import Final

from sqlalchemy import delete, insert, select, update

from control.db import Database, now_ms
from control.publishing.models import ONLY, RebuildLease

LEASE_MS: Final = 5_000
"""How long a holder that died keeps others from taking over."""


class Lease:
    """The right to rebuild, of one attempt. Losing it costs no safety: the scripts in Redis check the epoch."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._owner = token_hex(8)
        self._renew_at = 0.0

    async def take(self) -> bool:
        """Take the lease; False while another attempt holds it."""
        async with self._db.write() as session:
            held_until = await session.scalar(select(RebuildLease.expires_at))
            if held_until is not None and held_until > now_ms():
                return False
            await session.execute(delete(RebuildLease))
            await session.execute(insert(RebuildLease).values(id=ONLY, owner=self._owner, expires_at=self._expiry()))
            return True

    async def renew(self) -> None:
        """Prolong the lease when a third of it is over."""
        if time.monotonic() >= self._renew_at:
            async with self._db.write() as session:
                mine = update(RebuildLease).where(RebuildLease.owner == self._owner)
                await session.execute(mine.values(expires_at=self._expiry()))

    async def release(self) -> None:
        """Let others take it."""
        async with self._db.write() as session:
            await session.execute(delete(RebuildLease).where(RebuildLease.owner == self._owner))

    def _expiry(self) -> int:
        self._renew_at = time.monotonic() + LEASE_MS / 3000
        return now_ms() + LEASE_MS
