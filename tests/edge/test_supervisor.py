"""Workers are kept running, whatever happens to them, and everything stops in order. Real processes, tiny workers."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

_T = TypeVar("_T")


class TinyEdge:
    """A running edge of tiny workers."""

    def __init__(self, workers: int, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.tiny_edge", str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **environ},
        )
        assert self.process.stdout is not None
        self.port, self.admin_port = json.loads(self.process.stdout.readline())

    def ask(self, path: str) -> tuple[int, str]:
        with socket.create_connection(("127.0.0.1", self.admin_port), timeout=30) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                head, _, body = answer.read().decode().partition("\r\n\r\n")
        return int(head.split()[1]), body

    def workers(self) -> dict[int, Any]:
        """Slot -> what /readyz says of its worker."""
        return {worker["slot"]: worker for worker in json.loads(self.ask("/readyz")[1])["workers"]}

    def pids(self) -> list[int]:
        return [worker["pid"] for worker in self.workers().values() if worker["phase"] == "serving"]

    def metric(self, name: str) -> float:
        lines = self.ask("/metrics")[1].splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def click(self) -> int:
        """Connect as a visitor; return the pid of the worker that answered."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            return int(connection.makefile().read().split()[1])

    def stop(self, *signals: signal.Signals) -> tuple[int, str]:
        """Send signals in a row; return exit code and log."""
        for number in signals or (signal.SIGTERM,):
            self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


