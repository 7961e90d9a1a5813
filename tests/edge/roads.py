"""Both roads on a fake transport, with a fixed clock and fixed ids, so that equal requests have equal answers."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from edge.clicks.click import Clicks
from edge.clicks.click_id import ClickIds
from edge.clicks.counters import Counters
from edge.clicks.visitors import Visitors
from edge.http.pages import build_app
from edge.http.protocol import ClickProtocol, protocol_for
from edge.rules.cache import Entry
from shared.client_ip import TrustedProxies
from tests import builders
from tests.fakes import FakeLinks, FakeSpool

NOW_MS = 1_795_000_000_000  # 2026-11-18
SALTS = {"2026-11-18": b"s" * 16}
PROXY, STRANGER = "10.0.0.1", "198.51.100.7"


def known_names(user_agent: str) -> tuple[str, str]:
    """A resolver that knows no agent."""
    return "Other", "Other"


class Edge:
    """A worker's parts, in memory. `clock_ms` may be set; ids begin at the same place in every Edge."""

    def __init__(
        self,
        entries: Iterable[Entry] = (),
        *,
        links: FakeLinks | None = None,
        country_header: str | None = None,
        names: Callable[[str], tuple[str, str]] = known_names,
        **settings: Any,
    ) -> None:
        self.links = links or FakeLinks(entries, salts=SALTS)
        self.spool = FakeSpool()
        self.counters = Counters()
        self.now_ms = NOW_MS
        self.visitors = Visitors(
            names,
            builders.COUNTRIES.get,
            self.counters,
            trusted=TrustedProxies.parse("10.0.0.0/8"),
            country_header=country_header,
        )
        ids = ClickIds(draw_bits=lambda bits: 0)
        self.clicks = Clicks(
            self.links, self.visitors, self.spool, self.counters, ids=ids, clock_ms=lambda: self.now_ms, **settings
        )
        self.app = build_app(self.clicks)
        self.state = ServerState()
        self.protocol_class = protocol_for(self.clicks)

    def config(self, **changes: Any) -> Config:
        """The configuration both roads run under."""
        config = Config(
            self.app,
            http=self.protocol_class,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            **changes,
        )
        config.load()
        return config

    def fast(self, peer: str = PROXY, **config: Any) -> "Connection":
        """A new connection on the fast road."""
        loop = asyncio.get_running_loop()
        return Connection(self.protocol_class(self.config(**config), self.state, {}, loop), peer)

    def plain(self, peer: str = PROXY) -> "Connection":
        """A new connection to the Starlette app behind uvicorn's own protocol."""
        loop = asyncio.get_running_loop()
        return Connection(HttpToolsProtocol(self.config(), self.state, {}, loop), peer)


class Transport(asyncio.Transport):
    """A socket's stand-in: keeps what is written, and what was done to it."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 50_000), "sockname": ("10.0.0.2", 80)})
        self.written: list[bytes] = []
        self.closed = self.aborted = self.ended = self.paused = False
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: Any) -> None:
        if self.ended:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not self.closed:
            self.written.append(bytes(data))

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._lost)

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def _lost(self) -> None:
        if self.protocol is not None:
            self.protocol.connection_lost(None)


class Connection:
    """One connection as its client sees it."""

    def __init__(self, protocol: asyncio.Protocol, peer: str) -> None:
        self.protocol: Any = protocol
        self.transport = Transport(peer)
        self.transport.protocol = protocol
        protocol.connection_made(self.transport)

    @property
    def fast_protocol(self) -> ClickProtocol:
        """The protocol of a connection on the fast road."""
        assert isinstance(self.protocol, ClickProtocol)
        return self.protocol

    @property
    def ends(self) -> bool:
        """Whether the server has ended its half of the connection."""
        return self.transport.closed or self.transport.ended

    async def send(self, *chunks: bytes) -> bytes:
        """Send bytes, one read each, and return what comes back until nothing more does."""
        before = len(self.transport.written)
        for chunk in chunks:
            if not self.transport.closed:
                self.protocol.data_received(chunk)
        await settle()
        return b"".join(self.transport.written[before:])


async def settle() -> None:
    """Let everything that is due run. Nothing here waits for the outside, so a few turns are enough."""
    for _ in range(12):
        await asyncio.sleep(0)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return `data` in pieces, cut at the given places."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if end > start]


def status_of(answer: bytes) -> int:
    """Return the status of the first response in `answer`, 0 where there is none."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def header_of(answer: bytes, name: str) -> str | None:
    """Return the value of a header of the first response in `answer`."""
    for line in answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n")[1:]:
        found, _, value = line.partition(b": ")
        if found == name.encode():
            return value.decode()
    return None
