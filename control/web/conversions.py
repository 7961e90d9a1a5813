"""Conversions of an offer: each with whom it credits and why, and what shops tried to report."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from control.access.guard import require_role
from control.access.roles import Caller, Role
from control.conversions import service
from control.errors import Problem
from control.fields import PathId
from control.offers import service as offers
from control.pagination import Cursor, CursorDep
from control.parts import Parts, PartsDep
from control.postbacks import service as postbacks
from control.postbacks.schemas import Outcome, PostbackTest, TestedPostback
from control.web import forms, names
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.render import page

router = APIRouter(include_in_schema=False)

BY: Final = {
    "coupon": "by the coupon",
    "link": "by the link",
    "via": "by ?via=",
    "click_coupon": "by the coupon of the click",
    "none": "nobody to credit",
}
_TRIES: Final = Cursor(None, 10)
_FIRST: Final = Cursor(None, 50)
_TESTED: Final = ("click_id", "coupon", "amount")


@router.get("/offers/{offer_id}/conversions")
async def show_conversions(
    request: Request,
    parts: PartsDep,
    caller: Person,
    offer_id: PathId,
    cursor: CursorDep,
    *,
    conflict: Annotated[bool | None, Query()] = None,
) -> Any:
    return await _page(request, parts, caller, offer_id, cursor, conflict=bool(conflict))


@router.post("/offers/{offer_id}/conversions/test")
async def send_test(request: Request, parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    filled = Filled(forms.given(form, *_TESTED))
    try:
        tested = await postbacks.test(parts, offer_id, forms.read(PostbackTest, filled.values))
    except Problem as problem:
        filled, tested = forms.refused(form, problem, _TESTED), None
    return await _page(request, parts, caller, offer_id, _FIRST, filled=filled, tested=tested)


async def _page(
    request: Request,
    parts: Parts,
    caller: Caller,
    offer_id: str,
    cursor: Cursor,
    *,
    conflict: bool = False,
    filled: Filled | None = None,
    tested: TestedPostback | None = None,
) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    found = await service.page(parts, offer.id, cursor, filters={}, conflict=conflict or None)
    tries = await postbacks.page(parts, offer.id, _TRIES, None)
    refused = await postbacks.page(parts, offer.id, _TRIES, Outcome.REFUSED)
    return page(
        request,
        "conversions.html",
        caller=caller,
        offer=offer,
        conversions=found.items,
        next_cursor=found.next_cursor,
        conflict=conflict,
        tries=tries.items,
        refused=len(refused.items),
        by=BY,
        filled=filled or Filled(),
        tested=tested,
        names=await names.names_of(
            parts, [*found.items, *([tested.conversion] if tested and tested.conversion else [])]
        ),
    )
