"""Warnings are exact: a rule is called unreachable exactly when no visitor reaches it."""

from itertools import product

from hypothesis import given, settings

from shared.conditions import KINDS, parse_when
from shared.reachability import Finding, findings
from shared.rules import Rule, SmartLink
from shared.visitor import Visitor
from tests.shared.strategies import smart_links
from tests.shared.test_decision import EXAMPLE, naive

# One visitor for each group of countries that the strategies can tell apart.
COUNTRIES = ("US", "GB", "DE", "MX", "XK", "FR", "BR", "JP", "ZZ")
EVERYBODY = [Visitor(*point) for point in product(COUNTRIES, KINDS["device"].values, KINDS["os"].values)]


def rule(name: str, url: str = "", **when: object) -> Rule:
    return Rule(name, url or f"https://{name}.example/", parse_when(when))


def found(*rules: Rule) -> list[Finding]:
    return findings(SmartLink(enabled=True, rules=rules))


def test_the_example_has_nothing_to_warn_of() -> None:
    assert findings(EXAMPLE) == []


def test_a_narrow_rule_below_a_broad_one_is_never_reached() -> None:
    assert found(rule("a", country=["US"]), rule("b", country=["US"], os=["ios"])) == [Finding("never", "b", ("a",))]


def test_two_rules_together_can_cover_a_third() -> None:
    above = rule("a", country=["US"], device=["mobile"]), rule("b", country=["US"], device={"not": ["mobile"]})

    assert found(*above, rule("c", country=["US"])) == [Finding("never", "c", ("a", "b"))]


def test_conditions_that_exclude_each_other_are_named_without_a_culprit() -> None:
    assert found(rule("a", country={"in": ["US"], "not": ["US"]})) == [Finding("never", "a", ())]


def test_overlap_is_told_only_where_destinations_differ() -> None:
    broad = rule("b", "https://same.example/", country=["US"])
    same = rule("a", "https://same.example/", os=["ios"])

    assert found(same, broad) == []
    assert found(rule("a", os=["ios"]), broad) == [Finding("overlaps", "b", ("a",))]


def test_a_rule_for_everyone_leaves_nobody_to_the_fallback_but_the_unknown() -> None:
    assert found(rule("a", country={"not": ["ZZ"]})) == []
    assert found(rule("a")) == [Finding("never", "fallback", ("a",))]


def test_a_disabled_rule_covers_nobody() -> None:
    off = Rule("a", "https://a.example/", {}, enabled=False)

    assert found(off, rule("b", country=["US"])) == []


@given(smart_links())
@settings(max_examples=150)
def test_never_is_said_exactly_of_rules_that_no_visitor_reaches(link: SmartLink) -> None:
    reached = {naive(link, visitor) for visitor in EVERYBODY}
    unreached = {rule.id for rule in link.rules if rule.enabled} - reached
    unreached |= {"fallback"} - reached

    said = {finding.rule_id for finding in findings(link) if finding.code == "never"}
    assert said == unreached
