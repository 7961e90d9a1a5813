"""How many people links sent in the last 30 days, from rollups: one look, however many links a page shows."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import Request

from control.insight.splits import senders
from control.links.schemas import Link
from control.parts import Parts
from control.web.figures import lately, zone_of

PERIOD: Final = "30d"


async def sent_by(request: Request, parts: Parts, links: Sequence[Link]) -> Mapping[str, int]:
    """Return link -> people, as the Analytics tab counts them for who looks; one that sent nobody is not in it."""
    async with parts.clicks_db.read() as session:
        offers = {link.offer_id for link in links}
        return await senders(session, offers, [link.id for link in links], lately(zone_of(request), PERIOD))
