"""Replay recent clicks on a draft: how many would move from which rule to which, before anybody really does."""

from collections import Counter
from typing import Final, NamedTuple

import orjson
from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.guard import Viewer
from control.clicks import store as clicks
from control.clicks.models import ClickRow
from control.clicks.shapes import KINDS
from control.destinations import UrlRules
from control.errors import FieldError, Problem
from control.fields import Input, Output, PathId
from control.offers import store as offers
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.parts import Parts, PartsDep
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft, check_draft
from control.smartlinks.schemas import SmartLinkIn
from shared.decision import decide
from shared.table import Table, compile_offer, decode_table
from shared.visitor import Visitor

MAX_CLICKS: Final = 100_000
GONE: Final = "gone"
"""Stands for no redirect at all: the offer is not active and has nowhere else to send."""

router = APIRouter(prefix="/offers/{offer_id}/smart-link", tags=["smart links"])


class PreviewIn(Input):
    """The draft, and how many of the latest clicks to replay on it."""

    draft: SmartLinkIn = Field(examples=[{"rules": [{"destination_url": "https://yourbrand.com/landing"}]}])
    clicks: int = Field(default=10_000, ge=1, le=MAX_CLICKS)


class Move(Output):
    """Clicks that one rule gets now and another would get; ids of rules, `fallback` or `off`."""

    from_rule_id: str
    to_rule_id: str
    from_name: str
    to_name: str
    clicks: int


class RuleShare(Output):
    """How many of the replayed clicks a rule gets now, and would get."""

    rule_id: str
    name: str
    before: int
    after: int


class Preview(Output):
    """What the draft would change. New rules of the draft are called by their places, `new-1`."""

    clicks: int = Field(description="How many were replayed; fewer than asked where there were no more")
    moved: int
    moves: list[Move]
    rules: list[RuleShare]


class _Segment(NamedTuple):
    """Visitors whom no rule can tell apart, and how many of them there were."""

    visitor: Visitor
    clicks: int


@router.post("/preview", summary="Replay recent clicks on a draft")
async def post_preview(parts: PartsDep, _caller: Viewer, offer_id: PathId, body: PreviewIn) -> Preview:
    return await preview(parts, offer_id, body)


async def preview(parts: Parts, offer_id: str, wanted: PreviewIn) -> Preview:
    """Return what a draft would change for recent clicks. Raises Problem 404, 422."""
    draft = check_draft(wanted.draft, UrlRules(parts.settings.app_schemes)).numbered()
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        current = draft_of(await smart_links.current(session, offer))
    now, then = _table(offer, current), _table(offer, draft)
    async with parts.clicks_db.read() as session:
        segments = await _recent(session, offer_id, wanted.clicks)
    moves: Counter[tuple[str, str]] = Counter()
    for visitor, count in segments:
        moves[_rule(now, visitor), _rule(then, visitor)] += count
    names = {rule.id: rule.name for rule in (*draft.rules, *current.rules) if rule.id}
    return _preview(moves, names)


async def _recent(session: AsyncSession, offer_id: str, count: int) -> list[_Segment]:
    """Return the latest `count` clicks of persons, by what rules can ask of them."""
    offer = (await clicks.text_numbers(session, [offer_id])).get(offer_id)
    latest = (
        select(ClickRow.country, ClickRow.device, ClickRow.os)
        .where(ClickRow.offer == offer, ClickRow.kind == KINDS[b"person"])
        .order_by(ClickRow.time_ms.desc())
        .limit(count)
        .subquery()
    )
    by = (latest.c.country, latest.c.device, latest.c.os)
    found = [tuple(row) for row in await session.execute(select(*by, func.count()).group_by(*by))]
    texts = await clicks.texts(session, {number for row in found for number in row[:3]})
    return [
        _Segment(Visitor(texts[country], texts[device], texts[os]), count_) for country, device, os, count_ in found
    ]


def _table(offer: OfferRow, draft: CheckedDraft) -> Table:
    try:
        return decode_table(orjson.loads(compile_offer(compiled_offer(offer, draft))))
    except ValueError as exc:
        raise Problem.invalid([FieldError("draft.rules", "too_large", f"{exc}.")]) from exc


def _rule(table: Table, visitor: Visitor) -> str:
    decision = decide(table, visitor)
    return GONE if decision is None else decision.rule


def _preview(moves: Counter[tuple[str, str]], names: dict[str, str]) -> Preview:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for (old, new), count in moves.items():
        before[old] += count
        after[new] += count
    shown = [
        Move(from_rule_id=old, to_rule_id=new, from_name=names.get(old, ""), to_name=names.get(new, ""), clicks=count)
        for (old, new), count in moves.most_common()
        if old != new
    ]
    return Preview(
        clicks=moves.total(),
        moved=sum(move.clicks for move in shown),
        moves=shown,
        rules=[
            RuleShare(rule_id=rule, name=names.get(rule, ""), before=before[rule], after=after[rule])
            for rule, _ in (before + after).most_common()
        ],
    )
