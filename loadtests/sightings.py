"""Which edit which worker answers with: visitors who click all the time, and what they make of it."""

import re
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

HANG_S: Final = 60.0
_REQUEST: Final = b"GET /l0000 HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: Mozilla/5.0\r\n\r\n"
_LOCATION: Final = re.compile(rb"\r\nlocation: ([^\r]*)\r\n")
_EDIT: Final = re.compile(rb"https://yourbrand\.com/edit-(\d+)/\?click_id=(.+)")


def destination(edit: int) -> str:
    """Return where an edit sends everybody."""
    return f"https://yourbrand.com/edit-{edit}/"


def edit_of(location: bytes) -> int | None:
    """Return the edit that sends to `location`, None where none of them does."""
    found = _EDIT.fullmatch(location)
    return int(found[1]) if found else None


class Sightings:
    """When each of so many workers first answered with an edit or a later one. `wrong` says what must never be."""

    def __init__(self, workers: int) -> None:
        self._newest = [-1] * workers
        self._missing: dict[int, int] = {}
        self._live_at: dict[int, float] = {}
        self._workers = workers
        self.wrong: list[str] = []

    def note(self, worker: int, edit: int | None, at_s: float) -> None:
        """Take an answer of a worker; one that goes to no edit, or to one before its last answer's, is wrong."""
        before = self._newest[worker]
        if edit is None or edit < before:
            self.wrong.append(f"worker {worker} answered with edit {edit} after {before}")
            return
        for seen in range(before + 1, edit + 1):
            self._missing[seen] = self._missing.get(seen, self._workers) - 1
            if not self._missing[seen]:
                self._live_at[seen] = at_s
        self._newest[worker] = edit

    def live_at(self, edit: int) -> float | None:
        """Return when the last worker first answered with an edit or a later one, None while one has not."""
        return self._live_at.get(edit)


class Visitor:
    """One connection to an edge, kept alive: the same worker answers all of its clicks."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=HANG_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> None:
        """Click."""
        self._socket.sendall(_REQUEST)

    def location(self) -> bytes:
        """Return where the click that was asked for goes, b"" where it goes nowhere."""
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._socket.recv(4096)
        found = _LOCATION.search(answer) if answer.startswith(b"HTTP/1.1 302 ") else None
        return found[1] if found else b""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def at_each_worker(port: int, workers: int) -> list[Visitor]:
    """Return a visitor at each worker of an edge; click ids tell workers apart."""
    found: dict[bytes, Visitor] = {}
    while len(found) < workers:
        visitor = Visitor(port)
        visitor.ask()
        click_id = visitor.location().partition(b"click_id=")[2]
        if found.setdefault(click_id[9:19], visitor) is not visitor:
            visitor.close()
    return list(found.values())


class Watch:
    """Visitors at all workers of an edge, who click each `every_s` while the block runs.

    `sightings` is what they see, `clicks` how often they clicked.
    """

    def __init__(self, port: int, workers: int, every_s: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.sightings = Sightings(workers)
        self.clicks = 0
        self._visitors = at_each_worker(port, workers)
        self._every_s = every_s
        self._clock = clock
        self._is_over = threading.Event()
        self._round = threading.Condition()
        self._thread = threading.Thread(target=self._click, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join(HANG_S)
        for visitor in self._visitors:
            visitor.close()

    def wait_live(self, edit: int) -> float:
        """Return when all workers had an edit, as soon as they have it. Raises SystemExit where they never do."""
        with self._round:
            if not self._round.wait_for(lambda: self.sightings.live_at(edit) is not None, HANG_S):
                raise SystemExit(f"edit {edit} did not go live within {HANG_S:.0f} s")
        at_s = self.sightings.live_at(edit)
        assert at_s is not None
        return at_s

    def _click(self) -> None:
        due = self._clock()
        while not self._is_over.is_set():
            for visitor in self._visitors:
                visitor.ask()
            for worker, visitor in enumerate(self._visitors):
                self.sightings.note(worker, edit_of(visitor.location()), self._clock())
            with self._round:
                self._round.notify_all()
            self.clicks += len(self._visitors)
            due += self._every_s
            time.sleep(max(0.0, due - self._clock()))
