"""Storing an offer inside the caller's transaction: published, shown, and in the audit log."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.canaries import published
from control.db import now_ms
from control.domains.models import DomainRow
from control.offers import store
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.offers.schemas import Offer, SavedOffer
from control.offers.shown import saved, state_of
from control.publishing import outbox
from control.publishing.compile import offer_changes
from control.settings import ControlSettings
from control.smartlinks import revisions
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft
from control.smartlinks.writing import table_of


async def store_first(
    session: AsyncSession,
    settings: ControlSettings,
    caller: Caller,
    row: OfferRow,
    *,
    draft: CheckedDraft,
    hosts: Sequence[DomainRow],
) -> SavedOffer:
    """Give a new offer its first revision, and publish it. Raises Problem 422 for a table too large for the edges."""
    written = await revisions.write(session, caller, row, draft)
    compiled = compiled_offer(row, written.draft)
    table_of(compiled)  # refuses a table that is too large, saying where
    changes = offer_changes(compiled, [host.host for host in hosts])
    written.row.sequence = (await outbox.append(session, changes)).sequence
    offer = await saved(session, settings, caller, row, written.row.sequence)
    await record(session, caller, "offer.create", row.id, before=None, after=state_of(offer))
    return offer


async def store_changed(
    session: AsyncSession,
    settings: ControlSettings,
    caller: Caller,
    row: OfferRow,
    *,
    before: Offer,
    action: str,
    left: Sequence[str] = (),
) -> SavedOffer:
    """Publish a changed offer; `before` is how it was, `left` names the hosts it is no longer on."""
    row.updated_at = now_ms()
    await session.flush()
    draft = draft_of(await smart_links.current(session, row))
    hosts = (await store.domains(session, [row.id]))[row.id]
    what = await published.for_edges(session, row, draft)
    changes = offer_changes(what, [host.host for host in hosts], left)
    sequence = (await outbox.append(session, changes)).sequence
    offer = await saved(session, settings, caller, row, sequence)
    await record(session, caller, action, row.id, before=state_of(before), after=state_of(offer))
    return offer
