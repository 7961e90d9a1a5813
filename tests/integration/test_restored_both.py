"""SQL and Redis are both put back to an older backup behind an edge's back: what was taken back does not live on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from control.db import Database
from control.publishing.carrier import Carrier
from control.publishing.compile import domains_change, offer_changes, pointer_change, salts_change, table_change
from control.publishing.outbox import Change
from control.publishing.publisher import Publisher
from control.redis_client import connect
from edge.feed.subscription import Subscription
from edge.rules.cache import Entry
from shared.key import Key
from shared.pointer import Pointer
from shared.wire import EDGES
from tests.builders import offer
from tests.control.publishing import commit, copy_of, create_tables, database_url
from tests.integration.test_publish_and_follow import caught_up, until
from tests.relay import Relay
from tests.servers import RedisServer

HANG_S = 120.0
LINK = Key("_", "link")


@dataclass
class Control:
    """One control over one database, at work."""

    db: Database
    publisher: Publisher

    async def write(self, *changes: Change) -> int:
        """Commit and publish."""
        sequence = await commit(self.db, *changes)
        await self.publisher.publish()
        return sequence

    async def point(self, link: str) -> int:
        """Publish where the link points."""
        return await self.write(pointer_change(LINK, Pointer("o_saas", link)))

    async def revise(self, *revisions: int) -> int:
        """Publish new tables, one after the other; return the last sequence."""
        return [await self.write(table_change(offer(revision=number))) for number in revisions][-1]


@asynccontextmanager
async def control(url: str, redis_url: str) -> AsyncIterator[Control]:
    db, carrier, stopping = Database.open(url), Carrier(connect(redis_url)), asyncio.Event()
    await create_tables(db)
    here = Control(db, Publisher(db, carrier))
    backstop = asyncio.create_task(here.publisher.run(stopping))
    try:
        yield here
    finally:
        stopping.set()
        await backstop
        await here.publisher.stop()
        await carrier.close()
        await db.close()


def served(links: Subscription) -> tuple[str, int] | None:
    """Which pointer and which table a visitor of the link gets, None where it is not in memory."""
    entry = links.lookup(LINK)
    return (entry.pointer.link, entry.table.revision) if isinstance(entry, Entry) else None


def put_back(server: RedisServer, dumped: dict[bytes, bytes]) -> None:
    with server.client() as redis:
        redis.flushall()
        for name, value in dumped.items():
            redis.restore(name, 0, value)
        redis.delete(EDGES, "{t0}edge:edge-1/0")  # it is cut off, and has been for longer than a lease


async def back_up(here: Control, folder: Path, server: RedisServer) -> tuple[str, dict[bytes, bytes]]:
    """Return a copy of SQL, and all that Redis has at that moment."""
    url = await copy_of(here.db, folder, folder / "backup")
    with server.client() as redis:
        return url, {name: redis.dump(name) for name in redis.scan_iter()}  # type: ignore[misc]


@pytest.mark.parametrize("is_restarted", [False, True], ids=["cut off", "started from its snapshot"])
def test_an_edge_that_was_away_serves_what_the_restored_sql_says(
    redis_server: RedisServer, tmp_path: Path, is_restarted: bool
) -> None:
    def edge(url: str) -> Subscription:
        return Subscription(url, host="edge-1", snapshot_path=tmp_path / "snapshot")

    async def scenario(relay: Relay) -> None:
        links = edge(f"redis://127.0.0.1:{relay.port}/0")
        await links.start()
        async with control(await database_url(tmp_path), redis_server.url) as before:
            await before.write(*offer_changes(offer(revision=1), []), domains_change({"_": None}), salts_change({}))
            await caught_up(links, await before.point("first"))
            url, dumped = await back_up(before, tmp_path, redis_server)
            await before.revise(2, 3)
            await caught_up(links, await before.point("taken back"))
            await links.fetch(LINK)
            assert served(links) == ("taken back", 3)
        relay.cut()
        if is_restarted:
            await links.stop()
        put_back(redis_server, dumped)
        async with control(url, redis_server.url) as after:
            await after.point("since")  # at a number that is below what the edge has of this link
            await after.revise(11, 12, 13, 14)
            if is_restarted:
                links = edge(redis_server.url)
                await links.start()
            relay.mend()
            await until(lambda: links.version.epoch == 2 and links.state == "synced")
            await links.fetch(LINK)
            assert served(links) == ("since", 14)
            await until(lambda: after.publisher.status().rebuilds == 1)
            await links.stop()

    with Relay(redis_server.port) as relay:
        asyncio.run(asyncio.wait_for(scenario(relay), HANG_S))
