"""Queries on single clicks and on boots."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import BootRow, ClickRow, DeadLetterRow, TextRow

NUMBERED: Final = ("offer", "domain", "slug", "link", "rule", "country", "device", "os", "browser")
"""Columns of ClickRow that are numbers of texts."""
_ASKED_AT_ONCE: Final = 1_000


class FoundClick(NamedTuple):
    """A raw click, and its numbered columns as texts."""

    row: ClickRow
    texts: Mapping[str, str]


async def find(session: AsyncSession, click_id: str) -> FoundClick | None:
    """Return the click with an id, or None where it is not ingested, or forgotten."""
    row = (await session.scalars(select(ClickRow).where(ClickRow.click_id == click_id).limit(1))).one_or_none()
    return None if row is None else (await named(session, [row]))[0]


async def named(session: AsyncSession, rows: Sequence[ClickRow]) -> list[FoundClick]:
    """Return raw clicks, in their order, with their texts."""
    known = await texts(session, {getattr(row, name) for row in rows for name in NUMBERED})
    return [FoundClick(row, {name: known[getattr(row, name)] for name in NUMBERED}) for row in rows]


async def texts(session: AsyncSession, numbers: Collection[int]) -> dict[int, str]:
    """Return the texts with these numbers."""
    wanted = sorted(numbers)
    found: dict[int, str] = {}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        chunk = wanted[start : start + _ASKED_AT_ONCE]
        found |= (await session.execute(select(TextRow.id, TextRow.text).where(TextRow.id.in_(chunk)))).all()
    return found


async def text_numbers(session: AsyncSession, wanted: Collection[str]) -> dict[str, int]:
    """Return the numbers of those texts that any click has."""
    found = await session.execute(select(TextRow.text, TextRow.id).where(TextRow.text.in_(wanted)))
    return dict(found.all())


async def boots(session: AsyncSession) -> list[BootRow]:
    """Return every boot, the one heard of last first."""
    return list(await session.scalars(select(BootRow).order_by(BootRow.last_at.desc())))


async def dead_letters(session: AsyncSession) -> int:
    """Return how many are kept."""
    return await session.scalar(select(func.count()).select_from(DeadLetterRow)) or 0
