"""What a conversion waits for: its click to be recorded, a partner or code to be made, its prefetch to count as a
person. All of it may come late, and run twice: what is done is found done.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.shapes import DAY_MS
from control.clicks.store import FoundClick
from control.conversions import store
from control.conversions.clicks import PERSON, PREFETCH, ClickStatus, find
from control.conversions.crediting import settle_partners, take_click
from control.conversions.models import ConversionRow
from control.db import now_ms
from control.ingest.promotion import promote
from control.parts import Parts
from control.postbacks.store import prune

logger = logging.getLogger(__name__)

BATCH: Final = 500
LOOK_S: Final = 1.0
NAME_S: Final = 30.0
PRUNE_S: Final = 3600.0
LONGEST_MS: Final = 60 * 60 * 1000
"""A click is looked for when its conversion is twice as old as the time before, and at least once an hour."""


@asynccontextmanager
async def settling(parts: Parts) -> AsyncIterator[None]:
    """Settle conversions while the block runs."""
    stopping = asyncio.Event()
    jobs = ((settle, LOOK_S), (settle_names, NAME_S), (_prune, PRUNE_S))
    tasks = [asyncio.create_task(_repeat(job, parts, pause_s, stopping)) for job, pause_s in jobs]
    try:
        yield
    finally:
        stopping.set()  # and not cancelled: a transaction ends as it should
        await asyncio.gather(*tasks)


async def settle(parts: Parts, now: int | None = None) -> int:
    """Give conversions the clicks that were recorded since, and make prefetches count; return how many were looked at.

    At most BATCH of those that are due by `now` (default: the time).
    """
    now = now_ms() if now is None else now
    async with parts.db.read() as session:
        due = await store.due(session, now, BATCH)
    waiting = {row.number: row.click_id for row in due if row.click_status == ClickStatus.WAITING}
    if waiting:
        async with parts.clicks_db.read() as clicks:
            found = await find(clicks, set(waiting.values()))
        async with parts.db.write() as session:
            rows = [row for row in await store.by_numbers(session, waiting) if row.click_status == ClickStatus.WAITING]
            await _take_clicks(session, rows, found, now, now - parts.settings.click_retention_days * DAY_MS)
    prefetched = {row.number: row.click_id for row in due if row.kind == PREFETCH}
    if prefetched:
        await promote(parts.clicks_db, set(prefetched.values()))
        async with parts.db.write() as session:
            for row in await store.by_numbers(session, prefetched):
                row.kind, row.look_at = PERSON, None
    return len(due)


async def settle_names(parts: Parts) -> int:
    """Write down who is called by now what conversions name, so that it stays; return of how many."""
    async with parts.db.read() as session:
        numbers = await store.nameable(session, BATCH)
    if numbers:
        async with parts.db.write() as session:
            await _settle_partners(session, await store.by_numbers(session, numbers))
    return len(numbers)


async def _take_clicks(
    session: AsyncSession, rows: Sequence[ConversionRow], found: Mapping[str, FoundClick], now: int, lost_before: int
) -> None:
    taken = []
    for row in rows:
        if row.click_id in found:
            await take_click(session, row, found[row.click_id], now)
            taken.append(row)
        elif row.at < lost_before:
            row.click_status, row.look_at = ClickStatus.LOST, None
        else:
            row.look_at = now + min(max(now - row.at, 1_000), LONGEST_MS)
    await _settle_partners(session, taken)


async def _settle_partners(session: AsyncSession, rows: Sequence[ConversionRow]) -> None:
    by_offer: dict[str, list[ConversionRow]] = defaultdict(list)
    for row in rows:
        by_offer[row.offer_id].append(row)
    for of_offer in by_offer.values():
        await settle_partners(session, of_offer)


async def _prune(parts: Parts) -> int:
    async with parts.db.write() as session:
        await prune(session, now_ms())
    return 0


async def _repeat(
    job: Callable[[Parts], Awaitable[int]], parts: Parts, pause_s: float, stopping: asyncio.Event
) -> None:
    """Run a job again and again, at once while it finds whole batches."""
    while not stopping.is_set():
        done = 0
        try:
            done = await job(parts)
        except (SQLAlchemyError, OSError) as exc:  # a database that does not answer now does later
            logger.warning("conversions are settled later: %s", exc)
        except Exception:
            logger.exception("conversions could not be settled; it is tried again")
        if done < BATCH:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause_s)
