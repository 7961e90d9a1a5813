"""What decided recent clicks, from rollups: a share of fallback that jumps tells of a rule that stopped to match."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import and_, case, func, literal_column, select

from control.clicks.models import CellRow, QuarterRow, TextRow
from control.clicks.shapes import DECISION, QUARTER_MS
from control.db import Database, now_ms
from shared.table import FALLBACK, INACTIVE, OFF

RULE: Final = "rule"
DECISIONS: Final = (RULE, FALLBACK, OFF, INACTIVE)

RECENT_QUARTERS: Final = 2
BEFORE_QUARTERS: Final = 16
"""Compared are the quarter hour that runs and the one before with the four hours before those."""

JUMP: Final = 0.2
MIN_CLICKS: Final = 100
"""A jump is a rise of the share by a fifth of all clicks, on both sides measured by at least this many of them."""

FRESH_S: Final = 60.0
_IS_RECENT: Final = "is_recent"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Clicks of the last 15 to 30 minutes by what decided them, and the offers whose share of fallback jumped."""

    recent: Counter[str] = field(default_factory=Counter)
    jumped: frozenset[str] = frozenset()


class DecisionWatch:
    """Reads the rollups when somebody asks and the last answer is a minute old."""

    def __init__(
        self, db: Database, clock: Callable[[], float] = time.monotonic, wall_ms: Callable[[], int] = now_ms
    ) -> None:
        self._db = db
        self._clock = clock
        self._wall_ms = wall_ms
        self._read_at: float | None = None
        self._decisions = Decisions()

    async def look(self) -> Decisions:
        """Return what decided recent clicks. Raises SQLAlchemyError."""
        now = self._clock()
        if self._read_at is None or now - self._read_at >= FRESH_S:
            found = await self._read(self._wall_ms() // QUARTER_MS)
            if news := found.jumped - self._decisions.jumped:
                _log.warning("the share of clicks at the fallback jumped", extra={"offers": sorted(news)})
            self._read_at, self._decisions = now, found
        return self._decisions

    async def _read(self, quarter: int) -> Decisions:
        first_recent = quarter - RECENT_QUARTERS + 1
        is_recent = case((QuarterRow.quarter >= first_recent, 1), else_=0).label(_IS_RECENT)
        query = (
            select(TextRow.text, is_recent, CellRow.v1, func.sum(QuarterRow.clicks))
            .join(QuarterRow, and_(QuarterRow.offer == TextRow.id, QuarterRow.shape == DECISION.number))
            .join(CellRow, CellRow.id == QuarterRow.cell)
            .where(TextRow.text.like(r"o\_%", escape="\\"), QuarterRow.quarter >= first_recent - BEFORE_QUARTERS)
            .group_by(TextRow.text, literal_column(_IS_RECENT), CellRow.v1)
        )
        async with self._db.read() as session:
            rows = [(row[0], bool(row[1]), row[2], int(row[3])) for row in await session.execute(query)]
        return compared(rows)


def compared(rows: Iterable[tuple[str, bool, str, int]]) -> Decisions:
    """Return the sums of (offer, whether it is recent, rule id, clicks), and who jumped."""
    by_offer: dict[str, tuple[Counter[str], Counter[str]]] = defaultdict(lambda: (Counter(), Counter()))
    for offer, is_recent, rule, clicks in rows:
        by_offer[offer][is_recent][rule if rule in DECISIONS else RULE] += clicks
    recent: Counter[str] = Counter(dict.fromkeys(DECISIONS, 0))
    for _, now in by_offer.values():
        recent.update(now)
    return Decisions(recent, frozenset(offer for offer, (before, now) in by_offer.items() if _jumps(before, now)))


def _jumps(before: Counter[str], now: Counter[str]) -> bool:
    """Tell whether the share rose. A smart link that is off, or paused, has no fallback to speak of."""
    smart_before, smart_now = (counts[RULE] + counts[FALLBACK] for counts in (before, now))
    if min(smart_before, smart_now) < MIN_CLICKS:
        return False
    return now[FALLBACK] / smart_now - before[FALLBACK] / smart_before >= JUMP
