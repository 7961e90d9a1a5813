"""What an offer refers to and claims: its destinations, its domains, its slug."""

import itertools
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control import destinations
from control.destinations import UrlRules
from control.domains import store as domains
from control.domains.models import DomainRow
from control.errors import Faults, FieldError, Problem
from control.offers import store
from control.offers.models import OfferRow


async def change_domains(session: AsyncSession, row: OfferRow, wanted: list[str] | None) -> list[str]:
    """Put the offer on the wanted domains (None: as they are) and return the hosts it left."""
    if wanted is None:
        return []
    hosts = await require_domains(session, wanted)
    old = (await store.domains(session, [row.id]))[row.id]
    await store.set_domains(session, row.id, wanted)
    kept = {host.id for host in hosts}
    return [host.host for host in old if host.id not in kept]


async def require_domains(session: AsyncSession, ids: Sequence[str]) -> list[DomainRow]:
    """Return the domains with these ids, in their order. Raises Problem 422."""
    known = await domains.by_ids(session, ids)
    faults = Faults()
    for place, domain_id in enumerate(ids):
        if domain_id not in known:
            faults.add(f"domain_ids.{place}", "unknown_domain", "There is no such domain.")
        if domain_id in ids[:place]:
            faults.add(f"domain_ids.{place}", "duplicate_id", "This domain is listed twice.")
    faults.raise_if_any()
    return [known[domain_id] for domain_id in ids]


async def require_free(session: AsyncSession, slug: str) -> None:
    """Raise Problem 409 where an offer or a link has `slug`."""
    if await store.is_slug_taken(session, slug):
        raise Problem.conflict("slug_taken", f"An offer or a link has the slug {slug} already.", "slug")


async def free_copy_slug(session: AsyncSession, slug: str) -> str:
    """Return the first free slug among `slug-copy`, `slug-copy-2`, ..."""
    for number in itertools.count(1):
        tail = "-copy" if number == 1 else f"-copy-{number}"
        candidate = slug[: 64 - len(tail)] + tail
        if not await store.is_slug_taken(session, candidate):
            return candidate
    raise AssertionError("counting never ends")


def finals(urls: UrlRules, destination_url: str, inactive_url: str | None) -> tuple[str, str | None]:
    """Return both destinations as they are sent. Raises Problem 422."""
    faults: list[FieldError] = []
    destination = destinations.check(destination_url, "destination_url", urls, faults)
    inactive = None if inactive_url is None else destinations.check(inactive_url, "inactive_url", urls, faults)
    if faults or destination is None:
        raise Problem.invalid(faults)
    return destination.url, inactive.url if inactive else None
