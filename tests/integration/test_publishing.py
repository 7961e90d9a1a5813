"""Publishing over a real Redis: whatever happens to either side, Redis ends up with what SQL holds, in order."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Executable, delete, text, update
from sqlalchemy.exc import SQLAlchemyError

from control.db import Database
from control.publishing.carrier import LOG_ENTRIES, Carrier
from control.publishing.courier import Courier
from control.publishing.fleet import Leases
from control.publishing.journal import view_from
from control.publishing.lease import Lease as RebuildRight
from control.publishing.models import Lineage, PublishedTransaction, RebuildLease
from control.publishing.outbox import Change, Transaction
from control.publishing.pruning import forget_replaced
from control.publishing.publisher import Publisher
from control.publishing.rebuild import Rebuild
from control.publishing.salts import SaltKeeper
from control.redis_client import connect
from shared.wire import (
    CHANNEL,
    EDGES,
    HEAD,
    LOG,
    TAG,
    Announcement,
    Head,
    Lease,
    Malformed,
    Value,
    Version,
    decode_announcement,
    decode_head,
    decode_value,
    encode_head,
    encode_lease,
    encode_value,
    lease_key,
    redis_key,
)
from tests.control.publishing import (
    bodies_of,
    commit,
    committed,
    copy_of,
    create_tables,
    database_url,
    drop,
    lineage_of,
    put,
    truth_of,
)
from tests.servers import RedisServer

HANG_S = 30.0


@dataclass
class World:
    """One database, one Redis, and publishers between them."""

    folder: Path
    server: RedisServer
    db: Database
    batches: list[tuple[Head, tuple[Transaction, ...]]] = field(default_factory=list)
    publishers: list[Publisher] = field(default_factory=list)
    closing: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)

    def publisher(self, db: Database | None = None) -> Publisher:
        """A publisher with a connection of its own, as in a process of its own."""
        carrier = Carrier(connect(self.server.url))
        publisher = Publisher(
            db or self.db, carrier, lambda head, batch: self.batches.append((head, tuple(batch))), deadline_s=HANG_S
        )
        self.publishers.append(publisher)
        self.closing += [carrier.close, publisher.stop]
        return publisher

    def redis(self) -> Redis:
        """A connection to look with."""
        return self.server.client()


Scenario = Callable[[World], Awaitable[None]]


def run(tmp_path: Path, server: RedisServer, scenario: Scenario) -> None:
    """Run `scenario` in a new world."""

    async def inside() -> None:
        async with world(tmp_path, server) as here:
            await asyncio.wait_for(scenario(here), 3 * HANG_S)

    asyncio.run(inside())


@asynccontextmanager
async def world(folder: Path, server: RedisServer) -> AsyncIterator[World]:
    here = World(folder, server, Database.open(await database_url(folder)))
    await create_tables(here.db)
    try:
        yield here
    finally:
        for close in reversed(here.closing):
            await close()
        await here.db.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # the condition has nobody who could tell
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(publisher: Publisher) -> AsyncIterator[None]:
    """The publisher's backstop runs beside the block."""
    stopping = asyncio.Event()
    task = asyncio.create_task(publisher.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def settled(here: World, publisher: Publisher, db: Database | None = None) -> None:
    """Run the backstop until Redis is ready and at SQL's head."""
    async with running(publisher):
        await in_step(here, db or here.db)
        await until(lambda: not publisher.status().rebuilding)


async def in_step(here: World, db: Database) -> None:
    with here.redis() as redis:
        while True:
            lineage = await lineage_of(db)
            with contextlib.suppress(AssertionError, Malformed, RedisError):
                if head_in(redis) == Head(lineage.epoch, lineage.sequence, lineage.hash, "ready"):
                    return
            await asyncio.sleep(0.01)


def head_in(redis: Redis) -> Head:
    raw = redis.get(HEAD)
    assert isinstance(raw, bytes)
    return decode_head(raw)


def value_in(redis: Redis, key: str) -> Value:
    raw = redis.get(redis_key(key))
    assert isinstance(raw, bytes)
    return decode_value(raw, key)


def published(redis: Redis) -> dict[str, tuple[Version, Any]]:
    """Every key in Redis that says that something exists."""
    found = {}
    for name in redis.scan_iter(match=f"{TAG}*"):
        key = name.decode().removeprefix(TAG)
        if key.startswith(("o:", "k:")) or key in ("domains", "salts"):
            value = value_in(redis, key)
            if value.body is not None:
                found[key] = (value.version, value.body)
    return found


def log_of(redis: Redis) -> list[Announcement]:
    entries: Any = redis.xrange(LOG)
    return [decode_announcement(fields[b"a"]) for _, fields in entries]


async def assert_in_step(here: World, db: Database | None = None) -> None:
    """Redis holds what SQL holds and nothing else, and its log leads to its head without a hole."""
    lineage = await lineage_of(db or here.db)
    truth = {
        key: (sequence, orjson.loads(body))
        for key, (sequence, body) in (await truth_of(db or here.db)).items()
        if body is not None
    }
    with here.redis() as redis:
        head = head_in(redis)
        assert head == Head(lineage.epoch, lineage.sequence, lineage.hash, "ready")
        held = published(redis)
        assert {key: (version.sequence, body) for key, (version, body) in held.items()} == truth
        log = log_of(redis)
        assert [entry.previous for entry in log[1:]] == [entry.sequence for entry in log[:-1]]
        assert all(entry.epoch == head.epoch and entry.values is None for entry in log)
        assert not log or log[-1].sequence == head.sequence


def test_a_commit_is_in_redis_when_publish_returns(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"), put("k:_/a"))
        await publisher.publish()
        await settled(here, publisher)
        await commit(here.db, put("o:1", 2), drop("k:_/a"))

        await publisher.publish()

        await assert_in_step(here)
        with here.redis() as redis:
            assert redis.get(redis_key("k:_/a")) == encode_value(Version(1, 2), "k:_/a", None)
            assert 23 * 3600 < redis.ttl(redis_key("k:_/a")) <= 24 * 3600

    run(tmp_path, redis_server, scenario)


def test_a_slug_made_again_loses_the_expiry_of_its_tombstone(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        for change in (put("k:_/a"), drop("k:_/a"), put("k:_/a", 2)):
            await commit(here.db, change)
            await publisher.publish()
        await settled(here, publisher)

        with here.redis() as redis:
            assert redis.ttl(redis_key("k:_/a")) == -1
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_each_transaction_is_announced_once_in_order_with_its_values(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        with here.redis() as redis, redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(CHANNEL)
            pubsub.get_message(timeout=1)
            await commit(here.db, put("o:1"), put("k:_/a"))
            await commit(here.db, put("o:1", 2))
            await commit(here.db, Change("o:2", b'"%s"' % (b"x" * 20_000)))
            await publisher.publish()
            messages = [pubsub.get_message(timeout=5) for _ in range(3)]

        heard = [decode_announcement(message["data"]) for message in messages]
        assert [(each.previous, each.sequence, each.keys) for each in heard] == [
            (0, 1, ("o:1", "k:_/a")),
            (1, 2, ("o:1",)),
            (2, 3, ("o:2",)),
        ]
        assert heard[0].values == tuple(encode_value(Version(1, 1), key, b'{"n":1}') for key in ("o:1", "k:_/a"))
        assert heard[2].values is None  # larger than 16 KiB: edges fetch it

    run(tmp_path, redis_server, scenario)


def test_publishing_again_changes_nothing(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        for n in range(3):
            await commit(here.db, put("o:1", n))
            await publisher.publish()
        carrier = Carrier(connect(redis_server.url))
        here.closing.append(carrier.close)
        before = dump(here)

        for head, batch in zip([Head(1, 0, ""), *(head for head, _ in here.batches)], here.batches, strict=False):
            assert await carrier.publish(head, batch[1]) is None
        assert len(here.batches) == 3
        await publisher.publish()

        assert dump(here) == before

    run(tmp_path, redis_server, scenario)


def test_a_thousand_commits_go_in_few_batches_of_whole_transactions(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        for n in range(4):
            await commit(here.db, *(put(f"k:_/{n}-{i}", n) for i in range(300)))
        await commit(here.db, *(put(f"k:_/big-{i}") for i in range(1_200)))
        await commit(here.db, put("o:1"))

        await publisher.publish()

        assert [[each.sequence for each in batch] for _, batch in here.batches] == [[1], [2], [3], [4], [5], [6]]
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_what_was_just_committed_is_not_read_back(
    tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(_db: Database, _head: Head) -> None:
        raise AssertionError("SQL is asked for what is known")

    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        await commit(here.db, put("o:1"), put("k:_/a"))
        await publisher.publish()
        for number in range(2, 4):
            appended = await committed(here.db, put("o:1", number), drop("k:_/a"))
            with monkeypatch.context() as patch:
                patch.setattr("control.publishing.courier.view_from", asked)
                await publisher.publish(appended)

            status = publisher.status()
            assert (status.error, status.committed, status.published) == ("", number, number)
            assert here.batches[-1][1] == (appended.transaction,)
            await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_what_others_committed_goes_along_with_what_was_just_committed(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        publisher, other = here.publisher(), here.publisher()
        await settled(here, publisher)
        await commit(here.db, put("o:1"))
        await publisher.publish(await committed(here.db, put("o:2")))
        await assert_in_step(here)

        await other.publish(await committed(here.db, put("o:1", 2)))
        await publisher.publish(await committed(here.db, put("o:2", 2)))
        await assert_in_step(here)

        for order in (1, -1):
            three = [await committed(here.db, put("o:3", number)) for number in range(3)]
            await asyncio.gather(*map(publisher.publish, three[::order]))
            await assert_in_step(here)

        await commit(here.db, put("o:4"))
        await publisher.publish(await committed(here.db))  # changes nothing itself
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_concurrent_callers_share_a_turn_that_sees_all_their_commits(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)

        async def edit(n: int) -> None:
            sequence = await commit(here.db, put(f"o:{n}", n))
            await publisher.publish()
            with here.redis() as redis:
                assert head_in(redis).sequence >= sequence

        await asyncio.gather(*(edit(n) for n in range(40)))

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_two_publishers_that_race_carry_everything_once(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        other_db = Database.open(await database_url(here.folder))
        here.closing.append(other_db.close)
        first, second = here.publisher(), here.publisher(other_db)
        await settled(here, first)

        async def edits(db: Database, publisher: Publisher, name: str) -> None:
            for n in range(60):
                await commit(db, put("o:shared", n), put(f"k:_/{name}-{n}", n))
                await publisher.publish()

        await asyncio.gather(edits(here.db, first, "a"), edits(other_db, second, "b"))
        await settled(here, first)

        await assert_in_step(here)
        carried = [each.sequence for _, batch in here.batches for each in batch]
        assert sorted(carried) == list(range(1, 121))
        assert (await lineage_of(here.db)).epoch == 1  # racing is no reason to rebuild

    run(tmp_path, redis_server, scenario)


def test_what_a_killed_process_committed_is_published_by_the_next(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        await settled(here, here.publisher())
        await commit(here.db, put("o:1"))

        await settled(here, here.publisher())

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_the_backstop_finds_what_nobody_published(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        async with running(publisher):
            await in_step(here, here.db)
            await commit(here.db, put("o:1"))
            await in_step(here, here.db)

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_flush_is_rebuilt_under_a_higher_epoch(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"), put("k:_/a"), put("k:_/gone"))
        await commit(here.db, put("o:1", 2), drop("k:_/gone"))
        await settled(here, publisher)
        redis_server.flush()

        await settled(here, publisher)

        await assert_in_step(here)
        assert (await lineage_of(here.db)).epoch == 2

    run(tmp_path, redis_server, scenario)


def test_a_rebuilt_redis_is_above_every_epoch_that_edges_have_seen(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        lease = Lease("a", 0, 1, "boot", 1, epoch=41, acked=9, state="synced", started_at=1)
        with here.redis() as redis:
            redis.sadd(EDGES, lease_key("a", 0), lease_key("b", 0))
            redis.set(lease_key("a", 0), encode_lease(lease))
            redis.set(lease_key("b", 0), b"nonsense")

        await settled(here, here.publisher())

        assert (await lineage_of(here.db)).epoch == 42

    run(tmp_path, redis_server, scenario)


def test_edits_during_a_rebuild_go_live_at_once_and_stay(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        for n in range(20):
            await commit(here.db, *(put(f"k:_/{n}-{i}") for i in range(500)), put("o:1", n))
        await settled(here, publisher)
        redis_server.flush()
        random = Random(7)
        seen_loading = 0
        async with running(publisher):
            for n in range(60):
                key = f"k:_/{random.randrange(20)}-{random.randrange(500)}"
                sequence = await commit(here.db, drop(key) if n % 3 == 0 else put(key, 100 + n), put("o:1", 100 + n))
                await publisher.publish()
                with here.redis() as redis:
                    head = head_in(redis)
                    assert head.sequence >= sequence
                    seen_loading += not head.ready
                    assert not head.ready or redis.dbsize() > 10_000, "ready before every key was there"
                    if n:  # the first edit is part of what the rebuild starts from
                        assert value_in(redis, "o:1").body == {"n": 100 + n}
            await in_step(here, here.db)

        assert seen_loading > 0
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_what_replaced_a_row_before_it_was_read_is_there_when_redis_is_ready(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        carrier = Carrier(connect(redis_server.url))
        courier = Courier(here.db, carrier, lambda _head, _batch: None)
        here.closing.append(carrier.close)
        await commit(here.db, put("salts", 1), put("o:1"))
        rebuild = Rebuild(here.db, carrier, courier.carry)
        start = await rebuild.begin(None, epoch=0)
        assert start is not None
        await commit(here.db, put("salts", 2))
        await forget_replaced(here.db, "salts", published=2)  # now nobody knows what it was at the start

        await rebuild.run(start)

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_second_flush_in_the_middle_of_a_rebuild_is_rebuilt_too(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        for n in range(10):
            await commit(here.db, *(put(f"k:_/{n}-{i}") for i in range(500)))
        await settled(here, publisher)
        redis_server.flush()
        async with running(publisher):
            await until(lambda: publisher.status().rebuilding)
            redis_server.flush()
            await in_step(here, here.db)

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_rebuild_that_broke_off_is_begun_anew_by_another_process(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        dying = here.publisher()
        for n in range(10):
            await commit(here.db, *(put(f"k:_/{n}-{i}") for i in range(500)))
        await dying.publish()
        assert dying.status().rebuilding
        await dying.stop()
        with here.redis() as redis:
            assert not head_in(redis).ready

        await settled(here, here.publisher())

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_one_rebuild_runs_at_a_time_and_the_other_process_carries_on(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        other_db = Database.open(await database_url(here.folder))
        here.closing.append(other_db.close)
        first, second = here.publisher(), here.publisher(other_db)
        for n in range(10):
            await commit(here.db, *(put(f"k:_/{n}-{i}") for i in range(500)))

        await asyncio.gather(settled(here, first), settled(here, second))

        assert (await lineage_of(here.db)).epoch == first.status().rebuilds + second.status().rebuilds == 1
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


class Interrupted(Carrier):
    """The carrier of a process to which something happens once, just before it takes a step for the nth time."""

    def __init__(self, url: str, step: str, nth: int, happens: Callable[[], Awaitable[object]]) -> None:
        super().__init__(connect(url))
        self._when = (step, nth)
        self._happens = happens
        self._taken: Counter[str] = Counter()

    async def raw_head(self) -> bytes | None:
        await self._reach("raw_head")
        return await super().raw_head()

    async def leases(self) -> Leases:
        await self._reach("leases")
        return await super().leases()

    async def begin_rebuild(self, expected: bytes | None, head: Head) -> bool:
        await self._reach("begin_rebuild")
        return await super().begin_rebuild(expected, head)

    async def _reach(self, step: str) -> None:
        self._taken[step] += 1
        if (step, self._taken[step]) == self._when:
            await self._happens()


def courier_over(here: World, carrier: Carrier) -> Courier:
    """A courier alone, without a publisher that says when."""
    courier = Courier(here.db, carrier, lambda _head, _batch: None)
    here.closing += [carrier.close, courier.stop]
    return courier


async def change(db: Database, statement: Executable) -> None:
    """Do to SQL what no part of control would."""
    async with db.write() as session:
        await session.execute(statement)


def outrun(here: World) -> None:
    """Have an edge say that it has more than SQL and Redis: both went back."""
    with here.redis() as redis:
        redis.sadd(EDGES, lease_key("a", 0))
        redis.set(lease_key("a", 0), encode_lease(Lease("a", 0, 1, "boot", 1, 1, 99, "synced", started_at=1)))


@pytest.mark.parametrize(
    ("step", "nth"),
    [("raw_head", 2), ("leases", 2), ("begin_rebuild", 1)],
    ids=["once it has judged", "before it raises the epoch", "after it raised the epoch"],
)
def test_a_batch_that_was_on_its_way_costs_a_rebuild_no_second_epoch(
    tmp_path: Path, redis_server: RedisServer, step: str, nth: int
) -> None:
    async def scenario(here: World) -> None:
        await settled(here, here.publisher())
        outrun(here)
        await commit(here.db, put("o:1"))
        unaware = Carrier(connect(redis_server.url))
        here.closing.append(unaware.close)
        with here.redis() as redis:
            head = head_in(redis)
        seen = await view_from(here.db, head)
        carrier = Interrupted(here.server.url, step, nth, lambda: unaware.publish(head, seen.batch))
        courier = courier_over(here, carrier)

        await courier.carry()
        await until(lambda: courier.rebuilds == 1)

        assert (await lineage_of(here.db)).epoch == 2
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_process_that_comes_late_takes_up_the_rebuild_that_another_has_begun(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        await commit(here.db, put("o:1"))
        await settled(here, here.publisher())
        outrun(here)
        other = courier_over(here, Carrier(connect(redis_server.url)))

        async def overtaken() -> None:
            await change(here.db, update(RebuildLease).values(expires_at=0))  # it waits longer for the writer's lock
            await other.carry()

        late = courier_over(here, Interrupted(redis_server.url, "leases", 2, overtaken))

        await late.carry()
        await until(lambda: other.rebuilds == 1)

        assert (await lineage_of(here.db)).epoch == 2
        assert late.rebuilds == 0
        assert late.head is not None
        assert late.head.epoch == 2
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_redis_is_vouched_for_while_sql_can_be_asked_and_has_its_history(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        await commit(here.db, put("o:1"))
        await settled(here, here.publisher())
        before = await lineage_of(here.db)
        courier = courier_over(here, Carrier(connect(redis_server.url)))
        assert not courier.vouched
        await courier.carry()
        assert courier.vouched

        await change(here.db, text("ALTER TABLE publishing_lineage RENAME TO away"))
        with pytest.raises(SQLAlchemyError):
            await courier.carry()
        assert not courier.vouched, "SQL may come back as an older backup"

        await change(here.db, text("ALTER TABLE away RENAME TO publishing_lineage"))
        await commit(here.db, put("o:1", 2))
        await courier.carry()
        assert courier.vouched

        await change(here.db, update(Lineage).values(sequence=before.sequence, hash=before.hash))
        await change(here.db, delete(PublishedTransaction).where(PublishedTransaction.sequence > before.sequence))
        assert await RebuildRight(here.db).take()
        await courier.carry()
        assert not courier.vouched, "SQL went back, and somebody else is about to rebuild Redis"

    run(tmp_path, redis_server, scenario)


def dump(here: World) -> dict[bytes, Any]:
    """Everything in Redis, as it is kept."""
    with here.redis() as redis:
        return {name: redis.dump(name) for name in redis.scan_iter()}


def restore(here: World, dumped: dict[bytes, Any]) -> None:
    """Put Redis back to what it was."""
    with here.redis() as redis:
        redis.flushall()
        for name, value in dumped.items():
            redis.restore(name, 0, value)


def test_a_redis_that_lost_its_last_writes_is_replayed_not_rebuilt(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"), put("k:_/a"))
        await settled(here, publisher)
        before = dump(here)
        await commit(here.db, put("o:1", 2), drop("k:_/a"))
        await commit(here.db, put("o:1", 3))
        await publisher.publish()
        restore(here, before)

        await settled(here, publisher)

        await assert_in_step(here)
        assert (await lineage_of(here.db)).epoch == 1

    run(tmp_path, redis_server, scenario)


def test_a_redis_put_back_before_a_rebuild_is_rebuilt_above_it(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"), put("k:_/gone"))
        await settled(here, publisher)
        before = dump(here)
        redis_server.flush()
        await commit(here.db, put("o:1", 2), drop("k:_/gone"))
        await settled(here, publisher)
        restore(here, before)

        await settled(here, publisher)

        await assert_in_step(here)
        assert (await lineage_of(here.db)).epoch == 3

    run(tmp_path, redis_server, scenario)


@pytest.mark.parametrize("edits_since", [0, 1, 5, 9], ids=lambda n: f"{n} edits after the restore")
def test_nothing_that_a_restore_of_sql_took_away_lives_on(
    tmp_path: Path, redis_server: RedisServer, edits_since: int
) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"), put("k:_/kept"))
        await settled(here, publisher)
        backup = await copy_of(here.db, here.folder, here.folder / "backup")
        for n in range(5):
            await commit(here.db, put("o:1", 50 + n), put(f"k:_/taken-back-{n}"))
        await commit(here.db, drop("k:_/kept"))
        await publisher.publish()
        await publisher.stop()

        restored = Database.open(backup)
        here.closing.append(restored.close)
        for n in range(edits_since):
            await commit(restored, put("o:1", 90 + n))
        await settled(here, here.publisher(restored), restored)

        await assert_in_step(here, restored)
        assert (await lineage_of(restored)).epoch == 2
        with here.redis() as redis:
            taken_back = value_in(redis, "k:_/taken-back-0")
            assert taken_back.body is None
            assert taken_back.version.epoch == 2
            assert redis.ttl(redis_key("k:_/taken-back-0")) > 0

    run(tmp_path, redis_server, scenario)


def test_where_sql_and_redis_both_went_back_what_edges_saw_since_makes_a_new_epoch(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"), put("k:_/kept"))
        await settled(here, publisher)
        backup, dumped = await copy_of(here.db, here.folder, here.folder / "backup"), dump(here)
        acked = await commit(here.db, put("o:1", 2), put("k:_/taken-back"))
        await publisher.publish()
        await publisher.stop()

        restored = Database.open(backup)
        here.closing.append(restored.close)
        restore(here, dumped)
        with here.redis() as redis:
            redis.sadd(EDGES, lease_key("a", 0))
            redis.set(lease_key("a", 0), encode_lease(Lease("a", 0, 1, "boot", 1, 1, acked, "stale", started_at=1)))
        second = here.publisher(restored)
        async with running(second):
            await until(lambda: second.status().rebuilds == 1)

        await assert_in_step(here, restored)
        assert (await lineage_of(restored)).epoch == 2
        await settled(here, second, restored)
        assert second.status().rebuilds == 1, "the lease is of an older epoch now"

    run(tmp_path, redis_server, scenario)


def test_a_process_that_saw_sql_go_back_behind_a_rebuild_rebuilds_once_above_it(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        await commit(here.db, put("o:1"))
        publisher = here.publisher()
        await settled(here, publisher)
        for _ in range(2):
            redis_server.flush()
            await settled(here, publisher)
        await change(here.db, update(Lineage).values(epoch=1))  # as an older backup would have it, and Redis with it
        with here.redis() as redis:
            redis.set(HEAD, encode_head(replace(head_in(redis), epoch=1)))

        async with running(publisher):
            await until(lambda: publisher.status().rebuilds == 4)
            await in_step(here, here.db)

        assert (await lineage_of(here.db)).epoch == 4
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_values_that_are_not_ours_are_written_over_by_a_rebuild(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        with here.redis() as redis:
            redis.set(redis_key("o:1"), b"corrupt")
            redis.set(HEAD, b"corrupt")
        await commit(here.db, put("o:1"))

        await settled(here, here.publisher())

        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_dead_redis_keeps_nobody_waiting_and_gets_everything_later(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        redis_server.kill()
        await commit(here.db, put("o:1"))
        await publisher.publish()

        status = publisher.status()
        assert "does not answer" in status.error
        assert (status.committed, status.behind) == (1, 1)

        redis_server.start()
        await settled(here, publisher)
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_frozen_redis_costs_one_deadline_and_whatever_it_did_with_the_batch_is_taken_up(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        redis_server.freeze()
        await commit(here.db, put("o:1"))
        await publisher.publish()
        await until(lambda: bool(publisher.status().error))
        for n in range(20):  # these return at once: the first has found out
            await commit(here.db, put("o:1", n))
            await publisher.publish()
        redis_server.thaw()

        await settled(here, publisher)

        await assert_in_step(here)
        assert (await lineage_of(here.db)).epoch == 1

    run(tmp_path, redis_server, scenario)


@pytest.mark.parametrize("config_is_forbidden", [False, True], ids=["CONFIG", "INFO"])
def test_a_redis_that_evicts_is_refused_until_it_no_longer_does(
    tmp_path: Path, redis_server: RedisServer, config_is_forbidden: bool
) -> None:
    async def scenario(here: World) -> None:
        with here.redis() as redis:
            redis.config_set("maxmemory-policy", "allkeys-lru")
            if config_is_forbidden:
                redis.execute_command("ACL", "SETUSER", "default", "-config")
        publisher = here.publisher()
        await commit(here.db, put("o:1"))
        await publisher.publish()

        assert "maxmemory-policy allkeys-lru" in publisher.status().error
        with here.redis() as redis:
            assert not redis.exists(HEAD)

            if config_is_forbidden:
                redis.execute_command("ACL", "SETUSER", "default", "+config")
            redis.config_set("maxmemory-policy", "noeviction")
        await settled(here, publisher)
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_a_demoted_redis_is_hung_up_on_so_that_its_successor_is_found(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await settled(here, publisher)
        with here.redis() as redis:
            connected = {client["id"] for client in client_list(redis)} - {str(redis.client_id())}
            redis.execute_command("REPLICAOF", "127.0.0.1", "1")
            await commit(here.db, put("o:1"))
            await publisher.publish()

            assert "READONLY" in publisher.status().error.upper()  # 6.2 says it inside a script's error
            assert connected
            await until(lambda: not connected & {client["id"] for client in client_list(redis)})
            redis.execute_command("REPLICAOF", "NO", "ONE")
        await settled(here, publisher)
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def client_list(redis: Redis) -> list[dict[str, str]]:
    clients: Any = redis.client_list()
    return list(clients)


def test_a_full_redis_takes_a_batch_whole_or_not_at_all(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        publisher = here.publisher()
        await commit(here.db, put("o:1"))
        await settled(here, publisher)
        before = dump(here)
        with here.redis() as redis:
            redis.config_set("maxmemory", "100kb")
        await commit(here.db, put("o:1", 2), put("o:2"))
        await publisher.publish()
        assert publisher.status().error
        with here.redis() as redis:
            redis.config_set("maxmemory", "0")
        assert dump(here) == before

        await settled(here, publisher)
        await assert_in_step(here)

    run(tmp_path, redis_server, scenario)


def test_the_log_is_kept_short_by_count_and_by_size(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        carrier = Carrier(connect(redis_server.url), log_bytes=200_000)
        here.closing.append(carrier.close)
        publisher = here.publisher()
        await settled(here, publisher)
        for n in range(60):
            await commit(here.db, *(put(f"k:_/{'x' * 60}-{n}-{i}") for i in range(200)))
        await publisher.publish()

        await carrier.bound_log()

        with here.redis() as redis:
            assert 0 < redis.xlen(LOG) < 20
            assert redis.memory_usage(LOG) < 250_000
        await assert_in_step(here)
        assert LOG_ENTRIES == 100_000

    run(tmp_path, redis_server, scenario)


def test_salts_are_published_and_old_ones_leave_no_trace(tmp_path: Path, redis_server: RedisServer) -> None:
    async def scenario(here: World) -> None:
        day = [20]
        publisher = here.publisher()
        keeper = SaltKeeper(here.db, publisher, lambda: datetime(2026, 11, day[0], 12, tzinfo=UTC))
        await keeper.keep()
        await settled(here, publisher)
        with here.redis() as redis:
            first = value_in(redis, "salts").body["salts"]
        day[0] = 21
        await keeper.keep()
        await keeper.keep()

        await settled(here, publisher)
        await assert_in_step(here)
        with here.redis() as redis:
            second = value_in(redis, "salts").body["salts"]
        assert list(second) == ["2026-11-21", "2026-11-22"]
        assert second["2026-11-21"] == first["2026-11-21"]
        assert (await lineage_of(here.db)).sequence == 2
        assert first["2026-11-20"].encode() not in await bodies_of(here.db)

    run(tmp_path, redis_server, scenario)
