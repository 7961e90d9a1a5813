"""The rules Redis as a worker asks it: what is published is read here, and its lease is written here.

Both are one server, or a replica that is near and the primary, which alone takes leases. Everything read comes from the
same one of the two, so that what is read of one moment is of one moment; `source` says which one.
"""

import hashlib
from collections.abc import Awaitable, Sequence
from typing import Any, Final, NamedTuple, Self

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError

from edge.feed import scripts
from edge.redis_client import connect
from edge.rules.replies import Miss, Page, Reading, parse_misses, parse_page, parse_reading, read_head
from shared import wire
from shared.key import Key
from shared.wire import Head, Version

TIMEOUT_S: Final = 0.2
"""For one link or the head, connecting included."""

READ_TIMEOUT_S: Final = 1.0
"""For pages of the log and batches, which nobody waits for."""

FAILURES: Final = (RedisError, OSError, TimeoutError)
"""What any question may raise: Redis did not answer, or not in time, or not sensibly."""


class Script:
    """Lua known to Redis by its digest; sent whole where Redis has forgotten it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._sha = ""

    async def run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        """Run it and return its reply. Raises one of FAILURES."""
        if self._sha:
            try:
                return await redis.evalsha(self._sha, len(keys), *keys, *arguments)
            except NoScriptError:
                pass
        self._sha = self._sha or _digest(self.text)
        return await redis.eval(self.text, len(keys), *keys, *arguments)


class RulesRedis:
    """The questions a worker asks. All may raise one of FAILURES; replies that make no sense count as one."""

    def __init__(self, url: str, fetchers: int, replica_url: str | None = None) -> None:
        self._near = _Readers.of(replica_url or url, fetchers)
        self._far = _Readers.of(url, fetchers) if replica_url else self._near
        self._quick, self._patient = self._near
        self._primary = connect(url, TIMEOUT_S, 2) if replica_url else self._quick
        self._misses = Script(scripts.MISSES)
        self._read = Script(scripts.READ)
        self._page = Script(scripts.PAGE)
        self._lease = Script(scripts.LEASE)

    def use(self, *, replica: bool) -> None:
        """Ask the replica from now on, or the primary."""
        self._quick, self._patient = self._near if replica else self._far

    async def head(self) -> Head | None:
        """Return the head, None where there is none."""
        return await _head(self._quick)

    async def head_of(self, *, replica: bool) -> Head | None:
        """Return the head at the replica, or at the primary, whichever is asked otherwise."""
        return await _head((self._near if replica else self._far).quick)

    async def misses(self, keys: Sequence[Key]) -> list[Miss]:
        """Return each link's pointer and table, all read with one head."""
        names = (wire.HEAD, *(wire.redis_key(wire.pointer_key(key)) for key in keys))
        return parse_misses(await self._misses.run(self._quick, names))

    async def read(self, keys: Sequence[str]) -> Reading:
        """Return the values of published keys, read with the head."""
        names = (wire.HEAD, *map(wire.redis_key, keys))
        return parse_reading(keys, await self._read.run(self._patient, names))

    async def page(self, after: Version) -> Page:
        """Return the log after a version, and the values of the keys that it names."""
        arguments = (
            after.epoch,
            after.sequence + 1,
            scripts.MAX_PAGE_ENTRIES,
            scripts.MAX_PAGE_KEYS,
            scripts.MAX_PAGE_BYTES,
        )
        return parse_page(await self._page.run(self._patient, (wire.HEAD, wire.LOG), arguments))

    async def write_lease(self, name: str, lease: bytes) -> Head | None:
        """Write a lease, and list it; return where the primary stands, which a replica may be behind."""
        names = (name, wire.EDGES, wire.HEAD)
        return read_head(await self._at_the_primary(self._lease.run(self._primary, names, (lease, wire.LEASE_TTL_MS))))

    async def delete_lease(self, name: str) -> None:
        """Take a lease back."""
        pipe = self._primary.pipeline(transaction=False)
        pipe.delete(name)
        pipe.srem(wire.EDGES, name)
        await self._at_the_primary(pipe.execute())

    async def _at_the_primary(self, asked: Awaitable[Any]) -> Any:
        """Return the reply; a server that is no longer the primary is hung up on, so that its successor is found."""
        try:
            return await asked
        except ReadOnlyError:
            await self._primary.connection_pool.disconnect(inuse_connections=False)
            raise

    async def close(self) -> None:
        """Close the connections."""
        for client in {*self._near, *self._far, self._primary}:
            await client.aclose()


class _Readers(NamedTuple):
    """Clients of one server: for what somebody waits for, and for what nobody does."""

    quick: Redis
    patient: Redis

    @classmethod
    def of(cls, url: str, fetchers: int) -> Self:
        return cls(connect(url, TIMEOUT_S, fetchers + 2), connect(url, READ_TIMEOUT_S, 2))


async def _head(redis: Redis) -> Head | None:
    raw = await redis.get(wire.HEAD)
    assert not isinstance(raw, str)  # the client does not decode
    return read_head(raw)


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
