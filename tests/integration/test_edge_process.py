"""A real edge, a real Redis, real clicks: what visitors get while workers die, rules change and everything stops."""

import contextlib
import http.client
import json
import lzma
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis

from edge.clicks.geo import PACKAGED
from shared import wire
from shared.domains import compile_domains, compile_salts
from shared.events import decode_event
from shared.key import Key
from shared.pointer import Pointer, compile_pointer
from shared.rules import Offer
from shared.table import compile_offer
from shared.wire import Announcement, Head, Version, encode_announcement, encode_head, encode_value
from tests import builders
from tests.builders import APP_STORE, CHROME, GB_ADDRESS, HOME, IPHONE, LANDING, UK_LANDING, US_ADDRESS
from tests.servers import RedisServer

_T = TypeVar("_T")

EPOCH = 1
GERMAN_ADDRESS = "141.30.0.1"


class Publisher:
    """Control, by hand: puts values into Redis, announces them, and moves the head."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.sequence = 0
        self._hash = ""

    def put(self, values: dict[str, bytes | None]) -> int:
        """Publish one transaction; return its sequence."""
        previous, self.sequence = self.sequence, self.sequence + 1
        self._hash = wire.chain_hash(self._hash, self.sequence, values.items())
        version = Version(EPOCH, self.sequence)
        stored = {key: encode_value(version, key, body) for key, body in values.items()}
        announcement = Announcement(EPOCH, previous, self.sequence, tuple(stored), tuple(stored.values()))
        entry = encode_announcement(Announcement(EPOCH, previous, self.sequence, tuple(stored)))
        with self._redis.pipeline() as pipeline:
            for key, value in stored.items():
                pipeline.set(wire.redis_key(key), value)
            pipeline.xadd(wire.LOG, {"a": entry}, id=f"{self.sequence}-0")
            pipeline.set(wire.HEAD, encode_head(Head(EPOCH, self.sequence, self._hash)))
            pipeline.publish(wire.CHANNEL, encode_announcement(announcement))
            pipeline.execute()
        return self.sequence

    def put_offer(self, offer: Offer) -> int:
        """Publish an offer and its own slug."""
        pointer = compile_pointer(Pointer(offer.id))
        return self.put(
            {wire.table_key(offer.id): compile_offer(offer), wire.pointer_key(Key("_", offer.slug)): pointer}
        )

    def put_common(self) -> int:
        """Publish what every worker holds at all times."""
        today = time.strftime("%Y-%m-%d", time.gmtime())
        return self.put({wire.DOMAINS: compile_domains({"_": None}), wire.SALTS: compile_salts({today: "0f" * 16})})


class Answered(NamedTuple):
    """What a visitor got. `location` is without the click id, which is `click_id`."""

    status: int
    location: str
    click_id: str


class Edge:
    """A running `python -m edge`."""

    def __init__(self, redis_url: str, data_dir: Path, workers: int = 2, **environ: str) -> None:
        self.log = data_dir / f"edge-{time.monotonic_ns()}.log"
        data_dir.mkdir(exist_ok=True)
        settings = {
            "TURNOUT_REDIS_URL": redis_url,
            "TURNOUT_DATA_DIR": str(data_dir),
            "TURNOUT_EDGE_PORT": "0",
            "TURNOUT_EDGE_ADMIN_PORT": "0",
            "TURNOUT_TRUSTED_PROXIES": "127.0.0.0/8",
            "TURNOUT_LOG_FORMAT": "json",
            **environ,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge", "--workers", str(workers)],
                env={**os.environ, **settings},
                stderr=log,
                start_new_session=True,
            )
        started = eventually(lambda: self.logged("edge starts"), self.process)
        self.port, self.admin_port, self.name = started["port"], started["admin_port"], started["edge"]

    def logged(self, message: str) -> dict[str, Any] | None:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return next((line for line in lines if line["message"] == message), None)

    def click(
        self, path: str = "/saas", address: str = US_ADDRESS, user_agent: str = IPHONE, method: str = "GET"
    ) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"User-Agent": user_agent, "X-Forwarded-For": address})
            response = connection.getresponse()
            response.read()
        location, _, click_id = (response.getheader("Location") or "").partition("click_id=")
        return Answered(response.status, location.rstrip("?&"), click_id)

    def ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def is_ready(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def pids(self) -> list[int]:
        """The workers' processes, once all of them serve."""
        status, body = self.ask("/readyz")
        return [worker["pid"] for worker in json.loads(body)["workers"]] if status == 200 else []

    def metric(self, name: str) -> float:
        lines = self.ask("/metrics")[1].splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


