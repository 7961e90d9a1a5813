"""Conversions that wait for their click: where clicks do not arrive, these grow old."""

from dataclasses import dataclass

from control.conversions import store
from control.db import now_ms
from control.parts import Parts


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many conversions wait for their click, and for how long the first of them has."""

    count: int
    oldest_age_ms: int


async def waiting(parts: Parts) -> Waiting:
    """Return what waits now."""
    async with parts.db.read() as session:
        count, oldest = await store.waiting(session)
    return Waiting(count, max(0, now_ms() - oldest) if oldest is not None else 0)
