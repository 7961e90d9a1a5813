"""The Settings tab: what an offer is called, where it leads, how it redirects, its domains, its end."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request

from control.access.guard import require_role
from control.access.roles import Role
from control.domains import service as domains
from control.errors import Problem
from control.fields import PathId
from control.offers import making, service
from control.offers.schemas import Offer, OfferCopy, OfferPatch
from control.pagination import Cursor
from control.parts import Parts, PartsDep
from control.web import forms
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of, told
from control.web.render import page
from shared.rules import OfferStatus

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("name", "destination_url", "inactive_url", "redirect_status", "currency", "domain_ids")
_CLONE_FIELDS: Final = ("clone_name", "clone_slug")
_ALL: Final = Cursor(None, 200)
_PREFIX: Final = "domain:"

MACROS: Final = (
    ("click_id", "The id of this click. Send it back to the postback URL to report a conversion"),
    ("partner", "Slug of the partner, from the link or ?via="),
    ("coupon", "The coupon code, from the link or ?coupon="),
    ("country", "Country of the visitor, such as US; ZZ when it is unknown"),
    ("device", "desktop, mobile, tablet or other"),
    ("os", "ios, android, windows, macos, linux, chromeos or other"),
    ("offer", "Slug of this offer"),
    ("link", "Slug of the link; empty on the URL of the offer itself"),
    ("rule", "The id of the rule that decided, or fallback"),
    ("sub1", "Sub-ID 1, from the link or ?sub1=; sub2 to sub5 as well"),
)


@router.get("/offers/{offer_id}/settings")
async def show_settings(request: Request, parts: PartsDep, caller: Person, offer_id: PathId) -> Any:
    return await _settings_page(request, parts, caller, await service.get(parts, caller, offer_id))


@router.post("/offers/{offer_id}/settings")
async def save_settings(request: Request, parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    override = "override_tests" in form
    try:
        wanted = forms.read(OfferPatch, _wanted(form))
        saved = await service.update(parts, caller, offer_id, wanted, override_tests=override)
    except Problem as problem:
        filled = forms.refused(form, problem, _FIELDS)
        offer = await service.get(parts, caller, offer_id)
        return await _settings_page(request, parts, caller, offer, filled, fails_tests=problem.code == "tests_failed")
    return forms.see_other(told(f"/offers/{offer_id}/settings", "saved", sequence=saved.sequence))


@router.post("/offers/{offer_id}/status")
async def set_status(parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    wanted = form.get("status", "")
    if wanted not in list(OfferStatus):
        raise Problem(400, "unknown_status", "An offer is active, paused or archived.")
    before = await service.get(parts, caller, offer_id)
    saved = await service.set_status(parts, caller, offer_id, OfferStatus(wanted))
    back = {"of": offer_id, "was": before.status}
    return forms.see_other(told(f"/offers/{offer_id}/settings", wanted, sequence=saved.sequence, **back))


@router.post("/offers/{offer_id}/clone")
async def clone_offer(request: Request, parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> Any:
    require_role(caller, Role.EDITOR)
    typed = forms.given(form, *_CLONE_FIELDS)
    try:
        wanted = forms.read(OfferCopy, {name.removeprefix("clone_"): value for name, value in typed.items()})
        saved = await making.clone(parts, caller, offer_id, wanted)
    except Problem as problem:
        told_of = forms.refused(form, problem, ("name", "slug"))
        errors = {f"clone_{name}": why for name, why in told_of.errors.items()}
        offer = await service.get(parts, caller, offer_id)
        filled = Filled(_stored(offer) | dict(told_of.values), errors, told_of.faults)
        return await _settings_page(request, parts, caller, offer, filled)
    return forms.see_other(told(f"/offers/{saved.id}/settings", "cloned", sequence=saved.sequence))


@router.post("/offers/{offer_id}/postback-secret")
async def rotate_secret(parts: PartsDep, caller: Person, offer_id: PathId, _form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    await service.rotate_secret(parts, caller, offer_id)
    return forms.see_other(told(f"/offers/{offer_id}/settings", "rotated"))


async def _settings_page(
    request: Request,
    parts: Parts,
    caller: Person,
    offer: Offer,
    filled: Filled | None = None,
    *,
    fails_tests: bool = False,
) -> Any:
    return page(
        request,
        "offer_settings.html",
        code=200 if filled is None else 422,
        caller=caller,
        offer=offer,
        domains=(await domains.page(parts, _ALL)).items,
        filled=filled or Filled(_stored(offer)),
        fails_tests=fails_tests,
        macros=MACROS,
        base=str(request.base_url).rstrip("/"),
        notice=notice_of(request, "/offers"),
    )


def _wanted(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the form as the API takes it: a box that is not ticked is not sent."""
    status = form.get("redirect_status", "")
    return {
        "name": form.get("name", ""),
        "destination_url": form.get("destination_url", "").strip(),
        "inactive_url": form.get("inactive_url", "").strip() or None,
        "redirect_status": int(status) if status in ("302", "307") else status,
        "pass_query": "pass_query" in form,
        "append_click_id": "append_click_id" in form,
        "currency": form.get("currency", "").strip().upper(),
        "domain_ids": [name.removeprefix(_PREFIX) for name in form if name.startswith(_PREFIX)],
    }


def _stored(offer: Offer) -> dict[str, str]:
    """Return what the form holds at first."""
    ticked = {f"{_PREFIX}{domain_id}": "on" for domain_id in offer.domain_ids}
    switches = {name: "on" for name in ("pass_query", "append_click_id") if getattr(offer, name)}
    return {
        "name": offer.name,
        "destination_url": offer.destination_url,
        "inactive_url": offer.inactive_url or "",
        "redirect_status": str(offer.redirect_status),
        "currency": offer.currency,
        **ticked,
        **switches,
    }
