"""What the destinations of an offer are judged against: our own hosts, and the offer's switches."""

from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from control.domains.store import hosts
from control.offers.models import OfferRow
from control.settings import ControlSettings
from control.smartlinks.warnings import Surroundings


async def surroundings_of(session: AsyncSession, settings: ControlSettings, offer: OfferRow) -> Surroundings:
    """Return what the smart link of `offer` is judged against."""
    return Surroundings(
        own_hosts=await hosts(session) | {urlsplit(settings.links_base).netloc},
        destination_final=offer.destination_final,
        append_click_id=offer.append_click_id,
    )
