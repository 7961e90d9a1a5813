"""What an offer's decisions are before and after an edit."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge.clicks.plan import MAX_TAKEN_OVER, Link, Plan
from shared.decision import decide
from shared.rules import SmartLink
from shared.visitor import Visitor
from tests import builders
from tests.shared.strategies import smart_links, visitors

ANYBODY = Visitor("US", "mobile", "ios", "Safari", False)


def group(visitor: Visitor) -> str:
    """What the visitors that no rule can tell apart have in common."""
    return "\t".join(map(str, visitor))


@st.composite
def edited(draw: st.DrawFn) -> tuple[SmartLink, SmartLink]:
    """A smart link, and what an edit made of it: another one, or the same in another order."""
    before = draw(smart_links())
    moved = st.permutations(before.rules).map(lambda rules: replace(before, rules=tuple(rules)))
    return before, draw(moved | smart_links())


@given(edited(), st.lists(visitors(), min_size=5, max_size=20))
def test_what_is_taken_over_is_what_would_be_decided(edit: tuple[SmartLink, SmartLink], asked: list[Visitor]) -> None:
    before, after = edit
    old = Plan(builders.table(builders.offer(link=before)))
    for visitor in asked:
        old.choose(group(visitor), visitor)
    table = builders.table(builders.offer(link=after, revision=8))
    new = Plan(table, old)

    for visitor in asked:
        choice = new.choices.get(group(visitor)) or new.choose(group(visitor), visitor)
        assert (choice.rule_id, choice.destination) == decide(table, visitor)
        assert choice.rule == f"8\t{choice.rule_id}\t".encode()


def test_an_edit_that_leaves_conditions_alone_decides_for_nobody_anew() -> None:
    old = Plan(builders.table())
    was = old.choose("us mobile", ANYBODY)
    rules = [builders.rule(rule.id, "https://else.example/", **_asked(rule.when)) for rule in builders.EXAMPLE.rules]
    new = Plan(builders.table(builders.offer(link=builders.smart_link(*rules))), old)

    assert was.destination.url == builders.APP_STORE
    assert {name: choice.destination.url for name, choice in new.choices.items()} == {
        "us mobile": "https://else.example/"
    }


def test_decisions_of_other_conditions_and_very_many_are_not_taken_over() -> None:
    old = Plan(builders.table())
    old.choose("us mobile", ANYBODY)
    moved = builders.smart_link(*reversed(builders.EXAMPLE.rules))
    for link in (moved, builders.smart_link(), builders.smart_link(enabled=False)):
        assert Plan(builders.table(builders.offer(link=link)), old).choices == {}

    for number in range(MAX_TAKEN_OVER):
        old.choose(f"group {number}", ANYBODY)
    assert Plan(builders.table(), old).choices == {}


def test_a_link_made_anew_for_another_table_says_what_it_said_of_itself() -> None:
    entry = builders.entry("jane", partner="jane", link="l_1")
    before = Link(entry, Plan(entry.table), None)
    edited = builders.table(builders.offer(revision=8))
    after = Link(builders.entry("jane", edited, partner="jane", link="l_1"), Plan(edited), before)

    assert (before.revision, after.revision) == (7, 8)
    assert after.event == before.event == b"_\tjane\to_saas\tl_1\t"
    assert after.presets is before.presets


def _asked(when: object) -> dict[str, tuple[str, ...]]:
    assert isinstance(when, dict)
    return {kind: condition.include for kind, condition in when.items()}
