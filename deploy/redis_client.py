"""A Redis as commands on this machine ask it: two seconds for each question, wherever Sentinel says it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis import Redis
from redis.sentinel import Sentinel

from shared.redis_address import parse_redis_address

_TIMEOUTS: Final[dict[str, Any]] = {"socket_timeout": 2, "socket_connect_timeout": 2}


@contextmanager
def connected(url: str) -> Iterator["Redis"]:
    """Give a client of the Redis at `url`, which is connected when first asked. Raises ValueError."""
    address = parse_redis_address(url)
    options = {**address.server_options(), **_TIMEOUTS, "decode_responses": True}
    if not address.primary:
        with Redis(**options) as redis:
            yield redis
        return
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.nodes, sentinel_kwargs={**address.sentinel_options(), **_TIMEOUTS}
    )
    try:
        with sentinel.master_for(address.primary, **options) as redis:  # type: ignore[no-untyped-call]
            yield redis
    finally:
        for asked in sentinel.sentinels:
            asked.close()
