"""A hundred thousand links on one offer: how fast they are made, what they weigh, what an edit of their offer costs.

    python -m loadtests.bench.links [--links 100000] [--edits 30]

Starts a Redis, control and an edge of one worker, and prints three figures beside what they must be:

    bulk create   links a second, from the first byte of the first body until the last link redirects at the edge
    edge memory   what the worker's own memory grows by per link when all of them are clicked
    publish       an edit, from the PUT until the edge has acked it: of an offer with one link, and of the one with all

Exits with 1 when one of them falls short.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import orjson
import psutil  # type: ignore[import-untyped]

from shared.wire import LOG, decode_announcement
from tests.installation import HANG_S, KEY, Installation, Visitor
from tests.servers import RedisServer

MIN_LINKS_PER_S: Final = 5_000
MAX_BYTES_PER_LINK: Final = 1_024
MAX_PUBLISH_RATIO: Final = 1.5

_LINES_A_BODY: Final = 10_000
_VISITORS: Final = 32
_PAUSE_S: Final = 0.35
"""Between edits: longer than the quarter of a second in which a worker gathers its acks."""


class Publishes(NamedTuple):
    """Milliseconds of a typical edit, and the most keys that one published."""

    ms: float
    keys: int


def publish(installation: Installation, offers: Sequence[str], edits: int) -> list[Publishes]:
    """Edit each of the offers so often, each time until it is live; in turns, so that both meet the same conditions."""
    times: dict[str, list[float]] = {offer: [] for offer in offers}
    keys: dict[str, int] = {}
    for n in range(edits):
        for offer in offers:
            time.sleep(_PAUSE_S)
            started = time.perf_counter()
            saved = installation.save(offer, f"https://yourbrand.com/{n}")
            times[offer].append(1000 * (time.perf_counter() - started))
            keys[offer] = max(keys.get(offer, 0), _published_keys(installation, saved["sequence"]))
    return [Publishes(median(times[offer]), keys[offer]) for offer in offers]


def _published_keys(installation: Installation, sequence: int) -> int:
    with installation.redis.client() as redis:
        entries: Any = redis.xrange(LOG, f"{sequence}-0", f"{sequence}-0")
    ((_, fields),) = entries
    return len(decode_announcement(fields[b"a"]).keys)


def create(installation: Installation, slugs: Sequence[str]) -> float:
    """Make the links; return links a second, until the last one is live."""
    bodies = list(_bodies(slugs))
    started = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", installation.control_port, timeout=10 * HANG_S)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-ndjson"}
    for body in bodies:
        connection.request("POST", "/api/v1/links/bulk", body, headers)
        answer = orjson.loads(connection.getresponse().read())
        assert answer["failed"] == 0, answer["results"][:3]
    visitor = Visitor(installation.edge_port)
    while visitor.click(slugs[-1]).status != 302:
        time.sleep(0.005)
    visitor.close()
    connection.close()
    return len(slugs) / (time.perf_counter() - started)


def _bodies(slugs: Sequence[str]) -> Iterator[bytes]:
    for first in range(0, len(slugs), _LINES_A_BODY):
        lines = [
            orjson.dumps({"slug": slug, "offer": "saas", "partner": "mara", "sub1": f"campaign-{slug}"})
            for slug in slugs[first : first + _LINES_A_BODY]
        ]
        yield b"\n".join(lines)


def weigh(installation: Installation, slugs: Sequence[str]) -> float:
    """Click every link once; return the bytes by which the worker's own memory grew per link."""
    asyncio.run(_click_all(installation.edge_port, ["saas"] * 5_000))  # buffers and caches that links do not add to
    before = _own_memory(installation)
    asyncio.run(_click_all(installation.edge_port, slugs))
    return (_own_memory(installation) - before) / len(slugs)


async def _click_all(port: int, slugs: Sequence[str]) -> None:
    """Click each link until it redirects, a few visitors at a time."""
    waiting = iter(slugs)

    async def visit() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for slug in waiting:
            while await _status(reader, writer, slug) != b"302":  # noqa: ASYNC110  # 503 says to come again
                await asyncio.sleep(0.1)
        writer.close()

    await asyncio.gather(*(visit() for _ in range(_VISITORS)))


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slug: str) -> bytes:
    writer.write(f"GET /{slug} HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: Mozilla/5.0\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    _, has_body, rest = head.lower().partition(b"content-length: ")
    if has_body:
        await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    return head[9:12]


def _own_memory(installation: Installation) -> int:
    """Return the bytes that the worker shares with nobody."""
    assert installation.edge is not None
    (worker,) = psutil.Process(installation.edge.pid).children()
    return int(worker.memory_full_info().uss)


def measure(installation: Installation, links: int, edits: int) -> bool:
    """Measure and print; return whether everything is as it must be."""
    offer = installation.add_offer("saas", "https://yourbrand.com/")
    installation.api("POST", "/partners", {"name": "Mara", "slug": "mara"})
    single = installation.add_offer("single", "https://yourbrand.com/")
    slugs = [f"p{number:07d}" for number in range(links)]

    per_s = create(installation, slugs)
    is_fast = told("bulk create", f"{per_s:,.0f} links/s", f">= {MIN_LINKS_PER_S:,}", per_s >= MIN_LINKS_PER_S)
    grown = weigh(installation, slugs)
    figures = f"{grown:,.0f} bytes a link"
    is_light = told("edge memory", figures, f"<= {MAX_BYTES_PER_LINK:,}", grown <= MAX_BYTES_PER_LINK)
    with_one, with_all = publish(installation, [single, offer], edits)
    figures = f"{with_one.ms:.0f} ms with 1 link, {with_all.ms:.0f} ms with {links:,}, {with_all.keys} key"
    is_same = with_all.keys == 1 and with_all.ms <= MAX_PUBLISH_RATIO * with_one.ms
    told("publish", figures, f"<= {MAX_PUBLISH_RATIO} x, 1 key", is_same)
    return is_fast and is_light and is_same


def told(what: str, figures: str, must: str, is_met: bool) -> bool:
    """Print one line; return `is_met`."""
    print(f"{what:<12} {figures:<48} must be {must:<20} {'ok' if is_met else 'FALLS SHORT'}", flush=True)
    return is_met


def main() -> int:
    """Measure with an installation of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=100_000)
    parser.add_argument("--edits", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder) / "redis").start()
        cached = str(max(1_000, 2 * given.links))
        installation = Installation(Path(folder), redis, workers=1, TURNOUT_EDGE_CACHED_LINKS=cached)
        try:
            return 0 if measure(installation.start(), given.links, given.edits) else 1
        finally:
            installation.stop()
            redis.kill()


if __name__ == "__main__":
    sys.exit(main())
