"""Adding links, one or five hundred in a transaction: look up what all of them name at once, insert once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from control.bulk import Refused
from control.db import now_ms
from control.domains import store as domains
from control.domains.models import DomainRow
from control.errors import FieldError
from control.fields import to_ms
from control.ids import Identity, new_id, new_slug
from control.links import store
from control.links.schemas import LinkIn
from control.offers import store as offers
from control.partners import store as partners
from control.partners.models import PartnerRow
from control.publishing.compile import pointer_change
from control.publishing.outbox import Change
from shared.destination import SUBS
from shared.key import DEFAULT_DOMAIN, Key
from shared.pointer import Pointer

MAX_ROWS: Final = 500
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Added:
    """A batch done: for each wanted link its columns or why not, and what is to be published."""

    results: list[Mapping[str, Any] | Refused]
    changes: list[Change]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """Return the columns of the links that were added."""
        return [result for result in self.results if not isinstance(result, Refused)]


@dataclass(frozen=True, slots=True)
class Named:
    """What the links of a batch refer to, by id."""

    offers: Mapping[str, Any]
    partners: Mapping[str, PartnerRow]
    domains: Mapping[str, DomainRow]

    def faults(self, wanted: LinkIn) -> list[FieldError]:
        """Return what `wanted` refers to that does not exist."""
        named = (("offer", self.offers), ("partner", self.partners), ("domain", self.domains))
        return [
            FieldError(f"{noun}_id", f"unknown_{noun}", f"There is no such {noun}.")
            for noun, known in named
            for referred in (getattr(wanted, f"{noun}_id"),)
            if referred is not None and referred not in known
        ]

    def host(self, domain_id: str | None) -> str:
        """Return the namespace of a domain."""
        return self.domains[domain_id].host if domain_id is not None else DEFAULT_DOMAIN

    def partner_slug(self, partner_id: str | None) -> str:
        """Return what `?via=` would say for a partner."""
        return self.partners[partner_id].slug if partner_id is not None else ""


async def add(session: AsyncSession, wanted: Sequence[LinkIn], again: Identity | None = None) -> Added:
    """Store at most 500 links in the caller's transaction, which publishes `changes`; each one may be refused alone.

    `again` is the identity that a single one had before it was deleted.
    """
    named = await _named(session, wanted)
    slugs = await _Slugs.of(session, [link.slug for link in wanted if link.slug])
    results: list[Mapping[str, Any] | Refused] = []
    changes: list[Change] = []
    now = now_ms()
    for link in wanted:
        faults = named.faults(link)
        host = DEFAULT_DOMAIN if faults else named.host(link.domain_id)
        if faults:
            results.append(Refused(422, tuple(faults)))
        elif link.slug and slugs.is_taken(host, link.slug):
            error = FieldError("slug", "slug_taken", f"An offer or a link has the slug {link.slug} already.")
            results.append(Refused(409, (error,)))
        else:
            slug = link.slug or await slugs.draw(session, host)
            columns = _columns(link, host, slug, again or Identity(new_id("l"), now))
            slugs.take(host, columns["slug"])
            results.append(columns)
            changes.append(change_of(columns, named.partner_slug(link.partner_id)))
    added = Added(results, changes)
    await store.insert_rows(session, added.rows)
    return added


def change_of(columns: Mapping[str, Any], partner_slug: str) -> Change:
    """Return what publishes the link with these columns."""
    pointer = Pointer(
        offer=columns["offer_id"],
        link=columns["id"],
        partner=partner_slug,
        coupon=columns["coupon"],
        subs=tuple(columns[sub] for sub in SUBS),
        enabled=columns["enabled"],
        expires_at=columns["expires_at"],
    )
    return pointer_change(Key(columns["domain"], columns["slug"]), pointer)


def _columns(link: LinkIn, host: str, slug: str, identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "domain": host,
        "domain_id": link.domain_id,
        "slug": slug,
        "offer_id": link.offer_id,
        "partner_id": link.partner_id,
        "coupon": link.coupon or "",
        **{sub: getattr(link, sub) or "" for sub in SUBS},
        "enabled": link.enabled,
        "expires_at": None if link.expires_at is None else to_ms(link.expires_at),
        "created_at": identity.created_at,
    }


async def _named(session: AsyncSession, wanted: Sequence[LinkIn]) -> Named:
    return Named(
        offers=await offers.by_ids(session, {link.offer_id for link in wanted}),
        partners=await partners.by_ids(session, {link.partner_id for link in wanted if link.partner_id}),
        domains=await domains.by_ids(session, {link.domain_id for link in wanted if link.domain_id}),
    )


class _Slugs:
    """Which slugs are taken, as far as this batch needs to know."""

    def __init__(self, taken: set[tuple[str | None, str]]) -> None:
        self._taken = taken
        self._drawn: list[str] = []

    @classmethod
    async def of(cls, session: AsyncSession, slugs: Sequence[str]) -> "_Slugs":
        return cls(await store.taken(session, set(slugs)))

    def is_taken(self, host: str, slug: str) -> bool:
        return (host, slug) in self._taken or (None, slug) in self._taken

    def take(self, host: str, slug: str) -> None:
        self._taken.add((host, slug))

    async def draw(self, session: AsyncSession, host: str) -> str:
        """Return a random slug that is free; they are drawn and looked up five hundred at a time."""
        for _ in range(_TRIES * MAX_ROWS):
            if not self._drawn:
                self._drawn = [new_slug() for _ in range(MAX_ROWS)]
                self._taken |= await store.taken(session, self._drawn)
            slug = self._drawn.pop()
            if not self.is_taken(host, slug):
                return slug
        raise AssertionError("with 10^12 slugs, thousands of random ones cannot all be taken")
