"""Partners: the list, one partner with their links and coupons, a new one."""

from collections.abc import Collection
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select

from control.access.guard import require_role
from control.access.roles import Role
from control.coupons import service as coupons
from control.coupons.models import CouponRow
from control.errors import Problem
from control.fields import PathId
from control.links import service as links
from control.links.models import LinkRow
from control.pagination import Cursor, CursorDep
from control.partners import service
from control.partners.schemas import Partner, PartnerIn, PartnerPatch
from control.parts import Parts, PartsDep
from control.web import forms, names
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of, told
from control.web.render import page
from control.web.sent import sent_by, sent_by_partners
from control.web.undo import deleted

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("name", "slug")
_FIRST: Final = Cursor(None, 50)


@router.get("/partners")
async def list_partners(request: Request, parts: PartsDep, caller: Person, cursor: CursorDep) -> Any:
    found = await service.page(parts, cursor)
    return page(
        request,
        "partners.html",
        caller=caller,
        partners=found.items,
        next_cursor=found.next_cursor,
        counts=await _counts(parts, [partner.id for partner in found.items]),
        sent=await sent_by_partners(request, parts, found.items),
        notice=notice_of(request, "/partners"),
    )


@router.get("/partners/new")
async def new_partner(request: Request, caller: Person) -> Any:
    return page(request, "partner_new.html", caller=caller, filled=Filled())


@router.post("/partners/new")
async def create_partner(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        partner = await service.create(parts, caller, forms.read(PartnerIn, forms.given(form, *_FIELDS)))
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        return page(request, "partner_new.html", code=422, caller=caller, filled=filled)
    return forms.see_other(told(f"/partners/{partner.id}", "created"))


@router.get("/partners/{partner_id}")
async def show_partner(request: Request, parts: PartsDep, caller: Person, partner_id: PathId) -> Any:
    return await _partner_page(request, parts, caller, await service.get(parts, partner_id))


@router.post("/partners/{partner_id}")
async def update_partner(request: Request, parts: PartsDep, caller: Person, partner_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        await service.update(parts, caller, partner_id, forms.read(PartnerPatch, {"name": form.get("name", "")}))
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        return await _partner_page(request, parts, caller, await service.get(parts, partner_id), filled)
    return forms.see_other(told(f"/partners/{partner_id}", "saved"))


@router.post("/partners/{partner_id}/delete")
async def delete_partner(request: Request, parts: PartsDep, caller: Person, partner_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    try:
        await service.delete(parts, caller, partner_id)
    except Problem as problem:
        filled = forms.refused(form, problem, ())
        return await _partner_page(request, parts, caller, await service.get(parts, partner_id), filled)
    return forms.see_other(told("/partners", "deleted", gone=partner_id))


@router.post("/partners/{partner_id}/undelete")
async def undelete_partner(parts: PartsDep, caller: Person, partner_id: PathId, _form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    partner = await service.create(parts, caller, *await deleted(parts, "partner", partner_id, PartnerIn))
    return forms.see_other(told(f"/partners/{partner.id}", "undone"))


async def _partner_page(
    request: Request, parts: Parts, caller: Person, partner: Partner, filled: Filled | None = None
) -> Any:
    theirs = await links.page(parts, _FIRST, {"partner_id": partner.id})
    codes = await coupons.page(parts, _FIRST, code=None, offer_id=None, partner_id=partner.id)
    refused = filled is not None
    return page(
        request,
        "partner.html",
        code=422 if refused else 200,
        caller=caller,
        partner=partner,
        links=theirs.items,
        sent=await sent_by(request, parts, theirs.items),
        coupons=codes.items,
        more=theirs.next_cursor is not None or codes.next_cursor is not None,
        names=await names.names_of(parts, [*theirs.items, *codes.items]),
        filled=_kept(filled, partner),
        notice=notice_of(request, "/coupons"),
    )


def _kept(filled: Filled | None, partner: Partner) -> Filled:
    """Return the form of a partner: as it was typed, else as they are called."""
    if filled is None or "name" not in filled.values:
        return Filled({"name": partner.name}, faults=filled.faults if filled else ())
    return filled


async def _counts(parts: Parts, ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return how many links and coupons each partner has."""
    async with parts.db.read() as session:
        numbers = []
        for column in (LinkRow.partner_id, CouponRow.partner_id):
            query = select(column, func.count()).where(column.in_(ids)).group_by(column)
            numbers.append(dict((await session.execute(query)).all()))
    return {partner_id: (numbers[0].get(partner_id, 0), numbers[1].get(partner_id, 0)) for partner_id in ids}
