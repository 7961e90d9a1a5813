"""Where the nanoseconds of a click go: the fast road on a transport that swallows bytes, without sockets or kernel.

    python -m loadtests.bench.hot_path [--clicks 100000] [--profile]

Whole browser heads behind a proxy: five kinds of browser, 500 User-Agents, a third with a query. Prints nanoseconds a
click: the fastest twentieth of many short runs, which noise does not reach, and their median.
"""

import argparse
import asyncio
import cProfile
import gc
import ipaddress
import pstats
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from edge.clicks.agents import open_names
from edge.clicks.click import Clicks
from edge.clicks.counters import Counters
from edge.clicks.visitors import Visitors
from edge.http.pages import build_app
from edge.http.protocol import ClickProtocol, protocol_for
from loadtests.bench.visits import BROWSERS, head, slug_of
from shared.client_ip import TrustedProxies
from tests import builders
from tests.fakes import FakeLinks

RUN = 32
"""Clicks timed together, one turn, less than a millisecond: shorter than what the scheduler gives in one piece."""


class Swallow(asyncio.Transport):
    """A transport that counts what is written to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50_000)})
        self.responses = 0

    def write(self, data: Any) -> None:
        self.responses += 1

    def is_closing(self) -> bool:
        return False


class NoSpool:
    """A spool that keeps nothing, so that only the click path is measured."""

    def put(self, line: bytes) -> None:
        pass

    def flush(self) -> None:
        pass


def browser_head(rnd: random.Random, address: str, cookie: str = "") -> bytes:
    """One request as a browser behind a proxy sends it."""
    query = "?via=jane&sub1=abc&utm_source=news" if rnd.random() < 1 / 3 else ""
    return head(
        slug_of(rnd.randrange(1000)) + query, rnd.choice(BROWSERS), rnd.randint(1, 100), address, cookie
    ).encode()


def build(loop: asyncio.AbstractEventLoop) -> tuple[ClickProtocol, Swallow]:
    """Return one connection of an edge that knows l0000 to l0999, and its transport."""
    table = builders.table()
    links = FakeLinks([builders.entry(slug_of(number), table, link=f"l_{number:012d}") for number in range(1000)])
    counters = Counters()
    visitors = Visitors(open_names(), lambda _: None, counters, trusted=TrustedProxies.parse("127.0.0.1"))
    clicks = Clicks(links, visitors, NoSpool(), counters)
    config = uvicorn.Config(build_app(clicks), http=protocol_for(clicks), log_level="critical")
    config.load()
    protocol = protocol_for(clicks)(config, ServerState(), {}, loop)
    transport = Swallow()
    protocol.connection_made(transport)
    return protocol, transport


def answer(protocol: ClickProtocol, heads: list[bytes], size: int) -> float:
    """Return nanoseconds a click to answer `heads`, `size` of them per turn of the loop."""
    receive: Callable[[bytes], None] = protocol.data_received
    end = protocol.clicks.turn.end
    started = time.perf_counter_ns()
    for at in range(0, len(heads), size):
        for one in heads[at : at + size]:
            receive(one)
        end()
    return (time.perf_counter_ns() - started) / len(heads)


def report(name: str, protocol: ClickProtocol, heads: list[bytes], size: int) -> None:
    """Measure in short runs and print."""
    took = sorted(answer(protocol, heads[at : at + RUN], size) for at in range(0, len(heads) - RUN + 1, RUN))
    print(f"{name:28} {took[len(took) // 20]:6.0f} ns a click, median {took[len(took) // 2]:6.0f}")


async def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    rnd = random.Random(7)
    addresses = [str(ipaddress.IPv4Address(rnd.randint(0x01000000, 0xDFFFFFFF))) for _ in range(args.clicks)]
    known = [browser_head(rnd, rnd.choice(addresses[:5000])) for _ in range(5000)]
    protocol, transport = build(asyncio.get_running_loop())
    for _ in range(3):
        answer(protocol, known, 32)
    gc.collect()
    gc.freeze()
    known *= args.clicks // len(known)
    if args.profile:
        with cProfile.Profile() as profile:
            answer(protocol, known, 32)
        pstats.Stats(profile).sort_stats("tottime").print_stats(16)
    before = transport.responses
    report("known, 32 a turn", protocol, known, 32)
    assert transport.responses == before + len(known) // RUN * RUN
    report("known, 1 a turn", protocol, known, 1)
    report("new addresses, 32 a turn", protocol, [browser_head(rnd, address) for address in addresses], 32)
    cookies = [browser_head(rnd, rnd.choice(addresses[:5000]), f"Cookie: n={n}\r\n") for n in range(args.clicks)]
    report("cookies, 32 a turn", protocol, cookies, 32)
    unlike = [browser_head(rnd, rnd.choice(addresses[:5000]), f"X-Unlike: {n}\r\n") for n in range(args.clicks // 5)]
    report("unlike others, 32 a turn", protocol, unlike, 32)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
