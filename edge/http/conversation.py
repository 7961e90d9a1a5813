"""One connection: requests in, answers out, in order and in time; what the fast road does not know from memory.

Every request that comes here is read field by field. A click is answered by `Clicks`, at once or when its link has been
fetched; whatever else is handed on to uvicorn's own protocol, and so to the Starlette app, one request at a time.
"""

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from edge.clicks.click import Clicks
from edge.http import responses
from edge.http.head import Peer
from edge.http.reader import Reader, Received
from edge.http.responses import Response, ending, render
from edge.http.sweep import Sweep

HEAD_TIMEOUT_S: Final = 10.0
"""From a head's first byte to its last; a phone on a bad line needs two."""
WRITE_TIMEOUT_S: Final = 20.0
"""For a peer to take what it asked for."""
WAIT_TIMEOUT_S: Final = 20.0
"""For an answer that must be waited for. Links come within 200 ms: this is for what nobody thought of."""
LINGER_S: Final = 2.0
"""Bytes that still come after the last response are read and dropped this long: closing at once would reset the
connection, and take the response with it."""
SHUTDOWN_S: Final = 1.0
"""For a head that had begun to come when the server began to stop."""

MAX_ANSWERS_PER_TURN: Final = 32
"""Pipelined requests of one connection answered before others get their turn; all are, in order."""
MAX_PENDING_BYTES: Final = 64 * 1024
"""Bytes held of a connection whose request is waited for; then its socket is not read."""


