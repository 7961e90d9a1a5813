"""The Smart link tab, and what its modules ask while a marketer types."""

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import Field

from control.access.guard import Viewer
from control.access.roles import Role
from control.destinations import InvalidUrl, UrlRules, finalise
from control.fields import Input, PathId
from control.offers import service as offers
from control.parts import PartsDep
from control.savedtests import service as saved_tests
from control.smartlinks import service
from control.smartlinks.schemas import SmartLinkIn
from control.web.guard import Person
from control.web.notices import notice_of
from control.web.render import page
from control.web.trial import SHARES, trial_of
from shared import countries
from shared.conditions import KINDS
from shared.destination import Destination

router = APIRouter(include_in_schema=False)

WORDS: Final = {
    "country": {
        **countries.GROUP_NAMES,
        **countries.NAMES,
        countries.UNKNOWN: "unknown country",
    },
    **{name: {value: kind.label(value) for value in kind.values} for name, kind in KINDS.items() if name != "country"},
}
"""Kind -> value -> what pages call it."""

PREVIEW_COUNTS: Final = (1_000, 10_000, 100_000)
"""How many of the latest clicks a draft can be replayed on."""

GROUPS: Final = {name: sorted(codes) for name, codes in countries.GROUPS.items()}


SAMPLES: Final = {
    "click_id": "0d4n7q2rk3v8m1x5",
    "partner": "mara",
    "coupon": "MARA20",
    "country": "DE",
    "device": "mobile",
    "os": "ios",
    "offer": "",
    "link": "mara-tiktok",
    "rule": "r_mfzwizltoq2dgnbt",
    "sub1": "tiktok",
    "sub2": "",
    "sub3": "",
    "sub4": "",
    "sub5": "",
}
"""Macro -> what a German iPhone on a partner's link would put there."""


class UrlToCheck(Input):
    """A destination as it stands in a field, and what its offer does with destinations."""

    url: str = Field(max_length=4096)
    offer: str = Field(default="", max_length=64)
    append_click_id: bool = True


@router.get("/offers/{offer_id}/smart-link/preview")
@router.get("/offers/{offer_id}/smart-link")
async def show_smart_link(request: Request, parts: PartsDep, caller: Person, offer_id: PathId) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    link = offer.smart_link
    data = {
        "offer": offer.model_dump(include={"id", "slug", "destination_url", "redirect_status", "append_click_id"}),
        "link": link.model_dump(mode="json"),
        "tests": [test.model_dump(mode="json") for test in await saved_tests.everyone(parts, offer_id)],
        "words": WORDS,
        "groups": GROUPS,
        "samples": SAMPLES | {"offer": offer.slug},
        "may_edit": caller.role.includes(Role.EDITOR),
        "shares": SHARES,
        "is_admin": caller.role.includes(Role.ADMIN),
        "prefill": _prefill(request.query_params),
    }
    return page(
        request,
        "smart_link.html",
        caller=caller,
        offer=offer,
        link=link,
        edited_at=offer.updated_at,
        page_data=data,
        preview_counts=PREVIEW_COUNTS,
        trial=await trial_of(parts, offer),
        notice=notice_of(request),
    )


@router.post("/ui/offers/{offer_id}/check")
async def check_draft(parts: PartsDep, _caller: Viewer, offer_id: PathId, body: SmartLinkIn) -> dict[str, Any]:
    """Answer what a save of this draft would warn of; new rules are called `new-<place>`."""
    warnings = await service.warnings(parts, offer_id, body)
    return {"warnings": [warning.model_dump() for warning in warnings]}


@router.post("/ui/destination")
async def check_destination(parts: PartsDep, _caller: Viewer, body: UrlToCheck) -> dict[str, Any]:
    """Answer what is wrong with a destination; else whether it is https and has a click id, and what it becomes.

    `sample` is where a German iPhone would be sent, null where that is the destination as it is.
    """
    try:
        final = finalise(body.url, UrlRules(parts.settings.app_schemes))
    except InvalidUrl as exc:
        return {"error": exc.message}
    has_click_id = body.append_click_id or "{click_id}" in final.url
    sample = _sample(final.url, body) if "{" in final.url else None
    return {"error": None, "https": final.scheme == "https", "has_click_id": has_click_id, "sample": sample}


def _sample(url: str, body: UrlToCheck) -> str:
    destination = Destination(url, append_click_id=body.append_click_id)
    return destination.location(SAMPLES["click_id"].encode(), b"", SAMPLES | {"offer": body.offer}).decode()


def _prefill(query: Any) -> dict[str, list[str]] | None:
    """Return the conditions of a rule that another page suggests (`?country=BR&device=mobile`), or None."""
    wanted = {name: kind.normalise(query[name]) for name, kind in KINDS.items() if name in query}
    when = {name: [value] for name, value in wanted.items() if value is not None}
    return when or None
