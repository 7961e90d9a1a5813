"""One click, explained: by the revision that it saw, with the edges' own code."""

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.attribution import NOBODY, UNATTRIBUTED, attribution
from control.clicks.schemas import Click
from control.clicks.store import FoundClick
from control.coupons.models import fold
from control.errors import Problem
from control.fields import utc
from control.insight.test_visitor import RuleOutcome
from control.offers import store as offers
from control.offers.compiled import draft_of
from control.offers.models import OfferRow
from control.parts import Parts
from control.smartlinks import store as smart_links
from control.smartlinks.models import RevisionRow
from shared.decision import trace
from shared.events import KINDS
from shared.visitor import Visitor


async def explain(parts: Parts, click_id: str) -> Click:
    """Return a click with its explanation. Raises Problem 404 where it is not ingested, or forgotten."""
    async with parts.clicks_db.read() as session:
        click = await store.find(session, click_id)
    if click is None:
        raise Problem.not_found("click; it may be on its way, or older than clicks are kept")
    async with parts.db.read() as session:
        return await _explain(session, click)


async def _explain(session: AsyncSession, click: FoundClick) -> Click:
    row, texts = click
    offer = (await offers.by_ids(session, [texts["offer"]])).get(texts["offer"])
    revision = await _revision(session, texts["offer"], row.revision)
    via, coupon = fold(row.via), fold(row.coupon)
    partner = (await attribution(session, texts["offer"], [(via, coupon)])).partner_of(via, coupon)
    known = await smart_links.rules(session, [texts["rule"]])
    return Click(
        id=row.click_id,
        time=utc(row.time_ms),
        kind=KINDS[row.kind],
        unique=bool(row.first),
        domain=texts["domain"],
        slug=texts["slug"],
        offer_id=texts["offer"],
        link_id=texts["link"] or None,
        revision=row.revision,
        rule_id=texts["rule"],
        rule_name=known[texts["rule"]].name if texts["rule"] in known else "",
        destination_url=_destination(texts["rule"], offer, revision),
        country=texts["country"],
        device=texts["device"],
        os=texts["os"],
        browser=texts["browser"],
        partner_id=None if partner in (NOBODY, UNATTRIBUTED) else partner,
        **{name: getattr(row, name) for name in ("via", "coupon", "sub1", "sub2", "sub3", "sub4", "sub5")},
        referrer=row.referrer,
        ip=row.ip,
        explanation=_trace(click, revision),
    )


async def _revision(session: AsyncSession, offer_id: str, number: int) -> RevisionRow | None:
    try:
        return await smart_links.revision(session, offer_id, number)
    except Problem:  # the configuration was imported anew since
        return None


def _destination(rule_id: str, offer: OfferRow | None, revision: RevisionRow | None) -> str | None:
    """Return where the rule led in that revision, as typed; an offer's own destinations as they are now."""
    for rule in revision.rules if revision else []:
        if rule["id"] == rule_id:
            return str(rule["destination_url"])
    if offer is None:
        return None
    if rule_id == "inactive":
        return offer.inactive_url
    if rule_id == "fallback" and revision and revision.fallback_url:
        return revision.fallback_url
    return offer.destination_url if rule_id in ("fallback", "off") else None


def _trace(click: FoundClick, revision: RevisionRow | None) -> list[RuleOutcome]:
    if revision is None or not revision.enabled or click.texts["rule"] in ("off", "inactive"):
        return []
    visitor = Visitor(click.texts["country"], click.texts["device"], click.texts["os"])
    steps = trace(draft_of(revision).as_smart_link(), visitor)
    return [RuleOutcome.model_validate(step, from_attributes=True) for step in steps]
