"""The part of the Smart link tab about a revision that is being tried: how it goes, to everyone, or back."""

from collections.abc import Awaitable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from control.access.guard import Viewer, require_role
from control.access.roles import Role
from control.canaries import service
from control.canaries.schemas import CanaryShare, CanaryState, Outcome, TriedCanary
from control.errors import Problem
from control.fields import PathId
from control.offers import service as offers
from control.offers.schemas import Offer
from control.parts import Parts, PartsDep
from control.smartlinks.schemas import SavedSmartLink
from control.smartlinks.writing import Guard
from control.web import forms
from control.web.figures import percent
from control.web.guard import Form, Person
from control.web.notices import told
from control.web.render import page

router = APIRouter(include_in_schema=False)

SHARES: Final = (10, 25, 50)
"""Percent of the traffic that the page offers to try a draft on; the API takes any."""

_RESIZED: Final = (*SHARES, 75, 90)
"""Percent that a trial can be changed to."""

_TOO_LATE: Final = ("no_canary", "edit_conflict")
_ENDED: Final = {
    Outcome.PROMOTED: "tried on {share}% first, then published to everyone",
    Outcome.WITHDRAWN: "tried on {share}%, then taken back",
    Outcome.REPLACED: "tried on {share}% until somebody saved for everyone",
}


@router.get("/ui/offers/{offer_id}/trial")
async def show_trial(request: Request, parts: PartsDep, caller: Viewer, offer_id: PathId) -> Any:
    """Answer the part of the page that tells how the trial goes: nothing but a comment while none runs."""
    offer = await offers.get(parts, caller, offer_id)
    return page(request, "trial.html", caller=caller, offer=offer, trial=await trial_of(parts, offer))


@router.post("/offers/{offer_id}/trial/publish")
async def publish(parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    return await _end(offer_id, service.promote(parts, caller, offer_id, guard=_seen(form), wait_s=0.0), "published")


@router.post("/offers/{offer_id}/trial/take-back")
async def take_back(parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    return await _end(offer_id, service.withdraw(parts, caller, offer_id, guard=_seen(form), wait_s=0.0), "taken-back")


@router.post("/offers/{offer_id}/trial/resize")
async def resize(parts: PartsDep, caller: Person, offer_id: PathId, form: Form) -> RedirectResponse:
    require_role(caller, Role.EDITOR)
    share = forms.read(CanaryShare, {"share": _number(form, "share")}).share
    resizing = service.resize(parts, caller, offer_id, share, guard=_seen(form), wait_s=0.0)
    return await _end(offer_id, resizing, "resized")


async def trial_of(parts: Parts, offer: Offer) -> dict[str, Any]:
    """Return what the page shows: the trial that runs, or that Turnout itself ended the last one, or neither."""
    state = await service.state(parts, offer.id)
    return {
        "state": state,
        "share": _share(state),
        "sizes": await _sizes(parts, offer, state),
        "taken_back": _taken_back(state.last, offer),
    }


def tried(canary: TriedCanary | None) -> str:
    """Return how a revision was tried, "" where it went to everyone at once."""
    if canary is None:
        return ""
    words = _ENDED[canary.outcome] if canary.outcome else "being tried on {share}%"
    return words.format(share=_percent(canary.workers, canary.of))


def _share(state: CanaryState) -> str:
    """Return the share of the traffic that meets the new revision, of those that serve now."""
    if state.new is None or state.stable is None:
        return ""
    return _percent(state.new.workers, state.new.workers + state.stable.workers)


async def _sizes(parts: Parts, offer: Offer, state: CanaryState) -> list[tuple[int, str]]:
    """Return what else a trial can be changed to: the share to ask for, and what percent of the traffic it comes to."""
    if state.new is None or state.stable is None:
        return []
    of = state.new.workers + state.stable.workers
    by_size = {picked: share for share, picked in (await service.sizes(parts, offer.id, _RESIZED)).items()}
    return [(share, _percent(picked, of)) for picked, share in sorted(by_size.items()) if picked != state.new.workers]


def _percent(part: int, whole: int) -> str:
    return f"{percent(part, whole):.0f}"


def _taken_back(last: TriedCanary | None, offer: Offer) -> TriedCanary | None:
    """Return the last trial where Turnout ended it and nobody has saved since."""
    return last if last and last.cause and last.revision + 1 == offer.revision else None


def _seen(form: Form) -> Guard:
    """Return the revision that the page showed. Raises Problem 400 where it is from no page."""
    seen = _number(form, "seen")
    if seen is None:
        raise Problem(400, "unknown_revision", "End a trial from its page: that says which revision is tried.")
    return Guard(frozenset({seen}))


def _number(form: Form, name: str) -> int | None:
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


async def _end(offer_id: str, ending: Awaitable[SavedSmartLink], done: str) -> RedirectResponse:
    path = f"/offers/{offer_id}/smart-link"
    try:
        saved = await ending
    except Problem as problem:
        if problem.code not in _TOO_LATE:
            raise
        return forms.see_other(told(path, "too-late"))
    return forms.see_other(told(path, done, sequence=saved.sequence))
