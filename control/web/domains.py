"""Domains: the list, and registering a host."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from control.access.guard import require_role
from control.access.roles import Role
from control.domains import service
from control.domains.schemas import Domain, DomainIn, DomainPatch, DomainStatus
from control.errors import Problem
from control.fields import PathId
from control.pagination import Cursor, CursorDep
from control.parts import Parts, PartsDep
from control.web import forms
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of, told
from control.web.render import page
from control.web.undo import deleted

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("host", "root_url", "inactive_url")
_URLS: Final = ("root_url", "inactive_url")


@router.get("/domains")
async def list_domains(request: Request, parts: PartsDep, caller: Person, cursor: CursorDep) -> Any:
    return await _list_page(request, parts, caller, cursor)


@router.get("/domains/new")
async def new_domain(request: Request, parts: PartsDep, caller: Person) -> Any:
    return page(request, "domain_new.html", caller=caller, filled=Filled(), public_url=parts.settings.links_base)


@router.post("/domains/new")
async def create_domain(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    try:
        await service.create(parts, caller, forms.read(DomainIn, forms.given(form, *_FIELDS)))
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        base = parts.settings.links_base
        return page(request, "domain_new.html", code=422, caller=caller, filled=filled, public_url=base)
    return forms.see_other(told("/domains", "created"))


@router.get("/domains/{domain_id}")
async def show_domain(request: Request, parts: PartsDep, caller: Person, domain_id: PathId) -> Any:
    return _domain_page(request, caller, await service.get(parts, domain_id))


@router.post("/domains/{domain_id}")
async def update_domain(request: Request, parts: PartsDep, caller: Person, domain_id: PathId, form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    try:
        change = forms.read(DomainPatch, {name: form.get(name, "").strip() or None for name in _URLS})
        await service.update(parts, caller, domain_id, change)
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        return _domain_page(request, caller, await service.get(parts, domain_id), filled)
    return forms.see_other(told("/domains", "saved"))


@router.post("/domains/{domain_id}/status")
async def set_status(request: Request, parts: PartsDep, caller: Person, domain_id: PathId, form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    status = DomainStatus.PAUSED if form.get("status") == DomainStatus.PAUSED else DomainStatus.ACTIVE
    before = await service.get(parts, domain_id)
    await service.set_status(parts, caller, domain_id, status)
    return forms.see_other(told("/domains", status, of=domain_id, was=before.status))


@router.post("/domains/{domain_id}/delete")
async def delete_domain(request: Request, parts: PartsDep, caller: Person, domain_id: PathId, form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    try:
        await service.delete(parts, caller, domain_id)
    except Problem as problem:
        faults = forms.refused(form, problem, ())
        domain = await service.get(parts, domain_id)
        return _domain_page(request, caller, domain, Filled(_stored(domain), faults=faults.faults))
    return forms.see_other(told("/domains", "deleted", gone=domain_id))


@router.post("/domains/{domain_id}/undelete")
async def undelete_domain(parts: PartsDep, caller: Person, domain_id: PathId, _form: Form) -> RedirectResponse:
    require_role(caller, Role.ADMIN)
    await service.create(parts, caller, *await deleted(parts, "domain", domain_id, DomainIn))
    return forms.see_other(told("/domains", "undone"))


async def _list_page(request: Request, parts: Parts, caller: Person, cursor: Cursor) -> Any:
    found = await service.page(parts, cursor)
    return page(
        request,
        "domains.html",
        caller=caller,
        domains=found.items,
        next_cursor=found.next_cursor,
        public_url=parts.settings.links_base,
        root_url=parts.settings.root_url,
        notice=notice_of(request, "/domains"),
    )


def _domain_page(request: Request, caller: Person, domain: Domain, filled: Filled | None = None) -> Any:
    code = 200 if filled is None else 422
    filled = filled or Filled(_stored(domain))
    return page(request, "domain.html", code=code, caller=caller, domain=domain, filled=filled)


def _stored(domain: Domain) -> dict[str, str]:
    """Return what the form holds at first."""
    return {name: getattr(domain, name) or "" for name in _URLS}
