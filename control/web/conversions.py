"""Conversions of an offer: each with whom it credits and why, and what shops tried to report."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from control.conversions import service
from control.fields import PathId
from control.offers import service as offers
from control.pagination import Cursor, CursorDep
from control.parts import PartsDep
from control.postbacks import service as postbacks
from control.postbacks.schemas import Outcome
from control.web import names
from control.web.guard import Person
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
        conflict=bool(conflict),
        tries=tries.items,
        refused=len(refused.items),
        by=BY,
        names=await names.names_of(parts, found.items),
    )
