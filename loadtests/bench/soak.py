"""No response belongs to another request: tagged requests of all sorts on shared connections, every answer checked.

    python -m loadtests.bench.soak [--seconds 600] [--connections 64]

Starts an edge. Each connection sends bursts of requests, whole, cut in pieces or pipelined: known and unknown links,
links that must be fetched, other paths, HEAD, and now and then one that ends the connection. Each carries a tag, and
each answer must be the one to its request, in order. Prints counts, latency and the worker's memory; exits with 1 for
one wrong answer, or where clicks and events differ.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

import uvloop

from loadtests.bench.stage import Edge, Rules
from loadtests.bench.visits import BROWSERS, head, slug_of

_LINKS: Final = 20_000
_MAX_BURST: Final = 12
_ANSWER_S: Final = 20.0

tags = count()


class Asked:
    """One request and what its answer must hold."""

    __slots__ = ("data", "ends", "has_body", "must_hold", "status")

    def __init__(self, rnd: random.Random, *, may_end: bool) -> None:
        tag, dice = next(tags), rnd.random()
        target, self.status, method = slug_of(rnd.randrange(_LINKS)), 302, "GET"
        if dice < 0.5:
            target = slug_of(rnd.randrange(50))
        elif dice < 0.58:
            target, self.status = f"unknown-{rnd.randrange(5000)}", 404
        elif dice < 0.66:
            target, self.status = rnd.choice(("robots.txt", "a/b", "")), 0
            self.status = 200 if target == "robots.txt" else 404
        elif dice < 0.74:
            method = "HEAD"
        self.ends = may_end and dice > 0.99
        self.has_body = method == "GET" and self.status != 302
        self.must_hold = f"?n={tag}&click_id=".encode() if self.status == 302 else b""
        address = f"{rnd.randrange(1, 223)}.{rnd.randrange(256)}.3.4"
        extra = "Connection: close\r\n" if self.ends else f"Cookie: n={tag}\r\n" if dice < 0.3 else ""
        text = head(f"{target}?n={tag}", rnd.choice(BROWSERS), rnd.randrange(1, 60), address, extra)
        if self.ends:
            text = text.replace("Connection: keep-alive\r\n", "")
        self.data = text.replace("GET", method, 1).encode()


class Tally:
    """What came of it."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.took_ms: list[float] = []


async def visitor(port: int, until: float, seed: int, tally: Tally) -> None:
    """Ask on one connection after another until the time is over."""
    rnd = random.Random(seed)
    while time.monotonic() < until and not tally.wrong:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            ended = False
            while not ended and time.monotonic() < until:
                burst = [Asked(rnd, may_end=False) for _ in range(rnd.choice((1, 1, 1, 2, _MAX_BURST)) - 1)]
                burst.append(Asked(rnd, may_end=True))
                await send(writer, b"".join(asked.data for asked in burst), rnd)
                started = time.perf_counter()
                for asked in burst:
                    await check(reader, asked, tally)
                tally.took_ms.append((time.perf_counter() - started) * 1000)
                ended = burst[-1].ends
            if ended and await reader.read():
                tally.wrong.append("bytes after the last answer")
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError) as problem:
            tally.wrong.append(f"{type(problem).__name__}: {problem}")
        finally:
            writer.close()


async def send(writer: asyncio.StreamWriter, data: bytes, rnd: random.Random) -> None:
    """Send bytes whole, or in pieces with the loop's turns between them."""
    if rnd.random() < 0.3:
        at = rnd.randrange(len(data))
        writer.write(data[:at])
        await asyncio.sleep(rnd.choice((0, 0.001)))
        data = data[at:]
    writer.write(data)
    await writer.drain()


async def check(reader: asyncio.StreamReader, asked: Asked, tally: Tally) -> None:
    """Read one answer and hold it against its request."""
    async with asyncio.timeout(_ANSWER_S):
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        if asked.has_body:
            await reader.readexactly(int(length))
    tally.statuses[status] += 1
    busy = status == 503 and asked.status != 200  # more misses at once than Redis is asked
    if (status != asked.status and not busy) or (status == 302 and asked.must_hold not in answer):
        tally.wrong.append(f"asked {asked.data[:60]!r}, got {answer[:200]!r}")
    if status == 503 and not asked.has_body and int(length):
        await reader.readexactly(0 if asked.data.startswith(b"HEAD") else int(length))


async def soak(edge: Edge, seconds: float, connections: int) -> Tally:
    """Run visitors for so long."""
    tally, until = Tally(), time.monotonic() + seconds
    await asyncio.gather(*(visitor(edge.port, until, seed, tally) for seed in range(connections)))
    return tally


def main() -> int:
    """Run, print, and tell whether every answer was right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--connections", type=int, default=64)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnout-soak-") as folder, ExitStack() as stack:
        rules = Rules(Path(folder))
        stack.callback(rules.close)
        rules.put_example(_LINKS)
        edge = Edge(rules, Path(folder))
        stack.callback(edge.close)
        before = edge.memory_bytes()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tally = runner.run(soak(edge, args.seconds, args.connections))
        after, clicks, events = edge.memory_bytes(), edge.settled("clicks_total"), edge.metric("events_total")
    print(f"{sum(tally.statuses.values()):,} answers: {dict(sorted(tally.statuses.items()))}")
    if len(tally.took_ms) > 1:
        took = statistics.quantiles(tally.took_ms, n=100)
        print(f"a burst took {took[49]:.2f} ms, p99 {took[98]:.2f}")
    print(f"memory of a worker {before / 1e6:.0f} MB, then {after / 1e6:.0f} MB")
    print(f"{clicks:,.0f} clicks, {events:,.0f} events")
    for wrong in tally.wrong[:10]:
        print(wrong)
    return int(bool(tally.wrong) or clicks != events)


if __name__ == "__main__":
    sys.exit(main())
