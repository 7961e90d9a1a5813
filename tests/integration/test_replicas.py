"""Edges that read and listen at a replica: as fast as at the primary, and honest about one that no longer follows."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from control.db import Database
from control.publishing.carrier import Carrier
from control.publishing.compile import domains_change, offer_changes, pointer_change, salts_change, table_change
from control.publishing.fleet import fleet_of
from control.publishing.outbox import Change
from control.publishing.publisher import Publisher
from control.redis_client import connect
from edge.feed.subscription import Subscription
from edge.rules.cache import ABSENT, Absent, Entry
from edge.rules.links import LinksUnavailable
from shared.key import Key
from shared.pointer import Pointer
from shared.wire import EDGES, HEAD
from tests.builders import offer
from tests.cable import Cable
from tests.control.publishing import commit, create_tables, database_url
from tests.servers import RedisServer

HANG_S = 60.0
OLD, NEW = Key("_", "old"), Key("_", "new")


@dataclass
class Place:
    """One publisher at the primary, one worker at the replica, and the way between the two servers."""

    primary: RedisServer
    replica: RedisServer
    cable: Cable
    db: Database
    publisher: Publisher
    carrier: Carrier
    links: Subscription

    async def write(self, *changes: Change) -> int:
        """Commit and publish."""
        sequence = await commit(self.db, *changes)
        await self.publisher.publish()
        return sequence

    async def acked(self, sequence: int) -> None:
        """Wait until the lease in the primary says so, and the worker is in sync."""

        async def said() -> bool:
            fleet = fleet_of(await self.carrier.leases())
            return any(lease.acked >= sequence for edge in fleet for lease in edge.heard)

        await until(said)
        await until(lambda: self.links.state == "synced")

    async def found(self, key: Key) -> Entry | Absent | None:
        """What a visitor gets now; None is a 503."""
        with contextlib.suppress(LinksUnavailable):
            return self.links.lookup(key) or await self.links.fetch(key)
        return None


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + HANG_S
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        assert time.monotonic() < deadline, "never happened"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    primary = RedisServer(folder / "primary").start()
    cable = Cable(primary.port)
    replica = RedisServer(folder / "replica", "--replicaof", "127.0.0.1", str(cable.port)).start()
    db = Database.open(await database_url(folder))
    await create_tables(db)
    carrier = Carrier(connect(primary.url))
    publisher = Publisher(db, carrier)
    links = Subscription(primary.url, replica_url=replica.url, host="edge-1")
    here = Place(primary, replica, cable, db, publisher, carrier, links)
    stopping = asyncio.Event()
    backstop = asyncio.create_task(publisher.run(stopping))
    try:
        await here.write(*offer_changes(offer(revision=1), []), domains_change({"_": None}), salts_change({}))
        sequence = await here.write(pointer_change(OLD, Pointer("o_saas", "l_old")))
        with replica.client() as client:
            await until(lambda: client.get(HEAD))  # a replica that has nothing yet is not read
        await links.start()
        await here.acked(sequence)
        yield here
    finally:
        await links.stop()
        stopping.set()
        await backstop
        await publisher.stop()
        await carrier.close()
        await db.close()
        cable.close()
        primary.kill()
        replica.kill()


def run(folder: Path, scenario: Callable[[Place], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with place(folder) as here, asyncio.timeout(2 * HANG_S):
            await scenario(here)

    asyncio.run(inside())


def test_an_edit_reaches_a_worker_by_the_replica_and_its_ack_the_primary(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        for revision in range(2, 7):
            await here.acked(await here.write(table_change(offer(revision=revision))))
            found = await here.found(OLD)
            assert isinstance(found, Entry)
            assert found.table.revision == revision
        with here.primary.client() as primary, here.replica.client() as replica:
            listening = [client["name"] for client in replica.client_list(_type="pubsub")]
            assert listening == ["turnout-edge"]
            assert primary.client_list(_type="pubsub") == []
            assert primary.scard(EDGES) == 1

    run(tmp_path, scenario)


def test_a_replica_that_lags_keeps_links_alive_and_makes_no_404(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        assert await here.found(OLD) is not None
        here.cable.cut()
        sequence = await here.write(pointer_change(NEW, Pointer("o_saas", "l_new")))

        while here.links.version.sequence < sequence:
            assert isinstance(await here.found(OLD), Entry)
            assert await here.found(NEW) is not ABSENT or here.links.state == "synced"
            await asyncio.sleep(0.01)

        here.cable.mend()
        await here.acked(sequence)
        found = await here.found(NEW)
        assert isinstance(found, Entry)
        assert found.pointer.link == "l_new"
        assert await here.found(Key("_", "never")) is ABSENT

    run(tmp_path, scenario)


def test_a_replica_that_starts_over_from_an_old_copy_makes_no_404(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        await here.acked(await here.write(pointer_change(NEW, Pointer("o_saas", "l_new"))))
        here.replica.kill()
        here.cable.cut()  # it comes back before it can be filled
        sequence = await here.write(table_change(offer(revision=2)))
        await asyncio.to_thread(here.replica.start)

        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            assert await here.found(NEW) is not ABSENT
            await asyncio.sleep(0.02)

        here.cable.mend()
        await here.acked(sequence)
        found = await here.found(NEW)
        assert isinstance(found, Entry)
        assert found.table.revision == 2

    run(tmp_path, scenario)


def kill(here: Place) -> None:
    here.replica.kill()


def freeze(here: Place) -> None:
    here.replica.freeze()


def fall_behind(here: Place) -> None:
    here.cable.cut()


def mend(here: Place, fails: Callable[[Place], None]) -> None:
    if fails is kill:
        here.replica.start()
    elif fails is freeze:
        here.replica.thaw()
    else:
        here.cable.mend()


@pytest.mark.parametrize("fails", [kill, freeze, fall_behind])
def test_a_worker_whose_replica_fails_follows_the_primary_until_it_is_well_again(
    tmp_path: Path, fails: Callable[[Place], None]
) -> None:
    async def scenario(here: Place) -> None:
        assert await here.found(OLD) is not None
        fails(here)
        sequence = await here.write(table_change(offer(revision=2)), pointer_change(NEW, Pointer("o_saas", "l_new")))

        await here.acked(sequence)
        found = await here.found(NEW)
        assert isinstance(found, Entry)
        assert (found.pointer.link, found.table.revision, here.links.status().away) == ("l_new", 2, True)
        await here.acked(await here.write(table_change(offer(revision=3))))

        await asyncio.to_thread(mend, here, fails)
        await until(lambda: not here.links.status().away)
        await here.acked(await here.write(table_change(offer(revision=4))))
        found = await here.found(OLD)
        assert isinstance(found, Entry)
        assert found.table.revision == 4
        with here.replica.client() as replica:
            await until(lambda: [client["name"] for client in replica.client_list(_type="pubsub")] == ["turnout-edge"])

    run(tmp_path, scenario)


def test_without_the_primary_the_replica_goes_on_being_read(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        sequence = await here.write(pointer_change(NEW, Pointer("o_saas", "l_new")))
        await here.acked(sequence)
        here.primary.freeze()
        try:
            found = await here.found(NEW)
            assert isinstance(found, Entry)
        finally:
            here.primary.thaw()
        await here.acked(await here.write(table_change(offer(revision=2))))

    run(tmp_path, scenario)
