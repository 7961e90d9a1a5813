"""From rows to what is compiled for the edges. Pure."""

from control.offers.models import OfferRow
from control.smartlinks.drafts import CheckedDraft, stored_draft
from control.smartlinks.models import RevisionRow
from shared.rules import Offer, OfferStatus


def draft_of(row: RevisionRow) -> CheckedDraft:
    """Return the smart link that a revision stores."""
    return stored_draft(row.enabled, row.fallback_url, row.fallback_final, row.rules)


def compiled_offer(row: OfferRow, draft: CheckedDraft, revision: int | None = None) -> Offer:
    """Return an offer with one smart link of it, destinations as they are sent."""
    return Offer(
        id=row.id,
        slug=row.slug,
        destination_url=row.destination_final,
        smart_link=draft.as_smart_link(),
        revision=row.revision if revision is None else revision,
        status=OfferStatus(row.status),
        inactive_url=row.inactive_final,
        redirect_status=row.redirect_status,
        append_click_id=row.append_click_id,
        pass_query=row.pass_query,
    )
