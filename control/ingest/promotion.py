"""Prefetches that were people: somebody bought on one's click id, so it counts as a click after all.

One transaction moves the raw click and every rollup it is in. What guards against doing it twice is the click itself:
it is a prefetch only once. Any process may do it beside the ingesters, under the writer lock.
"""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.models import CellRow, ClickRow
from control.clicks.shapes import DAY_MS, KINDS, MAX_DIMENSIONS, OVERFLOW, QUARTER_MS, SENT_BY_VISITORS, SHAPES
from control.clicks.store import FoundClick
from control.db import Database
from control.ingest.decoding import Click, Reader
from control.ingest.rollups import roll_up
from control.ingest.statements import ADD_QUARTERS, REOPEN_DAYS, new_visitors, run_many
from shared.events import KINDS as NAMES
from shared.events import ClickEvent, encode_event

_PERSON: Final = KINDS[b"person"]
_PREFETCH: Final = KINDS[b"prefetch"]
_AS_STORED: Final = (
    "click_id",
    "time_ms",
    "revision",
    "via",
    "coupon",
    "sub1",
    "sub2",
    "sub3",
    "sub4",
    "sub5",
    "referrer",
    "ip",
)
_DIMENSIONS: Final = {shape.number: shape.dimensions for shape in SHAPES}


async def promote(db: Database, click_ids: Collection[str]) -> int:
    """Make persons of those of these clicks that are prefetches, a transaction each; return how many were."""
    promoted = 0
    for click_id in sorted(click_ids):
        async with db.write() as session:
            click = await store.find(session, click_id)
            if click is not None and click.row.kind == _PREFETCH:
                await _promote(session, click)
                promoted += 1
    return promoted


async def _promote(session: AsyncSession, click: FoundClick) -> None:
    row = click.row
    first = await _is_first(session, row)
    await _move_rollups(session, click, first)
    where = (ClickRow.offer == row.offer, ClickRow.time_ms == row.time_ms, ClickRow.click_id == row.click_id)
    await session.execute(update(ClickRow).where(*where).values(kind=_PERSON, first=int(first)))
    await run_many(await session.connection(), REOPEN_DAYS, [(row.time_ms // QUARTER_MS,)])


async def _is_first(session: AsyncSession, row: ClickRow) -> bool:
    """Tell whether this is the visitor's first click on the offer that day, and note that there has been one."""
    if row.visitor is None:
        return False
    new = await new_visitors(await session.connection(), row.time_ms // DAY_MS, row.offer, [row.visitor])
    return row.visitor in new


async def _move_rollups(session: AsyncSession, click: FoundClick, first: bool) -> None:
    offer = click.row.offer
    before = roll_up([_as_read(click, _PREFETCH)], [False])
    after = roll_up([_as_read(click, _PERSON)], [first])
    rows = []
    for key, sums in after.items():
        _, shape, quarter, values = key
        cell = await _cell(session, offer, shape, values)
        if cell is not None:
            moved = [count - was for count, was in zip(sums, before[key], strict=True)]
            rows.append((offer, shape, quarter, cell, *moved))
    await run_many(await session.connection(), ADD_QUARTERS, sorted(rows))


def _as_read(click: FoundClick, kind: int) -> Click:
    """Return a recorded click as it was when it was read from its line, as one of a kind."""
    fields: dict[str, Any] = {
        **click.texts,
        **{name: getattr(click.row, name) for name in _AS_STORED},
        "kind": NAMES[kind],
        "visitor": "",
    }
    event = ClickEvent(**fields)
    [read], _ = Reader().read([encode_event(event)])
    return read


async def _cell(session: AsyncSession, offer: int, shape: int, values: tuple[str, ...]) -> int | None:
    """Return the number of the cell that counts a click: its own, what stands for it in a full shape, or None."""
    hidden = tuple(
        OVERFLOW if dimension in SENT_BY_VISITORS else value
        for dimension, value in zip(_DIMENSIONS[shape], values, strict=True)
    )
    columns = (CellRow.v1, CellRow.v2, CellRow.v3, CellRow.v4, CellRow.v5)
    for candidate in (values, hidden):
        padded = (*candidate, *[""] * (MAX_DIMENSIONS - len(candidate)))
        same = (column == value for column, value in zip(columns, padded, strict=True))
        number = await session.scalar(select(CellRow.id).where(CellRow.offer == offer, CellRow.shape == shape, *same))
        if number is not None:
            return int(number)
    return None
