"""The raw clicks of a closed day once more, column by column: a byte a click and dimension.

Combinations of dimensions that no rollup holds are counted from these a hundred times as fast as from rows.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.models import ClickRow, ColumnRow
from control.clicks.shapes import COLUMNS, DAY_MS, FOLDED, MEASURE, QUARTER, QUARTER_MS
from control.coupons.models import fold

BLOCK_CLICKS: Final = 65_536
"""Clicks of a block: what one holds in memory, and as many values as two bytes tell apart."""

_KEY: Final = (ClickRow.time_ms, ClickRow.click_id)
_READ: Final = (*_KEY, ClickRow.kind, ClickRow.first, *(getattr(ClickRow, name) for name in COLUMNS))


async def write_columns(session: AsyncSession, offer: int, day: int) -> None:
    """Write the columns of an offer's day in the caller's transaction, in place of those that are there."""
    await session.execute(delete(ColumnRow).where(ColumnRow.offer == offer, ColumnRow.day == day))
    of_day = (ClickRow.offer == offer, ClickRow.time_ms >= day * DAY_MS, ClickRow.time_ms < (day + 1) * DAY_MS)
    query = select(*_READ).where(*of_day).order_by(*_KEY).limit(BLOCK_CLICKS)
    block, rows = 0, (await session.execute(query)).all()
    while rows:
        where = {"offer": offer, "day": day, "block": block, "clicks": len(rows)}
        await session.execute(insert(ColumnRow), [{**where, **column} for column in await _columns(session, rows)])
        if len(rows) < BLOCK_CLICKS:
            return
        block, last = block + 1, tuple(rows[-1][:2])
        rows = (await session.execute(query.where(tuple_(*_KEY) > last))).all()


async def _columns(session: AsyncSession, rows: Sequence[Any]) -> list[dict[str, Any]]:
    times, _, kinds, firsts, *given = zip(*rows, strict=True)
    numbers = {
        number for name, column in zip(COLUMNS, given, strict=True) if name in store.NUMBERED for number in set(column)
    }
    texts = await store.texts(session, numbers)
    measures = [2 * kind + first for kind, first in zip(kinds, firsts, strict=True)]
    quarters = [time_ms // QUARTER_MS for time_ms in times]
    columns = [column_of(MEASURE, measures), column_of(QUARTER, quarters)]
    for name, column in zip(COLUMNS, given, strict=True):
        said: dict[Any, str] = texts if name in store.NUMBERED else {text: text for text in set(column)}
        if name in FOLDED:
            said = {text: fold(text) for text in said}
        columns.append(column_of(name, map(said.__getitem__, column)))
    return columns


def column_of(name: str, values: Iterable[Hashable]) -> dict[str, Any]:
    """Return a column's name, texts and codes; codes rise in the order in which values first come."""
    number: dict[Hashable, int] = {}
    codes = [number.setdefault(value, len(number)) for value in values]
    return {"name": name, "texts": [str(value) for value in number], "codes": _packed(codes, len(number))}


def _packed(codes: Sequence[int], values: int) -> bytes | None:
    if values == 1:
        return None
    if values <= 256:
        return bytes(codes)
    return bytes(code & 255 for code in codes) + bytes(code >> 8 for code in codes)
