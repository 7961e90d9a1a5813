"""Salts of visitor hashes: random, one a UTC day, the same on all workers, gone for good when their day is over.

Without its salt a day's hashes can no longer be tied to an address: old ones are deleted from SQL, too.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Final

import orjson
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from control.db import Database
from control.publishing.compile import salts_change
from control.publishing.models import OutboxRow
from control.publishing.outbox import append, lock_lineage
from control.publishing.pace import pause
from control.publishing.pruning import forget_replaced
from control.publishing.publisher import Publisher
from shared.wire import SALTS

PERIOD_S: Final = 60.0
SALT_BYTES: Final = 16
GRACE: Final = timedelta(minutes=10)
"""Yesterday's salt stays this long into the day, for edges whose clocks are behind."""

_log = logging.getLogger(__name__)


class SaltKeeper:
    """Keeps the salts of today and tomorrow published; `now` gives the time in UTC."""

    def __init__(
        self, db: Database, publisher: Publisher, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db = db
        self._publisher = publisher
        self._now = now

    async def run(self, stopping: asyncio.Event) -> None:
        """Do so each minute, whatever happens to the database meanwhile."""
        while not stopping.is_set():
            try:
                await self.keep()
            except SQLAlchemyError as exc:
                _log.warning("salts of visitor hashes were not looked after", extra={"error": type(exc).__name__})
            await pause(PERIOD_S, stopping)

    async def keep(self) -> None:
        """Publish salts where one is missing or over, and delete what was replaced and is no longer needed."""
        if await self._renew():
            await self._publisher.publish()
        head = self._publisher.head
        if head is not None:
            await forget_replaced(self._db, SALTS, head.sequence)

    async def _renew(self) -> bool:
        async with self._db.read() as session:
            if not _is_due(await _published_salts(session), self._now()):
                return False
        async with self._db.write() as session:
            await lock_lineage(session)  # two processes must not draw two salts for one day
            salts = await _published_salts(session)
            if not _is_due(salts, self._now()):
                return False
            await append(session, [salts_change(salts_at(self._now(), salts))])
            return True


def salts_at(now: datetime, salts: Mapping[str, str]) -> dict[str, str]:
    """Return the salts for the time `now`: those of `salts` whose day is not over, and new ones for days without."""
    wanted = dict.fromkeys(_day(moment) for moment in (now - GRACE, now, now + timedelta(days=1)))
    required = {_day(now), _day(now + timedelta(days=1))}
    return {day: salts.get(day) or token_hex(SALT_BYTES) for day in wanted if day in salts or day in required}


def _is_due(salts: Mapping[str, str], now: datetime) -> bool:
    return salts_at(now, salts) != salts


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


async def _published_salts(session: AsyncSession) -> dict[str, str]:
    newest = select(OutboxRow.body).where(OutboxRow.key == SALTS).order_by(OutboxRow.sequence.desc()).limit(1)
    body = await session.scalar(newest)
    return {} if body is None else dict(orjson.loads(body)["salts"])
