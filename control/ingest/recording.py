"""The transaction that makes batches count: seen, texts, visitors, raw clicks, rollups, or none of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from control.clicks.models import DeadLetterRow
from control.clicks.shapes import DAY_MS, KINDS, QUARTER_MS
from control.db import Database
from control.ingest.batches import Batch
from control.ingest.decoding import Click, Link, Reader, Refused, Visit
from control.ingest.dictionary import CellNumbers, TextNumbers
from control.ingest.ledger import Ledger, Outcome
from control.ingest.rollups import roll_up
from control.ingest.statements import ADD_QUARTERS, INSERT_CLICKS, REOPEN_DAYS, new_visitors, run_many

MAX_KEPT_BYTES: Final = 4096
"""How much of a dead letter is kept."""

_PERSON: Final = KINDS[b"person"]

_Numbers = Mapping[str, int]


class DeadLetter(NamedTuple):
    """Something that cannot be counted, and why."""

    boot: str
    batch: int
    reason: str
    content: bytes


class Recorded(NamedTuple):
    """What a transaction did: new events, repeated batches, dead letters; and `done` of every boot in it."""

    events: int
    repeated: int
    dead: int
    done: dict[str, int]


class Recorder:
    """Records batches, remembering between transactions what numbers texts and cells have."""

    def __init__(self, db: Database, cells: CellNumbers | None = None) -> None:
        """Take the clicks database."""
        self._db = db
        self._reader = Reader()
        self._text_numbers = TextNumbers()
        self._cells = cells or CellNumbers()

    async def record(self, batches: Sequence[Batch], letters: Sequence[DeadLetter], now_ms: int) -> Recorded:
        """Record every batch that SQL does not have, and these dead letters, in one transaction."""
        try:
            async with self._db.write() as session:
                return await self._record(session, batches, letters, now_ms)
        except BaseException:
            self._text_numbers.forget()
            self._cells.forget()
            raise

    async def bury(self, batch: Batch, reason: str, now_ms: int) -> Recorded:
        """Count a batch as seen and all of its lines as malformed: SQL takes none of them, whatever the reason."""
        letter = DeadLetter(batch.boot, batch.number, reason, b"\n".join(batch.lines))
        async with self._db.write() as session:
            ledger = await Ledger.load(session, {batch.boot})
            if ledger.is_new(batch):
                ledger.note(batch, Outcome(0, len(batch.lines)), now_ms)
            await ledger.save(session)
            await _keep_dead(session, [letter], now_ms)
            return Recorded(0, 0, 1, ledger.done)

    async def _record(
        self, session: AsyncSession, batches: Sequence[Batch], letters: Sequence[DeadLetter], now_ms: int
    ) -> Recorded:
        ledger = await Ledger.load(session, {batch.boot for batch in batches})
        clicks: list[Click] = []
        dead = list(letters)
        repeated = 0
        for batch in batches:
            if not ledger.is_new(batch):
                repeated += 1
                continue
            found, refused = self._reader.read(batch.lines)
            clicks += found
            dead += _letters(batch, refused)
            ledger.note(batch, Outcome(len(found), len(refused)), now_ms)
        if clicks:
            await self._record_clicks(session, clicks)
        await ledger.save(session)
        await _keep_dead(session, dead, now_ms)
        return Recorded(len(clicks), repeated, len(dead), ledger.done)

    async def _record_clicks(self, session: AsyncSession, clicks: list[Click]) -> None:
        connection = await session.connection()
        links, visits = {click.link for click in clicks}, {click.visit for click in clicks}
        numbers = await self._text_numbers.numbers(session, _texts(links, visits))
        firsts = await _find_firsts(connection, clicks, numbers)
        of_link = {link: _of_link(link, numbers) for link in links}
        of_visit = {visit: _of_visit(visit, numbers) for visit in visits}
        await run_many(connection, INSERT_CLICKS, sorted(_rows(clicks, firsts, of_link, of_visit)))
        await self._add_quarters(session, clicks, firsts, numbers)
        quarters = {click.time_ms // QUARTER_MS for click in clicks}
        await run_many(connection, REOPEN_DAYS, [(quarter,) for quarter in quarters])

    async def _add_quarters(
        self, session: AsyncSession, clicks: list[Click], firsts: list[bool], numbers: _Numbers
    ) -> None:
        rollup = roll_up(clicks, firsts)
        await self._cells.load(session, {(numbers[offer], shape) for offer, shape, _, _ in rollup})
        new: list[tuple[int | str, ...]] = []
        rows = []
        for (name, shape, quarter, values), sums in rollup.items():
            offer = numbers[name]
            rows.append((offer, shape, quarter, self._cells.number(offer, shape, values, new), *sums))
        await self._cells.save(session, new)
        await run_many(await session.connection(), ADD_QUARTERS, sorted(rows))


async def _find_firsts(connection: AsyncConnection, clicks: list[Click], numbers: _Numbers) -> list[bool]:
    """Return of each click whether it is the first of its visitor on its offer that day."""
    places: dict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for place, (_, time_ms, link, _, visit, _, visitor) in enumerate(clicks):
        if visit.kind == _PERSON and visitor is not None:
            places[time_ms // DAY_MS, link.offer].setdefault(visitor, place)
    firsts = [False] * len(clicks)
    for (day, offer), place_of in places.items():
        for visitor in await new_visitors(connection, day, numbers[offer], place_of):
            firsts[place_of[visitor]] = True
    return firsts


def _texts(links: Iterable[Link], visits: Iterable[Visit]) -> Iterator[str]:
    """Yield the texts that clicks share by number."""
    for link in links:
        yield from (link.offer, link.domain, link.slug, link.link)
    for visit in visits:
        yield from (visit.rule, visit.country, visit.device, visit.os, visit.browser)


def _rows(
    clicks: list[Click],
    firsts: list[bool],
    of_link: Mapping[Link, tuple[int, int, int, int]],
    of_visit: Mapping[Visit, tuple[int | str, ...]],
) -> Iterator[tuple[Any, ...]]:
    """Yield the columns of ClickRow, in their order."""
    for (click_id, time_ms, link, revision, visit, ip, visitor), first in zip(clicks, firsts, strict=True):
        offer, domain, slug, partner_link = of_link[link]
        row = (offer, time_ms, click_id, visit.kind, int(first), domain, slug, partner_link, revision)
        yield (*row, *of_visit[visit], ip, visitor)


def _of_link(link: Link, numbers: _Numbers) -> tuple[int, int, int, int]:
    return numbers[link.offer], numbers[link.domain], numbers[link.slug], numbers[link.link]


def _of_visit(visit: Visit, numbers: _Numbers) -> tuple[int | str, ...]:
    """Return the columns of ClickRow from `rule` to `referrer`."""
    texts = (visit.rule, visit.country, visit.device, visit.os, visit.browser)
    return (*map(numbers.__getitem__, texts), visit.via, visit.coupon, *visit.subs, visit.referrer)


def _letters(batch: Batch, refused: Sequence[Refused]) -> list[DeadLetter]:
    return [DeadLetter(batch.boot, batch.number, line.reason, line.line) for line in refused]


async def _keep_dead(session: AsyncSession, letters: Sequence[DeadLetter], now_ms: int) -> None:
    if letters:
        rows = [{**letter._asdict(), "content": letter.content[:MAX_KEPT_BYTES], "at": now_ms} for letter in letters]
        await session.execute(insert(DeadLetterRow), rows)
