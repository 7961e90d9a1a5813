"""The shipper: sends spooled batches to the clicks Redis and frees what SQL has.

One stream entry is one batch. It is sent once and not retried inside: where the reply was lost it is sent again later,
and SQL knows a batch by (boot, number); so it is no harm either where one of a few sent together is refused.

Ten times a second what waits is sent; each second it is asked how far SQL is (`{t0}clicks:done`), whether the oldest
entry that SQL does not have is still in the stream (else Redis lost it, and everything above is sent again), and
whether the stream is so long that the spool had better keep the rest.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from edge.redis_client import connect
from edge.spool.backlog import Batch, Content
from edge.spool.orphans import Orphan, adopt
from edge.spool.spool import Spool
from shared.wire import CLICKS, CLICKS_COUNTS, CLICKS_DONE

logger = logging.getLogger("shipper")

TICK_S: Final = 0.1
CHECK_S: Final = 1.0
ADOPT_S: Final = 15.0
TIMEOUT_S: Final = 2.0
MAX_PAUSE_S: Final = 2.0
SENT_AT_ONCE: Final = 64
"""Batches sent of one spool before the others have their turn."""
SENT_TOGETHER: Final = 4
"""Batches sent with one call, which share what it costs of Python; few, so that no click waits for long."""

MAX_STREAM_ENTRIES: Final = 20_000
MAX_STREAM_BYTES: Final = 512 * 1024 * 1024
MAX_MEMORY_SHARE: Final = 0.8
"""Marks of the clicks Redis above which the spool keeps the rest: the stream's own, and of a configured maxmemory."""

_EXISTS: Final = "return #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])"


@dataclass(slots=True)
class ShipperStatus:
    """What the shipper did since it started, and how it stands."""

    sent: int = 0
    errors: int = 0
    rewinds: int = 0
    adopted: int = 0
    held_back: bool = False
    connected: bool = False
    backlog: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """How full the clicks Redis may be before the spool keeps the rest."""

    entries: int = MAX_STREAM_ENTRIES
    bytes: int = MAX_STREAM_BYTES
    memory_share: float = MAX_MEMORY_SHARE


@dataclass(slots=True)
class _Due:
    """A moment that comes again every `period_s`."""

    period_s: float
    at: float = field(default=0.0)

    def now(self, clock: float) -> bool:
        if clock < self.at:
            return False
        self.at = clock + self.period_s
        return True


Source = Spool | Orphan


