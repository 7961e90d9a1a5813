"""Control's publisher and the edges' subscriptions over one Redis that fails, while edits and clicks go on."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from control.db import Database
from control.publishing.carrier import Carrier
from control.publishing.compile import (
    domains_change,
    offer_changes,
    pointer_change,
    removal,
    salts_change,
    table_change,
)
from control.publishing.outbox import Change
from control.publishing.publisher import Publisher
from control.redis_client import connect
from edge.feed.subscription import Subscription
from edge.rules.cache import ABSENT, Entry
from edge.rules.links import LinksUnavailable
from shared.key import Key
from shared.pointer import Pointer
from shared.wire import Version, lease_key
from tests.builders import offer
from tests.control.publishing import commit, create_tables, database_url
from tests.servers import RedisServer

HANG_S = 60.0
WORKERS = 3
SLUGS = ("a", "b", "c", "d", "e", "f")


@dataclass
class Site:
    """One control, one Redis, some workers, and what SQL says: slug -> (link id, or None where it was deleted)."""

    server: RedisServer
    db: Database
    publisher: Publisher
    workers: list[Subscription]
    random: Random
    revision: int = 1
    truth: dict[str, str | None] = field(default_factory=dict)
    served: dict[tuple[int, str], Version] = field(default_factory=dict)
    existed_all_along: set[str] = field(default_factory=set)
    clicks: int = 0

    async def write(self, *changes: Change) -> int:
        """Commit and publish, as a service does."""
        sequence = await commit(self.db, *changes)
        await self.publisher.publish()
        return sequence

    async def edit(self) -> int:
        """Somebody edits the offer, creates or edits a link, or deletes one of those that may go."""
        what, slug = self.random.randrange(3), self.random.choice(SLUGS)
        if what == 0:
            self.revision += 1
            return await self.write(table_change(offer(revision=self.revision)))
        if what == 1 and slug not in self.existed_all_along:
            self.truth[slug] = None
            return await self.write(removal(Key("_", slug)))
        link = f"l_{self.random.randrange(10**9)}"
        self.truth[slug] = link
        return await self.write(pointer_change(Key("_", slug), Pointer("o_saas", link)))

    async def click(self, place: int, slug: str) -> None:
        """A visitor clicks: what is served never goes back, and what always existed is never absent."""
        key, links = Key("_", slug), self.workers[place]
        with suppress(LinksUnavailable):
            found = links.lookup(key) or await links.fetch(key)
            self.clicks += 1
            if isinstance(found, Entry):
                assert found.key == key
                assert found.pointer_version >= self.served.get((place, slug), Version(0, 0))
                self.served[place, slug] = found.pointer_version
            else:
                assert slug not in self.existed_all_along, f"{slug} exists and was answered 404"

    async def agree(self) -> None:
        """Wait until every worker is in sync with SQL, and check that each says what SQL says."""
        sequence = await self.write(domains_change({"_": None, "go.example.com": None}))
        for links in self.workers:
            await caught_up(links, sequence)
        for links in self.workers:
            for slug, link in self.truth.items():
                found = links.lookup(Key("_", slug)) or await links.fetch(Key("_", slug))
                assert (found.pointer.link if isinstance(found, Entry) else None) == link
                assert found is ABSENT or (isinstance(found, Entry) and found.table.revision == self.revision)


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, "never happened"
        await asyncio.sleep(0.005)


async def caught_up(links: Subscription, sequence: int) -> None:
    await until(lambda: links.version.sequence >= sequence and links.state == "synced")


@asynccontextmanager
async def site(folder: Path, server: RedisServer, seed: int) -> AsyncIterator[Site]:
    db = Database.open(await database_url(folder))
    await create_tables(db)
    carrier = Carrier(connect(server.url))
    publisher = Publisher(db, carrier)
    workers = [
        Subscription(
            server.url, host="edge-1", slot=n, workers=WORKERS, snapshot_path=folder / f"slot-{n}", max_links=4
        )
        for n in range(WORKERS)
    ]
    here = Site(server, db, publisher, workers, Random(seed))
    stopping = asyncio.Event()
    backstop = asyncio.create_task(publisher.run(stopping))
    await here.write(*offer_changes(offer(revision=1), []), domains_change({"_": None}), salts_change({}))
    for slug in SLUGS[:3]:
        here.truth[slug] = f"l_{slug}"
        here.existed_all_along.add(slug)
        await here.write(pointer_change(Key("_", slug), Pointer("o_saas", f"l_{slug}")))
    try:
        for links in workers:
            await links.start()
        await here.agree()
        yield here
    finally:
        for links in workers:
            await links.stop()
        stopping.set()
        await backstop
        await publisher.stop()
        await carrier.close()
        await db.close()


async def cut_subscriptions(here: Site) -> None:
    here.server.client().client_kill_filter(_type="pubsub")


async def flush(here: Site) -> None:
    here.server.flush()


async def restart_empty(here: Site) -> None:
    here.server.restart()


async def freeze_for_a_while(here: Site) -> None:
    here.server.freeze()
    await asyncio.sleep(0.7)
    here.server.thaw()


async def forget_scripts_and_log(here: Site) -> None:
    with here.server.client() as redis:
        redis.script_flush()
        redis.xtrim("{t0}log", maxlen=1, approximate=False)


FAULTS = (cut_subscriptions, flush, restart_empty, freeze_for_a_while, forget_scripts_and_log)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_after_a_fault_every_worker_serves_what_sql_says(
    redis_server: RedisServer, tmp_path: Path, fault: Callable[[Site], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        async with site(tmp_path, redis_server, seed=len(fault.__name__)) as here:
            going_on = asyncio.Event()

            async def visit() -> None:
                while not going_on.is_set():
                    await here.click(here.random.randrange(WORKERS), here.random.choice(SLUGS))
                    await asyncio.sleep(0.001)

            visitors = asyncio.create_task(visit())
            for _ in range(15):
                await here.edit()
            await fault(here)
            for _ in range(15):
                await here.edit()
            await here.agree()
            going_on.set()
            await visitors
            assert here.clicks > 30

    asyncio.run(asyncio.wait_for(scenario(), 2 * HANG_S))


def test_an_edit_is_live_on_every_worker_before_its_lease_says_so(redis_server: RedisServer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with site(tmp_path, redis_server, seed=1) as here:
            redis = redis_server.client()
            assert all(redis.exists(lease_key("edge-1", n)) for n in range(WORKERS))
            for links in here.workers:
                await links.fetch(Key("_", "saas"))
            here.revision += 1
            sequence = await here.write(table_change(offer(revision=here.revision)))
            for links in here.workers:
                await caught_up(links, sequence)
                found = links.lookup(Key("_", "saas"))
                assert isinstance(found, Entry)
                assert found.table.revision == here.revision
        assert not any(redis.exists(lease_key("edge-1", n)) for n in range(WORKERS))

    asyncio.run(asyncio.wait_for(scenario(), HANG_S))
