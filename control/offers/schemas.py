"""Offers as the API takes and gives them."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from control.canaries.schemas import Canary
from control.fields import Currency, Id, Input, Name, Output, Slug, TimeOut, Url, example, unset
from control.smartlinks.schemas import SmartLink, SmartLinkIn, Warning
from shared.rules import OfferStatus

RedirectStatus = Literal[302, 307]
DomainIds = Annotated[list[Id], Field(max_length=50)]


class OfferIn(Input):
    """A new offer; its smart link is off until it is given one."""

    model_config = example(name="Your SaaS", slug="saas", destination_url="https://yourbrand.com")

    name: Name = Field(examples=["Your SaaS"])
    slug: Slug = Field(examples=["saas"])
    destination_url: Url = Field(examples=["https://yourbrand.com"])
    inactive_url: Url | None = None
    redirect_status: RedirectStatus = 302
    append_click_id: StrictBool = True
    pass_query: StrictBool = True
    domain_ids: DomainIds = Field(default_factory=list)
    currency: Currency = "USD"
    smart_link: SmartLinkIn | None = None


class OfferPatch(Input):
    """What of an offer can change. `slug` is taken only as it is: partners have shared it."""

    model_config = example(destination_url="https://yourbrand.com/new")

    name: Name = Field(default_factory=unset)
    slug: Slug = Field(default_factory=unset)
    destination_url: Url = Field(default_factory=unset)
    inactive_url: Url | None = Field(default_factory=unset)
    redirect_status: RedirectStatus = Field(default_factory=unset)
    append_click_id: StrictBool = Field(default_factory=unset)
    pass_query: StrictBool = Field(default_factory=unset)
    domain_ids: DomainIds = Field(default_factory=unset)
    currency: Currency = Field(default_factory=unset)


class OfferCopy(Input):
    """How a clone is to be called; without a slug it is the original's with `-copy`."""

    model_config = example(name="Your SaaS, spring")

    name: Name | None = None
    slug: Slug | None = None


class Offer(Output):
    """What is promoted. `postback_secret` is null for everybody but admins.

    `smart_link` is the newest revision; while `canary` is not null it is on some of the workers alone.
    """

    id: str = Field(examples=["o_mfzwizltoq2dgnbt"])
    slug: str
    url: str
    name: str
    destination_url: str
    status: OfferStatus
    inactive_url: str | None
    redirect_status: int
    append_click_id: bool
    pass_query: bool
    domain_ids: list[str]
    currency: str
    postback_secret: str | None
    smart_link: SmartLink
    revision: int
    canary: Canary | None
    created_at: TimeOut
    updated_at: TimeOut


class SavedOffer(Offer):
    """An offer as it was stored, what looks wrong about it, and the number of its publish."""

    sequence: int
    warnings: list[Warning]
