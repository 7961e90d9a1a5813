"""The Lua that Redis runs answers as the model does on which the simulation rests."""

import asyncio
from random import Random
from typing import Any

import orjson
import pytest
from redis.exceptions import ReadOnlyError

from edge.feed import scripts
from edge.feed.rules_redis import RulesRedis, Script, connect
from edge.rules.replies import parse_page
from shared import wire
from shared.key import Key
from shared.wire import Head, Version
from tests.integration.rules_store import Publisher
from tests.servers import RedisServer
from tests.simulation.memory_redis import MemoryRedis

SLUGS = ("a", "b", "c", "d")


def mirrored(publisher: Publisher) -> MemoryRedis:
    """The model, holding what the server holds."""
    redis = publisher.store.redis
    model = MemoryRedis(head_raw=publisher.store.read_head(), page_entries=scripts.MAX_PAGE_ENTRIES)
    for name in redis.scan_iter(match=f"{wire.TAG}*:*"):
        value = redis.get(name)
        assert isinstance(value, bytes)
        model.values[name.decode().removeprefix(wire.TAG)] = value
    for pinned in (wire.DOMAINS, wire.SALTS):
        value = redis.get(wire.redis_key(pinned))
        assert isinstance(value, bytes)
        model.values[pinned] = value
    entries: Any = redis.xrange(wire.LOG)
    for number, fields in entries:
        model.log[int(number.split(b"-")[0])] = fields[b"a"]
    return model


@pytest.fixture
def publisher(redis_server: RedisServer) -> Publisher:
    publisher, random = Publisher(redis_server), Random(7)
    for offer in ("o_1", "o_2"):
        publisher.put_offer(offer)
    for _ in range(40):
        slug = random.choice(SLUGS)
        publisher.delete_link(slug) if random.random() < 0.2 else publisher.put_link(
            slug, random.choice(("o_1", "o_2"))
        )
    publisher.store.redis.set("{t0}k:_/bad", b"{not json")
    publisher.put_link("orphan", "o_9")
    return publisher


def test_every_script_answers_as_the_model_does(redis_server: RedisServer, publisher: Publisher) -> None:
    model = mirrored(publisher)
    keys = ("domains", "salts", "o:o_1", "k:_/a", "k:_/nobody", "k:_/bad")

    async def compare() -> None:
        redis = RulesRedis(redis_server.url, 1)
        assert await redis.head() == model.head()
        links = [Key("_", slug) for slug in (*SLUGS, "bad", "orphan", "nobody")]
        assert await redis.misses(links) == [model.miss(link) for link in links]
        assert await redis.read(keys) == model.read(keys)
        for epoch, sequence in ((2, 0), (2, 1), (2, 20), (2, 44), (2, 99), (1, 3)):
            page, expected = await redis.page(Version(epoch, sequence)), model.page(Version(epoch, sequence))
            assert (page.head, page.entries) == (expected.head, expected.entries)
            assert dict(page.values) == dict(expected.values)
        await redis.close()

    asyncio.run(compare())


@pytest.mark.parametrize(
    ("most_entries", "most_keys", "most_bytes"),
    [(3, 1_000, 10**6), (100, 2, 10**6), (100, 1_000, 1)],
    ids=["entries", "keys", "bytes"],
)
def test_a_page_is_bounded_and_never_empty(
    redis_server: RedisServer, publisher: Publisher, most_entries: int, most_keys: int, most_bytes: int
) -> None:
    async def read() -> None:
        redis = connect(redis_server.url, 1.0, 1)
        arguments = (2, 3, most_entries, most_keys, most_bytes)
        page = parse_page(await Script(scripts.PAGE).run(redis, (wire.HEAD, wire.LOG), arguments))
        assert 1 <= len(page.entries) <= most_entries
        assert len(page.entries) < 20
        assert page.after(Version(2, 2)) == list(page.entries)
        await redis.aclose()

    asyncio.run(read())


def test_what_is_no_string_or_no_announcement_fails_nothing_else(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    publisher.store.redis.delete("{t0}k:_/a")
    publisher.store.redis.rpush("{t0}k:_/a", "x")
    publisher.store.redis.xadd(wire.LOG, {"a": b"\xff"}, id="9000-0")
    publisher.store.redis.xadd(wire.LOG, {"a": orjson.dumps({"keys": [1, None]})}, id="9001-0")

    async def read() -> None:
        redis = RulesRedis(redis_server.url, 1)
        assert (await redis.misses([Key("_", "a")]))[0].pointer == b"not a string"
        page = await redis.page(Version(2, 1))
        assert page.values["k:_/a"] == b"not a string"
        assert len(page.entries) > 40
        await redis.close()

    asyncio.run(read())


async def write_lease(server: RedisServer, name: str, lease: bytes) -> Head | None:
    rules = RulesRedis(server.url, 1)
    try:
        return await rules.write_lease(name, lease)
    finally:
        await rules.close()


def test_a_lease_is_written_listed_and_answered_with_the_head(redis_server: RedisServer, publisher: Publisher) -> None:
    redis, name = publisher.store.redis, wire.lease_key("edge-1", 3)

    head = asyncio.run(write_lease(redis_server, name, b'{"host":"edge-1"}'))

    assert head is not None
    assert wire.encode_head(head) == publisher.store.read_head()
    assert redis.get(name) == b'{"host":"edge-1"}'
    assert 0 < redis.pttl(name) <= wire.LEASE_TTL_MS
    assert redis.smembers(wire.EDGES) == {name.encode()}


def test_a_server_that_was_demoted_is_known_by_its_answer_to_a_lease(
    redis_server: RedisServer, publisher: Publisher
) -> None:
    publisher.store.redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(ReadOnlyError):  # not any error: who is asked next is found by this one
            asyncio.run(write_lease(redis_server, wire.lease_key("edge-1", 3), b"{}"))
    finally:
        publisher.store.redis.execute_command("REPLICAOF", "NO", "ONE")
