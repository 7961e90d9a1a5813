"""What clicks, links and edges cost, measured small: the figures from which deploy/CAPACITY.md reckons.

    python -m loadtests.bench.capacity [--rows click,ingest,links,edges] [--fast]

click   processor time of an edge a click and bytes in its spool, every click recorded
ingest  processor time of the ingester and of PostgreSQL a click, and bytes of a click there
links   bytes of the rules Redis a link, and an offer
edges   connections that a worker opens, what one costs in Redis, and what Redis spends on idle workers, on publishing
        to 500 edges of 4 workers (as bare sockets that subscribe), and on looking at all their leases
"""

import argparse
import asyncio
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
from redis import Redis

from control.clicks.shapes import DAY_MS
from control.db import ClicksBase, Database
from control.ingest.recording import Recorder
from control.migrations import tables
from control.publishing import scripts
from loadtests.bench.clicks import ClickSource
from loadtests.bench.stage import EPOCH, Edge, Rules, example
from loadtests.bench.wrk import Wrk
from shared import wire
from shared.pointer import Pointer, compile_pointer
from shared.table import compile_offer
from shared.wire import Announcement, Head, Lease, Version
from tests.postgres import Postgres
from tests.servers import RedisServer

assert tables  # imported so that the database is whole

EDGES: Final = 500
WORKERS: Final = 4
START_MS: Final = 1_788_220_800_000
_RULES_POLL: Final = b"*2\r\n$3\r\nGET\r\n$8\r\n{t0}head\r\n"


