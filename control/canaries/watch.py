"""Watching canaries: edges each second, clicks every few; who does harm is taken back by a publish.

One control watches, by a lease in SQL; the others take over when it ends. An end is an end in SQL, so that two that
watch at once for a moment take back once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from control.access.roles import Caller, Role
from control.canaries import published, service, store
from control.canaries.beginning import end
from control.canaries.figures import Figures, figures
from control.canaries.models import CanaryLease, CanaryRow
from control.canaries.schemas import Outcome
from control.canaries.verdict import SILENT_S, Verdict, of_clicks, of_fleet, silent
from control.db import now_ms
from control.errors import Problem
from control.parts import Parts
from control.publishing.fleet import Fleet
from control.publishing.lease import Lease
from control.publishing.pace import pause
from control.smartlinks.writing import Guard

LOOK_S: Final = 1.0
CLICKS_S: Final = 5.0
WINDOW_MS: Final = 30 * 60 * 1000
"""Clicks of the last half hour are compared: what goes wrong after a good day must not drown in it."""

LEASE_MS: Final = 10_000
_KEEP_LEASE_S: Final = 3.0
_SHARE_OF_TIME: Final = 10
"""Reading clicks takes at most a tenth of the time: half an hour of a very large offer is read less often."""

WATCH: Final = Caller(id="canary-watch", name="Canary watch", role=Role.ADMIN, kind="system")
"""The author of what is taken back because it did harm."""

_ENDED_MEANWHILE: Final = (409, 412)
"""Refusals of a withdrawal because somebody else was faster."""

_log = logging.getLogger(__name__)


class CanaryWatch:
    """The watch of one control process; `clock` is monotonic seconds."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._lease = Lease(parts.db, CanaryLease, LEASE_MS)
        self._lease_until = self._clicks_due = 0.0
        self._holds = False
        self._silent_since: dict[tuple[int, str], float] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Look each second until `stopping`, whatever happens to SQL and Redis meanwhile."""
        works = True
        while not stopping.is_set():
            try:
                await self.look()
                works = True
            except Exception:  # SQL is away, or a fault of this program: canaries are watched again in a moment
                if works:
                    _log.exception("watching canaries failed; it is tried again until it works")
                works = False
            await pause(LOOK_S, stopping)
        if self._holds:
            with contextlib.suppress(SQLAlchemyError, OSError):  # it lapses by itself
                await self._lease.release()

    async def look(self) -> None:
        """Look at every canary that runs, where this is ours to do, and take back those that do harm."""
        async with self._parts.db.read() as session:
            rows = await store.all_running(session)
        if not rows or not await self._may_watch():
            return
        await self._close_replaced(rows)
        try:
            fleet: Fleet | None = await self._parts.live.fleet()
        except (RedisError, OSError):
            fleet = None
        sees_clicks = self._clock() >= self._clicks_due
        began = self._clock()
        for row in rows:
            verdict = of_fleet(row, fleet, self._long_silent(row, fleet)) if fleet is not None else None
            if verdict is None and sees_clicks:
                verdict = await self._of_clicks(row)
            if verdict is not None:
                await self._take_back(row, verdict)
        if sees_clicks:
            spent_s = self._clock() - began
            self._clicks_due = self._clock() + max(CLICKS_S, _SHARE_OF_TIME * spent_s)

    async def _may_watch(self) -> bool:
        if self._clock() >= self._lease_until:
            self._holds = await self._lease.take()
            self._lease_until = self._clock() + _KEEP_LEASE_S
        return self._holds

    async def _close_replaced(self, rows: Sequence[CanaryRow]) -> None:
        """Note the end of canaries past which somebody saved who knows none: a control of the release before."""
        async with self._parts.db.read() as session:
            over = [row.offer_id for row in rows if not await published.is_out(session, row)]
        for offer_id in over:
            async with self._parts.db.write() as session:
                row = await store.running(session, offer_id)
                if row is not None and not await published.is_out(session, row):
                    await end(session, WATCH, row, Outcome.REPLACED)

    def _long_silent(self, row: CanaryRow, fleet: Fleet) -> list[str]:
        """Return the canary's workers that have not been heard from for so long that it is no failover."""
        now, names = self._clock(), silent(row, fleet)
        mine = {place for place in self._silent_since if place[0] == row.number}
        for place in mine - {(row.number, name) for name in names}:
            del self._silent_since[place]
        return [name for name in names if now - self._silent_since.setdefault((row.number, name), now) >= SILENT_S]

    async def _of_clicks(self, row: CanaryRow) -> Verdict | None:
        since_ms = max(row.started_at, now_ms() - WINDOW_MS)
        try:
            found = await figures(self._parts.clicks_db, row.offer_id, since_ms)
        except (SQLAlchemyError, OSError):
            return None
        return of_clicks(found.get(row.revision, Figures()), found.get(row.stable_revision, Figures()))

    async def _take_back(self, row: CanaryRow, verdict: Verdict) -> None:
        guard = Guard(frozenset({row.revision}))
        told = {"offer": row.offer_id, "revision": row.revision, "cause": verdict.cause.value, "reason": verdict.reason}
        try:
            await service.withdraw(self._parts, WATCH, row.offer_id, guard=guard, wait_s=0.0, verdict=verdict)
        except Problem as problem:
            if problem.status not in _ENDED_MEANWHILE:
                _log.error("a canary cannot be taken back", extra=told | {"error": problem.detail})
            return
        _log.error("a canary was taken back", extra=told)


@asynccontextmanager
async def watching(parts: Parts) -> AsyncIterator[None]:
    """Watch canaries while the block runs."""
    stopping = asyncio.Event()
    task = asyncio.create_task(CanaryWatch(parts).run(stopping))
    try:
        yield
    finally:
        stopping.set()  # and not cancelled: a transaction ends as it should
        await task
