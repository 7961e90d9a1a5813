"""From a marketer's save to the visitor: how long until every worker answers the new destination, measured by HTTP.

    python -m loadtests.edit_to_live [--workers 4] [--edits 100] [--rate 2000] [--require-p99-ms 50]

Starts a Redis, control and an edge of its own; clicks at a steady rate meanwhile; one visitor at each worker, on a
connection kept alive, asks every millisecond. Three times are printed, each from the moment the PUT is sent:
`live` until the last worker's first new answer, `saved` until the PUT without wait answers, `told` until a PUT with
`?wait=` answers that all edges have it. Without --require-p99-ms nothing fails but a wrong answer.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import httpx

from tests.installation import KEY, Installation
from tests.servers import RedisServer

_ASK_EVERY_S: Final = 0.001
_PAUSE_S: Final = 0.35
"""Between edits: longer than the quarter of a second in which workers gather their acks."""


class Worker:
    """A visitor at one worker, who notices when the answer changes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def find_all(cls, port: int, workers: int) -> list["Worker"]:
        """Return a visitor at each worker; click ids tell workers apart."""
        found: dict[bytes, Worker] = {}
        while len(found) < workers:
            visitor = cls(*await asyncio.open_connection("127.0.0.1", port))
            boot = (await visitor.location()).partition(b"click_id=")[2][9:19]
            if found.setdefault(boot, visitor) is not visitor:
                visitor.close()
        return list(found.values())

    async def location(self) -> bytes:
        """Click, and return where to."""
        self._writer.write(b"GET /saas HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: Mozilla/5.0\r\n\r\n")
        head = await self._reader.readuntil(b"\r\n\r\n")
        return head.partition(b"\r\nlocation: ")[2].partition(b"\r\n")[0] or head.partition(b"\r\nLocation: ")[2]

    async def sees(self, destination: bytes) -> float:
        """Return when the answer is first `destination`."""
        while not (await self.location()).startswith(destination):  # noqa: ASYNC110  # HTTP has nobody who tells
            await asyncio.sleep(_ASK_EVERY_S)
        return time.perf_counter()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def measure(installation: Installation, offer: str, edits: int) -> dict[str, list[float]]:
    """Return the milliseconds of each kind, one of each an edit."""
    times: dict[str, list[float]] = {"live": [], "saved": [], "told": []}
    workers = await Worker.find_all(installation.edge_port, installation.workers)
    headers = {"Authorization": f"Bearer {KEY}"}
    base_url = f"http://127.0.0.1:{installation.control_port}/api/v1"
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60) as client:
        for n in range(edits):
            await asyncio.sleep(_PAUSE_S)
            started = time.perf_counter()
            destination = f"https://yourbrand.com/live-{n}/"
            seen = asyncio.gather(*(worker.sees(destination.encode()) for worker in workers))
            await _save(client, offer, destination)
            times["saved"].append(time.perf_counter() - started)
            times["live"].append(max(await seen) - started)

            await asyncio.sleep(_PAUSE_S)
            started = time.perf_counter()
            answer = await _save(client, offer, f"https://yourbrand.com/told-{n}/", wait_s=30)
            if not answer["propagation"]["complete"]:
                raise SystemExit(f"an edit did not go live within 30 s: {answer['propagation']}")
            times["told"].append(time.perf_counter() - started)
    for worker in workers:
        worker.close()
    return {kind: [1000 * each for each in seconds] for kind, seconds in times.items()}


async def _save(client: httpx.AsyncClient, offer: str, destination: str, wait_s: int = 0) -> Any:
    link = {"enabled": True, "fallback_url": destination, "rules": []}
    response = await client.put(f"/offers/{offer}/smart-link", params={"wait": wait_s}, json=link)
    response.raise_for_status()
    return response.json()


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def main() -> int:
    """Measure and tell; 1 when p99 is above what was required, or an answer under load was no redirect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--rate", type=int, default=2_000, help="clicks a second meanwhile, all workers together")
    parser.add_argument("--require-p99-ms", type=float, help="exit with 1 where `live` takes longer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder) / "redis").start()
        installation = Installation(Path(folder), redis, given.workers)
        try:
            times, load_is_right = run(installation.start(), given.edits, given.rate)
        finally:
            installation.stop()
            redis.kill()
    print(f"{given.edits} edits, {given.workers} workers, {given.rate} clicks/s, {os.cpu_count()} cores")
    for kind, values in times.items():
        p50, p99 = percentile(values, 50), percentile(values, 99)
        print(f"{kind:>6}  p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   max {max(values):6.1f} ms")
    too_slow = given.require_p99_ms is not None and percentile(times["live"], 99) > given.require_p99_ms
    return 1 if too_slow or not load_is_right else 0


def run(installation: Installation, edits: int, rate: int) -> tuple[dict[str, list[float]], bool]:
    """Measure under load; return the times, and whether every click of the load got a redirect."""
    offer = installation.add_offer("saas", "https://yourbrand.com/")
    installation.save(offer, "https://yourbrand.com/first")
    seconds = edits * (2 * _PAUSE_S + 0.1)
    arguments = ["--port", str(installation.edge_port), "--rate", str(rate), "--seconds", str(seconds)]
    load = subprocess.Popen([sys.executable, "-m", "loadtests.steady", *arguments]) if rate else None
    try:
        times = asyncio.run(measure(installation, offer, edits))
    finally:
        load_is_right = load is None or load.wait() == 0
    return times, load_is_right


if __name__ == "__main__":
    sys.exit(main())
