"""Redis, as the publisher writes it: heads, batches, the steps of a rebuild. One attempt each, explicit deadlines.

A step that fails on the way may or may not have been taken: callers read the head again, and replay is harmless.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from control.publishing import scripts
from control.publishing.fleet import Leases
from control.publishing.journal import NewestRow
from control.publishing.outbox import Transaction
from control.publishing.standing import head_in
from shared.wire import (
    CHANNEL,
    DOMAINS,
    EDGES,
    HEAD,
    LOG,
    SALTS,
    TAG,
    Announcement,
    Head,
    Version,
    encode_announcement,
    encode_head,
    encode_value,
    redis_key,
)

TOMBSTONE_TTL_MS: Final = 24 * 3600 * 1000
LOG_ENTRIES: Final = 100_000
LOG_BYTES: Final = 64 * 1024 * 1024
_PUBLISHED: Final = (f"{TAG}o:", f"{TAG}k:", f"{TAG}{DOMAINS}", f"{TAG}{SALTS}")
_SCAN_COUNT: Final = 1_000


class UnfitRedis(Exception):
    """A Redis that must not carry links; the text says why and what to do."""


class Carrier:
    """The rules Redis; every method may raise RedisError, and then leaves open whether it happened."""

    def __init__(self, redis: Redis, log_bytes: int = LOG_BYTES) -> None:
        self._redis = redis
        self._log_bytes = log_bytes
        self._publish = redis.register_script(scripts.PUBLISH)
        self._begin = redis.register_script(scripts.BEGIN_REBUILD)
        self._fill = redis.register_script(scripts.FILL)
        self._bury = redis.register_script(scripts.BURY)
        self._finish = redis.register_script(scripts.FINISH_REBUILD)
        self._leases = redis.register_script(scripts.LEASES)

    async def raw_head(self) -> bytes | None:
        """Return the head as it is stored."""
        raw = await self._redis.get(HEAD)
        assert not isinstance(raw, str)  # the client does not decode
        return raw

    async def publish(self, head: Head, batch: Sequence[Transaction]) -> Head | None:
        """Carry `batch`, which follows `head`, and return the head after it; None where Redis has another head."""
        last = batch[-1]
        moved = Head(head.epoch, last.sequence, last.hash, head.state)
        carried = list(_carried(head, batch))
        changes = [(change, value) for _, _, values in carried for change, value in values]
        keys = [HEAD, LOG, CHANNEL, *(redis_key(change.key) for change, _ in changes)]
        arguments: list[Any] = [encode_head(replace(at, state=state)) for at in (head, moved) for state in _STATES]
        arguments += [TOMBSTONE_TTL_MS, LOG_ENTRIES, len(batch)]
        for transaction, (entry, message, _) in zip(batch, carried, strict=True):
            arguments += [transaction.sequence, entry, message]
        for change, value in changes:
            arguments += [value, 1 if change.body is None else 0]
        reply = await self._publish(keys=keys, args=arguments)
        return moved if reply[0] == 1 else None

    async def begin_rebuild(self, expected: bytes | None, head: Head) -> bool:
        """Put `head` (loading, of a new epoch) where `expected` is; False where it no longer is."""
        return bool(await self._begin(keys=[HEAD, LOG], args=[expected or b"", encode_head(head)]))

    async def fill(self, epoch: int, rows: Sequence[NewestRow]) -> bool:
        """Set those of `rows` that Redis has older; False where this is no longer the epoch that is loading."""
        keys = [HEAD, *(redis_key(row.key) for row in rows)]
        arguments: list[Any] = [_head_start(epoch), epoch]
        for row in rows:
            arguments += [row.sequence, encode_value(Version(epoch, row.sequence), row.key, row.body)]
        return bool(await self._fill(keys=keys, args=arguments))

    async def bury(self, version: Version, keys: Sequence[str]) -> bool:
        """Put tombstones of `version` over those of `keys` that are of an older epoch; False as in `fill`."""
        arguments: list[Any] = [_head_start(version.epoch), version.epoch, TOMBSTONE_TTL_MS]
        arguments += [encode_value(version, key, None) for key in keys]
        return bool(await self._bury(keys=[HEAD, *map(redis_key, keys)], args=arguments))

    async def finish_rebuild(self, head: Head) -> bool:
        """Make the loading `head` ready and tell the edges; False where the head moved on meanwhile."""
        ready = replace(head, state="ready")
        message = encode_announcement(Announcement(head.epoch, head.sequence, head.sequence, (), (), hash=head.hash))
        arguments = [encode_head(head), encode_head(ready), message]
        return bool(await self._finish(keys=[HEAD, CHANNEL], args=arguments))

    async def scan(self, cursor: int) -> tuple[int, list[str]]:
        """Return the next cursor (0 at the end) and some of the published keys that Redis has."""
        cursor, names = await self._redis.scan(cursor, match=f"{TAG}*", count=_SCAN_COUNT)
        return int(cursor), [name.removeprefix(TAG) for name in map(_text, names) if name.startswith(_PUBLISHED)]

    async def leases(self) -> Leases:
        """Return every lease, and the head of the same moment."""
        head, names, values = await self._leases(keys=[EDGES, HEAD])
        return Leases(head_in(head), {_text(name): value for name, value in zip(names, values, strict=True)})

    async def forget_leases(self, names: Sequence[str]) -> None:
        """Take lapsed leases out of the set of those ever written."""
        await self._redis.srem(EDGES, *names)

    async def bound_log(self) -> None:
        """Shorten the log where it takes more than 64 MiB: its count is bounded, its entries' sizes are not."""
        size_bytes = await self._redis.memory_usage(LOG) or 0
        if size_bytes > self._log_bytes:
            length = await self._redis.xlen(LOG)
            kept = length * self._log_bytes * 9 // (size_bytes * 10)
            await self._redis.xtrim(LOG, maxlen=kept, approximate=True)

    async def hang_up(self) -> None:
        """Close idle connections: after a failover the next one reaches whoever now has the address."""
        await self._redis.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def require_no_eviction(self) -> None:
        """Raise UnfitRedis unless Redis refuses writes when its memory is full, rather than forget links."""
        policy = await self._eviction_policy()
        if policy not in ("noeviction", ""):
            raise UnfitRedis(
                f"the rules Redis has maxmemory-policy {policy} and may forget links: set it to noeviction"
                " (CONFIG SET maxmemory-policy noeviction) or use another server for rules"
            )

    async def _eviction_policy(self) -> str:
        try:
            settings = await self._redis.config_get("maxmemory-policy")
            if policy := settings.get("maxmemory-policy"):
                return str(policy)
        except ResponseError:  # hosted servers forbid CONFIG
            pass
        return str((await self._redis.info("memory")).get("maxmemory_policy", ""))


_STATES: Final = ("ready", "loading")


def _carried(head: Head, batch: Sequence[Transaction]) -> Iterator[tuple[bytes, bytes, list[tuple[Any, bytes]]]]:
    """Yield each transaction's log entry, message, and changes with their stored values."""
    previous, before = head.sequence, head.hash
    for transaction in batch:
        version = Version(head.epoch, transaction.sequence)
        values = [(change, encode_value(version, change.key, change.body)) for change in transaction.changes]
        keys = tuple(change.key for change in transaction.changes)
        entry = Announcement(head.epoch, previous, transaction.sequence, keys, None, before, transaction.hash)
        message = replace(entry, values=tuple(value for _, value in values))
        yield encode_announcement(entry), encode_announcement(message), values
        previous, before = transaction.sequence, transaction.hash


def _head_start(epoch: int) -> bytes:
    """Return how every head of `epoch` begins."""
    return b'{"epoch":%d,' % epoch


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode(errors="replace")
