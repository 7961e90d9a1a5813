"""What became of clicks on either side of a canary: of people, by the revision that each of them saw."""

from collections import Counter
from typing import Final, NamedTuple

from sqlalchemy import func, select

from control.clicks.models import ClickRow
from control.clicks.shapes import KINDS
from control.clicks.store import text_numbers, texts
from control.db import Database
from shared.table import FALLBACK, INACTIVE, OFF

_UNDECIDED: Final = frozenset({OFF, INACTIVE})


class Figures(NamedTuple):
    """Clicks that the rules or the fallback of a revision decided, and how many of them the fallback."""

    clicks: int = 0
    fallback: int = 0

    @property
    def share(self) -> float:
        """The part of the clicks that no rule took, 0 without any."""
        return self.fallback / self.clicks if self.clicks else 0.0


async def figures(clicks: Database, offer_id: str, since_ms: int) -> dict[int, Figures]:
    """Return revision -> what became of its clicks since `since_ms`, as far as they are ingested."""
    async with clicks.read() as session:
        offer = (await text_numbers(session, [offer_id])).get(offer_id)
        query = (
            select(ClickRow.revision, ClickRow.rule, func.count())
            .where(ClickRow.offer == offer, ClickRow.time_ms >= since_ms, ClickRow.kind == KINDS[b"person"])
            .group_by(ClickRow.revision, ClickRow.rule)
        )
        rows = [] if offer is None else [tuple(row) for row in await session.execute(query)]
        names = await texts(session, {rule for _, rule, _ in rows})
    decided, fell = Counter[int](), Counter[int]()
    for revision, rule, count in rows:
        if names[rule] not in _UNDECIDED:
            decided[revision] += count
            fell[revision] += count if names[rule] == FALLBACK else 0
    return {revision: Figures(count, fell[revision]) for revision, count in decided.items()}
