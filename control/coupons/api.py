"""/coupons"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from control.access.guard import Editor, Viewer
from control.bulk import BulkResult
from control.coupons import bulk, service
from control.coupons.schemas import Coupon, CouponIn, CouponLine, CouponPatch
from control.fields import IdQuery, PathId, WordQuery
from control.openapi import lines_body
from control.pagination import CursorDep, Page
from control.parts import PartsDep

_LINES: Final = lines_body(CouponLine, "code,offer,partner\nMARA20,saas,mara\n")

router = APIRouter(prefix="/coupons", tags=["coupons"])


@router.get("", summary="List coupons")
async def list_coupons(
    *,
    parts: PartsDep,
    _caller: Viewer,
    cursor: CursorDep,
    code: Annotated[WordQuery, Query(description="In any case")] = None,
    offer_id: IdQuery = None,
    partner_id: IdQuery = None,
) -> Page[Coupon]:
    return await service.page(parts, cursor, code=code, offer_id=offer_id, partner_id=partner_id)


@router.post("", status_code=201, summary="Add a coupon")
async def create_coupon(parts: PartsDep, caller: Editor, body: CouponIn) -> Coupon:
    return await service.create(parts, caller, body)


@router.post("/bulk", summary="Add coupons by the thousand", openapi_extra=_LINES)
async def create_coupons(parts: PartsDep, caller: Editor, request: Request) -> BulkResult:
    return await bulk.create(parts, caller, request)


@router.get("/{coupon_id}", summary="Get a coupon")
async def get_coupon(parts: PartsDep, _caller: Viewer, coupon_id: PathId) -> Coupon:
    return await service.get(parts, coupon_id)


@router.patch("/{coupon_id}", summary="Change a coupon")
async def update_coupon(parts: PartsDep, caller: Editor, coupon_id: PathId, body: CouponPatch) -> Coupon:
    return await service.update(parts, caller, coupon_id, body)


@router.delete("/{coupon_id}", summary="Delete a coupon")
async def delete_coupon(parts: PartsDep, caller: Editor, coupon_id: PathId) -> Coupon:
    return await service.delete(parts, caller, coupon_id)
