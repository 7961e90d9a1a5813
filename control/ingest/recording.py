"""The transaction that makes batches count: seen, texts, visitors, raw clicks, rollups, or none of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import DeadLetterRow
from control.db import Database
from control.ingest import decoding as at
from control.ingest.batches import Batch
from control.ingest.decoding import Click, Refused, Texts, read_lines
from control.ingest.dictionary import CellNumbers, TextNumbers
from control.ingest.ledger import Ledger, Outcome
from control.ingest.rollups import roll_up
from control.ingest.statements import ADD_QUARTERS, INSERT_CLICKS, REOPEN_DAYS, new_visitors, run_many

MAX_KEPT_BYTES: Final = 4096
"""How much of a dead letter is kept."""

_NUMBERED: Final = (at.DOMAIN, at.SLUG, at.OFFER, at.LINK, at.RULE, at.COUNTRY, at.DEVICE, at.OS, at.BROWSER)
_PERSON: Final = 0
_REMEMBERED: Final = 200_000


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
        self._texts = Texts()
        self._text_numbers = TextNumbers()
        self._raw_numbers: dict[bytes, int] = {}
        self._cells = cells or CellNumbers()

    async def record(self, batches: Sequence[Batch], letters: Sequence[DeadLetter], now_ms: int) -> Recorded:
        """Record every batch that SQL does not have, and these dead letters, in one transaction."""
        try:
            async with self._db.write() as session:
                return await self._record(session, batches, letters, now_ms)
        except BaseException:
            self._text_numbers.forget()
            self._raw_numbers.clear()
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
            found, refused = read_lines(batch.lines)
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
        numbers = await self._number_texts(session, clicks)
        firsts = await self._find_firsts(session, clicks, numbers)
        rows = sorted(self._rows(clicks, firsts, numbers))
        await run_many(connection, INSERT_CLICKS, rows)
        await self._add_quarters(session, clicks, firsts, numbers)
        await run_many(connection, REOPEN_DAYS, [(quarter,) for quarter in {click.quarter for click in clicks}])

    async def _number_texts(self, session: AsyncSession, clicks: list[Click]) -> dict[bytes, int]:
        wanted = {click.fields[field] for click in clicks for field in _NUMBERED}
        if len(self._raw_numbers) > _REMEMBERED:
            self._raw_numbers.clear()
        missing = wanted - self._raw_numbers.keys()
        if missing:
            texts = {raw: self._texts.plain(raw) for raw in missing}
            numbers = await self._text_numbers.numbers(session, texts.values())
            self._raw_numbers.update((raw, numbers[text]) for raw, text in texts.items())
        return self._raw_numbers

    async def _find_firsts(self, session: AsyncSession, clicks: list[Click], numbers: dict[bytes, int]) -> list[bool]:
        """Return of each click whether it is the first of its visitor on its offer that day."""
        connection = await session.connection()
        visitors: dict[tuple[int, int], set[int]] = defaultdict(set)
        for click in clicks:
            if click.kind == _PERSON and click.visitor is not None:
                visitors[click.day, numbers[click.fields[at.OFFER]]].add(click.visitor)
        new = {(day, offer): await new_visitors(connection, day, offer, who) for (day, offer), who in visitors.items()}
        return list(_take_firsts(clicks, new, numbers))

    def _rows(self, clicks: list[Click], firsts: list[bool], number: dict[bytes, int]) -> Iterator[tuple[Any, ...]]:
        """Yield the columns of ClickRow, in their order."""
        plain, sent = self._texts.plain, self._texts.sent
        for (fields, time_ms, _, _, kind, revision, visitor), first in zip(clicks, firsts, strict=True):
            click_id, _, domain, slug, offer, link, _, rule, country, device, os, browser, _, *given = fields
            yield (
                number[offer],
                time_ms,
                click_id.decode(),
                kind,
                int(first),
                number[domain],
                number[slug],
                number[link],
                revision,
                number[rule],
                number[country],
                number[device],
                number[os],
                number[browser],
                *[sent(raw) if raw else "" for raw in given[:-3]],
                plain(given[-3]),
                plain(given[-2]),
                visitor,
            )

    async def _add_quarters(
        self, session: AsyncSession, clicks: list[Click], firsts: list[bool], numbers: dict[bytes, int]
    ) -> None:
        rollup = roll_up(clicks, firsts, self._texts)
        await self._cells.load(session, {(numbers[offer], shape) for offer, shape, _, _ in rollup})
        new: list[tuple[int | str, ...]] = []
        rows = []
        for (raw_offer, shape, quarter, values), sums in rollup.items():
            offer = numbers[raw_offer]
            rows.append((offer, shape, quarter, self._cells.number(offer, shape, values, new), *sums))
        await self._cells.save(session, new)
        await run_many(await session.connection(), ADD_QUARTERS, sorted(rows))


def _take_firsts(
    clicks: list[Click], new: dict[tuple[int, int], set[int]], numbers: dict[bytes, int]
) -> Iterator[bool]:
    for click in clicks:
        visitor = click.visitor
        if click.kind != _PERSON or visitor is None:
            yield False
            continue
        left = new[click.day, numbers[click.fields[at.OFFER]]]
        is_first = visitor in left
        left.discard(visitor)
        yield is_first


def _letters(batch: Batch, refused: Sequence[Refused]) -> list[DeadLetter]:
    return [DeadLetter(batch.boot, batch.number, line.reason, line.line) for line in refused]


async def _keep_dead(session: AsyncSession, letters: Sequence[DeadLetter], now_ms: int) -> None:
    if letters:
        rows = [{**letter._asdict(), "content": letter.content[:MAX_KEPT_BYTES], "at": now_ms} for letter in letters]
        await session.execute(insert(DeadLetterRow), rows)
