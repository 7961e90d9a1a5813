"""The lease by which a worker says what it serves: a first ack at once, those that follow together, then refreshed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from edge.feed.rules_redis import FAILURES, RulesRedis
from shared import wire
from shared.wire import Head, Lease

COALESCE_S: Final = 0.05
MAX_COALESCE_S: Final = 0.2
"""Bound what a stream of edits costs, and leave true milliseconds to a person who saves twice in a row: while another
ack is due whenever a pause ends, pauses double."""
REFRESH_S: Final = 3.0

log = logging.getLogger("edge.leases")


class Load(NamedTuple):
    """Redirects a second, microseconds within which 99 of 100 of them were answered, resident bytes."""

    per_second: int = 0
    p99_us: int = 0
    memory_bytes: int = 0


class Leases:
    """Writes what `compose` returns under the worker's name whenever it is due; Redis forgets it after 10 s.

    `written` hears each time where the primary stands.
    """

    def __init__(
        self, redis: RulesRedis, compose: Callable[[], Lease], written: Callable[[Head], None] = lambda _head: None
    ) -> None:
        self._redis = redis
        self._compose = compose
        self._written = written
        self._due = asyncio.Event()
        self._stopping = asyncio.Event()
        self._name = ""

    def due(self) -> None:
        """Have the lease written now, or a moment after it was written last."""
        self._due.set()

    async def run(self) -> None:
        """Write whenever due, until `stop`."""
        pause_s = COALESCE_S
        while not self._stopping.is_set():
            await _passed(self._due, REFRESH_S)
            if not self._stopping.is_set():
                await self._write()
            await _passed(self._stopping, pause_s)
            pause_s = min(2 * pause_s, MAX_COALESCE_S) if self._due.is_set() else COALESCE_S

    def stop(self) -> None:
        """Have `run` end after the lease it is writing."""
        self._stopping.set()
        self._due.set()

    async def take_back(self) -> None:
        """Delete the lease: this worker is gone, not lost."""
        with contextlib.suppress(*FAILURES):
            if self._name:
                await self._redis.delete_lease(self._name)

    async def _write(self) -> None:
        self._due.clear()
        lease = self._compose()
        self._name = wire.lease_key(lease.host, lease.slot)
        try:
            head = await self._redis.write_lease(self._name, wire.encode_lease(lease))
            if head is not None:
                self._written(head)
        except FAILURES as exc:
            log.debug("the lease could not be written", extra={"error": str(exc)})


async def _passed(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for an event, or until time has passed."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
