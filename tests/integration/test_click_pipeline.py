"""Every click that was spooled is in SQL once, whatever is killed, frozen or forgotten between; real processes.

A worker stands in for the edge: it puts events into the real spool, ships them with the real shipper, and prints the
ids whose lines were flushed, as visitors would have seen them in their Locations. Those ids are the truth.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from shared.wire import CLICKS, CLICKS_DONE
from tests.servers import RedisServer
from tests.waiting import wait

HANG_S = 90

WORKER = """
import asyncio, secrets, sys, time
from pathlib import Path
from edge.spool.shipper import Shipper
from edge.spool.spool import Spool
from shared.events import ClickEvent, encode_event

async def main(root, url, slot, rate):
    out, number, stopping = sys.stdout, 0, asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(15, stopping.set)  # before who waits for the spool stops it
    boot = secrets.token_hex(8)
    spool = Spool.open(Path(root), 64 << 20, boot=boot, host="edge-1", slot=int(slot))
    shipper = Shipper(spool, url)
    await shipper.start()
    while not stopping.is_set():
        ids = []
        for _ in range(int(rate) // 100):
            number += 1
            ids.append(f"{boot}{number:08d}")
            spool.put(encode_event(ClickEvent(ids[-1], time.time_ns() // 10**6, "_", "saas", "o_saas", "", 1,
                "r_one", "US", "mobile", "ios", "Safari", "person", "", "", "", "", "", "", "", "", "203.0.113.0",
                f"{number % 1000:016x}")))
        spool.flush()
        out.write("\\n".join(ids) + "\\n")
        out.flush()
        await asyncio.sleep(0.01)
    await shipper.stop()
    spool.close()

asyncio.run(main(*sys.argv[1:]))
"""

DIES_AFTER_COMMIT = """
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


class Pipeline:
    """A clicks Redis, workers and ingesters, each a process that a test may harm."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = RedisServer(folder / "redis", appendonly=True).start()
        self.seen = folder / "seen"
        self.seen.mkdir()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.ingesters: list[subprocess.Popen[bytes]] = []

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def start_worker(self, slot: int = 0, rate: int = 2_000) -> subprocess.Popen[bytes]:
        with (self.seen / f"{slot}-{len(self.workers)}").open("wb") as out:
            command = [sys.executable, "-c", WORKER, str(self.spool), self.redis.url, str(slot), str(rate)]
            self.workers.append(subprocess.Popen(command, stdout=out))
        return self.workers[-1]

    def start_ingester(self, program: str = "", *, session: bool = False) -> subprocess.Popen[bytes]:
        names = {"TURNOUT_DATA_DIR": str(self.folder), "TURNOUT_CLICKS_REDIS_URL": self.redis.url}
        command = [sys.executable, *(["-c", program] if program else ["-m", "control.ingest"])]
        environment = {**os.environ, **names}
        self.ingesters.append(
            subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=session)
        )
        return self.ingesters[-1]

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG_S) == 0

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def told(self) -> list[str]:
        """The ids that workers told before anything befell them; a torn last line was not told."""
        return [
            line
            for file in sorted(self.seen.iterdir())
            for line in file.read_text().rpartition("\n")[0].split("\n")
            if line
        ]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        path = self.folder / "clicks.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            try:
                return connection.execute(statement).fetchall()
            except sqlite3.OperationalError:
                return []

    def recorded(self) -> list[str]:
        return [str(row[0]) for row in self.rows("SELECT click_id FROM clicks")]

    def until(self, holds: Callable[[], bool]) -> None:
        wait(holds, HANG_S, lambda: f"{len(self.told())} told, {len(self.recorded())} recorded")

    def until_recorded(self, more: int = 1_000) -> None:
        target = len(self.recorded()) + more
        self.until(lambda: len(self.recorded()) >= target)

    def until_told(self, more: int = 2_000) -> None:
        target = len(self.told()) + more
        self.until(lambda: len(self.told()) >= target)

    def settle(self) -> None:
        """End the workers, let one more adopt what they left, and wait until nothing is on its way."""
        for worker in self.workers:
            if worker.poll() is None:
                self.stop(worker)
        last = self.start_worker(slot=99, rate=0)
        self.until(lambda: self.owners() == ["edge-1-99"])
        self.stop(last)

    def owners(self) -> list[str]:
        """Return the places whose spools are there, none where one of them went as it was looked at."""
        try:
            return [lock.parts[-3] for lock in self.spool.glob("*/*/lock")]
        except FileNotFoundError:
            return []

    def close(self) -> None:
        for process in [*self.workers, *self.ingesters]:
            if process.poll() is None:
                self.kill(process)
        self.redis.kill()


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(tmp_path)
    yield pipeline
    pipeline.close()


def assert_exactly_once(pipeline: Pipeline) -> None:
    """None missing, none twice; a click that was killed between its flush and being told may be there as well."""
    told, recorded = pipeline.told(), pipeline.recorded()
    assert len(recorded) == len(set(recorded))
    assert not set(told) - set(recorded)
    [(rolled_up,)] = pipeline.rows("SELECT SUM(clicks) FROM click_quarters WHERE shape = 0")
    assert rolled_up == len(recorded)
    for boot, produced, dropped, in_sql in pipeline.rows("SELECT boot, produced, dropped, recorded FROM click_boots"):
        losses = orjson.loads(str(dropped))
        assert produced == in_sql, f"{boot} {losses}"


def test_an_ingester_gives_way_to_others_of_its_session_and_beyond(pipeline: Pipeline) -> None:
    ingester = pipeline.start_ingester(session=True)
    shared_out_by_session = Path(f"/proc/{ingester.pid}/autogroup")

    pipeline.until(lambda: os.getpriority(os.PRIO_PROCESS, ingester.pid) == 5)
    if shared_out_by_session.exists():
        pipeline.until(lambda: shared_out_by_session.read_text().endswith("nice 5\n"))
    pipeline.kill(ingester)


def test_every_click_arrives_and_the_stream_and_spool_end_empty(pipeline: Pipeline) -> None:
    ingester = pipeline.start_ingester()
    worker = pipeline.start_worker()
    pipeline.until_recorded(3_000)
    pipeline.stop(worker)
    pipeline.until(lambda: len(pipeline.recorded()) == len(pipeline.told()))
    assert_exactly_once(pipeline)
    assert sorted(pipeline.told()) == sorted(pipeline.recorded())
    with pipeline.redis.client() as client:
        pipeline.until(lambda: client.xlen(CLICKS) == 0)
        assert client.hlen(CLICKS_DONE) == 1
    pipeline.settle()  # what a worker that stops on a busy machine did not hear of is adopted
    assert not list(pipeline.spool.rglob("*.segment"))
    pipeline.stop(ingester)


def test_killed_workers_and_ingesters_lose_and_double_nothing(pipeline: Pipeline) -> None:
    ingester = pipeline.start_ingester()
    for _ in range(3):
        worker = pipeline.start_worker()
        other = pipeline.start_worker(slot=1)
        pipeline.until_recorded()
        pipeline.kill(worker)
        pipeline.kill(ingester)
        pipeline.until_told()
        pipeline.kill(other)
        ingester = pipeline.start_ingester()
    pipeline.settle()
    assert_exactly_once(pipeline)


def test_a_kill_between_commit_and_ack_doubles_nothing(pipeline: Pipeline) -> None:
    worker = pipeline.start_worker()
    for _ in range(3):
        dying = pipeline.start_ingester(DIES_AFTER_COMMIT)
        assert dying.wait(HANG_S) == -signal.SIGKILL
        assert pipeline.recorded()
    pipeline.stop(worker)
    pipeline.start_ingester()
    pipeline.settle()
    assert_exactly_once(pipeline)


@pytest.mark.parametrize("harm", ["kill and restart", "flush", "freeze"])
def test_a_redis_that_dies_forgets_or_freezes_costs_no_click(pipeline: Pipeline, harm: str) -> None:
    ingester = pipeline.start_ingester()
    pipeline.start_worker()
    pipeline.start_worker(slot=1)
    for _ in range(3):
        pipeline.until_recorded()
        if harm == "flush":
            pipeline.redis.flush()
        elif harm == "freeze":
            pipeline.redis.freeze()
            pipeline.until_told(6_000)
            pipeline.redis.thaw()
        else:
            pipeline.redis.kill()
            pipeline.until_told(2_000)
            pipeline.redis.start()
    pipeline.until_recorded()
    pipeline.settle()
    assert_exactly_once(pipeline)
    pipeline.stop(ingester)


def test_several_ingesters_share_the_stream(pipeline: Pipeline) -> None:
    one, two = pipeline.start_ingester(), pipeline.start_ingester()
    for slot in range(3):
        pipeline.start_worker(slot)
    pipeline.until_recorded(4_000)
    with pipeline.redis.client() as client:
        pipeline.until(lambda: sum(seen["cmd"] == "xreadgroup" for seen in client.client_list()) == 2)
    pipeline.stop(one)
    pipeline.until_recorded(4_000)
    pipeline.settle()
    assert_exactly_once(pipeline)
    pipeline.stop(two)


def test_no_ingester_for_a_while_costs_nothing(pipeline: Pipeline) -> None:
    worker = pipeline.start_worker(rate=5_000)
    pipeline.until_told(10_000)
    pipeline.stop(worker)
    pipeline.start_ingester()
    pipeline.settle()
    assert_exactly_once(pipeline)


def test_another_group_keeps_the_stream_from_being_trimmed(pipeline: Pipeline) -> None:
    with pipeline.redis.client() as client:
        client.xgroup_create(CLICKS, "another", id="0", mkstream=True)
        pipeline.start_ingester()
        worker = pipeline.start_worker()
        pipeline.until_recorded(2_000)
        pipeline.stop(worker)
        pipeline.until(lambda: len(pipeline.recorded()) == len(pipeline.told()))
        assert int(client.xlen(CLICKS)) > 0
        seen = client.xreadgroup("another", "reader", {CLICKS: ">"})
        found = [entry for part in seen for _, entries in [part] for entry, _ in entries] if seen else []
        client.xack(CLICKS, "another", *found)
        pipeline.start_worker(slot=1)
        pipeline.until_recorded(10)


def test_what_is_no_batch_is_a_dead_letter(pipeline: Pipeline) -> None:
    with pipeline.redis.client() as client:
        client.xadd(CLICKS, {"surprise": "me"})
        pipeline.start_ingester()
        pipeline.until(lambda: bool(pipeline.rows("SELECT reason FROM click_dead_letters")))
        pipeline.until(lambda: client.xlen(CLICKS) == 0)
