"""What a conversion keeps of its click."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.models import ClickRow
from control.clicks.store import FoundClick
from control.coupons.models import fold
from control.links.models import LinkRow
from control.partners.models import PartnerRow
from shared.destination import SUBS
from shared.events import KINDS

PERSON, PREFETCH = "person", "prefetch"
_TEXTS: Final = ("link", "rule", "country", "device", "os", "browser")
_ASKED_AT_ONCE: Final = 500


class ClickStatus(StrEnum):
    """How a conversion stands with the click it names: `waiting` for it to be recorded, `lost` when it never was."""

    NONE = "none"
    WAITING = "waiting"
    FOUND = "found"
    LOST = "lost"
    OTHER_OFFER = "other_offer"


async def find(session: AsyncSession, click_ids: Collection[str]) -> dict[str, FoundClick]:
    """Return those of these clicks that are recorded, by id."""
    wanted = sorted(click_ids)
    rows: list[ClickRow] = []
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        chunk = wanted[start : start + _ASKED_AT_ONCE]
        rows += await session.scalars(select(ClickRow).where(ClickRow.click_id.in_(chunk)))
    known = await store.texts(session, {getattr(row, name) for row in rows for name in store.NUMBERED})
    return {row.click_id: FoundClick(row, {name: known[getattr(row, name)] for name in store.NUMBERED}) for row in rows}


async def newest(session: AsyncSession, offer_id: str) -> str | None:
    """Return the id of an offer's newest recorded click."""
    numbers = await store.text_numbers(session, [offer_id])
    query = select(ClickRow.click_id).where(ClickRow.offer == numbers.get(offer_id, 0))
    found: str | None = await session.scalar(query.order_by(ClickRow.time_ms.desc()).limit(1))
    return found


def facts_of(click: FoundClick | None) -> dict[str, Any]:
    """Return the columns of ConversionRow that come from its click, those of none without."""
    if click is None:
        texts = ("kind", *_TEXTS, "via", "click_coupon", *SUBS, "referrer")
        return {**dict.fromkeys(texts, ""), "clicked_at": None, "revision": 0}
    row = click.row
    return {
        "clicked_at": row.time_ms,
        "kind": KINDS[row.kind],
        "revision": row.revision,
        **{name: click.texts[name] for name in _TEXTS},
        "via": fold(row.via),
        "click_coupon": fold(row.coupon),
        **{name: getattr(row, name) for name in (*SUBS, "referrer")},
    }


async def presets(session: AsyncSession, links: Iterable[str]) -> dict[str, str]:
    """Return the slugs of the partners that links preset, by the link's id."""
    query = select(LinkRow.id, PartnerRow.slug).join(PartnerRow, PartnerRow.id == LinkRow.partner_id)
    return dict((await session.execute(query.where(LinkRow.id.in_(set(links))))).all())
