"""Conversions as the API gives them."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from control.conversions.attribution import By
from control.conversions.clicks import ClickStatus
from control.fields import Output, TimeOut

Money = Annotated[Decimal, PlainSerializer(str, return_type=str), Field(examples=["49.90"])]


class Conflict(Output):
    """Coupon and click name two partners."""

    coupon_partner_id: str
    click_partner_id: str


class Verdict(Output):
    """Whom a conversion credits and by what; which smart-link rule its click had matched, in which revision.

    `by` is `coupon` (reported), `link` (preset), `via` (of the click), `click_coupon` (carried by the click) or `none`.
    Who is named but does not exist yet is credited once they do.
    """

    partner_id: str | None
    by: By
    conflict: Conflict | None
    rule_id: str | None = Field(description="A rule's, `fallback`, `off` or `inactive`; null without a click")
    rule_name: str | None
    revision: int | None
    explanation: list[str]


class Conversion(Output):
    """A sale or lead, or what takes one back. `link_id` to `referrer` are its click's, null while there is none."""

    id: str = Field(examples=["cv_mfzwizltoq2dgnbt"])
    offer_id: str
    time: TimeOut = Field(description="When it was first reported")
    event: str = Field(examples=["sale"])
    txn_id: str | None
    amount: Money = Field(description="Negative where something is taken back")
    currency: str
    refund_of: str | None = Field(description="Of what takes a conversion back, that conversion, where it is known")
    coupon: str | None
    click_id: str | None
    click_status: ClickStatus
    partner_id: str | None = Field(description="Who is credited, as the verdict says")
    verdict: Verdict
    clicked_at: TimeOut | None
    link_id: str | None
    country: str | None
    device: str | None
    os: str | None
    browser: str | None
    via: str | None
    sub1: str | None
    sub2: str | None
    sub3: str | None
    sub4: str | None
    sub5: str | None
    referrer: str | None
