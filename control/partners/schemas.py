"""Partners as the API takes and gives them."""

from pydantic import Field

from control.fields import Input, Name, Output, Slug, TimeOut, unset


class PartnerIn(Input):
    """A new partner; `slug` is what `?via=` names."""

    name: Name = Field(examples=["Mara Lindt"])
    slug: Slug = Field(examples=["mara"])


class PartnerPatch(Input):
    """What of a partner can change: the slug is in links that people have shared."""

    name: Name = Field(default_factory=unset, examples=["Mara L."])


class Partner(Output):
    """Who sends traffic."""

    id: str = Field(examples=["p_mfzwizltoq2dgnbt"])
    name: str
    slug: str
    created_at: TimeOut
