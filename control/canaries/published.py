"""What the edges are to have of an offer: its table, or both tables of the canary that runs on it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.canaries import store
from control.canaries.models import CanaryRow
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.publishing.models import OutboxRow
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft
from shared.canary import Canary, Split, is_canary
from shared.rules import Offer
from shared.wire import table_key


async def for_edges(session: AsyncSession, row: OfferRow, draft: CheckedDraft) -> Offer | Canary:
    """Return what is published for an offer whose newest smart link is `draft`.

    A canary whose revision is no longer the newest is over, whoever saved past it.
    """
    canary = await store.running(session, row.id)
    if canary is None or canary.revision != row.revision:
        return compiled_offer(row, draft)
    stable = await smart_links.revision(session, row.id, canary.stable_revision)
    return sides(row, draft, canary, draft_of(stable))


async def is_out(session: AsyncSession, canary: CanaryRow) -> bool:
    """Tell whether the newest table of an offer is that of its canary, whatever was published of it since it began."""
    newest = select(OutboxRow.body).where(OutboxRow.key == table_key(canary.offer_id))
    body = await session.scalar(newest.order_by(OutboxRow.sequence.desc()).limit(1))
    return body is not None and is_canary(body)


def sides(row: OfferRow, draft: CheckedDraft, canary: CanaryRow | None, stable: CheckedDraft) -> Offer | Canary:
    """Return an offer with the smart link `draft`, or with `stable` beside it where a canary runs.

    Both sides have the offer's present switches: who pauses it pauses all of it.
    """
    newest = compiled_offer(row, draft)
    if canary is None:
        return newest
    return Canary(newest, compiled_offer(row, stable, canary.stable_revision), Split(canary.share, canary.salt))
