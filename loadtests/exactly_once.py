"""Every click once: the real path, clicked while everything behind it is harmed; exits with 1 for one lost or twice.

    python -m loadtests.exactly_once [--clicks 1000000] [--outage 30]

Starts a rules Redis, a clicks Redis (appendonly) behind a proxy, an edge with two workers and an ingester. Clicks, and
meanwhile, in turn: SIGKILLs a worker, SIGKILLs the ingester right between commit and acknowledgement, kills and
restarts the clicks Redis, flushes it, freezes it, and cuts it off. The truth is the list of click ids in the Locations
that came back; in the end each must be in SQL once, and the account of every process must add up.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from loadtests.bench.stage import Edge, Rules, example
from shared.pointer import Pointer, compile_pointer
from shared.wire import CLICKS
from tests.servers import RedisServer, free_port

CONNECTIONS: Final = 16
PIPELINED: Final = 8
SETTLE_S: Final = 60.0
_ID: Final = re.compile(rb"click_id=([0-9a-z]{26})")
_HEAD: Final = (
    b"GET /saas?sub1=x HTTP/1.1\r\nHost: go.test\r\nX-Forwarded-For: 8.8.%d.%d\r\n"
    b"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148\r\n\r\n"
)

DIES_AFTER_COMMIT: Final = """
import os, signal
from control.ingest.__main__ import main
from control.ingest.recording import Recorder

record = Recorder.record

async def record_and_die(*given):
    recorded = await record(*given)
    if recorded.events:
        os.kill(os.getpid(), signal.SIGKILL)
    return recorded

