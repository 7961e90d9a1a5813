"""The ingester's place in the consumer group: what others left behind, what is gone, and what it may trim."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from control.db import ClicksBase, Database
from control.ingest.batches import Batch
from control.ingest.consumer import GATHER_S, GROUP, Consumer
from control.ingest.recording import DeadLetter, Recorded, Recorder
from shared.events import encode_event
from shared.wire import CLICKS, CLICKS_DONE
from tests.control.clicks import Clicks
from tests.servers import RedisServer

HANG_S = 40  # shorter than the minute after which an ingester takes what another was given


@pytest.fixture(params=["installed", "oldest supported"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    oldest = str(Path(sys.executable).parent)  # the Redis 6.2 that deploy/install.py puts beside Python
    if request.param == "installed":
        elsewhere = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != oldest]
        monkeypatch.setenv("PATH", os.pathsep.join(elsewhere))
    else:
        monkeypatch.setenv("PATH", oldest)
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.kill()


class Counting(Recorder):
    """A recorder that counts its transactions."""

    transactions = 0

    async def record(self, batches: Sequence[Batch], letters: Sequence[DeadLetter], now_ms: int) -> Recorded:
        self.transactions += 1
        return await super().record(batches, letters, now_ms)


class Group:
    """A stream with batches in it, and a clicks database."""

    def __init__(self, redis: Redis, db: Database) -> None:
        self.redis, self.db = redis, db
        self.recorder = Counting(db)
        self.clicks = Clicks()
        self.batches = 0

    async def send(self) -> bytes:
        """Add a batch of two clicks; return its entry."""
        self.batches += 1
        fields: dict[Any, Any] = {
            "boot": "boot1",
            "batch": self.batches,
            "host": "edge-1",
            "slot": 0,
            "schema": 1,
            "events": b"\n".join(encode_event(self.clicks.event()) for _ in range(2)),
            "counts": b'{"produced":2,"dropped":{}}',
        }
        entry: Any = await self.redis.xadd(CLICKS, fields)
        return bytes(entry)

    async def give(self, name: str) -> None:
        """Have an ingester take everything, and never come back."""
        with contextlib.suppress(Exception):
            await self.redis.xgroup_create(CLICKS, GROUP, id="0", mkstream=True)
        await self.redis.xreadgroup(GROUP, name, {CLICKS: ">"})

    async def consume(self, done: Callable[[], Awaitable[bool]], *, claims: bool = True) -> None:
        """Run an ingester until `done`; it `claims` at once what others were given, or not before a minute is over."""
        soon = 0 if claims else 60_000
        consumer = Consumer(self.redis, self.recorder, "me", claim_idle_ms=soon, gone_after_ms=soon)
        task = asyncio.create_task(consumer.run())
        async with asyncio.timeout(HANG_S):
            while not await done():  # noqa: ASYNC110  # it happens in SQL and in Redis
                await asyncio.sleep(0.02)
        consumer.stop()
        await task

    async def recorded(self) -> int:
        async with self.db.read() as session:
            connection = await session.connection()
            return int((await connection.exec_driver_sql("SELECT COUNT(*) FROM clicks")).scalar_one())

    async def names(self) -> list[bytes]:
        found: Any = await self.redis.xinfo_consumers(CLICKS, GROUP)
        return [consumer["name"] for consumer in found]

    async def pending(self) -> int:
        found: Any = await self.redis.xpending(CLICKS, GROUP)
        return int(found["pending"])


def grouped(server: RedisServer, folder: Path, claim: Callable[[Group], Awaitable[None]]) -> None:
    async def run() -> None:
        db = Database.open(f"sqlite:///{folder}/clicks.db", lock="turnout:clicks")
        async with db.write() as session:
            await (await session.connection()).run_sync(ClicksBase.metadata.create_all)
        redis = Redis.from_url(server.url)
        try:
            await claim(Group(redis, db))
        finally:
            await redis.aclose()
            await db.close()

    asyncio.run(run())


@pytest.mark.parametrize("left_by", ["me", "another"])
def test_what_an_ingester_left_behind_is_ingested(server: RedisServer, tmp_path: Path, left_by: str) -> None:
    async def claim(group: Group) -> None:
        await group.send()
        await group.send()
        await group.give(left_by)
        await group.send()
        await group.consume(lambda: _is(group.recorded, 6), claims=left_by != "me")
        assert await group.pending() == 0
        assert await group.redis.hget(CLICKS_DONE, "boot1") == b"3"

    grouped(server, tmp_path, claim)


def test_batches_that_come_one_by_one_are_gathered(server: RedisServer, tmp_path: Path) -> None:
    async def claim(group: Group) -> None:
        batches = 40

        async def all_sent() -> bool:
            if group.batches < batches:
                await group.send()
            return await group.recorded() == 2 * batches

        began = time.monotonic()
        await group.consume(all_sent)
        assert group.recorder.transactions <= 2 + (time.monotonic() - began) / GATHER_S

    grouped(server, tmp_path, claim)


def test_the_name_of_an_ingester_that_is_gone_goes_once_nothing_of_its_own_is_pending(
    server: RedisServer, tmp_path: Path
) -> None:
    async def claim(group: Group) -> None:
        await group.send()
        await group.give("another")
        await group.send()
        await group.consume(lambda: _is(group.recorded, 2), claims=False)
        assert b"another" in await group.names(), "it may come back for what it was given"

        async def gone() -> bool:
            return b"another" not in await group.names()

        await group.consume(gone)
        assert await group.recorded() == 4

    grouped(server, tmp_path, claim)


@pytest.mark.parametrize("left_by", ["me", "another"])
def test_an_entry_that_is_gone_holds_nothing_up(server: RedisServer, tmp_path: Path, left_by: str) -> None:
    async def claim(group: Group) -> None:
        gone = await group.send()
        await group.send()
        await group.give(left_by)
        await group.redis.xdel(CLICKS, gone)
        await group.consume(lambda: _is(group.recorded, 2))
        await group.consume(lambda: _is(group.pending, 0))
        assert await group.redis.hget(CLICKS_DONE, "boot1") == b"0"  # so that its edge sends it again

    grouped(server, tmp_path, claim)


def test_the_stream_is_trimmed_to_what_every_group_has_acknowledged(server: RedisServer, tmp_path: Path) -> None:
    async def claim(group: Group) -> None:
        await group.send()
        await group.redis.xgroup_create(CLICKS, "reports", id="0")
        await group.send()
        await group.consume(lambda: _is(group.recorded, 4))
        assert await group.redis.xlen(CLICKS) == 2
        reply: Any = await group.redis.xreadgroup("reports", "r", {CLICKS: ">"}, count=1)
        [entries] = reply.values() if isinstance(reply, dict) else [reply[0][1:]]
        await group.redis.xack(CLICKS, "reports", entries[0][0][0])
        await group.consume(lambda: _is(lambda: group.redis.xlen(CLICKS), 1))

    grouped(server, tmp_path, claim)


def test_clicks_of_a_later_schema_wait_and_the_rest_goes_on(server: RedisServer, tmp_path: Path) -> None:
    async def claim(group: Group) -> None:
        fields: dict[Any, Any] = {"boot": "b", "batch": 1, "host": "h", "slot": 0, "schema": 99, "events": b"?"}
        await group.redis.xadd(CLICKS, {**fields, "counts": b'{"produced":1,"dropped":{}}'})
        await group.send()
        await group.consume(lambda: _is(group.recorded, 2))
        assert await group.pending() == 1
        assert await group.redis.xlen(CLICKS) == 2

    grouped(server, tmp_path, claim)


async def _is(ask: Callable[[], Awaitable[Any]], expected: int) -> bool:
    return bool(await ask() == expected)
