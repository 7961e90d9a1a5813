"""The list of offers, and a new one."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from control.access.guard import require_role
from control.access.roles import Role
from control.errors import Problem
from control.offers import making, service
from control.offers.schemas import OfferIn
from control.pagination import CursorDep
from control.parts import PartsDep
from control.web import forms
from control.web.figures import lately, zone_of
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of
from control.web.offer_rows import rows_of
from control.web.render import page
from shared.rules import OfferStatus

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("name", "slug", "destination_url")

Text = Annotated[str, Query(max_length=100)]


@router.get("/")
async def home(_caller: Person) -> RedirectResponse:
    return RedirectResponse("/offers", 303)


@router.get("/offers")
async def list_offers(
    *,
    request: Request,
    parts: PartsDep,
    caller: Person,
    cursor: CursorDep,
    status: OfferStatus = OfferStatus.ACTIVE,
    q: Text = "",
) -> Any:
    found = await service.page(parts, caller, cursor, status=status, containing=q.strip())
    counts = await service.counts(parts)
    return page(
        request,
        "offers.html",
        caller=caller,
        rows=await rows_of(parts, found.items, lately(zone_of(request), "7d")),
        next_cursor=found.next_cursor,
        status=status,
        q=q,
        counts={one: counts.get(one, 0) for one in OfferStatus},
        notice=notice_of(request),
    )


@router.get("/offers/new")
async def new_offer(request: Request, caller: Person) -> Any:
    return page(request, "offer_new.html", caller=caller, filled=Filled())


@router.post("/offers/new")
async def create_offer(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        offer = await making.create(parts, caller, forms.read(OfferIn, forms.given(form, *_FIELDS)))
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        return page(request, "offer_new.html", code=filled.code, caller=caller, filled=filled)
    return forms.see_other(f"/offers/{offer.id}/smart-link")
