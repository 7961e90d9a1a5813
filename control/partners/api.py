"""/partners"""

from fastapi import APIRouter

from control.access.guard import Editor, Viewer
from control.fields import PathId, SlugQuery
from control.pagination import CursorDep, Page
from control.partners import service
from control.partners.schemas import Partner, PartnerIn, PartnerPatch
from control.parts import PartsDep

router = APIRouter(prefix="/partners", tags=["partners"])


@router.get("", summary="List partners")
async def list_partners(parts: PartsDep, _caller: Viewer, cursor: CursorDep, slug: SlugQuery = None) -> Page[Partner]:
    return await service.page(parts, cursor, slug)


@router.post("", status_code=201, summary="Add a partner")
async def create_partner(parts: PartsDep, caller: Editor, body: PartnerIn) -> Partner:
    return await service.create(parts, caller, body)


@router.get("/{partner_id}", summary="Get a partner")
async def get_partner(parts: PartsDep, _caller: Viewer, partner_id: PathId) -> Partner:
    return await service.get(parts, partner_id)


@router.patch("/{partner_id}", summary="Rename a partner")
async def update_partner(parts: PartsDep, caller: Editor, partner_id: PathId, body: PartnerPatch) -> Partner:
    return await service.update(parts, caller, partner_id, body)


@router.delete("/{partner_id}", summary="Remove a partner")
async def delete_partner(parts: PartsDep, caller: Editor, partner_id: PathId) -> Partner:
    return await service.delete(parts, caller, partner_id)
