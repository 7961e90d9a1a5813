"""A small HTTP server for the admin port, inside the supervisor's own loop: no thread, no framework, no blocking.

One request a connection, GET and HEAD, a head of at most 8 KiB that is whole within five seconds, 64 connections at
once: enough for probes, scrapers and curl, and nothing that could hold up the watch over the workers.
"""

import re
import selectors
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, NamedTuple

MAX_HEAD_BYTES: Final = 8 * 1024
MAX_CONNECTIONS: Final = 64
DEADLINE_S: Final = 5.0

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.[01]\r?\n")


class Answer(NamedTuple):
    """What one path says."""

    status: int
    content_type: str
    body: bytes


class AdminServer:
    """Serves `answer(path)` on a listening socket. The owner of the selector calls the callbacks it registers."""

    def __init__(
        self, listener: socket.socket, selector: selectors.BaseSelector, answer: Callable[[str], Answer]
    ) -> None:
        self._listener = listener
        self._selector = selector
        self._answer = answer
        self._connections: set[_Connection] = set()
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def expire(self, now: float) -> None:
        """Close the connections whose time is over."""
        for connection in [each for each in self._connections if each.deadline <= now]:
            self._close(connection)

    def close(self) -> None:
        """Close everything, here; a forked child closes its copies without touching the parent's selector."""
        self._listener.close()
        for connection in self._connections:
            connection.socket.close()
        self._connections.clear()

    def _accept(self, now: float) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:  # gone again, or no descriptor left: the next one may do better
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            accepted.close()
            return
        accepted.setblocking(False)
        connection = _Connection(accepted, now + DEADLINE_S)
        self._connections.add(connection)
        self._selector.register(accepted, selectors.EVENT_READ, lambda _: self._read(connection))

    def _read(self, connection: "_Connection") -> None:
        try:
            chunk = connection.socket.recv(MAX_HEAD_BYTES)
        except OSError:
            chunk = b""
        if not chunk:
            self._close(connection)
            return
        connection.head += chunk
        if b"\r\n\r\n" in connection.head or b"\n\n" in connection.head or len(connection.head) > MAX_HEAD_BYTES:
            connection.unsent = response(bytes(connection.head), self._answer)
            self._selector.modify(connection.socket, selectors.EVENT_WRITE, lambda _: self._write(connection))

    def _write(self, connection: "_Connection") -> None:
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection)
            return
        connection.unsent = connection.unsent[sent:]
        if not connection.unsent:
            self._close(connection)

    def _close(self, connection: "_Connection") -> None:
        self._connections.discard(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()


class _Connection:
    __slots__ = ("deadline", "head", "socket", "unsent")

    def __init__(self, accepted: socket.socket, deadline: float) -> None:
        self.socket = accepted
        self.deadline = deadline
        self.head = bytearray()
        self.unsent = b""


def response(head: bytes, answer: Callable[[str], Answer]) -> bytes:
    """Return the bytes that answer a request's head."""
    request = _REQUEST_LINE.match(head)
    if len(head) > MAX_HEAD_BYTES:
        said = Answer(431, "text/plain", b"The request head is too large.\n")
    elif request is None:
        said = Answer(400, "text/plain", b"This is no HTTP/1.1 request.\n")
    elif request[1] not in (b"GET", b"HEAD"):
        said = Answer(405, "text/plain", b"Only GET and HEAD are answered here.\n")
    else:
        said = answer(request[2].decode("ascii").partition("?")[0])
    lines = (
        f"HTTP/1.1 {said.status} {HTTPStatus(said.status).phrase}\r\n"
        f"content-type: {said.content_type}\r\n"
        f"content-length: {len(said.body)}\r\n"
        f"{'allow: GET, HEAD' if said.status == 405 else 'cache-control: no-store'}\r\n"
        "connection: close\r\n\r\n"
    ).encode()
    return lines if request and request[1] == b"HEAD" else lines + said.body
