"""Clients of Redis: every question has a deadline, none is repeated, and each new connection goes to today's primary.

The library's own defaults wait five seconds and try ten times more; a frozen server would hold a visitor for a minute.
"""

from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from shared.redis_address import RedisAddress, parse_redis_address

CONNECT_TIMEOUT_S: Final = 0.2
TLS_CONNECT_TIMEOUT_S: Final = 1.0
"""By TLS a connection takes three times there and back, and work at both ends; nobody waits for it but the errands."""


def connect(url: str, timeout_s: float, connections: int) -> Redis:
    """Return a client with at most `connections` connections, made when first needed. Raises ValueError."""
    address = parse_redis_address(url)
    connect_timeout_s = TLS_CONNECT_TIMEOUT_S if address.tls else CONNECT_TIMEOUT_S
    limits: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": max(connect_timeout_s, timeout_s)}
    options = {
        **address.server_options(),
        **limits,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": connections,
        "protocol": 2,
        "decode_responses": False,
        "client_name": "turnout-edge",
    }
    return _by_sentinel(address, options, limits) if address.primary else Redis(**options)


class _Pool(SentinelConnectionPool):
    """Connections to the primary, which closes those to the Sentinels too."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def _by_sentinel(address: RedisAddress, options: dict[str, Any], limits: dict[str, Any]) -> Redis:
    asking = {**address.sentinel_options(), **limits, "retry": Retry(NoBackoff(), 0), "protocol": 2}
    sentinel = Sentinel(address.nodes, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    client = sentinel.master_for(address.primary, connection_pool_class=_Pool, **options)
    assert isinstance(client, Redis)
    return client
