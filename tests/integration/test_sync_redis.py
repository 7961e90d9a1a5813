"""A subscription over a real Redis that is killed, frozen, flushed, restarted and fed with rubbish."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from edge.feed.subscription import Subscription
from edge.rules.cache import ABSENT, Entry
from edge.rules.links import LinksUnavailable, TooManyMisses
from shared import wire
from shared.key import Key
from shared.wire import Lease
from tests.integration.rules_store import Publisher
from tests.servers import RedisServer

HANG_S = 30.0
SAAS = Key("_", "saas")
SPRING = Key("_", "spring")


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition; the ceiling only finds hangs."""
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.005)


async def acked(links: Subscription, sequence: int) -> None:
    """Wait until a worker serves nothing older than a sequence."""
    await until(lambda: links.version.sequence >= sequence, f"{sequence} acked")


@asynccontextmanager
async def following(server: RedisServer, *, synced: bool = True, **options: Any) -> AsyncIterator[Subscription]:
    """A started subscription, in sync unless told otherwise."""
    links = Subscription(server.url, host="edge-1", **options)
    await links.start()
    try:
        if synced:
            await until(lambda: links.state == "synced", "in sync")
        yield links
    finally:
        await links.stop()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(4 * HANG_S):
            await scenario()

    asyncio.run(bounded())


@pytest.fixture
def publisher(redis_server: RedisServer) -> Publisher:
    publisher = Publisher(redis_server)
    publisher.put_offer("o_1")
    publisher.put_link("saas")
    return publisher


def lease_of(publisher: Publisher, slot: int = 0) -> Lease | None:
    raw = publisher.store.redis.get(wire.lease_key("edge-1", slot))
    assert not isinstance(raw, str)
    return wire.decode_lease(raw) if raw else None


def revision_of(found: object) -> int:
    assert isinstance(found, Entry)
    return found.table.revision


async def served(links: Subscription, key: Key, client: str = "") -> object:
    """What a visitor gets, asked again while Redis is coming back, or slower than a visitor waits."""
    deadline = time.monotonic() + HANG_S
    while True:
        try:
            return links.lookup(key) or await links.fetch(key, client)
        except LinksUnavailable:
            assert time.monotonic() < deadline, "unavailable for good"
            await asyncio.sleep(0.02)


