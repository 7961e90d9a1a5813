"""Single clicks: the list behind the charts, with their filters and period, and one click with why it went there."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from control.clicks import listing, service
from control.clicks.schemas import Click, ListedClick
from control.errors import Problem
from control.fields import PathId
from control.insight.analytics.labels import labels
from control.insight.analytics.reading import Sessions
from control.offers import service as offers
from control.pagination import Page
from control.parts import PartsDep
from control.web import filters, forms, names, trace
from control.web.figures import question_of, sessions_of, zone_of
from control.web.guard import Person
from control.web.ranked import said
from control.web.render import page
from control.web.sentence import pretty_url
from control.web.view import CLICKS, PERIODS, View, view_of
from shared.destination import SUBS
from shared.table import FALLBACK, INACTIVE, OFF

router = APIRouter(include_in_schema=False)

KINDS: Final = {"": "All", "person": "People", "duplicate": "Repeats", "bot": "Bots", "prefetch": "Preloads"}
_KIND: Final = {"person": "Person", "duplicate": "Repeat", "bot": "Bot", "prefetch": "Preload"}
_DECIDED: Final = {FALLBACK: "Everyone else", OFF: "Smart link off", INACTIVE: "Offer paused"}
_BECAUSE: Final = {
    OFF: "The smart link was off, so no rule was asked.",
    INACTIVE: "The offer was not active, so no rule was asked.",
}
_ROWS: Final = 50

Cursor = Annotated[str | None, Query(max_length=64)]
ClickId = Annotated[str, Query(alias="id", max_length=64)]


@router.get("/offers/{offer_id}/clicks")
async def list_clicks(
    *,
    request: Request,
    parts: PartsDep,
    caller: Person,
    offer_id: PathId,
    cursor: Cursor = None,
    click_id: ClickId = "",
) -> Any:
    if click_id.strip():
        return forms.see_other(f"/clicks/{click_id.strip()}")
    offer = await offers.get(parts, caller, offer_id)
    view = view_of(offer.id, zone_of(request), request.query_params, CLICKS)
    if added := filters.added(view, request.query_params):
        return forms.see_other(added.href)
    now = datetime.now(UTC)
    try:
        asked = question_of(view, now)
        async with sessions_of(parts) as sessions:
            found = await listing.page(sessions, asked, cursor, _ROWS)
            context = await _context(sessions, view, found)
    except Problem as problem:
        faults = forms.refused({}, problem, ()).faults
        return page(request, "analytics_refused.html", code=422, caller=caller, offer=offer, view=view, faults=faults)
    context |= {"cursor": cursor, "base": str(request.base_url).rstrip("/"), "api_query": view.query(now)}
    kept = parts.settings.click_retention_days
    return page(request, "clicks.html", caller=caller, offer=offer, view=view, kept_days=kept, **context)


async def _context(sessions: Sessions, view: View, found: Page[ListedClick]) -> dict[str, Any]:
    """Return what the list shows."""
    link_ids = sorted({click.link_id for click in found.items if click.link_id})
    partner_ids = sorted({click.partner_id for click in found.items if click.partner_id})
    return {
        "clicks": found.items,
        "next_cursor": found.next_cursor,
        "links": await labels(sessions.config, "link", link_ids),
        "partners": await labels(sessions.config, "partner", partner_ids),
        "looked": listing.MAX_LOOKED,
        "chips": await filters.chips(sessions, view.without("kind")),
        "filters": filters.NAMES,
        "periods": PERIODS,
        "kinds": KINDS,
        **_words(),
    }


@router.get("/clicks/{click_id}")
async def show_click(request: Request, parts: PartsDep, caller: Person, click_id: PathId) -> Any:
    try:
        click = await service.explain(parts, click_id)
    except Problem as problem:
        if problem.status != 404:
            raise
        kept = parts.settings.click_retention_days
        return page(request, "click_unknown.html", code=404, caller=caller, click_id=click_id, kept_days=kept)
    return page(
        request,
        "click.html",
        caller=caller,
        offer=await offers.get(parts, caller, click.offer_id),
        click=click,
        steps=list(trace.steps(click.explanation)),
        unasked=trace.unasked(click.explanation),
        because=_because(click),
        subs=[(n, sub) for n, name in enumerate(SUBS, 1) if (sub := getattr(click, name))],
        names=await names.names_of(parts, [click]),
        **_words(),
    )


def _because(click: Click) -> str:
    """Return why no rule can be shown, or why none decided; "" where one did."""
    if click.rule_id in _BECAUSE:
        return _BECAUSE[click.rule_id]
    if not click.explanation and click.rule_place is None and click.rule_id != FALLBACK:
        return "The revision that it saw is no longer known."
    return "No rule fits, so it went where everyone else goes." if click.rule_id == FALLBACK else ""


def _words() -> dict[str, Any]:
    """Return what templates say clicks with."""
    return {"said": said, "kind_of": _KIND, "decided": _DECIDED, "pretty_url": pretty_url}
