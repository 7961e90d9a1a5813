"""How far an edit got, over a real Redis in which tests write the leases of edges that they make up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis

from control.db import Database
from control.publishing.acks import Acks, Propagation
from control.publishing.carrier import Carrier
from control.publishing.fleet import Refusal
from control.publishing.live import Publishing
from control.redis_client import connect
from shared.wire import EDGES, LEASE_TTL_MS, Head, Lease, Nack, encode_lease, lease_key
from tests.control.publishing import commit, create_tables, database_url, lineage_of, put
from tests.servers import RedisServer

HANG_S = 30.0


class Fleet:
    """Edges made up: each writes what a worker would write."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def ack(self, host: str, sequence: int, slot: int = 0, workers: int = 1, *nacks: Nack, epoch: int = 1) -> None:
        """Say that a worker has everything up to `sequence`."""
        lease = Lease(host, slot, workers, f"{host}/{slot}", 1, epoch, sequence, "synced", 1, nacks)
        self._redis.set(lease_key(host, slot), encode_lease(lease), px=LEASE_TTL_MS)
        self._redis.sadd(EDGES, lease_key(host, slot))

    def vanish(self, host: str) -> None:
        """Let a lease lapse."""
        self._redis.delete(lease_key(host, 0))


Scenario = Callable[[Publishing, Database, Fleet], Awaitable[None]]


def run(folder: Path, server: RedisServer, scenario: Scenario) -> None:
    async def inside() -> None:
        async with publishing(folder, server) as (live, db):
            with server.client() as redis:
                await asyncio.wait_for(scenario(live, db, Fleet(redis)), 3 * HANG_S)

    asyncio.run(inside())


@asynccontextmanager
async def publishing(folder: Path, server: RedisServer) -> AsyncIterator[tuple[Publishing, Database]]:
    """What control runs, once Redis is built and has its salts, the first publish: what edges ack then is epoch 1."""
    db, redis = Database.open(await database_url(folder)), connect(server.url)
    await create_tables(db)
    live = Publishing(db, redis)
    await live.start()
    try:
        while live.status().published == 0 or live.status().rebuilding:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
        yield live, db
    finally:
        await live.stop()
        await redis.aclose()
        await db.close()


async def edit(live: Publishing, db: Database) -> int:
    sequence = await commit(db, put("o:1"))
    await live.publish()
    return sequence


