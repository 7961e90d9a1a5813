"""What the edges are to have of an offer: its table, or both tables of the canary that runs on it."""

from sqlalchemy.ext.asyncio import AsyncSession

from control.canaries import store
from control.canaries.models import CanaryRow
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft
from shared.canary import Canary, Split
from shared.rules import Offer


async def for_edges(session: AsyncSession, row: OfferRow, draft: CheckedDraft) -> Offer | Canary:
    """Return what is published for an offer whose newest smart link is `draft`.

    A canary whose revision is no longer the newest is over, whoever saved past it.
    """
    canary = await store.running(session, row.id)
    if canary is None or canary.revision != row.revision:
        return compiled_offer(row, draft)
    stable = await smart_links.revision(session, row.id, canary.stable_revision)
    return sides(row, draft, canary, draft_of(stable))


def sides(row: OfferRow, draft: CheckedDraft, canary: CanaryRow | None, stable: CheckedDraft) -> Offer | Canary:
    """Return an offer with the smart link `draft`, or with `stable` beside it where a canary runs.

    Both sides have the offer's present switches: who pauses it pauses all of it.
    """
    newest = compiled_offer(row, draft)
    if canary is None:
        return newest
    return Canary(newest, compiled_offer(row, stable, canary.stable_revision), Split(canary.share, canary.salt))
