"""The compiled table decides as the rules read."""

import orjson
import pytest
from hypothesis import given, settings

from shared.conditions import parse_when
from shared.decision import decide, trace
from shared.rules import Offer, OfferStatus, Rule, SmartLink
from shared.table import compile_offer, decode_table
from shared.visitor import Visitor
from tests.shared.strategies import smart_links, visitors

EXAMPLE = SmartLink(
    enabled=True,
    fallback_url="https://yourbrand.com/",
    rules=(
        Rule("r_app", "https://apps.apple.com/us/app/your-app", parse_when({"country": ["US"], "device": ["mobile"]})),
        Rule("r_desk", "https://yourbrand.com/landing", parse_when({"country": ["US"], "device": ["desktop"]})),
        Rule("r_uk", "https://yourbrand.co.uk/landing", parse_when({"country": ["UK"]})),
    ),
)


def offer_with(link: SmartLink, **fields: object) -> Offer:
    return Offer(id="o_1", slug="saas", destination_url="https://yourbrand.com/", smart_link=link, **fields)  # type: ignore[arg-type]


def decided(offer: Offer, visitor: Visitor) -> str | None:
    decision = decide(decode_table(orjson.loads(compile_offer(offer))), visitor)
    return decision and decision.rule


def naive(link: SmartLink, visitor: Visitor) -> str:
    """The sentence of the design, evaluated with plain sets and no bitmask."""
    for rule in link.rules:
        if rule.enabled and all(
            _holds(kind, condition, getattr(visitor, kind)) for kind, condition in rule.when.items()
        ):
            return rule.id
    return "fallback"


def _holds(kind: str, condition: object, value: str) -> bool:
    from shared.countries import GROUPS

    def spread(values: tuple[str, ...]) -> set[str]:
        return {code for item in values for code in GROUPS.get(item, {item})}

    include, exclude = condition.include, condition.exclude  # type: ignore[attr-defined]
    if value in spread(exclude):
        return False
    if include is None:
        return value != "ZZ"
    return value in spread(include)


@pytest.mark.parametrize(
    ("visitor", "rule"),
    [
        pytest.param(Visitor("US", "mobile", "ios"), "r_app", id="US mobile goes to the app store"),
        pytest.param(Visitor("US", "desktop", "windows"), "r_desk", id="US desktop goes to the landing page"),
        pytest.param(Visitor("US", "tablet", "ios"), "fallback", id="US tablet matches no rule"),
        pytest.param(Visitor("GB", "tablet", "ios"), "r_uk", id="UK is GB, on any device"),
        pytest.param(Visitor("ZZ", "mobile", "ios"), "fallback", id="an unknown country is everyone else"),
    ],
)
def test_example_of_the_design(visitor: Visitor, rule: str) -> None:
    assert decided(offer_with(EXAMPLE), visitor) == rule


@pytest.mark.parametrize(
    ("when", "country", "holds"),
    [
        pytest.param(["ZZ"], "ZZ", True, id="a list with ZZ holds for the unknown"),
        pytest.param(["US"], "ZZ", False, id="a list without ZZ does not"),
        pytest.param({"not": ["US"]}, "ZZ", False, id="a negated list never holds for the unknown"),
        pytest.param({"not": ["US"]}, "FR", True, id="a negated list holds for a known country outside it"),
        pytest.param({"not": ["ZZ"]}, "FR", True, id="not unknown is any known country"),
        pytest.param({"in": ["@latam"], "not": ["MX"]}, "BR", True, id="LATAM except Mexico holds in Brazil"),
        pytest.param({"in": ["@latam"], "not": ["MX"]}, "MX", False, id="LATAM except Mexico does not in Mexico"),
        pytest.param({"in": ["@eu", "ZZ"], "not": ["DE"]}, "ZZ", True, id="in-not keeps a listed unknown"),
    ],
)
def test_unknown_and_negated_countries(when: object, country: str, holds: bool) -> None:
    link = SmartLink(enabled=True, rules=(Rule("r_1", "https://x.example/", parse_when({"country": when})),))

    assert decided(offer_with(link), Visitor(country, "mobile", "ios")) == ("r_1" if holds else "fallback")


@given(smart_links(), visitors())
@settings(max_examples=500)
def test_compiled_table_decides_as_the_rule_list_read_naively(link: SmartLink, visitor: Visitor) -> None:
    assert decided(offer_with(link), visitor) == (naive(link, visitor) if link.enabled else "off")


@given(smart_links(), visitors())
@settings(max_examples=300)
def test_trace_tells_what_decide_does(link: SmartLink, visitor: Visitor) -> None:
    matched = [step.rule_id for step in trace(link, visitor) if step.outcome == "matched"]

    assert matched == [rule for rule in [naive(link, visitor)] if rule != "fallback"]


@pytest.mark.parametrize(
    ("status", "inactive_url", "rule"),
    [
        pytest.param(OfferStatus.PAUSED, "https://later.example/", "inactive", id="paused goes to its inactive URL"),
        pytest.param(OfferStatus.PAUSED, None, None, id="paused without one is gone"),
        pytest.param(OfferStatus.ARCHIVED, "https://later.example/", None, id="archived is gone"),
    ],
)
def test_inactive_offers(status: OfferStatus, inactive_url: str | None, rule: str | None) -> None:
    offer = offer_with(EXAMPLE, status=status, inactive_url=inactive_url)

    assert decided(offer, Visitor("US", "mobile", "ios")) == rule


def test_smart_link_off_goes_to_the_main_destination() -> None:
    offer = offer_with(SmartLink(enabled=False, fallback_url="https://else.example/", rules=EXAMPLE.rules))
    decision = decide(decode_table(orjson.loads(compile_offer(offer))), Visitor("US", "mobile", "ios"))

    assert decision is not None
    assert (decision.rule, decision.destination.url) == ("off", "https://yourbrand.com/")


def test_every_condition_of_a_trace_says_what_it_needs() -> None:
    step = trace(EXAMPLE, Visitor("DE", "mobile", "ios"))[0]

    assert [(c.value, c.needs, c.holds) for c in step.conditions] == [
        ("DE", "from United States", False),
        ("mobile", "on mobile", True),
    ]
