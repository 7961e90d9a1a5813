"""What happened to a smart link in a range, as charts mark it: what was saved, tried on a share, and came of trials."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.canaries.models import CanaryRow
from control.canaries.schemas import Outcome
from control.clicks.shapes import QUARTER_MS
from control.fields import utc
from control.insight.analytics.question import Question
from control.insight.analytics.schemas import Edit, Event
from control.smartlinks.models import RevisionRow

_COLUMNS: Final = (RevisionRow.revision, RevisionRow.created_at, RevisionRow.author_name, RevisionRow.restored_from)


async def edits(session: AsyncSession, question: Question) -> list[Edit]:
    """Return the edits of a question's offer in its range, in the order of time."""
    first_ms, after_ms = (quarter * QUARTER_MS for quarter in question.period.range)
    saved = select(*_COLUMNS).where(
        RevisionRow.offer_id == question.offer_id,
        RevisionRow.created_at >= first_ms,
        RevisionRow.created_at < after_ms,
    )
    tries = await _tries(session, question.offer_id, first_ms, after_ms)
    found = [
        Edit(
            revision=row.revision,
            at=utc(row.created_at),
            author=row.author_name,
            restored_from=row.restored_from,
            event=_event(row.revision, tries),
        )
        for row in await session.execute(saved.order_by(RevisionRow.revision))
    ]
    found += [_promotion(row) for row in tries if row.outcome == Outcome.PROMOTED and (row.ended_at or 0) < after_ms]
    return sorted(found, key=lambda edit: (edit.at, edit.revision))


async def _tries(session: AsyncSession, offer_id: str, first_ms: int, after_ms: int) -> Sequence[CanaryRow]:
    """Return the canaries that ran in a range."""
    query = select(CanaryRow).where(
        CanaryRow.offer_id == offer_id,
        CanaryRow.started_at < after_ms,
        or_(CanaryRow.ended_at.is_(None), CanaryRow.ended_at >= first_ms),
    )
    return (await session.scalars(query.order_by(CanaryRow.number))).all()


def _event(revision: int, tries: Sequence[CanaryRow]) -> Event:
    """Return what the save of a revision was: a withdrawal is the one that follows on what was tried."""
    if any(row.revision == revision for row in tries):
        return Event.TRIED
    taken_back = any(row.outcome == Outcome.WITHDRAWN and row.revision + 1 == revision for row in tries)
    return Event.WITHDRAWN if taken_back else Event.SAVED


def _promotion(row: CanaryRow) -> Edit:
    at = utc(row.ended_at or 0)
    return Edit(revision=row.revision, at=at, author=row.ended_name or "", restored_from=None, event=Event.PROMOTED)
