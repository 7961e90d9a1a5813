"""Which server a worker reads and listens to: the replica near by, or the primary while that one fails.

A replica that does not answer, went back, or no longer follows is left after seconds, and gone back to only once it has
been well for longer: a server that comes and goes would otherwise cost a catching-up each time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from edge.feed.rules_redis import FAILURES, RulesRedis
from edge.rules.floors import NEVER
from edge.rules.sync import Sync

LOOK_S: Final = 1.0
FAILS_S: Final = 2.0
"""How long a replica may fail before it is left; lag counts as failing after three seconds, see `rules.standing`."""
WELL_S: Final = 10.0
"""How long it must have followed the primary before it is gone back to."""

log = logging.getLogger("edge.source")


class Source:
    """The choice between the two. Pure: time is passed in, in seconds."""

    def __init__(self) -> None:
        self.is_replica = True
        self._since_s: float | None = None

    def choose(self, *, replica_well: bool, primary_well: bool, now_s: float) -> bool:
        """Learn how both are, and return whether the replica is to be read; without the primary, it always is."""
        tempted = replica_well is not self.is_replica
        if not tempted:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        if self._since_s is not None and self._is_over(now_s - self._since_s, primary_well):
            self.is_replica, self._since_s = replica_well, None
        return self.is_replica

    def _is_over(self, elapsed_s: float, primary_well: bool) -> bool:
        """Tell whether it is time to turn, after seconds in which the other one was the better."""
        if self.is_replica:
            return primary_well and elapsed_s >= FAILS_S
        return elapsed_s >= WELL_S or not primary_well


class Sources:
    """Looks each second how the two are, and turns `redis` to the one to read.

    `turned` hears whether that is the replica now; the clock is monotonic, in seconds.
    """

    def __init__(
        self, redis: RulesRedis, sync: Sync, turned: Callable[[bool], None], clock: Callable[[], float]
    ) -> None:
        self._redis = redis
        self._sync = sync
        self._turned = turned
        self._clock = clock
        self._source = Source()
        self._heard_before = NEVER
        self._stopping = asyncio.Event()

    @property
    def is_replica(self) -> bool:
        """Whether the replica is read."""
        return self._source.is_replica

    async def run(self) -> None:
        """Choose until `stop`."""
        while not self._stopping.is_set():
            await self._look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Have `run` end after the look it is taking."""
        self._stopping.set()

    async def _look(self) -> None:
        if self.is_replica:
            replica_well = self._sync.fed
            primary_well = replica_well or await self._has(replica=False)
        else:
            replica_well, primary_well = await self._has(replica=True), self._sync.fed
        self._heard_before = self._sync.heard
        was = self.is_replica
        if self._source.choose(replica_well=replica_well, primary_well=primary_well, now_s=self._clock()) is not was:
            self._turn()

    async def _has(self, *, replica: bool) -> bool:
        """Tell whether the one that is not read has what was heard a second ago, which is time to be replicated."""
        try:
            head = await self._redis.head_of(replica=replica)
        except FAILURES:
            return False
        return head is not None and head.version >= self._heard_before and head.ready

    def _turn(self) -> None:
        log.warning("rules are read at the %s", "replica again" if self.is_replica else "primary: the replica fails")
        self._redis.use(replica=self.is_replica)
        self._turned(self.is_replica)
