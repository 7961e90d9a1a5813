"""What a worker spooled reaches Redis in numbered batches, again when Redis lost it, and is freed when SQL has it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from edge.spool.shipper import Marks, Shipper
from edge.spool.spool import Spool
from shared.wire import CLICKS, CLICKS_COUNTS, CLICKS_DONE
from tests.servers import RedisServer

HANG_S = 30


def open_spool(root: Path, boot: str = "boot1") -> Spool:
    return Spool.open(root, 64 << 20, boot=boot, host="edge-1:8080", slot=2)


def write_turn(spool: Spool, *lines: bytes) -> None:
    for line in lines:
        spool.put(line)
    spool.flush()


@asynccontextmanager
async def shipping(spool: Spool, url: str, **given: Any) -> AsyncIterator[Shipper]:
    shipper = Shipper(spool, url, **given)
    await shipper.start()
    try:
        yield shipper
    finally:
        await shipper.stop(timeout_s=0.2)
        spool.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(HANG_S):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in another process
            await asyncio.sleep(0.02)


async def until_sent(server: RedisServer, batches: int) -> None:
    await until(lambda: len(entries(server)) == batches)


def run(claim: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(claim())


def entries(server: RedisServer) -> list[dict[str, bytes]]:
    with server.client() as client:
        found: Any = client.xrange(CLICKS)
    return [{name.decode(): value for name, value in fields.items()} for _, fields in found]


def lines(server: RedisServer) -> list[bytes]:
    """Every event in the stream, each batch once."""
    batches = {int(entry["batch"]): entry["events"] for entry in entries(server)}
    return [line for _, events in sorted(batches.items()) for line in events.split(b"\n") if line]


def folders(root: Path) -> list[str]:
    """The boots that have a spool under `root`."""
    return [folder.name for folder in root.glob("edge*/*")]


def abandon(spool: Spool) -> None:
    """What a SIGKILL does: nothing more is written, and the kernel lets go of the lock."""
    assert spool._segment is not None
    assert spool._lock is not None
    spool._segment.close()
    os.close(spool._lock)


def mark_done(server: RedisServer, batch: int, boot: str = "boot1") -> None:
    with server.client() as client:
        client.hset(CLICKS_DONE, boot, str(batch))


def test_a_batch_is_one_entry_that_says_whose_it_is(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url):
            write_turn(spool, b"a", b"b")
            await until(lambda: entries(redis_server))
        [entry] = entries(redis_server)
        assert orjson.loads(entry.pop("counts")) == {"produced": 2, "dropped": {}}
        assert entry == {
            "boot": b"boot1",
            "batch": b"1",
            "kept_from": b"1",
            "host": b"edge-1:8080",
            "slot": b"2",
            "schema": b"1",
            "events": b"a\nb",
        }

    run(claim)


def test_what_sql_has_is_freed_and_the_empty_folder_removed(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url):
            write_turn(spool, b"a", b"b")
            await until(lambda: entries(redis_server))
            assert spool.status().in_flight == 2
            mark_done(redis_server, 1)
            await until(lambda: spool.status().recorded == 2)
            assert spool.status().in_flight == 0
        assert not folders(tmp_path)

    run(claim)


def test_an_entry_still_in_the_stream_is_not_sent_again(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url) as shipper:
            write_turn(spool, b"a")
            await until(lambda: entries(redis_server))
            for _ in range(5):
                await shipper._check()
            assert shipper.status.rewinds == 0
        assert len(entries(redis_server)) == 1

    run(claim)


class Deaf(Shipper):
    """Asks a Redis whose client loses a cancellation, as redis-py on Python 3.11 does of one that comes late."""

    _deaf = True

    async def _check(self) -> None:
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            if not self._deaf:
                raise
            self._deaf = False


def test_a_stop_ends_though_the_client_swallows_its_limit(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        write_turn(spool, b"a")
        async with asyncio.timeout(HANG_S):
            await Deaf(spool, redis_server.url).stop(timeout_s=0.1)
        spool.close()
        assert len(entries(redis_server)) == 1

    run(claim)


def test_what_a_flushed_redis_lost_is_sent_again_as_the_same_batches(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url) as shipper:
            write_turn(spool, b"a", b"b")
            await until(lambda: len(entries(redis_server)) == 1)
            write_turn(spool, b"c")
            await until(lambda: len(entries(redis_server)) == 2)
            before = [(entry["batch"], entry["events"]) for entry in entries(redis_server)]
            redis_server.flush()
            await until(lambda: len(entries(redis_server)) == 2)
            assert [(entry["batch"], entry["events"]) for entry in entries(redis_server)] == before
            assert shipper.status.rewinds == 1

    run(claim)


def test_what_was_done_is_not_sent_again_after_a_flush(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url):
            write_turn(spool, b"a")
            await until(lambda: entries(redis_server))
            mark_done(redis_server, 1)
            await until(lambda: spool.status().recorded == 1)
            redis_server.flush()
            write_turn(spool, b"b")
            await until(lambda: entries(redis_server))
            assert lines(redis_server) == [b"b"]

    run(claim)


def test_clicks_wait_while_redis_is_down_and_go_in_fuller_batches(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url) as shipper:
            await until(lambda: shipper.status.connected)
            redis_server.kill()
            for number in range(30):
                write_turn(spool, b"%d" % number)
                await asyncio.sleep(0.01)
            await until(lambda: not shipper.status.connected)
            redis_server.start()
            await until(lambda: len(lines(redis_server)) == 30)
            assert lines(redis_server) == [b"%d" % number for number in range(30)]
            assert len(entries(redis_server)) < 10

    run(claim)


def test_a_frozen_redis_loses_nothing(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url) as shipper:
            await until(lambda: shipper.status.connected)
            redis_server.freeze()
            write_turn(spool, b"a")
            await until(lambda: shipper.status.errors)
            write_turn(spool, b"b")
            redis_server.thaw()
            await until(lambda: lines(redis_server) == [b"a", b"b"])
            by_number: dict[bytes, set[bytes]] = {}
            for entry in entries(redis_server):
                by_number.setdefault(entry["batch"], set()).add(entry["events"])
            assert all(len(events) == 1 for events in by_number.values())

    run(claim)


def test_a_long_stream_holds_the_spool_back(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url, marks=Marks(entries=2)) as shipper:
            for number in range(3):
                write_turn(spool, b"%d" % number)
                await until_sent(redis_server, number + 1)
            await until(lambda: shipper.status.held_back)
            write_turn(spool, b"later")
            await shipper._turn()
            assert len(entries(redis_server)) == 3
            with redis_server.client() as client:
                client.xtrim(CLICKS, maxlen=1, approximate=False)
            mark_done(redis_server, 2)
            await until(lambda: lines(redis_server)[-1] == b"later")

    run(claim)


def test_an_orphan_is_sent_as_its_own_and_removed_when_done(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        dead = open_spool(tmp_path, "dead")
        write_turn(dead, b"x", b"y")
        abandon(dead)
        spool = open_spool(tmp_path, "alive")
        async with shipping(spool, redis_server.url) as shipper:
            await until(lambda: entries(redis_server))
            [entry] = entries(redis_server)
            assert (entry["boot"], entry["batch"], entry["events"]) == (b"dead", b"1", b"x\ny")
            assert spool.status().bytes > 0
            mark_done(redis_server, 1, "dead")
            await until(lambda: not shipper._orphans)
            assert "dead" not in folders(tmp_path)

    run(claim)


def test_a_stop_sends_what_was_written_last(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url):
            write_turn(spool, b"last words")
        assert lines(redis_server) == [b"last words"]

    run(claim)


def test_the_counts_of_every_boot_are_told(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url):
            write_turn(spool, b"a")

            def told() -> bytes | None:
                with redis_server.client() as client:
                    found: Any = client.hget(CLICKS_COUNTS, "boot1")
                return found  # type: ignore[no-any-return]

            expected = {"host": "edge-1:8080", "slot": 2, "produced": 1, "dropped": {}}
            await until(lambda: orjson.loads(told() or b"{}") == expected)

    run(claim)


def test_a_server_that_does_not_tell_sizes_is_shipped_to(redis_server: RedisServer, tmp_path: Path) -> None:
    async def claim() -> None:
        with redis_server.client() as client:
            client.execute_command("ACL", "SETUSER", "default", "-memory", "-info")
        spool = open_spool(tmp_path)
        async with shipping(spool, redis_server.url):
            write_turn(spool, b"a")
            await until(lambda: lines(redis_server) == [b"a"])

    run(claim)
