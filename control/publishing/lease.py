"""One rebuild, or audit, at a time, whatever number of control processes: a row in SQL that lapses with its holder."""

import time
from secrets import token_hex
from typing import Final

from sqlalchemy import delete, insert, select, update

from control.db import Database, now_ms
from control.publishing.models import ONLY, LeaseRow, RebuildLease

LEASE_MS: Final = 5_000
"""How long a holder that died keeps others from taking over."""


class Lease:
    """The right to rebuild, of one attempt. Losing it costs no safety: the scripts in Redis check the epoch.

    `row` is the table of another right, `duration_ms` how long it is held without being renewed.
    """

    def __init__(self, db: Database, row: type[LeaseRow] = RebuildLease, duration_ms: int = LEASE_MS) -> None:
        self._db = db
        self._row = row
        self._duration_ms = duration_ms
        self._owner = token_hex(8)
        self._renew_at = 0.0

    async def take(self) -> bool:
        """Take the lease, or keep it; False while another attempt holds it."""
        row = self._row
        async with self._db.write() as session:
            held = (await session.execute(select(row.owner, row.expires_at))).one_or_none()
            if held is not None and held.owner != self._owner and held.expires_at > now_ms():
                return False
            await session.execute(delete(row))
            await session.execute(insert(row).values(id=ONLY, owner=self._owner, expires_at=self._expiry()))
            return True

    async def renew(self) -> None:
        """Prolong the lease when a third of it is over."""
        if time.monotonic() >= self._renew_at:
            async with self._db.write() as session:
                mine = update(self._row).where(self._row.owner == self._owner)
                await session.execute(mine.values(expires_at=self._expiry()))

    async def release(self) -> None:
        """Let others take it."""
        async with self._db.write() as session:
            await session.execute(delete(self._row).where(self._row.owner == self._owner))

    def _expiry(self) -> int:
        self._renew_at = time.monotonic() + self._duration_ms / 3000
        return now_ms() + self._duration_ms
