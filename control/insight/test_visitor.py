"""Test a visitor: what an edge would answer, and rule by rule why; by the edge's own code, on a draft if given."""

import asyncio
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter
from pydantic import Field
from pydantic import StringConstraints as Text

from control.access.guard import Viewer
from control.destinations import UrlRules
from control.errors import Faults, FieldError, Problem
from control.fields import Input, Output, PathId
from control.insight.classifier import Classifier
from control.offers import store as offers
from control.offers.compiled import compiled_offer, draft_of
from control.parts import Parts, PartsDep
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import check_draft
from control.smartlinks.schemas import SmartLinkIn
from shared.conditions import KINDS
from shared.decision import decide, trace
from shared.destination import macros_of, param_value
from shared.rules import Offer
from shared.table import Table, compile_offer, decode_table
from shared.visitor import Visitor

CLICK_ID: Final = b"test"
"""What stands for the click id in the Location of a test."""

router = APIRouter(prefix="/offers/{offer_id}/smart-link", tags=["smart links"])

HeaderValue = Annotated[str, Text(max_length=2048)]


class VisitorIn(Input):
    """Who to test: attributes as rules name them, or `ip` and headers as a browser sends them; attributes win."""

    country: str | None = Field(default=None, max_length=16, examples=["US"])
    device: str | None = Field(default=None, max_length=16, examples=["mobile"])
    os: str | None = Field(default=None, max_length=16, examples=["ios"])
    ip: str | None = Field(default=None, max_length=64)
    user_agent: HeaderValue | None = None
    headers: dict[Annotated[str, Text(max_length=64)], HeaderValue] = Field(default_factory=dict, max_length=64)


class TestIn(Input):
    """A visitor, the query of their click, and the smart link to test instead of the one that is live."""

    visitor: VisitorIn = Field(default_factory=VisitorIn)
    query: str = Field(default="", max_length=2048, examples=["via=mara&sub1=tiktok"])
    draft: SmartLinkIn | None = None


class TestedVisitor(Output):
    """What the rules saw."""

    country: str
    device: str
    os: str
    browser: str
    bot: bool


class ConditionOutcome(Output):
    """One condition: what the visitor has, and what it needs, in English."""

    kind: str
    value: str
    holds: bool
    needs: str


class RuleOutcome(Output):
    """One rule: `matched`, `failed`, `disabled`, or `not_reached` below the first match."""

    rule_id: str
    name: str
    outcome: str
    conditions: list[ConditionOutcome]


class TestResult(Output):
    """What the visitor would get: `rule_id` is a rule's, `fallback`, `off` or `inactive`; both null means 410."""

    visitor: TestedVisitor
    rule_id: str | None
    location: str | None
    trace: list[RuleOutcome]


@router.post("/test", summary="Test a visitor")
async def post_test(parts: PartsDep, _caller: Viewer, offer_id: PathId, body: TestIn) -> TestResult:
    return await run_test(parts, offer_id, body)


async def run_test(parts: Parts, offer_id: str, wanted: TestIn) -> TestResult:
    """Return what a visitor would get. Raises Problem 404, 422."""
    given = None if wanted.draft is None else check_draft(wanted.draft, UrlRules(parts.settings.app_schemes))
    async with parts.db.read() as session:
        row = await offers.require(session, offer_id)
        draft = given.numbered() if given else draft_of(await smart_links.current(session, row))
    visitor = await visitor_of(parts.classifier, wanted.visitor)
    return outcome(compiled_offer(row, draft), visitor, wanted.query)


def outcome(offer: Offer, visitor: Visitor, query: str) -> TestResult:
    """Return what `visitor` would get from `offer`: compiled, decoded and decided as on an edge."""
    table = table_of(offer)
    decision = decide(table, visitor)
    location = None
    if decision is not None:
        macros = macros_of(visitor, _sent(query), offer=offer.slug, link="", rule=decision.rule)
        location = decision.destination.location(CLICK_ID, query.encode("utf-8", "replace"), macros).decode()
    link = offer.smart_link
    steps = trace(link, visitor) if link.enabled and table.status == "active" else []
    return TestResult(
        visitor=TestedVisitor(**visitor._asdict()),
        rule_id=None if decision is None else decision.rule,
        location=location,
        trace=[RuleOutcome.model_validate(step, from_attributes=True) for step in steps],
    )


def table_of(offer: Offer) -> Table:
    """Return the table that an edge would have of `offer`. Raises Problem 422 where it is too large for edges."""
    try:
        return decode_table(orjson.loads(compile_offer(offer)))
    except ValueError as exc:
        raise Problem.invalid([FieldError("draft.rules", "too_large", f"{exc}.")]) from exc


async def visitor_of(classifier: Classifier, wanted: VisitorIn) -> Visitor:
    """Return who an edge would see. Raises Problem 422 for an attribute that no visitor can have."""
    visitor = Visitor(country="ZZ", device="other", os="other")
    headers = {name.lower(): value for name, value in wanted.headers.items()}
    if wanted.user_agent is not None:
        headers["user-agent"] = wanted.user_agent
    if headers or wanted.ip is not None:
        visitor = await asyncio.to_thread(classifier.visitor_of, wanted.ip or "", headers)
    return visitor._replace(**attributes_of(wanted))


def _sent(query: str) -> dict[str, str]:
    """Return the parameters of a query; of a name sent twice the first."""
    pairs = [pair.partition("=") for pair in query.split("&")]
    return {name: param_value(value.encode("utf-8", "replace")) for name, _, value in reversed(pairs)}


def attributes_of(wanted: VisitorIn) -> dict[str, Any]:
    """Return the attributes that were given, as rules name them. Raises Problem 422."""
    faults = Faults()
    attributes: dict[str, Any] = {}
    for name, kind in KINDS.items():
        written = getattr(wanted, name)
        if written is None:
            continue
        value = kind.normalise(written)
        if value is None or value in kind.groups:
            faults.add(f"visitor.{name}", f"unknown_{name}", f"{written!r} is no {name} that a visitor can have.")
            continue
        attributes[name] = value
    faults.raise_if_any()
    return attributes
