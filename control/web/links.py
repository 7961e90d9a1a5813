"""Links: the list of all, an offer's own, one link with its QR code, a new one, and many at once."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from control.access.guard import require_role
from control.access.roles import Role
from control.bulk_names import BulkNames
from control.errors import Problem
from control.fields import PathId
from control.links import bulk, service
from control.links.schemas import Link, LinkIn, LinkLine, LinkPatch
from control.offers import service as offers
from control.offers.schemas import Offer
from control.pagination import Cursor, CursorDep, Page
from control.parts import Parts, PartsDep
from control.web import forms, lines, names, qr, search
from control.web.forms import Filled
from control.web.guard import Form, Person, safe_next
from control.web.notices import notice_of, told
from control.web.pasting import Pasting
from control.web.render import page
from control.web.sent import sent_by
from control.web.undo import deleted
from shared.destination import SUBS

router = APIRouter(include_in_schema=False)

_PASTING: Final = Pasting(
    "links_bulk.html",
    columns=("slug", "offer", "partner", "coupon", *SUBS, "domain", "enabled", "expires_at"),
    asked=("offer", "slug", "partner", "coupon", "sub1"),
    create=bulk.create,
)
_FIELDS: Final = ("slug", "offer", "partner", "coupon", *SUBS, "domain_id", "expires_at")
_NOUNS: Final = ("offer", "partner", "domain")

Text = Annotated[str, Query(max_length=64)]


@router.get("/links")
async def list_links(request: Request, parts: PartsDep, caller: Person, cursor: CursorDep, q: Text = "") -> Any:
    return await _list_page(request, parts, caller, await _found(parts, cursor, q), q=q)


@router.get("/offers/{offer_id}/links")
async def list_offer_links(
    *, request: Request, parts: PartsDep, caller: Person, offer_id: PathId, cursor: CursorDep, q: Text = ""
) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    return await _list_page(request, parts, caller, await _found(parts, cursor, q, offer.id), q=q, offer=offer)


@router.get("/links/new")
async def new_link(request: Request, parts: PartsDep, caller: Person) -> Any:
    typed = {name: request.query_params[name] for name in ("offer", "partner") if name in request.query_params}
    return await _new_page(request, parts, caller, Filled(typed))


@router.post("/links/new")
async def create_link(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        link = await service.create(parts, caller, await _wanted(parts, form))
    except Problem as problem:
        return await _new_page(request, parts, caller, forms.refused(form, problem, _FIELDS))
    return forms.see_other(told(f"/links/{link.id}", "created"))


@router.get("/links/bulk")
async def new_links(request: Request, caller: Person, offer: Text = "") -> Any:
    return _PASTING.show(request, caller, offer)


@router.post("/links/bulk")
async def create_links(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    return await _PASTING.take(request, parts, caller, form)


@router.get("/links/{link_id}")
async def show_link(request: Request, parts: PartsDep, caller: Person, link_id: PathId) -> Any:
    link = await service.get(parts, link_id)
    return await _link_page(request, parts, caller, link)


@router.post("/links/{link_id}")
async def update_link(request: Request, parts: PartsDep, caller: Person, link_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        await service.update(parts, caller, link_id, await _change(parts, form))
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        return await _link_page(request, parts, caller, await service.get(parts, link_id), filled)
    return forms.see_other(told(f"/links/{link_id}", "saved"))


@router.post("/links/{link_id}/switch")
async def switch_link(parts: PartsDep, caller: Person, link_id: PathId, form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    on = form.get("enabled") == "true"
    await service.update(parts, caller, link_id, LinkPatch(enabled=on))
    back = safe_next(form.get("next", "/links"))
    return forms.see_other(told(back, "enabled" if on else "disabled", switched=link_id))


@router.post("/links/{link_id}/delete")
async def delete_link(parts: PartsDep, caller: Person, link_id: PathId, _form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    link = await service.delete(parts, caller, link_id)
    return forms.see_other(told(f"/offers/{link.offer_id}/links", "deleted", gone=link.id))


@router.post("/links/{link_id}/undelete")
async def undelete_link(parts: PartsDep, caller: Person, link_id: PathId, _form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    link = await service.create(parts, caller, *await deleted(parts, "link", link_id, LinkIn))
    return forms.see_other(told(f"/links/{link.id}", "undone"))


@router.get("/links/{link_id}/qr.svg")
async def link_qr(parts: PartsDep, _caller: Person, link_id: PathId, download: bool = False) -> Any:
    link = await service.get(parts, link_id)
    return qr.response(link.url, link.slug if download else "")


@router.get("/offers/{offer_id}/qr.svg")
async def offer_qr(parts: PartsDep, caller: Person, offer_id: PathId, download: bool = False) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    return qr.response(offer.url, offer.slug if download else "")


async def _found(parts: Parts, cursor: Cursor, q: str, offer_id: str | None = None) -> Page[Link]:
    """Return one page of links, or the first whose slugs begin with `q`."""
    if q.strip():
        return Page(items=await search.links(parts, q, offer_id), next_cursor=None)
    return await service.page(parts, cursor, {"offer_id": offer_id})


async def _list_page(
    request: Request, parts: Parts, caller: Person, found: Page[Link], *, q: str, offer: Offer | None = None
) -> Any:
    return page(
        request,
        "offer_links.html" if offer else "links.html",
        caller=caller,
        offer=offer,
        links=found.items,
        next_cursor=found.next_cursor,
        q=q,
        sent=await sent_by(request, parts, found.items),
        names=await names.names_of(parts, found.items),
        notice=notice_of(request, "/links"),
    )


async def _wanted(parts: Parts, form: Mapping[str, str]) -> LinkIn:
    """Return the link that a form asks for. Raises Problem 422."""
    typed: dict[str, Any] = forms.given(form, *_FIELDS)
    line = forms.read(LinkLine, typed | _times(typed))
    known = await BulkNames.of(parts, [line], _NOUNS)
    ids, errors = known.resolve(line, required=("offer",))
    if errors:
        raise Problem.invalid(errors)
    return line.model_copy(update=ids)


async def _change(parts: Parts, form: Mapping[str, str]) -> LinkPatch:
    """Return what a link's form asks for; emptied fields are unset. Raises Problem 422."""
    wanted = await _wanted(parts, form)
    if wanted.slug is None:
        raise Problem.invalid([lines.missing("slug")])
    fields = ("slug", "offer_id", "partner_id", "coupon", *SUBS, "expires_at")
    return LinkPatch.model_validate({name: getattr(wanted, name) for name in fields})


