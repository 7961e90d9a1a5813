"""From rows to verdicts: a conversion takes what its click had, and what names partners is looked up."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.attribution import Attribution, attribution
from control.clicks.store import FoundClick
from control.conversions.attribution import By, Naming, Verdict, judge, named_by_click
from control.conversions.clicks import PREFETCH, ClickStatus, facts_of, presets
from control.conversions.models import ConversionRow


async def take_click(session: AsyncSession, row: ConversionRow, click: FoundClick, now_ms: int) -> None:
    """Give a conversion what its click had; one of another offer is none of its own."""
    row.look_at = None
    if click.texts["offer"] != row.offer_id:
        row.click_status = ClickStatus.OTHER_OFFER
        return
    row.click_status = ClickStatus.FOUND
    for name, value in facts_of(click).items():
        setattr(row, name, value)
    preset = await presets(session, [row.link]) if row.link and row.via else {}
    row.preset = bool(row.via) and preset.get(row.link) == row.via
    if row.kind == PREFETCH:
        row.look_at = now_ms


async def settle_partners(session: AsyncSession, rows: Sequence[ConversionRow]) -> None:
    """Write down who these conversions of one offer name, as far as they exist by now."""
    names = await names_of(session, rows)
    for row in rows:
        verdict = verdict_of(row, names)
        if verdict.coupon:
            row.coupon_partner_id = verdict.coupon.partner_id
        if verdict.click and verdict.click.partner_id:
            row.click_partner_id = verdict.click.partner_id
            row.named_by = verdict.click.by


async def names_of(session: AsyncSession, rows: Sequence[ConversionRow]) -> Attribution:
    """Return who owns the names in these conversions of one offer."""
    pairs = {pair for row in rows for pair in ((row.via, row.click_coupon), ("", row.folded))}
    return await attribution(session, rows[0].offer_id, pairs) if rows else Attribution({}, {})


def verdict_of(row: ConversionRow, names: Attribution) -> Verdict:
    """Return the verdict: what is written down, else who is called so by now."""
    coupon = None
    if row.folded:
        coupon = Naming(By.COUPON, row.coupon, row.coupon_partner_id or names.by_coupon.get(row.folded))
    return judge(coupon, _click_naming(row, names))


def _click_naming(row: ConversionRow, names: Attribution) -> Naming | None:
    if row.click_partner_id:
        text = row.click_coupon if row.named_by == By.CLICK_COUPON else row.via
        return Naming(By(row.named_by), text, row.click_partner_id)
    via = Naming(By.LINK if row.preset else By.VIA, row.via, names.by_via.get(row.via)) if row.via else None
    carried = row.click_coupon
    return named_by_click(via, Naming(By.CLICK_COUPON, carried, names.by_coupon.get(carried)) if carried else None)
