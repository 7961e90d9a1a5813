"""Where others reach this edge: its leases say it, so that control can ask every edge what it serves."""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

log = logging.getLogger("edge.whereabouts")

TRY_AGAIN_S: Final = 10.0
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104  # compared, not bound
_REDIS_PORT: Final = 6379


class Whereabouts:
    """The address for others, "" until it is known: `given`, or the one that is listened on.

    Who listens on every address has many names; the one that its way to Redis begins with is one that control, which
    reaches the same Redis, can most likely reach.
    """

    def __init__(self, given: str, host: str, port: int, redis_url: str) -> None:
        self._port = port
        self._redis_url = redis_url
        self.address = given or ("" if host in _EVERYWHERE else _joined(host, port))

    async def find(self) -> None:
        """Return once the address is known, trying again while names cannot be resolved."""
        while not self.address:
            with suppress(OSError):
                self.address = _joined(await _own_address_towards(self._redis_url), self._port)
                log.debug("reachable for others", extra={"address": self.address})
                return
            await asyncio.sleep(TRY_AGAIN_S)


async def _own_address_towards(url: str) -> str:
    """Return the local address of a packet to the server in `url`; none is sent. Raises OSError."""
    parts = urlsplit(url)
    if not parts.hostname:  # a Unix socket: everything is on this machine
        return "127.0.0.1"
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.hostname, parts.port or _REDIS_PORT, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
