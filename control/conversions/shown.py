"""Conversions as the API gives them: verdicts in words, ids with the names of who and what they stand for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from control.conversions import money, schemas
from control.conversions.attribution import Verdict, explain
from control.conversions.clicks import ClickStatus
from control.conversions.crediting import names_of, verdict_of
from control.conversions.models import ConversionRow
from control.conversions.report import REVERSALS
from control.fields import utc
from control.insight.analytics.labels import labels

_OF_CLICK: Final = ("country", "device", "os", "browser", "via", "sub1", "sub2", "sub3", "sub4", "sub5", "referrer")
_CLICKS: Final = {
    ClickStatus.NONE: "",
    ClickStatus.WAITING: "Its click is not recorded yet; it counts once it is.",
    ClickStatus.LOST: "Its click was never recorded, or is older than clicks are kept.",
    ClickStatus.OTHER_OFFER: "Its click was on another offer and counts for nothing here.",
}


async def shown(session: AsyncSession, rows: Sequence[ConversionRow]) -> list[schemas.Conversion]:
    """Return conversions of one offer, in their order."""
    owners = await names_of(session, rows)
    verdicts = [verdict_of(row, owners) for row in rows]
    named = {naming.partner_id for verdict in verdicts for naming in (verdict.coupon, verdict.click) if naming}
    partners = await labels(session, "partner", sorted(filter(None, named)))
    rules = await labels(session, "rule", sorted({row.rule for row in rows if row.rule}))
    return [_show(row, verdict, partners, rules) for row, verdict in zip(rows, verdicts, strict=True)]


def _show(
    row: ConversionRow, verdict: Verdict, partners: Mapping[str, str], rules: Mapping[str, str]
) -> schemas.Conversion:
    texts: dict[str, Any] = {name: getattr(row, name) or None for name in ("txn_id", "coupon", "click_id", *_OF_CLICK)}
    return schemas.Conversion(
        id=row.id,
        offer_id=row.offer_id,
        time=utc(row.at),
        event=row.event,
        amount=money.amount(row.amount, row.currency),
        currency=row.currency,
        refund_of=row.refund_of,
        click_status=ClickStatus(row.click_status),
        partner_id=verdict.partner_id,
        verdict=_verdict(row, verdict, partners, rules),
        clicked_at=None if row.clicked_at is None else utc(row.clicked_at),
        link_id=row.link or None,
        **texts,
    )


def _verdict(
    row: ConversionRow, verdict: Verdict, partners: Mapping[str, str], rules: Mapping[str, str]
) -> schemas.Verdict:
    conflict = None
    if verdict.conflict:
        by_coupon, by_click = verdict.conflict
        conflict = schemas.Conflict(coupon_partner_id=by_coupon, click_partner_id=by_click)
    return schemas.Verdict(
        partner_id=verdict.partner_id,
        by=verdict.by,
        conflict=conflict,
        rule_id=row.rule or None,
        rule_name=rules[row.rule] if row.rule else None,
        revision=row.revision if row.rule else None,
        explanation=[*_about_refund(row), *explain(verdict, partners, _about_click(row, rules))],
    )


def _about_refund(row: ConversionRow) -> list[str]:
    if row.event not in REVERSALS:
        return []
    said = "This takes back what was earned: it lowers revenue and is no conversion."
    return [said, "It is credited as what it takes back was."] if row.refund_of else [said]


def _about_click(row: ConversionRow, rules: Mapping[str, str]) -> str:
    status = ClickStatus(row.click_status)
    if status is not ClickStatus.FOUND:
        return _CLICKS[status]
    return f"Its click got \u201c{rules[row.rule]}\u201d of revision {row.revision}."
