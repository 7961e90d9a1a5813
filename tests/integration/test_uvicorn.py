"""What edge/http/protocol.py relies on of uvicorn, whose protocol classes are internal: real sockets, both loops."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

import pytest
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.http.protocol import ClickProtocol
from tests import builders
from tests.edge.roads import Edge
from tests.fakes import FakeLinks

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
HANG_S = 90


@asynccontextmanager
async def serving(edge: Edge) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """A server with the fast road on a free port; stops when left."""
    config = uvicorn.Config(
        edge.app, port=0, http=edge.protocol_class, ws="none", lifespan="off", log_level="critical", server_header=False
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())  # without its signal handlers, which are the test runner's
    await until(lambda: server.started)
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def until(happened: Callable[[], object]) -> None:
    """Wait for something that tells nobody when it happens."""
    while not happened():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def run(loop: str, test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on the named loop."""

    async def main() -> None:
        async with asyncio.timeout(HANG_S):
            await test()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


def edge() -> Edge:
    """An edge with the example, and a link that only a fetch finds."""
    return Edge(links=FakeLinks([builders.entry()], remote=[builders.entry("far")]))


def test_the_version_is_the_one_this_was_written_for() -> None:
    assert version("uvicorn") == "0.54.0"
    assert version("httptools") == "0.9.0"


def test_uvicorn_builds_both_classes_alike() -> None:
    ours, theirs = (inspect.signature(cls.__init__).parameters for cls in (ClickProtocol, HttpToolsProtocol))

    assert list(ours) == list(theirs)


@pytest.mark.parametrize("loop", LOOPS)
def test_requests_of_every_sort_share_a_connection(loop: str) -> None:
    async def test() -> None:
        parts = edge()
        async with serving(parts) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for target, status in [("/saas", 302), ("/far", 302), ("/robots.txt", 200), ("/no", 404)] * 3:
                writer.write(builders.head(target))
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 %d " % status)
                assert b"\r\ndate: " in head
                length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
                await reader.readexactly(int(length.partition(b": ")[2]))
            writer.close()
        assert len(parts.spool.recorded) == 6
        assert parts.counters.connections == 0

    run(loop, test)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_half_closed_connection_gets_its_answers(loop: str) -> None:
    async def test() -> None:
        async with serving(edge()) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(builders.head(target) for target in ("/saas", "/robots.txt", "/far")))
            writer.write_eof()
            answers = await reader.read()

            assert answers.count(b"HTTP/1.1 302") == 2
            assert answers.count(b"HTTP/1.1 200") == 1
            writer.close()

    run(loop, test)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_refusal_reaches_a_client_that_is_still_sending(loop: str) -> None:
    async def test() -> None:
        async with serving(edge()) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(builders.head("/saas", {"Content-Length": "4000000"}, method="POST") + b"x" * 4_000_000)
            answer = await reader.read()

            assert answer.startswith(b"HTTP/1.1 405 ")
            writer.close()

    run(loop, test)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_that_reads_slowly_gets_everything_in_order(loop: str) -> None:
    async def test() -> None:
        parts, count = edge(), 20_000
        async with serving(parts) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
            sending = asyncio.create_task(send(writer, count))
            numbers: list[int] = []
            while len(numbers) < count:
                head = await reader.readuntil(b"\r\n\r\n")
                numbers.append(int(head.partition(b"?n=")[2].partition(b"&")[0]))
            await sending
            writer.close()
        assert numbers == list(range(count))
        assert len(parts.spool.recorded) == count

    async def send(writer: asyncio.StreamWriter, count: int) -> None:
        for number in range(count):
            writer.write(builders.head(f"/saas?n={number}"))
            if number % 500 == 0:
                await writer.drain()

    run(loop, test)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stop_answers_what_is_in_flight_and_closes_what_is_idle(loop: str) -> None:
    async def test() -> None:
        parts = edge()
        parts.links.gate = asyncio.Event()
        async with serving(parts) as (server, port):
            idle = await asyncio.open_connection("127.0.0.1", port)
            waiting = await asyncio.open_connection("127.0.0.1", port)
            idle[1].write(builders.head("/saas"))
            await idle[0].readuntil(b"\r\n\r\n")
            waiting[1].write(builders.head("/far"))
            await until(lambda: parts.links.fetches)
            server.should_exit = True
            assert await idle[0].read() == b""
            parts.links.gate.set()
            answer = await waiting[0].read()

            assert answer.startswith(b"HTTP/1.1 302 ")
            assert b"connection: close" in answer
            for _, writer in (idle, waiting):
                writer.close()
        assert len(parts.spool.recorded) == 2

    run(loop, test)
