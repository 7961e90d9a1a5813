"""/offers/{offer_id}/conversions and /conversions/{conversion_id}"""

from typing import Annotated

from fastapi import APIRouter, Query

from control.access.guard import Viewer
from control.conversions import service
from control.conversions.clicks import ClickStatus
from control.conversions.schemas import Conversion
from control.coupons.models import fold
from control.fields import IdQuery, PathId
from control.pagination import CursorDep, Page
from control.parts import PartsDep

router = APIRouter(tags=["conversions"])

TextQuery = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/offers/{offer_id}/conversions", summary="List conversions")
async def list_conversions(
    *,
    parts: PartsDep,
    _caller: Viewer,
    offer_id: PathId,
    cursor: CursorDep,
    partner_id: Annotated[IdQuery, Query(description="Only those that credit this partner")] = None,
    rule_id: Annotated[IdQuery, Query(description="Only those whose click got this rule, or `fallback`")] = None,
    event: TextQuery = None,
    txn_id: TextQuery = None,
    click_id: TextQuery = None,
    coupon: Annotated[TextQuery, Query(description="As reported, in any case")] = None,
    click_status: Annotated[ClickStatus | None, Query(description="How they stand with their click")] = None,
    conflict: Annotated[bool | None, Query(description="Whether coupon and click name two partners")] = None,
) -> Page[Conversion]:
    filters = {
        "partner_id": partner_id,
        "rule": rule_id,
        "event": event,
        "txn_id": txn_id,
        "click_id": click_id,
        "folded": None if coupon is None else fold(coupon),
        "click_status": click_status,
    }
    return await service.page(parts, offer_id, cursor, filters=filters, conflict=conflict)


@router.get("/conversions/{conversion_id}", summary="Explain a conversion")
async def get_conversion(parts: PartsDep, _caller: Viewer, conversion_id: PathId) -> Conversion:
    return await service.get(parts, conversion_id)
