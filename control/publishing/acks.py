"""How far an edit got: which edges have it, which refuse it and why, which have not been heard from.

Workers write leases. Every edit that this process published or somebody waits for has them looked at every few
milliseconds, by one loop for all; its time is from commit to the first look that found it on every edge.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from redis.exceptions import RedisError

from control.db import Database, now_ms
from control.publishing.carrier import Carrier
from control.publishing.fleet import Edge, EdgeState, Fleet, Refusal, fleet_of
from control.publishing.journal import commit_time
from control.publishing.latency import Latency
from control.publishing.outbox import Transaction
from control.publishing.pace import pause
from shared.wire import Head, Version, lease_key

LOOK_S: Final = 0.005
LOOK_UNASKED_S: Final = 0.02
LOOK_AGAIN_S: Final = 0.05
FRESH_S: Final = 0.25
"""Time between looks while something watched is fresh: where somebody waits for it, where nobody does, and later or
when Redis fails."""

RECENT: Final = 60
"""Publishes of which `recent` tells."""

_PAUSES_A_LOOK: Final = 4
"""Looking takes at most a fifth of the time: the leases of a large fleet are milliseconds of Redis's one core."""

_WATCH_S: Final = 10.0
_MAX_WATCHED: Final = 64
_REMEMBERED: Final = 4_096

FORGET_S: Final = 24 * 3600.0
_FORGET_EVERY_S: Final = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Propagation:
    """On how many of the known edges one transaction is live.

    `of` counts every known edge, `unknown` those whose leases have lapsed. `complete`: it is live on every edge that
    is heard from and on one at least; with no edge at all it is not. `ms` is the time from commit until it was complete
    or, while it is not, until now; None when it was complete before this process first looked.
    """

    live: int
    of: int
    unknown: int
    refused: tuple[Refusal, ...]
    ms: int | None
    complete: bool

    @property
    def settled(self) -> bool:
        """Whether waiting longer is in vain: every edge has it, refuses it, or is not heard from."""
        return self.live + self.unknown + len({refusal.edge for refusal in self.refused}) >= self.of


@dataclass(slots=True)
class _Watch:
    committed_at: int
    fresh_until: float
    until: float
    waiting: int = 0
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def pause_s(self, now: float) -> float:
        """Return how long it may be until the next look at it."""
        if now >= self.fresh_until:
            return LOOK_AGAIN_S
        return LOOK_S if self.waiting else LOOK_UNASKED_S


