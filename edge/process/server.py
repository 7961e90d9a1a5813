"""uvicorn's server, as one worker runs it: our protocol class, one socket it is given, no signals and no log lines."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from edge.clicks.click import Clicks
from edge.http.pages import build_app
from edge.http.protocol import protocol_for
from edge.process.listen import BACKLOG

GRACEFUL_S: Final = 5
"""For requests in flight when a worker stops; the fast road takes microseconds, a miss at most 200 ms."""


class Server(uvicorn.Server):
    """Serves `clicks` until `should_exit` is set. `on_started` is called once visitors are let in.

    Signals are the worker's: it knows what else there is to stop.
    """

    def __init__(self, clicks: Clicks, keep_alive_s: int, on_started: Callable[[], None]) -> None:
        config = uvicorn.Config(
            build_app(clicks),
            http=protocol_for(clicks),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=GRACEFUL_S,
        )
        config.load()
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell."""
        await super().startup(sockets)
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
