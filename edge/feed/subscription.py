"""The rules of one worker, live: runs the state machine of `sync` against Redis and the disk, and answers clicks.

Hits never leave memory. A miss waits at most 200 ms for Redis, not at all while Redis is known not to answer; then the
snapshot on disk is asked, and only then is the link unavailable.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from edge.feed.budget import ABSENCE_BURST, ABSENCES_PER_S, Bucket, ClientBudget
from edge.feed.errands import FETCHERS, Errands
from edge.feed.keeping import Keeper
from edge.feed.leases import Leases, Load
from edge.feed.listening import Listener
from edge.feed.rules_redis import READ_TIMEOUT_S, RulesRedis
from edge.feed.source import Sources
from edge.rules.cache import ABSENT, MAX_ABSENCES, MAX_LINKS, Absent, Cache, Entry
from edge.rules.effects import Ack, Answer, Effect, Withdraw
from edge.rules.links import FETCH_TIMEOUT_S, LinksUnavailable, SyncStatus, TooManyMisses
from edge.rules.sync import STALE, SYNCED, Sync
from shared import table
from shared.key import Key
from shared.wire import Head, Lease, Version, worker_name

log = logging.getLogger("edge.subscription")

_NEVER_SYNCED_AGE_S: Final = 10.0**9
"""What `age_s` says before there was anything: finite, for JSON and gauges."""


class Subscription:
    """Links, as `edge.rules.links.Links` describes them; start it inside a running loop, stop it before the loop ends.

    With `replica_url` everything but the lease goes to that server, which follows the one at `redis_url`, and is read
    in its place while it fails. `host` and
    `slot` name the worker, and its lease, among `workers` of them; `replaced` counts those that died in its place;
    `address`, `geo_built_at` and `load` are asked for what else it says. Without `snapshot_path` nothing is kept on
    disk.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        replica_url: str | None = None,
        host: str,
        slot: int = 0,
        workers: int = 1,
        replaced: int = 0,
        snapshot_path: Path | None = None,
        max_links: int = MAX_LINKS,
        max_absences: int = MAX_ABSENCES,
        absences_per_s: float = ABSENCES_PER_S,
        boot: str = "",
        address: Callable[[], str] = str,
        geo_built_at: Callable[[], int] = int,
        load: Callable[[], Load] = Load,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._cache = Cache(max_links, max_absences)
        self.lookup = self._cache.lookup  # bound once: one call less on every click
        self._sync = Sync(self._cache, worker=worker_name(host, slot))
        self._clock = clock
        self._host, self._slot, self._workers, self._replaced = host, slot, workers, replaced
        self._boot = boot or secrets.token_hex(8)
        self._address, self._geo_built_at, self._load = address, geo_built_at, load
        self._started_at = wall_ms()
        self._redis = RulesRedis(redis_url, FETCHERS, replica_url)
        self._errands = Errands(self._redis, self._sync, self._take, clock)
        self._leases = Leases(self._redis, self._lease, self._primary_at)
        self._sources = Sources(self._redis, self._sync, self._turned, clock) if replica_url else None
        urls = (replica_url, redis_url) if replica_url else (redis_url,)
        self._listener = Listener(urls, self._subscribed, self._announced, self._disconnected)
        self._keeper = Keeper(snapshot_path, self._sync, wall_ms) if snapshot_path else None
        self._absences = Bucket(absences_per_s, ABSENCE_BURST, clock())
        self._clients = ClientBudget()
        self._waiting: dict[Key, asyncio.Future[Entry | Absent | None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._cancellable: list[asyncio.Task[None]] = []
        self._synced = asyncio.Event()
        self._state = ""
        self._forked = 0
        self._misses = self._unavailable = self._refused = 0

    # Links

    @property
    def domains(self) -> Mapping[str, str | None]:
        """Registered host (and `_`) -> root URL, None for 404."""
        return self._sync.holdings.domains

    @property
    def salts(self) -> Mapping[str, bytes]:
        """UTC day -> 16 bytes."""
        return self._sync.holdings.salts

    @property
    def state(self) -> str:
        """`cold`, `catching_up`, `synced` or `stale`."""
        return self._sync.state

    @property
    def version(self) -> Version:
        """The last version of which nothing older is served."""
        return self._sync.acked

    @property
    def age_s(self) -> float:
        """Seconds since the state was last `synced`; 0 while it is."""
        return min(self._sync.age_s(self._clock()), _NEVER_SYNCED_AGE_S)

    async def fetch(self, key: Key, client: str = "") -> Entry | Absent:
        """Return the entry or its absence, waiting at most 200 ms. Raises LinksUnavailable, TooManyMisses."""
        known = self.lookup(key)
        if known is not None:
            return known
        self._misses += 1
        self._pay(key, client)
        answer = await self._answer_to(key)
        found = self.lookup(key) or answer or self._recall(key)
        if found is not ABSENT:
            self._pay_back(client)
        if found is None:
            self._unavailable += 1
            raise LinksUnavailable(f"{key.domain}/{key.slug} is not in memory, and Redis does not vouch for it")
        return found

    # Life

    async def start(self) -> None:
        """Begin with the snapshot, if there is one, and follow Redis from there."""
        if self._keeper:
            self._keeper.open(self._clock())
            self._cancellable = [asyncio.create_task(run) for run in (self._keeper.recall_all(), self._keeper.run())]
        self._cancellable.append(asyncio.create_task(self._listener.run()))
        runs = [self._leases.run(), *self._errands.runs()]
        if self._sources:
            runs.append(self._sources.run())
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def wait_synced(self) -> None:
        """Return when everything held is known to be current."""
        await self._synced.wait()

    async def stop(self) -> None:
        """Take the lease back, keep a last snapshot and close everything."""
        self._errands.stop()
        self._leases.stop()
        if self._sources:
            self._sources.stop()
        await _end(self._cancellable)
        await _end(self._tasks, grace_s=2 * READ_TIMEOUT_S)
        await self._leases.take_back()
        if self._keeper:
            await self._keeper.keep(breath_s=0)
            self._keeper.close()
        await self._listener.stop()
        await self._redis.close()
        for waiter in self._waiting.values():
            waiter.cancel()

    def status(self) -> SyncStatus:
        """Return where the worker stands."""
        sync = self._sync
        return SyncStatus(
            state=sync.state,
            age_s=self.age_s,
            heard=sync.heard,
            acked=sync.acked,
            links=len(self._cache),
            tables=self._cache.tables,
            absences=self._cache.absences,
            revalidating=len(sync.revalidation),
            misses=self._misses,
            fetches=self._errands.fetches,
            unavailable=self._unavailable,
            refused=self._refused,
            nacks=sync.nacks.listed(),
            away=self._sources is not None and not self._sources.is_replica,
        )

    # Misses

    def _pay(self, key: Key, client: str) -> None:
        """Take what an absence costs from all budgets. Raises TooManyMisses where one is spent."""
        now_s = self._clock()
        if self._absences.take(now_s):
            if not client or self._clients.take(client, now_s):
                return
            self._absences.give_back()
        self._refused += 1
        raise TooManyMisses(f"{key.domain}/{key.slug} is not in memory, and too many that do not exist are asked for")

    def _pay_back(self, client: str) -> None:
        self._absences.give_back()
        if client:
            self._clients.give_back(client)

    async def _answer_to(self, key: Key) -> Entry | Absent | None:
        """Return what Redis answers within 200 ms, None where it does not, or where it changed meanwhile."""
        waiter = self._ask(key)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                await asyncio.shield(waiter)
        answer = waiter.result() if waiter.done() and not waiter.cancelled() else None
        return None if isinstance(answer, Entry) and not self._sync.stands(answer) else answer

    def _ask(self, key: Key) -> asyncio.Future[Entry | Absent | None]:
        waiter = self._waiting.get(key)
        if waiter is None:
            waiter = self._waiting[key] = asyncio.get_running_loop().create_future()
            self._take(self._sync.want(key))
        return waiter

    def _recall(self, key: Key) -> Entry | None:
        return self._keeper.recall(key) if self._keeper else None

    # Events in, effects out

    def _subscribed(self) -> None:
        self._take(self._sync.subscribed(self._clock()))

    def _announced(self, raw: bytes) -> None:
        self._take(self._sync.announced(raw, self._clock()))

    def _disconnected(self) -> None:
        self._take(self._sync.disconnected(self._clock()))

    def _turned(self, is_replica: bool) -> None:
        self._listener.move(0 if is_replica else 1)
        self._take(self._sync.turned(self._clock()))

    def _primary_at(self, head: Head) -> None:
        self._take(self._sync.primary_at(head, self._clock()))

    def _take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Answer):
                self._answer(effect)
            elif isinstance(effect, Withdraw):
                if self._keeper:
                    self._keeper.withdraw(effect)
            elif isinstance(effect, Ack):
                self._leases.due()
            else:
                self._errands.send(effect)
        self._note_state()

    def _answer(self, answer: Answer) -> None:
        waiter = self._waiting.pop(answer.key, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(answer.found)

    def _note_state(self) -> None:
        """Tell about the states that matter to others: current, in doubt, or of another history than Redis."""
        state, forked = self._sync.state, self._sync.forked
        if forked and not self._forked:
            log.error("Redis has another history than was followed here", extra={"heard": self._sync.heard})
            self._leases.due()
        self._forked = forked
        if state == SYNCED:
            self._synced.set()
        if state == self._state or state not in (SYNCED, STALE):
            return
        log.info("rules are %s", state, extra={"heard": self._sync.heard, "acked": self._sync.acked})
        self._state = state
        self._leases.due()

    def _lease(self) -> Lease:
        return Lease(
            host=self._host,
            slot=self._slot,
            workers=self._workers,
            boot=self._boot,
            schema=table.SCHEMA,
            epoch=self._sync.acked.epoch,
            acked=self._sync.acked.sequence,
            state=SYNCED if self._sync.state == SYNCED else STALE,
            started_at=self._started_at,
            nacks=self._sync.nacks.listed(),
            forked=self._sync.forked,
            address=self._address(),
            geo_built_at=self._geo_built_at(),
            replaced=self._replaced,
            **self._load()._asdict(),
        )


async def _end(tasks: list[asyncio.Task[None]], grace_s: float = 0.0) -> None:
    """Wait for tasks that were told to end, then cancel them, more than once: a client's timeout can swallow it."""
    pending = set(tasks)
    while pending:
        _, pending = await asyncio.wait(pending, timeout=grace_s)
        for task in pending:
            task.cancel()
        grace_s = 0.1
