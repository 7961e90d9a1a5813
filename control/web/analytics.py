"""The Analytics tab: people, uniques and bots, split by rule over time and by everything else that is known of them."""

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, BackgroundTasks, Request

from control.db import now_ms
from control.errors import Problem
from control.fields import PathId
from control.ingest.closing import ask_for
from control.insight.analytics.answer import summary
from control.insight.analytics.fallback import watch
from control.insight.analytics.question import Question
from control.insight.analytics.schemas import FallbackWatch, Summary
from control.offers import service as offers
from control.offers import store as offer_store
from control.offers.schemas import Offer
from control.parts import Parts, PartsDep
from control.web import filters, forms, ranked
from control.web.chart import NARROW, WIDE
from control.web.figures import change, percent, question_of, sessions_of, zone_of
from control.web.guard import Person
from control.web.layers import chart_of, columns_of, finding_of, layers_of, tips_of
from control.web.ranked import said
from control.web.render import page
from control.web.smart_link import WORDS
from control.web.view import MEASURES, PERIODS, View, view_of
from shared.table import FALLBACK

router = APIRouter(include_in_schema=False)

_SEGMENTS: Final = 4
_EVERY_GROUP: Final = 1_000


@router.get("/offers/{offer_id}/analytics")
async def show_analytics(
    request: Request, parts: PartsDep, caller: Person, offer_id: PathId, after: BackgroundTasks
) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    view = view_of(offer.id, zone_of(request), request.query_params)
    if added := filters.added(view, request.query_params):
        return forms.see_other(added.href)
    now = datetime.now(UTC)
    try:
        asked = question_of(view, now)
    except Problem as problem:
        faults = forms.refused({}, problem, ()).faults
        return page(request, "analytics_refused.html", code=422, caller=caller, offer=offer, view=view, faults=faults)
    for shift in {day.shift for day in asked.period.days if day.is_whole} - {0}:
        after.add_task(ask_for, parts.clicks_db, shift, now_ms())
    context = await _board(parts, offer, view, asked, now) | {"base": str(request.base_url).rstrip("/")}
    return page(request, "analytics.html", caller=caller, offer=offer, view=view, **context)


async def _board(parts: Parts, offer: Offer, view: View, asked: Question, now: datetime) -> dict[str, Any]:
    """Return everything that the page shows, as of one moment."""
    async with sessions_of(parts) as sessions:
        row = await offer_store.require(sessions.config, offer.id)
        found = await summary(sessions, asked, row, limit=_EVERY_GROUP, compare=True)
        layers = layers_of(offer.smart_link.rules, found, MEASURES[view.measure])
        columns = await columns_of(sessions, asked, layers, MEASURES[view.measure])
        fallen = await watch(sessions, asked.ungrouped(), _SEGMENTS, found.totals.clicks)
        cards = await ranked.cards(sessions, asked, view)
        chips = await filters.chips(sessions, view)
    return {
        "found": found,
        "tiles": _tiles(found),
        "layers": layers,
        "columns": columns,
        "charts": [chart_of(columns, layers, found, frame) for frame in (WIDE, NARROW)],
        "tips": tips_of(columns, layers),
        "finding": finding_of(found, layers),
        "fallen": fallen,
        "segments": _segments(fallen, offer.id),
        "cards": cards,
        "sub_title": ranked.SUB,
        "chips": chips,
        "periods": PERIODS,
        "measures": MEASURES,
        "api_query": view.query(now),
        "filters": filters.NAMES,
        "is_empty": not (found.totals.clicks or found.totals.bots or found.totals.conversions) and not view.filters,
    }


def _tiles(found: Summary) -> dict[str, Any]:
    """Return the figures at the top, each with its change."""
    now, before = found.totals, found.previous.totals if found.previous else None
    tiles: dict[str, Any] = {
        name: (getattr(now, name), change(float(getattr(now, name)), float(getattr(before, name))) if before else None)
        for name in ("clicks", "uniques", "bots", "conversions", "revenue")
    }
    fallback = next((group for group in found.groups if group.key == FALLBACK), None)
    was = percent(fallback.previous.clicks if fallback and fallback.previous else 0, before.clicks) if before else None
    share = percent(fallback.clicks if fallback else 0, now.clicks) if now.clicks else None
    tiles["fallback"] = (share, was if before and before.clicks else None)
    return tiles


def _segments(fallen: FallbackWatch, offer_id: str) -> list[dict[str, Any]]:
    """Return the largest groups that no rule takes, each with the link that begins a rule for it."""
    longest = max((segment.clicks for segment in fallen.segments), default=0)
    return [
        {
            "label": f"{said('country', segment.country, {})} on {WORDS['device'].get(segment.device, segment.device)}",
            "clicks": segment.clicks,
            "share": percent(segment.clicks, fallen.clicks),
            "width": percent(segment.clicks, longest),
            "href": f"/offers/{offer_id}/smart-link?country={segment.country}&device={segment.device}",
        }
        for segment in fallen.segments
    ]