def figure(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    print(f"{name:66} {value:14,.2f} {unit}", flush=True)


def clicks(fast: bool) -> None:
    """Measure the edge: a worker that wrk keeps busy, everything on, ten thousand links."""
    seconds = 3 if fast else 10
    with tempfile.TemporaryDirectory() as folder:
        rules = Rules(Path(folder))
        rules.put_common()
        rules.put_offer(example())
        rules.put({"k:_/saas": compile_pointer(Pointer("o_saas"))})
        edge = Edge(rules, Path(folder))
        try:
            script = Path(folder) / "click.lua"
            script.write_text(
                'request = function() return wrk.format("GET", "/saas?via=nora&sub1=x", {["User-Agent"] = "Mozilla/5.0 '
                '(iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", ["X-Forwarded-For"] = '
                '"8.8." .. math.random(0, 255) .. "." .. math.random(0, 255)}) end'
            )
            run = Wrk(edge.port, script, seconds=seconds, connections=64).wait()
            made = edge.settled("events_total")
            figure("edge: processor time a click", run.cpu_us, "us")
            figure("edge: clicks a second on one core, reckoned from that", 1e6 / run.cpu_us, "")
            figure("edge: bytes in the spool a click", edge.metric("spool_bytes") / made, "bytes")
            figure("edge: memory of a worker", edge.memory_bytes() / 2**20, "MiB")
        finally:
            edge.close()
            rules.close()


def ingest(fast: bool) -> None:
    """Measure the ingester into PostgreSQL, in transactions as it makes them."""
    count = 50_000 if fast else 300_000
    server = Postgres().create()
    try:
        spent_s, wall_s = asyncio.run(_ingest(server.url, count))
        total_s = spent_s + _postgres_seconds(server)
        figure("ingester: processor time a click", 1e6 * spent_s / count, "us")
        figure("ingester and PostgreSQL: processor time a click", 1e6 * total_s / count, "us")
        figure("ingester: clicks a second by the clock, PostgreSQL beside it", count / wall_s, "")
        [(size,)] = server.query("SELECT pg_total_relation_size('clicks')")
        figure("PostgreSQL: bytes of a raw click, indexes included", size / count, "bytes")
        [(size,)] = server.query("SELECT pg_database_size('postgres')")
        figure("PostgreSQL: bytes a click in all", size / count, "bytes")
    finally:
        server.remove()


async def _ingest(url: str, count: int) -> tuple[float, float]:
    db = Database.open(url, lock="turnout:clicks")
    async with db.write() as session:
        await (await session.connection()).run_sync(ClicksBase.metadata.create_all)
    recorder, source = Recorder(db), ClickSource()
    number, spent_s, wall_s = 1, 0.0, 0.0
    for start in range(0, count, 10_000):
        times = [START_MS + DAY_MS * place // count for place in range(start, start + 10_000)]
        batches = list(source.batches(times, number))
        number += len(batches)
        cpu, wall = time.process_time(), time.perf_counter()
        await recorder.record(batches, [], times[-1])
        spent_s, wall_s = spent_s + time.process_time() - cpu, wall_s + time.perf_counter() - wall
    await db.close()
    return spent_s, wall_s


def _postgres_seconds(server: Postgres) -> float:
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    ended = psutil.Process(pid).cpu_times()
    alive = sum(sum(process.cpu_times()[:2]) for process in processes)
    return float(alive + ended.children_user + ended.children_system)


def links(fast: bool) -> None:
    """Measure what links and offers weigh in Redis, stored as control stores them."""
    count = 50_000 if fast else 200_000
    with _redis() as client:
        client.ping()
        empty = _memory(client)
        _fill(client, count, lambda n: (f"k:_/{_slug(n)}", compile_pointer(Pointer("o_saas", f"l_{n:012d}", "nora"))))
        figure("rules Redis: bytes a link, a partner preset", (_memory(client) - empty) / count, "bytes")
        before = _memory(client)
        _fill(client, count // 20, lambda n: (f"o:o_{n:012d}", compile_offer(example(n))))
        figure("rules Redis: bytes an offer of three rules", (_memory(client) - before) / (count // 20), "bytes")


def _fill(client: "Redis", count: int, entry: Callable[[int], tuple[str, bytes]]) -> None:
    for start in range(0, count, 1_000):
        with client.pipeline(transaction=False) as pipe:
            for n in range(start, start + 1_000):
                key, body = entry(n)
                pipe.set(wire.redis_key(key), wire.encode_value(Version(EPOCH, n), key, body))
            pipe.execute()


def _slug(n: int) -> str:
    return "".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz234567", k=8))


def edges(fast: bool) -> None:
    """Measure what a worker opens, and what very many of them cost Redis."""
    workers = 200 if fast else EDGES * WORKERS
    with tempfile.TemporaryDirectory() as folder:
        rules = Rules(Path(folder))
        rules.put_common()
        edge = Edge(rules, Path(folder), workers=2)
        time.sleep(3)
        opened = [client for client in rules.redis.client_list() if client["name"] == "turnout-edge"]
        figure("edge: connections a worker keeps to Redis, clicks included", len(opened) / 2, "")
        edge.close()
        rules.close()
    with _redis() as client:
        _subscribers(client, workers)
        _idle(client, workers, 3 if fast else 10)
        _leases(client, workers)


def _subscribers(client: "Redis", workers: int) -> None:
    """Publish as control does to `workers` sockets that subscribe, and wait until the last of them has heard."""
    before = _memory(client)
    sockets = [_connect(client) for _ in range(workers)]
    for sock in sockets:
        sock.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\n{t0}inv\r\n")
    for sock in sockets:
        sock.recv(4_096)
    figure(
        f"rules Redis: bytes a connection, of {workers:,} that listen", (_memory(client) - before) / workers, "bytes"
    )
    publish, table = client.register_script(scripts.PUBLISH), compile_offer(example())
    client.set(wire.HEAD, wire.encode_head(Head(EPOCH, 0, "0")))
    cpu, waits, edits = _cpu(client), [], 50
    for sequence in range(1, edits + 1):
        begin = time.perf_counter()
        _publish(publish, sequence, table)
        for sock in sockets:
            sock.recv(65_536)
        waits.append(time.perf_counter() - begin)
    figure(f"rules Redis: processor time of an edit told to {workers:,}", 1e3 * (_cpu(client) - cpu) / edits, "ms")
    figure("from the publish until the last of them has read it, median", 1e3 * sorted(waits)[edits // 2], "ms")
    for sock in sockets:
        sock.close()


def _publish(publish: Any, sequence: int, table: bytes) -> None:
    heads = [wire.encode_head(Head(EPOCH, n, str(n), state)) for n in (sequence - 1, sequence) for state in _STATES]
    value = wire.encode_value(Version(EPOCH, sequence), "o:o_saas", table)
    entry = Announcement(EPOCH, sequence - 1, sequence, ("o:o_saas",), None, str(sequence - 1), str(sequence))
    message = wire.encode_announcement(replace(entry, values=(value,)))
    arguments = [*heads, 86_400_000, 100_000, 1, sequence, wire.encode_announcement(entry), message, value, 0]
    publish(keys=[wire.HEAD, wire.LOG, wire.CHANNEL, wire.redis_key("o:o_saas")], args=arguments)


_STATES: Final = ("ready", "loading")


def _idle(client: "Redis", workers: int, seconds: int) -> None:
    """Ask for the head as `workers` do while nothing happens: each once a second, on a connection of its own."""
    sockets = [_connect(client) for _ in range(workers)]
    cpu = _cpu(client)
    for _ in range(seconds):
        for sock in sockets:
            sock.sendall(_RULES_POLL)
        for sock in sockets:
            sock.recv(4_096)
    spent = (_cpu(client) - cpu) / seconds
    figure(f"rules Redis: share of its core for {workers:,} idle workers' polls", 100 * spent, "%")
    for sock in sockets:
        sock.close()


def _leases(client: "Redis", workers: int) -> None:
    """Look at the leases of `workers` as control does after an edit."""
    for n in range(workers):
        host, slot = f"edge-{n // WORKERS}.example.com:8080", n % WORKERS
        lease = Lease(host, slot, WORKERS, "0123456789abcdef", 1, EPOCH, 50, "synced", START_MS)
        client.set(wire.lease_key(host, slot), wire.encode_lease(lease))
        client.sadd(wire.EDGES, wire.lease_key(host, slot))
    look, looks = client.register_script(scripts.LEASES), 20
    cpu, begin = _cpu(client), time.perf_counter()
    for _ in range(looks):
        look(keys=[wire.EDGES, wire.HEAD])
    figure(f"rules Redis: processor time of a look at {workers:,} leases", 1e3 * (_cpu(client) - cpu) / looks, "ms")
    figure("a look at them by the clock", 1e3 * (time.perf_counter() - begin) / looks, "ms")


@contextmanager
def _redis() -> Iterator["Redis"]:
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), "--maxclients", "20000").start()
        try:
            with server.client() as client:
                yield client
        finally:
            server.kill()


def _connect(client: "Redis") -> socket.socket:
    return socket.create_connection(("127.0.0.1", client.get_connection_kwargs()["port"]))


def _memory(client: "Redis") -> int:
    return int(client.info("memory")["used_memory"])


def _cpu(client: "Redis") -> float:
    """Seconds of processor time that Redis has spent."""
    used = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


ROWS: Final = {"click": clicks, "ingest": ingest, "links": links, "edges": edges}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--fast", action="store_true", help="a tenth of the effort: whether it runs, not what it says")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for row in given.rows.split(","):
        ROWS[row](given.fast)
    return 0


if __name__ == "__main__":
    sys.exit(main())
