"""Search: offers and partners that contain what was typed, links that begin with it, and what can be done."""

from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query
from sqlalchemy import select

from control.access.guard import Viewer
from control.access.roles import Caller, Role
from control.links import service as link_service
from control.links.models import LinkRow
from control.links.schemas import Link
from control.offers.models import OfferRow
from control.pagination import containing
from control.partners.models import PartnerRow
from control.parts import Parts, PartsDep
from control.web import names

router = APIRouter(include_in_schema=False)

_HITS: Final = 6
_LINKS: Final = 100
_LAST: Final = "\U0010ffff"


class Action(NamedTuple):
    """Something that can be done from anywhere; `words` are further words that find it."""

    label: str
    href: str
    icon: str
    words: str
    role: Role = Role.VIEWER


_ACTIONS: Final = (
    Action("New offer", "/offers/new", "plus", "create add campaign", Role.EDITOR),
    Action("New link", "/links/new", "plus", "create add", Role.EDITOR),
    Action("Paste many links", "/links/bulk", "paste", "bulk csv import create", Role.EDITOR),
    Action("New partner", "/partners/new", "plus", "create add affiliate creator", Role.EDITOR),
    Action("New coupon", "/coupons/new", "plus", "create add code", Role.EDITOR),
    Action("Paste many coupons", "/coupons/bulk", "paste", "bulk csv import create", Role.EDITOR),
    Action("Offers", "/offers", "layers", "go to list"),
    Action("Links", "/links", "link", "go to list"),
    Action("Partners", "/partners", "users", "go to list affiliates"),
    Action("Coupons", "/coupons", "tag", "go to list codes"),
    Action("Edges", "/edges", "server", "go to servers health live status"),
    Action("Domains", "/domains", "globe", "go to hosts dns"),
    Action("Keys and users", "/access", "key", "go to api password people team", Role.ADMIN),
    Action("Your account", "/account", "users", "change password theme dark light log out"),
)

Typed = Annotated[str, Query(max_length=100)]


@router.get("/ui/search")
async def find(parts: PartsDep, caller: Viewer, q: Typed = "") -> dict[str, Any]:
    """Answer the groups of hits for what stands in the search field."""
    typed = q.strip().lower()
    groups = [
        ("Offers", await _offers(parts, typed)),
        ("Partners", await _partners(parts, typed)),
        ("Links", await _link_hits(parts, typed)),
        ("Actions", _actions(caller, typed)),
    ]
    return {"groups": [{"title": title, "hits": hits} for title, hits in groups if hits]}


async def links(parts: Parts, typed: str, offer_id: str | None = None, limit: int = _LINKS) -> list[Link]:
    """Return the first links whose slugs begin with `typed`, a path or a URL's end as well; in the slugs' order."""
    prefix = typed.strip().lower().rstrip("/").rpartition("/")[2]
    query = select(LinkRow).where(LinkRow.slug >= prefix, LinkRow.slug < prefix + _LAST)
    if offer_id is not None:
        query = query.where(LinkRow.offer_id == offer_id)
    async with parts.db.read() as session:
        rows = (await session.scalars(query.order_by(LinkRow.slug).limit(limit))).all()
    return [link_service.show(parts.settings, link_service.columns_of(row)) for row in rows]


async def _offers(parts: Parts, typed: str) -> list[dict[str, str]]:
    query = containing(select(OfferRow), typed, OfferRow.name, OfferRow.slug).order_by(OfferRow.number.desc())
    async with parts.db.read() as session:
        rows = (await session.scalars(query.limit(_HITS))).all()
    return [_hit(row.name, row.slug, f"/offers/{row.id}/smart-link", "layers") for row in rows]


async def _partners(parts: Parts, typed: str) -> list[dict[str, str]]:
    if not typed:
        return []
    query = containing(select(PartnerRow), typed, PartnerRow.name, PartnerRow.slug).order_by(PartnerRow.number.desc())
    async with parts.db.read() as session:
        rows = (await session.scalars(query.limit(_HITS))).all()
    return [_hit(row.name, row.slug, f"/partners/{row.id}", "users") for row in rows]


async def _link_hits(parts: Parts, typed: str) -> list[dict[str, str]]:
    if not typed:
        return []
    found = await links(parts, typed, limit=_HITS)
    known = await names.names_of(parts, found)
    return [_hit(f"/{link.slug}", known.offer(link.offer_id), f"/links/{link.id}", "link") for link in found]


def _actions(caller: Caller, typed: str) -> list[dict[str, str]]:
    allowed = [action for action in _ACTIONS if caller.role.includes(action.role)]
    words = typed.split()
    return [
        _hit(action.label, "", action.href, action.icon)
        for action in allowed
        if all(word in f"{action.label} {action.words}".lower() for word in words)
    ]


def _hit(label: str, note: str, href: str, icon: str) -> dict[str, str]:
    return {"label": label, "note": note, "href": href, "icon": icon}
