"""What SQL says of a slug: from the nouns, not from the outbox, so that an edit that was never published shows."""

from dataclasses import dataclass, replace
from typing import Final

import orjson
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.canaries.published import for_edges
from control.domains.models import DomainRow
from control.domains.schemas import DomainStatus
from control.links.models import LinkRow
from control.offers import store as offers
from control.offers.compiled import draft_of
from control.offers.models import OfferDomainRow, OfferRow
from control.partners.models import PartnerRow
from control.publishing.models import OutboxRow
from control.smartlinks import store as smart_links
from shared.canary import Canary, Split
from shared.destination import SUBS
from shared.key import DEFAULT_DOMAIN, Key
from shared.pointer import Pointer
from shared.rules import Offer
from shared.table import Table, compile_offer, decode_table
from shared.wire import DOMAINS, pointer_key, table_key

_PAUSED: Final = select(DomainRow.inactive_final).where(
    DomainRow.host == bindparam("host"), DomainRow.status == DomainStatus.PAUSED
)
_LINK: Final = (
    select(LinkRow, PartnerRow.slug)
    .join(PartnerRow, PartnerRow.id == LinkRow.partner_id, isouter=True)
    .where(LinkRow.slug == bindparam("slug"), LinkRow.domain == bindparam("domain"))
)
_NEWEST: Final = (
    select(OutboxRow.key, func.max(OutboxRow.sequence))
    .where(OutboxRow.key.in_(bindparam("keys", expanding=True)))
    .group_by(OutboxRow.key)
)
"""Made once: they are asked several times a second, for ever."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a slug leads to, `pointer` and `table` None where it does not exist.

    `link_sequence` and `table_sequence` are the newest publishes of both, 0 where there is none. `paused` has where a
    paused domain sends everybody, None for 410; where it is empty the domain is not paused. While a canary runs,
    `table` is its stable side, `canary` that of the workers that `split` picks.
    """

    key: Key
    pointer: Pointer | None = None
    table: Table | None = None
    link_sequence: int = 0
    table_sequence: int = 0
    paused: tuple[str | None, ...] = ()
    canary: Table | None = None
    split: Split | None = None

    @property
    def tables(self) -> list[Table]:
        """The tables by which anybody serves it."""
        return [table for table in (self.table, self.canary) if table is not None]

    def seen_from(self, worker: str | None) -> "list[Truth]":
        """Return what one worker is to serve; None, one that does not say which it is: any of these."""
        if self.split is None:
            return [self]
        canary = replace(self, table=self.canary)
        if worker is None:
            return [self, canary]
        return [canary if self.split.picks(worker) else self]


async def truth_of(session: AsyncSession, key: Key) -> Truth:
    """Return what SQL says of `key`."""
    paused = (await session.execute(_PAUSED, {"host": key.domain})).one_or_none()
    if paused is not None:
        newest = await _newest(session, [DOMAINS])
        return Truth(key, link_sequence=newest.get(DOMAINS, 0), paused=(paused[0],))
    pointer = await _pointer(session, key)
    published = [pointer_key(key)] if pointer is None else [pointer_key(key), table_key(pointer.offer)]
    sequences = await _newest(session, published)
    if pointer is None:
        return Truth(key, link_sequence=sequences.get(published[0], 0))
    row = await offers.require(session, pointer.offer)
    what = await for_edges(session, row, draft_of(await smart_links.current(session, row)))
    link, rules = (sequences.get(name, 0) for name in published)
    if isinstance(what, Canary):
        return Truth(key, pointer, _table(what.stable), link, rules, canary=_table(what.new), split=what.split)
    return Truth(key, pointer, _table(what), link, rules)


def _table(offer: Offer) -> Table:
    return decode_table(orjson.loads(compile_offer(offer)))


async def _pointer(session: AsyncSession, key: Key) -> Pointer | None:
    offer = await offers.by_slug(session, key.slug)
    if offer is not None:
        return Pointer(offer.id) if await _is_on(session, offer, key.domain) else None
    found = (await session.execute(_LINK, {"slug": key.slug, "domain": key.domain})).one_or_none()
    return None if found is None else _linked(*found)


async def _is_on(session: AsyncSession, offer: OfferRow, domain: str) -> bool:
    if domain == DEFAULT_DOMAIN:
        return True
    place = select(OfferDomainRow.place).join(DomainRow, DomainRow.id == OfferDomainRow.domain_id)
    query = place.where(OfferDomainRow.offer_id == offer.id, DomainRow.host == domain)
    return await session.scalar(query) is not None


def _linked(row: LinkRow, partner: str | None) -> Pointer:
    subs = tuple(getattr(row, sub) for sub in SUBS)
    return Pointer(row.offer_id, row.id, partner or "", row.coupon, subs, row.enabled, row.expires_at)


async def _newest(session: AsyncSession, keys: list[str]) -> dict[str, int]:
    return {row[0]: row[1] for row in await session.execute(_NEWEST, {"keys": keys})}
