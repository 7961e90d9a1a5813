"""Postbacks as the API takes and gives them."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic import StringConstraints as Text

from control.conversions.schemas import Conversion
from control.fields import Input, Output, TimeOut, example

Value = Annotated[str, Text(max_length=500)]


class Outcome(StrEnum):
    """What became of an attempt; `differs` is a repeat that says something else than the first report."""

    CREATED = "created"
    REPEATED = "repeated"
    DIFFERS = "differs"
    REFUSED = "refused"


class FaultOut(Output):
    """One fault of an attempt."""

    path: str
    code: str
    message: str


class Postback(Output):
    """One attempt to report, as the log keeps it: never with the secret, the sender's address truncated."""

    time: TimeOut
    method: str
    source: str
    params: dict[str, str] = Field(examples=[{"click_id": "0abc", "txn_id": "1042", "amount": "49.90"}])
    ignored: list[str] = Field(description="Names of parameters that postbacks do not have")
    outcome: Outcome
    status: int = Field(description="What was answered, as an HTTP status")
    code: str
    detail: str
    errors: list[FaultOut]
    differs: list[str] = Field(description="What a repeat says otherwise than the first report, which stands")
    conversion_id: str | None
    test: bool


class PostbackTest(Input):
    """A conversion to try out; without click and coupon it is one on the offer's newest click."""

    model_config = example(coupon="MARA20", amount="49.90")

    click_id: Value | None = None
    coupon: Value | None = None
    txn_id: Value | None = None
    amount: Value | Decimal | None = None
    currency: Value | None = None
    event: Value | None = None
    refund_id: Value | None = None

    def params(self) -> dict[str, str]:
        """Return what a postback would say."""
        said = {name: str(value).strip() for name, value in self if value is not None}
        return {name: value for name, value in said.items() if value}


class TestedPostback(Output):
    """What a postback like this would be answered, and the conversion it would make; nothing was kept or counted."""

    outcome: Outcome
    status: int
    code: str
    detail: str
    errors: list[FaultOut]
    params: dict[str, str] = Field(description="What was reported")
    conversion: Conversion | None = Field(description="For a repeat, the first one")
