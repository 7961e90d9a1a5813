"""A subscription whose Redis was never there, and the small parts it is made of."""

import asyncio
import math
from pathlib import Path

import orjson
import pytest

from edge.feed.budget import Bucket, ClientBudget
from edge.feed.subscription import Subscription
from edge.rules.chain import Link
from edge.rules.floors import Floors
from edge.rules.links import LinksUnavailable
from edge.rules.nacks import MAX_NACKS, Nacks
from edge.rules.published import Refused, is_tombstone, link_of, offer_of
from edge.rules.replies import Page, parse_page, read_head
from edge.rules.standing import Relation, Standing
from shared import wire
from shared.key import Key
from shared.wire import Announcement, Head, Version
from tests.servers import free_port

HANG_S = 30.0


def test_without_redis_it_starts_says_so_and_stops(tmp_path: Path) -> None:
    async def scenario() -> None:
        url = f"redis://127.0.0.1:{free_port()}/0"
        links = Subscription(url, host="edge-1", snapshot_path=tmp_path / "snapshot")
        await links.start()
        with pytest.raises(LinksUnavailable):
            await links.fetch(Key("_", "saas"))
        status = links.status()
        assert (links.state, links.version, status.epoch, status.unavailable) == ("cold", Version(0, 0), 0, 1)
        assert math.isfinite(links.age_s)
        assert orjson.loads(orjson.dumps(status.details()))["state"] == "cold"
        await links.stop()
        assert not (tmp_path / "snapshot").exists()

    asyncio.run(asyncio.wait_for(scenario(), HANG_S))


class TestBudgets:
    def test_a_bucket_gives_what_was_saved_and_then_its_rate(self) -> None:
        bucket = Bucket(10, 3, 0.0)

        assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
        assert [bucket.take(0.1), bucket.take(0.1)] == [True, False]
        assert [bucket.take(60.0) for _ in range(4)] == [True, True, True, False]

    def test_time_that_goes_back_gives_nothing(self) -> None:
        bucket = Bucket(10, 1, 100.0)

        assert bucket.take(100.0)
        assert not bucket.take(0.0)

    def test_a_client_pays_for_absences_only_and_alone(self) -> None:
        clients = ClientBudget(per_s=1, burst=2)
        for _ in range(9):
            assert clients.take("203.0.113.0", 0.0)
            clients.give_back("203.0.113.0")

        assert [clients.take("203.0.113.0", 0.0) for _ in range(3)] == [True, True, False]
        assert clients.take("198.51.100.0", 0.0)
        assert clients.take("203.0.113.0", 1.0)

    def test_nobody_saves_more_than_the_burst(self) -> None:
        clients = ClientBudget(per_s=1, burst=2)
        clients.give_back("stranger")
        clients.take("203.0.113.0", 0.0)
        for _ in range(9):
            clients.give_back("203.0.113.0")

        assert [clients.take("203.0.113.0", 0.0) for _ in range(3)] == [True, True, False]

    def test_a_million_clients_are_not_remembered(self) -> None:
        clients = ClientBudget(max_clients=100)
        for n in range(10_000):
            clients.take(str(n), 0.0)

        assert len(clients) == 100


class TestFloors:
    HEAD = Head(2, 50, "", "ready")

    def test_below_its_own_floor_nothing_passes_whoever_vouches(self) -> None:
        floors = Floors()
        floors.raise_key("k:_/a", Version(2, 40))
        floors.raise_key("k:_/a", Version(2, 30))

        assert not floors.admits("k:_/a", Version(2, 39), self.HEAD)
        assert floors.admits("k:_/a", Version(2, 40), None)
        assert floors.admits("k:_/b", Version(1, 1), None)

    def test_below_the_floor_for_all_a_head_must_vouch(self) -> None:
        floors = Floors()
        floors.raise_all(Version(2, 50))

        assert floors.admits("k:_/a", Version(2, 10), self.HEAD)
        assert not floors.admits("k:_/a", Version(2, 10), Head(2, 49, "", "ready"))
        assert not floors.admits("k:_/a", Version(2, 10), None)
        assert floors.admits("k:_/a", Version(2, 10), Head(2, 50, "", "loading"))
        assert not floors.admits("k:_/a", Version(1, 10), Head(2, 50, "", "loading"))

    def test_an_absence_needs_a_ready_head_that_knows_of_the_key(self) -> None:
        floors = Floors()
        floors.raise_key("k:_/a", Version(2, 51))

        assert not floors.admits_absence("k:_/a", self.HEAD)
        assert floors.admits_absence("k:_/b", self.HEAD)
        assert not floors.admits_absence("k:_/b", Head(2, 50, "", "loading"))
        assert not floors.admits_absence("k:_/b", None)

    def test_a_floor_for_all_replaces_those_below_it(self) -> None:
        floors = Floors(max_keys=3)
        for n in range(1, 5):
            floors.raise_key(f"k:_/{n}", Version(2, n))

        assert (len(floors), floors.for_all) == (0, Version(2, 4))