Start = Callable[..., TinyEdge]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start tiny edges; none is left behind, nor any worker."""
    edges: list[TinyEdge] = []

    def start(workers: int = 2, **environ: str) -> TinyEdge:
        edges.append(TinyEdge(workers, **environ))
        return edges[-1]

    yield start
    for edge in edges:
        if edge.process.poll() is None:
            edge.stop(signal.SIGTERM)


def eventually(claim: Callable[[], _T]) -> _T:
    """Return what `claim` gives once it is true; an exception counts as not yet. The ceiling only detects a hang."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError, ValueError, IndexError):
            if held := claim():
                return held
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; where nobody reaps orphans, its entry stays as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def listening_sockets(pid: int) -> set[str]:
    """The listening TCP sockets that a process holds, by inode; skips where there is no /proc."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs Linux's /proc")
    listening = {fields[9] for line in table.read_text().splitlines()[1:] if (fields := line.split())[3] == "0A"}
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return listening & {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def test_every_worker_serves_on_the_one_port(start: Start) -> None:
    edge = start(2)
    pids = set(eventually(lambda: edge.pids() if len(edge.pids()) == 2 else []))

    assert {edge.click() for _ in range(100)} == pids
    assert edge.ask("/readyz")[0] == 200


def test_a_killed_worker_is_replaced_while_the_other_serves(start: Start) -> None:
    edge = start(2)
    first, second = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    os.kill(first, signal.SIGKILL)
    answered = [edge.click() for _ in range(50)]  # the queue of the dead one's socket is served by the next
    pids = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    assert second in pids
    assert first not in pids
    assert len(answered) == 50
    assert edge.metric('turnout_edge_workers_replaced_total{cause="crashed"}') == 1


def test_a_frozen_worker_is_replaced(start: Start) -> None:
    edge = start(2)
    first, second = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    os.kill(first, signal.SIGSTOP)
    eventually(lambda: is_gone(first))
    pids = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    assert second in pids
    assert edge.metric('turnout_edge_workers_replaced_total{cause="frozen"}') == 1


def test_a_worker_that_hangs_is_replaced_and_says_where(start: Start) -> None:
    edge = start(1, TINY="hangs on a visitor")
    (pid,) = eventually(edge.pids)

    edge.click()
    eventually(lambda: is_gone(pid))
    eventually(edge.pids)
    _, log = edge.stop()

    assert "worker is frozen" in log
    assert "tiny_edge.py" in log
    assert "in answer" in log


def test_an_edge_that_was_suspended_as_a_whole_goes_on_with_its_workers(start: Start) -> None:
    edge = start(2)
    pids = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.15)  # the supervisor hears what was said before
    os.kill(edge.process.pid, signal.SIGSTOP)
    time.sleep(1.5)  # longer than a stopped worker is given
    os.kill(edge.process.pid, signal.SIGCONT)
    time.sleep(0.15)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)

    assert [edge.click() in pids for _ in range(20)] == [True] * 20
    assert sorted(edge.pids()) == sorted(pids)


def test_counters_never_go_back_when_workers_die(start: Start) -> None:
    edge = start(1)
    eventually(edge.pids)
    for _ in range(10):
        edge.click()
    eventually(lambda: edge.metric("turnout_edge_clicks_total") == 10)

    (pid,) = edge.pids()
    os.kill(pid, signal.SIGKILL)
    edge.click()

    eventually(lambda: edge.metric("turnout_edge_clicks_total") == 11)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(start: Start, number: signal.Signals) -> None:
    edge = start(2)
    pids = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    code, log = edge.stop(number)

    assert code == 0
    assert all(is_gone(pid) for pid in pids)
    assert "error" not in log
    with pytest.raises(ConnectionRefusedError):
        edge.click()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "terminal closed"])
def test_what_a_terminal_sends_to_every_process_stops_everything_cleanly(start: Start, number: signal.Signals) -> None:
    edge = start(2)
    eventually(lambda: len(edge.pids()) == 2)

    os.killpg(edge.process.pid, number)
    _, log = edge.process.communicate(timeout=60)

    assert edge.process.returncode == 0
    assert "error" not in log


def test_a_worker_holds_no_socket_of_another(start: Start) -> None:
    edge = start(2)
    pids = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])
    os.kill(pids[0], signal.SIGKILL)  # so that one of the two was forked while the other ran
    pids = eventually(lambda: edge.pids() if pids[0] not in edge.pids() and len(edge.pids()) == 2 else [])

    held = [listening_sockets(pid) for pid in pids]

    assert [len(sockets) for sockets in held] == [1, 1]
    assert held[0] != held[1]
    assert held[0] | held[1] < listening_sockets(edge.process.pid)


def test_one_keystroke_that_comes_as_two_signals_is_one(start: Start) -> None:
    edge = start(2)
    eventually(edge.pids)

    assert edge.stop(signal.SIGINT, signal.SIGTERM)[0] == 0


def test_a_draining_edge_is_unready_and_serves(start: Start) -> None:
    edge = start(1, DRAIN="300")
    eventually(edge.pids)
    edge.process.send_signal(signal.SIGTERM)

    eventually(lambda: edge.ask("/readyz")[0] == 503)
    assert edge.click() in edge.pids()

    time.sleep(0.6)  # what comes later than that is a second request
    assert edge.stop(signal.SIGTERM)[0] == 1


def test_a_second_signal_ends_workers_that_do_not_stop(start: Start) -> None:
    edge = start(1, TINY="does not stop")
    pids = eventually(edge.pids)
    edge.process.send_signal(signal.SIGTERM)
    time.sleep(0.6)

    code, _ = edge.stop(signal.SIGTERM)

    assert code == 1
    assert is_gone(pids[0])


def test_workers_that_fail_every_start_end_the_edge_and_say_why(start: Start) -> None:
    edge = start(1, TINY="fails every start")

    _, log = edge.process.communicate(timeout=60)

    assert edge.process.returncode == 3
    assert "broken on purpose" in log
    assert "workers fail every start" in log


def test_workers_do_not_outlive_a_supervisor_that_is_killed(start: Start) -> None:
    edge = start(2)
    pids = eventually(lambda: edge.pids() if len(edge.pids()) == 2 else [])

    edge.process.kill()
    edge.process.communicate(timeout=60)

    eventually(lambda: all(is_gone(pid) for pid in pids))
