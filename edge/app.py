"""The composition root: what workers share, and one worker, read from top to bottom in the order of its start.

Everything is built here and nowhere else, and stopped in reverse.
"""

import asyncio
import gc
import logging
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

import uvloop

from edge.clicks.agents import Names, open_names
from edge.clicks.click import Clicks
from edge.clicks.counters import Counters
from edge.clicks.geo import CountryDatabase, require_extension, sources_for
from edge.clicks.visitors import Visitors
from edge.feed.subscription import Subscription
from edge.process import logs, metrics
from edge.process.heartbeat import SERVING, STARTING, STOPPING, Heart, Report, process_status
from edge.process.load import LoadGauge
from edge.process.metrics import Sources
from edge.process.server import Server
from edge.process.watch import Seat
from edge.process.whereabouts import Whereabouts
from edge.settings import EdgeSettings
from edge.spool.shipper import Shipper
from edge.spool.spool import Spool
from shared.client_ip import TrustedProxies

log = logging.getLogger("edge.worker")

FIRST_SYNC_S: Final = 1.0
"""What a new worker waits for its rules before it lets visitors in; without Redis it starts with its snapshot."""

_GC_THRESHOLDS: Final = (50_000, 20, 50)
"""The hot path makes no cycles; the default, every 700 objects, would walk the caches for nothing."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What is made once, before the fork, and shared by all workers. `name` is the edge's, `port` its visitors'."""

    settings: EdgeSettings
    name: str
    port: int
    names: Names
    countries: CountryDatabase


def preload(settings: EdgeSettings, name: str, port: int) -> Preloaded:
    """Load what workers share; importing this module has loaded the rest. Raises NoRustEngine, NoExtension."""
    require_extension()
    countries = CountryDatabase(sources_for(settings.geo_db, settings.data_dir), settings.data_dir / "geo")
    countries.open()
    countries.remove_other_copies()
    return Preloaded(settings, name, port, open_names(), countries)


def work(preloaded: Preloaded, seat: Seat, listener: socket.socket, line: socket.socket) -> int:
    """Be the worker in `seat` until told to stop; return the exit code of its process."""
    logs.always_say(slot=seat.slot)
    gc.set_threshold(*_GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Worker(preloaded, seat).run(listener, line))
    return 0


class Worker:
    """One worker: its parts, built in the order in which they need one another."""

    def __init__(self, preloaded: Preloaded, seat: Seat) -> None:
        settings, name, slot = preloaded.settings, preloaded.name, seat.slot
        boot = secrets.token_hex(8)
        self.phase = STARTING
        self.counters = Counters()
        self.countries = preloaded.countries
        self.countries.open()  # a worker that replaces another is forked long after the first look
        self.visitors = Visitors(
            preloaded.names,
            self.countries.lookup,
            self.counters,
            trusted=TrustedProxies.parse(settings.trusted_proxies),
            country_header=settings.country_header,
        )
        self.whereabouts = Whereabouts(settings.edge_address or "", settings.host, preloaded.port, settings.redis_url)
        self.spool = Spool.open(
            settings.data_dir / "spool", settings.spool_quota_bytes, boot=boot, host=name, slot=slot
        )
        self.shipper = Shipper(self.spool, settings.clicks_url)
        self.links = Subscription(
            settings.redis_url,
            replica_url=settings.redis_replica_url,
            host=name,
            slot=slot,
            replaced=seat.replaced,
            workers=settings.edge_workers,
            snapshot_path=settings.data_dir / "snapshots" / f"{name}-{slot}",
            max_links=settings.edge_cached_links,
            boot=boot,
            address=lambda: self.whereabouts.address,
            geo_built_at=lambda: self.countries.status().built_at,
            load=LoadGauge(self.counters),
        )
        self.clicks = Clicks(
            self.links,
            self.visitors,
            self.spool,
            self.counters,
            dedupe_seconds=settings.dedupe_seconds,
            edge_name=f"{name}/{slot}",
        )
        self.server = Server(self.clicks, settings.edge_keep_alive_seconds, self.started)

    async def run(self, listener: socket.socket, line: socket.socket) -> None:
        """Start everything, serve visitors until told to stop, and stop everything in reverse."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stop)
        async with AsyncExitStack() as stops:
            stops.push_async_callback(_in_background(self._beat(Heart(line, self.report))))
            stops.callback(self.spool.close)
            stops.push_async_callback(_in_background(self.whereabouts.find()))
            await self.shipper.start()
            stops.push_async_callback(self.shipper.stop)
            await self.links.start()
            stops.push_async_callback(self.links.stop)
            stops.push_async_callback(_in_background(self.countries.watch(self.visitors.use_countries)))
            await self._first_sync()
            gc.collect()
            gc.freeze()
            await self.server.serve(sockets=[listener])
            self.phase = STOPPING

    def started(self) -> None:
        """Note that visitors are let in; a worker told to stop meanwhile is stopping all the same."""
        if self.phase == STARTING:
            self.phase = SERVING

    def stop(self) -> None:
        """Ask the worker to stop: no new connections, requests in flight answered, then the rest in order."""
        self.phase = STOPPING
        self.server.should_exit = True

    def report(self, lag_s: float) -> Report:
        """Return what the supervisor is to know now."""
        sync, spool, geo = self.links.status(), self.spool.status(), self.countries.status()
        sources = Sources(self.counters, sync, spool, self.shipper.status, geo, process_status(lag_s))
        clicks = spool._asdict() | {"shipping": asdict(self.shipper.status)}
        return Report(self.phase, sync.details(), clicks, asdict(geo), metrics.sample(sources))

    async def _beat(self, heart: Heart) -> None:
        await heart.beat()
        log.error("the supervisor is gone: stopping")
        self.stop()

    async def _first_sync(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SYNC_S):
                await self.links.wait_synced()


def _in_background(work: Coroutine[Any, Any, None]) -> Callable[[], Awaitable[None]]:
    """Run `work` beside everything else; return what ends it. An error in it is logged, and ends nothing else."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_error)

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    return end


def _log_error(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a background task failed", exc_info=error)
