"""Clients of Redis: every question has a deadline, none is repeated, and each new connection goes to today's primary.

The library's own defaults would send what may have been done up to ten times more.
"""

from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from shared.redis_address import RedisAddress, parse_redis_address

TIMEOUT_S: Final = 1.0


def connect(url: str, timeout_s: float = TIMEOUT_S) -> Redis:
    """Return a client that answers or fails within `timeout_s`. Raises ValueError."""
    address = parse_redis_address(url)
    limits: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    options = {**address.server_options(), **limits, "retry": Retry(NoBackoff(), 0), "decode_responses": False}
    return _by_sentinel(address, options, limits) if address.primary else Redis(**options)


class _Pool(SentinelConnectionPool):
    """Connections to the primary, which closes those to the Sentinels too."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def _by_sentinel(address: RedisAddress, options: dict[str, Any], limits: dict[str, Any]) -> Redis:
    asking = {**address.sentinel_options(), **limits, "retry": Retry(NoBackoff(), 0)}
    sentinel = Sentinel(address.nodes, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    client = sentinel.master_for(address.primary, connection_pool_class=_Pool, **options)
    assert isinstance(client, Redis)
    return client
