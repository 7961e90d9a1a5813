"""/offers/{offer_id}/analytics, its export, the single clicks behind it, and the fallback watch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, BackgroundTasks, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from control.access.guard import Viewer
from control.clicks import listing
from control.clicks.schemas import ListedClick
from control.db import now_ms
from control.fields import PathId
from control.ingest.closing import ask_for
from control.insight.analytics import export
from control.insight.analytics.answer import answer
from control.insight.analytics.fallback import watch
from control.insight.analytics.question import KEYS, Question, ask
from control.insight.analytics.reading import Sessions
from control.insight.analytics.schemas import Analytics, FallbackWatch
from control.offers import store as offers
from control.pagination import MAX_LIMIT, Page
from control.parts import Parts, PartsDep

router = APIRouter(prefix="/offers/{offer_id}", tags=["analytics"])

MAX_GROUPS: Final = 1_000

Moment = Annotated[str | None, Field(max_length=40, examples=["2026-11-01"])]
Text = Annotated[str, Field(max_length=300)]
Texts = Annotated[list[Text], Field(default_factory=list, max_length=100)]


class Asked(BaseModel):
    """What every question has: a range, and filters; a filter named more than once accepts each of its values."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    begin: Annotated[
        str | None,
        Field(
            alias="from",
            max_length=40,
            description="First local day, or a moment; default: 30 days",
            examples=["2026-11-01"],
        ),
    ] = None
    to: Annotated[
        str | None,
        Field(max_length=40, description="Last local day, included, or a moment, excluded; default: today"),
    ] = None
    tz: Annotated[str, Field(max_length=64, description="Time zone of local days", examples=["Asia/Kolkata"])] = "UTC"
    rule: Texts
    country: Texts
    device: Texts
    os: Texts
    browser: Texts
    partner: Texts
    via: Texts
    link: Texts
    coupon: Texts
    sub1: Texts
    sub2: Texts
    sub3: Texts
    sub4: Texts
    sub5: Texts
    referrer: Texts
    kind: Texts

    def question(self, offer_id: str, interval: str = "day", group_by: str | None = None) -> Question:
        """Return the question about an offer. Raises Problem 422."""
        return ask(
            offer_id,
            begin=self.begin,
            end=self.to,
            interval=interval,
            tz=self.tz,
            group_by=group_by,
            filters={key: getattr(self, key) for key in KEYS},
            now=datetime.now(UTC),
        )


class AskedGroups(Asked):
    """A question with a key and an interval."""

    interval: Annotated[str, Field(max_length=10, description="`hour`, `day`, `week` or `month`")] = "day"
    group_by: Annotated[str | None, Field(max_length=20, description="One of " + ", ".join(KEYS))] = None


class AskedAnalytics(AskedGroups):
    """A question of the Analytics tab."""

    limit: Annotated[int, Field(ge=1, le=MAX_GROUPS, description="Groups shown one by one")] = 50
    compare: Annotated[Literal["previous"] | None, Field(description="`previous`: the range just before, too")] = None


class AskedExport(AskedGroups):
    """A question answered as a file."""

    format: Annotated[Literal["csv", "jsonl"], Field(description="The file's format")] = "csv"


class AskedClicks(Asked):
    """A question answered click by click."""

    cursor: Annotated[str | None, Field(max_length=64, description="`next_cursor` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Clicks a page")] = 50


class AskedWatch(Asked):
    """A question of the fallback watch."""

    limit: Annotated[int, Field(ge=1, le=MAX_GROUPS, description="Segments shown")] = 20


@router.get("/analytics", summary="See how traffic splits")
async def get_analytics(
    parts: PartsDep,
    _caller: Viewer,
    offer_id: PathId,
    asked: Annotated[AskedAnalytics, Query()],
    after: BackgroundTasks,
) -> Analytics:
    question = asked.question(offer_id, asked.interval, asked.group_by)
    async with _sessions(parts) as sessions:
        offer = await offers.require(sessions.config, offer_id)
        found = await answer(sessions, question, offer, limit=asked.limit, compare=asked.compare is not None)
    for shift in {day.shift for day in question.period.days if day.is_whole} - {0}:
        after.add_task(ask_for, parts.clicks_db, shift, now_ms())
    return found


@router.get("/analytics/export", summary="Export how traffic splits", response_class=StreamingResponse)
async def export_analytics(
    parts: PartsDep, _caller: Viewer, offer_id: PathId, asked: Annotated[AskedExport, Query()]
) -> StreamingResponse:
    question = asked.question(offer_id, asked.interval, asked.group_by)
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)

    async def body() -> AsyncIterator[bytes]:
        async with _sessions(parts) as sessions:
            rows = export.rows(sessions, question, offer.currency)
            async for line in export.encode(rows, asked.format, export.columns(question)):
                yield line

    headers = {"Content-Disposition": f'attachment; filename="{offer.slug}-analytics.{asked.format}"'}
    return StreamingResponse(body(), media_type=export.FORMATS[asked.format], headers=headers)


@router.get("/clicks", summary="List single clicks")
async def list_clicks(
    parts: PartsDep, _caller: Viewer, offer_id: PathId, asked: Annotated[AskedClicks, Query()]
) -> Page[ListedClick]:
    """Newest first. A page looks through 20,000 clicks at most: with filters it may be empty and still have a next."""
    async with _sessions(parts) as sessions:
        await offers.require(sessions.config, offer_id)
        return await listing.page(sessions, asked.question(offer_id), asked.cursor, asked.limit)


@router.get("/fallback-watch", summary="See who falls through to the fallback")
async def get_fallback_watch(
    parts: PartsDep, _caller: Viewer, offer_id: PathId, asked: Annotated[AskedWatch, Query()]
) -> FallbackWatch:
    async with _sessions(parts) as sessions:
        await offers.require(sessions.config, offer_id)
        return await watch(sessions, asked.question(offer_id), asked.limit)


@asynccontextmanager
async def _sessions(parts: Parts) -> AsyncIterator[Sessions]:
    async with parts.clicks_db.read() as clicks, parts.db.read() as config:
        yield Sessions(clicks, config)
