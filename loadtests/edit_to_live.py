"""From a marketer's save to the visitor: how long until every worker answers the new destination, measured by HTTP.

    python -m loadtests.edit_to_live [--workers 8] [--edits 100] [--load 0.25] [--require-p99-ms 50]

Starts a Redis, control and an edge of its own, with a thousand links on the offer that is edited. wrk clicks them
meanwhile, at a share (`--load`) of the maximum rate, which is measured first. A visitor at each worker, on a connection
kept alive, asks every millisecond. Three times are printed, each from the moment the PUT is sent: `live` until the last
worker's first new answer, `saved` until the PUT without wait answers, `told` until a PUT with `?wait=` answers that all
edges have it. Exits with 1 where the p99 of `live` is above what is required, or an answer was wrong.
"""

import argparse
import math
import os
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Final

import orjson

from deploy.api import Api
from loadtests.bench.visits import HOT, slug_of, write_script
from loadtests.bench.wrk import Run, Wrk
from tests.installation import KEY, Installation
from tests.servers import RedisServer

_ASK_EVERY_S: Final = 0.001
_PAUSE_S: Final = 0.15
"""Between edits: longer than the moment for which workers gather their acks."""
_EDIT_S: Final = 2 * (_PAUSE_S + 0.05)
_PAUSE_MS: Final = 20
_CPUS: Final = ",".join(map(str, sorted(os.sched_getaffinity(0))))

Times = dict[str, list[float]]


class Worker:
    """A visitor at one worker."""

    _REQUEST: Final = b"GET /l0000 HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: Mozilla/5.0\r\n\r\n"

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def find_all(cls, port: int, workers: int) -> list["Worker"]:
        """Return a visitor at each worker; click ids tell workers apart."""
        found: dict[bytes, Worker] = {}
        while len(found) < workers:
            visitor = cls(port)
            visitor.ask()
            boot = visitor.location().partition(b"click_id=")[2][9:19]
            if found.setdefault(boot, visitor) is not visitor:
                visitor.close()
        return list(found.values())

    def ask(self) -> None:
        """Click."""
        self._socket.sendall(self._REQUEST)

    def location(self) -> bytes:
        """Return where the click that was asked for goes."""
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._socket.recv(4096)
        assert answer.startswith(b"HTTP/1.1 302"), answer
        return answer.partition(b"\r\nlocation: ")[2].partition(b"\r\n")[0]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def all_at(workers: Sequence[Worker], destination: bytes) -> float:
    """Return when the last of the workers first answered with `destination`."""
    while True:
        for worker in workers:
            worker.ask()
        workers = [worker for worker in workers if not worker.location().startswith(destination)]
        if not workers:
            return time.perf_counter()
        time.sleep(_ASK_EVERY_S)


def measure(installation: Installation, offer: str, edits: int) -> Times:
    """Return the milliseconds of each kind, one of each an edit."""
    times: Times = {"live": [], "saved": [], "told": []}
    workers = Worker.find_all(installation.edge_port, installation.workers)
    with ThreadPoolExecutor(1) as marketer:
        for n in range(edits):
            time.sleep(_PAUSE_S)
            destination = f"https://yourbrand.com/live-{n}/"
            started = time.perf_counter()
            saved_at = marketer.submit(_save, installation, offer, destination, 0)
            times["live"].append(all_at(workers, destination.encode()) - started)
            times["saved"].append(saved_at.result() - started)

            time.sleep(_PAUSE_S)
            started = time.perf_counter()
            times["told"].append(_save(installation, offer, f"https://yourbrand.com/told-{n}/", 30) - started)
    for worker in workers:
        worker.close()
    return {kind: [1000 * each for each in seconds] for kind, seconds in times.items()}


def _save(installation: Installation, offer: str, destination: str, wait_s: int) -> float:
    """Save; return when that was answered. Exits where what is waited for does not happen."""
    answer = installation.save(offer, destination, wait_s)
    if wait_s and not answer["propagation"]["complete"]:
        raise SystemExit(f"an edit did not go live within {wait_s} s: {answer['propagation']}")
    return time.perf_counter()


def prepare(installation: Installation) -> str:
    """Make an offer with a thousand links; return its id."""
    offer = installation.add_offer("saas", "https://yourbrand.com/")
    lines = [orjson.dumps({"slug": slug_of(number), "offer": "saas"}) for number in range(HOT.links)]
    api = Api(f"http://127.0.0.1:{installation.control_port}", KEY)
    api.send("POST", "/links/bulk", b"\n".join(lines), "application/x-ndjson")
    assert installation.save(offer, "https://yourbrand.com/first")["propagation"]["complete"]
    return offer


class Load:
    """Clicks of whole browser heads at a share of the most that the edge can answer; `maximum` is that rate."""

    def __init__(self, port: int, folder: Path, share: float, seconds: float) -> None:
        flat_out, steady = folder / "flat-out.lua", folder / "steady.lua"
        write_script(flat_out, HOT)
        write_script(steady, HOT, pause_ms=_PAUSE_MS)
        run_all = partial(Wrk, port, cpus=_CPUS, threads=2)
        self.maximum = run_all(flat_out, seconds=5, connections=128).wait().rate
        connections = max(2, round(share * self.maximum * _PAUSE_MS / 1000))
        self._wrk = run_all(steady, seconds=math.ceil(seconds), connections=connections)

    def result(self) -> Run:
        """Return what was answered until now."""
        return self._wrk.wait()


def main() -> int:
    """Measure and tell; 1 when p99 is above what is required, or an answer under load was no redirect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--load", type=float, default=0.25, help="share of the maximum rate, all workers together")
    parser.add_argument("--require-p99-ms", type=float, default=50, help="exit with 1 where `live` takes longer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnout-live-") as name, ExitStack() as stack:
        folder = Path(name)
        redis = RedisServer(folder / "redis").start()
        stack.callback(redis.kill)
        installation = Installation(folder, redis, given.workers)
        stack.callback(installation.stop)
        offer = prepare(installation.start())
        load = Load(installation.edge_port, folder, given.load, given.edits * _EDIT_S) if given.load else None
        times = measure(installation, offer, given.edits)
        run = load.result() if load else None
    told = f"{run.rate:,.0f} of {load.maximum:,.0f} clicks/s" if run and load else "no load"
    print(f"{given.edits} edits, {given.workers} workers, {told}, {os.cpu_count()} cores")
    for kind, values in times.items():
        p50, p99 = percentile(values, 50), percentile(values, 99)
        print(f"{kind:>6}  p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   max {max(values):6.1f} ms")
    is_right = run is None or not run.errors
    return 0 if is_right and percentile(times["live"], 99) <= given.require_p99_ms else 1


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    sys.exit(main())
