"""Publishing as the rest of control uses it: one object to start, stop, and ask."""

import asyncio

from redis.asyncio import Redis

from control.db import Database
from control.publishing.acks import Acks, Propagation
from control.publishing.carrier import Carrier
from control.publishing.fleet import Fleet
from control.publishing.latency import Latency
from control.publishing.outbox import Appended
from control.publishing.publisher import Publisher, PublisherStatus
from control.publishing.salts import SaltKeeper


class Publishing:
    """The publisher, the salts and the acks of one control process, over its database and the rules Redis."""

    def __init__(self, db: Database, redis: Redis) -> None:
        carrier = Carrier(redis)
        self._acks = Acks(db, carrier, lambda: self._publisher.head)
        self._publisher = Publisher(db, carrier, self._acks.on_published)
        self._salts = SaltKeeper(db, self._publisher)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Publish what is committed, as far as Redis answers, and go on publishing behind."""
        await self._publisher.publish()
        beside = (self._publisher.run, self._salts.run, self._acks.run)
        self._tasks = [asyncio.create_task(run(self._stopping)) for run in beside]

    async def stop(self) -> None:
        """End what runs behind; nothing is lost, for SQL has it."""
        self._stopping.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._acks.stop()
        await self._publisher.stop()

    async def publish(self, appended: Appended | None = None) -> None:
        """Push everything that is committed and not yet in Redis. Never raises, never takes longer than 1.5 s.

        `appended` is what the caller has committed, where that was one transaction.
        """
        await self._publisher.publish(appended)

    async def propagation(self, sequence: int) -> Propagation:
        """Return on which edges the transaction numbered `sequence` is live now."""
        return await self._acks.propagation(sequence)

    async def wait_live(self, sequence: int, timeout_s: float) -> Propagation:
        """Return as soon as `sequence` is live everywhere, or how things stand after `timeout_s`."""
        return await self._acks.wait_live(sequence, timeout_s)

    async def fleet(self) -> Fleet:
        """Return the edges and what they run now. Raises RedisError."""
        return await self._acks.fleet()

    def latency(self) -> Latency:
        """Return how long what this process published took to be live everywhere."""
        return self._acks.latency

    def recent(self) -> list[tuple[int, int]]:
        """Return the last publishes that this process saw to be live everywhere, newest first: sequence, ms."""
        return self._acks.recent()

    def status(self) -> PublisherStatus:
        """Return how publishing is doing; readiness needs an empty `error`."""
        return self._publisher.status()
