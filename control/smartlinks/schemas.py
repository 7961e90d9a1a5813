"""Smart links as the API takes and gives them."""

from typing import Annotated, Any, Final

from pydantic import Field, StrictBool, StrictInt, WithJsonSchema

from control.canaries.schemas import Canary, TriedCanary
from control.fields import Id, Input, OptionalName, Output, SmallJson, TimeOut, Url, example
from control.publishing.acks import Propagation as Reach
from shared.conditions import KINDS

MAX_RULES: Final = 300
MAX_WAIT_S: Final = 60.0


def _list_schema(values: list[str] | None) -> dict[str, Any]:
    item: dict[str, Any] = {"type": "string"} | ({"enum": values} if values else {})
    return {"type": "array", "items": item, "minItems": 1, "maxItems": 300}


def _condition_schema(kind: str) -> dict[str, Any]:
    values = _list_schema(None if kind == "country" else list(KINDS[kind].values))
    written = {"type": "object", "properties": {"in": values, "not": values}, "minProperties": 1}
    return {"anyOf": [values, written | {"additionalProperties": False}]}


_WHEN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Conditions",
    "description": "Kind to accepted values, `{not: [...]}` or `{in: [...], not: [...]}`; all must hold. "
    "Countries are ISO 3166-1 codes (`ZZ` is unknown) and groups such as `@eu`.",
    "properties": {kind: _condition_schema(kind) for kind in KINDS},
    "additionalProperties": False,
    "examples": [{"country": ["US"], "device": ["mobile"], "os": {"not": ["android"]}}],
}

When = Annotated[SmallJson, WithJsonSchema(_WHEN_SCHEMA)]


class RuleIn(Input):
    """A rule as written; without an id it is a new one and gets its own."""

    id: Id | None = None
    name: OptionalName | None = ""
    enabled: StrictBool = True
    when: When = Field(default_factory=dict)
    destination_url: Url = Field(examples=["https://apps.apple.com/us/app/your-app"])


class SmartLinkIn(Input):
    """The whole smart link: what is not in it is gone.

    `revision` and `canary` are taken back unread; `If-Match` is what guards, and the query is what begins a canary.
    """

    model_config = example(
        enabled=True,
        fallback_url="https://yourbrand.com",
        rules=[
            {
                "name": "US phones",
                "when": {"country": ["US"], "device": ["mobile"]},
                "destination_url": "https://apps.apple.com/us/app/your-app",
            },
            {"when": {"country": ["GB"]}, "destination_url": "https://yourbrand.co.uk/landing"},
        ],
    )

    enabled: StrictBool = True
    fallback_url: Url | None = None
    rules: list[RuleIn] = Field(max_length=MAX_RULES)
    revision: StrictInt | None = None
    canary: SmallJson | None = None


class Rule(Output):
    """A rule; its place in the list is its priority, its id is stable for its life."""

    id: str = Field(examples=["r_mfzwizltoq2dgnbt"])
    name: str
    enabled: bool
    when: When
    destination_url: str


class SmartLink(Output):
    """Ordered rules, first match wins; `fallback_url` null sends everyone else to the offer's own destination."""

    enabled: bool
    fallback_url: str | None
    rules: list[Rule]
    revision: int


class LiveSmartLink(SmartLink):
    """The newest revision, and the canary while it is on some of the workers alone."""

    canary: Canary | None


class Warning(Output):
    """What is allowed but likely not meant.

    `never`: the rules named in `by` leave it nobody. `overlaps`: order decides between it and `by`. `loop`: it leads to
    one of our own domains. `not_https`, `no_click_id`: as they say. `rule_id` is a rule's, `fallback` or `offer`.
    """

    code: str = Field(examples=["never"])
    rule_id: str
    by: list[str]
    message: str


class Refusal(Output):
    """Why one edge went on serving what it had."""

    edge: str
    key: str
    reason: str


class Propagation(Output):
    """On how many edges a publish is live: `live` of `of`, `unknown` not heard from, `refused` refusing it.

    `ms` is the time from commit until it was live everywhere, or until now; null where that was before anybody looked.
    """

    live: int
    of: int
    unknown: int
    refused: int
    ms: int | None
    complete: bool
    refusals: list[Refusal]

    @classmethod
    def of_reach(cls, reach: Reach) -> "Propagation":
        """Return `reach` as the API gives it."""
        refusals = [Refusal(edge=refusal.edge, key=refusal.key, reason=refusal.reason) for refusal in reach.refused]
        return cls(
            live=reach.live,
            of=reach.of,
            unknown=reach.unknown,
            refused=len({refusal.edge for refusal in refusals}),
            ms=reach.ms,
            complete=reach.complete,
            refusals=refusals,
        )


class SavedSmartLink(LiveSmartLink):
    """What was stored, what looks wrong about it, and how far it got."""

    sequence: int
    warnings: list[Warning]
    propagation: Propagation


class Author(Output):
    """Who made a revision: an API key, a person, or the system."""

    kind: str
    id: str
    name: str


class Difference(Output):
    """One difference from the revision before.

    `kind`: `enabled`, `fallback_url`, `rule_added`, `rule_removed`, `rule_moved` (places from 1) or `rule_changed`
    (`field` says what).
    """

    kind: str
    rule_id: str | None = None
    name: str | None = None
    field: str | None = None
    before: Any = None
    after: Any = None


class OverriddenTest(Output):
    """A saved test that failed when an admin saved all the same, and how."""

    id: str
    name: str
    message: str


class RevisionEntry(Output):
    """One revision in the history.

    `overridden_tests` are the saved tests that it fails and was saved in spite of; `canary` is how it was tried on some
    workers first, null where it went to everyone at once.
    """

    revision: int
    created_at: TimeOut
    author: Author
    restored_from: int | None
    sequence: int
    overridden_tests: list[OverriddenTest]
    canary: TriedCanary | None
    diff: list[Difference]


class Revision(RevisionEntry):
    """One revision, whole."""

    smart_link: SmartLink