def eventually(claim: Callable[[], _T | None], process: subprocess.Popen[bytes] | None = None) -> _T:
    """Return what `claim` gives once it is true; the ceiling only detects a hang."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if held := claim():
                return held
        assert process is None or process.poll() is None, "the edge ended"
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.02)


Start = Callable[..., Edge]


@pytest.fixture
def publisher(redis_server: RedisServer) -> Iterator[Publisher]:
    """Control, which has published the example."""
    with redis_server.client() as redis:
        publisher = Publisher(redis)
        publisher.put_common()
        publisher.put_offer(builders.offer())
        yield publisher


@pytest.fixture
def start(redis_server: RedisServer, data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start edges on the test's Redis; none is left behind, and a failed test shows their logs."""
    edges: list[Edge] = []

    def start(workers: int = 2, **environ: str) -> Edge:
        edges.append(Edge(redis_server.url, data_dir, workers, **environ))
        return edges[-1]

    yield start
    for edge in edges:
        if edge.process.poll() is None:
            os.killpg(edge.process.pid, signal.SIGKILL)
            edge.process.wait()
    sys.stderr.write("".join(edge.log.read_text()[-5_000:] for edge in edges[-1:]))


@pytest.fixture
def edge(publisher: Publisher, start: Start) -> Edge:
    """An edge with two workers that serve the example."""
    edge = start()
    eventually(edge.pids, edge.process)
    return edge


@pytest.mark.parametrize(
    ("address", "user_agent", "location"),
    [
        pytest.param(US_ADDRESS, IPHONE, APP_STORE, id="US mobile"),
        pytest.param(US_ADDRESS, CHROME, LANDING, id="US desktop"),
        pytest.param(GB_ADDRESS, IPHONE, UK_LANDING, id="UK mobile"),
        pytest.param(GB_ADDRESS, CHROME, UK_LANDING, id="UK desktop"),
        pytest.param(GERMAN_ADDRESS, CHROME, HOME, id="everyone else"),
        pytest.param("10.0.0.1", CHROME, HOME, id="an address that is nowhere"),
    ],
)
def test_every_visitor_is_sent_down_the_right_track(edge: Edge, address: str, user_agent: str, location: str) -> None:
    answers = [edge.click(address=address, user_agent=user_agent) for _ in range(20)]

    assert {(answer.status, answer.location) for answer in answers} == {(302, location)}
    assert len({answer.click_id for answer in answers}) == 20


@pytest.mark.parametrize("path", ["/saas", "/saas?a=b", "/unknown", "/robots.txt", "/a/b"])
def test_every_answer_has_a_date_and_names_no_server(edge: Edge, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"User-Agent": IPHONE})
        response = connection.getresponse()

    assert parsedate_to_datetime(response.headers["Date"]).tzinfo is not None
    assert "Server" not in response.headers


def test_an_unknown_slug_is_404_and_a_paused_offer_410(edge: Edge, publisher: Publisher) -> None:
    paused = builders.offer("paused", status="paused")
    publisher.put_offer(paused)

    assert edge.click("/nothing-here").status == 404
    assert edge.click("/paused").status == 410


def test_an_edit_is_live_on_every_worker(edge: Edge, publisher: Publisher) -> None:
    edge.click()
    elsewhere = builders.smart_link(builders.rule("r_new", "https://new.example/", country=["US"]))
    publisher.put_offer(builders.offer(link=elsewhere, revision=8))

    eventually(lambda: edge.metric("turnout_edge_acked_sequence ") == publisher.sequence)

    assert {edge.click().location for _ in range(50)} == {"https://new.example/"}


def test_every_worker_has_a_lease_while_it_serves_and_none_after(edge: Edge, redis_server: RedisServer) -> None:
    with redis_server.client() as redis:
        names = [wire.lease_key(edge.name, slot) for slot in range(2)]
        assert eventually(lambda: all(redis.exists(name) for name in names))

        assert edge.stop() == 0

        assert [redis.exists(name) for name in names] == [0, 0]


def test_a_lease_says_what_its_worker_does(edge: Edge, redis_server: RedisServer) -> None:
    with redis_server.client() as redis:

        def at_work() -> list[wire.Lease]:
            edge.click()
            raw = [redis.get(wire.lease_key(edge.name, slot)) for slot in range(2)]
            return [lease for lease in map(wire.decode_lease, filter(None, raw)) if lease.p99_us]

        lease = eventually(at_work)[0]

    assert 0 < lease.p99_us < 5_000_000
    assert 10_000_000 < lease.memory_bytes < 1_000_000_000
    assert lease.geo_built_at > 1_700_000_000