Recorder.record = record_and_die
main([])
"""


class Proxy:
    """Stands between everybody and the clicks Redis; `cut` breaks every connection and refuses new ones."""

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self._to_port = to_port
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def join(self) -> None:
        """Let everybody through."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Let nobody through."""
        if self._server:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, thither = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._open |= {writer, thither}
            await asyncio.gather(_pump(reader, thither), _pump(there, writer))
            self._open -= {writer, thither}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Run:
    """The processes, and the ids that came back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: list[bytes] = []
        self.broken = 0
        self.wanted = 0
        self.harmed = False
        self.rules = Rules(folder)
        self.rules.put_common()
        self.rules.put_offer(example())
        self.rules.put({"k:_/saas": compile_pointer(Pointer("o_saas"))})
        self.redis = RedisServer(folder / "clicks-redis", appendonly=True).start()
        self.proxy = Proxy(self.redis.port)
        os.environ["TURNOUT_CLICKS_REDIS_URL"] = f"redis://127.0.0.1:{self.proxy.port}/0"
        os.environ["TURNOUT_SPOOL_QUOTA_MB"] = "4096"
        os.environ["TURNOUT_DATA_DIR"] = str(folder)
        self.edge = Edge(self.rules, folder, workers=2, cpus="0,1")
        self.ingester = self.start_ingester()

    def start_ingester(self, program: str = "") -> subprocess.Popen[bytes]:
        """Start an ingester, or a program that acts as one."""
        command = ["-c", program] if program else ["-m", "control.ingest"]
        return subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)

    @property
    def goes_on(self) -> bool:
        """Whether ids are still missing, or harm is still to be done."""
        return len(self.ids) < self.wanted or not self.harmed

    async def click(self) -> None:
        """Click on many connections at once, on a new one where one breaks."""

        async def visit(place: int) -> None:
            while self.goes_on:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    await self._visit(place)

        await asyncio.gather(*(visit(place) for place in range(CONNECTIONS)))

    async def _visit(self, place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.edge.port)
        burst = b"".join(_HEAD % (place, number) for number in range(PIPELINED))
        try:
            while self.goes_on:
                writer.write(burst)
                for _ in range(PIPELINED):
                    answer = await reader.readuntil(b"\r\n\r\n")
                    found = _ID.search(answer)
                    if found is None or not answer.startswith(b"HTTP/1.1 302"):
                        self.broken += 1
                    else:
                        self.ids.append(found[1])
        finally:
            writer.close()

    async def kill_worker(self) -> None:
        """SIGKILL one worker; the supervisor replaces it, and the other adopts its spool."""
        os.kill(self.edge.workers()[0], signal.SIGKILL)

    async def kill_ingester(self) -> None:
        """Have an ingester die right between commit and acknowledgement, then start another."""
        self.ingester.kill()
        self.ingester.wait()
        dying = self.start_ingester(DIES_AFTER_COMMIT)
        await asyncio.to_thread(dying.wait)
        self.ingester = self.start_ingester()

    async def restart_redis(self) -> None:
        """Kill the clicks Redis; it comes back with what its append-only file holds."""
        await asyncio.to_thread(self.redis.restart)

    async def flush_redis(self) -> None:
        """Make the clicks Redis forget everything."""
        await asyncio.to_thread(self.redis.flush)

    async def freeze_redis(self, outage_s: float) -> None:
        """Stop the clicks Redis; connections stay open and nothing answers."""
        self.redis.freeze()
        await asyncio.sleep(outage_s)
        self.redis.thaw()

    async def cut_off_redis(self, outage_s: float) -> None:
        """Break every connection to the clicks Redis, and refuse new ones."""
        await self.proxy.cut()
        await asyncio.sleep(outage_s)
        await self.proxy.join()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Return what SQL has."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/clicks.db?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    def settle(self) -> None:
        """Wait until nothing is on its way, or nothing moves any more."""
        before, moved_at = -1.0, time.monotonic()
        while time.monotonic() < moved_at + SETTLE_S:
            on_the_way = self.edge.settled("events_in_flight")
            with self.redis.client() as client:
                waiting = int(str(client.xlen(CLICKS)))
            if not on_the_way and not waiting:
                return
            if on_the_way + waiting != before:
                before, moved_at = on_the_way + waiting, time.monotonic()
            time.sleep(0.5)

    def close(self) -> None:
        """Stop everything."""
        self.edge.close()
        self.ingester.terminate()
        self.ingester.wait()
        self.redis.kill()
        self.rules.close()


async def harm(run: Run, outage_s: float) -> None:
    """Do one harm after the other, spread over the clicks."""
    harms: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("a worker is killed", run.kill_worker),
        ("the ingester is killed between commit and acknowledgement", run.kill_ingester),
        ("the clicks Redis is killed and restarted", run.restart_redis),
        ("the clicks Redis is flushed", run.flush_redis),
        ("the clicks Redis is frozen", lambda: run.freeze_redis(outage_s)),
        ("the clicks Redis is cut off", lambda: run.cut_off_redis(outage_s)),
        ("the other worker is killed", run.kill_worker),
    ]
    for place, (name, act) in enumerate(harms, 1):
        while len(run.ids) < run.wanted * place / (len(harms) + 1):  # noqa: ASYNC110  # the ids are the clock
            await asyncio.sleep(0.05)
        print(f"  {len(run.ids):9,} clicks: {name}", flush=True)
        await act()
    run.harmed = True


async def clicked(run: Run, clicks: int, outage_s: float) -> float:
    """Click and harm; return the seconds it took."""
    run.wanted = clicks
    await run.proxy.join()
    begin = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.click())
        tasks.create_task(harm(run, outage_s))
    took = time.monotonic() - begin
    await asyncio.to_thread(run.settle)  # the proxy lives in this loop
    await run.proxy.cut()
    await asyncio.sleep(0.5)
    return took


def judge(run: Run) -> bool:
    """Print what was found; return whether every click that was answered is in SQL once."""
    recorded = [str(row[0]).encode() for row in run.query("SELECT click_id FROM clicks")]
    [[rolled_up]] = run.query("SELECT SUM(clicks + bots + duplicates + prefetches) FROM click_quarters WHERE shape = 0")
    told, found = set(run.ids), set(recorded)
    unseen = len(found - told)
    uneven = [
        boot
        for boot, produced, in_sql, dropped in run.query("SELECT boot, produced, recorded, dropped FROM click_boots")
        if produced != in_sql or json.loads(str(dropped))
    ]
    print(f"  answered {len(run.ids):,}; in SQL {len(recorded):,}; rolled up {rolled_up:,}; not 302: {run.broken}")
    print(f"  missing {len(told - found)}; twice {len(recorded) - len(found)}; recorded, answer not received: {unseen}")
    print(f"  processes whose account does not add up: {uneven or 'none'}")
    return not (told - found or len(recorded) != len(found) or rolled_up != len(found) or uneven or run.broken)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--outage", type=float, default=30.0, help="seconds that Redis is frozen, and cut off")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = Run(Path(name))
        try:
            took = asyncio.run(clicked(run, given.clicks, given.outage))
            print(f"  {len(run.ids) / took:,.0f} clicks a second while it lasted")
            good = judge(run)
        finally:
            run.close()
    print("every click once" if good else "FAILED")
    sys.exit(not good)


if __name__ == "__main__":
    main()
