"""What metrics say of canaries: how many run, since when, whether somebody watches, and how the others ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from control.canaries import store
from control.canaries.models import CanaryLease
from control.canaries.schemas import Outcome
from control.canaries.verdict import Cause
from control.db import Database, now_ms

ENDS: Final = (*(outcome.value for outcome in Outcome), *(cause.value for cause in Cause))
"""How a canary ends; what the watch took back counts under its cause, `withdrawn` is by a person."""


@dataclass(frozen=True, slots=True)
class Canaries:
    """`oldest_s` is since when the oldest one runs, 0 without any; `is_watched` whether a control watches, if any runs.

    `ends` counts by how they ended, since ever.
    """

    running: int = 0
    oldest_s: float = 0.0
    is_watched: bool = True
    ends: Mapping[str, int] = field(default_factory=dict)


async def canaries(db: Database) -> Canaries:
    """Return how canaries do. Raises SQLAlchemyError."""
    ends = dict.fromkeys(ENDS, 0)
    async with db.read() as session:
        rows = await store.all_running(session)
        watched_until = await session.scalar(select(CanaryLease.expires_at)) or 0
        for (outcome, cause), count in (await store.ends(session)).items():
            ends[cause or outcome] += count
    oldest_s = max((now_ms() - row.started_at for row in rows), default=0) / 1000
    return Canaries(len(rows), oldest_s, not rows or watched_until > now_ms(), ends)
