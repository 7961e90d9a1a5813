"""Offers as the API gives them, read together with their smart links and domains."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller, Role
from control.canaries import store as canaries
from control.canaries.models import CanaryRow
from control.canaries.schemas import shown as show_canary
from control.domains.models import DomainRow
from control.domains.urls import link_url
from control.fields import utc
from control.offers import store
from control.offers.compiled import draft_of
from control.offers.models import OfferRow
from control.offers.schemas import Offer, SavedOffer
from control.settings import ControlSettings
from control.smartlinks import revisions
from control.smartlinks import store as smart_links
from control.smartlinks.models import RevisionRow
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.warnings import warnings_of
from shared.key import DEFAULT_DOMAIN
from shared.rules import OfferStatus


async def saved(
    session: AsyncSession, settings: ControlSettings, caller: Caller, row: OfferRow, sequence: int
) -> SavedOffer:
    """Return an offer as it was just stored, with what looks wrong about it."""
    await session.flush()
    offer = (await shown(session, settings, caller, [row]))[0]
    draft = draft_of(await smart_links.current(session, row))
    warnings = warnings_of(draft, await surroundings_of(session, settings, row))
    return SavedOffer(**offer.model_dump(), sequence=sequence, warnings=warnings)


async def shown(
    session: AsyncSession, settings: ControlSettings, caller: Caller, rows: Sequence[OfferRow]
) -> list[Offer]:
    """Return offers, with secrets only for an admin."""
    links = await smart_links.currents(session, rows)
    hosts = await store.domains(session, [row.id for row in rows])
    running = await canaries.running_on(session, [row.id for row in rows])
    return [
        _show(settings, caller, row, links[row.id], hosts=hosts[row.id], canary=running.get(row.id)) for row in rows
    ]


def _show(
    settings: ControlSettings,
    caller: Caller,
    row: OfferRow,
    link: RevisionRow,
    *,
    hosts: Sequence[DomainRow],
    canary: CanaryRow | None,
) -> Offer:
    return Offer(
        id=row.id,
        slug=row.slug,
        url=link_url(settings, hosts[0].host if hosts else DEFAULT_DOMAIN, row.slug),
        name=row.name,
        destination_url=row.destination_url,
        status=OfferStatus(row.status),
        inactive_url=row.inactive_url,
        redirect_status=row.redirect_status,
        append_click_id=row.append_click_id,
        pass_query=row.pass_query,
        domain_ids=[host.id for host in hosts],
        currency=row.currency,
        postback_secret=row.postback_secret if caller.role.includes(Role.ADMIN) else None,
        smart_link=revisions.show(link),
        revision=row.revision,
        canary=show_canary(canary),
        created_at=utc(row.created_at),
        updated_at=utc(row.updated_at),
    )


def state_of(offer: Offer) -> dict[str, Any]:
    """Return what the audit log keeps of an offer; the smart link and its canaries have entries of their own."""
    return offer.model_dump(mode="json", exclude={"postback_secret", "smart_link", "canary", "warnings", "sequence"})
