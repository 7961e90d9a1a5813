"""The document: everything is named as people name it (slugs, hosts, codes), so that it fits any installation.

Keys, people and postback secrets are not in it: a document is kept in repositories and sent by mail.
"""

from typing import Literal

from pydantic import Field, StrictBool

from control.coupons.schemas import Code
from control.domains.schemas import DomainIn
from control.fields import Currency, Input, Name, Preset, Slug, TimeIn, Url
from control.offers.schemas import RedirectStatus
from control.partners.schemas import PartnerIn
from control.savedtests.schemas import MAX_TESTS, SavedTestIn
from control.smartlinks.schemas import SmartLinkIn
from shared.rules import OfferStatus

VERSION = 1


class OfferDoc(Input):
    """An offer; without `smart_link` an existing one keeps its own. Saved `tests` are told apart by their names."""

    slug: Slug
    name: Name
    destination_url: Url
    status: OfferStatus = OfferStatus.ACTIVE
    inactive_url: Url | None = None
    redirect_status: RedirectStatus = 302
    append_click_id: StrictBool = True
    pass_query: StrictBool = True
    currency: Currency = "USD"
    domains: list[str] = Field(default_factory=list, max_length=50)
    smart_link: SmartLinkIn | None = None
    tests: list[SavedTestIn] = Field(default_factory=list, max_length=MAX_TESTS)


class LinkDoc(Input):
    """A link; `domain` null is the default namespace."""

    slug: Slug
    domain: str | None = None
    offer: Slug
    partner: Slug | None = None
    coupon: Preset | None = None
    sub1: Preset | None = None
    sub2: Preset | None = None
    sub3: Preset | None = None
    sub4: Preset | None = None
    sub5: Preset | None = None
    enabled: StrictBool = True
    expires_at: TimeIn | None = None


class CouponDoc(Input):
    """A coupon."""

    code: Code
    offer: Slug
    partner: Slug


class Document(Input):
    """A whole configuration, or a part of one: what is not named is left alone."""

    turnout: Literal[1] = 1
    domains: list[DomainIn] = Field(default_factory=list, max_length=10_000)
    partners: list[PartnerIn] = Field(default_factory=list, max_length=200_000)
    offers: list[OfferDoc] = Field(default_factory=list, max_length=20_000)
    links: list[LinkDoc] = Field(default_factory=list, max_length=1_000_000)
    coupons: list[CouponDoc] = Field(default_factory=list, max_length=1_000_000)