def test_clicks_reach_the_stream(edge: Edge, redis_server: RedisServer) -> None:
    sent = {edge.click().click_id for _ in range(30)}

    with redis_server.client() as redis:
        eventually(lambda: ids_in(redis) == sent)
    assert eventually(lambda: edge.metric('turnout_edge_clicks_total{kind="person"}') == 30)


def test_the_lease_of_a_worker_says_that_one_died_before_it(edge: Edge, redis_server: RedisServer) -> None:
    with redis_server.client() as redis:

        def replaced() -> list[int]:
            raw = [redis.get(wire.lease_key(edge.name, slot)) for slot in range(2)]
            return [wire.decode_lease(lease).replaced for lease in raw if lease]

        assert eventually(lambda: replaced() == [0, 0])
        os.kill(edge.pids()[1], signal.SIGKILL)
        assert eventually(lambda: replaced() == [0, 1])


def test_a_killed_worker_is_replaced_while_the_others_serve(edge: Edge) -> None:
    before = edge.pids()
    os.kill(before[0], signal.SIGKILL)

    statuses = {edge.click().status for _ in range(100)}
    after = eventually(lambda: pids if before[0] not in (pids := edge.pids()) and pids else None)

    assert statuses == {302}
    assert before[1] in after
    assert {edge.click().status for _ in range(100)} == {302}


def test_a_frozen_worker_is_replaced_and_its_queue_served(edge: Edge) -> None:
    before = edge.pids()
    os.kill(before[0], signal.SIGSTOP)

    statuses = {edge.click().status for _ in range(50)}  # some of them wait in the queue of the frozen one
    after = eventually(lambda: pids if before[0] not in (pids := edge.pids()) and pids else None)

    assert statuses == {302}
    assert before[1] in after


def test_clicks_of_a_killed_worker_are_not_lost(publisher: Publisher, start: Start, redis_server: RedisServer) -> None:
    edge = start(1, TURNOUT_CLICKS_REDIS_URL="redis://127.0.0.1:1/0")
    (pid,) = eventually(edge.pids, edge.process)
    sent = {edge.click().click_id for _ in range(30)}
    os.kill(pid, signal.SIGKILL)
    edge.stop()
    edge = start(1)

    with redis_server.client() as redis:
        eventually(lambda: sent <= ids_in(redis))


def ids_in(redis: Redis) -> set[str]:
    """The click ids in the clicks stream."""
    entries: Any = redis.xrange(wire.CLICKS)
    lines = [line for _, fields in entries for line in fields[b"events"].split(b"\n") if line]
    return {decode_event(line).click_id for line in lines}


def test_without_redis_what_was_clicked_is_served_and_the_edge_stays_ready(
    edge: Edge, redis_server: RedisServer
) -> None:
    for _ in range(50):
        edge.click()
    redis_server.kill()
    eventually(lambda: edge.metric('turnout_edge_sync_workers{state="synced"}') == 0)

    assert {edge.click().status for _ in range(50)} == {302}
    assert edge.click("/never-seen").status == 503
    assert edge.is_ready()
    assert edge.ask("/livez")[0] == 200


def test_an_edge_restarted_without_redis_serves_its_snapshot(
    edge: Edge, start: Start, redis_server: RedisServer
) -> None:
    for _ in range(50):
        edge.click()
    assert edge.stop() == 0
    redis_server.kill()

    restarted = start(TURNOUT_EDGE_PORT=str(edge.port))
    eventually(lambda: restarted.ask("/livez")[0] == 200, restarted.process)

    assert eventually(lambda: restarted.click()).location == APP_STORE
    assert {restarted.click().status for _ in range(50)} == {302}
    assert eventually(restarted.is_ready)


def test_an_edge_that_never_saw_a_rule_is_alive_and_says_why_it_is_not_ready(
    start: Start, redis_server: RedisServer
) -> None:
    redis_server.kill()
    edge = start(1)

    status, body = eventually(lambda: answer if "Redis" in (answer := edge.ask("/readyz"))[1] else None)

    assert status == 503
    assert "Redis" in json.loads(body)["reasons"][0]
    assert edge.ask("/livez")[0] == 200
    assert eventually(lambda: edge.click()).status == 503