class Shipper:
    """Ships one worker's spool, and the orphans that it finds beside it."""

    def __init__(
        self,
        spool: Spool,
        redis_url: str,
        *,
        marks: Marks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the spool and the clicks Redis; nothing is connected before `start`."""
        self.status = ShipperStatus()
        self._spool = spool
        self._orphans: list[Orphan] = []
        self._redis = connect(redis_url, TIMEOUT_S, 1)  # which repeats nothing: XADD would add a batch again
        self._marks = marks or Marks()
        self._clock = clock
        self._check_due = _Due(CHECK_S)
        self._adopt_due = _Due(ADOPT_S)
        self._told: dict[Any, Any] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ship, in the background."""
        self._task = asyncio.create_task(self._run(), name="shipper")

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Ship what is left and wait until SQL has it, at most `timeout_s`; the rest is adopted at the next start."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        with contextlib.suppress(TimeoutError, RedisError, OSError):
            async with asyncio.timeout(timeout_s) as limit:
                await self._drain(limit)
                if not self._spool.backlog:
                    await self._redis.hdel(CLICKS_COUNTS, self._spool.owner.boot)
        for orphan in self._orphans:
            orphan.close()
        await self._redis.aclose()

    async def _run(self) -> None:
        pause_s = TICK_S
        while not self._stopping.is_set():
            try:
                await self._turn()
                pause_s = TICK_S
            except Exception as exc:  # whatever it is, the spool holds the clicks and the next turn tries again
                self._note_error(exc)
                await self._hang_up()
                pause_s = min(MAX_PAUSE_S, pause_s * 2)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s * random.uniform(0.8, 1.2))  # noqa: S311  # jitter

    async def _hang_up(self) -> None:
        """Close the connection: after a failover the next one reaches whoever takes writes now."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.connection_pool.disconnect()

    async def _turn(self) -> None:
        if self._adopt_due.now(self._clock()):
            await self._adopt()
        if self._check_due.now(self._clock()) or not self.status.connected:
            await self._check()
            self._note_connected()
        if not self.status.held_back:
            for source in self._sources():
                await self._send(source)

    async def _drain(self, limit: asyncio.Timeout) -> None:
        """Ship until nothing is left; looks at the limit itself, for the client can swallow the one cancellation."""
        self._spool.flush()
        self.status.held_back = False
        while any(len(source.backlog) or source.cut() for source in self._sources()) and not limit.expired():
            for source in self._sources():
                await self._send(source)
            await self._check()
            await asyncio.sleep(TICK_S / 2)

    def _sources(self) -> Iterator[Source]:
        yield self._spool
        yield from self._orphans

    async def _send(self, source: Source) -> None:
        """Send what waits in one spool; cut a batch only when nothing older waits, so that batches grow in a jam."""
        backlog = source.backlog
        if not backlog.unsent and not source.cut():
            return
        waiting = backlog.next(SENT_AT_ONCE)
        for start in range(0, len(waiting), SENT_TOGETHER):
            batches = waiting[start : start + SENT_TOGETHER]
            pipeline = self._redis.pipeline(transaction=False)
            for batch in batches:
                pipeline.xadd(CLICKS, _entry(source, batch, _content(source, batch)))
            entry_ids: Any = await pipeline.execute(raise_on_error=False)
            for batch, entry_id in zip(batches, entry_ids, strict=True):
                _required([entry_id])
                backlog.mark_sent(batch, entry_id)
                self.status.sent += 1

    async def _check(self) -> None:
        """Ask Redis what it still holds, how far SQL is, and how full it is; tell it this edge's counts."""
        sources = list(self._sources())
        oldest = [(source, sent) for source in sources if (sent := source.backlog.oldest_sent())]
        counts = self._news(sources)
        pipeline = self._redis.pipeline(transaction=False)
        for _, (_, entry) in oldest:  # before asking for `done`: an entry that is trimmed was done before
            pipeline.eval(_EXISTS, 1, CLICKS, entry)
        pipeline.hmget(CLICKS_DONE, [source.owner.boot for source in sources])
        pipeline.xlen(CLICKS)
        pipeline.memory_usage(CLICKS, samples=5)
        pipeline.info("memory")
        if counts:
            pipeline.hset(CLICKS_COUNTS, mapping=counts)
        answers = await pipeline.execute(raise_on_error=False)
        exist, (numbers, length, size, memory) = _required(answers[: len(oldest)]), answers[len(oldest) :][:4]
        _required([numbers, length])
        self._told.update(counts)
        self.status.held_back = self._above_marks(length, _count(size), memory if isinstance(memory, dict) else {})
        done = {source.owner.boot: int(number or 0) for source, number in zip(sources, numbers, strict=True)}
        for (source, (number, _)), exists in zip(oldest, exist, strict=True):
            if not exists and done[source.owner.boot] < number:
                source.backlog.rewind()
                self._told.clear()
                self.status.rewinds += 1
        await self._release(sources, done)

    def _above_marks(self, length: int, size: int, memory: dict[str, Any]) -> bool:
        limit = memory.get("maxmemory", 0)
        full = bool(limit) and memory.get("used_memory", 0) > self._marks.memory_share * limit
        return full or length > self._marks.entries or size > self._marks.bytes

    def _news(self, sources: list[Source]) -> dict[Any, Any]:
        """Return the counts that changed since they were told, by boot."""
        news = {}
        for source in sources:
            owner = source.owner
            told = orjson.dumps({"host": owner.host, "slot": owner.slot, **orjson.loads(source.counts())})
            if self._told.get(owner.boot) != told:
                news[owner.boot] = told
        return news

    async def _release(self, sources: list[Source], done: dict[str, int]) -> None:
        segments = [path for source in sources for path in source.release(done[source.owner.boot])]
        if segments:
            await asyncio.to_thread(_remove, segments)
        for orphan in [orphan for orphan in self._orphans if orphan.finished]:
            self._orphans.remove(orphan)
            orphan.close()
            self._told.pop(orphan.owner.boot, None)
            await self._redis.hdel(CLICKS_COUNTS, orphan.owner.boot)
        self._spool.adopted_bytes = sum(orphan.size_bytes for orphan in self._orphans)
        self.status.backlog = sum(len(source.backlog) for source in self._sources())

    async def _adopt(self) -> None:
        for orphan in await asyncio.to_thread(lambda: list(adopt(self._spool.root))):
            self._orphans.append(orphan)
            self.status.adopted += 1
            logger.info(
                "adopted the spool of a process that is gone",
                extra={"boot": orphan.owner.boot, "batches": len(orphan.backlog), "bytes": orphan.size_bytes},
            )

    def _note_error(self, exc: Exception) -> None:
        error = f"{type(exc).__name__}: {exc}"[:200]
        if self.status.connected or error != self.status.last_error:
            unexpected = not isinstance(exc, (RedisError, OSError))
            logger.warning("clicks stay in the spool", extra={"error": error}, exc_info=unexpected)
        self.status.errors += 1
        self.status.last_error = error
        self.status.connected = False

    def _note_connected(self) -> None:
        if not self.status.connected:
            self.status.connected = True
            self._told.clear()
            logger.info("clicks are on their way", extra={"backlog": self.status.backlog})


def _required(answers: list[Any]) -> list[Any]:
    """Return the answers; raises where one is an error."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _count(answer: Any) -> int:
    """Return a number, 0 where there is none: hosted servers refuse to tell sizes, and the other marks do."""
    return answer if isinstance(answer, int) else 0


def _content(source: Source, batch: Batch) -> Content:
    """Return what is sent of a batch; of one that can no longer be read only that it is lost."""
    content = source.backlog.read(batch)
    if content is None:
        source.lose(batch)
        content = Content(b"", source.counts())
    return content


def _entry(source: Source, batch: Batch, content: Content) -> dict[Any, Any]:
    owner = source.owner
    return {
        "boot": owner.boot,
        "batch": batch.number,
        "kept_from": source.backlog.kept_from,
        "host": owner.host,
        "slot": owner.slot,
        "schema": owner.schema,
        "events": content.events,
        "counts": content.counts,
    }


def _remove(segments: list[Path]) -> None:
    for path in segments:
        with contextlib.suppress(OSError):
            path.unlink()
