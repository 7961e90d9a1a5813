"""Clicks at a steady rate, whatever the answers take: load beside which something else is measured.

    python -m loadtests.steady --port 8080 --rate 4000 --seconds 30 [--slugs saas,other] [--connections 64]

Prints how many answers of each status came back; exits with 1 when one was not a redirect.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from itertools import cycle
from typing import Final, cast

_TICK_S: Final = 0.01
_LAST_ANSWERS_TICKS: Final = 500


class Connection(asyncio.Protocol):
    """One connection kept alive, counting answers by status."""

    def __init__(self, statuses: Counter[str]) -> None:
        self._statuses = statuses
        self._transport: asyncio.Transport | None = None
        self._tail = b""
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._tail = (self._tail + data).split(b"\r\n\r\n")
        for head in heads:  # redirects have no body
            self._statuses[head[9:12].decode(errors="replace")] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._statuses["closed"] += 1

    def send(self, request: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(request)

    def close(self) -> None:
        self._is_over = True
        if self._transport is not None:
            self._transport.close()


async def click(port: int, rate: int, seconds: float, slugs: list[str], connections: int) -> Counter[str]:
    """Click for `seconds`, `rate` times a second in all; return the answers by status."""
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Connection(statuses), "127.0.0.1", port) for _ in range(connections)]
    protocols = cycle([protocol for _, protocol in opened])
    requests = cycle([_request(slug) for slug in slugs])
    started = time.monotonic()
    sent = 0
    while sent < int(rate * seconds):
        due = min(time.monotonic() - started, seconds)
        while sent < int(rate * due):
            next(protocols).send(next(requests))
            sent += 1
        await asyncio.sleep(_TICK_S)
    for _ in range(_LAST_ANSWERS_TICKS):
        if statuses.total() < sent:
            await asyncio.sleep(_TICK_S)
    for _, protocol in opened:
        protocol.close()
    return statuses


def _request(slug: str) -> bytes:
    agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/128.0"
    return f"GET /{slug} HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: {agent}\r\n\r\n".encode()


def main() -> int:
    """Click and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--rate", type=int, default=4_000, help="clicks a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--slugs", default="saas")
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()
    clicking = click(given.port, given.rate, given.seconds, given.slugs.split(","), given.connections)
    statuses = asyncio.run(clicking)
    print(f"{statuses.total()} answers: {dict(statuses)}")
    return 0 if set(statuses) <= {"302", "307"} and statuses else 1


if __name__ == "__main__":
    sys.exit(main())