def test_a_broken_country_database_starts_the_edge_and_is_told(
    publisher: Publisher, start: Start, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    edge = start(1, TURNOUT_GEO_DB=str(broken))
    eventually(edge.pids, edge.process)

    assert edge.click().location == HOME
    assert edge.metric("turnout_edge_geo_problem") == 1
    assert "refused" in json.loads(edge.ask("/readyz")[1])["workers"][0]["geo"]["problem"]


def test_a_country_database_swapped_under_load_costs_no_click(
    publisher: Publisher, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "country.mmdb"
    content = lzma.decompress(PACKAGED.read_bytes())
    path.write_bytes(content)
    edge = start(2, TURNOUT_GEO_DB=str(path))
    eventually(edge.pids, edge.process)
    age_s = edge.metric("turnout_edge_geo_db_age_seconds")

    (tmp_path / "new.mmdb").write_bytes(built_a_year_earlier(content))
    (tmp_path / "new.mmdb").replace(path)
    answers: list[Answered] = []
    while edge.metric("turnout_edge_geo_db_age_seconds") < age_s + 31_000_000 or len(answers) < 50:
        answers.append(edge.click(address=GB_ADDRESS))

    assert {(answer.status, answer.location) for answer in answers} == {(302, UK_LANDING)}
    assert edge.metric("turnout_edge_geo_problem") == 0


def built_a_year_earlier(database: bytes) -> bytes:
    """The same database with another build_epoch, which is a number of eight bytes or less near the end."""
    start = database.rindex(b"build_epoch") + len(b"build_epoch") + 2
    size = database[start - 2] & 0x1F
    epoch = int.from_bytes(database[start : start + size], "big") - 31_536_000
    return database[:start] + epoch.to_bytes(size, "big") + database[start + size :]


def test_a_request_in_flight_is_answered_by_a_stopping_edge(edge: Edge) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/saas", headers={"User-Agent": IPHONE})
        edge.process.send_signal(signal.SIGTERM)

        assert connection.getresponse().status == 302
    assert edge.process.wait(timeout=60) == 0


def test_an_edge_that_is_stopped_under_load_answers_politely_and_loses_no_click(
    edge: Edge, redis_server: RedisServer
) -> None:
    answered: list[str] = []

    def visit() -> None:
        """Click on one connection after another until the edge takes none; each ends between two answers."""
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
                with contextlib.closing(connection), contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    while True:
                        connection.request("GET", "/saas", headers={"User-Agent": IPHONE})
                        response = connection.getresponse()
                        response.read()
                        answered.append((response.getheader("Location") or "").partition("click_id=")[2])

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    eventually(lambda: len(answered) > 200)
    assert edge.stop() == 0
    for visitor in visitors:
        visitor.join()

    assert "" not in answered
    with redis_server.client() as redis:
        assert set(answered) <= ids_in(redis)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"TURNOUT_EDGE_PORT": "x"}, "TURNOUT_EDGE_PORT is 'x': "),
        ({"TURNOUT_DATA_DIR": "/proc/nowhere"}, "TURNOUT_DATA_DIR /proc/nowhere cannot be made: "),
        ({"TURNOUT_HOST": "192.0.2.1", "TURNOUT_EDGE_PORT": "0"}, "192.0.2.1"),
        ({"TURNOUT_REDIS_URL": "nonsense"}, "TURNOUT_REDIS_URL is 'nonsense': "),
    ],
)
def test_what_is_wrong_is_one_sentence_and_no_traceback(environ: dict[str, str], sentence: str, data_dir: Path) -> None:
    settings = {"TURNOUT_REDIS_URL": "redis://127.0.0.1:1", "TURNOUT_DATA_DIR": str(data_dir), **environ}

    ended = subprocess.run(
        [sys.executable, "-m", "edge"], env={**os.environ, **settings}, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert sentence in ended.stderr


def test_a_port_in_use_is_named(edge: Edge, data_dir: Path, redis_server: RedisServer) -> None:
    settings = {
        "TURNOUT_REDIS_URL": redis_server.url,
        "TURNOUT_DATA_DIR": str(data_dir),
        "TURNOUT_EDGE_PORT": str(edge.port),
    }

    ended = subprocess.run(
        [sys.executable, "-m", "edge"], env={**os.environ, **settings}, capture_output=True, text=True, timeout=60
    )

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert f"Port {edge.port} on 127.0.0.1 is in use" in ended.stderr


def test_the_query_arrives(edge: Edge) -> None:
    answer = edge.click("/saas?utm_source=news&coupon=TEN")

    assert parse_qs(urlsplit(answer.location).query) == {"utm_source": ["news"], "coupon": ["TEN"]}
