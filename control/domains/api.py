"""/domains"""

from fastapi import APIRouter

from control.access.guard import Admin, Viewer
from control.domains import service
from control.domains.schemas import Domain, DomainIn, DomainPatch, DomainStatus, SavedDomain
from control.fields import PathId, WordQuery
from control.pagination import CursorDep, Page
from control.parts import PartsDep

router = APIRouter(prefix="/domains", tags=["domains"])


@router.get("", summary="List domains")
async def list_domains(parts: PartsDep, _caller: Viewer, cursor: CursorDep, host: WordQuery = None) -> Page[Domain]:
    return await service.page(parts, cursor, host)


@router.post("", status_code=201, summary="Register a host")
async def create_domain(parts: PartsDep, caller: Admin, body: DomainIn) -> Domain:
    return await service.create(parts, caller, body)


@router.get("/{domain_id}", summary="Get a domain")
async def get_domain(parts: PartsDep, _caller: Viewer, domain_id: PathId) -> Domain:
    return await service.get(parts, domain_id)


@router.post("/{domain_id}/pause", summary="Pause: everything on it goes to inactive_url, else answers 410")
async def pause_domain(parts: PartsDep, caller: Admin, domain_id: PathId) -> SavedDomain:
    return await service.set_status(parts, caller, domain_id, DomainStatus.PAUSED)


@router.post("/{domain_id}/activate", summary="Activate: links on it redirect")
async def activate_domain(parts: PartsDep, caller: Admin, domain_id: PathId) -> SavedDomain:
    return await service.set_status(parts, caller, domain_id, DomainStatus.ACTIVE)


@router.patch("/{domain_id}", summary="Change where a domain's root, and while paused all of it, redirects")
async def update_domain(parts: PartsDep, caller: Admin, domain_id: PathId, body: DomainPatch) -> Domain:
    return await service.update(parts, caller, domain_id, body)


@router.delete("/{domain_id}", summary="Unregister a host")
async def delete_domain(parts: PartsDep, caller: Admin, domain_id: PathId) -> Domain:
    return await service.delete(parts, caller, domain_id)
