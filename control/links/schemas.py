"""Links as the API takes and gives them."""

from pydantic import Field, StrictBool

from control.fields import Id, Input, Output, Preset, Slug, TimeIn, TimeOut, example, unset


class LinkIn(Input):
    """A new link; without a slug it gets a random one, without a domain it lives in the default namespace."""

    model_config = example(slug="mara-tiktok", offer_id="o_mfzwizltoq2dgnbt", sub1="tiktok")

    slug: Slug | None = Field(default=None, examples=["mara-tiktok"])
    offer_id: Id = Field(examples=["o_mfzwizltoq2dgnbt"])
    partner_id: Id | None = None
    coupon: Preset | None = None
    sub1: Preset | None = None
    sub2: Preset | None = None
    sub3: Preset | None = None
    sub4: Preset | None = None
    sub5: Preset | None = None
    domain_id: Id | None = None
    enabled: StrictBool = True
    expires_at: TimeIn | None = None


class LinkLine(LinkIn):
    """One line of bulk work: offer, partner and domain may be named by slug or host instead of by id."""

    offer_id: Id | None = None  # type: ignore[assignment]  # one of offer_id and offer is required: see `links.bulk`
    offer: Slug | None = None
    partner: Slug | None = None
    domain: str | None = Field(default=None, max_length=253)


class LinkPatch(Input):
    """What of a link can change; under another slug the old one is gone. Its domain stays."""

    model_config = example(enabled=False)

    slug: Slug = Field(default_factory=unset)
    offer_id: Id = Field(default_factory=unset)
    partner_id: Id | None = Field(default_factory=unset)
    coupon: Preset | None = Field(default_factory=unset)
    sub1: Preset | None = Field(default_factory=unset)
    sub2: Preset | None = Field(default_factory=unset)
    sub3: Preset | None = Field(default_factory=unset)
    sub4: Preset | None = Field(default_factory=unset)
    sub5: Preset | None = Field(default_factory=unset)
    enabled: StrictBool = Field(default_factory=unset)
    expires_at: TimeIn | None = Field(default_factory=unset)


class Link(Output):
    """A short slug that presets partner, coupon and sub-IDs for an offer; what is preset beats the visitor's query."""

    id: str = Field(examples=["l_mfzwizltoq2dgnbt"])
    slug: str
    url: str
    offer_id: str
    partner_id: str | None
    coupon: str | None
    sub1: str | None
    sub2: str | None
    sub3: str | None
    sub4: str | None
    sub5: str | None
    domain_id: str | None
    enabled: bool
    expires_at: TimeOut | None
    created_at: TimeOut
