"""Clicks as tests make them: events, batches of them, and a recorder over the clicks database under test."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import text

from control.db import Database
from control.ingest.batches import Batch
from control.ingest.dictionary import CellNumbers
from control.ingest.recording import Recorded, Recorder
from shared.events import ClickEvent, encode_event
from tests.control.api import settings_for

NOON_MS = 1_795_262_400_000
"""2026-11-21 12:00 UTC."""

_PLAIN = ClickEvent(
    click_id="",
    time_ms=NOON_MS,
    domain="_",
    slug="saas",
    offer="o_saas",
    link="",
    revision=3,
    rule="r_us",
    country="US",
    device="mobile",
    os="ios",
    browser="Mobile Safari",
    kind="person",
    via="",
    coupon="",
    sub1="",
    sub2="",
    sub3="",
    sub4="",
    sub5="",
    referrer="",
    ip="203.0.113.0",
    visitor="",
)


class Clicks:
    """Makes events with ids of their own."""

    def __init__(self) -> None:
        self.made = 0

    def event(self, **fields: Any) -> ClickEvent:
        """A click like any other but for `fields`; its visitor is new unless named."""
        self.made += 1
        own = {"click_id": f"click{self.made:06d}", "visitor": f"{self.made:016x}"}
        return _PLAIN._replace(**(own | fields))


def batch(number: int, events: Sequence[ClickEvent | bytes], *, boot: str = "boot1", **fields: Any) -> Batch:
    """A batch as it comes out of the stream."""
    lines = [event if isinstance(event, bytes) else encode_event(event) for event in events]
    given: dict[str, Any] = {"host": "edge-1", "slot": 0, "produced": len(lines), "dropped": {}} | fields
    return Batch(entry=b"%d-0" % number, boot=boot, number=number, lines=lines, **given)


class Ingester:
    """A recorder, and the rows that it leaves behind."""

    def __init__(self, db: Database, **limits: int) -> None:
        self.db = db
        self.recorder = Recorder(db, CellNumbers(**limits))

    async def record(self, *batches: Batch) -> Recorded:
        """Record batches in one transaction."""
        return await self.recorder.record(batches, [], NOON_MS)

    async def rows(self, statement: str, **given: Any) -> list[tuple[Any, ...]]:
        """What a SELECT finds."""
        async with self.db.read() as session:
            return [tuple(row) for row in await session.execute(text(statement), given)]

    async def one(self, statement: str, **given: Any) -> Any:
        """The only value of a SELECT's only row."""
        [(value,)] = await self.rows(statement, **given)
        return value


def clicks_database(database_url: str) -> Database:
    """Open the clicks database that goes with a configuration database."""
    return Database.open(settings_for(database_url).clicks_database, lock="turnout:clicks")


def ingesting(database_url: str, claim: Callable[[Ingester], Awaitable[None]], **limits: int) -> None:
    """Run `claim` with an ingester over the database under test."""

    async def run() -> None:
        db = clicks_database(database_url)
        try:
            await claim(Ingester(db, **limits))
        finally:
            await db.close()

    asyncio.run(run())
