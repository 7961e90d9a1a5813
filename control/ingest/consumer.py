"""The Redis side of ingestion: reads the clicks stream through a consumer group, and says what SQL has.

At least once from Redis, exactly once in SQL: an entry is acknowledged after its transaction, and what comes twice is
known by (boot, number). So an ingester may die anywhere, two may run, and Redis may forget: what it forgot, the edges
send again. The stream is trimmed only up to what every group has acknowledged.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from control.db import now_ms
from control.ingest.batches import Batch, MalformedBatch, UnknownSchema, read_batch
from control.ingest.places import GONE_AFTER_MS, forget_gone
from control.ingest.recording import DeadLetter, Recorder
from shared.wire import CLICKS, CLICKS_DONE

logger = logging.getLogger("ingest")

GROUP: Final = "ingest"
EVENTS_AT_ONCE: Final = 10_000
"""In one transaction, about: a quarter of a second of work."""
READ_AT_ONCE: Final = 20
MOST_AT_ONCE: Final = 100
"""Entries of one transaction: 20 full ones are so many events. Where they are smaller, as many workers ship them at
once, and as an outage leaves them behind by the thousand, more go together."""
BLOCK_MS: Final = 500
GATHER_S: Final = 0.25
"""From a transaction that took all there was to the next one: the workers of a fleet ship small batches at any moment,
and ten transactions of one batch cost several times what one of ten does."""
CLAIM_S: Final = 10.0
CLAIM_IDLE_MS: Final = 60_000
"""Entries that another ingester took so long ago, and never acknowledged, are ours: no transaction takes a minute."""
TRIM_S: Final = 0.5
PAUSE_S: Final = 0.5
MAX_ATTEMPTS: Final = 3
"""Times that SQL may refuse one batch before it is a dead letter."""

Entries = Sequence[tuple[bytes, dict[bytes, bytes]]]
"""Ids and fields; those of an entry that is gone from the stream are empty."""


class _Sorted(NamedTuple):
    batches: list[Batch]
    letters: list[DeadLetter]
    waiting: set[bytes]


class Consumer:
    """One ingester's place in the consumer group."""

    def __init__(
        self,
        redis: Redis,
        recorder: Recorder,
        name: str,
        *,
        claim_idle_ms: int = CLAIM_IDLE_MS,
        gone_after_ms: int = GONE_AFTER_MS,
    ) -> None:
        """Take a connection whose replies may take longer than BLOCK_MS; `name` is as `take_place` says."""
        self._redis = redis
        self._recorder = recorder
        self._name = name
        self._claim_idle_ms = claim_idle_ms
        self._gone_after_ms = gone_after_ms
        self._stopping = False
        self._at_once = READ_AT_ONCE
        self._attempts: dict[bytes, int] = {}
        self._claim_at = 0.0
        self._trim_at = 0.0

    def stop(self) -> None:
        """End after the transaction that runs."""
        self._stopping = True

    async def run(self) -> None:
        """Ingest until stopped, whatever happens to Redis and SQL meanwhile."""
        while not self._stopping:
            try:
                await self._consume()
            except Exception as exc:  # entries stay pending, and the next turn begins with them
                expected = isinstance(exc, (RedisError, OperationalError, InterfaceError, OSError))
                logger.warning("ingestion pauses: %s", str(exc)[:300], exc_info=not expected)
                await asyncio.sleep(PAUSE_S)

    async def _consume(self) -> None:
        with contextlib.suppress(ResponseError):  # the group exists
            await self._redis.xgroup_create(CLICKS, GROUP, id="0", mkstream=True)
        await self._take_own_pending()
        while not self._stopping:
            wanted = self._at_once
            entries = await self._read(">", BLOCK_MS)
            if entries:
                self._adapt(entries)
                await self._ingest(entries)
            now = time.monotonic()
            if now >= self._claim_at:
                self._claim_at = now + CLAIM_S
                await self._claim()
                await self._forget_gone()
            if now >= self._trim_at:
                self._trim_at = now + TRIM_S
                await self._trim()
            if 0 < len(entries) < wanted:
                await asyncio.sleep(GATHER_S)

    async def _take_own_pending(self) -> None:
        """Ingest first what this ingester had been given before it, or its connection, died."""
        last = "0"
        while entries := await self._read(last):
            await self._ingest(entries)
            last = entries[-1][0].decode()

    async def _read(self, after: str, block_ms: int | None = None) -> Entries:
        reply: Any = await self._redis.xreadgroup(GROUP, self._name, {CLICKS: after}, self._at_once, block_ms)
        if isinstance(reply, dict):  # RESP3
            return [entry for found in reply.values() for part in found for entry in _entries(part)]
        return [entry for _, found in reply or () for entry in found]

    def _adapt(self, entries: Entries) -> None:
        """Read as many next time as make a transaction of EVENTS_AT_ONCE, if they are like these."""
        events = sum(fields.get(b"events", b"").count(b"\n") + 1 for _, fields in entries)
        self._at_once = min(MOST_AT_ONCE, max(READ_AT_ONCE, EVENTS_AT_ONCE * len(entries) // events))

    async def _claim(self) -> None:
        """Take over what ingesters that are gone had been given."""
        cursor = b"0-0"
        while True:
            reply: Any = await self._redis.xautoclaim(
                CLICKS, GROUP, self._name, self._claim_idle_ms, start_id=cursor, count=READ_AT_ONCE
            )
            cursor, entries = reply[0], [entry for entry in reply[1] if entry[0] is not None]
            if entries:
                logger.info("took over %d entries of another ingester", len(entries))
                await self._ingest(entries)
            if len(entries) < len(reply[1]):  # Redis 6.2 does not name those that are gone from the stream
                await self._take_own_pending()
            if cursor == b"0-0" or self._stopping:
                return

    async def _forget_gone(self) -> None:
        """Take the names of ingesters that are gone out of the group, where they would pile up with every restart."""
        gone = await forget_gone(self._redis, GROUP, self._gone_after_ms)
        if gone:
            logger.info("ingesters that are gone: %s", ", ".join(gone))

    async def _ingest(self, entries: Entries) -> None:
        sorted_ = _sort(entries)
        try:
            recorded = await self._recorder.record(sorted_.batches, sorted_.letters, now_ms())
            done = recorded.done
            if recorded.dead:
                logger.warning("%d dead letters", recorded.dead)
        except DBAPIError as exc:
            if isinstance(exc, (OperationalError, InterfaceError)) or exc.connection_invalidated:
                raise
            done = await self._ingest_one_by_one(sorted_)
        acknowledged = [entry for entry, _ in entries if entry not in sorted_.waiting]
        async with self._redis.pipeline(transaction=True) as pipeline:
            if done:
                pipeline.hset(CLICKS_DONE, mapping={boot: str(number) for boot, number in done.items()})
            if acknowledged:
                pipeline.xack(CLICKS, GROUP, *acknowledged)
            await pipeline.execute()

    async def _ingest_one_by_one(self, sorted_: _Sorted) -> dict[str, int]:
        """Find the batch that SQL refuses, so that it does not hold up the others; after some attempts, bury it.

        Where SQL takes no batch at all it is not the batches' fault: the error is raised.
        """
        done: dict[str, int] = {}
        refused: list[tuple[Batch, DBAPIError]] = []
        for batch in sorted_.batches:
            try:
                done |= (await self._recorder.record([batch], [], now_ms())).done
            except DBAPIError as exc:
                refused.append((batch, exc))
        if len(refused) == len(sorted_.batches):
            raise refused[0][1]
        await self._recorder.record([], sorted_.letters, now_ms())
        for batch, error in refused:
            done |= await self._refuse(batch, error, sorted_.waiting)
        return done

    async def _refuse(self, batch: Batch, exc: DBAPIError, waiting: set[bytes]) -> dict[str, int]:
        attempts = self._attempts[batch.entry] = self._attempts.get(batch.entry, 0) + 1
        if attempts < MAX_ATTEMPTS:
            waiting.add(batch.entry)
            return {}
        del self._attempts[batch.entry]
        logger.error("a batch of %s that SQL refuses is a dead letter: %s", batch.boot, str(exc)[:300])
        return (await self._recorder.bury(batch, f"SQL refuses it: {exc.orig}"[:200], now_ms())).done

    async def _trim(self) -> None:
        """Remove what every group has acknowledged."""
        lowest: tuple[int, int] | None = None
        groups: Any = await self._redis.xinfo_groups(CLICKS)
        for group in groups:  # before asking what is pending: what is delivered in between is higher
            delivered = _parsed(group["last-delivered-id"])
            pending: Any = await self._redis.xpending(CLICKS, group["name"])
            needed = (delivered[0], delivered[1] + 1)
            if pending["pending"]:
                needed = min(needed, _parsed(pending["min"]))
            lowest = min(lowest or needed, needed)
        if lowest:
            await self._redis.xtrim(CLICKS, minid=f"{lowest[0]}-{lowest[1]}", approximate=False)


def _sort(entries: Entries) -> _Sorted:
    sorted_ = _Sorted([], [], set())
    for entry, fields in entries:
        if not fields:  # trimmed by somebody else while it was pending; its edge sends it again
            continue
        try:
            sorted_.batches.append(read_batch(entry, fields))
        except UnknownSchema as exc:
            logger.error("clicks of schema %s wait for a later ingester", exc)
            sorted_.waiting.add(entry)
        except MalformedBatch as exc:
            content = b" ".join(b"%b=%b" % (name, value[:500]) for name, value in fields.items())
            sorted_.letters.append(DeadLetter("", 0, str(exc), content))
    return sorted_


def _entries(part: Any) -> Entries:
    """Return the entries in one part of a RESP3 reply, which nests them once more."""
    return [part] if part and isinstance(part[0], bytes) else list(part)


def _parsed(entry: bytes | str) -> tuple[int, int]:
    text = entry.decode() if isinstance(entry, bytes) else entry
    time_ms, _, sequence = text.partition("-")
    return int(time_ms), int(sequence)
