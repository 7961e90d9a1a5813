"""Coupons as the API takes and gives them."""

from typing import Annotated

from pydantic import Field
from pydantic import StringConstraints as Text

from control.fields import Id, Input, Output, Slug, TimeOut, example, unset

Code = Annotated[str, Text(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CouponIn(Input):
    """A new code: within its offer it is one partner's, whatever its case."""

    code: Code = Field(examples=["MARA20"])
    offer_id: Id = Field(examples=["o_mfzwizltoq2dgnbt"])
    partner_id: Id = Field(examples=["p_mfzwizltoq2dgnbt"])


class CouponLine(Input):
    """One line of bulk work: offer and partner by id or by slug."""

    code: Code
    offer_id: Id | None = None
    partner_id: Id | None = None
    offer: Slug | None = None
    partner: Slug | None = None


class CouponPatch(Input):
    """What of a coupon can change: whose it is, and how its code is written."""

    model_config = example(partner_id="p_mfzwizltoq2dgnbt")

    code: Code = Field(default_factory=unset)
    partner_id: Id = Field(default_factory=unset)


class Coupon(Output):
    """A code that credits a partner within an offer."""

    id: str = Field(examples=["c_mfzwizltoq2dgnbt"])
    code: str
    offer_id: str
    partner_id: str
    created_at: TimeOut