def _times(typed: Mapping[str, str]) -> dict[str, str]:
    """Return `expires_at` as the API takes it: a field of the browser's gives minutes of UTC."""
    written = typed.get("expires_at", "")
    return {"expires_at": f"{written}Z"} if written and not written.endswith("Z") else {}


async def _new_page(request: Request, parts: Parts, caller: Person, filled: Filled) -> Any:
    context = {"choices": await names.choices(parts), "filled": filled}
    return page(request, "link_new.html", code=filled.code, caller=caller, **context)


async def _link_page(request: Request, parts: Parts, caller: Person, link: Link, filled: Filled | None = None) -> Any:
    known = await names.names_of(parts, [link])
    filled = filled or Filled(_typed(link, known))
    return page(
        request,
        "link.html",
        code=filled.code,
        caller=caller,
        link=link,
        sent=await sent_by(request, parts, [link]),
        names=known,
        choices=await names.choices(parts),
        filled=filled,
        notice=notice_of(request),
    )


def _typed(link: Link, known: names.Names) -> dict[str, str]:
    """Return what a link's form holds at first."""
    partner = known.partners.get(link.partner_id or "")
    return {
        "slug": link.slug,
        "offer": known.offers[link.offer_id].slug,
        "partner": partner.slug if partner else "",
        "coupon": link.coupon or "",
        **{sub: getattr(link, sub) or "" for sub in SUBS},
        "expires_at": link.expires_at.strftime("%Y-%m-%dT%H:%M") if link.expires_at else "",
    }
