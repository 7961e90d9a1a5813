"""The admin port says what is true, says why not, and cannot be held up."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.process.admin import DEADLINE_S, MAX_CONNECTIONS, MAX_HEAD_BYTES, AdminServer, Answer, response
from edge.process.heartbeat import SERVING, STARTING, Report
from edge.process.ops import EdgeView, WorkerView, answer

DAY_S = 86_400.0


def worker(slot: int = 0, state: str = "synced", age_s: float | None = 0.0, phase: str = SERVING) -> WorkerView:
    return WorkerView(slot, 100 + slot, phase, Report(phase, {"state": state, "age_s": age_s}))


def ask(path: str, *workers: WorkerView, stopping: bool = False) -> Answer:
    return answer(path, EdgeView("fra-1", stopping, workers), DAY_S, lambda: "metrics\n")


def readiness(*workers: WorkerView, stopping: bool = False) -> tuple[int, list[str]]:
    said = ask("/readyz", *workers, stopping=stopping)
    body: dict[str, Any] = orjson.loads(said.body)
    assert body["ready"] == (said.status == 200)
    return said.status, body["reasons"]


@pytest.mark.parametrize(
    ("state", "age_s"),
    [("synced", 0.0), ("catching_up", 5.0), ("stale", DAY_S)],
    ids=["in step", "catching up from a young snapshot", "without Redis for less than a day"],
)
def test_an_edge_with_good_enough_rules_is_ready(state: str, age_s: float) -> None:
    assert readiness(worker(0), worker(1, state, age_s)) == (200, [])


@pytest.mark.parametrize(
    ("not_ready", "reason"),
    [
        pytest.param(worker(1, "cold", None), "worker 1 has no rules", id="cold"),
        pytest.param(worker(1, "stale", DAY_S + 1), "worker 1 has not been in step with Redis for 86401 s", id="old"),
        pytest.param(worker(1, "catching_up", None), "worker 1 has not been in step", id="never synced"),
        pytest.param(worker(1, phase=STARTING), "worker 1 is starting", id="starting"),
        pytest.param(WorkerView(1, 101, SERVING, None), "worker 1 is", id="not heard yet"),
        pytest.param(WorkerView(1, None, "", None), "worker 1 is being replaced", id="gone"),
    ],
)
def test_one_worker_that_is_not_ready_makes_the_edge_unready_and_says_why(not_ready: WorkerView, reason: str) -> None:
    status, reasons = readiness(worker(0), not_ready)

    assert status == 503
    assert len(reasons) == 1
    assert reasons[0].startswith(reason)


def test_a_stopping_edge_is_alive_and_not_ready() -> None:
    assert readiness(worker(), stopping=True) == (503, ["the edge is stopping"])
    assert ask("/livez", stopping=True).status == 200


def test_life_does_not_depend_on_redis() -> None:
    assert ask("/livez", worker(0, "cold", None)).status == 200


def test_the_version_names_what_this_edge_understands() -> None:
    said: dict[str, Any] = orjson.loads(ask("/version", worker()).body)

    assert said["edge"] == "fra-1"
    assert said["schemas"] == {"table": 2, "pointer": 1}


def test_metrics_are_in_prometheus_format() -> None:
    assert ask("/metrics") == Answer(200, "text/plain; version=0.0.4; charset=utf-8", b"metrics\n")


def test_other_paths_are_told_what_there_is() -> None:
    assert ask("/").status == 404
    assert b"/readyz" in ask("/").body


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK"),
        (b"GET /livez?verbose HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /livez HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET livez HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\n" + b"x" * MAX_HEAD_BYTES, b"431 Request Header Fields Too Large"),
    ],
)
def test_a_request_gets_a_planned_answer(head: bytes, status: bytes) -> None:
    assert response(head, lambda path: ask(path, worker())).startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_head_gets_the_same_head() -> None:
    got = response(b"GET /livez HTTP/1.1\r\n\r\n", ask)
    head = response(b"HEAD /livez HTTP/1.1\r\n\r\n", ask)

    assert got == head + b"alive\n"


@given(st.binary(max_size=300))
def test_any_bytes_get_a_planned_answer(head: bytes) -> None:
    assert response(head, ask).startswith(b"HTTP/1.1 ")


Ask = Callable[[bytes], bytes]


class Loop:
    """A selector loop around a server, turned by hand."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.server = AdminServer(self.listener, self.selector, ask)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.listener.getsockname(), timeout=30)
        self.turn()
        return connection

    def turn(self, now: float = 0.0) -> None:
        while ready := self.selector.select(0.02):
            for key, _ in ready:
                key.data(now)


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.server.close()
    loop.selector.close()


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    connection.close()
    return received


def test_a_request_in_pieces_is_answered_once_it_is_whole(loop: Loop) -> None:
    connection = loop.connect()
    for piece in (b"GET /li", b"vez HTTP/1.1\r\nHost", b": x\r\n\r\n"):
        connection.sendall(piece)
        loop.turn()

    assert read_all(connection).endswith(b"alive\n")


def test_a_client_that_says_nothing_is_let_go(loop: Loop) -> None:
    connection = loop.connect()
    loop.server.expire(DEADLINE_S)

    assert read_all(connection) == b""


def test_idle_connections_do_not_keep_others_out_for_ever(loop: Loop) -> None:
    idle = [loop.connect() for _ in range(MAX_CONNECTIONS)]
    turned_away = loop.connect()

    assert read_all(turned_away) == b""
    loop.server.expire(time.monotonic())
    welcome = loop.connect()
    welcome.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
    loop.turn()

    assert read_all(welcome).endswith(b"alive\n")
    for connection in idle:
        connection.close()


def test_a_client_that_goes_away_in_the_middle_is_forgotten(loop: Loop) -> None:
    connection = loop.connect()
    connection.sendall(b"GET /livez")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    loop.turn()

    assert len(loop.selector.get_map()) == 1
