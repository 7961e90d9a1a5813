"""Saved tests as the API takes and gives them."""

from typing import Any, Final, Self

from pydantic import Field, StrictBool, field_serializer, model_validator

from control.fields import Id, Input, Name, Output, TimeOut, Url, example, unset
from control.insight.test_visitor import RuleOutcome, TestedVisitor, VisitorIn
from control.smartlinks.schemas import SmartLinkIn

MAX_TESTS: Final = 50
"""Saved tests that an offer may have: each is asked while a save holds the database."""


class Expected(Input):
    """Where a visitor must go: `rule_id`, or `destination_url` as a rule writes it, whichever rule that is.

    `rule_id` is a rule's id, `fallback` for everyone else, or `off` while the smart link is off.
    """

    rule_id: Id | None = None
    destination_url: Url | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.rule_id is None) == (self.destination_url is None):
            raise ValueError("give either rule_id or destination_url")
        return self


class SavedTestIn(Input):
    """A visitor as `/smart-link/test` takes one, and where they must go."""

    model_config = example(
        name="US iPhone",
        visitor={"country": "US", "device": "mobile", "os": "ios"},
        expected={"destination_url": "https://apps.apple.com/us/app/your-app"},
    )

    name: Name
    visitor: VisitorIn
    expected: Expected


class SavedTestPatch(Input):
    """Fields of a saved test to change."""

    model_config = example(name="iPhone in the US")

    name: Name = Field(default_factory=unset)
    visitor: VisitorIn = Field(default_factory=unset)
    expected: Expected = Field(default_factory=unset)


class SavedTest(Output):
    """A visitor with a name, and where they must go at every save of the smart link."""

    id: str = Field(examples=["t_mfzwizltoq2dgnbt"])
    offer_id: str
    name: str
    visitor: VisitorIn
    expected: Expected
    created_at: TimeOut

    @field_serializer("visitor", "expected")
    def _as_given(self, value: Input) -> dict[str, Any]:
        return value.model_dump(exclude_defaults=True)


class RunIn(Input):
    """The smart link to ask instead of the one that is live, and whether to tell why tests fail."""

    draft: SmartLinkIn | None = None
    trace: StrictBool = Field(default=False, examples=[True])


class SavedTestOutcome(Output):
    """What became of one saved test.

    `rule_id` and `destination_url` are what the visitor would get; new rules of a draft are called by their places,
    `new-1`. `message` says it in English. `trace` holds the rules that were asked and the expected one, where the test
    fails and why was asked for.
    """

    id: str
    name: str
    passed: bool
    expected: Expected
    visitor: TestedVisitor
    rule_id: str
    destination_url: str
    message: str
    trace: list[RuleOutcome]

    @field_serializer("expected")
    def _as_given(self, value: Input) -> dict[str, Any]:
        return value.model_dump(exclude_defaults=True)


class SavedTestReport(Output):
    """What became of every saved test of an offer, oldest first."""

    passed: int
    failed: int
    tests: list[SavedTestOutcome]
