"""Carries the state machine's questions to Redis and its replies back, each kind by tasks of its own.

A request never awaits Redis itself: it waits for a future, and giving up on that cancels nothing.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Coroutine
from typing import Any, Final

from redis.exceptions import ResponseError

from edge.feed.rules_redis import FAILURES, RulesRedis
from edge.rules.effects import Effect, Fetch, ReadLog, Reread
from edge.rules.sync import Sync
from shared.key import Key

FETCHERS: Final = 4
BATCH: Final = 64
REST_S: Final = 0.0015
CROWD_REST_S: Final = 0.003
"""Calls under way for misses at a time; the most misses of one; from a call about one to the next, and from one about
several.

A miss by itself never rests. Of a flood of guesses, each in a call of its own, clicks would wait behind all those
calls; what comes within a rest goes together.
"""

POLL_S: Final = 1.0
POLL_DOWN_S: Final = 0.25
"""Time between looks at the head, and while Redis does not answer: nothing else finds out that it is back."""

log = logging.getLogger("edge.errands")


class Errands:
    """Tasks that run until `stop`. `take` receives the effects of every reply; `clock` is monotonic, in seconds."""

    def __init__(
        self, redis: RulesRedis, sync: Sync, take: Callable[[list[Effect]], None], clock: Callable[[], float]
    ) -> None:
        self._redis = redis
        self._sync = sync
        self._take = take
        self._clock = clock
        self._door = asyncio.Lock()
        self._rested_at_s = -math.inf
        self._fetches: asyncio.Queue[Fetch | None] = asyncio.Queue()
        self._log_reads: asyncio.Queue[ReadLog | None] = asyncio.Queue()
        self._rereads: asyncio.Queue[Reread | None] = asyncio.Queue()
        self._stopping = asyncio.Event()
        self.fetches = 0

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        """Return what is to be run, as tasks, until `stop`."""
        return [self._poll(), self._read_log(), self._reread(), *(self._fetch() for _ in range(FETCHERS))]

    def stop(self) -> None:
        """Have the tasks end after what they are about, which takes no longer than its deadline: none is cancelled."""
        self._stopping.set()
        for _ in range(FETCHERS):
            self._fetches.put_nowait(None)
        self._log_reads.put_nowait(None)
        self._rereads.put_nowait(None)

    def send(self, errand: Fetch | ReadLog | Reread) -> None:
        """Queue a question."""
        if isinstance(errand, Fetch):
            self._fetches.put_nowait(errand)
        elif isinstance(errand, ReadLog):
            self._log_reads.put_nowait(errand)
        else:
            self._rereads.put_nowait(errand)

    async def _fetch(self) -> None:
        while keys := await self._keys():
            self.fetches += len(keys)
            try:
                misses = await self._redis.misses(keys)
                self._take(self._sync.fetched(dict(zip(keys, misses, strict=True)), self._clock()))
            except Exception as exc:
                _tell("links", exc)
                answered = not isinstance(exc, FAILURES) or isinstance(exc, ResponseError)
                for key in keys:
                    self._take(self._sync.fetch_failed(key, self._clock(), answered=answered))

    async def _keys(self) -> list[Key]:
        """Return what is to be fetched together, none at the end; one fetcher at a time waits for it."""
        async with self._door:
            errand = await self._fetches.get()
            if errand is None:
                return []
            if (rest_s := self._rested_at_s - self._clock()) > 0:
                await asyncio.sleep(rest_s)
            keys = [errand.key, *self._more_keys()]
            self._rested_at_s = self._clock() + (REST_S if len(keys) == 1 else CROWD_REST_S)
            return keys

    def _more_keys(self) -> list[Key]:
        """Take what else waits to be fetched, up to a batch; the word to stop stays in the queue."""
        keys: list[Key] = []
        while len(keys) < BATCH - 1 and not self._fetches.empty():
            errand = self._fetches.get_nowait()
            if errand is None:
                self._fetches.put_nowait(None)
                break
            keys.append(errand.key)
        return keys

    async def _read_log(self) -> None:
        while errand := await self._log_reads.get():
            try:
                page = await self._redis.page(errand.after)
                self._take(self._sync.paged(page, self._clock()))
            except Exception as exc:
                _tell("the log", exc)
                self._take(self._sync.page_failed(self._clock()))

    async def _reread(self) -> None:
        while errand := await self._rereads.get():
            try:
                reading = await self._redis.read(errand.keys)
                self._take(self._sync.reread(errand.keys, reading, self._clock()))
            except Exception as exc:
                _tell("what is held", exc)
                self._take(self._sync.reread_failed(errand.keys, self._clock()))

    async def _poll(self) -> None:
        while not self._stopping.is_set():
            asked = self._sync.known
            try:
                head = await self._redis.head()
                self._take(self._sync.polled(head, asked, self._clock()))
            except Exception as exc:
                _tell("the head", exc)
                self._take(self._sync.poll_failed(self._clock()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S if self._sync.reachable else POLL_DOWN_S):
                    await self._stopping.wait()
            self._take(self._sync.tick(self._clock()))


def _tell(what: str, exc: Exception) -> None:
    """Log why something could not be read. What nobody foresaw is logged whole, and must not deafen the worker."""
    if isinstance(exc, FAILURES):
        log.debug("%s could not be read", what, extra={"error": f"{type(exc).__name__}: {exc}"})
    else:
        log.error("%s could not be read", what, exc_info=exc)
