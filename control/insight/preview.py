"""Replay recent clicks on a draft: how many would move from which rule to which, before anybody really does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.guard import Viewer
from control.clicks import store as clicks
from control.clicks.models import ClickRow
from control.clicks.shapes import KINDS
from control.destinations import UrlRules
from control.fields import Input, Output, PathId, TimeOut, utc
from control.insight.replay import Fate, Replay, Segment, replay
from control.insight.test_visitor import table_of
from control.offers import store as offers
from control.offers.compiled import compiled_offer, draft_of
from control.parts import Parts, PartsDep
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft, check_draft
from control.smartlinks.schemas import SmartLinkIn
from shared.visitor import Visitor

MAX_CLICKS: Final = 100_000
MAX_SEGMENTS: Final = 20
"""Segments told of one move, and values told of one rule."""

router = APIRouter(prefix="/offers/{offer_id}/smart-link", tags=["smart links"])


class PreviewIn(Input):
    """The draft, and how many of the latest clicks to replay on it."""

    draft: SmartLinkIn = Field(examples=[{"rules": [{"destination_url": "https://yourbrand.com/landing"}]}])
    clicks: int = Field(default=10_000, ge=1, le=MAX_CLICKS)


class MovedSegment(Output):
    """Visitors whom no rule can tell apart, and how many clicks of theirs there were."""

    country: str
    device: str
    os: str
    clicks: int


class Move(Output):
    """Clicks that one rule gets now and another would get; ids of rules, `fallback` or `off`.

    `elsewhere` of them would be sent to another destination too. `segments` are the largest groups among them.
    """

    from_rule_id: str
    to_rule_id: str
    from_name: str
    to_name: str
    clicks: int
    elsewhere: int
    segments: list[MovedSegment]


class Readdressed(Output):
    """Clicks that stay with their rule, which would send them to another destination."""

    rule_id: str
    name: str
    clicks: int
    from_url: str
    to_url: str


class ValueShare(Output):
    """How many of a rule's clicks have one value, now and with the draft."""

    value: str
    before: int
    after: int


class RuleShare(Output):
    """How many of the replayed clicks a rule gets now, and would get.

    By country and by device where clicks move to it or from it, the largest values; else empty.
    """

    rule_id: str
    name: str
    before: int
    after: int
    countries: list[ValueShare]
    devices: list[ValueShare]


class Preview(Output):
    """What the draft would change. New rules of the draft are called by their places, `new-1`."""

    clicks: int = Field(description="How many were replayed; fewer than asked where there were no more")
    first_at: TimeOut | None = Field(description="When the oldest of them came, null where there was none")
    last_at: TimeOut | None
    moved: int = Field(description="How many another rule would decide")
    elsewhere: int = Field(description="How many would be sent to another destination, by whichever rule")
    moves: list[Move]
    readdressed: list[Readdressed]
    rules: list[RuleShare]


@router.post("/preview", summary="Replay recent clicks on a draft")
async def post_preview(parts: PartsDep, _caller: Viewer, offer_id: PathId, body: PreviewIn) -> Preview:
    return await preview(parts, offer_id, checked(parts, body), body.clicks)


def checked(parts: Parts, wanted: PreviewIn) -> CheckedDraft:
    """Return the draft, its new rules called by their places. Raises Problem 422."""
    return check_draft(wanted.draft, UrlRules(parts.settings.app_schemes)).numbered()


async def preview(parts: Parts, offer_id: str, draft: CheckedDraft, count: int) -> Preview:
    """Return what a draft would change for the latest `count` clicks. Raises Problem 404, 422."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        current = draft_of(await smart_links.current(session, offer))
    now, then = table_of(compiled_offer(offer, current)), table_of(compiled_offer(offer, draft))
    async with parts.clicks_db.read() as session:
        segments, span = await _recent(session, offer_id, count)
    names = {rule.id: rule.name for rule in (*current.rules, *draft.rules)}
    return _told(replay(segments, now, then), span, names)


async def _recent(
    session: AsyncSession, offer_id: str, count: int
) -> tuple[list[Segment], tuple[datetime, datetime] | None]:
    """Return the latest `count` clicks of persons, by what rules can ask of them, and from when to when they came."""
    offer = (await clicks.text_numbers(session, [offer_id])).get(offer_id)
    latest = (
        select(ClickRow.country, ClickRow.device, ClickRow.os, ClickRow.time_ms)
        .where(ClickRow.offer == offer, ClickRow.kind == KINDS[b"person"])
        .order_by(ClickRow.time_ms.desc())
        .limit(count)
        .subquery()
    )
    by = (latest.c.country, latest.c.device, latest.c.os)
    told = (func.count(), func.min(latest.c.time_ms), func.max(latest.c.time_ms))
    found = [tuple(row) for row in await session.execute(select(*by, *told).group_by(*by))]
    if not found:
        return [], None
    texts = await clicks.texts(session, {number for row in found for number in row[:3]})
    segments = [Segment(Visitor(texts[row[0]], texts[row[1]], texts[row[2]]), row[3]) for row in found]
    return segments, (utc(min(row[4] for row in found)), utc(max(row[5] for row in found)))


def _told(replayed: Replay, span: tuple[datetime, datetime] | None, names: Mapping[str, str]) -> Preview:
    moves = [_move(fates, names) for fates in replayed.moves()]
    touched = {rule_id for move in moves for rule_id in (move.from_rule_id, move.to_rule_id)}
    countries, devices = replayed.shares("country"), replayed.shares("device")
    return Preview(
        clicks=replayed.clicks,
        first_at=span[0] if span else None,
        last_at=span[1] if span else None,
        moved=sum(move.clicks for move in moves),
        elsewhere=replayed.elsewhere,
        moves=moves,
        readdressed=[_readdressed(fates, names) for fates in replayed.readdressed()],
        rules=[
            RuleShare(
                rule_id=rule_id,
                name=names.get(rule_id, ""),
                before=share[""][0],
                after=share[""][1],
                countries=_values(countries[rule_id]) if rule_id in touched else [],
                devices=_values(devices[rule_id]) if rule_id in touched else [],
            )
            for rule_id, share in replayed.shares().items()
        ],
    )


def _move(fates: Sequence[Fate], names: Mapping[str, str]) -> Move:
    first = fates[0]
    return Move(
        from_rule_id=first.now,
        to_rule_id=first.then,
        from_name=names.get(first.now, ""),
        to_name=names.get(first.then, ""),
        clicks=sum(fate.segment.clicks for fate in fates),
        elsewhere=sum(fate.segment.clicks for fate in fates if fate.now_url != fate.then_url),
        segments=[
            MovedSegment(country=visitor.country, device=visitor.device, os=visitor.os, clicks=clicks)
            for visitor, clicks in (fate.segment for fate in fates[:MAX_SEGMENTS])
        ],
    )


def _readdressed(fates: Sequence[Fate], names: Mapping[str, str]) -> Readdressed:
    first = fates[0]
    return Readdressed(
        rule_id=first.now,
        name=names.get(first.now, ""),
        clicks=sum(fate.segment.clicks for fate in fates),
        from_url=first.now_url,
        to_url=first.then_url,
    )


def _values(shares: Mapping[str, tuple[int, int]]) -> list[ValueShare]:
    largest = sorted(shares.items(), key=lambda share: -max(share[1]))[:MAX_SEGMENTS]
    return [ValueShare(value=value, before=before, after=after) for value, (before, after) in largest]
