"""What one turn of the event loop collects: its time, its events, and the responses that wait for them.

Many requests arrive between two polls of the sockets. They are answered together, their events go to the spool with one
write, and only then are their responses written, in the order in which they were asked for.
"""

import asyncio
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any, Final, Protocol

from edge.clicks.waits import Waits
from edge.http.responses import REDIRECT_STATUSES, Header, opening

NO_HEADERS: Final[tuple[Header, ...]] = ()


class Spool(Protocol):
    """Where events go. Neither method waits or raises."""

    @property
    def put(self) -> Callable[[bytes], None]:
        """Take one event of this turn. What cannot be kept is dropped by `flush`, and counted."""
        ...

    def flush(self) -> None:
        """Write what was put since the last flush."""
        ...


class HasHeaders(Protocol):
    """A server's state, as uvicorn keeps it."""

    default_headers: list[Header]


Request = tuple[Any, bytes]
"""A connection, as the server has them, and what came on it."""


class Turn:
    """The present turn; whoever finds it not `begun` calls `begin`. `responses` are (write, bytes), in order.

    `requests` came since the last poll; the server sets `answer`, which takes them: what it makes of one are responses.
    `openings` is status -> all bytes of a redirect before its Location. `default_headers` go on every response that is
    written here; the server replaces their list each second, for the Date.
    """

    __slots__ = (
        "_began_ns",
        "_flush",
        "_on_begin",
        "_waits",
        "answer",
        "begun",
        "default_headers",
        "openings",
        "requests",
        "responses",
        "server",
    )

    def __init__(self, on_begin: Callable[[], None], flush: Callable[[], None], waits: Waits) -> None:
        self._on_begin = on_begin
        self._flush = flush
        self._waits = waits
        self._began_ns = 0
        self.begun = False
        self.requests: list[Request] = []
        self.answer: Callable[[Iterable[Request]], None] = _nothing_answers
        self.responses: list[tuple[Callable[[bytes], None], bytes]] = []
        self.server: HasHeaders | None = None
        self._follow_headers(NO_HEADERS)

    def begin(self) -> None:
        """Begin a turn unless it has begun, and see to its end: after all that the last poll brought."""
        if self.begun:
            return
        self.begun = True
        self._began_ns = perf_counter_ns()
        if self.server is not None and self.server.default_headers is not self.default_headers:
            self._follow_headers(self.server.default_headers)
        self._on_begin()
        asyncio.get_running_loop().call_soon(self.end)

    def take(self) -> None:
        """Answer what has come so far. Call it before a connection is judged by what it has or has not sent."""
        requests, self.requests = self.requests, []
        self.answer(requests)

    def end(self) -> None:
        """Answer this turn's requests, record its events, then send its responses."""
        self.take()
        self.begun = False
        self._flush()
        waiting, self.responses = self.responses, []
        for write, response in waiting:
            try:
                write(response)
            except (RuntimeError, OSError):  # the connection was lost since
                continue
        if waiting:
            self._waits.note(perf_counter_ns() - self._began_ns, len(waiting))

    def _follow_headers(self, headers: Iterable[Header]) -> None:
        self.default_headers = headers
        self.openings = {status: opening(status, headers) for status in REDIRECT_STATUSES}


def _nothing_answers(requests: Iterable[Request]) -> None:
    """Stand for a server that does not gather requests."""
    assert not requests