class TestStanding:
    HEARD = Version(2, 50)

    @pytest.mark.parametrize(
        ("head", "relation"),
        [
            pytest.param(None, Relation.LOST, id="flushed"),
            pytest.param(Head(2, 49, ""), Relation.LOST, id="went back"),
            pytest.param(Head(1, 99, ""), Relation.LOST, id="an epoch of old"),
            pytest.param(Head(2, 50, "h"), Relation.LEVEL, id="level"),
            pytest.param(Head(2, 51, ""), Relation.AHEAD, id="ahead"),
            pytest.param(Head(3, 1, ""), Relation.START_OVER, id="new lineage"),
            pytest.param(Head(3, 1, "", "loading"), Relation.START_OVER, id="new lineage that loads"),
        ],
    )
    def test_a_head_means(self, head: Head | None, relation: Relation) -> None:
        standing = Standing()
        standing.chain.moved(Link(self.HEARD, "h"))

        assert standing.observe(head, self.HEARD, self.HEARD) is relation

    def test_an_old_answer_means_nothing(self) -> None:
        assert Standing().observe(Head(2, 49, ""), Version(2, 49), self.HEARD) is Relation.OLD

    def test_a_rollback_that_cannot_be_proven_undone_starts_over(self) -> None:
        standing = Standing()
        standing.chain.moved(Link(self.HEARD, "h"))
        standing.observe(Head(2, 49, "g"), self.HEARD, self.HEARD)

        assert not standing.sound
        assert standing.observe(Head(2, 51, "i"), self.HEARD, self.HEARD) is Relation.START_OVER
        assert standing.sound

    def test_a_rollback_proven_undone_is_over(self) -> None:
        standing = Standing()
        standing.chain.moved(Link(self.HEARD, "h"))
        standing.observe(Head(2, 49, "g"), self.HEARD, self.HEARD)

        assert standing.observe(Head(2, 50, "h"), self.HEARD, self.HEARD) is Relation.LEVEL
        assert standing.sound


class TestReplies:
    ENTRIES = tuple(Announcement(2, n - 1, n, ("k:_/a",)) for n in range(5, 9))

    def page(self, *entries: Announcement) -> Page:
        return Page(Head(2, 8, ""), entries, {})

    def test_entries_that_follow_are_news(self) -> None:
        assert self.page(*self.ENTRIES).after(Version(2, 5)) == list(self.ENTRIES[1:])
        assert self.page(*self.ENTRIES).after(Version(2, 8)) == []

    def test_a_gap_or_another_lineage_is_no_news_at_all(self) -> None:
        assert self.page(*self.ENTRIES).after(Version(2, 3)) is None
        assert self.page(self.ENTRIES[0], self.ENTRIES[2]).after(Version(2, 4)) is None
        assert self.page(*self.ENTRIES).after(Version(3, 4)) is None

    def test_what_cannot_be_read_ends_the_page_and_is_no_head(self) -> None:
        good = wire.encode_announcement(self.ENTRIES[0])
        page = parse_page((b"{", [good, b"\xff", good], [b"k:_/a\xff"], [None]))

        assert page.head is None
        assert page.entries == self.ENTRIES[:1]
        assert read_head(None) is None


def test_published_keys_say_what_they_are() -> None:
    assert link_of("k:go.example.com/saas") == Key("go.example.com", "saas")
    assert link_of("o:o_1") is None
    assert offer_of("o:o_1") == "o_1"
    assert offer_of("domains") is None
    assert is_tombstone(wire.encode_value(Version(1, 1), "k:_/a", None))
    assert not is_tombstone(wire.encode_value(Version(1, 1), "k:_/a", b'{"body":null}'))


def test_nacks_are_bounded_and_the_newest_is_last() -> None:
    nacks = Nacks()
    for n in range(2 * MAX_NACKS):
        nacks.refuse(Refused(f"k:_/{n}", "x" * 1_000), sequence=n)
    nacks.refuse(Refused("k:_/39", "x" * 1_000), sequence=39)

    assert len(nacks.listed()) == MAX_NACKS
    assert (nacks.listed()[-1].key, len(nacks.listed()[-1].reason)) == ("k:_/39", 200)
    assert nacks.total == 2 * MAX_NACKS
