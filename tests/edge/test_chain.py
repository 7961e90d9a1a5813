"""Which history was heard: what a snapshot says of it holds until more is known."""

import pytest

from edge.rules.chain import UNKNOWN, Chain, Link
from shared.wire import Head, Version

OLDEST = Link(Version(2, 5), "five")
NEWEST = Link(Version(2, 8), "eight")


def head(sequence: int, digest: str) -> Head:
    return Head(2, sequence, digest, "ready")


@pytest.fixture
def restored() -> Chain:
    """What is known of a snapshot that was written while edits came in."""
    chain = Chain()
    chain.restored(OLDEST, NEWEST)
    return chain


def test_a_snapshot_is_of_one_history_from_its_oldest_part_to_its_newest(restored: Chain) -> None:
    assert (restored.heard, restored.newest) == (OLDEST, NEWEST)
    assert restored.leads_to(head(5, "five"))
    assert restored.leads_to(head(8, "eight"))
    assert not restored.leads_to(head(5, "other"))
    assert not restored.leads_to(head(8, "other"))


def test_its_newest_part_is_remembered_while_what_led_to_it_is_heard(restored: Chain) -> None:
    restored.moved(Link(Version(2, 7), "seven"))

    assert restored.newest == NEWEST
    assert not restored.leads_to(head(8, "other"))


def test_it_is_passed_by_what_is_heard_beyond_it(restored: Chain) -> None:
    restored.moved(Link(Version(2, 9), "nine"))

    assert restored.newest == restored.heard == Link(Version(2, 9), "nine")


@pytest.mark.parametrize("newest", [UNKNOWN, OLDEST], ids=["unknown", "older"])
def test_nothing_held_is_newer_than_what_was_heard_where_a_snapshot_says_no_more(newest: Link) -> None:
    chain = Chain()

    chain.restored(NEWEST, newest)

    assert chain.newest == NEWEST
