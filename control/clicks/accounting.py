"""The account of every edge's clicks: what its processes told, against what SQL has."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from control.clicks import store
from control.clicks.models import BootRow
from control.clicks.schemas import Accounting, BootAccount, Counts, EdgeAccount, StreamAccount
from control.fields import utc
from control.parts import Parts
from shared.wire import CLICKS, CLICKS_COUNTS

BOOTS_SHOWN: Final = 20

_OLDEST: Final = "local e = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1) return e[1] and e[1][1]"


class _Told(NamedTuple):
    """What a process that runs, or its adopter, told Redis last."""

    host: str
    slot: int
    produced: int
    dropped: dict[str, int]


async def account(parts: Parts) -> Accounting:
    """Return where every counted click is."""
    stream: StreamAccount | None = None
    told: dict[str, _Told] = {}
    try:  # before SQL is asked, so that what is recorded in between cannot seem to be more than was produced
        told = await _told(parts.clicks_redis)
        stream = await _stream(parts.clicks_redis)
    except RedisError:
        pass
    async with parts.clicks_db.read() as session:
        rows = {row.boot: row for row in await store.boots(session)}
        dead_letters = await store.dead_letters(session)
    hosts: dict[str, list[BootAccount]] = defaultdict(list)
    for boot in [*(boot for boot in told if boot not in rows), *rows]:
        row, news = rows.get(boot), told.get(boot)
        hosts[row.host if row else told[boot].host].append(_boot(boot, row, news))
    edges = [
        EdgeAccount(**_sum(boots).model_dump(), host=host, boots=boots[:BOOTS_SHOWN])
        for host, boots in sorted(hosts.items())
    ]
    return Accounting(total=_sum(edges), edges=edges, stream=stream, dead_letters=dead_letters)


async def _told(redis: Redis) -> dict[str, _Told]:
    found: Any = await redis.hgetall(CLICKS_COUNTS)
    told: dict[str, _Told] = {}
    for boot, raw in found.items():
        try:
            told[_text(boot)] = _Told(**orjson.loads(raw))
        except (TypeError, ValueError):  # another release's
            continue
    return told


async def _stream(redis: Redis) -> StreamAccount:
    length: Any = await redis.xlen(CLICKS)
    oldest: Any = await redis.eval(_OLDEST, 1, CLICKS)
    age_ms = time.time_ns() // 1_000_000 - int(_text(oldest).partition("-")[0]) if oldest else 0
    return StreamAccount(entries=length, oldest_age_ms=max(0, age_ms))


def _boot(boot: str, row: BootRow | None, told: _Told | None) -> BootAccount:
    produced = max(row.produced if row else 0, told.produced if told else 0)
    recorded = row.recorded if row else 0
    dropped = Counter(row.dropped if row else {}) | Counter(told.dropped if told else {})
    if row and row.malformed:
        dropped["malformed"] = row.malformed
    return BootAccount(
        boot=boot,
        slot=row.slot if row else told.slot if told else 0,
        produced=produced,
        recorded=recorded,
        in_flight=produced - recorded - dropped.total(),
        dropped=dict(dropped),
        first_at=utc(row.first_at) if row else None,
        last_at=utc(row.last_at) if row else None,
    )


def _sum(accounts: Sequence[Counts]) -> Counts:
    return Counts(
        produced=sum(account.produced for account in accounts),
        recorded=sum(account.recorded for account in accounts),
        in_flight=sum(account.in_flight for account in accounts),
        dropped=dict(_total(account.dropped for account in accounts)),
    )


def _total(dropped: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in dropped:
        total.update(counts)
    return total


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