def test_a_wait_ends_with_the_last_worker_and_says_how_long_it_took(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        for slot in (0, 1):
            fleet.ack("a", 1, slot, workers=2)
        fleet.ack("b", 1)
        sequence = await edit(live, db)
        waiting = asyncio.create_task(live.wait_live(sequence, HANG_S))
        fleet.ack("a", sequence, 0, workers=2)
        fleet.ack("b", sequence)
        await asyncio.sleep(0.1)
        found = await live.propagation(sequence)
        assert (found.live, found.of, found.complete, waiting.done()) == (1, 2, False, False)
        assert found.ms is not None

        fleet.ack("a", sequence, 1, workers=2)

        reached = await waiting
        assert reached == Propagation(2, 2, 0, (), reached.ms, True)
        assert reached.ms is not None
        assert reached.ms >= 100
        assert await live.propagation(sequence) == reached  # the same answer, however much later

    run(tmp_path, redis_server, scenario)


def test_a_number_that_is_given_again_after_sql_went_back_is_waited_for_anew(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1)
        head = Head(1, 1, "", "ready")
        redis = connect(redis_server.url)
        acks = Acks(db, Carrier(redis), lambda: head)
        sequence = await edit(live, db)
        head = Head(1, sequence, "", "ready")
        fleet.ack("a", sequence)
        assert (await acks.wait_live(sequence, HANG_S)).complete

        head = Head(2, sequence, "", "ready")  # what a rebuild leaves, once SQL has been put back and moved on
        waiting = asyncio.create_task(acks.wait_live(sequence, HANG_S))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        fleet.ack("a", sequence, epoch=2)

        assert (await waiting).complete
        await acks.stop()
        await redis.aclose()

    run(tmp_path, redis_server, scenario)


def test_the_latest_publishes_are_told_newest_first_with_what_they_took(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1)
        edits = []
        for _ in range(3):
            edits.append(await edit(live, db))
            fleet.ack("a", edits[-1])
            await live.wait_live(edits[-1], HANG_S)
        unheard = await edit(live, db)

        told = live.recent()

        assert [sequence for sequence, _ in told][:3] == edits[::-1]
        assert unheard not in dict(told)
        for sequence in edits:
            assert dict(told)[sequence] == (await live.propagation(sequence)).ms

    run(tmp_path, redis_server, scenario)


def test_nobody_waits_for_an_edge_whose_lease_has_lapsed(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1)
        fleet.ack("gone", 1)
        fleet.vanish("gone")
        sequence = await edit(live, db)
        fleet.ack("a", sequence)

        reached = await live.wait_live(sequence, HANG_S)

        assert (reached.live, reached.of, reached.unknown, reached.complete) == (1, 2, 1, True)

    run(tmp_path, redis_server, scenario)


def test_a_refusal_ends_the_wait_with_its_reason(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1)
        fleet.ack("b", 1)
        sequence = await edit(live, db)
        fleet.ack("a", sequence)
        fleet.ack("b", sequence, 0, 1, Nack("o:1", sequence, "condition kind 'weather' is not known here"))

        reached = await live.wait_live(sequence, HANG_S)

        refusal = Refusal("b", "o:1", "condition kind 'weather' is not known here")
        assert (reached.live, reached.of, reached.refused, reached.complete) == (1, 2, (refusal,), False)

    run(tmp_path, redis_server, scenario)


def test_without_edges_nothing_is_live_and_nobody_waits(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, _fleet: Fleet) -> None:
        reached = await live.wait_live(await edit(live, db), HANG_S * 10)

        assert (reached.live, reached.of, reached.complete) == (0, 0, False)

    run(tmp_path, redis_server, scenario)


def test_a_wait_that_runs_out_answers_how_things_stand(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1)

        reached = await live.wait_live(await edit(live, db), 0.05)

        assert (reached.live, reached.of, reached.complete) == (0, 1, False)
        assert reached.ms is not None
        assert reached.ms >= 50

    run(tmp_path, redis_server, scenario)


def test_an_ack_of_another_lineage_is_none(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        sequence = await edit(live, db)
        fleet.ack("a", sequence + 100, epoch=0)

        assert not (await live.wait_live(sequence, 0.05)).live

    run(tmp_path, redis_server, scenario)


def head_is(head: Head | None) -> Callable[[], Head | None]:
    return lambda: head


def test_what_is_not_published_is_live_nowhere(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(_live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1_000)  # left from a time whose edits a restore took back
        redis = connect(redis_server.url)
        sequence = (await lineage_of(db)).sequence
        unknown, behind, other = None, Head(1, sequence - 1, ""), Head(2, sequence, "")
        acks = [Acks(db, Carrier(redis), head_is(head)) for head in (unknown, behind, other)]
        reached = [await each.propagation(sequence) for each in acks]
        for each in acks:
            await each.stop()
        await redis.aclose()

        assert [each.live for each in reached] == [0, 0, 0]

    run(tmp_path, redis_server, scenario)


def test_an_edit_that_redis_could_not_take_is_live_once_it_can(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        redis_server.freeze()
        sequence = await commit(db, put("o:1"))
        reached = await live.wait_live(sequence, 0.05)
        redis_server.thaw()

        assert not reached.complete
        while not (await live.wait_live(sequence, 0.1)).complete:  # published by the backstop
            fleet.ack("a", sequence)

    run(tmp_path, redis_server, scenario)


def test_without_redis_the_known_edges_are_unknown(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(live: Publishing, db: Database, fleet: Fleet) -> None:
        fleet.ack("a", 1)
        await live.fleet()
        redis_server.kill()
        sequence = await edit(live, db)

        reached = await live.wait_live(sequence, 0.05)

        assert (reached.live, reached.of, reached.unknown, reached.complete) == (0, 1, 1, False)

    run(tmp_path, redis_server, scenario)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"nonsense", b'{"host":1}'])
def test_a_lease_that_cannot_be_read_is_an_edge_not_heard_from(
    tmp_path: Path, redis_server: RedisServer, raw: bytes
) -> None:
    async def scenario(live: Publishing, db: Database, _fleet: Fleet) -> None:
        with redis_server.client() as redis:
            redis.sadd(EDGES, lease_key("a", 0))
            redis.set(lease_key("a", 0), raw)

        reached = await live.wait_live(await edit(live, db), HANG_S)

        assert (reached.of, reached.unknown) == (1, 1)

    run(tmp_path, redis_server, scenario)
