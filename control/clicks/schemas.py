"""Clicks and accounts as the API gives them."""

from pydantic import Field

from control.fields import Output, TimeOut
from control.insight.test_visitor import RuleOutcome


class ListedClick(Output):
    """One click: what was sent, and what was decided.

    `rule_id` is a rule's, `fallback`, `off` or `inactive`; `rule_place` its place from 1 in the revision that the click
    saw; `destination_url` where it led, as typed in that revision; `partner_id` whose it is by now.
    """

    id: str
    time: TimeOut
    kind: str = Field(examples=["person"])
    unique: bool
    domain: str
    slug: str
    offer_id: str
    link_id: str | None
    revision: int
    rule_id: str
    rule_name: str
    rule_place: int | None
    destination_url: str | None
    country: str
    device: str
    os: str
    browser: str
    partner_id: str | None
    via: str
    coupon: str
    sub1: str
    sub2: str
    sub3: str
    sub4: str
    sub5: str
    referrer: str
    ip: str = Field(description="Truncated: the last 8 (IPv4) or 80 (IPv6) bits are not kept")


class Click(ListedClick):
    """One click, and why: `explanation` is the revision that it saw rule by rule, empty where that was off."""

    explanation: list[RuleOutcome]


class Counts(Output):
    """produced = recorded + in_flight + the sum of dropped."""

    produced: int = Field(description="Redirects that count, as the edge's processes counted them")
    recorded: int = Field(description="Of these, in SQL")
    in_flight: int = Field(description="Of these, still in a spool or in Redis")
    dropped: dict[str, int] = Field(description="Of these, lost, by reason", examples=[{"quota": 12}])


class BootAccount(Counts):
    """One worker process, from its start to its end."""

    boot: str
    slot: int
    first_at: TimeOut | None
    last_at: TimeOut | None


class EdgeAccount(Counts):
    """All processes that ever ran on one edge, as far as they are remembered; `boots` the latest of them."""

    host: str
    boots: list[BootAccount]


class StreamAccount(Output):
    """The stream between edges and SQL: entries not yet recorded, and the age of the oldest of them."""

    entries: int
    oldest_age_ms: int


class Accounting(Output):
    """Where every counted click is. `stream` is null while the clicks Redis cannot be asked: then figures are as of the
    last batch recorded."""

    total: Counts
    edges: list[EdgeAccount]
    stream: StreamAccount | None
    dead_letters: int = Field(description="Batches and lines of the last 30 days that are no clicks, kept in SQL")