class Acks:
    """What the edges say of what was published. `head` gives where Redis was last found to stand, if that is known."""

    def __init__(self, db: Database, carrier: Carrier, head: Callable[[], Head | None]) -> None:
        self._db = db
        self._carrier = carrier
        self._head = head
        self._fleet: Fleet = ()
        self._watched: dict[int, _Watch] = {}
        self._watching: asyncio.Task[None] | None = None
        self._silent_since: dict[str, float] = {}
        self._complete_ms: OrderedDict[Version, int] = OrderedDict()  # by version: SQL that went back counts anew
        self.latency = Latency()

    def on_published(self, _head: Head, batch: Sequence[Transaction]) -> None:
        """Measure how long `batch`, which edges can see from now on, takes to be live; of very many, not each."""
        for transaction in batch:
            if len(self._watched) < _MAX_WATCHED:
                self._watch(transaction.sequence, transaction.committed_at, _WATCH_S)

    async def fleet(self) -> Fleet:
        """Return the edges and what they run now. Raises RedisError."""
        self._fleet = fleet_of(await self._carrier.leases())
        return self._fleet

    async def propagation(self, sequence: int) -> Propagation:
        """Return on which edges `sequence` is live now; while Redis does not answer, none is heard from."""
        try:
            fleet = await self.fleet()
        except (RedisError, OSError):
            fleet = self._fleet = tuple(Edge(edge.host, (), edge.lapsed) for edge in self._fleet)
        found = self._counted(fleet, sequence)
        if found.complete:
            return replace(found, ms=self._complete_ms.get(self._published(sequence)))
        committed_at = await self._committed_at(sequence)
        if committed_at is None:
            return found
        if not found.settled:
            self._watch(sequence, committed_at, _WATCH_S)
        return replace(found, ms=max(0, now_ms() - committed_at))

    def recent(self) -> list[tuple[int, int]]:
        """Return the last publishes that were seen to be live everywhere, newest first: sequence, milliseconds."""
        return [(version.sequence, ms) for version, ms in islice(reversed(self._complete_ms.items()), RECENT)]

    async def wait_live(self, sequence: int, timeout_s: float) -> Propagation:
        """Return as soon as waiting longer is in vain, at the latest after `timeout_s`."""
        if timeout_s and self._published(sequence) not in self._complete_ms:
            committed_at = await self._committed_at(sequence)
            if committed_at is not None:
                watch = self._watch(sequence, committed_at, timeout_s)
                watch.waiting += 1
                try:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(watch.settled.wait(), timeout_s)
                finally:  # who waits may hang up
                    watch.waiting -= 1
        return await self.propagation(sequence)

    async def run(self, stopping: asyncio.Event) -> None:
        """Forget, after a day, edges that went away without a word; they show as unknown until then."""
        while not stopping.is_set():
            with contextlib.suppress(RedisError, OSError):
                await self._forget_silent()
            await pause(_FORGET_EVERY_S, stopping)

    async def stop(self) -> None:
        """End the watch."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    async def _forget_silent(self) -> None:
        now = time.monotonic()
        silent = {edge.host: edge for edge in await self.fleet() if not edge.leases}
        self._silent_since = {host: self._silent_since.get(host, now) for host in silent}
        gone = [silent[host] for host, since in self._silent_since.items() if now - since > FORGET_S]
        names = [lease_key(edge.host, slot) for edge in gone for slot in edge.lapsed]
        if names:
            _log.warning("forgetting edges not heard from for a day", extra={"edges": [edge.host for edge in gone]})
            await self._carrier.forget_leases(names)

    async def _committed_at(self, sequence: int) -> int | None:
        """Return when `sequence` was committed, None when it never was; what is watched, nobody asks SQL about."""
        known = self._watched.get(sequence)
        return known.committed_at if known else await commit_time(self._db, sequence)

    def _watch(self, sequence: int, committed_at: int, duration_s: float) -> _Watch:
        now = time.monotonic()
        watch = self._watched.setdefault(sequence, _Watch(committed_at, now + FRESH_S, now))
        watch.until = max(watch.until, now + duration_s)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._look_until_settled())
        return watch

    async def _look_until_settled(self) -> None:
        """Pause before each look: what has just been published, no edge has yet."""
        least_s = 0.0
        while self._watched:
            now = time.monotonic()
            await asyncio.sleep(max(least_s, min(watch.pause_s(now) for watch in self._watched.values())))
            began, least_s = time.monotonic(), 0.0
            try:
                self._settle(await self.fleet())
            except (RedisError, OSError):
                least_s = LOOK_AGAIN_S
            least_s = max(least_s, _PAUSES_A_LOOK * (time.monotonic() - began))

    def _settle(self, fleet: Fleet) -> None:
        now = time.monotonic()
        for sequence, watch in list(self._watched.items()):
            found = self._counted(fleet, sequence)
            if found.complete:
                self._remember(self._published(sequence), max(0, now_ms() - watch.committed_at))
            if found.settled or now > watch.until:
                watch.settled.set()
                del self._watched[sequence]

    def _remember(self, version: Version, ms: int) -> None:
        if version not in self._complete_ms:
            self.latency.observe(ms)
        self._complete_ms[version] = ms
        while len(self._complete_ms) > _REMEMBERED:
            self._complete_ms.popitem(last=False)

    def _published(self, sequence: int) -> Version:
        """Return a transaction's version in Redis; what Redis is not known to hold, under SQL's chain, has none."""
        head = self._head()
        return Version(-1, sequence) if head is None or head.sequence < sequence else Version(head.epoch, sequence)

    def _counted(self, fleet: Fleet, sequence: int) -> Propagation:
        """Count `fleet`; what Redis is not known to hold is live nowhere."""
        version = self._published(sequence)
        states = [edge.state(version) for edge in fleet]
        live, unknown = states.count(EdgeState.LIVE), states.count(EdgeState.UNKNOWN)
        refused = tuple(refusal for edge in fleet for refusal in edge.refusals(version))
        return Propagation(live, len(fleet), unknown, refused, None, 0 < live == len(fleet) - unknown)
