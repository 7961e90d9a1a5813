"""/links"""

from typing import Final

from fastapi import APIRouter, Request

from control.access.guard import Editor, Viewer
from control.bulk import BulkResult
from control.fields import IdQuery, PathId, SlugQuery
from control.links import bulk, service
from control.links.schemas import Link, LinkIn, LinkLine, LinkPatch
from control.openapi import lines_body
from control.pagination import CursorDep, Page
from control.parts import PartsDep

_LINES: Final = lines_body(LinkLine, "offer,partner,sub1\nsaas,mara,tiktok\n")

router = APIRouter(prefix="/links", tags=["links"])


@router.get("", summary="List links")
async def list_links(
    *,
    parts: PartsDep,
    _caller: Viewer,
    cursor: CursorDep,
    slug: SlugQuery = None,
    offer_id: IdQuery = None,
    partner_id: IdQuery = None,
    domain_id: IdQuery = None,
) -> Page[Link]:
    filters = {"slug": slug, "offer_id": offer_id, "partner_id": partner_id, "domain_id": domain_id}
    return await service.page(parts, cursor, filters)


@router.post("", status_code=201, summary="Add a link")
async def create_link(parts: PartsDep, caller: Editor, body: LinkIn) -> Link:
    return await service.create(parts, caller, body)


@router.post("/bulk", summary="Add links by the thousand", openapi_extra=_LINES)
async def create_links(parts: PartsDep, caller: Editor, request: Request) -> BulkResult:
    return await bulk.create(parts, caller, request)


@router.get("/{link_id}", summary="Get a link")
async def get_link(parts: PartsDep, _caller: Viewer, link_id: PathId) -> Link:
    return await service.get(parts, link_id)


@router.patch("/{link_id}", summary="Change a link")
async def update_link(parts: PartsDep, caller: Editor, link_id: PathId, body: LinkPatch) -> Link:
    return await service.update(parts, caller, link_id, body)


@router.delete("/{link_id}", summary="Delete a link: its slug answers 404 from then on")
async def delete_link(parts: PartsDep, caller: Editor, link_id: PathId) -> Link:
    return await service.delete(parts, caller, link_id)