def test_a_miss_is_read_once_and_an_edit_is_live_before_it_is_acked(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            assert links.lookup(SAAS) is None
            assert await served(links, Key("_", "nobody")) is ABSENT
            entries = await asyncio.gather(*(served(links, SAAS) for _ in range(200)))
            assert len({id(entry) for entry in entries}) == 1
            assert links.status().fetches < 10

            sequence = publisher.put_offer("o_1")
            await until(lambda: (lease := lease_of(publisher)) and lease.acked >= sequence, "acked")
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_1")
            lease = lease_of(publisher)
            assert lease is not None
            assert (lease.state, lease.epoch, lease.nacks) == ("synced", 2, ())
            assert publisher.store.redis.smembers(wire.EDGES) == {b"{t0}edge:edge-1/0"}
        assert lease_of(publisher) is None
        assert publisher.store.redis.smembers(wire.EDGES) == set()

    run(scenario)


def test_a_created_link_is_not_masked_and_a_deleted_one_is_not_served(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            assert await served(links, SPRING) is ABSENT
            assert links.lookup(SPRING) is ABSENT

            created = publisher.put_link("spring")
            await acked(links, created)
            assert isinstance(await served(links, SPRING), Entry)

            deleted = publisher.delete_link("spring")
            await acked(links, deleted)
            assert links.lookup(SPRING) is None
            assert await served(links, SPRING) is ABSENT

    run(scenario)


def test_domains_are_there_from_the_start_and_replaced_whole(redis_server: RedisServer, publisher: Publisher) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            before = links.domains
            assert len(before) == 2
            assert list(links.salts) == ["2026-11-22"]

            publisher.commit({wire.DOMAINS: publisher.control.domains_body()})
            await until(lambda: links.domains is not before, "new domains")
            assert links.domains != before

    run(scenario)


def test_a_transaction_too_large_for_its_announcement_is_applied_in_one_step(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    keys = [Key("_", f"link-{n}") for n in range(400)]

    async def scenario() -> None:
        control = publisher.control
        names = [wire.pointer_key(key) for key in keys]
        publisher.commit({name: control.link_body("o_1") for name in names})
        async with following(redis_server) as links:
            await asyncio.gather(*(served(links, key) for key in keys))

            sequence = publisher.commit({name: control.link_body("o_1") for name in names})
            await acked(links, sequence)
            versions = {entry.pointer_version.sequence for key in keys if isinstance(entry := links.lookup(key), Entry)}
            assert versions == {sequence}

    run(scenario)


def test_a_link_moved_to_an_unknown_offer_is_swapped_with_that_offers_table(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    publisher.put_offer("o_2")

    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            sequence = publisher.put_link("saas", "o_2")
            await acked(links, sequence)
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_2")

    run(scenario)


def test_with_redis_killed_what_was_served_is_served_and_nothing_else_is_404(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            redis_server.kill()
            await until(lambda: links.state == "stale", "stale")
            assert isinstance(links.lookup(SAAS), Entry)
            with pytest.raises(LinksUnavailable):
                await links.fetch(SPRING)

            publisher.control.commit({"o:o_1": publisher.control.table_body("o_1")})
            redis_server.start()  # empty: nothing was on disk
            await until(lambda: links.state == "stale" and links.status().heard.sequence > 0, "connected again")
            assert isinstance(links.lookup(SAAS), Entry)
            publisher.publish()
            await until(lambda: links.state == "synced", "in sync again")
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_1")
            assert await served(links, SPRING) is ABSENT

    run(scenario)


def test_with_redis_frozen_hits_go_on_and_misses_fail_at_once_until_it_thaws(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            redis_server.freeze()
            try:
                with pytest.raises(LinksUnavailable):
                    await links.fetch(SPRING)
                await until(lambda: links.state == "stale", "stale")
                asked = links.status().fetches
                for n in range(50):  # the first one found out: these are not kept waiting one after another
                    with pytest.raises(LinksUnavailable):
                        await links.fetch(Key("_", f"other-{n}"))
                assert links.status().fetches == asked
                assert isinstance(links.lookup(SAAS), Entry)
                assert links.age_s > 0
            finally:
                redis_server.thaw()
            sequence = publisher.put_offer("o_1")
            await acked(links, sequence)
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_1")
            await until(lambda: links.state == "synced", "in sync again")

    run(scenario)


def test_a_flush_makes_no_404_and_ends_with_the_rebuild(redis_server: RedisServer, publisher: Publisher) -> None:
    publisher.put_link("spring")

    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            redis_server.flush()
            with pytest.raises(LinksUnavailable):
                await links.fetch(SPRING)
            await until(lambda: links.state == "stale", "noticed")
            assert isinstance(links.lookup(SAAS), Entry)

            publisher.publish()
            assert isinstance(await served(links, SPRING), Entry)
            await until(lambda: links.state == "synced" and links.version.epoch == 3, "of the new lineage")

    run(scenario)


def test_what_is_published_while_the_subscription_is_cut_is_found(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            publisher.store.redis.client_kill_filter(_type="pubsub")
            first = publisher.put_offer("o_1")
            await acked(links, first)
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_1")

    run(scenario)


def test_a_log_that_was_cut_has_everything_read_again(redis_server: RedisServer, publisher: Publisher) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            redis_server.freeze()
            await until(lambda: links.state == "stale", "stale")
            redis_server.thaw()
            publisher.store.redis.client_kill_filter(_type="pubsub")
            publisher.put_offer("o_1")
            last = publisher.put_link("spring")
            publisher.store.clear_log()
            await acked(links, last)
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_1")

    run(scenario)


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"\xff\x00{", id="not JSON"),
        pytest.param(b'{"epoch":2,"sequence":3,"key":"o:o_2","body":null}', id="of another key"),
        pytest.param(b'{"epoch":2,"sequence":3,"key":"o:o_1","body":{"schema":99}}', id="of a schema to come"),
        pytest.param(b'{"epoch":2,"sequence":99999,"key":"o:o_1","body":null}', id="newer than its head"),
    ],
)
def test_a_damaged_value_is_refused_and_nacked_while_the_old_one_serves(
    redis_server: RedisServer, publisher: Publisher, damaged: bytes
) -> None:
    publisher.put_link("spring")

    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            before = revision_of(links.lookup(SAAS))
            publisher.store.redis.set("{t0}o:o_1", damaged)
            publisher.commit({wire.DOMAINS: publisher.control.domains_body()})
            found = await served(links, SPRING)  # the offer's table is in memory: the new link is served by it
            assert revision_of(found) == revision_of(links.lookup(SAAS)) == before

            publisher.put_offer("o_1")
            await until(lambda: revision_of(links.lookup(SAAS)) == publisher.revision("o_1"), "healed")
            assert links.status().nacks == ()

    run(scenario)


def test_a_refused_table_is_reported_and_forgotten_once_a_good_one_comes(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            before = revision_of(links.lookup(SAAS))
            bad = publisher.commit({"o:o_1": orjson.dumps({"schema": 99})})
            await until(lambda: (lease := lease_of(publisher)) and lease.nacks, "nacked")
            lease = lease_of(publisher)
            assert lease is not None
            assert [(nack.key, nack.sequence) for nack in lease.nacks] == [("o:o_1", bad)]
            assert "schema 99" in lease.nacks[0].reason
            assert revision_of(links.lookup(SAAS)) == before

            publisher.put_offer("o_1")
            await until(lambda: (lease := lease_of(publisher)) and not lease.nacks, "forgotten")

    run(scenario)


def test_a_key_of_the_wrong_type_costs_only_itself(redis_server: RedisServer, publisher: Publisher) -> None:
    async def scenario() -> None:
        publisher.store.redis.rpush("{t0}k:_/spring", "x")
        async with following(redis_server) as links:
            with pytest.raises(LinksUnavailable):
                await links.fetch(SPRING)
            assert isinstance(await served(links, SAAS), Entry)

    run(scenario)


def test_scripts_that_redis_forgot_are_sent_again(redis_server: RedisServer, publisher: Publisher) -> None:
    publisher.put_link("spring")

    async def scenario() -> None:
        async with following(redis_server) as links:
            await served(links, SAAS)
            publisher.store.redis.script_flush()
            assert isinstance(await served(links, SPRING), Entry)

    run(scenario)


def test_a_worker_starts_from_its_snapshot_while_redis_is_gone(
    redis_server: RedisServer, publisher: Publisher, tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshots" / "edge-1-0"

    async def scenario() -> None:
        async with following(redis_server, snapshot_path=snapshot) as links:
            await served(links, SAAS)
            domains = dict(links.domains)
        redis_server.kill()
        async with following(redis_server, synced=False, snapshot_path=snapshot) as links:
            assert isinstance(await served(links, SAAS), Entry)
            assert (links.state, dict(links.domains)) == ("stale", domains)
            with pytest.raises(LinksUnavailable):
                await links.fetch(SPRING)

            redis_server.start()
            publisher.publish()
            sequence = publisher.put_offer("o_1")
            await acked(links, sequence)
            assert revision_of(links.lookup(SAAS)) == publisher.revision("o_1")

    run(scenario)


def test_a_deletion_that_was_acked_survives_a_kill(
    redis_server: RedisServer, publisher: Publisher, tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshots" / "edge-1-0"

    async def scenario() -> None:
        async with following(redis_server, snapshot_path=snapshot) as links:
            await served(links, SAAS)
        kept = snapshot.read_bytes()
        async with following(redis_server, snapshot_path=snapshot) as links:
            sequence = publisher.delete_link("saas")
            await acked(links, sequence)
            journal = snapshot.with_name("edge-1-0.withdrawn").read_bytes()
        snapshot.write_bytes(kept)  # as if it had been killed, and not stopped with a last snapshot
        snapshot.with_name("edge-1-0.withdrawn").write_bytes(journal)
        redis_server.kill()
        async with following(redis_server, synced=False, snapshot_path=snapshot) as links:
            with pytest.raises(LinksUnavailable):
                await links.fetch(SAAS)

    run(scenario)


def test_a_cut_snapshot_is_ignored(redis_server: RedisServer, publisher: Publisher, tmp_path: Path) -> None:
    snapshot = tmp_path / "edge-1-0"

    async def scenario() -> None:
        async with following(redis_server, snapshot_path=snapshot) as links:
            await served(links, SAAS)
        snapshot.write_bytes(snapshot.read_bytes()[:-9])
        async with following(redis_server, snapshot_path=snapshot) as links:
            assert isinstance(await served(links, SAAS), Entry)

    run(scenario)


def test_a_guesser_of_slugs_is_turned_away_and_nobody_else(redis_server: RedisServer, publisher: Publisher) -> None:
    async def scenario() -> None:
        async with following(redis_server) as links:
            for n in range(100):
                await served(links, Key("_", f"guess-{n}"), "203.0.113.0")
            with pytest.raises(TooManyMisses):
                await asyncio.gather(*(links.fetch(Key("_", f"more-{n}"), "203.0.113.0") for n in range(1_000)))
            assert isinstance(await served(links, SAAS, "198.51.100.0"), Entry)

    run(scenario)


def test_steps_of_the_time_of_day_change_nothing(redis_server: RedisServer, publisher: Publisher) -> None:
    wall_s = [time.time()]

    async def scenario() -> None:
        async with following(redis_server, wall_ms=lambda: int(wall_s[0] * 1000)) as links:
            await served(links, SAAS)
            for step_s in (86_400, -2 * 86_400):
                redis_server.freeze()
                await until(lambda: links.state == "stale", "stale")
                wall_s[0] += step_s
                assert links.age_s < 3_600
                redis_server.thaw()
                sequence = publisher.put_offer("o_1")
                await acked(links, sequence)
                await until(lambda: links.state == "synced", "in sync again")

    run(scenario)
