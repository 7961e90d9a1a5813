"""What is asked about next: what was just published at once, everything else in turn, for ever."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.domains.models import DomainRow
from control.links.models import LinkRow
from control.offers import store as offers
from control.offers.models import OfferRow
from control.publishing.models import OutboxRow
from shared.key import DEFAULT_DOMAIN, Key
from shared.wire import DOMAINS

MAX_EDITED: Final = 20
"""Of more keys that were published since the last look, the last so many; bulk work is found by turns."""

_EDITED: Final = (
    select(OutboxRow.key)
    .where(OutboxRow.sequence > bindparam("before"), OutboxRow.sequence <= bindparam("published"))
    .group_by(OutboxRow.key)
    .order_by(func.max(OutboxRow.sequence).desc(), func.max(OutboxRow.place))
    .limit(MAX_EDITED)
)
_NEXT_OFFER: Final = select(OfferRow).where(OfferRow.number > bindparam("after")).order_by(OfferRow.number).limit(1)
_NEXT_LINK: Final = (
    select(LinkRow.number, LinkRow.domain, LinkRow.slug)
    .where(LinkRow.number > bindparam("after"))
    .order_by(LinkRow.number)
    .limit(1)
)
"""Made once: they are asked each second, for ever."""

NOBODYS_SLUG: Final = "turnout-audit-0"
"""Unknown where a domain is active; where it is paused answered like every other."""


class Turns:
    """Where the rounds through offers and links stand, and up to which publish was looked at."""

    def __init__(self) -> None:
        self._published: int | None = None
        self._offer = self._link = 0

    async def edited(self, session: AsyncSession, published: int) -> list[Key]:
        """Return what the publishes since the last call changed, up to the one numbered `published`."""
        before, self._published = self._published, published
        if before is None or published <= before:
            return []
        names = await session.scalars(_EDITED, {"before": before, "published": published})
        return await _slugs(session, names.all())

    async def next(self, session: AsyncSession) -> list[Key]:
        """Return the next offer's slug on all of its domains, and the next link's."""
        return [*await self._next_offer(session), *await self._next_link(session)]

    async def _next_offer(self, session: AsyncSession) -> list[Key]:
        row = await session.scalar(_NEXT_OFFER, {"after": self._offer})
        if row is None:
            self._offer = 0
            return []
        self._offer = row.number
        hosts = (await offers.domains(session, [row.id]))[row.id]
        return [Key(domain, row.slug) for domain in (DEFAULT_DOMAIN, *(host.host for host in hosts))]

    async def _next_link(self, session: AsyncSession) -> list[Key]:
        found = (await session.execute(_NEXT_LINK, {"after": self._link})).one_or_none()
        self._link = found.number if found else 0
        return [Key(found.domain, found.slug)] if found else []


async def _slugs(session: AsyncSession, published: Sequence[str]) -> list[Key]:
    """Return the slugs behind published keys.

    A link's is in it; an offer's table is seen through its own slug; the list of hosts at a slug that none of them has.
    """
    named = await offers.by_ids(session, [name.removeprefix("o:") for name in published if name.startswith("o:")])
    keys: list[Key] = []
    for name in published:
        kind, _, rest = name.partition(":")
        if kind == "k":
            domain, _, slug = rest.partition("/")
            keys.append(Key(domain, slug))
        elif kind == "o" and rest in named:
            keys.append(Key(DEFAULT_DOMAIN, named[rest].slug))
        elif name == DOMAINS:
            newest = select(DomainRow.host).order_by(DomainRow.number.desc()).limit(MAX_EDITED)
            keys += [Key(host, NOBODYS_SLUG) for host in await session.scalars(newest)]
    return list(dict.fromkeys(keys))
