"""Coupons: the list of all, an offer's own, one coupon, a new one, and many at once."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from control.access.guard import require_role
from control.access.roles import Role
from control.bulk_names import BulkNames
from control.coupons import bulk, service
from control.coupons.schemas import Coupon, CouponIn, CouponLine, CouponPatch
from control.errors import Problem
from control.fields import PathId
from control.offers import service as offers
from control.offers.schemas import Offer
from control.pagination import Cursor, CursorDep
from control.parts import Parts, PartsDep
from control.web import forms, names
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of, told
from control.web.pasting import Pasting
from control.web.render import page
from control.web.undo import deleted

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("code", "offer", "partner")
_PASTING: Final = Pasting("coupons_bulk.html", columns=_FIELDS, asked=_FIELDS, create=bulk.create)

Text = Annotated[str, Query(max_length=64)]


@router.get("/coupons")
async def list_coupons(request: Request, parts: PartsDep, caller: Person, cursor: CursorDep, q: Text = "") -> Any:
    return await _list_page(request, parts, caller, cursor, q=q)


@router.get("/offers/{offer_id}/coupons")
async def list_offer_coupons(
    *, request: Request, parts: PartsDep, caller: Person, offer_id: PathId, cursor: CursorDep, q: Text = ""
) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    return await _list_page(request, parts, caller, cursor, q=q, offer=offer)


@router.get("/coupons/new")
async def new_coupon(request: Request, parts: PartsDep, caller: Person) -> Any:
    typed = {name: request.query_params[name] for name in ("offer", "partner") if name in request.query_params}
    return await _new_page(request, parts, caller, Filled(typed))


@router.post("/coupons/new")
async def create_coupon(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        coupon = await service.create(parts, caller, await _wanted(parts, form))
    except Problem as problem:
        return await _new_page(request, parts, caller, forms.refused(form, problem, _FIELDS))
    return forms.see_other(told(f"/offers/{coupon.offer_id}/coupons", "created"))


@router.get("/coupons/bulk")
async def new_coupons(request: Request, caller: Person, offer: Text = "") -> Any:
    return _PASTING.show(request, caller, offer)


@router.post("/coupons/bulk")
async def create_coupons(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    return await _PASTING.take(request, parts, caller, form)


@router.get("/coupons/{coupon_id}")
async def show_coupon(request: Request, parts: PartsDep, caller: Person, coupon_id: PathId) -> Any:
    return await _coupon_page(request, parts, caller, await service.get(parts, coupon_id))


@router.post("/coupons/{coupon_id}")
async def update_coupon(request: Request, parts: PartsDep, caller: Person, coupon_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    coupon = await service.get(parts, coupon_id)
    try:
        wanted = await _wanted(parts, {**form, "offer": (await _offer_slug(parts, coupon))})
        change = CouponPatch(code=wanted.code, partner_id=wanted.partner_id)
        await service.update(parts, caller, coupon_id, change)
    except Problem as problem:
        return await _coupon_page(request, parts, caller, coupon, forms.refused(form, problem, _FIELDS))
    return forms.see_other(told(f"/offers/{coupon.offer_id}/coupons", "saved"))


@router.post("/coupons/{coupon_id}/delete")
async def delete_coupon(parts: PartsDep, caller: Person, coupon_id: PathId, _form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    coupon = await service.delete(parts, caller, coupon_id)
    return forms.see_other(told(f"/offers/{coupon.offer_id}/coupons", "deleted", gone=coupon.id))


@router.post("/coupons/{coupon_id}/undelete")
async def undelete_coupon(parts: PartsDep, caller: Person, coupon_id: PathId, _form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    coupon = await service.create(parts, caller, *await deleted(parts, "coupon", coupon_id, CouponIn))
    return forms.see_other(told(f"/offers/{coupon.offer_id}/coupons", "undone"))


async def _list_page(
    request: Request, parts: Parts, caller: Person, cursor: Cursor, *, q: str, offer: Offer | None = None
) -> Any:
    offer_id = offer.id if offer else None
    found = await service.page(parts, cursor, code=q.strip() or None, offer_id=offer_id, partner_id=None)
    return page(
        request,
        "offer_coupons.html" if offer else "coupons.html",
        caller=caller,
        offer=offer,
        coupons=found.items,
        next_cursor=found.next_cursor,
        q=q,
        names=await names.names_of(parts, found.items),
        notice=notice_of(request, "/coupons"),
    )


async def _wanted(parts: Parts, form: Mapping[str, str]) -> CouponIn:
    """Return the coupon that a form asks for. Raises Problem 422."""
    line = forms.read(CouponLine, forms.given(form, *_FIELDS))
    known = await BulkNames.of(parts, [line], ("offer", "partner"))
    ids, errors = known.resolve(line, required=("offer", "partner"))
    if errors:
        raise Problem.invalid(errors)
    return CouponIn.model_validate({"code": line.code, **ids})


async def _offer_slug(parts: Parts, coupon: Coupon) -> str:
    return (await names.names_of(parts, [coupon])).offers[coupon.offer_id].slug


async def _new_page(request: Request, parts: Parts, caller: Person, filled: Filled) -> Any:
    context = {"choices": await names.choices(parts), "filled": filled}
    return page(request, "coupon_new.html", code=filled.code, caller=caller, **context)


async def _coupon_page(
    request: Request, parts: Parts, caller: Person, coupon: Coupon, filled: Filled | None = None
) -> Any:
    known = await names.names_of(parts, [coupon])
    typed = {"code": coupon.code, "partner": known.partners[coupon.partner_id].slug}
    return page(
        request,
        "coupon.html",
        code=200 if filled is None else 422,
        caller=caller,
        coupon=coupon,
        names=known,
        choices=await names.choices(parts),
        filled=filled or Filled(typed),
    )