class Conversation(asyncio.Protocol):
    """A connection as uvicorn's `http` class has them. Subclasses name the `clicks` they serve and their `sweep`."""

    clicks: Clicks
    sweep: Sweep

    __slots__ = (
        "_clicks",
        "_closing",
        "_config",
        "_ended",
        "_handed",
        "_last",
        "_loop",
        "_partial_since",
        "_reader",
        "_reading_paused",
        "_server",
        "_since",
        "_state",
        "_transport",
        "_waiting",
        "_write_paused",
        "active",
        "address_key",
        "known",
        "peer",
        "ready",
        "turn",
        "write",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._clicks = self.clicks  # found sooner on the instance, at every click
        self._config = config
        self.turn = self._clicks.turn
        self._server = self.turn.server = server_state
        self._state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._reader: Reader | None = None
        self._handed: HandedOn | None = None
        self.ready = self._waiting = self._closing = self._last = self._ended = False
        self._write_paused = self._reading_paused = self.active = False
        self._since = self._partial_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve."""
        client = get_remote_addr(transport)
        address = client[0] if client else ""
        self.peer = Peer(address, address in self._clicks.visitors.trusted)
        self.address_key = address.encode()
        self.known = self._clicks.known_heads[self.peer.trusted]
        self._transport = transport
        self.write = transport.write
        self._since = self._loop.time()
        self.ready = True
        self._server.connections.add(self)  # type: ignore[arg-type]  # uvicorn names only its own classes
        self.sweep.add(self, self._loop)
        self._clicks.counters.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything; who waits for an answer finds the connection closing."""
        self._server.connections.discard(self)
        self.sweep.discard(self)
        self._clicks.counters.connections -= 1
        self.ready, self._closing = False, True
        self._reader = None
        if self._handed is not None:
            self._handed.connection_lost(exc)

    def eof_received(self) -> bool:
        """Answer all that was asked, then close: the peer may have closed only its half."""
        self.turn.take()
        self._ended = True
        if self._closing:  # nothing more will come that had to be read
            self.turn.begin()
            self.turn.responses.append((self._write_and_close, b""))
        else:
            self._proceed()
        return True

    def pause_writing(self) -> None:
        """Read nothing more from a peer that does not read."""
        self._write_paused, self.ready = True, False
        self._since = self._loop.time()
        self._pause_reading()
        if self._handed is not None:
            self._handed.pause_writing()

    def resume_writing(self) -> None:
        """Go on."""
        self._write_paused = False
        if self._handed is not None:
            self._handed.resume_writing()
        if not self._waiting:
            self._resume()

    def shutdown(self) -> None:
        """Answer what has been asked, and close. uvicorn calls this when the server stops."""
        self.turn.take()
        self._last = True
        if not (self._waiting or self._closing or self._pending):
            self._send_last(b"", linger=False)

    def expire(self, now_s: float) -> None:
        """Act on the deadline that holds now. The sweep calls this."""
        if self.turn.requests:
            self.turn.take()
        if self.active:
            self.active, self._since = False, now_s
            return
        waited_s = now_s - self._since
        if self._write_paused:
            self._abort_after(WRITE_TIMEOUT_S, waited_s)
        elif self._closing:
            self._abort_after(LINGER_S, waited_s)
        elif self._waiting:
            self._abort_after(WAIT_TIMEOUT_S, waited_s)
        elif self._pending:
            if now_s - self._partial_since > (SHUTDOWN_S if self._last else HEAD_TIMEOUT_S):
                self._clicks.counters.timeouts += 1
                self._refuse(responses.TIMEOUT)
        elif waited_s > self._config.timeout_keep_alive:
            self._closing = True
            self._transport.close()

    def fail(self, exc: Exception) -> None:
        """Drop the connection whose request met a fault of ours, and tell of it."""
        told = {"message": "A request met a fault", "exception": exc, "transport": self._transport, "protocol": self}
        self._loop.call_exception_handler(told)
        self._transport.abort()

    @property
    def _pending(self) -> bool:
        return self._reader is not None and self._reader.pending > 0

    def read(self, data: bytes) -> None:
        """Take bytes that no known head explains, and answer all requests that they complete."""
        if self._closing:
            return
        reader = self._reader
        if reader is None:
            reader = self._reader = Reader()
        if not reader.pending:
            self._partial_since = self._loop.time()
        reader.feed(data)
        if self._waiting or self._write_paused:
            if reader.pending > MAX_PENDING_BYTES:
                self._pause_reading()
            return
        self._proceed()

    def _proceed(self) -> None:
        """Answer requests in order until bytes are missing, one must be waited for, or others should have a turn."""
        answered = 0
        while self._reader is not None and not (self._waiting or self._closing or self._write_paused):
            received = self._reader.next()
            if received is None:
                break
            if isinstance(received, Response):
                self._refuse(received)
            elif answered == MAX_ANSWERS_PER_TURN:
                self._yield_to_others(received)
            else:
                self._answer(received)
            answered += 1
        if answered:
            self.active = True
            self._partial_since = self._loop.time()
        if self._ended and not (self._waiting or self._closing or self._write_paused):
            self._send_last(b"", linger=False)
        self.ready = not (self._waiting or self._closing or self._write_paused or self._pending)

    def _answer(self, received: Received) -> None:
        clicks, head = self._clicks, received.head
        clicks.counters.heads_read += 1
        if not head.is_click:
            self._hand_on(received)
            return
        response = clicks.answer(head, self.peer)
        if response is None:
            self._wait_for(received)
            return
        self._send(response, received)
        if response.status in responses.REDIRECT_STATUSES:
            self._get_to_know(received)

    def _get_to_know(self, received: Received) -> None:
        """Remember a head that comes again; the next request with it is answered without being read."""
        key = self.known.new_key(received)
        if key is not None:
            sender = self._clicks.sender_of(received.head, self.peer)
            if sender is not None:
                self.known.senders.put(key, sender)

    def _wait_for(self, received: Received) -> None:
        """Answer once the link is found, in a task of its own; nothing behind it is answered before."""
        self._waiting = True
        task = self._loop.create_task(self._complete(received))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _complete(self, received: Received) -> None:
        response = await self._clicks.complete(received.head, self.peer)
        self._waiting = False
        if not self._closing:
            self._send(response, received)
            self._resume()

    def _hand_on(self, received: Received) -> None:
        """Have the app answer, through uvicorn's own protocol, which gets this one request and no other."""
        self._clicks.counters.plain += 1
        self._waiting = True
        self._handed = handed = HandedOn(self._config, self._server, self._state, self._loop, self)
        handed.connection_made(self._transport)
        handed.data_received(received.raw)
        if self._last:
            handed.shutdown()

    def taken_back(self) -> None:
        """Go on after the app has answered."""
        handed, self._handed = self._handed, None
        if handed is not None:
            self._server.connections.discard(handed)
        if self._transport.is_closing():
            self._closing = True
        else:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._waiting = False
        if self._last and not self._closing:
            self._send_last(b"", linger=False)
        self._resume()

    def _yield_to_others(self, received: Received) -> None:
        self._clicks.counters.pipelines_yielded += 1
        self._waiting = True
        self._pause_reading()
        self._loop.call_soon(self._take_turn, received)

    def _take_turn(self, received: Received) -> None:
        self._waiting = False
        if not self._closing:
            self.turn.begin()
            self._answer(received)
            self._resume()

    def _resume(self) -> None:
        if self._closing or self._waiting or self._write_paused:
            return
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self.turn.begin()
        self._proceed()

    def _send(self, response: Response, received: Received) -> None:
        """Send a response with this turn's, and close after it where it is the connection's last."""
        if not received.keeps_alive or self._last:
            response = ending(response)
        turn = self.turn
        turn.begin()
        data = render(response, turn.default_headers, body=received.head.method != b"HEAD")
        if response.closes:
            self._send_last(data, linger=received.head.has_body or self._pending)
        else:
            turn.responses.append((self.write, data))

    def _refuse(self, response: Response) -> None:
        """Send a refusal and end the connection."""
        self._clicks.counters.answered(response.status)
        self.turn.begin()
        self._send_last(render(response, self.turn.default_headers), linger=True)

    def _send_last(self, data: bytes, *, linger: bool) -> None:
        self._closing, self.ready = True, False
        self._reader = None
        self._since = self._loop.time()
        self.active = False
        self.turn.begin()
        self.turn.responses.append((self._write_and_linger if linger else self._write_and_close, data))

    def _write_and_close(self, data: bytes) -> None:
        if data:
            self._transport.write(data)
        self._transport.close()

    def _write_and_linger(self, data: bytes) -> None:
        """Close our half; the sweep closes the rest, unless the peer does."""
        self._transport.write(data)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _abort_after(self, limit_s: float, waited_s: float) -> None:
        if waited_s > limit_s:
            self._clicks.counters.timeouts += self._write_paused or self._waiting
            self._transport.abort()

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()


class HandedOn(HttpToolsProtocol):
    """uvicorn's protocol for one request; where it would wait for the next one, it gives the connection back."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        owner: Conversation,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._owner = owner

    def on_response_complete(self) -> None:
        """Give the connection back."""
        self.server_state.total_requests += 1
        self._owner.taken_back()
