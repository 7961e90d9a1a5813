"""Clicks as the API gives them: their numbers as texts, beside what they saw and whose they are by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.attribution import NOBODY, UNATTRIBUTED, Attribution, attribution
from control.clicks.schemas import ListedClick
from control.clicks.store import FoundClick
from control.coupons.models import fold
from control.fields import utc
from control.offers import store as offers
from control.offers.models import OfferRow
from control.smartlinks import store as smart_links
from control.smartlinks.models import RevisionRow, RuleRow
from shared.events import KINDS
from shared.table import FALLBACK, INACTIVE, OFF

_AS_SENT = ("via", "coupon", "sub1", "sub2", "sub3", "sub4", "sub5", "referrer", "ip")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What clicks of one offer refer to, as far as it is still there."""

    offer: OfferRow | None
    revisions: Mapping[int, RevisionRow]
    rules: Mapping[str, RuleRow]
    owners: Attribution

    def show(self, click: FoundClick) -> ListedClick:
        """Return one of the clicks."""
        row, texts = click
        revision, rule = self.revisions.get(row.revision), texts["rule"]
        partner = self.owners.partner_of(fold(row.via), fold(row.coupon))
        place = _place(rule, revision)
        return ListedClick(
            id=row.click_id,
            time=utc(row.time_ms),
            kind=KINDS[row.kind],
            unique=bool(row.first),
            offer_id=texts["offer"],
            link_id=texts["link"] or None,
            revision=row.revision,
            rule_id=rule,
            rule_name=self.rules[rule].name if rule in self.rules else "",
            rule_place=place,
            destination_url=self._destination(rule, place, revision),
            **{name: texts[name] for name in ("domain", "slug", "country", "device", "os", "browser")},
            partner_id=None if partner in (NOBODY, UNATTRIBUTED) else partner,
            **{name: getattr(row, name) for name in _AS_SENT},
        )

    def _destination(self, rule: str, place: int | None, revision: RevisionRow | None) -> str | None:
        """Return where a rule led, as typed; an offer's own destinations as they are now."""
        if place and revision:
            return str(revision.rules[place - 1]["destination_url"])
        if self.offer is None:
            return None
        if rule == INACTIVE:
            return self.offer.inactive_url
        if rule == FALLBACK and revision and revision.fallback_url:
            return revision.fallback_url
        return self.offer.destination_url if rule in (FALLBACK, OFF) else None


async def surroundings(session: AsyncSession, clicks: Sequence[FoundClick]) -> Surroundings:
    """Return what these clicks, at least one and all of one offer, refer to."""
    offer_id = clicks[0].texts["offer"]
    pairs = {(fold(click.row.via), fold(click.row.coupon)) for click in clicks}
    return Surroundings(
        offer=(await offers.by_ids(session, [offer_id])).get(offer_id),
        revisions=await smart_links.revisions(session, offer_id, {click.row.revision for click in clicks}),
        rules=await smart_links.rules(session, {click.texts["rule"] for click in clicks}),
        owners=await attribution(session, offer_id, pairs),
    )


def _place(rule: str, revision: RevisionRow | None) -> int | None:
    rules = revision.rules if revision else []
    return next((place for place, one in enumerate(rules, 1) if one["id"] == rule), None)
